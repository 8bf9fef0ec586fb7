"""PostgreSQL that stops under load: no call fails or waits, no row is lost, memory stays; 500 calls on a pool of 5."""

import asyncio
import time
from decimal import Decimal
from pathlib import Path

import asyncpg
import orjson
import pytest
from gateways import process
from model_gateway import upstreams
from several import call

from postgres_server import PostgresServer, postgres_server
from providing import ProviderProcess, script

MODEL = '[models.gpt]\ntargets = ["openai/gpt-5-mini"]\n[spend]\nday = "1000 USD"\n'


def body(**fields: object) -> bytes:
    """Return a chat request."""
    return orjson.dumps({"model": "gpt", "messages": [{"role": "user", "content": script(**fields)}]})


async def ask(port: int, said: bytes) -> tuple[int, float]:
    """Make one call; return its status and the seconds it took."""
    began = time.monotonic()
    got = await call(port, "/v1/chat/completions", "POST", "Content-Type: application/json", body=said)
    return got.status, time.monotonic() - began


async def agreed(url: str, provider: ProviderProcess) -> None:
    """Wait until the ledger has a row for each billed call, and compare both to the last digit."""
    bill = await asyncio.to_thread(provider.bill)
    found: tuple[int, Decimal] = (0, Decimal(0))
    connection = await asyncpg.connect(url)
    query = "SELECT count(*), sum(cost_micro), sum(cost_rest), count(*) FILTER (WHERE estimated) FROM seawall_ledger"
    async with asyncio.timeout(60):
        while found[0] != len(bill["rows"]):
            count, micro, rest, guesses = await connection.fetchrow(query)
            found = (count, Decimal(int(micro or 0) * 10**12 + int(rest or 0)).scaleb(-18))
    await connection.close()
    assert (found, guesses) == ((len(bill["rows"]), Decimal(bill["total"])), 0)


async def outage(server: PostgresServer, folder: Path, seconds: float) -> None:
    """Stop the database for so long while calls go on; then everything must be there."""
    with ProviderProcess() as provider:
        url = await server.database(f"ledger{seconds:.0f}")
        text = upstreams(provider.address, "concurrency = 600") + MODEL
        text += f'[ledger]\nurl = "{url}"\nspool = "{folder}/spool"\npool = {{ min = 1, max = 5 }}\n'
        got: list[tuple[int, float]] = []
        stopping = asyncio.Event()

        async def client(port: int) -> None:
            while not stopping.is_set():
                got.append(await ask(port, body(output=5)))

        async with process(text, folder) as gate:
            tasks = [asyncio.create_task(client(gate.port)) for _ in range(8)]
            while len(got) < 100:
                await asyncio.sleep(0)
            before = gate.memory("VmRSS")
            await asyncio.to_thread(server.stop)
            crowd = await asyncio.gather(*(ask(gate.port, body(output=5, delay=0.3)) for _ in range(500)))
            over = asyncio.Event()
            asyncio.get_running_loop().call_later(seconds, over.set)
            await over.wait()
            grown = gate.memory("VmHWM") - before
            await asyncio.to_thread(server.start)
            stopping.set()
            await asyncio.gather(*tasks)
            await agreed(url, provider)
    slowest = sorted(took for _, took in got)[-len(got) // 100]
    print(f"{len(got)} calls and 500 at once, {grown / 2**20:.1f} MiB grown, 99th of 100: {slowest:.3f} s")  # noqa: T201
    assert {status for status, _ in (*got, *crowd)} == {200}
    assert grown < 64 * 2**20


@pytest.mark.verify
async def test_a_minute_without_postgres_fails_no_call_and_loses_no_row(tmp_path: Path):
    """Calls go on, 500 at once too, on a pool of five connections; the ledger is the bill once the database is back."""
    with postgres_server() as server:
        await outage(server, tmp_path, 60)


@pytest.mark.verify
async def test_500_calls_on_a_pool_of_five_wait_for_no_connection(tmp_path: Path):
    """The database is gone at the moment they come, and not one waits for it or fails."""
    with postgres_server() as server:
        await outage(server, tmp_path, 0)
