"""Counters as the ledger knows them: read once at start, so that a restart forgets no cent (semantics 8.5)."""

from collections.abc import Sequence

from seawall.contracts.ledger import Ledger, Spent
from seawall.spend.book import Book
from seawall.spend.caps import wants
from seawall.spend.counters import Counters
from seawall.spend.money import picos

__all__ = ["rebuild"]

_BY = ("caller", "user", "alias")


async def rebuild(book: Book, counters: Counters, ledger: Ledger, started: float) -> None:
    """Add what was spent before `started` to the counters.

    It may come late, where the database was away at the start: what was settled since is counted already and left out.

    Args:
        book: knows the caps and the day.
        counters: empty but for what was settled since `started`.
        ledger: read.
        started: seconds since the epoch.

    Raises:
        Exception: whatever the ledger raises where it cannot be read; nothing was counted then.
    """
    today = book.today
    day = await ledger.spent(_BY, since=today.began, until=started)
    month = await ledger.spent(_BY, since=today.month_began, until=started)
    # In this order, and not with `until`: rows past their time stand only in sums of everything, and what is written
    # between the two readings is better counted twice than not at all.
    own = await ledger.spent(_BY, since=started)
    ever = await ledger.spent(_BY)
    for sums, period, sign in ((day, "day", 1), (month, "month", 1), (ever, "total", 1), (own, "total", -1)):
        _add(book, counters, sums, period, sign)


def _add(book: Book, counters: Counters, sums: Sequence[Spent], period: str, sign: int) -> None:
    for one in sums:
        caller, user, alias = one.key
        amount = sign * picos(one.cost)
        for want in wants(book.rules, caller, user, alias):
            counters.add(want.key, book.today, **{period: amount})
