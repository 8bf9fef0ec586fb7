"""The price table that ships with genai-prices: looked up per model at load, asked for the date when settling.

It is imported only where language models are configured: it takes 30 MiB.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any, Protocol

from seawall.spend.prices.listed import Listed, Tier
from seawall.spend.prices.units import Units

__all__ = ["NO_TABLE", "GenaiPrices", "PriceTable"]

_PROVIDERS = {"openai": "openai", "anthropic": "anthropic", "bedrock": "aws"}
_MILLION, _THOUSAND = Decimal(10**6), Decimal(10**3)
# Our kinds, the library's names for their prices, and for how many the price is.
_KINDS = {
    "cache_read": ("cache_read_mtok", _MILLION),
    "cache_write": ("cache_write_mtok", _MILLION),
    "cache_write_1h": ("cache_write_1h_mtok", _MILLION),
    "audio_input": ("input_audio_mtok", _MILLION),
    "reasoning": ("output_reasoning_mtok", _MILLION),
    "audio_output": ("output_audio_mtok", _MILLION),
    "tools": ("web_searches_kcount", _THOUSAND),
    "file_searches": ("storage_searches_kcount", _THOUSAND),
    "request": ("requests_kcount", _THOUSAND),
}
_ZERO = Decimal(0)
_SERVICES = ("service_tier", "speed")  # what an answer tells of the service it was given in


class PriceTable(Protocol):
    """Finds the price of a model."""

    def find(self, api: str, url: str, model: str) -> Listed | None:
        """Return the price of an upstream's model, None where nobody knows it.

        Args:
            api: the upstream's: `openai`, `anthropic` or `bedrock`.
            url: of the upstream, which may tell another provider that speaks the same dialect; `""` unknown.
            model: as the upstream knows it.
        """
        ...


class _NoTable:
    def find(self, api: str, url: str, model: str) -> None:
        """Know nothing."""


NO_TABLE: PriceTable = _NoTable()


class GenaiPrices:
    """The table of the installed package, as it was shipped: nothing is fetched.

    Args:
        wall: seconds since the epoch, for prices that begin later.
    """

    def __init__(self, wall: Callable[[], float]) -> None:
        import genai_prices
        from genai_prices.data_snapshot import get_snapshot

        self._wall = wall
        self._snapshot = get_snapshot()
        self._version = genai_prices.__version__

    def find(self, api: str, url: str, model: str) -> Listed | None:
        """Return the price of an upstream's model, None where the table has none for its tokens."""
        found = self._model(api, url, model)
        if found is None:
            return None
        now = datetime.fromtimestamp(self._wall(), UTC)
        tiers = [tier for prices in _ahead(found.prices, now) for tier in _tiers(prices)]
        if not tiers:
            return None
        dated = None if not isinstance(found.prices, list) else partial(_dated, found, {})
        return Listed(
            tiers if dated else _tiers(found.prices), "genai-prices", self._version, dated, self._services(found, now)
        )

    def _services(self, found: Any, now: datetime) -> dict[str, Listed]:
        """Return the prices of other service tiers by name, as they are now and as they are when a call is settled."""
        listed = {}
        for one in found.price_variants or ():
            for kind, name in one.when.items():
                if kind in _SERVICES and len(one.when) == 1 and name not in listed:
                    tiers = _tiers(found.get_prices(now, one.when))
                    if tiers:
                        dated = partial(_served, found, one.when)
                        listed[name] = Listed(tiers, "genai-prices", self._version, dated)
        return listed

    def _model(self, api: str, url: str, model: str) -> Any | None:
        for by in ((None, url), (_PROVIDERS.get(api, api), None)):
            if any(by):
                try:
                    return self._snapshot.find_provider_model(model, None, *by)[1]
                except LookupError:
                    continue
        return None


def _ahead(prices: Any, now: datetime) -> Iterator[Any]:
    """Yield prices in force now, later today, or from a date on that has not come."""
    if not isinstance(prices, list):
        yield prices
        return
    current = next((one for one in reversed(prices) if one.constraint is None or one.constraint.active(now)), prices[0])
    for one in prices:
        start = getattr(one.constraint, "start_date", None)
        if one is current or hasattr(one.constraint, "start_time") or (start is not None and start > now.date()):
            yield one.prices


def _dated(model: Any, known: dict[int, tuple[Any, Sequence[Tier]]], wall: float) -> Sequence[Tier]:
    prices = model.get_prices(datetime.fromtimestamp(wall, UTC))
    found = known.get(id(prices))
    if found is None:
        found = known[id(prices)] = (prices, _tiers(prices))  # kept, so that its id stays its own
    return found[1]


def _served(model: Any, when: Mapping[str, str], wall: float) -> Sequence[Tier]:
    return _tiers(model.get_prices(datetime.fromtimestamp(wall, UTC), when))


def _tiers(prices: Any) -> list[Tier]:
    """Return the tiers of one set of prices; none where it has no price for tokens."""
    if prices.input_mtok is None and prices.output_mtok is None:
        return []
    values = {name: (getattr(prices, name), per) for name, per in _names()}
    starts = {-1}
    for price, _ in values.values():
        starts.update(tier.start for tier in getattr(price, "tiers", ()))
    return [
        Tier(start, _units({name: _at(*value, start) for name, value in values.items()})) for start in sorted(starts)
    ]


def _names() -> Iterator[tuple[str, Decimal]]:
    yield from (("input_mtok", _MILLION), ("output_mtok", _MILLION))
    yield from _KINDS.values()


def _at(price: Any, per: Decimal, start: int) -> Decimal | None:
    """Return the price of one, for calls with more input tokens than `start`."""
    if price is None:
        return None
    value: Decimal = price if isinstance(price, Decimal) else price.base
    for tier in getattr(price, "tiers", ()):
        if start >= tier.start:
            value = tier.price
    return value / per


def _units(values: Mapping[str, Decimal | None]) -> Units:
    kinds = {kind: price for kind, (name, _) in _KINDS.items() if (price := values[name]) is not None}
    return Units(values["input_mtok"] or _ZERO, values["output_mtok"] or _ZERO, kinds)
