"""Caps in gateway processes against the provider's bill: a crowd passes none, what was held too much is free."""

import asyncio
from contextlib import AsyncExitStack
from decimal import Decimal
from pathlib import Path

import orjson
import pytest
from gateways import process
from model_gateway import upstreams
from several import Got, call

from providing import ProviderProcess, script
from valkey_server import ValkeyServer

# One call: its body is 100 tokens at most and so is its answer, at a price of one for a token.
PRICE = """
[models.even]
targets = ["openai/gpt-5-mini"]
price = {{ input = "1000 USD/M", output = "1000 USD/M" }}
[spend]
day = "{day} USD"
"""
MOST = 400  # tokens that a call reserves: those of its body and of its longest answer


def asking(number: int, *, stream: bool, **fields: object) -> bytes:
    """Return a request that reserves `MOST` tokens, whatever it says."""
    said = {"model": "even", "max_tokens": 0, "stream": stream}
    said["messages"] = [{"role": "user", "content": script(**fields) + f"{number:04}"}]
    said["max_tokens"] = 100
    left = MOST - 100 - len(orjson.dumps(said))
    assert left >= 0
    said["messages"][0]["content"] += "x" * left
    return orjson.dumps(said)


async def ask(port: int, body: bytes) -> Got:
    """Make one chat call."""
    return await call(port, "/v1/chat/completions", "POST", "Content-Type: application/json", body=body)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("replicas", [1, pytest.param(2, marks=pytest.mark.verify)])
async def test_of_100_calls_at_once_10_pass_a_cap_worth_10(tmp_path: Path, replicas: int, stream: bool):
    """As the provider counts them, in one process or in two on one Valkey; what it bills is never over the cap."""
    cap = Decimal(MOST * 10) / 1000
    async with AsyncExitStack() as stack:
        provider = stack.enter_context(ProviderProcess())
        text = upstreams(provider.address, "concurrency = 200") + PRICE.format(day=cap)
        if replicas == 2:
            text += f'[state]\nurl = "{stack.enter_context(ValkeyServer()).url}"\n'
        gates = []
        for number in range(replicas):
            folder = tmp_path / str(number)
            folder.mkdir()
            gates.append(await stack.enter_async_context(process(text, folder)))
        for gate in gates:
            await joined(gate.port, replicas)
        asked = [asking(number, stream=stream, output=100, delay=0.5, input=290) for number in range(100)]
        got = await asyncio.gather(*(ask(gates[at % replicas].port, body) for at, body in enumerate(asked)))
        bill = await asyncio.to_thread(provider.bill)
        passed = sum(one.status == 200 for one in got)
        assert {one.status for one in got} == {200, 429}
        assert passed == len(bill["rows"]) == bill["requests"] == 10
        used = sum(row["input"] + row["output"] for row in bill["rows"])
        assert Decimal(used) / 1000 <= cap
        # all of it is spent but a fortieth: nobody else finds room
        late = [(await ask(gate.port, asked[0])).status for gate in gates]
        assert late == [429] * replicas


async def joined(port: int, replicas: int) -> None:
    """Wait until a gateway knows of so many replicas."""
    if replicas == 1:
        return
    found = b""

    async def look() -> bool:
        nonlocal found
        found = (await call(port, "/metrics")).body
        return f"seawall_state_replicas {replicas}".encode() in found

    async with asyncio.timeout(20):
        while not await look():
            await asyncio.sleep(0)


async def test_what_was_held_too_much_is_free_again(tmp_path: Path):
    """Calls one after another that use a tenth of what they reserve: at least 80 of a cap worth 100 of them pass."""
    with ProviderProcess() as provider:
        cap = Decimal(MOST // 10 * 100) / 1000  # what a hundred calls use; ten times less than they reserve
        async with process(upstreams(provider.address) + PRICE.format(day=cap), tmp_path) as gate:
            statuses = []
            for number in range(100):
                body = asking(number, stream=number % 2 == 0, output=10, input=MOST // 10 - 10)
                statuses.append((await ask(gate.port, body)).status)
        bill = await asyncio.to_thread(provider.bill)
    assert statuses.count(200) == len(bill["rows"]) >= 80
    assert set(statuses) == {200, 429}
