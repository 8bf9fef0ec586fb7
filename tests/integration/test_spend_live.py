"""Money in a real gateway between real sockets: caps under a crowd, streams, a client that leaves, kill -9."""

import asyncio
import sqlite3
from decimal import Decimal
from pathlib import Path

import orjson
import pytest
from gateways import Watched, calls, gateway, process, settings, until
from several import call

from seawall.testing import faults
from seawall.testing.exchange import Answer, End

PRICED = 'price = "0.1 USD"\nconcurrency = 200\n[spend]\nday = "1 USD"'
MODELS = """
api = "openai"
stream_usage = true
retry = false
[models.fast]
targets = ["up/gpt-5-mini"]
max_output = 100
price = {{ input = "1 USD/M", output = "2 USD/M", cache_read = "0.5 USD/M" }}
[spend]
day = "{day} USD"
[ledger]
url = "sqlite://{path}"
"""
ASK = orjson.dumps({"model": "fast", "messages": [{"role": "user", "content": "hi"}]})
USAGE = {
    "prompt_tokens": 40, "completion_tokens": 5, "total_tokens": 45, "prompt_tokens_details": {"cached_tokens": 10},
}  # fmt: skip
COST = Decimal("0.000045")  # 30 x 1 + 10 x 0.5 + 5 x 2 per million
WHOLE = orjson.dumps(
    {
        "id": "c", "object": "chat.completion", "created": 1, "model": "gpt-5-mini", "usage": USAGE,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
    }
)  # fmt: skip


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where the gateway's log goes."""
    return tmp_path / "log"


def chunk(**fields):
    """Return one event of a streamed chat completion."""
    body = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "gpt-5-mini", **fields}
    return b"data: " + orjson.dumps(body) + b"\n\n"


def said(text):
    """Return the event of a piece of text."""
    return chunk(choices=[{"index": 0, "delta": {"content": text}, "finish_reason": None}])


def provider(exchange):
    """Answer a chat completion, streamed where it was asked for."""
    if b'"stream":true' not in exchange.body.replace(b" ", b""):
        return Answer(body=WHOLE, headers=((b"content-type", b"application/json"),))
    stream = said("hel") + said("lo") + chunk(choices=[], usage=USAGE) + b"data: [DONE]\n\n"
    return Answer(body=stream, headers=((b"content-type", b"text/event-stream"),), chunked=True)


def rows(path):
    """Return upstream, tokens, cost in US dollars and whether it is an estimate, of every row in the database."""
    query = (
        "SELECT upstream, tokens_input, tokens_output, cost_micro, cost_rest, estimated FROM seawall_ledger ORDER BY id"
    )
    with sqlite3.connect(path) as connection:
        found = connection.execute(query).fetchall()
    return [
        (name, read, wrote, Decimal(micro * 10**12 + rest).scaleb(-18).normalize(), bool(guess))
        for name, read, wrote, micro, rest, guess in found
    ]


@pytest.mark.parametrize("chunked", [False, True])
async def test_of_100_calls_at_once_10_pass_a_cap_worth_10(log, chunked):
    """As the upstream counts them; the others are told when to come again."""
    async with Watched(lambda _: Answer(body=b"x" * 100_000, chunked=chunked)) as up:
        up.faults = faults.late(0.05)
        async with gateway(settings(up.url, PRICED), log) as here:
            got = await asyncio.gather(*(call(here.port) for _ in range(100)))
            held = [one.headers for one in got if one.status == 429]
            late = await call(here.port)
            metrics = (await call(here.port, "/metrics")).body.decode()
        assert up.counts.requests == sum(one.status == 200 for one in got) == 10
    # most come while the money is only held; who comes once it is spent is told so
    assert all(("x-should-retry" in headers) == (headers["retry-after"] != "1") for headers in held)
    assert (late.status, late.headers["x-should-retry"]) == (429, "false")
    assert int(late.headers["retry-after"]) <= 86400
    assert 'seawall_cost_usd_total{upstream="up",model="",caller=""} 1\n' in metrics
    assert 'seawall_cap_used_ratio{scope="gateway",name="",period="day"} 1\n' in metrics
    assert "seawall_reserved_usd 0\n" in metrics
    assert sum(line["cost"] or 0 for line in calls(log)) == pytest.approx(1.0)


async def test_a_model_is_paid_for_by_its_usage_streamed_or_not(log, tmp_path):
    """To the last digit in the ledger; cost and tokens in the log, what is left on the answer."""
    path = tmp_path / "ledger.db"
    more = MODELS.format(day="0.01", path=path)
    async with Watched(provider) as up, gateway(settings(f"{up.url}/v1", more), log) as here:
        whole = await call(here.port, "/v1/chat/completions", "POST", "Content-Type: application/json", body=ASK)
        body = orjson.dumps({**orjson.loads(ASK), "stream": True})
        streamed = await call(here.port, "/v1/chat/completions", "POST", "Content-Type: application/json", body=body)
    assert (whole.status, streamed.status) == (200, 200)
    assert Decimal(whole.headers["x-seawall-cost"]) == COST
    assert Decimal(whole.headers["x-seawall-left"]) == Decimal("0.01") - COST
    assert "x-seawall-cost" not in streamed.headers
    assert Decimal(streamed.headers["x-seawall-left"]) == Decimal("0.01") - COST
    assert rows(path) == [("up", 40, 5, COST.normalize(), False)] * 2
    assert [(line["tokens"], line["cost"]) for line in calls(log)] == [(45, float(COST))] * 2


async def test_a_client_that_leaves_a_stream_pays_for_what_was_sent(log, tmp_path):
    """As an estimate: all the input there may have been, and at least a token for each event."""
    path = tmp_path / "ledger.db"

    def program(exchange):
        stream = Answer(body=said("a"), headers=((b"content-type", b"text/event-stream"),), chunked=True)
        wire = stream.wire(exchange.method)
        return (wire[: -len(b"0\r\n\r\n")], End.HANG)

    async with (
        Watched(program) as up,
        gateway(settings(f"{up.url}/v1", MODELS.format(day="0.01", path=path)), log) as here,
    ):
        body = orjson.dumps({**orjson.loads(ASK), "stream": True})
        reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{here.port}\r\nContent-Type: application/json\r\n"
        )
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        assert await reader.readuntil(b'"a"')
        writer.transport.abort()
        await asyncio.wait_for(up.gone.wait(), 60)
        await until(lambda: not here.in_use()[0])
    ((name, read, wrote, cost, estimated),) = rows(path)
    assert (name, estimated) == ("up", True)
    assert read >= len(ASK) - 1
    assert 1 <= wrote <= 100
    assert cost == (read + 2 * Decimal(wrote)).scaleb(-6).normalize()


@pytest.mark.verify
async def test_kill_9_loses_no_cent_and_the_cap_holds_over_it(tmp_path):
    """What was settled is in the ledger, what was under way is settled as estimated; the next process knows both."""
    path = tmp_path / "ledger.db"
    more = f'price = "0.3 USD"\nretry = false\n[spend]\nmonth = "1 USD"\n[ledger]\nurl = "sqlite://{path}"'
    async with Watched() as up:
        text = settings(up.url, more)
        async with process(text, tmp_path) as first:
            assert (await call(first.port)).status == 200
            up.faults = faults.hang()
            up.asked.clear()
            hanging = asyncio.ensure_future(call(first.port))
            await asyncio.wait_for(up.asked.wait(), 60)
            first.child.kill()
            await first.child.wait()
            await asyncio.gather(hanging, return_exceptions=True)
        up.faults = None
        async with process(text, tmp_path) as second:
            got = [await call(second.port) for _ in range(2)]
            second.child.terminate()
            await second.child.wait()
    assert [one.status for one in got] == [200, 429]
    assert [(cost, estimated) for *_, cost, estimated in rows(path)] == [
        (Decimal("0.3"), False), (Decimal("0.3"), True), (Decimal("0.3"), False),
    ]  # fmt: skip
