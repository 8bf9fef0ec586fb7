"""What was spent before a cap came, read from the ledger: at the start, and for whoever gets a first cap later.

Callers and the gateway are counted with and without caps, so they are read once. End users are counted only while they
have caps, and a model only while its alias stands: what they spent before that is read when it begins.
"""

import asyncio
from collections.abc import Callable, Mapping

from seawall.contracts.events import Emit, Notice
from seawall.contracts.ledger import Ledger, LedgerLost
from seawall.spend.book import Book
from seawall.spend.caps import Key, Rules
from seawall.spend.counters import Counters
from seawall.spend.rebuild import rebuild

__all__ = ["Recall"]

Section = tuple[str, str]
"""Scope and name of accounts that are read together: `user` and a caller, `model` and an alias, or all others."""

_REST: Section = ("gateway", "")
_AGAIN = 5.0  # seconds before a ledger that was lost is asked again


class Recall:
    """Keeps counters equal to the ledger for every cap in force; `start` it, and `close` it.

    Args:
        book: knows the caps; calls whose accounts are being read for the first time wait there.
        counters: accounts of this process.
        ledger: read.
        wall: seconds since the epoch.
        emit: told where the ledger cannot be read.
    """

    def __init__(self, book: Book, counters: Counters, ledger: Ledger, wall: Callable[[], float], emit: Emit) -> None:
        self._book = book
        self._counters = counters
        self._ledger = ledger
        self._wall = wall
        self._emit = emit
        self._counted: dict[Section, frozenset[str]] = {}
        self._wanted: dict[Section, float] = {}  # since when it is counted here; what was before is to be read
        self._wake = asyncio.Event()
        self._lost = False
        self._task: asyncio.Task[None] | None = None

    def follow(self) -> None:
        """Take note of the caps that are in force from now on."""
        needed, now = _sections(self._book.rules), self._wall()
        for section in [one for one in self._counted if one not in needed]:
            del self._counted[section]
            self._wanted.pop(section, None)
            self._release(section)
        for section, periods in needed.items():
            if section in self._counted and periods <= self._counted[section]:
                continue
            self._counted[section] = periods
            self._wanted[section] = now
            self._counters.forget(*section)
            if section != _REST and self._task is not None:
                self._book.unread.setdefault(section, asyncio.Event())
        if self._wanted:
            self._wake.set()

    async def start(self) -> None:
        """Read what was spent so far, and go on reading whenever caps come."""
        await self._try()
        self._task = asyncio.create_task(self._run(), name="spend recall")

    async def close(self) -> None:
        """End."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])
        for section in list(self._book.unread):
            self._release(section)

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            if not await self._try():
                await asyncio.sleep(_AGAIN)
                self._wake.set()

    async def _try(self) -> bool:
        """Read all that is wanted; whether the ledger answered. Nobody waits for a second try."""
        wanted = self._wanted
        asked = list(wanted)
        try:
            while wanted:
                await self._read(min(wanted.values()))
        except LedgerLost as error:
            if not self._lost:
                self._lost = True
                message = "What was spent before is not known, since the ledger's database is away"
                self._emit(Notice("warning", "ledger_away", message, (("error", str(error)),)))
            return False
        finally:
            for section in asked:
                self._release(section)
        self._lost = False
        return True

    async def _read(self, moment: float) -> None:
        """Read what is counted since a moment."""
        wanted = self._wanted

        def still(key: Key) -> bool:  # caps may have gone, or come anew, while the ledger was read
            return wanted.get(_section(key)) == moment

        await rebuild(self._book, self._counters, self._ledger, moment, still)
        for section in [one for one, since in wanted.items() if since == moment]:
            del wanted[section]
            self._release(section)

    def _release(self, section: Section) -> None:
        event = self._book.unread.pop(section, None)
        if event is not None:
            event.set()


def _section(key: Key) -> Section:
    return (key[0], key[1]) if key[0] in ("user", "model") else _REST


def _sections(rules: Rules) -> Mapping[Section, frozenset[str]]:
    """Return what is counted, and the periods whose spending may not be forgotten."""
    found: dict[Section, frozenset[str]] = {_REST: frozenset()}
    found.update({("model", alias): frozenset() for alias in rules.models})
    for name, caps in rules.callers.items():
        if caps.user.any:
            periods = (period for period in ("day", "month", "total") if getattr(caps.user, period) is not None)
            found["user", name] = frozenset(periods)
    return found
