"""What is spent and what is held, per account: decides whether an attempt still fits under every cap.

Money that is held counts in whatever day and month it is now, since it may be settled now: so no midnight lets a cap
be passed. All functions are told the day; nothing here reads a clock.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from seawall.contracts.ledger import Row
from seawall.spend.calendar import Today
from seawall.spend.caps import WHOLE, CapSet, Key, Want

__all__ = ["Account", "Counters", "Full", "Standing", "longer", "over_one_call", "refusal", "tightest"]

_LOOKED_AT = 16  # accounts that are looked at to find one that counts no more


class Standing(NamedTuple):
    """What is left under the tightest cap of a call.

    Attributes:
        left: picodollars, None where no cap stands on it.
        key: of the account.
        period: `day`, `month` or `total`.
    """

    left: int | None = None
    key: Key = ("", "", "")
    period: str = ""


_NO_CAP = Standing()


class Full(NamedTuple):
    """A cap leaves no room.

    Attributes:
        key: of the account.
        period: `call`, `day`, `month`, `total`, or `users` where no further end user can be counted.
        cap: picodollars.
        spent: the money is spent, not only held.
    """

    key: Key
    period: str
    cap: int
    spent: bool


class Account:
    """Money of one key, in picodollars; `held` is not settled yet."""

    __slots__ = ("day", "day_spent", "held", "month", "month_spent", "total")

    def __init__(self) -> None:
        self.held = 0
        self.day = ""
        self.day_spent = 0
        self.month = ""
        self.month_spent = 0
        self.total = 0

    def turn(self, today: Today) -> None:
        """Begin a new day or month where one has come; a clock that goes back begins none."""
        if today.day > self.day:
            self.day, self.day_spent = today.day, 0
            if today.month > self.month:
                self.month, self.month_spent = today.month, 0

    def add(self, cost: int) -> None:
        """Count what was spent, today."""
        self.day_spent += cost
        self.month_spent += cost
        self.total += cost

    def spent(self, period: str) -> int:
        """Return what was spent in a period."""
        return self.day_spent if period == "day" else self.month_spent if period == "month" else self.total

    def counts(self, caps: CapSet) -> bool:
        """Whether forgetting it would forget money that counts."""
        return bool(
            self.held
            or (caps.day is not None and self.day_spent)
            or (caps.month is not None and self.month_spent)
            or (caps.total is not None and self.total)
        )


def refusal(key: Key, caps: CapSet, account: Account, amount: int) -> Full | None:
    """Return the cap that leaves no room for `amount`; of several the one that lasts longest."""
    if not amount:
        return None
    found: Full | None = None
    if caps.call is not None and amount > caps.call:
        found = Full(key, "call", caps.call, True)
    for period, cap in (("day", caps.day), ("month", caps.month), ("total", caps.total)):
        if cap is not None:
            wanted = account.spent(period) + amount
            if wanted + account.held > cap:
                found = longer(found, Full(key, period, cap, wanted > cap))
    return found


def over_one_call(wants: Sequence[Want], amount: int) -> Full | None:
    """Return the cap for one call that an amount exceeds."""
    for want in wants:
        if want.caps.call is not None and amount > want.caps.call:
            return Full(want.key, "call", want.caps.call, True)
    return None


def tightest(accounts: Iterable[tuple[Want, Account]]) -> Standing:
    """Return what is left under the tightest cap of all accounts."""
    least: int | None = None
    key, period = WHOLE, ""
    for want, account in accounts:
        caps, held = want.caps, account.held
        if caps.day is not None and (least is None or caps.day - account.day_spent - held < least):
            least, key, period = caps.day - account.day_spent - held, want.key, "day"
        if caps.month is not None and (least is None or caps.month - account.month_spent - held < least):
            least, key, period = caps.month - account.month_spent - held, want.key, "month"
        if caps.total is not None and (least is None or caps.total - account.total - held < least):
            least, key, period = caps.total - account.total - held, want.key, "total"
    return _NO_CAP if least is None else Standing(max(0, least), key, period)


class _Held(NamedTuple):
    amount: int
    wants: Sequence[Want]


class Counters:
    """Accounts in this process.

    Args:
        spent: told of each account in which money was spent: its caps, the account then, picodollars.

    Attributes:
        tell: as `spent`.
        marked: False: reservations are kept without the rows that stand for them.
    """

    def __init__(self, spent: Callable[[Want, Account, int], None] | None = None) -> None:
        self.tell = spent
        self.marked = False
        self._accounts: dict[Key, Account] = {}
        self._users: dict[str, dict[Key, Account]] = {}  # end users' accounts by caller, the longest unseen first
        self._held: dict[str, _Held] = {}

    @property
    def held(self) -> int:
        """Picodollars held by all attempts under way."""
        return sum(one.amount for one in self._held.values())

    def __len__(self) -> int:
        """Return how many reservations are open."""
        return len(self._held)

    def account(self, want: Want, today: Today) -> Account | None:
        """Return an account, None where nothing was counted in it."""
        account = self._accounts.get(want.key)
        if account is not None:
            account.turn(today)
        return account

    def seen(self, want: Want, today: Today) -> Account:
        """Return an account to remember what another counter tells of it; a passing one where there is no room."""
        return self._find(want, today) or Account()

    async def reserve(
        self, number: str, amount: int, wants: Sequence[Want], today: Today, mark: Row | None = None
    ) -> Standing | Full:
        """Hold in every account, or in none; see `hold`."""
        return self.hold(number, amount, wants, today)

    def hold(self, number: str, amount: int, wants: Sequence[Want], today: Today) -> Standing | Full:
        """Hold `amount` in every account, or in none; return what was left before, or the cap that leaves no room."""
        full = None
        accounts = []
        for want in wants:
            account = self._find(want, today)
            if account is None:
                return Full(want.key, "users", want.most, True)
            accounts.append((want, account))
            full = longer(full, refusal(want.key, want.caps, account, amount))
        if full is not None:
            return full
        standing = tightest(accounts)
        for _, account in accounts:
            account.held += amount
        self._held[number] = _Held(amount, wants)
        return standing

    def settle(self, number: str, cost: int, today: Today) -> Standing:
        """Spend `cost` of what was held and free the rest; a reservation that is not open changes nothing."""
        held = self._held.pop(number, None)
        if held is None:
            return Standing()
        accounts = [(want, self._open(want.key)) for want in held.wants]
        for want, account in accounts:
            account.turn(today)
            account.held -= held.amount
            account.add(cost)
            if self.tell is not None and cost:
                self.tell(want, account, cost)
        return tightest(accounts)

    def release(self, number: str) -> None:
        """Free what was held; a reservation that is not open changes nothing."""
        held = self._held.pop(number, None)
        if held is not None:
            for want in held.wants:
                self._open(want.key).held -= held.amount

    def bury(self, number: str, cost: int, wants: Sequence[Want], today: Today) -> None:
        """Spend what a dead process held; nobody counted it here."""
        for want in wants:
            self.add(want.key, today, day=cost, month=cost, total=cost)

    def add(self, key: Key, today: Today, *, day: int = 0, month: int = 0, total: int = 0) -> None:
        """Count what was spent before this process began."""
        account = self._open(key)
        account.turn(today)
        account.day_spent += day
        account.month_spent += month
        account.total += total

    def forget(self, scope: str, name: str) -> None:
        """Forget what was spent in the accounts of a scope and name, to be told anew; what is held stays."""
        keys = self._users.get(name, {}) if scope == "user" else ((scope, name, ""),)
        for key in keys:
            account = self._accounts.get(key)
            if account is not None:
                account.day_spent = account.month_spent = account.total = 0

    def _open(self, key: Key) -> Account:
        account = self._accounts.get(key)
        if account is None:
            account = self._accounts[key] = Account()
            if key[0] == "user":
                self._users.setdefault(key[1], {})[key] = account
        return account

    def _find(self, want: Want, today: Today) -> Account | None:
        key = want.key
        if want.most:
            users = self._users.setdefault(key[1], {})
            if key in users:
                users[key] = users.pop(key)  # seen last
            elif len(users) >= want.most and not self._make_room(users, want.caps, today):
                return None
        account = self._open(key)
        account.turn(today)
        return account

    def _make_room(self, users: dict[Key, Account], caps: CapSet, today: Today) -> bool:
        """Forget the end user longest unseen of those whose money counts no more; look at a few each time."""
        for key in list(_first(users, _LOOKED_AT)):
            account = users.pop(key)
            account.turn(today)
            if not account.counts(caps):
                del self._accounts[key]
                return True
            users[key] = account  # it is asked about again once all others have been
        return False


_LASTING = {"day": 1, "month": 2, "users": 3, "total": 4, "call": 5}


def longer(one: Full | None, two: Full | None) -> Full | None:
    """Return the cap that leaves no room for longer; one that is spent before one that is only held."""
    if one is None or two is None:
        return one or two
    return max(one, two, key=lambda full: (full.spent, _LASTING[full.period]))


def _first(keys: dict[Key, Account], count: int) -> list[Key]:
    found = []
    for key in keys:
        found.append(key)
        if len(found) == count:
            break
    return found
