"""The ledger in an SQLite file: one connection on one thread of its own, each step one job there.

The standard library's module is enough: a job is a whole transaction, so that a report never reads half of a batch.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from seawall.contracts.errors import SettingsError
from seawall.contracts.ledger import LedgerLost, Row, Spent
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

__all__ = ["SqliteRows"]

T = TypeVar("T")

_BUSY = 5.0  # seconds another process may hold the file
_NUMBERS = ("attempt", "status", "estimated")


def _type(name: str) -> str:
    if name == "at":
        return "REAL"
    return "INTEGER" if name in _NUMBERS or name in SUMS or name.startswith("reserved") else "TEXT"


def _table(name: str, columns: Sequence[str], key: Sequence[str]) -> str:
    typed = ", ".join(f"{column} {_type(column)} NOT NULL" for column in columns)
    return f"CREATE TABLE {name} ({typed}, PRIMARY KEY ({', '.join(key)})) WITHOUT ROWID"


_SCHEMA = schema(_table)
_PUT = "INSERT INTO seawall_callers VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET text = excluded.text"
_DROP = "DELETE FROM seawall_callers WHERE name = ?"
_INSERT = (
    f"INSERT INTO seawall_ledger ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))}) "
    "ON CONFLICT (id) DO NOTHING"
)
_KEEP = (
    f"INSERT INTO seawall_spent_before ({', '.join((*KEPT_GROUPS, *SUMS))}) "
    f"{summed(KEPT_GROUPS, where='at < ?')} "
    f"ON CONFLICT ({', '.join(KEPT_GROUPS)}) DO UPDATE SET "
    + ", ".join(f"{name} = {name} + excluded.{name}" for name in SUMS)
)


class SqliteRows:
    """A `RowStore` in one file.

    Args:
        path: of the file; made when it is not there, its folder is not.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="seawall-sqlite")
        self._connection: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Open the file and make or migrate the schema.

        Raises:
            LedgerLost: another process holds it.
            SettingsError: it cannot be opened or written, is no database, or a later version wrote it.
        """
        try:
            await self._run(self._open)
        except LedgerLost as error:
            if "locked" in str(error):
                raise
            raise SettingsError([f"ledger.url: {error}"]) from error

    async def insert(self, rows: Sequence[Row]) -> None:
        """Write rows, all or none; one that is there already changes nothing.

        Raises:
            LedgerLost: the file cannot be written now.
        """
        values = [values_of(row) for row in rows]

        def job(connection: sqlite3.Connection) -> None:
            connection.executemany(_INSERT, values)

        await self._run(job)

    async def spent(
        self, by: Sequence[str], *, since: float | None = None, until: float | None = None
    ) -> Sequence[Spent]:
        """Return sums, the dearest first.

        Args:
            by: names of `rows.GROUPS`.
            since: settled at or after, seconds since the epoch.
            until: settled before, seconds since the epoch.

        Raises:
            LedgerLost: the file cannot be read now.
            ValueError: a name in `by` is none.
        """
        names = columns_of(by)
        values = within(since, until)
        statement = summed(names, where="at >= ? AND at < ?")
        before = since is None and until is None and "day" not in names

        def job(connection: sqlite3.Connection) -> list[tuple[int | str, ...]]:
            found = connection.execute(statement, values).fetchall()
            return found + (connection.execute(summed_before(names)).fetchall() if before else [])

        return spent_of(len(names), await self._run(job))

    async def forget(self, before: float) -> int:
        """Delete rows settled before, seconds since the epoch; their sums are kept. Return how many.

        Raises:
            LedgerLost: the file cannot be written now.
        """

        def job(connection: sqlite3.Connection) -> int:
            connection.execute(_KEEP, (before,))
            return connection.execute("DELETE FROM seawall_ledger WHERE at < ?", (before,)).rowcount

        return await self._run(job)

    async def texts(self) -> Sequence[tuple[str, str]]:
        """Return every name with its text, by name.

        Raises:
            LedgerLost: the file cannot be read now.
        """
        return await self._run(lambda connection: connection.execute(TEXTS).fetchall())

    async def put_text(self, name: str, text: str) -> None:
        """Keep a text in place of what was kept under its name.

        Raises:
            LedgerLost: the file cannot be written now.
        """
        await self._run(lambda connection: connection.execute(_PUT, (name, text)).rowcount)

    async def drop_text(self, name: str) -> None:
        """Forget a name.

        Raises:
            LedgerLost: the file cannot be written now.
        """
        await self._run(lambda connection: connection.execute(_DROP, (name,)).rowcount)

    async def check(self) -> None:
        """Return where the file can be read.

        Raises:
            LedgerLost: it cannot.
        """
        await self._run(lambda connection: connection.execute("SELECT 1").fetchone())

    async def close(self) -> None:
        """Close the file once what is under way is done."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=False)

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    async def _run(self, job: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._transact, job)
        except sqlite3.Error as error:
            raise LedgerLost(f"{self._path} cannot be used as the ledger now, {error}") from error

    def _transact(self, job: Callable[[sqlite3.Connection], T]) -> T:
        if self._connection is None:
            self._connection = self._connect()
        with self._connection as connection:  # one transaction, rolled back where the job raises
            connection.execute("BEGIN IMMEDIATE")
            return job(connection)

    def _connect(self) -> sqlite3.Connection:
        folder = Path(self._path).parent
        if not folder.is_dir():
            raise sqlite3.OperationalError(f"there is no folder {folder}")
        connection = sqlite3.connect(self._path, timeout=_BUSY, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")  # the spool outlives a crash, this file the spool
        except BaseException:
            connection.close()
            raise
        return connection

    def _open(self, connection: sqlite3.Connection) -> None:
        found = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if found > VERSION:
            raise sqlite3.NotSupportedError(f"version {found} of the schema is later than this version's {VERSION}")
        if found < 1:
            for statement in _SCHEMA:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {VERSION}")
