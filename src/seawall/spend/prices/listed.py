"""The price of one model: which unit prices hold for a usage and a moment."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple, Protocol

from seawall.spend.prices.units import Units

__all__ = ["Dated", "Listed", "Tier"]


class Tier(NamedTuple):
    """Unit prices of calls with more input tokens than `above`; they hold for all tokens of the call."""

    above: int
    units: Units


class Dated(Protocol):
    """Gives the tiers in force at a moment (seconds since the epoch), the dearest tier last."""

    def __call__(self, wall: float) -> Sequence[Tier]:
        """Return them."""
        ...


class Listed:
    """A model's list price.

    Args:
        tiers: in force when the prices are loaded and whatever comes later by date; reservations are made at the
            dearest that a call can reach.
        source: `settings`, `genai-prices` or `free`.
        version: of the source.
        dated: tiers by moment, for prices that change; without it the first ones hold always.
        services: prices of other service tiers, by the provider's name for them.
    """

    __slots__ = ("_dated", "_services", "_tiers", "dearest_tool", "source", "version")

    def __init__(
        self,
        tiers: Sequence[Tier],
        source: str,
        version: str = "",
        dated: Callable[[float], Sequence[Tier]] | None = None,
        services: Mapping[str, "Listed"] | None = None,
    ) -> None:
        self._tiers = tuple(tiers)
        self._services = services or {}
        self.dearest_tool = max((tier.units.dearest_tool for tier in self._tiers), default=Decimal(0))
        self.source = source
        self.version = version
        self._dated = dated

    def service(self, name: str) -> "Listed | None":
        """Return the price of a service tier, `""` the standard one; None where nobody knows it."""
        return self._services.get(name) if name else self

    def most(self, input_bound: int, output_bound: int) -> Decimal:
        """Return US dollars a call may cost at most."""
        tiers = self._tiers
        if len(tiers) == 1:
            return tiers[0].units.most(input_bound, output_bound)
        return max(
            tier.units.most(input_bound, output_bound) for tier in tiers if tier.above < 0 or input_bound > tier.above
        )

    def units(self, input_tokens: int, wall: float) -> Units:
        """Return the unit prices of a call that ended at `wall` with so many input tokens."""
        tiers = self._tiers if self._dated is None else self._dated(wall)
        found = tiers[0].units
        for tier in tiers:
            if input_tokens > tier.above:
                found = tier.units
        return found
