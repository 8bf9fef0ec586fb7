"""The same question by many clients at once, over real sockets: one request reaches the provider and is billed."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import orjson
import pytest
from model_gateway import hashed, served, upstreams
from several import Got, call

from providing import ProviderProcess, script

RICH, POOR = "key-of-rich", "key-of-poor"
SETTINGS = f"""
[models.kept]
targets = ["openai/gpt-5-mini"]
cache = "1h"
[callers.rich]
key_hash = "{hashed(RICH)}"
[callers.poor]
key_hash = "{hashed(POOR)}"
spend = {{ day = "0.0000001 USD" }}
"""
CROWD = 30


@pytest.fixture(scope="module")
def port(running: ProviderProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Run one gateway for all tests here."""
    text = upstreams(running.address, "retry = false\nbreaker = false") + SETTINGS
    with served(text, tmp_path_factory.mktemp("once")) as found:
        yield found


def question(stream: bool, **fields: Any) -> bytes:
    """Return a chat that holds a script."""
    said = [{"role": "user", "content": script(**fields)}]
    return orjson.dumps({"model": "kept", "stream": stream, "messages": said})


async def ask(port: int, body: bytes, key: str = RICH) -> Got:
    """Make one chat call."""
    lines = ("Content-Type: application/json", f"Authorization: Bearer {key}")
    return await call(port, "/v1/chat/completions", "POST", *lines, body=body)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_crowd_with_one_question_is_one_request(port: int, provider: ProviderProcess, stream: bool):
    """Everybody has the whole answer, one of them pays what the provider bills, and the next one finds it kept."""
    body = question(stream, output=20, delay=0.3, pace=0.01)
    got = await asyncio.gather(*(ask(port, body) for _ in range(CROWD)))
    assert {one.status for one in got} == {200}
    assert len({one.body for one in got}) == 1
    assert got[0].body.count(b"[DONE]") == stream
    said = [one.headers["cache-status"] for one in got]
    assert sorted(said) == ["seawall; fwd=uri-miss"] + ["seawall; fwd=uri-miss; collapsed"] * (CROWD - 1)
    assert [one.headers.get("x-seawall-cost") for one in got].count("0") == CROWD - 1
    bill = provider.bill()
    assert (bill["requests"], len(bill["rows"])) == (1, 1)
    if not stream:
        costs = [Decimal(one.headers["x-seawall-cost"]) for one in got]
        assert sum(costs) == Decimal(bill["total"])
    assert (await ask(port, body)).headers["cache-status"].startswith("seawall; hit; ttl=")
    assert provider.bill()["requests"] == 1


async def test_an_error_is_one_callers_and_no_answer_of_the_others(port: int, provider: ProviderProcess):
    """The provider fails once: one client is told so, the others ask again and have good answers."""
    body = question(False, status=500, times=1, key="once", delay=0.3, output=5)
    got = await asyncio.gather(*(ask(port, body) for _ in range(CROWD)))
    assert sorted(one.status for one in got) == [200] * (CROWD - 1) + [500]


@pytest.mark.parametrize("stream", [False, True])
async def test_the_client_who_asked_first_may_leave(port: int, provider: ProviderProcess, stream: bool):
    """Its connection is gone before the answer; the others get theirs by the same request."""
    body = question(stream, output=20, delay=0.4, pace=0.02)
    first = asyncio.create_task(ask(port, body))
    await under_way(port, 1)
    others = [asyncio.create_task(ask(port, body)) for _ in range(5)]
    await under_way(port, 6)
    first.cancel()
    got = [await one for one in others]
    assert [one.status for one in got] == [200] * 5
    assert {one.headers["cache-status"] for one in got} == {"seawall; fwd=uri-miss; collapsed"}
    assert provider.bill()["requests"] == 1


async def under_way(port: int, calls: int) -> None:
    """Wait until so many calls are in the gateway, beside the one that asks."""
    async with asyncio.timeout(10):
        while orjson.loads((await call(port, "/diagnostics")).body)["vitals"]["inflight"] <= calls:
            await asyncio.sleep(0)


async def test_a_caller_whose_cap_is_spent_stops_only_itself(port: int, provider: ProviderProcess):
    """It asks first and is refused; who asks at the same time has its answer, and pays for it."""
    body = question(False, output=3, delay=0.2)
    got = await asyncio.gather(ask(port, body, POOR), *(ask(port, body) for _ in range(5)))
    assert sum(one.status == 200 for one in got[1:]) == 5
    assert got[0].status in (200, 429)  # an answer that another one pays for is free for it too
    later = await ask(port, question(False, output=4), POOR)
    assert later.status == 429
    assert provider.bill()["requests"] == 1
