"""Reservations of dead processes, settled as estimated within a minute (semantics 8.7)."""

from seawall.contracts.wheel import Entry, Wheel
from seawall.spend.book import Book
from seawall.spend.spool import Spool

__all__ = ["EVERY", "Undertaker"]

EVERY = 20.0  # seconds between two looks at what others left


class Undertaker:
    """Looks for what dead processes left in spools: at the start, and again and again for those beside this one.

    Args:
        spool: of this process.
        book: settles.
        wheel: time.
    """

    def __init__(self, spool: Spool, book: Book, wheel: Wheel) -> None:
        self._spool = spool
        self._book = book
        self._wheel = wheel
        self._entry: Entry | None = None

    def start(self) -> None:
        """Look now, and every 20 seconds from then on."""
        self.look()
        self._entry = self._wheel.add(self._wheel.now() + EVERY, self.start)

    def stop(self) -> None:
        """Look no more."""
        if self._entry is not None:
            self._entry.cancel()
            self._entry = None

    def look(self) -> None:
        """Settle what was left."""
        for row in self._spool.orphans():
            self._book.bury(row)
