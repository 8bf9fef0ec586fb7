"""The durable record of spending: rows into a spool, the spool into the database, counters from the database."""

import asyncio
import os
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from seawall.admin import StoreView
from seawall.config.ledger import LedgerSettings
from seawall.config.store import show_store
from seawall.contracts.callers import CallerStore
from seawall.contracts.clock import Clock
from seawall.contracts.errors import SettingsError
from seawall.contracts.events import Emit, Notice
from seawall.contracts.ledger import LedgerLost
from seawall.spend.rebuild import rebuild
from seawall.spend.spool import Spool
from seawall.spend.undertaker import Undertaker
from seawall.spend.writer import DurableLedger
from seawall.stores.database import Database, DatabaseCallers

if TYPE_CHECKING:
    from seawall.app.spending import Spending

__all__ = ["Records", "open_records", "spool_path"]

_AGAIN = 2.0  # seconds before a database that was away at the start is asked again


class Records:
    """The ledger of a running gateway, its spool, and the task that writes.

    Args:
        store: the database.
        spool: rows on their way.
        settings: how long rows are kept.
        clock: time.
        emit: told of what goes wrong.
    """

    def __init__(self, store: Database, spool: Spool, settings: LedgerSettings, clock: Clock, emit: Emit) -> None:
        self.spool = spool
        self.ledger = DurableLedger(store, spool, settings.keep, clock, emit)
        self.callers: CallerStore = DatabaseCallers(store)
        self._place = show_store(settings.url)
        self._started = clock.wall()
        self._emit = emit
        self._task: asyncio.Task[None] | None = None

    def views(self) -> tuple[StoreView, ...]:
        """Return the database for `/ready` and `/health`; while it is lost, rows wait in the spool."""
        return (StoreView("ledger", self._place, not self.ledger.lost),)

    async def start(self, spending: "Spending") -> None:
        """Settle what dead processes left, count what was spent before, and write from now on.

        Raises:
            SettingsError: the database refuses what the ledger needs.
        """
        undertaker = Undertaker(self.spool, spending.book)
        there = await self._count(spending)
        await undertaker.start()
        self._undertaker = undertaker
        self._task = asyncio.get_running_loop().create_task(self._run(spending, there), name="ledger")

    async def close(self) -> None:
        """Write what waits while the database answers; the rest stays in the spool."""
        if self._task is not None:
            await self._undertaker.close()
            self._task.cancel()
            await asyncio.wait([self._task])
        await self.ledger.close()
        await asyncio.get_running_loop().run_in_executor(None, self.spool.close)

    async def _count(self, spending: "Spending") -> bool:
        """Open the database and count what was spent before the start; whether it answered."""
        try:
            await self.ledger.open()
            await rebuild(spending.book, spending.counters, self.ledger, self._started)
        except LedgerLost as error:
            message = "The ledger's database is away; what was spent before is counted once it is there"
            self._emit(Notice("warning", "ledger_away", message, (("error", str(error)),)))
            return False
        return True

    async def _run(self, spending: "Spending", there: bool) -> None:
        while not there:
            await asyncio.sleep(_AGAIN)
            try:
                there = await self._count(spending)
            except SettingsError as error:
                self._emit(Notice("error", "ledger_refused", "; ".join(error.faults)))
        await self.ledger.run()


async def open_records(settings: LedgerSettings, clock: Clock, emit: Emit, stack: AsyncExitStack) -> Records | None:
    """Return the durable record, None where settings name none; `stack` closes it.

    Raises:
        SettingsError: the spool's file cannot be made, or the extra `postgres` is not installed.
    """
    url = settings.url.reveal()
    if url == "memory://":
        return None
    path = spool_path(settings, dict(os.environ))

    def failed(message: str) -> None:
        emit(Notice("error", "spool_full", message))

    def opened() -> Spool:
        path.parent.mkdir(parents=True, exist_ok=True)
        return Spool(str(path), failed=failed)

    store = _store(settings)
    try:
        spool = await asyncio.get_running_loop().run_in_executor(None, opened)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SettingsError(
            [f'ledger.spool: {path} cannot be written, {reason} (for example "/var/lib/seawall/ledger.spool")']
        ) from error
    records = Records(store, spool, settings, clock, emit)
    stack.push_async_callback(records.close)
    return records


def spool_path(settings: LedgerSettings, environ: dict[str, str]) -> Path:
    """Return where rows wait: as said, beside the SQLite file, or in the state directory of systemd or of the user."""
    if settings.spool:
        return Path(settings.spool)
    url = settings.url.reveal()
    if url.startswith("sqlite://"):
        return Path(url.removeprefix("sqlite://") + ".spool")
    state = environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if state:
        return Path(state) / "ledger.spool"
    home = environ.get("XDG_STATE_HOME") or str(Path(environ.get("HOME", "/")) / ".local" / "state")
    return Path(home) / "seawall" / "ledger.spool"


def _store(settings: LedgerSettings) -> Database:
    url = settings.url.reveal()
    if url.startswith("sqlite://"):
        from seawall.stores.sqlite import SqliteRows

        return SqliteRows(url.removeprefix("sqlite://"))
    try:
        from seawall.stores.postgres import PostgresRows
    except ImportError as error:
        raise SettingsError(
            ["ledger.url: needs the extra postgres (for example `pip install 'seawall[serve,postgres]'`)"]
        ) from error
    return PostgresRows(settings.url, settings.pool.min, settings.pool.max)
