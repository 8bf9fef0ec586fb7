"""Reservations of dead processes, settled as estimated within a minute (semantics 8.7)."""

import asyncio
from collections.abc import Sequence

from seawall.contracts.events import Notice
from seawall.contracts.ledger import Row
from seawall.spend.book import Book
from seawall.spend.spool import Spool

__all__ = ["EVERY", "Undertaker"]

EVERY = 20.0  # seconds between two looks at what others left


class Undertaker:
    """Looks for what dead processes left in spools: at the start, and again and again for those beside this one.

    `start` it, and `close` it: its task ends there.

    Args:
        spool: of this process.
        book: settles.
        every: seconds between two looks.
    """

    def __init__(self, spool: Spool, book: Book, every: float = EVERY) -> None:
        self._spool = spool
        self._book = book
        self._every = every
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Settle what this file's last process left, and look at the files of others now and again."""
        self._bury(self._spool.orphans())
        await self.look()
        self._task = asyncio.get_running_loop().create_task(self._serve(), name="undertaker")

    async def close(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def look(self) -> None:
        """Take over what processes that are gone left in files beside this one."""
        loop, spool = asyncio.get_running_loop(), self._spool
        for left in await loop.run_in_executor(None, spool.abandoned):
            for row in left.settled:
                spool.write(row)
            self._bury(left.open)
            await loop.run_in_executor(None, left.remove)

    def _bury(self, rows: Sequence[Row]) -> None:
        for row in rows:
            self._book.bury(row)
        if rows:
            message = "What a dead process had reserved was settled as estimated"
            self._book.emit(Notice("warning", "reservations_buried", message, (("count", len(rows)),)))

    async def _serve(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            try:
                await self.look()
            except OSError as error:  # tried again; what is there stays there
                message = "What dead processes left cannot be read"
                fields = (("reason", error.strerror or type(error).__name__),)
                self._book.emit(Notice("error", "spool_unread", message, fields))
