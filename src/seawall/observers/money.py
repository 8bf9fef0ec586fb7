"""What calls cost, counted from events under labels from settings only."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from seawall.contracts.events import AttemptPaid
from seawall.contracts.usage import Usage
from seawall.observers.metrics import Metrics
from seawall.observers.stats import UNMATCHED

__all__ = ["Money"]

Names = tuple[str, str, str]  # upstream, model alias, caller

_LIMIT = 2000  # label sets of one family
_OVERFLOW: Names = ("overflow", "overflow", "overflow")


class _Paid:
    __slots__ = ("cost", "estimated", "suspicious", "tokens")

    def __init__(self) -> None:
        self.cost = Decimal(0)
        self.estimated = 0
        self.suspicious = 0
        self.tokens = [0] * len(Usage._fields)


class Money:
    """A listener that gives `metrics` the families of spending.

    Args:
        metrics: asks when it is asked.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._paid: dict[Names, _Paid] = {}
        self._known: tuple[frozenset[str], frozenset[str], frozenset[str]] = (frozenset(), frozenset(), frozenset())
        metrics.source("seawall_cost_usd", lambda: self._each(lambda paid: float(paid.cost)))
        metrics.source("seawall_estimated", lambda: self._each(lambda paid: paid.estimated))
        metrics.source("seawall_tokens_without_cost", lambda: self._each(lambda paid: paid.suspicious))
        metrics.source("seawall_tokens", self._tokens)

    def configure(self, upstreams: Iterable[str], aliases: Iterable[str], callers: Iterable[str]) -> None:
        """Bind the names of settings; what was counted before stays."""
        self._known = (frozenset(upstreams), frozenset((*aliases, "")), frozenset((*callers, "")))

    @property
    def hears(self) -> Mapping[type, Callable[[Any], None]]:
        """What attempts cost."""
        return {AttemptPaid: self.attempt_paid}

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
            tokens = paid.tokens
            for place, count in enumerate(event.usage):
                tokens[place] += count

    def _new(self, names: Names) -> _Paid:
        upstreams, aliases, callers = self._known
        known = (
            names[0] if names[0] in upstreams else UNMATCHED,
            names[1] if names[1] in aliases else UNMATCHED,
            names[2] if names[2] in callers else UNMATCHED,
        )
        if known not in self._paid and len(self._paid) >= _LIMIT:
            known = _OVERFLOW
        return self._paid.setdefault(known, _Paid())

    def _each(self, read: Callable[[_Paid], float]) -> list[tuple[Names, float]]:
        return [(names, read(paid)) for names, paid in self._paid.items()]

    def _tokens(self) -> list[tuple[tuple[str, ...], float]]:
        return [
            ((*names, kind), float(count))
            for names, paid in self._paid.items()
            for kind, count in zip(Usage._fields, paid.tokens, strict=True)
            if count
        ]
