"""What was sent and what it costs, by prices of the provider's own."""

from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any

__all__ = ["Bill", "Row"]

_MILLION = Decimal(1_000_000)
# US dollars per million tokens: input, output, read from the cache, written to it, written for an hour; per search.
# From the providers' own pages; copied here on purpose, so that a wrong price elsewhere shows.
PRICES: dict[str, tuple[str, ...]] = {
    "gpt-5-mini": ("0.25", "2", "0.025", "0", "0", "0.01"),
    "gpt-5": ("1.25", "10", "0.125", "0", "0", "0.01"),
    "gpt-4o-mini": ("0.15", "0.60", "0.075", "0", "0", "0.01"),
    "gpt-3.5-turbo-instruct": ("1.50", "2", "0", "0", "0", "0"),
    "text-embedding-3-small": ("0.02", "0", "0", "0", "0", "0"),
    "claude-sonnet-4-6": ("3", "15", "0.30", "3.75", "6", "0.01"),
    "claude-sonnet-4-5": ("3", "15", "0.30", "3.75", "6", "0.01"),
    "claude-haiku-4-5": ("1", "5", "0.10", "1.25", "2", "0.01"),
    "amazon.nova-lite-v1:0": ("0.06", "0.24", "0.015", "0", "0", "0"),
}
# Of other service tiers: model and tier.
TIERS: dict[tuple[str, str], tuple[str, ...]] = {
    ("gpt-5-mini", "flex"): ("0.125", "1", "0.0125", "0", "0", "0.01"),
    ("gpt-5-mini", "priority"): ("0.45", "3.60", "0.045", "0", "0", "0.01"),
}
_FILE_SEARCH = Decimal("0.0025")
_UNKNOWN = ("1", "1", "1", "1", "1", "0")


@dataclass
class Row:
    """One call that used something.

    Attributes:
        number: in order of arrival.
        api, operation, model: what was called.
        request_id: what the caller called it.
        key: of its scenario.
        tier: service tier it was given in, "" the standard one.
        input, output, cached, written, written_1h, reasoning, searches, file_searches: what was used.
        reported: its usage has left for the client.
        complete: the whole answer has left for the client.
        seconds: from the whole request to the end of its answer.
    """

    number: int
    api: str
    operation: str
    model: str
    request_id: str = ""
    key: str = ""
    input: int = 0
    output: int = 0
    cached: int = 0
    written: int = 0
    written_1h: int = 0
    reasoning: int = 0
    searches: int = 0
    file_searches: int = 0
    tier: str = ""
    reported: bool = False
    complete: bool = False
    seconds: float = 0.0

    def cost(self) -> Decimal:
        """Return US dollars."""
        listed = TIERS.get((self.model, self.tier)) or PRICES.get(self.model, _UNKNOWN)
        price = [Decimal(one) for one in listed]
        plain = self.input - self.cached - self.written
        short = self.written - self.written_1h
        tokens = (
            plain * price[0] + self.output * price[1] + self.cached * price[2] + short * price[3]
            + self.written_1h * price[4]
        )  # fmt: skip
        return tokens / _MILLION + self.searches * price[5] + self.file_searches * _FILE_SEARCH


@dataclass
class Bill:
    """Every call that used something, and how many requests came in all."""

    rows: list[Row] = field(default_factory=list)
    requests: int = 0

    def open(self, api: str, operation: str, model: str, request_id: str, key: str) -> Row:
        """Return a new row; it is on the bill from now on."""
        row = Row(len(self.rows), api, operation, model, request_id, key)
        self.rows.append(row)
        return row

    def shown(self) -> dict[str, Any]:
        """Return the bill as `GET /bill` shows it."""
        rows = [{**asdict(row), "cost": str(row.cost())} for row in self.rows]
        total = sum((row.cost() for row in self.rows), Decimal(0))
        return {"requests": self.requests, "total": str(total), "rows": rows}

    def clear(self) -> None:
        """Forget everything."""
        self.rows.clear()
        self.requests = 0
