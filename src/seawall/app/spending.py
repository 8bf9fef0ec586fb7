"""What settings say about money, as the book understands it."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import TYPE_CHECKING

from seawall.app.shared import Shared
from seawall.callers import Rules as CallerRules
from seawall.config import Tree
from seawall.config.caller import CapSettings
from seawall.config.model import TokenPrices
from seawall.config.spend import SpendSettings
from seawall.contracts.callers import StoredCaps
from seawall.contracts.clock import Clock
from seawall.contracts.events import Emit, Notice
from seawall.contracts.ledger import Ledger
from seawall.observers import Metrics
from seawall.spend.book import Accounts, Book, Marks
from seawall.spend.calendar import Calendar
from seawall.spend.caps import CallerCaps, CapSet, Rules, Want
from seawall.spend.counters import Account, Counters
from seawall.spend.memory import MemoryLedger
from seawall.spend.money import dollars, picos
from seawall.spend.prices import NO_TABLE, Listed, PriceTable, Units
from seawall.spend.prices.bound import FREE, Prices, one_price, settings_price
from seawall.spend.prices.table import GenaiPrices
from seawall.spend.recall import Recall
from seawall.spend.spool import Spool

if TYPE_CHECKING:
    from seawall.spend.shared import SharedAccounts
    from seawall.stores.redis import Link

__all__ = ["Spending", "configure", "expose_spool", "made_caps", "prices_of", "rules_of", "warm"]

_KINDS = ("cache_read", "cache_write", "cache_write_1h", "reasoning", "audio_input", "audio_output")


class Spending:
    """The book of a running gateway with its counters and ledger.

    Args:
        clock, emit: time and observers.
        random_bits: `random.getrandbits`, for ids of rows.
        shared: counters are all replicas' where it has a link.
        metrics: asks the book when they are asked.
        ledger: where rows go; in memory where there is no other.
        marks: of reservations, None where nothing outlives this process.
    """

    def __init__(
        self,
        clock: Clock,
        emit: Emit,
        random_bits: Callable[[int], int],
        shared: Shared,
        metrics: Metrics,
        ledger: Ledger | None = None,
        marks: Marks | None = None,
    ) -> None:
        self.ledger: Ledger = ledger or MemoryLedger()
        self._shared = None if shared.link is None else _shared(shared.link, emit, self)
        self.counters = Counters(self._spent) if self._shared is None else self._shared.known
        accounts: Accounts = self._shared or self.counters
        self.book = Book(accounts, self.ledger, clock, emit, random_bits, marks)
        self._settings = self.book.rules
        self._made: dict[str, CallerCaps] = {}
        self._recall = Recall(self.book, self.counters, self.ledger, clock.wall, emit)
        self._wall = clock.wall
        self._emit = emit
        self._metrics = metrics
        self._expose(metrics)

    def _spent(self, want: Want, account: Account, cost: int) -> None:
        self.book.spent_in(want, account, cost)

    async def start(self, stack: AsyncExitStack, tree: Tree) -> None:
        """Read what prices and days need, and begin to share where that is configured; `stack` ends it."""
        await asyncio.get_running_loop().run_in_executor(None, warm, tree)
        self.configure(tree)
        if self._shared is not None:
            stack.push_async_callback(self._shared.close)
            await self._shared.start()
        # what dead processes left is told under these names
        self._metrics.configure([(name, "") for name in tree.upstreams], [])
        stack.push_async_callback(self._recall.close)
        await self._recall.start()
        if tree.ledger.url.reveal() == "memory://" and tree.spend.day is not None:
            message = "Day caps start afresh at each start; ledger.url names a database that outlives the process"
            self._emit(Notice("warning", "caps_in_memory", message))

    def configure(self, tree: Tree) -> None:
        """Put the caps, prices and days of a settings tree in force."""
        configure(self.book, tree, self._wall, self._emit)
        self._settings = self.book.rules
        self._apply()
        self._metrics.money.aliases = frozenset(tree.models)

    def made(self, callers: Iterable[CallerRules]) -> None:
        """Put the caps of the callers that the management API made in force, and none of those before."""
        self._made = {one.name: made_caps(one) for one in callers}
        self._apply()

    def _apply(self) -> None:
        if self._made:
            settings = self._settings
            self.book.rules = settings._replace(callers={**self._made, **settings.callers})
        else:
            self.book.rules = self._settings
        self._recall.follow()

    def _expose(self, metrics: Metrics) -> None:
        book = self.book
        metrics.source("seawall_reserved_usd", lambda: float(dollars(book.accounts.held)))
        metrics.source("seawall_cap_used_ratio", book.shares)
        metrics.source("seawall_price_unknown", lambda: [((name,), float(n)) for name, n in book.unpriced.items()])


def _shared(link: "Link", emit: Emit, spending: Spending) -> "SharedAccounts":
    from seawall.spend.shared import SharedAccounts  # needs the extra redis

    accounts = SharedAccounts(
        link,
        emit,
        lambda: spending.book.rules,
        lambda: spending.book.today,
        lambda row: spending.book.bury(row),
    )
    accounts.tell = lambda want, account, cost: spending.book.spent_in(want, account, cost)
    return accounts


def expose_spool(metrics: Metrics, spool: Spool) -> None:
    """Give the metrics what waits for the ledger's database."""
    metrics.source("seawall_spool_rows", lambda: float(len(spool)))
    metrics.source("seawall_spool_bytes", lambda: float(spool.size))
    metrics.source("seawall_spool_dropped", lambda: float(spool.dropped))


def configure(book: Book, tree: Tree, wall: Callable[[], float], emit: Emit) -> None:
    """Put the caps, prices and days of a settings tree in force; tell of models that nobody has a price for."""
    prices = prices_of(tree, wall)
    book.configure(rules_of(tree), prices, Calendar(tree.spend.timezone))
    targets = [
        (target.upstream, target.model) for one in tree.models.values() if one.price is None for target in one.targets
    ]
    for upstream, model in prices.load(targets):
        fields = (("upstream", upstream), ("model", model), ("unknown_price", str(tree.spend.unknown_price)))
        emit(Notice("warning", "price_unknown", "A model has no price; set one for its alias", fields))


def warm(tree: Tree) -> Tree:
    """Read from disk what `configure` needs: the price table and the time zone. It blocks, so call it in a thread."""
    if any(one.api is not None for one in tree.upstreams.values()):
        GenaiPrices(float)
    Calendar(tree.spend.timezone)
    return tree


def rules_of(tree: Tree) -> Rules:
    """Return every cap of a settings tree."""
    callers = {}
    for name, caller in tree.callers.items():
        user = caller.per_user
        callers[name] = CallerCaps(_caps(caller.spend), *(() if user is None else (_caps(user.spend), user.max)))
    return Rules(
        whole=_caps(tree.spend),
        callers=callers,
        models={alias: _caps(model.spend) for alias, model in tree.models.items()},
        alert_at=tuple(sorted(tree.spend.alert_at)),
        on_loss=tree.spend.on_state_loss,
    )


def made_caps(rules: CallerRules) -> CallerCaps:
    """Return the caps of a caller that the management API made."""
    users = rules.users
    return CallerCaps(_stored(rules.spend), *(() if users is None else (_stored(users.spend), users.most)))


def prices_of(tree: Tree, wall: Callable[[], float]) -> Prices:
    """Return the prices of a settings tree; the table is read only where there are language models."""
    spoken = {name: (one.api, one.url or "") for name, one in tree.upstreams.items() if one.api is not None}
    table: PriceTable = GenaiPrices(wall) if spoken else NO_TABLE
    own = {alias: _own(model.price) for alias, model in tree.models.items() if model.price is not None}
    return Prices(own, spoken, table, _unknown(tree.spend.unknown_price))


def _caps(settings: CapSettings | SpendSettings) -> CapSet:
    call = settings.call if isinstance(settings, CapSettings) else None
    return CapSet(
        *(None if cap is None else picos(cap) for cap in (call, settings.day, settings.month, settings.total))
    )


def _stored(caps: StoredCaps) -> CapSet:
    return CapSet(*(None if cap is None else picos(cap) for cap in caps))


def _own(price: TokenPrices) -> Listed:
    kinds = {kind: value for kind in _KINDS if (value := getattr(price, kind)) is not None}
    if price.tools:
        kinds["tools"] = price.tools * 10**6  # given per call, not per million
    return settings_price(price.input, price.output, kinds)


def _unknown(said: Decimal | str) -> Listed | None:
    if isinstance(said, Decimal):
        return one_price(Units.per_million(said, said), "settings")
    return FREE if said == "free" else None
