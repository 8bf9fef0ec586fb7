"""The openai package as the client of a whole gateway: answers, streams, and errors it can read and obey."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import openai
import orjson
import pytest
from gateways import Watched, gateway

from seawall.testing import faults
from seawall.testing.exchange import Action, Answer, End, Exchange

# As the API sent them, ids and texts shortened.
COMPLETION = {
    "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
    "object": "chat.completion",
    "created": 1741569952,
    "model": "gpt-4.1-2025-04-14",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hello! How can I help?", "refusal": None, "annotations": []},
            "logprobs": None,
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 19, "completion_tokens": 10, "total_tokens": 29},
    "service_tier": "default",
}
WORDS = ("Hello", "! How", " can I help?")
LIMIT = {"error": {"message": "Rate limit reached", "type": "requests", "param": None, "code": "rate_limit_exceeded"}}
JSON = ((b"content-type", b"application/json"), (b"x-request-id", b"req_1"))
EVENTS = ((b"content-type", b"text/event-stream; charset=utf-8"),)
MESSAGES = [{"role": "user", "content": "Hi"}]
SETTINGS = """
[server]
listen = "127.0.0.1:0"
[upstreams.openai]
url = "http://127.0.0.1:{port}/v1"
allow_private = true
timeout = "5s"
{more}
"""


def chunk(delta: dict[str, str], finish: str | None = None) -> bytes:
    """Return one event of a streamed completion."""
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    document = {**COMPLETION, "object": "chat.completion.chunk", "choices": [choice], "usage": None}
    return b"data: " + orjson.dumps(document) + b"\n\n"


STREAM = b"".join((
    chunk({"role": "assistant", "content": ""}), *(chunk({"content": word}) for word in WORDS), chunk({}, "stop"),
    b"data: [DONE]\n\n",
))  # fmt: skip


def api(exchange: Exchange) -> Answer:
    """Answer as the API does."""
    asked = orjson.loads(exchange.body)
    return (
        Answer(200, STREAM, EVENTS, chunked=True)
        if asked.get("stream")
        else Answer(200, orjson.dumps(COMPLETION), JSON)
    )


class Place:
    """A gateway with an upstream that speaks as OpenAI's API, and the package as its clients."""

    def __init__(self, upstream: Watched, port: int, log: Path) -> None:
        self.upstream = upstream
        self.base = f"http://127.0.0.1:{port}/openai"
        self.log = log

    def client(self, retries: int = 0) -> openai.AsyncOpenAI:
        """Return an asynchronous client."""
        return openai.AsyncOpenAI(base_url=self.base, api_key="sk-callers-own", max_retries=retries)

    def blocking(self) -> openai.OpenAI:
        """Return a synchronous client."""
        return openai.OpenAI(base_url=self.base, api_key="sk-callers-own", max_retries=0)


@pytest.fixture
async def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Place]:
    """Run both; the parameter stands in the upstream's table."""
    monkeypatch.setenv("NO_PROXY", "*")
    more = getattr(request, "param", "")
    async with Watched(api) as upstream:
        text = SETTINGS.format(port=upstream.port, more=more)
        async with gateway(text, tmp_path / "log") as here:
            yield Place(upstream, here.port, here.log)


def ask(client: openai.OpenAI) -> tuple[str | None, str]:
    """Ask once for a whole answer and once for a stream; return both texts."""
    with client:
        whole = client.chat.completions.create(model="gpt-4.1", messages=MESSAGES)
        stream = client.chat.completions.create(model="gpt-4.1", messages=MESSAGES, stream=True)
        return whole.choices[0].message.content, "".join(part.choices[0].delta.content or "" for part in stream)


async def test_answers_and_streams_are_what_the_api_sent(place: Place):
    """Synchronous; the path, the key and the body reach the API as the package sent them."""
    assert await asyncio.to_thread(ask, place.blocking()) == ("Hello! How can I help?", "".join(WORDS))
    first = place.upstream.exchanges[0]
    assert first.target == b"/v1/chat/completions"
    assert first.header(b"authorization") == b"Bearer sk-callers-own"
    assert orjson.loads(first.body)["messages"] == MESSAGES


async def test_many_asynchronous_streams_at_once(place: Place):
    """Twenty on one client; each is whole, and the raw answer shows the gateway's id."""

    async def one(client: openai.AsyncOpenAI) -> str:
        stream = await client.chat.completions.create(model="gpt-4.1", messages=MESSAGES, stream=True)
        return "".join([part.choices[0].delta.content or "" async for part in stream])

    async with place.client() as client:
        texts = await asyncio.gather(*(one(client) for _ in range(20)))
        raw = await client.chat.completions.with_raw_response.create(model="gpt-4.1", messages=MESSAGES)
    assert set(texts) == {"".join(WORDS)}
    assert raw.headers["via"] == "1.1 seawall"
    assert raw.parse().usage is not None


async def test_a_stream_is_read_event_by_event(place: Place):
    """The first words are here while the API still thinks about the rest; leaving early lets it go."""

    def thinking(_: Exchange) -> Iterator[Action]:
        part = chunk({"content": WORDS[0]})
        yield Answer(200, b"", EVENTS, chunked=True).head() + b"%x\r\n%b\r\n" % (len(part), part)
        yield End.HANG

    place.upstream.app = thinking
    async with place.client() as client:
        stream = await client.chat.completions.create(model="gpt-4.1", messages=MESSAGES, stream=True)
        assert (await anext(stream)).choices[0].delta.content == WORDS[0]
        await stream.close()
        await asyncio.wait_for(place.upstream.gone.wait(), 60)


async def test_a_stream_that_breaks_is_an_error_and_not_half_an_answer(place: Place):
    """The error event makes the package raise, with our message."""

    def broken(_: Exchange) -> Iterator[Action]:
        part = chunk({"content": WORDS[0]})
        yield Answer(200, b"", EVENTS, chunked=True).head() + b"%x\r\n%b\r\n" % (len(part), part)
        yield End.FIN

    place.upstream.app = broken
    async with place.client() as client:
        stream = await client.chat.completions.create(model="gpt-4.1", messages=MESSAGES, stream=True)
        assert (await anext(stream)).choices[0].delta.content == WORDS[0]
        with pytest.raises(openai.APIError, match="upstream closed the connection"):
            await anext(stream)


@pytest.mark.parametrize("place", ['first_byte_timeout = "50ms"'], indirect=True)
async def test_our_504_is_an_error_with_our_message(place: Place):
    """The problem is read as the API's own errors are."""
    place.upstream.faults = faults.hang()
    async with place.client() as client:
        with pytest.raises(openai.InternalServerError) as caught:
            await client.chat.completions.create(model="gpt-4.1", messages=MESSAGES)
    error = caught.value
    assert (error.status_code, error.type, error.code) == (504, "upstream-timeout", "upstream-timeout")
    assert "The upstream took too long (first_byte)" in error.message
    assert isinstance(error.body, dict)
    assert error.request_id == error.response.json()["request_id"]


@pytest.mark.parametrize("place", ['rate = { limit = "60/min", burst = 1, wait = "0s" }'], indirect=True)
async def test_our_503_says_when_to_come_again_and_the_package_does(place: Place):
    """Without retries it is an error with our message and Retry-After; with one it waits that long and is answered."""
    async with place.client() as client:
        await client.chat.completions.create(model="gpt-4.1", messages=MESSAGES)
        with pytest.raises(openai.InternalServerError) as caught:
            await client.chat.completions.create(model="gpt-4.1", messages=MESSAGES)
    assert (caught.value.status_code, caught.value.type) == (503, "saturated")
    assert caught.value.response.headers["retry-after"] == "1"
    assert caught.value.response.json()["policy"] == "rate"
    async with place.client(retries=1) as client:
        answer = await client.chat.completions.create(model="gpt-4.1", messages=MESSAGES)
    assert answer.choices[0].message.content == "Hello! How can I help?"
    assert place.upstream.counts.requests == 2


async def test_an_unknown_upstream_is_a_not_found_error(place: Place):
    """It names those there are."""
    place.base = place.base.replace("/openai", "/opnai/v1")
    async with place.client() as client:
        with pytest.raises(openai.NotFoundError, match="Upstreams: openai"):
            await client.chat.completions.create(model="gpt-4.1", messages=MESSAGES)


async def test_the_apis_own_429_passes_unchanged(place: Place):
    """Its message, its code, its Retry-After; both sides obey it, so it is asked once."""
    headers = (*JSON, (b"retry-after", b"20"))
    place.upstream.app = lambda _: Answer(429, orjson.dumps(LIMIT), headers)
    async with place.client() as client:
        with pytest.raises(openai.RateLimitError, match="Rate limit reached") as caught:
            await client.chat.completions.create(model="gpt-4.1", messages=MESSAGES)
    assert caught.value.code == "rate_limit_exceeded"
    assert caught.value.response.headers["retry-after"] == "20"
    assert place.upstream.counts.requests == 1


@pytest.mark.parametrize("place", ["idempotent = true"], indirect=True)
async def test_x_should_retry_false_is_obeyed_by_both(place: Place):
    """A 503 that the gateway would try again three times and the package twice is asked for once."""
    place.upstream.app = lambda _: Answer(503, b"{}", (*JSON, (b"x-should-retry", b"false")))
    async with place.client(retries=2) as client:
        with pytest.raises(openai.InternalServerError):
            await client.chat.completions.create(model="gpt-4.1", messages=MESSAGES)
    assert place.upstream.counts.requests == 1


@pytest.mark.parametrize("place", ['idempotent = true\nretry = { base = "1ms" }'], indirect=True)
async def test_a_503_in_between_is_seen_by_neither_program_nor_package(place: Place):
    """The gateway tries again; the package without retries gets the good answer."""
    place.upstream.faults = [faults.status(503), faults.reset(), None]
    async with place.client() as client:
        answer = await client.chat.completions.create(model="gpt-4.1", messages=MESSAGES)
    assert answer.choices[0].message.content == "Hello! How can I help?"
    assert place.upstream.counts.requests == 3
