"""What calls cost, counted from events under labels from settings only."""

from collections.abc import Callable, Collection, Iterator
from decimal import Decimal
from operator import add

from seawall.contracts.events import AttemptPaid
from seawall.contracts.usage import Usage
from seawall.observers.stats import OVERFLOW, UNMATCHED

__all__ = ["Money"]

Names = tuple[str, str, str]  # upstream, model alias, caller

_LIMIT = 2000  # label sets of one family
_OVERFLOW: Names = (OVERFLOW, OVERFLOW, OVERFLOW)


class _Paid:
    __slots__ = ("cost", "estimated", "suspicious", "tokens")

    def __init__(self) -> None:
        self.cost = Decimal(0)
        self.estimated = 0
        self.suspicious = 0
        self.tokens = [0] * len(Usage._fields)


class Money:
    """Counts attempts that were paid for.

    Args:
        upstream: whether a name is an upstream's of the settings.
        caller: whether a name is a known caller's.

    Attributes:
        aliases: names of models in the settings; what was counted before stays.
    """

    def __init__(self, upstream: Callable[[str], bool], caller: Callable[[str], bool]) -> None:
        self._paid: dict[Names, _Paid] = {}
        self._upstream = upstream
        self._caller = caller
        self.aliases: Collection[str] = ()

    def attempt_paid(self, event: AttemptPaid) -> None:
        """Count one attempt."""
        names = (event.upstream, event.alias, event.caller)
        paid = self._paid.get(names)
        if paid is None:
            paid = self._new(names)
        paid.cost += event.cost
        paid.estimated += event.estimated
        paid.suspicious += event.suspicious
        if event.model:
            paid.tokens[:] = map(add, paid.tokens, event.usage)

    def _new(self, names: Names) -> _Paid:
        upstream, alias, caller = names
        known = (
            upstream if self._upstream(upstream) else UNMATCHED,
            alias if not alias or alias in self.aliases else UNMATCHED,
            caller if not caller or self._caller(caller) else UNMATCHED,
        )
        if known not in self._paid and len(self._paid) >= _LIMIT:
            known = _OVERFLOW
        return self._paid.setdefault(known, _Paid())

    def costs(self) -> Iterator[tuple[Names, float]]:
        """Yield US dollars."""
        return ((names, float(paid.cost)) for names, paid in self._items())

    def estimated(self) -> Iterator[tuple[Names, float]]:
        """Yield attempts whose cost is an estimate."""
        return ((names, paid.estimated) for names, paid in self._items())

    def suspicious(self) -> Iterator[tuple[Names, float]]:
        """Yield attempts whose tokens cost nothing though they have a price."""
        return ((names, paid.suspicious) for names, paid in self._items())

    def tokens(self) -> Iterator[tuple[tuple[str, ...], float]]:
        """Yield tokens by kind."""
        for names, paid in self._items():
            for kind, count in zip(Usage._fields, paid.tokens, strict=True):
                if count:
                    yield (*names, kind), count

    def _items(self) -> tuple[tuple[Names, _Paid], ...]:
        return tuple(self._paid.items())
