"""The ledger against the provider's own bill: calls of every kind and a kill -9 in the middle of them."""

import asyncio
import sqlite3
from decimal import Decimal
from pathlib import Path

import asyncpg
import pytest
from gateways import process
from mixed_calls import SETTINGS, Entry, Load, compared

from postgres_server import postgres_server
from providing import ProviderProcess

_QUERY = (
    "SELECT request_id, cost_micro, cost_rest, reserved_micro, reserved_rest, estimated, source FROM seawall_ledger "
    "ORDER BY id"
)


def entry(row) -> Entry:
    """Return a row as it was read from a database."""
    name, micro, rest, held, held_rest, guess, source = row
    cost, reserved = (
        Decimal(int(whole) * 10**12 + int(part)).scaleb(-18) for whole, part in ((micro, rest), (held, held_rest))
    )
    return Entry(name, cost, reserved, bool(guess), source == "reserved")


async def mixed(count: int, ledger: str, folder: Path, provider: ProviderProcess) -> Load:
    """Make the calls at a gateway that is killed after a third of them and started again."""
    text = SETTINGS.format(provider=provider.address, ledger=ledger)
    load = Load(count, seed=8)
    running = asyncio.create_task(load.run())
    async with process(text, folder) as first:
        load.at(first.port)
        await load.reached.wait()
        load.at(None)
        first.child.kill()
        await first.child.wait()
    async with process(text, folder) as second:
        load.at(second.port)
        await running
        second.child.terminate()
        assert await second.child.wait() == 0
    return load


def check(load: Load, rows: list[Entry], bill: list[dict], count: int) -> None:
    """Hold the books against each other."""
    books = compared(rows, bill)
    print(f"{load.done} calls {dict(load.statuses)}, {len(rows)} rows, {len(bill)} billed; {books}")  # noqa: T201
    assert load.done == count
    assert (books.wrong, books.over, books.lost) == ([], [], [])
    assert books.exact > count // 2
    assert books.billed > 0
    assert books.guessed >= books.billed * Decimal("0.95")
    # close as well, once a model's calls are known: bytes alone come to six times the bill
    assert books.seen * Decimal("0.95") <= books.near <= books.seen * (2 if count > 5000 else 4)


async def on_sqlite(count: int, folder: Path) -> None:
    """Run and check with the ledger in a file."""
    path = folder / "ledger.db"
    with ProviderProcess() as provider:
        load = await mixed(count, f'url = "sqlite://{path}"', folder, provider)
        bill = (await asyncio.to_thread(provider.bill))["rows"]
    with sqlite3.connect(path) as connection:
        rows = [entry(row) for row in connection.execute(_QUERY)]
    check(load, rows, bill, count)


async def test_a_few_hundred_mixed_calls_and_a_kill_agree_with_the_bill(tmp_path: Path):
    """The same as ten thousand, in two seconds."""
    await on_sqlite(400, tmp_path)


@pytest.mark.verify
async def test_ten_thousand_mixed_calls_and_a_kill_agree_with_the_bill(tmp_path: Path):
    """Rows not marked estimated to the last digit; estimates at most 5 % under the bill, none over what was held."""
    await on_sqlite(10_500, tmp_path)


@pytest.mark.verify
async def test_ten_thousand_mixed_calls_on_postgres_agree_with_the_bill(tmp_path: Path):
    """The same with the ledger in PostgreSQL."""
    with postgres_server() as server, ProviderProcess() as provider:
        spool = tmp_path / "spool"
        url = await server.database("mixed")
        load = await mixed(10_500, f'url = "{url}"\nspool = "{spool}"', tmp_path, provider)
        bill = (await asyncio.to_thread(provider.bill))["rows"]
        connection = await asyncpg.connect(url)
        rows = [entry(row) for row in await connection.fetch(_QUERY)]
        await connection.close()
    check(load, rows, bill, 10_500)
