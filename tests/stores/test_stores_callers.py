"""Callers of the management API in both databases: every field there and back, and rows of a later version."""

from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import orjson
import pytest

from postgres_server import PostgresServer
from seawall.contracts.callers import StoredCaller, StoredCaps, StoredKey, StoredUsers
from seawall.contracts.secret import Secret
from seawall.contracts.units import Rate
from seawall.stores.database import Database, DatabaseCallers
from seawall.stores.postgres import PostgresRows
from seawall.stores.sqlite import SqliteRows

FULL = StoredCaller(
    "lab", (StoredKey("ab" * 32, 1000.5), StoredKey("cd" * 32, 2000.0)), Rate(60, 60.0), Rate(1000, 3600.0), 4,
    ("weather",), (),
    StoredUsers("X-User", Rate(6, 60.0), Rate(7, 1.0), 9, StoredCaps(day=Decimal("0.050"), total=Decimal("1e-12"))),
    StoredCaps(Decimal("0.01"), Decimal("0.50"), Decimal("123456789.000000000001"), Decimal(0)),
)  # fmt: skip


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """Give an open, empty database of each kind."""
    if request.param == "sqlite":
        store: Database = SqliteRows(str(tmp_path / "ledger.db"))
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        store = PostgresRows(Secret(await server.database(f"callers_{tmp_path.name[-24:].lower()}")), 0, 2)
    await store.open()
    yield store
    await store.close()


async def test_every_field_of_a_caller_comes_back_as_it_was(database: Database):
    """Amounts to the last digit; one without anything too; by name, and replaced by name."""
    callers = DatabaseCallers(database)
    bare = StoredCaller("bare", (StoredKey("00" * 32, 1.0),))
    for one in (FULL, bare):
        await callers.put(one)
    assert list(await callers.list()) == [bare, FULL]
    assert all(getattr(FULL, field) for field in StoredCaller._fields if field != "models")
    assert FULL.users is not None
    assert all(FULL.users)
    changed = FULL._replace(spend=StoredCaps(day=Decimal(2)), users=None)
    await callers.put(changed)
    assert list(await callers.list()) == [bare, changed]


async def test_a_revoked_caller_is_gone_and_one_that_is_not_there_is_nothing(database: Database):
    """No other goes with it."""
    callers = DatabaseCallers(database)
    for name in ("a", "b"):
        await callers.put(FULL._replace(name=name))
    await callers.revoke("a")
    await callers.revoke("nobody")
    assert [one.name for one in await callers.list()] == ["b"]


async def test_rows_of_a_later_and_of_an_earlier_version_are_read(database: Database):
    """What is not known is passed over, what is not there is no limit."""
    callers = DatabaseCallers(database)
    await callers.put(FULL)
    ((name, text),) = await database.texts()
    plain = orjson.loads(text)
    later = {**plain, "colour": "red", "spend": {**plain["spend"], "year": "9"}, "users": {**plain["users"], "x": 1}}
    await database.put_text(name, orjson.dumps(later).decode())
    assert list(await callers.list()) == [FULL]
    early = {"name": name, "keys": plain["keys"], "users": {"header": "X-User"}}
    await database.put_text(name, orjson.dumps(early).decode())
    assert list(await callers.list()) == [StoredCaller(name, FULL.keys, users=StoredUsers("X-User"))]
