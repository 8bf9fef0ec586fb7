"""The durable ledger of a running gateway: its database, the spool before it, and the writer between them."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from seawall.admin import StoreView
from seawall.config import Tree
from seawall.config.ledger import LedgerSettings
from seawall.config.store import show_store
from seawall.contracts.callers import CallerStore
from seawall.contracts.clock import Clock
from seawall.contracts.errors import SettingsError
from seawall.contracts.events import Emit
from seawall.contracts.ledger import LedgerLost
from seawall.spend.spool import Spool
from seawall.spend.writer import DurableLedger
from seawall.stores.database import Database, DatabaseCallers

__all__ = ["Durable", "open_durable", "spool_path"]

_PATIENCE = 10.0  # seconds a database has to be there at the start where caps must be known
_AGAIN = 0.5


class Durable:
    """What stands behind `ledger.url` where that is a database.

    Attributes:
        ledger: where rows go, and where sums come from.
        spool: rows and reservations that outlive this process.
        callers: those that the management API made.
    """

    def __init__(self, settings: LedgerSettings, store: Database, spool: Spool, ledger: DurableLedger) -> None:
        self._place = show_store(settings.url)
        self.ledger = ledger
        self.spool = spool
        self.callers: CallerStore = DatabaseCallers(store)

    def views(self) -> tuple[StoreView, ...]:
        """Return the database for `/ready` and `/health`: what it holds waits in the spool while it is lost."""
        return (StoreView("ledger", self._place, not self.ledger.lost),)


async def open_durable(tree: Tree, clock: Clock, emit: Emit, stack: AsyncExitStack) -> Durable | None:
    """Return the durable ledger, running and taken down by `stack`; None where the ledger is in memory.

    Raises:
        SettingsError: the database refuses what is needed, the spool cannot be written, or caps cannot be known since
            the database does not answer.
    """
    settings = tree.ledger
    if settings.url.reveal() == "memory://":
        return None
    store = _store(settings)
    loop = asyncio.get_running_loop()
    try:
        spool = await loop.run_in_executor(None, _spool, spool_path(settings, os.environ), emit)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SettingsError([f"ledger.spool: cannot be written, {reason} (name a file this user may write)"]) from error
    ledger = DurableLedger(store, spool, settings.keep, clock, emit)
    stack.push_async_callback(_closed, spool)
    stack.push_async_callback(ledger.close)
    await _reach(ledger.open, needed=_capped(tree))
    task = loop.create_task(ledger.run(), name="ledger writer")
    stack.push_async_callback(_ended, task)
    return Durable(settings, store, spool, ledger)


def spool_path(settings: LedgerSettings, environ: Mapping[str, str]) -> Path:
    """Return the spool's file: as set, beside the SQLite file, or in the state directory of this user."""
    if settings.spool:
        return Path(settings.spool)
    url = settings.url.reveal()
    if url.startswith("sqlite://"):
        return Path(url.removeprefix("sqlite://") + ".spool")
    place = environ.get("STATE_DIRECTORY", "").partition(":")[0]  # systemd's StateDirectory=
    if place:
        return Path(place) / "ledger.spool"
    home = environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(home) / "seawall" / "ledger.spool"


def _spool(path: Path, emit: Emit) -> Spool:
    from seawall.contracts.events import Notice

    def failed(why: str) -> None:
        emit(Notice("error", "spool_failed", "Rows of the ledger are lost", (("reason", why),)))

    path.parent.mkdir(parents=True, exist_ok=True)
    return Spool(str(path), failed=failed)


def _store(settings: LedgerSettings) -> Database:
    url = settings.url.reveal()
    if url.startswith("sqlite://"):
        from seawall.stores.sqlite import SqliteRows

        return SqliteRows(url.removeprefix("sqlite://"))
    try:
        from seawall.stores.postgres import PostgresRows
    except ImportError as error:
        raise SettingsError(['ledger.url: postgresql:// needs `pip install "seawall[serve,postgres]"`']) from error
    return PostgresRows(settings.url, settings.pool.min, settings.pool.max)


def _capped(tree: Tree) -> bool:
    """Whether any cap stands, so that what was spent must be known before the first call."""
    tables = [tree.spend, *(one.spend for one in tree.models.values()), *(one.spend for one in tree.callers.values())]
    tables += [one.per_user.spend for one in tree.callers.values() if one.per_user is not None]
    return any(getattr(one, cap) is not None for one in tables for cap in ("day", "month", "total"))


async def _reach(opens: Callable[[], Awaitable[None]], *, needed: bool) -> None:
    until = asyncio.get_running_loop().time() + _PATIENCE
    while True:
        try:
            return await opens()
        except LedgerLost as error:
            if not needed:
                return None  # the writer asks again behind the calls
            if asyncio.get_running_loop().time() >= until:
                raise SettingsError(
                    [f"ledger.url: {error}; what was spent must be known before the first call, since there are caps"]
                ) from error
        await asyncio.sleep(_AGAIN)


async def _closed(spool: Spool) -> None:
    await asyncio.get_running_loop().run_in_executor(None, spool.close)  # it removes a file where nothing waits in it


async def _ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait([task])
