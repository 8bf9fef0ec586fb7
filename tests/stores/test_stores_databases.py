"""What goes wrong with each database: gone, back, too new, not ours; and that no message tells its address."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from test_stores_rows import row

from postgres_server import PostgresServer
from seawall.contracts.errors import SettingsError
from seawall.contracts.ledger import LedgerLost
from seawall.contracts.secret import Secret
from seawall.stores.postgres import PostgresRows
from seawall.stores.sqlite import SqliteRows


async def test_a_folder_that_is_not_there_is_named(tmp_path: Path):
    """With what to do about it."""
    store = SqliteRows(str(tmp_path / "none" / "ledger.db"))
    with pytest.raises(SettingsError, match="there is no folder"):
        await store.open()
    await store.close()


async def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path):
    """It is somebody's, and stays as it was."""
    file = tmp_path / "ledger.db"
    file.write_text("not a database, but four hundred letters " * 10)
    before = file.read_text()
    store = SqliteRows(str(file))
    with pytest.raises(SettingsError, match="not a database"):
        await store.open()
    await store.close()
    assert file.read_text() == before


async def test_a_file_of_a_later_version_is_not_written(tmp_path: Path):
    """Going back a version must not spoil the record."""
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    store = SqliteRows(str(tmp_path / "ledger.db"))
    with pytest.raises(SettingsError, match="99"):
        await store.open()
    await store.close()


async def test_a_file_that_another_process_holds_is_lost_for_now(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Not a fault of the settings: the writer tries again."""
    monkeypatch.setattr("seawall.stores.sqlite._BUSY", 0.01)
    store = SqliteRows(str(tmp_path / "ledger.db"))
    await store.open()
    other = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerLost, match="locked"):
        await store.insert([row(1)])
    other.execute("ROLLBACK")
    other.close()
    await store.insert([row(1)])
    assert len(await store.spent(["caller"])) == 1
    await store.close()


async def test_a_database_that_comes_back_is_used_again(postgres: PostgresServer):
    """Stopped under an open pool, then started: the same store goes on, and nothing shows the password."""
    store = PostgresRows(Secret(await postgres.database("comesback")), 1, 2)
    await store.open()
    await store.insert([row(1)])
    postgres.stop()
    try:
        for _ in range(3):
            with pytest.raises(LedgerLost) as lost:
                await store.insert([row(2)])
            assert "planted-secret" not in str(lost.value)
    finally:
        postgres.start()
    await store.insert([row(2)])
    (sums,) = await store.spent(["caller"])
    assert sums.calls == 2
    await store.close()


async def test_a_database_that_is_not_there_is_lost(postgres: PostgresServer):
    """Nobody listens: for now, since a database may start after the gateway."""
    postgres.stop()
    try:
        store = PostgresRows(Secret(postgres.url()), 0, 1)
        with pytest.raises(LedgerLost):
            await store.open()
        with pytest.raises(LedgerLost):
            await store.check()
        await store.close()
    finally:
        postgres.start()


async def test_a_database_with_no_such_name_is_a_fault_of_the_settings(postgres: PostgresServer):
    """Waiting does not mend it."""
    store = PostgresRows(Secret(postgres.url("nosuchdatabase")), 1, 1)
    with pytest.raises(SettingsError, match="3D000"):
        await store.open()
    await store.close()


async def test_a_schema_of_a_later_version_is_not_written(postgres: PostgresServer):
    """Going back a version must not spoil the record."""
    url = Secret(await postgres.database("later"))
    store = PostgresRows(url, 0, 1)
    await store.open()
    async with store._connection() as connection:
        await connection.execute("UPDATE seawall_schema SET version = 99")
    with pytest.raises(SettingsError, match="99"):
        await store.open()
    await store.close()


async def test_replicas_that_start_together_make_the_schema_once(postgres: PostgresServer):
    """One waits for the other, none fails."""
    url = Secret(await postgres.database("together"))
    stores = [PostgresRows(url, 0, 1) for _ in range(4)]
    await asyncio.gather(*(store.open() for store in stores))
    await asyncio.gather(*(store.insert([row(1), row(number)]) for number, store in enumerate(stores, 2)))
    (sums,) = await stores[0].spent(["caller"])
    assert sums.calls == 5
    for store in stores:
        await store.close()


async def test_a_pool_of_five_serves_five_hundred(postgres: PostgresServer):
    """Who finds no connection free waits for one; the pool is never exhausted."""
    store = PostgresRows(Secret(await postgres.database("crowd")), 1, 5)
    await store.open()
    await asyncio.gather(*(store.insert([row(number)]) for number in range(500)))
    (sums,) = await store.spent(["caller"])
    assert sums.calls == 500
    await store.close()
