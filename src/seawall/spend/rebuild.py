"""Counters as the ledger knows them: neither a restart nor a cap that comes later forgets a cent (semantics 8.5)."""

from collections.abc import Callable, Iterator, Sequence

from seawall.contracts.ledger import Ledger, Spent
from seawall.spend.book import Book
from seawall.spend.caps import Key, wants
from seawall.spend.counters import Counters
from seawall.spend.money import picos

__all__ = ["rebuild"]

_BY = ("caller", "user", "alias")


async def rebuild(
    book: Book, counters: Counters, ledger: Ledger, started: float, keep: Callable[[Key], bool] = lambda key: True
) -> None:
    """Add what was spent before `started` to the counters.

    It may come late, where the database was away at the start: what was settled since is counted already and left out.

    Args:
        book: knows the caps and the day.
        counters: empty but for what was settled since `started`.
        ledger: read.
        started: seconds since the epoch.
        keep: whether an account is one of those wanted; asked once everything is read.

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
        for key, amount in _amounts(book, sums):
            if keep(key):
                counters.add(key, book.today, **{period: sign * amount})


def _amounts(book: Book, sums: Sequence[Spent]) -> Iterator[tuple[Key, int]]:
    """Yield accounts and picodollars."""
    for one in sums:
        caller, user, alias = one.key
        for want in wants(book.rules, caller, user, alias):
            yield want.key, picos(one.cost)
