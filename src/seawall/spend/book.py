"""The book: reserves for an attempt what it may cost at most, settles what it did cost, and writes the row."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from seawall.contracts.bill import Bill
from seawall.contracts.call import Call
from seawall.contracts.clock import Clock
from seawall.contracts.errors import PriceUnknown
from seawall.contracts.events import AttemptPaid, Emit, Notice, attempt_paid
from seawall.contracts.ledger import Ledger, Row, row_of
from seawall.contracts.usage import NOTHING
from seawall.spend.account import Account, Full, Standing
from seawall.spend.calendar import Calendar, Today
from seawall.spend.caps import WHOLE, Rules, Want, Wanted, wants
from seawall.spend.charge import NO_PRICES, Charge, charge_of
from seawall.spend.counters import Counters
from seawall.spend.ids import Ids
from seawall.spend.learned import Learned
from seawall.spend.money import counted
from seawall.spend.most import most_of
from seawall.spend.prices import Listed
from seawall.spend.prices.bound import FREE, Prices
from seawall.spend.refused import capped
from seawall.spend.reservation import Reservation
from seawall.spend.used import crossed, used

__all__ = ["Accounts", "Book", "Marks"]


class Accounts(Protocol):
    """Where money is counted: in this process, or shared by replicas.

    Attributes:
        marked: whether a reservation is kept with the row that stands for it if this process dies.
    """

    marked: bool

    async def reserve(
        self, number: str, amount: int, wants: Sequence[Want], today: Today, mark: Row | None
    ) -> Standing | Full:
        """Hold an amount in every account or in none.

        Raises:
            SpendCapReached: the shared state is lost and nobody may spend meanwhile.
        """
        ...

    def settle(self, number: str, cost: int, today: Today) -> Standing:
        """Spend part of what is held, free the rest; what is not held any more changes nothing."""
        ...

    def release(self, number: str) -> None:
        """Free what is held; what is not held any more changes nothing."""
        ...

    def bury(self, number: str, cost: int, wants: Sequence[Want], today: Today) -> None:
        """Spend what a dead process held."""
        ...

    @property
    def held(self) -> int:
        """Picodollars held by this process's attempts under way."""
        ...

    def account(self, want: Want, today: Today) -> Account | None:
        """Return an account as it was last known, None where nothing was counted in it."""
        ...


class Marks(Protocol):
    """Remembers reservations beyond this process's death."""

    def reserve(self, row: Row) -> None:
        """Remember one: the row that stands for it if this process dies."""
        ...

    def release(self, number: str) -> None:
        """Forget one that cost nothing; one that is settled is forgotten with its row."""
        ...


class Book:
    """What is spent, for whom, and what may be.

    Args:
        rules: caps; replaced by `configure`.
        prices: of models; replaced by `configure`.
        calendar: whose midnight; replaced by `configure`.
        accounts: counters.
        ledger: where rows go.
        marks: of reservations, None where nothing outlives this process.
        clock: time.
        random_bits: `random.getrandbits`, for ids.
        emit: observers.

    Attributes:
        learned: what estimates of the input rest on.
        unread: scope and name of accounts whose past is being read from the ledger; who spends in them waits.
    """

    def __init__(
        self,
        accounts: Accounts,
        ledger: Ledger,
        clock: Clock,
        emit: Emit,
        random_bits: Callable[[int], int],
        marks: Marks | None = None,
    ) -> None:
        self.accounts = accounts
        self._hold = accounts.hold if type(accounts) is Counters else None  # nobody need wait for these
        self.ledger = ledger
        self.wall = clock.wall
        self.emit = emit
        self._marks = marks
        self._ids = Ids(clock.wall, random_bits)
        self.unpriced: dict[str, int] = {}
        self.learned = Learned()
        self.unread: dict[tuple[str, str], asyncio.Event] = {}
        self._wanted = Wanted(Rules())
        self.configure(self._wanted.rules, Prices(), Calendar())

    def configure(self, rules: Rules, prices: Prices, calendar: Calendar) -> None:
        """Use other caps, prices and days from now on; what was counted stays."""
        self.rules = rules
        self._prices = prices
        self._calendar = calendar

    @property
    def today(self) -> Today:
        """The day it is in the time zone of `[spend]`."""
        return self._calendar.at(self.wall())

    async def reserve(self, call: Call, bill: Bill) -> Reservation:
        """Hold what an attempt may cost at most, before anything is sent.

        Raises:
            SpendCapReached: a cap leaves no room.
            PriceUnknown: the model has no price, or its input no bound, while a cap applies.
        """
        while self.unread and (event := self._unread(call, bill)) is not None:
            await event.wait()
        rules = self.rules
        if self._wanted.rules is not rules:
            self._wanted = Wanted(rules)
        found = self._wanted.of(call.caller, call.user, bill.alias)
        price = self._price(bill, found) if bill.model else None
        most, picos = counted(most_of(bill, price, found))
        today = self._calendar.at(self.wall())
        number = self._ids()
        held = Reservation(self, call, bill, price, most, number)
        held.rules = rules
        marks, mark = self._marks, None
        if marks is not None or self.accounts.marked:
            mark = self._row(held, today, charge_of((most, NOTHING, True, NO_PRICES, "reserved", "", False)))
        if self._hold is not None:
            answer = self._hold(number, picos, found, today)
        else:
            answer = await self.accounts.reserve(number, picos, found, today, mark)
        if isinstance(answer, Full):
            raise capped(answer, most, today, self.wall())
        held.standing = answer
        if marks is not None and mark is not None:
            marks.reserve(mark)
        return held

    def settled(self, held: Reservation, found: Charge, status: int) -> Standing:
        """Write what a reservation came to; return what is left."""
        call, bill, today = held.call, held.bill, self._calendar.at(self.wall())
        cost, picos = counted(found.cost)
        standing = self.accounts.settle(held.number, picos, today)
        if held.rules is not self.rules:
            self._late(held, picos, today)
        if cost is not found.cost:
            found = found._replace(cost=cost)
        self.ledger.write(self._row(held, today, found, status))
        run, usage = call.run, found.usage
        run.cost = cost if run.cost is None else run.cost + cost
        if bill.model:
            run.tokens = (run.tokens or 0) + usage.input + usage.output
            if not found.estimated:
                self.learned.learn((call.caller, bill.upstream, bill.model), bill.input_bound, usage)
        self.emit(
            attempt_paid((
                call.caller, bill.upstream, bill.alias, bill.model, cost, usage, found.estimated, found.source,
                found.suspicious,
            ))
        )  # fmt: skip
        if found.suspicious:
            fields = (("upstream", bill.upstream), ("model", bill.model), ("tokens", usage.input + usage.output))
            self.emit(Notice("error", "tokens_without_cost", "Tokens of a model with a price cost nothing", fields))
        return standing

    def released(self, held: Reservation) -> None:
        """Free a reservation that cost nothing."""
        self.accounts.release(held.number)
        if self._marks is not None:
            self._marks.release(held.number)

    def bury(self, row: Row) -> None:
        """Settle what a dead process had reserved: as estimated, at all of it, since nobody saw how far it came."""
        today = self.today
        row = row._replace(at=self.wall(), day=today.day, month=today.month)
        self.accounts.bury(row.id, counted(row.cost)[1], wants(self.rules, row.caller, row.user, row.alias), today)
        self.ledger.write(row)
        self.emit(
            AttemptPaid(row.caller, row.upstream, row.alias, row.model, row.cost, row.usage, True, row.source, False)
        )

    def share_used(self, caller: str, user: str, alias: str) -> float:
        """Return the largest share of a cap that is spent or held, 0 where no cap stands; for `cheaper`."""
        share, today = 0.0, self.today
        for want in wants(self.rules, caller, user, alias):
            for _, one in used(want, self.accounts.account(want, today)):
                share = max(share, one)
        return share

    def shares(self) -> list[tuple[tuple[str, str, str], float]]:
        """Return scope, name and period of each cap of the settings, and the share of it that is spent or held."""
        rules, today = self.rules, self.today
        every = [Want(WHOLE, rules.whole)]
        every += [Want(("caller", name, ""), caps.own) for name, caps in rules.callers.items()]
        every += [Want(("model", alias, ""), caps) for alias, caps in rules.models.items()]
        return [
            ((want.key[0], want.key[1], period), share)
            for want in every
            for period, share in used(want, self.accounts.account(want, today))
        ]

    def spent_in(self, want: Want, account: Account, cost: int) -> None:
        """Tell of each cap whose share passed a step of `alert_at` with these picodollars; for whoever counts."""
        for event in crossed(want, account, cost, self.rules.alert_at):
            self.emit(event)

    def _unread(self, call: Call, bill: Bill) -> asyncio.Event | None:
        return self.unread.get(("user", call.caller)) or self.unread.get(("model", bill.alias))

    def _late(self, held: Reservation, cost: int, today: Today) -> None:
        """Count an attempt in accounts that came while it was under way; they read the ledger only up to then."""
        call, alias = held.call, held.bill.alias
        before = {want.key for want in wants(held.rules, call.caller, call.user, alias)}
        since = [want for want in wants(self.rules, call.caller, call.user, alias) if want.key not in before]
        if since and cost:
            self.accounts.bury(f"{held.number}~", cost, since, today)

    def _price(self, bill: Bill, found: Sequence[Want]) -> Listed:
        price = self._prices.of(bill)
        if price is not None:
            return price
        self.unpriced[bill.upstream] = self.unpriced.get(bill.upstream, 0) + 1
        unknown = self._prices.unknown
        if unknown is not None:
            return unknown
        if any(want.caps.any for want in found):
            raise PriceUnknown(
                f"Nobody knows what {bill.model} of {bill.upstream} costs, and a cap applies. Set a price for its "
                'alias (models.<alias>.price = { input = "0.15 USD/M", output = "0.60 USD/M" }), or spend.unknown_price'
            )
        return FREE

    def _row(self, held: Reservation, today: Today, found: Charge, status: int = 0) -> Row:
        call, bill, attempt = held.call, held.bill, held.attempt
        number = call.run.attempts + 1 if attempt is None else attempt.number
        return row_of((
            held.number, self.wall(), today.day, today.month, call.caller, call.user, bill.upstream, bill.model,
            bill.alias, call.request_id, number, status, found.usage, found.cost, held.most, found.estimated,
            found.prices, found.source, found.version,
        ))  # fmt: skip
