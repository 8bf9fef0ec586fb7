"""What is spent and what is held, per account: decides whether an attempt still fits under every cap.

Money that is held counts in whatever day and month it is now, since it may be settled now: so no midnight lets a cap
be passed. All functions are told the day; nothing here reads a clock.
"""

from collections.abc import Callable, Sequence

from seawall.contracts.ledger import Row
from seawall.spend.account import NO_CAP, Account, Full, Standing, first_refusal, tightest
from seawall.spend.calendar import Today
from seawall.spend.caps import NO_CAPS, CapSet, Key, Want

__all__ = ["Counters"]

_LOOKED_AT = 16  # accounts that are looked at to find one that counts no more


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
        self._held: dict[str, tuple[int, Sequence[Want]]] = {}  # picodollars, and where

    @property
    def held(self) -> int:
        """Picodollars held by all attempts under way."""
        return sum(amount for amount, _ in self._held.values())

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
        accounts, fits = [], True
        for want in wants:
            key, caps, most = want
            account = None if most else self._accounts.get(key)
            if account is None:
                account = self._find(want, today)
                if account is None:
                    return Full(key, "users", most, True)
            elif account.day != today.day:
                account.turn(today)
            accounts.append((want, account))
            fits = fits and (caps.call is None or amount <= caps.call)
        standing = tightest(accounts)
        if not fits or (standing.left is not None and standing.left < amount):
            full = first_refusal(accounts, amount)
            if full is not None:
                return full
        for _, account in accounts:
            account.held += amount
        self._held[number] = (amount, wants)
        return standing

    def settle(self, number: str, cost: int, today: Today) -> Standing:
        """Spend `cost` of what was held and free the rest; a reservation that is not open changes nothing."""
        held = self._held.pop(number, None)
        if held is None:
            return NO_CAP
        amount, wants = held
        accounts = []
        for want in wants:
            account = self._accounts.get(want.key) or self._open(want.key)
            if account.day != today.day:
                account.turn(today)
            account.held -= amount
            account.day_spent += cost
            account.month_spent += cost
            account.total += cost
            accounts.append((want, account))
            if cost and self.tell is not None and want.caps != NO_CAPS:
                self.tell(want, account, cost)
        return tightest(accounts)

    def release(self, number: str) -> None:
        """Free what was held; a reservation that is not open changes nothing."""
        held = self._held.pop(number, None)
        if held is not None:
            amount, wants = held
            for want in wants:
                self._open(want.key).held -= amount

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


def _first(keys: dict[Key, Account], count: int) -> list[Key]:
    found = []
    for key in keys:
        found.append(key)
        if len(found) == count:
            break
    return found
