"""One account: what is spent and held in it, what its caps leave, and which of them leaves no room."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import NamedTuple

from seawall.spend.calendar import Today
from seawall.spend.caps import NO_CAPS, WHOLE, CapSet, Key, Want

__all__ = [
    "NO_CAP",
    "Account",
    "Full",
    "Standing",
    "first_refusal",
    "longer",
    "over_one_call",
    "refusal",
    "standing_of",
    "tightest",
]


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


NO_CAP = Standing()
standing_of: Callable[[tuple[int | None, Key, str]], Standing] = partial(tuple.__new__, Standing)


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
    for (name, caps, _), account in accounts:
        if caps == NO_CAPS:
            continue
        _, day, month, total = caps
        held = account.held
        if day is not None and (least is None or day - account.day_spent - held < least):
            least, key, period = day - account.day_spent - held, name, "day"
        if month is not None and (least is None or month - account.month_spent - held < least):
            least, key, period = month - account.month_spent - held, name, "month"
        if total is not None and (least is None or total - account.total - held < least):
            least, key, period = total - account.total - held, name, "total"
    return NO_CAP if least is None else standing_of((max(0, least), key, period))


def first_refusal(accounts: Iterable[tuple[Want, Account]], amount: int) -> Full | None:
    """Return the cap of several accounts that leaves no room for `amount`, the one that lasts longest."""
    full = None
    for want, account in accounts:
        full = longer(full, refusal(want.key, want.caps, account, amount))
    return full


_LASTING = {"day": 1, "month": 2, "users": 3, "total": 4, "call": 5}


def longer(one: Full | None, two: Full | None) -> Full | None:
    """Return the cap that leaves no room for longer; one that is spent before one that is only held."""
    if one is None or two is None:
        return one or two
    return max(one, two, key=lambda full: (full.spent, _LASTING[full.period]))
