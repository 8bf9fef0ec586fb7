"""A ledger in memory: the latest rows, and sums of all; gone with the process."""

from collections import deque
from collections.abc import Iterable, Sequence
from decimal import Decimal
from operator import attrgetter

from seawall.contracts.ledger import Row, Spent
from seawall.contracts.usage import Usage

__all__ = ["MemoryLedger"]

_COLUMNS = ("caller", "user", "upstream", "model", "alias", "day", "month")
_key = attrgetter(*_COLUMNS)
_USER = _COLUMNS.index("user")


class MemoryLedger:
    """A `Ledger` of bounded size.

    Args:
        rows: that are kept whole; older ones count in every sum without `since` and `until`.
        sums: lines of sums; above, end users are summed up under their callers.
    """

    def __init__(self, rows: int = 10_000, sums: int = 20_000) -> None:
        self._rows: deque[Row] = deque(maxlen=rows)
        self._most = sums
        self._sums: dict[tuple[str, ...], Spent] = {}

    @property
    def rows(self) -> Sequence[Row]:
        """The latest rows, oldest first."""
        return tuple(self._rows)

    def write(self, row: Row) -> None:
        """Take a row."""
        self._rows.append(row)
        key = _key(row)
        if key not in self._sums and len(self._sums) >= self._most:
            key = (*key[:_USER], "", *key[_USER + 1 :])
        _add(self._sums, _spent(key, row))

    async def spent(
        self, by: Sequence[str], *, since: float | None = None, until: float | None = None
    ) -> Sequence[Spent]:
        """Return sums, the dearest first.

        Raises:
            ValueError: a name in `by` is none.
        """
        wrong = [name for name in by if name not in _COLUMNS]
        if wrong or not by or len(set(by)) != len(by):
            said = ", ".join(by) or "none"
            raise ValueError(f"by must be one or more of {', '.join(_COLUMNS)}, each once, got {said}")
        places = [_COLUMNS.index(name) for name in by]
        found: Iterable[Spent] = self._sums.values()
        if since is not None or until is not None:
            first, end = since or 0.0, float("inf") if until is None else until
            found = [_spent(_key(row), row) for row in self._rows if first <= row.at < end]
        sums: dict[tuple[str, ...], Spent] = {}
        for one in found:
            _add(sums, one._replace(key=tuple(one.key[place] for place in places)))
        return sorted(sums.values(), key=lambda one: (-one.cost, one.key))


def _spent(key: tuple[str, ...], row: Row) -> Spent:
    return Spent(key, 1, row.usage, row.cost, row.cost if row.estimated else Decimal(0))


def _add(sums: dict[tuple[str, ...], Spent], more: Spent) -> None:
    had = sums.get(more.key)
    if had is not None:
        usage = Usage(*map(int.__add__, had.usage, more.usage))
        more = Spent(more.key, had.calls + more.calls, usage, had.cost + more.cost, had.estimated + more.estimated)
    sums[more.key] = more
