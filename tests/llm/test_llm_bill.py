"""Every pair of dialects between the real SDKs and the scripted provider: what is read is what it bills."""

from collections.abc import Iterator
from typing import Any

import anthropic
import httpx2
import openai
import pytest
from sdk_clients import ANTHROPIC, ROUTES, anthropic_client, openai_client

from providing import ProviderProcess, script
from seawall.contracts.bill import Meter
from seawall.contracts.errors import UpstreamBroken
from seawall.contracts.usage import Usage
from seawall.llm.speak import speak
from seawall.llm.understand import understand


class Relay:
    """What stands between a client and the provider, without the gateway's door: understand, speak, hear, meter.

    Attributes:
        meter: of the latest call.
        bound: input and output tokens at most, of the latest call.
    """

    def __init__(self, provider: ProviderProcess, api: Any, model: str) -> None:
        self._provider = provider
        self._api = api
        self._model = model
        self._http = httpx2.Client(trust_env=False, verify=False)
        self.meter: Meter
        self.bound = (0, 0)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        operation = ROUTES[request.url.path]
        dialect: Any = "anthropic" if operation in ANTHROPIC else "openai"
        kind = request.headers.get("content-type", "").encode()
        found = understand(dialect, operation, request.url.raw_path.removeprefix(b"/v1"), kind, request.read())
        spoken = speak(found, self._api, self._model, 4096, True)
        self.bound = (found.input_bound or 0, spoken.output_bound)
        base = f"http://{self._provider.address}" + ("/v1" if self._api == "openai" else "")
        heard, self.meter = spoken.heard(), spoken.meter()
        got = b""
        with self._http.stream(
            "POST", base + spoken.path.decode(), headers=spoken.headers, content=spoken.body
        ) as answer:
            raw = [(name.lower(), value) for name, value in answer.headers.raw]
            self.meter.head(answer.status_code, raw)
            status, headers = heard.head(answer.status_code, raw)
            try:
                for chunk in answer.iter_raw():
                    self.meter.feed(chunk)
                    got += heard.feed(chunk)
                got += heard.end()
            except httpx2.TransportError:
                got += heard.broken(UpstreamBroken("cut"))
        return httpx2.Response(status, headers=headers, content=got)

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()


def spelled(tokens: int) -> str:
    """Return the provider's words, written here again."""
    line = ("Sea ", "wall", " and", " tide", ", so", " the ", "ship", " is ", "home", " at ", "last", ". ")
    return "".join(line[number % 12] for number in range(tokens))


PAIRS = [
    ("openai", "openai", "gpt-5-mini"),
    ("openai", "anthropic", "claude-haiku-4-5"),
    ("anthropic", "anthropic", "claude-haiku-4-5"),
    ("anthropic", "openai", "gpt-5-mini"),
    ("openai", "bedrock", "amazon.nova-lite-v1:0"),
    ("anthropic", "bedrock", "amazon.nova-lite-v1:0"),
]


@pytest.fixture(params=PAIRS, ids=lambda pair: f"{pair[0]}-to-{pair[1]}")
def pair(request: pytest.FixtureRequest, running: ProviderProcess) -> Iterator[tuple[str, Relay, ProviderProcess]]:
    """Return the client's dialect and what stands before the provider, for each pair of dialects."""
    running.clear()
    client, api, model = request.param
    relay = Relay(running, api, model)
    yield client, relay, running
    relay.close()


def ask(client: str, relay: Relay, *, stream: bool, **fields: Any) -> tuple[str, int | None, int]:
    """Ask with the client's real SDK; return the text, the output tokens it was told, and how many tools it called."""
    messages: Any = [{"role": "user", "content": f"Hello {script(**fields)}"}]
    if client == "openai":
        return _ask_openai(openai_client(relay), messages, stream)
    sdk = anthropic_client(relay)
    if stream:
        with sdk.messages.stream(model="m", max_tokens=500, messages=messages) as events:
            said = events.get_final_message()
    else:
        said = sdk.messages.create(model="m", max_tokens=500, messages=messages)
    text = "".join(block.text for block in said.content if block.type == "text")
    return text, said.usage.output_tokens, sum(block.type == "tool_use" for block in said.content)


def _ask_openai(sdk: openai.OpenAI, messages: Any, stream: bool) -> tuple[str, int | None, int]:
    if stream:
        with sdk.chat.completions.stream(model="m", messages=messages) as chunks:
            completion: Any = chunks.get_final_completion()
    else:
        completion = sdk.chat.completions.create(model="m", messages=messages)
    message = completion.choices[0].message
    told = completion.usage.completion_tokens if completion.usage else None
    return message.content or "", told, len(message.tool_calls or [])


def billed(provider: ProviderProcess) -> tuple[dict[str, Any], Usage]:
    """Return the one row of the bill, and it as usage."""
    (row,) = provider.bill()["rows"]
    return row, Usage(
        input=row["input"], output=row["output"], cache_read=row["cached"], cache_write=row["written"],
        cache_write_1h=row["written_1h"], reasoning=row["reasoning"], tools=row["searches"],
    )  # fmt: skip


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize(
    "fields",
    [
        {"output": 30},
        {"output": 30, "lump": 7},
        {"output": 30, "cached": 50, "written": 20, "reasoning": 9},
        {"output": 4, "tools": 3},
        {"output": 400, "input": 9000},
    ],
    ids=["text", "lumps", "kinds", "tools", "long"],
)
def test_what_is_read_is_what_is_billed(pair: tuple[str, Relay, ProviderProcess], fields: dict[str, Any], stream: bool):
    """To the last token of every kind, and the client has the answer whole."""
    client, relay, provider = pair
    text, told, tools = ask(client, relay, stream=stream, **fields)
    row, expected = billed(provider)
    assert relay.meter.usage() == expected
    assert row["complete"]
    assert told in (row["output"], None if stream and client == "openai" else row["output"])
    assert tools == fields.get("tools", 0)
    if not tools:
        assert text == spelled(fields["output"] - fields.get("reasoning", 0))
    assert relay.meter.seen() <= relay.bound[1]
    assert row["output"] <= relay.bound[1]


@pytest.mark.parametrize("cut", [1, 10, 29])
def test_a_cut_stream_is_counted_close_above_what_is_billed(pair: tuple[str, Relay, ProviderProcess], cut: int):
    """Never less than was sent, never more than was held, and the SDK raises."""
    client, relay, provider = pair
    with pytest.raises((openai.APIError, anthropic.APIError)):
        ask(client, relay, stream=True, output=30, cut=cut)
    row, _ = billed(provider)
    assert row["output"] == cut
    assert relay.meter.usage() is None
    assert cut <= relay.meter.seen() <= min(2 * cut, relay.bound[1])
    assert row["input"] <= relay.bound[0]


def test_an_error_is_nobodys_money(pair: tuple[str, Relay, ProviderProcess]):
    """Refused before any work."""
    client, relay, provider = pair
    with pytest.raises((openai.RateLimitError, anthropic.RateLimitError), match="as the scenario says"):
        ask(client, relay, stream=False, status=429, retry_after="1")
    assert relay.meter.usage() == Usage()
    assert provider.bill()["rows"] == []


def test_an_error_inside_a_stream_reaches_the_sdk(pair: tuple[str, Relay, ProviderProcess]):
    """In its own shape, before or after content."""
    client, relay, _ = pair
    for at in (0, 3):
        with pytest.raises((openai.APIError, anthropic.APIError), match="as the scenario says"):
            ask(client, relay, stream=True, error_at=at)
