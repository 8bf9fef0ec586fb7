"""A cap that leaves no room, as the error that a client understands (semantics 8.5)."""

from decimal import Decimal

from seawall.contracts.errors import SpendCapReached
from seawall.spend.account import Full
from seawall.spend.calendar import Today
from seawall.spend.caps import name_of
from seawall.spend.money import dollars, shown

__all__ = ["capped"]

_HELD = 1.0  # seconds after which money that is only held may be free again


def capped(full: Full, most: Decimal, today: Today, wall: float) -> SpendCapReached:
    """Return the error: when to come again, whether that makes sense, and which cap it was.

    Args:
        full: the cap.
        most: US dollars that the attempt may cost.
        today: the day it is.
        wall: seconds since the epoch.
    """
    scope, period = full.key[0], full.period
    name = f"{scope} {period}"
    whose = name_of(full.key)
    if period == "users":
        detail = (
            f"All {full.cap} end users of {full.key[1]} that are counted at once have spent money; see per_user.max"
        )
        return SpendCapReached(detail, cap=name, final=True, retry_after=today.ends - wall)
    needs = f"this call may cost {shown(most)} USD"
    cap = f"{shown(dollars(full.cap))} USD"
    if period == "call":
        detail = f"The cap of {whose} for one call is {cap}, and {needs}; ask for less output or send less"
        return SpendCapReached(detail, cap=name, final=True)
    if not full.spent:
        detail = f"The {period} cap of {whose} ({cap}) is held by calls under way, and {needs}"
        return SpendCapReached(detail, cap=name, retry_after=_HELD)
    if period == "total":
        detail = f"What was paid for {whose} in advance ({cap}) is spent: {needs}"
        return SpendCapReached(detail, cap=name, final=True, prepaid=True)
    ends = today.ends if period == "day" else today.month_ends
    detail = f"The {period} cap of {whose} ({cap}) is spent: {needs}, and the {period} ends in {ends - wall:.0f} s"
    return SpendCapReached(detail, cap=name, final=True, retry_after=ends - wall)
