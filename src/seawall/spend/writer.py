"""The one writer of a durable ledger: what settles goes to the spool at once, and later to the database in batches.

Nobody waits for it. A database that is gone is asked again, ever more slowly; meanwhile rows wait in the spool's file.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from seawall.contracts.clock import Clock
from seawall.contracts.errors import SettingsError
from seawall.contracts.events import Emit, Notice
from seawall.contracts.ledger import LedgerLost, Row, RowStore, Spent

__all__ = ["BATCH", "DurableLedger", "Waiting"]

BATCH = 500  # rows written at once
_PAUSE = 0.2  # seconds between two batches, so that many small ones become few
_FIRST, _LONGEST = 0.5, 15.0  # seconds before a lost database is asked again
_HOUR = 3600.0
_PATIENCE = 5.0  # seconds a report, or the end, waits for what is under way


class Waiting(Protocol):
    """Where rows wait: the spool."""

    def __len__(self) -> int:
        """Return how many wait."""
        ...

    def write(self, row: Row) -> None:
        """Take one."""
        ...

    def batch(self, most: int) -> Sequence[Row]:
        """Return the oldest; the same ones until they are `done`."""
        ...

    def done(self, count: int) -> None:
        """Forget the oldest."""
        ...


class DurableLedger:
    """A `Ledger` over a database. `open` it, `run` it as a task, `close` it.

    Args:
        store: the database.
        spool: rows on their way.
        keep: seconds that rows are kept.
        clock: time.
        emit: told when the database is lost and back, and of a row that it refuses.

    Attributes:
        lost: whether the database could not be asked the last time.
        refused: rows that the database will never take.
    """

    def __init__(self, store: RowStore, spool: Waiting, keep: float, clock: Clock, emit: Emit) -> None:
        self._store = store
        self._spool = spool
        self._keep = keep
        self._clock = clock
        self._emit = emit
        self._wake = asyncio.Event()
        self._turn = asyncio.Lock()
        self._opened = False
        self.lost = False
        self.refused = 0

    @property
    def waiting(self) -> int:
        """Rows not in the database yet."""
        return len(self._spool)

    def write(self, row: Row) -> None:
        """Take a row into the spool; the database follows."""
        self._spool.write(row)
        self._wake.set()

    async def spent(
        self, by: Sequence[str], *, since: float | None = None, until: float | None = None
    ) -> Sequence[Spent]:
        """Return sums, the dearest first, of everything written so far where the database answers in time.

        Raises:
            LedgerLost: it does not answer.
            ValueError: a name in `by` is none.
        """
        await self.flush()
        return await self._store.spent(by, since=since, until=until)

    async def flush(self, seconds: float = _PATIENCE) -> bool:
        """Write what waits now; whether nothing waits any more.

        Args:
            seconds: how long this may take.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while len(self._spool) and await self._batch():
                    pass
        return not len(self._spool)

    async def open(self) -> None:
        """Connect, and write what an earlier process left.

        Raises:
            LedgerLost: the database cannot be reached.
            SettingsError: it refuses what the ledger needs.
        """
        async with self._turn:
            await self._open()
        await self.flush()

    async def run(self) -> None:
        """Write until cancelled."""
        wait, forgotten = _FIRST, -_HOUR
        while True:
            if not len(self._spool):
                self._wake.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._wake.wait(), _HOUR)
            if await self._batch():
                wait = _FIRST
                if self._clock.now() - forgotten >= _HOUR:
                    forgotten = self._clock.now()
                    await self._forget()
                if len(self._spool) < BATCH:
                    await asyncio.sleep(_PAUSE)
            else:
                await asyncio.sleep(wait)
                wait = min(_LONGEST, wait * 2)

    async def close(self) -> None:
        """Write what waits while the database answers, then let go of it; the rest stays in the spool."""
        await self.flush()
        await self._store.close()

    async def _batch(self) -> bool:
        """Write one batch; whether the database took it."""
        async with self._turn:  # two at once would write and acknowledge the same rows twice
            rows = self._spool.batch(BATCH)
            if not rows:
                return True
            try:
                await self._open()
                await self._store.insert(rows)
            except (LedgerLost, SettingsError) as error:
                self._gone(error)
                return False
            except ValueError:
                await self._one_by_one(rows)
            self._spool.done(len(rows))
        self._back()
        return True

    async def _open(self) -> None:
        if not self._opened:
            await self._store.open()
            self._opened = True

    async def _one_by_one(self, rows: Sequence[Row]) -> None:
        """Find the row that no database takes, which must not keep the others out."""
        for row in rows:
            try:
                await self._store.insert([row])
            except ValueError:
                self.refused += 1
                fields = (("row", row.id), ("request_id", row.request_id), ("cost", str(row.cost)))
                self._emit(Notice("error", "ledger_row_refused", "A row of the ledger cannot be written", fields))

    async def _forget(self) -> None:
        with suppress(LedgerLost, SettingsError):  # tried again in an hour
            await self._store.forget(self._clock.wall() - self._keep)

    def _gone(self, error: Exception) -> None:
        if not self.lost:
            self.lost = True
            fields = (("error", str(error)), ("waiting", len(self._spool)))
            self._emit(Notice("error", "ledger_lost", "The ledger's database is lost, rows wait in the spool", fields))

    def _back(self) -> None:
        if self.lost:
            self.lost = False
            fields = (("waiting", len(self._spool)),)
            self._emit(Notice("info", "ledger_back", "The ledger's database is back", fields))
