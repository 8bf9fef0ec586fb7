"""Both dialects asked of the scripted provider's Bedrock side: what the meter reads is what the provider has billed."""

import http.client
import json

import pytest

from providing import ProviderProcess, script
from seawall.llm.speak import speak
from seawall.llm.understand import understand

MODEL = "amazon.nova-lite-v1:0"
SCHEMA = {"type": "object", "properties": {}}
ASKED = {
    "openai": ("chat", {"tools": [{"type": "function", "function": {"name": "f", "parameters": SCHEMA}}]}),
    "anthropic": ("messages", {"max_tokens": 50, "tools": [{"name": "f", "input_schema": SCHEMA}]}),
}


@pytest.fixture(scope="module")
def provider():
    """Run the provider for all tests of this file."""
    with ProviderProcess() as process:
        yield process


def call(provider, dialect, stream, piece=7, **scenario):
    """Make one call; return the client's status and body, the `Heard`, the meter, and the provider's row."""
    provider.clear()
    operation, more = ASKED[dialect]
    messages = [{"role": "user", "content": f"Hello {script(**scenario)}"}]
    body = json.dumps({"model": "fast", "messages": messages, "stream": stream, **more}).encode()
    spoken = speak(understand(dialect, operation, b"/", b"application/json", body), "bedrock", MODEL, 50, True)
    one, meter = spoken.heard(), spoken.meter()
    connection = http.client.HTTPConnection(provider.address, timeout=10)
    headers = {name.decode(): value.decode() for name, value in spoken.headers}
    connection.request("POST", spoken.path.decode(), spoken.body, headers)
    answer = connection.getresponse()
    fields = [(name.lower().encode(), value.encode()) for name, value in answer.getheaders()]
    status, _ = one.head(answer.status, fields)
    meter.head(answer.status, fields)
    said = b""
    try:
        while chunk := answer.read1(piece):
            said += one.feed(chunk)
            meter.feed(chunk)
    except (http.client.IncompleteRead, ConnectionError):
        pass
    said += one.end()
    connection.close()
    rows = provider.bill()["rows"]
    return status, said, one, meter, rows[0] if rows else None


@pytest.mark.parametrize("dialect", ASKED)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("scenario", [
    {"output": 8}, {"output": 20, "tools": 2}, {"output": 99},
    {"output": 3, "input": 500, "cached": 200, "written": 100},
    {"output": 0, "tools": 1},
])  # fmt: skip
def test_usage_is_what_the_provider_billed(provider, dialect, stream, scenario):
    """To the last token, cached ones too; the limit that the request carries is heeded."""
    status, said, one, meter, row = call(provider, dialect, stream, **scenario)
    assert status == 200
    assert one.content
    assert one.failure is None
    used = meter.usage()
    assert (used.input, used.output) == (row["input"], row["output"])
    assert (used.cache_read, used.cache_write) == (row["cached"], row["written"])
    assert used.output <= 50
    assert (b"tool" in said) == bool(scenario.get("tools"))


@pytest.mark.parametrize("dialect", ASKED)
def test_an_error_is_free(provider, dialect):
    """A status above 400 comes as the dialect's error and is not billed."""
    status, said, one, meter, row = call(provider, dialect, True, status=503)
    assert status == 503
    assert json.loads(said)["error"]
    assert not one.content
    assert meter.usage() == (0,) * 9
    assert row is None


@pytest.mark.parametrize("dialect", ASKED)
@pytest.mark.parametrize("at", [0, 4])
def test_an_error_inside_the_stream(provider, dialect, at):
    """Before content it is a failure that may fail over; after some the stream ends in an error, the count goes on."""
    _, said, one, meter, row = call(provider, dialect, True, output=20, error_at=at)
    assert one.content == (at > 0)
    assert (one.failure is None) == (at > 0)
    assert b"throttlingException" in said
    assert meter.usage() is None
    assert row["output"] <= meter.seen() <= 50


@pytest.mark.parametrize("dialect", ASKED)
def test_a_cut_stream(provider, dialect):
    """It never looks complete; what was shown is counted, and never more than was reserved."""
    _, said, one, meter, row = call(provider, dialect, True, output=30, cut=10)
    assert b"ended before it was complete" in said
    assert one.failure is None
    assert meter.usage() is None
    assert row["output"] <= meter.seen() <= 50
