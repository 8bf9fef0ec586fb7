"""Prices bound per model: from settings by alias, else from the table by upstream and model."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from seawall.contracts.bill import Bill
from seawall.spend.prices.listed import Listed, Tier
from seawall.spend.prices.table import NO_TABLE, PriceTable
from seawall.spend.prices.units import Units

__all__ = ["FREE", "Prices", "one_price", "settings_price"]

_KNOWN = 1024  # models by upstream; a client chooses the names of those it asks for without an alias


def one_price(units: Units, source: str) -> Listed:
    """Return a price that does not change with tokens or time."""
    return Listed((Tier(-1, units),), source)


def settings_price(input: Decimal, output: Decimal, kinds: Mapping[str, Decimal]) -> Listed:
    """Return the price that `[models.<alias>]` says, in US dollars per million tokens."""
    return one_price(Units.per_million(input, output, kinds), "settings")


FREE = one_price(Units(Decimal(0), Decimal(0)), "free")


class Prices:
    """What each model costs.

    Args:
        aliases: prices from settings, by alias.
        upstreams: api and url by upstream.
        table: knows the rest.
        unknown: stands for models that nobody knows, None refuses them under a cap.

    Attributes:
        unknown: as given.
    """

    def __init__(
        self,
        aliases: Mapping[str, Listed] | None = None,
        upstreams: Mapping[str, tuple[str, str]] | None = None,
        table: PriceTable = NO_TABLE,
        unknown: Listed | None = None,
    ) -> None:
        self.unknown = unknown
        self._aliases = aliases or {}
        self._upstreams = upstreams or {}
        self._table = table
        self._found: dict[tuple[str, str], Listed | None] = {}

    def load(self, models: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        """Bind models by upstream before the first call; return those that have no price there."""
        return [(upstream, model) for upstream, model in models if self._look(upstream, model) is None]

    def of(self, bill: Bill) -> Listed | None:
        """Return the price of a bill's model, None where nobody knows it."""
        own = self._aliases.get(bill.alias)
        if own is None:
            own = self._found.get((bill.upstream, bill.model))
        return own if own is not None else self._look(bill.upstream, bill.model)

    def _look(self, upstream: str, model: str) -> Listed | None:
        key = (upstream, model)
        if key in self._found:
            return self._found[key]
        if len(self._found) >= _KNOWN:
            self._found.clear()
        found = self._found[key] = self._table.find(*self._upstreams.get(upstream, ("", "")), model)
        return found
