"""The ledger in PostgreSQL: a small asyncpg pool, every statement with a time limit, the schema made on start."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

import asyncpg

from seawall.contracts.errors import SettingsError
from seawall.contracts.ledger import LedgerLost, Row, Spent
from seawall.contracts.secret import Secret
from seawall.stores.postgres_tls import tls_of
from seawall.stores.rows import (
    COLUMNS,
    KEPT_GROUPS,
    SUMS,
    TEXTS,
    VERSION,
    columns_of,
    schema,
    spent_of,
    summed,
    summed_before,
    values_of,
    within,
)

__all__ = ["PostgresRows"]

_CONNECT = 5.0  # seconds to connect
_STATEMENT = 10.0  # seconds a statement may take, and a connection may be waited for
_GRACE = 1.0  # the server ends a statement, the client only gives up on one that it did not end
_LOCK = 0x5EA3A11  # of pg_advisory_xact_lock: replicas that start together make the schema one after another
_INTEGERS = ("attempt", "status")
_LATER = ("08", "53", "57", "58", "25006", "40", "55P03")  # SQLSTATE classes that say "not now"


def _type(name: str) -> str:
    if name == "at":
        return "double precision"
    if name == "estimated":
        return "boolean"
    if name in _INTEGERS:
        return "integer"
    return "bigint" if name in SUMS or name.startswith("reserved") else "text"


def _table(name: str, columns: Sequence[str], key: Sequence[str]) -> str:
    typed = ", ".join(f"{column} {_type(column)} NOT NULL" for column in columns)
    return f"CREATE TABLE {name} ({typed}, PRIMARY KEY ({', '.join(key)}))"


_SCHEMA = schema(_table)
_PUT = "INSERT INTO seawall_callers VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET text = excluded.text"
_DROP = "DELETE FROM seawall_callers WHERE name = $1"
_INSERT = (
    f"INSERT INTO seawall_ledger ({', '.join(COLUMNS)}) "
    f"SELECT * FROM unnest({', '.join(f'${number}::{_type(name)}[]' for number, name in enumerate(COLUMNS, 1))}) "
    "ON CONFLICT (id) DO NOTHING"
)
_FORGET = (
    "WITH gone AS (DELETE FROM seawall_ledger WHERE at < $1 RETURNING *), kept AS ("
    f"INSERT INTO seawall_spent_before ({', '.join((*KEPT_GROUPS, *SUMS))}) "
    f"{summed(KEPT_GROUPS, 'gone')} ON CONFLICT ({', '.join(KEPT_GROUPS)}) DO UPDATE SET "
    + ", ".join(f"{name} = seawall_spent_before.{name} + excluded.{name}" for name in SUMS)
    + ") SELECT count(*) FROM gone"
)


class PostgresRows:
    """A `RowStore` in one database; a lost connection is replaced when the next is asked for.

    Args:
        url: `postgresql://…`; never shown.
        least: connections kept open.
        most: connections open at once.
    """

    def __init__(self, url: Secret, least: int, most: int) -> None:
        self._url = url
        self._least = least
        self._most = most
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None

    async def open(self) -> None:
        """Connect, and make or migrate the schema.

        Raises:
            LedgerLost: it cannot be reached now.
            SettingsError: it refuses this user or database, or a later version wrote it.
        """
        ways = await asyncio.get_running_loop().run_in_executor(None, tls_of, self._url.reveal())
        for way in ways:
            try:
                await self._open(way)
            except LedgerLost as error:
                if way is ways[-1] or not isinstance(error.__cause__, ConnectionError):
                    raise
                await self.close()  # a server without TLS says so by refusing it
            else:
                return

    async def _open(self, tls: ssl.SSLContext | None) -> None:
        if self._pool is None:
            async with _translated():
                self._pool = await asyncpg.create_pool(
                    self._url.reveal(),
                    min_size=self._least,
                    max_size=self._most,
                    timeout=_CONNECT,
                    command_timeout=_STATEMENT + _GRACE,
                    ssl=tls or False,
                    password=unquote(
                        urlsplit(self._url.reveal()).password or ""
                    ),  # else it reads a file of the home directory
                    server_settings={
                        "application_name": "seawall",
                        "statement_timeout": str(int(_STATEMENT * 1000)),
                        "idle_in_transaction_session_timeout": str(int(_STATEMENT * 1000)),
                    },
                )
        async with self._connection() as connection, connection.transaction():
            await _migrate(connection)

    async def insert(self, rows: Sequence[Row]) -> None:
        """Write rows, all or none; one that is there already changes nothing.

        Raises:
            LedgerLost: the database is gone for now.
        """
        if not rows:
            return
        columns = [list(values) for values in zip(*map(values_of, rows), strict=True)]
        async with self._connection() as connection:
            await connection.execute(_INSERT, *columns)

    async def spent(
        self, by: Sequence[str], *, since: float | None = None, until: float | None = None
    ) -> Sequence[Spent]:
        """Return sums, the dearest first.

        Args:
            by: names of `rows.GROUPS`.
            since: settled at or after, seconds since the epoch.
            until: settled before, seconds since the epoch.

        Raises:
            LedgerLost: the database is gone for now.
            ValueError: a name in `by` is none.
        """
        names = columns_of(by)
        limits = within(since, until)
        statement = summed(names, where="at >= $1 AND at < $2")
        async with (
            self._connection() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            found = await connection.fetch(statement, *limits)
            if since is None and until is None and "day" not in names:
                found += await connection.fetch(summed_before(names))
        return spent_of(len(names), (tuple(record) for record in found))

    async def forget(self, before: float) -> int:
        """Delete rows settled before, seconds since the epoch; their sums are kept. Return how many.

        Raises:
            LedgerLost: the database is gone for now.
        """
        async with self._connection() as connection:
            return int(await connection.fetchval(_FORGET, before))

    async def texts(self) -> Sequence[tuple[str, str]]:
        """Return every name with its text, by name.

        Raises:
            LedgerLost: the database is gone for now.
        """
        async with self._connection() as connection:
            return [tuple(record) for record in await connection.fetch(TEXTS)]

    async def put_text(self, name: str, text: str) -> None:
        """Keep a text in place of what was kept under its name.

        Raises:
            LedgerLost: the database is gone for now.
        """
        async with self._connection() as connection:
            await connection.execute(_PUT, name, text)

    async def drop_text(self, name: str) -> None:
        """Forget a name.

        Raises:
            LedgerLost: the database is gone for now.
        """
        async with self._connection() as connection:
            await connection.execute(_DROP, name)

    async def check(self) -> None:
        """Return where the database answers.

        Raises:
            LedgerLost: it does not.
        """
        async with self._connection() as connection:
            await connection.fetchval("SELECT 1")

    async def close(self) -> None:
        """Close every connection; one that does not close by itself in a second is cut."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.terminate()

    @asynccontextmanager
    async def _connection(self) -> "AsyncIterator[Any]":
        pool = self._pool
        if pool is None:
            raise LedgerLost("the database of the ledger was never reached")
        async with _translated(), pool.acquire(timeout=_STATEMENT) as connection:
            yield connection


async def _migrate(connection: Any) -> None:
    await connection.execute("SELECT pg_advisory_xact_lock($1::bigint)", _LOCK)
    await connection.execute("CREATE TABLE IF NOT EXISTS seawall_schema (version integer NOT NULL)")
    found = await connection.fetchval("SELECT max(version) FROM seawall_schema")
    if found is not None and found > VERSION:
        raise SettingsError(
            [f"ledger.url: version {found} of the schema is later than this version's {VERSION}; start a newer Seawall"]
        )
    if found is None:
        for statement in _SCHEMA:
            await connection.execute(statement)
        await connection.execute("INSERT INTO seawall_schema VALUES ($1)", VERSION)


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    """Translate what the driver raises; no message of the server is passed on, it may hold a value."""
    try:
        yield
    except (OSError, TimeoutError, asyncpg.InterfaceError) as error:
        raise LedgerLost(f"the database of the ledger cannot be reached ({type(error).__name__})") from error
    except asyncpg.PostgresError as error:
        state = getattr(error, "sqlstate", "") or ""
        if state.startswith(_LATER):
            raise LedgerLost(f"the database of the ledger does not answer now ({type(error).__name__})") from error
        raise SettingsError(
            [f"ledger.url: the database refuses what the ledger needs, {type(error).__name__} (SQLSTATE {state})"]
        ) from error
