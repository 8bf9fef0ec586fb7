"""The packages `openai` and `anthropic`, sync and async, with only base_url and key changed, at a gateway process."""

import inspect
import time
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest
from model_gateway import hashed, served, upstreams

from providing import ProviderProcess, script

KEY, POOR, WAYS = "the-key-of-kitchen", "the-key-of-poor", ("sync", "async")
SETTINGS = f"""
[models.gpt]
targets = ["openai/gpt-5-mini"]
[models.claude]
targets = ["claude/claude-sonnet-4-6"]
[models.nova]
targets = ["bedrock/amazon.nova-lite-v1:0"]
[callers.kitchen]
key_hash = "{hashed(KEY)}"
[callers.poor]
key_hash = "{hashed(POOR)}"
spend = {{ day = "0.0000001 USD" }}
[spend]
unknown_price = "1 USD/M"
"""
TOOL: dict[str, Any] = {"type": "object", "properties": {"city": {"type": "string"}}}
TEXT = "Sea wall and tide"


@pytest.fixture(scope="module")
def provider() -> Iterator[ProviderProcess]:
    """Run one provider for all tests here."""
    with ProviderProcess() as running:
        yield running


@pytest.fixture(scope="module")
def port(provider: ProviderProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Run one gateway for all tests here; it does not retry, so that what the SDKs do shows."""
    text = upstreams(provider.address, "retry = false\nbreaker = false") + SETTINGS
    with served(text, tmp_path_factory.mktemp("sdks")) as found:
        yield found


@pytest.fixture
async def gpt(port: int, way: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return OpenAI's client."""
    monkeypatch.setenv("NO_PROXY", "*")
    kind: Any = openai.OpenAI if way == "sync" else openai.AsyncOpenAI
    client = kind(base_url=f"http://127.0.0.1:{port}/v1", api_key=KEY)
    yield client
    await done(client.close())


@pytest.fixture
async def claude(port: int, way: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return Anthropic's client."""
    monkeypatch.setenv("NO_PROXY", "*")
    kind: Any = anthropic.Anthropic if way == "sync" else anthropic.AsyncAnthropic
    client = kind(base_url=f"http://127.0.0.1:{port}/anthropic", api_key=KEY)
    yield client
    await done(client.close())


async def done(found: Any) -> Any:
    """Return what a call of either client came to."""
    return await found if inspect.isawaitable(found) else found


async def items(found: Any) -> list[Any]:
    """Return everything of a stream or a list of either client."""
    found = await found if inspect.isawaitable(found) else found
    return [one async for one in found] if hasattr(found, "__aiter__") else list(found)


def says(**fields: Any) -> list[Any]:
    """Return messages that hold a script."""
    return [{"role": "user", "content": f"Hello {script(**fields)}"}]


pytestmark = pytest.mark.parametrize("way", WAYS)
MODELS = pytest.mark.parametrize("model", ["gpt", "claude", "nova"])


@MODELS
async def test_chat_whole_and_streamed(gpt: Any, model: str):
    """The same text, with its usage, from every provider."""
    whole = await done(gpt.chat.completions.create(model=model, messages=says(output=4)))
    options = {"include_usage": True}
    stream = await items(
        gpt.chat.completions.create(model=model, messages=says(output=4), stream=True, stream_options=options)
    )
    assert (whole.choices[0].message.content, whole.choices[0].finish_reason) == (TEXT, "stop")
    assert whole.usage.completion_tokens == 4
    assert "".join(one.choices[0].delta.content or "" for one in stream if one.choices) == TEXT
    assert stream[-1].usage.completion_tokens == 4


@MODELS
async def test_tools_of_openai(gpt: Any, model: str):
    """A call of a tool, whole and put together from a stream."""
    tools = [{"type": "function", "function": {"name": "weather", "parameters": TOOL}}]
    whole = await done(gpt.chat.completions.create(model=model, messages=says(tools=1), tools=tools))
    stream = await items(gpt.chat.completions.create(model=model, messages=says(tools=1), tools=tools, stream=True))
    (call,) = whole.choices[0].message.tool_calls
    assert (call.function.name, call.function.arguments.replace(" ", "")) == ("weather", '{"city":"Paris","n":0}')
    parts = [part for one in stream if one.choices for part in one.choices[0].delta.tool_calls or []]
    assert parts[0].function.name == "weather"
    assert "".join(part.function.arguments or "" for part in parts).replace(" ", "") == '{"city":"Paris","n":0}'


async def test_responses(gpt: Any):
    """Whole and streamed."""
    said = says(output=4)[0]["content"]
    whole = await done(gpt.responses.create(model="gpt", input=said))
    stream = await items(gpt.responses.create(model="gpt", input=said, stream=True))
    assert (whole.output_text, whole.usage.output_tokens) == (TEXT, 4)
    assert (stream[-1].type, stream[-1].response.output_text) == ("response.completed", TEXT)


async def test_the_rest_of_openai(gpt: Any):
    """Completions, embeddings, models, moderations, images, speech and what was said."""
    said = says(output=4)[0]["content"]
    old = await done(gpt.completions.create(model="openai/gpt-3.5-turbo-instruct", prompt=said))
    vectors = await done(gpt.embeddings.create(model="openai/text-embedding-3-small", input=[said, "b"]))
    verdict = await done(gpt.moderations.create(model="openai/omni-moderation-latest", input="a"))
    picture = await done(gpt.images.generate(model="openai/gpt-image-1", prompt="a", n=2))
    sound = await done(gpt.audio.speech.create(model="openai/gpt-4o-mini-tts", voice="alloy", input=said))
    file = ("a.wav", b"RIFF" + b"\0" * 2000)
    heard = await done(gpt.audio.transcriptions.create(model="openai/gpt-4o-mini-transcribe", file=file, prompt=said))
    assert old.choices[0].text == TEXT
    assert [len(one.embedding) for one in vectors.data] == [3, 3]
    assert (verdict.results[0].flagged, len(picture.data)) == (False, 2)
    assert (len(sound.content), heard.text) == (4 * 200, TEXT)
    assert [one.id for one in await items(gpt.models.list())] == ["gpt", "claude", "nova"]
    assert (await done(gpt.models.retrieve("nova"))).id == "nova"


@MODELS
async def test_messages_whole_and_streamed(claude: Any, model: str):
    """The same text, with its usage, from every provider."""
    whole = await done(claude.messages.create(model=model, max_tokens=50, messages=says(output=4)))
    stream = await items(claude.messages.create(model=model, max_tokens=50, messages=says(output=4), stream=True))
    assert (whole.content[0].text, whole.stop_reason, whole.usage.output_tokens) == (TEXT, "end_turn", 4)
    said = [one.delta.text for one in stream if one.type == "content_block_delta" and one.delta.type == "text_delta"]
    (last,) = [one for one in stream if one.type == "message_delta"]
    assert ("".join(said), last.usage.output_tokens) == (TEXT, 4)


@MODELS
async def test_tools_of_anthropic(claude: Any, model: str):
    """A use of a tool, whole and put together from a stream."""
    tools = [{"name": "weather", "input_schema": TOOL}]
    asked = {"model": model, "max_tokens": 50, "messages": says(tools=1), "tools": tools}
    whole = await done(claude.messages.create(**asked))
    stream = await items(claude.messages.create(**asked, stream=True))
    (used,) = [one for one in whole.content if one.type == "tool_use"]
    assert (used.name, used.input, whole.stop_reason) == ("weather", {"city": "Paris", "n": 0}, "tool_use")
    parts = [one.delta for one in stream if one.type == "content_block_delta"]
    text = "".join(part.partial_json for part in parts if part.type == "input_json_delta")
    assert text.replace(" ", "") == '{"city":"Paris","n":0}'


async def test_the_rest_of_anthropic(claude: Any):
    """Counting and the list of models."""
    found = await done(claude.messages.count_tokens(model="claude", messages=says()))
    assert found.input_tokens > 0
    assert [one.id for one in await items(claude.models.list())] == ["gpt", "claude", "nova"]


CLASSES = {
    400: "BadRequestError", 401: "AuthenticationError", 403: "PermissionDeniedError", 404: "NotFoundError",
    422: "UnprocessableEntityError", 429: "RateLimitError", 500: "InternalServerError", 503: "InternalServerError",
}  # fmt: skip


@pytest.mark.parametrize("model", ["gpt", "claude", "nova"])
async def test_errors_are_the_right_classes(gpt: Any, claude: Any, model: str):
    """The provider's, in both dialects, whether it was asked for a stream or not; the words are the provider's."""
    chat = gpt.with_options(max_retries=0).chat.completions
    messages = claude.with_options(max_retries=0).messages
    for status, name in CLASSES.items():
        for stream in (False, True):
            asked = {"model": model, "messages": says(status=status), "stream": stream}
            with pytest.raises(getattr(openai, name), match="as the scenario says"):
                await done(chat.create(**asked))
            theirs = "ServiceUnavailableError" if status == 503 else name
            with pytest.raises(getattr(anthropic, theirs), match="as the scenario says"):
                await done(messages.create(**asked, max_tokens=5))


@MODELS
async def test_an_error_inside_a_stream_is_raised(gpt: Any, claude: Any, model: str):
    """After content as the SDK's own error, before any as the status it is."""
    for at, kind in ((2, openai.APIError), (0, openai.APIStatusError)):
        with pytest.raises(kind):
            await items(
                gpt.with_options(max_retries=0).chat.completions.create(
                    model=model, messages=says(error_at=at), stream=True
                )
            )
    for at, other in ((2, anthropic.APIError), (0, anthropic.APIStatusError)):
        with pytest.raises(other):
            await items(
                claude.with_options(max_retries=0).messages.create(
                    model=model, max_tokens=50, messages=says(error_at=at), stream=True
                )
            )


async def test_keys_and_names_that_are_wrong(gpt: Any, claude: Any):
    """401 and 404 of the gateway itself are the classes they would be at the provider."""
    with pytest.raises(openai.AuthenticationError):
        await done(gpt.with_options(api_key="wrong").chat.completions.create(model="gpt", messages=says()))
    with pytest.raises(anthropic.AuthenticationError):
        await done(claude.with_options(api_key="wrong").messages.create(model="gpt", max_tokens=5, messages=says()))
    with pytest.raises(openai.NotFoundError, match="No model has that name"):
        await done(gpt.chat.completions.create(model="none", messages=says()))
    with pytest.raises(anthropic.NotFoundError, match="No model has that name"):
        await done(claude.messages.create(model="none", max_tokens=5, messages=says()))


async def test_retry_after_is_respected(gpt: Any, claude: Any, way: str):
    """A 429 that says when to come again reaches the SDK with it, which comes again then and not before."""
    client = gpt.chat.completions if way == "sync" else claude.messages
    said = says(status=429, times=1, key=way, retry_after="1")
    began = time.monotonic()
    await done(client.create(model="gpt" if way == "sync" else "claude", max_tokens=9, messages=said))
    assert 1.0 <= time.monotonic() - began < 3.0


async def test_a_spent_cap_is_not_tried_again(gpt: Any, claude: Any, provider: ProviderProcess):
    """The SDKs obey x-should-retry: one request of theirs, and none of ours."""
    before = provider.bill()["requests"]
    for failed, client in (
        (openai.RateLimitError, gpt.with_options(api_key=POOR).chat.completions),
        (anthropic.RateLimitError, claude.with_options(api_key=POOR).messages),
    ):
        with pytest.raises(failed, match="cap") as caught:
            await done(client.create(model="claude", max_tokens=9, messages=says()))
        assert caught.value.response.headers["x-should-retry"] == "false"
        assert caught.value.response.request.headers["x-stainless-retry-count"] == "0"
    assert provider.bill()["requests"] == before
