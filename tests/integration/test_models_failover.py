"""Failover between real providers' formats, end to end: a gateway process, the scripted provider, and its bill."""

from collections.abc import Iterator

import orjson
import pytest
from model_gateway import served, upstreams
from several import Got, call

from providing import ProviderProcess, script

MODELS = """
[upstreams.other]
url = "http://{provider}/v1"
api = "openai"
stream_usage = true
allow_private = true
keys = ["first", "second"]
retry = false
[models.pair]
targets = ["openai/gpt-5-mini", "claude/claude-haiku-4-5"]
fallback = "Not now."
[models.quick]
targets = ["openai/gpt-5-mini", "claude/claude-haiku-4-5"]
try_for = "300ms"
[models.early]
targets = ["openai/gpt-5-mini", "claude/claude-haiku-4-5"]
commit_after = "100ms"
[models.alone]
targets = ["claude/claude-haiku-4-5", "other/gpt-5-mini"]
"""


@pytest.fixture(scope="module")
def port(running: ProviderProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Run one gateway for all tests here."""
    text = upstreams(running.address, "retry = false\nbreaker = false") + MODELS.format(provider=running.address)
    with served(text, tmp_path_factory.mktemp("failover")) as found:
        yield found


async def ask(port: int, model: str, *, stream: bool = False, **fields: object) -> Got:
    """Make one chat call."""
    said = {"model": model, "stream": stream, "messages": [{"role": "user", "content": script(**fields)}]}
    body = orjson.dumps(said)
    return await call(port, "/v1/chat/completions", "POST", "Content-Type: application/json", body=body)


CLAUDE = "claude/claude-haiku-4-5"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("trouble", [{"status": 500}, {"status": 429}, {"status": 401}, {"reset": True}, {"cut": 0}])
async def test_the_next_target_answers(port: int, provider: ProviderProcess, trouble: dict, stream: bool):
    """After an error, a reset or a break before content; the client sees one good answer, and who gave it."""
    got = await ask(port, "pair", stream=stream, times=1, key=f"{trouble}{stream}", output=4, **trouble)
    assert (got.status, got.headers["x-seawall-model"]) == (200, CLAUDE)
    assert got.headers["x-seawall-fallback"] == "target"
    assert provider.bill()["requests"] == 2


async def test_an_error_inside_a_stream_before_content_fails_over(port: int, provider: ProviderProcess):
    """Nothing of the first target's stream reaches the client."""
    got = await ask(port, "pair", stream=True, error_at=0, times=1, key="inside", output=4)
    assert (got.status, got.headers["x-seawall-model"]) == (200, CLAUDE)
    assert b"as the scenario says" not in got.body
    assert b"[DONE]" in got.body
    assert provider.bill()["requests"] == 2


@pytest.mark.parametrize("trouble", [{"error_at": 2}, {"cut": 2}])
async def test_after_content_the_stream_ends_in_an_error_event(port: int, provider: ProviderProcess, trouble: dict):
    """There is no going back: one target was asked."""
    got = await ask(port, "pair", stream=True, output=4, **trouble)
    assert (got.status, got.headers["x-seawall-model"]) == (200, "openai/gpt-5-mini")
    assert b'"error"' in got.body
    assert b"Sea " in got.body
    assert provider.bill()["requests"] == 1


async def test_when_all_fail_the_fixed_text_is_the_answer(port: int, provider: ProviderProcess):
    """Each target was asked once."""
    got = await ask(port, "pair", status=503)
    assert (got.status, got.headers["x-seawall-fallback"]) == (200, "fixed")
    assert b"Not now." in got.body
    assert provider.bill()["requests"] == 2


async def test_a_slow_target_has_only_its_try(port: int, provider: ProviderProcess):
    """`try_for` ends it, and the next one answers."""
    got = await ask(port, "quick", delay=1.0, status=500, times=1, key="slow")
    assert got.status in (200, 504)
    assert provider.bill()["requests"] == 2


async def test_what_is_no_request_for_a_target_is_none_for_the_next(port: int, provider: ProviderProcess):
    """`n` cannot be asked of Anthropic: the target that can is asked; where none can, 400 names the field."""
    asked = {"n": 2, "messages": [{"role": "user", "content": script(output=4)}]}
    got = [
        await call(
            port, "/v1/chat/completions", "POST", "Content-Type: application/json",
            body=orjson.dumps({"model": model, **asked}),
        )
        for model in ("alone", "claude/claude-haiku-4-5")
    ]  # fmt: skip
    assert [one.status for one in got] == [200, 400]
    assert got[0].headers["x-seawall-model"] == "other/gpt-5-mini"
    assert orjson.loads(got[1].body)["error"]["param"] == "n"
    assert provider.bill()["requests"] == 1


async def test_a_key_that_is_refused_rests(port: int, provider: ProviderProcess):
    """401 for one key: the other one serves that call and the next ones, and the first is not tried again."""
    statuses = [(await ask(port, "other/gpt-5-mini", status=401, times=1, key="rest", output=4)).status]
    statuses += [(await ask(port, "other/gpt-5-mini", output=4)).status for _ in range(5)]
    assert statuses == [200] * 6
    assert provider.bill()["requests"] == 7
