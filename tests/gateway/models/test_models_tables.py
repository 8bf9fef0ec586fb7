"""Paths, names, order, lists and kept answers of models: everything that is decided without asking anybody."""

import asyncio
from collections import Counter

import orjson
import pytest
from model_rig import Provider, asked, chunk, route, whole

from seawall.contracts.problem import problem
from seawall.contracts.reply import Reply
from seawall.gateway.models.kept import LARGEST, Answers, Question, question_of
from seawall.gateway.models.listing import listed
from seawall.gateway.models.order import ordered
from seawall.gateway.models.places import below_mount, place_of
from seawall.gateway.models.shape import shaped
from seawall.gateway.models.stream import ModelStream
from seawall.gateway.models.table import Models
from seawall.llm.passing import Passing
from seawall.llm.said import said
from seawall.stores.memory import MemoryEntries
from seawall.testing import ScriptedSource, virtual


@pytest.mark.parametrize(
    ("target", "dialect", "operation", "path"),
    [
        (b"/v1/chat/completions", "openai", "chat", b"/chat/completions"),
        (b"/v1/responses?x=1", "openai", "responses", b"/responses?x=1"),
        (b"/v1/audio/transcriptions", "openai", "audio", b"/audio/transcriptions"),
        (b"/v1/models", "openai", None, b""),
        (b"/v1/models/fast", "openai", None, b"/fast"),
        (b"/anthropic/v1/messages", "anthropic", "messages", b"/v1/messages"),
        (b"/anthropic/v1/messages/count_tokens", "anthropic", "count_tokens", b"/v1/messages/count_tokens"),
        (b"/anthropic/v1/models", "anthropic", None, b""),
    ],
)
def test_a_path_is_an_operation(target: bytes, dialect: str, operation: str | None, path: bytes):
    """With its query, which the provider may want."""
    assert place_of(target) == (dialect, operation, path)


@pytest.mark.parametrize("target", [b"/v1/", b"/v1/files", b"/anthropic/v1/complete", b"/v1/chat/completions/x", b"/x"])
def test_other_paths_are_none(target: bytes):
    """What cannot be metered is not passed on."""
    assert place_of(target) is None


def test_a_plain_mount_is_metered_where_it_asks_a_model():
    """And the rest of the API passes as it is."""
    assert below_mount("openai", b"/chat/completions") == ("openai", "chat", b"/chat/completions")
    assert below_mount("openai", b"/v1/embeddings") == ("openai", "embeddings", b"/embeddings")
    assert below_mount("openai", b"/files") is None
    assert below_mount("anthropic", b"/v1/messages") == ("anthropic", "messages", b"/v1/messages")
    assert below_mount("bedrock", b"/model/x/converse") is None


def test_a_name_is_an_alias_or_an_upstream_and_its_model():
    """Models have slashes themselves."""
    one = Provider("one", whole())
    models = Models({"fast": route(one.target())}, {"one": one.target(model="")})
    assert models.find("fast") is models.routes["fast"]
    found = models.find("one/meta/llama")
    assert found is not None
    assert found.targets[0].model == "meta/llama"
    assert [models.find(name) for name in ("slow", "two/x", "one/", "one")] == [None] * 4


def test_weights_choose_the_first_and_the_rest_stand_as_written():
    """Whoever is chosen, the others are there when it fails."""
    targets = [Provider(name, whole()).target(weight=weight) for name, weight in (("a", 90.0), ("b", 10.0))]
    where = route(*targets)
    assert ordered(where, "", lambda _least, _most: 89.0)[0] is targets[0]
    assert ordered(where, "", lambda _least, _most: 95.0) == (targets[1], targets[0])


def test_a_sticky_caller_keeps_its_target_and_weights_hold_over_all_callers():
    """The same in every process, since only names decide."""
    targets = [Provider(name, whole()).target(weight=weight) for name, weight in (("a", 90.0), ("b", 10.0))]
    where = route(*targets, sticky=True)
    firsts = Counter(ordered(where, f"caller {number}", lambda *_: 0.0)[0].name for number in range(2000))
    assert firsts["b/m"] == pytest.approx(200, abs=60)
    assert ordered(where, "kitchen", lambda *_: 0.0) == ordered(where, "kitchen", lambda *_: 99.0)


def test_the_list_shows_what_a_caller_may_use():
    """In both dialects; another's alias is not there."""
    one = Provider("one", whole())
    models = Models({"fast": route(one.target()), "smart": route(one.target())}, {})
    reply = listed(models, "openai", b"", lambda name: name == "fast")
    assert reply is not None
    assert [item["id"] for item in orjson.loads(reply.body)["data"]] == ["fast"]
    reply = listed(models, "anthropic", b"", lambda _: True)
    assert reply is not None
    assert orjson.loads(reply.body)["last_id"] == "smart"
    assert listed(models, "openai", b"/smart", lambda name: name == "fast") is None
    assert listed(models, "openai", b"/fast", lambda name: name == "fast") is not None


def test_errors_have_the_shape_of_the_dialect():
    """Anthropic's own form; OpenAI's SDKs read the problem, with the field at fault."""
    reply = shaped(problem(404, "not-found", "No such model", "Models: fast"), "anthropic")
    said_ = orjson.loads(reply.body)
    assert said_ == {"type": "error", "error": {"type": "not_found_error", "message": "Models: fast"}}
    assert reply.header(b"content-type") == b"application/json"
    reply = shaped(problem(400, "bad-request", "x", "y"), "openai", "messages")
    assert orjson.loads(reply.body)["error"]["param"] == "messages"


@pytest.mark.parametrize("operation", ["chat", "messages"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_fixed_text_is_an_answer_of_the_dialect(operation: str, stream: bool):
    """Whole or as a stream."""
    what = asked(stream=stream)
    made = said(what if operation == "chat" else _messages(stream), "Not now.", "r1", 1_800_000_000.0)
    assert made is not None
    headers, body = made
    assert b"Not now." in body
    assert (b"event-stream" in headers[0][1]) is stream


def _messages(stream: bool):
    from seawall.llm.understand import understand

    body = {"model": "fast", "max_tokens": 5, "stream": stream, "messages": [{"role": "user", "content": "hi"}]}
    return understand("anthropic", "messages", b"/v1/messages", b"application/json", orjson.dumps(body))


def question(cache_control: bytes | None = None, **fields: object) -> Question | None:
    """Return the question of a chat on a route that keeps answers for a minute."""
    return question_of(asked(**fields), route(Provider("one", whole()).target(), cache=60.0), cache_control)


def test_the_same_question_in_another_form_is_the_same():
    """Order of keys and who asks do not count; everything that may change the answer does."""
    usual = question(temperature=0.5, user="a")
    assert usual is not None
    same, other, streamed = question(user="b", temperature=0.5), question(temperature=0.6), question(stream=True)
    assert same is not None
    assert other is not None
    assert streamed is not None
    assert same.field == usual.field
    assert len({usual.field, other.field, streamed.field}) == 3


def test_nothing_is_kept_unless_the_alias_says_so():
    """Opt-in for each model."""
    assert question_of(asked(), route(Provider("one", whole()).target()), None) is None


def answers() -> Answers:
    """Return a keeper of answers in virtual time."""
    return Answers(MemoryEntries(8 << 20), None, asyncio.get_running_loop().time)


async def given(keeper: Answers, reply: Reply, cache_control: bytes | None = None) -> Reply | None:
    """Give an answer to a question, read it, and ask again."""
    before = question(cache_control)
    assert before is not None
    keeper.watch(before, reply)
    if not isinstance(reply.body, bytes):
        while await reply.body.read():
            pass
    reply.close()
    again = question()
    assert again is not None
    return await keeper.find(again)


@virtual
async def test_an_answer_is_given_again_until_its_time_is_over():
    """It costs nothing and says so."""
    keeper = answers()
    found = await given(keeper, whole()())
    assert found is not None
    assert orjson.loads(found.body)["choices"][0]["message"]["content"] == "hello"
    assert (b"x-seawall-cost", b"0") in (found.marks or ())
    await asyncio.sleep(61)
    again = question()
    assert again is not None
    assert await keeper.find(again) is None


def passing(*chunks: bytes, **how: object) -> Reply:
    """Return a chat stream on its way."""
    heard = Passing("openai", "chat")
    heard.head(200, [(b"content-type", b"text/event-stream")])
    body = ModelStream(ScriptedSource(chunks, **how), heard)  # type: ignore[arg-type]
    return Reply(200, [(b"content-type", b"text/event-stream")], body, None, True)


@virtual
async def test_a_completed_stream_is_replayed_as_one():
    """The same bytes, as a stream."""
    found = await given(answers(), passing(chunk("a"), chunk("b"), b"data: [DONE]\n\n"))
    assert found is not None
    assert found.body == chunk("a") + chunk("b") + b"data: [DONE]\n\n"
    assert found.streamed


@virtual
async def test_what_is_not_whole_or_not_good_is_not_kept():
    """A stream that broke, an error, a fixed text, one that is too large, and what the client wants forgotten."""
    from seawall.contracts.errors import UpstreamBroken

    assert await given(answers(), passing(chunk("a"), error=UpstreamBroken("cut", answered=True))) is None
    assert await given(answers(), whole(500)()) is None
    fixed = whole()()
    fixed.mark(b"x-seawall-fallback", b"fixed")
    assert await given(answers(), fixed) is None
    assert await given(answers(), whole(text="x" * LARGEST)()) is None
    assert await given(answers(), passing(chunk("x" * LARGEST))) is None
    assert await given(answers(), whole()(), b"no-store") is None


@virtual
async def test_no_cache_asks_anew_and_keeps_the_new_answer():
    """As a browser's reload does."""
    keeper = answers()
    assert await given(keeper, whole()()) is not None
    asked_anew = question(b"no-cache")
    assert asked_anew is not None
    assert await keeper.find(asked_anew) is None
    found = await given(keeper, whole(text="newer")(), b"no-cache")
    assert found is not None
    assert b"newer" in found.body
