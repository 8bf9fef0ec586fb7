"""Money for tests: a book with a model of simple prices, bills of it, and a pipeline that spends, in virtual time.

The model's answers are made of one-token chunks `b"t"`; `reported(input, output)` is the chunk that tells the usage.
"""

import asyncio
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from pipelines import Bench
from seawall.contracts.bill import STANDARD, Terms
from seawall.contracts.body import Headers
from seawall.contracts.call import Call
from seawall.contracts.clock import Clock
from seawall.contracts.policy import Transport
from seawall.contracts.usage import Usage
from seawall.spend.book import Accounts, Book, Marks
from seawall.spend.calendar import Calendar
from seawall.spend.caps import CallerCaps, CapSet, Rules
from seawall.spend.counters import Counters
from seawall.spend.memory import MemoryLedger
from seawall.spend.money import picos
from seawall.spend.prices.bound import Prices, one_price
from seawall.spend.prices.listed import Listed
from seawall.spend.prices.units import Units
from seawall.testing import Recorder, VirtualLoop

__all__ = ["FAST", "Spending", "TokenBill", "caller_caps", "caps", "reported"]

FAST = one_price(Units(Decimal("0.000001"), Decimal("0.000002")), "settings")


def caps(**usd: str) -> CapSet:
    """Return caps given in US dollars."""
    return CapSet(**{period: picos(Decimal(amount)) for period, amount in usd.items()})


def caller_caps(user: CapSet | None = None, users: int = 10_000, **usd: str) -> CallerCaps:
    """Return a caller's caps given in US dollars."""
    return CallerCaps(caps(**usd), user or CapSet(), users)


def reported(tokens_in: int, tokens_out: int) -> bytes:
    """Return the chunk that tells what was used."""
    return b"U%d,%d;" % (tokens_in, tokens_out)


class TokenMeter:
    """Counts one-token chunks and reads the report."""

    def __init__(self) -> None:
        self.tokens = 0
        self.report: Usage | None = None
        self.status = 0

    def head(self, status: int, headers: Headers) -> None:
        """Remember the status."""
        self.status = status

    def feed(self, chunk: bytes) -> None:
        """Count and read."""
        self.tokens += chunk.count(b"t")
        if b"U" in chunk:
            self.report = Usage(*map(int, chunk.partition(b"U")[2].partition(b";")[0].split(b",")))

    def usage(self) -> Usage | None:
        """Return the report."""
        return self.report

    def begun(self) -> Usage | None:
        """Return None."""
        return None

    def seen(self) -> int:
        """Return the count."""
        return self.tokens

    def price(self) -> Decimal | None:
        """Return None."""
        return None

    def terms(self) -> Terms:
        """Return those of the standard tier."""
        return STANDARD


class TokenBill:
    """A bill of the model `small` of the upstream `api`, alias `fast`: up to 1000 tokens in and 100 out, 0.0012 USD."""

    def __init__(self, **changes: Any) -> None:
        self.upstream = "api"
        self.model = "small"
        self.alias = "fast"
        self.input_bound: int | None = 1000
        self.output_bound = 100
        self.fixed = Decimal(0)
        self.tier = self.beyond = ""
        self.tools_bound = 0
        for name, value in changes.items():
            setattr(self, name, value)

    def meter(self) -> TokenMeter:
        """Return a meter."""
        return TokenMeter()


class Spending:
    """A book and pipelines over it; made on the running loop.

    Args:
        rules: caps.
        accounts: counters; in memory by default.
        marks: of reservations.
        unknown: price of unknown models.
    """

    def __init__(
        self,
        rules: Rules | None = None,
        *,
        accounts: Accounts | None = None,
        marks: Marks | None = None,
        ledger: Any = None,
        unknown: Listed | None = None,
        timezone: str = "UTC",
    ) -> None:
        loop = asyncio.get_running_loop()
        self.clock = loop.clock() if isinstance(loop, VirtualLoop) else Clock()
        self.events = Recorder()
        self.counters = Counters()
        self.ledger = ledger if ledger is not None else MemoryLedger()
        random_bits: Callable[[int], int] = random.SystemRandom().getrandbits  # replicas must not meet
        self.book = Book(accounts or self.counters, self.ledger, self.clock, self.events, random_bits, marks)
        self.counters.tell = self.book.spent_in
        self.book.configure(rules or Rules(), Prices({"fast": FAST}, unknown=unknown), Calendar(timezone))

    def bench(self, transport: Transport, settings: dict[str, Any] | None = None, **more: Any) -> Bench:
        """Return a pipeline that spends."""
        return Bench(transport, {**(settings or {}), "spend": {}}, book=self.book, **more)

    def call(self, bench: Bench, bill: Any = None, caller: str = "kitchen", user: str = "", **more: Any) -> Call:
        """Return a call with a bill."""
        return bench.call(bill=TokenBill() if bill is None else bill, caller=caller, user=user, **more)

    @property
    def held(self) -> int:
        """Picodollars held."""
        return self.counters.held

    @property
    def rows(self) -> list[Any]:
        """Every row that was written, oldest first."""
        return list(self.ledger.rows)

    @property
    def costs(self) -> list[tuple[str, bool]]:
        """Cost and whether it is an estimate, of every row."""
        return [(f"{row.cost.normalize():f}", row.estimated) for row in self.rows]
