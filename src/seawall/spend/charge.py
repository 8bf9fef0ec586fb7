"""What one attempt is charged: what the provider reported, or the estimate that stands for it (semantics 8.1)."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from typing import NamedTuple

from seawall.contracts.bill import STANDARD, Bill, Terms
from seawall.contracts.usage import NOTHING, Usage
from seawall.spend.prices import Listed

__all__ = ["NO_PRICES", "Charge", "Outcome", "Report", "charge", "charge_of"]

NO_PRICES: Mapping[str, str] = {}


class Report:
    """What a meter has seen.

    Args:
        usage: reported by the provider, None where it reported nothing.
        seen: output tokens counted on the way.
        told: price in US dollars that the answer told.
        terms: what beside tokens decides the price.
        begun: the input alone, where nothing else is reported: as it was told before the answer, or as it likely was.
    """

    __slots__ = ("begun", "seen", "terms", "told", "usage")

    def __init__(
        self,
        usage: Usage | None = None,
        seen: int = 0,
        told: Decimal | None = None,
        terms: Terms = STANDARD,
        begun: Usage | None = None,
    ) -> None:
        self.usage = usage
        self.seen = seen
        self.told = told
        self.terms = terms
        self.begun = begun


class Outcome:
    """How an attempt ended that may have reached the upstream.

    Args:
        status: of the answer, 0 where none came.
        ended: the whole answer has come.
        wall: when, seconds since the epoch.
    """

    __slots__ = ("ended", "status", "wall")

    def __init__(self, status: int, ended: bool, wall: float) -> None:
        self.status = status
        self.ended = ended
        self.wall = wall


class Charge(NamedTuple):
    """US dollars, and how they came about; the fields are those of a `Row`.

    Attributes:
        suspicious: tokens cost nothing though the model has a price.
    """

    cost: Decimal
    usage: Usage = NOTHING
    estimated: bool = False
    prices: Mapping[str, str] = NO_PRICES
    source: str = "fixed"
    version: str = ""
    suspicious: bool = False


charge_of: Callable[[tuple[Decimal, Usage, bool, Mapping[str, str], str, str, bool]], Charge] = partial(
    tuple.__new__, Charge
)


def charge(bill: Bill, price: Listed | None, most: Decimal, report: Report, outcome: Outcome) -> Charge | None:
    """Return what is charged, None where the answer shows that nothing is.

    Args:
        bill: of the call.
        price: of its model, None for a plain call.
        most: what was reserved; an estimate never exceeds it.
        report: of the meter.
        outcome: of the attempt.
    """
    if price is None:
        if report.told is not None:
            return Charge(report.told, source="response")
        return Charge(bill.fixed, estimated=not outcome.status)
    usage = report.usage
    if usage == NOTHING and outcome.status >= 400 and report.told is None:
        return Charge(bill.fixed) if bill.fixed else None  # an answer that no provider bills
    if usage is None:
        if outcome.ended and outcome.status >= 400 and report.told is None:
            return Charge(bill.fixed) if bill.fixed else None  # providers charge no tokens for an error
        return _estimate(bill, price, most, report, outcome)
    estimated = not outcome.ended and report.seen > usage.output
    if estimated:
        usage = usage._replace(output=report.seen)
    listed, sure = _service(bill, price, report.terms)
    units = listed.units(usage.input, outcome.wall)
    cost = units.cost(usage) + bill.fixed
    if usage.tools:
        files = units.searched(usage.tools, report.terms.file_searches)
        sure, cost = sure and files is not None, cost + (files or 0)
    if estimated or not sure:
        estimated, cost = True, min(cost, most)
    source, version = price.source, price.version
    if report.told is not None:
        cost, source, version = report.told, "response", ""
    suspicious = not cost and not units.free and usage.input + usage.output > 0
    return charge_of((cost, usage, estimated, units.shown, source, version, suspicious))


def _service(bill: Bill, price: Listed, terms: Terms) -> tuple[Listed, bool]:
    """Return the price of the service that was given, and whether that is what the provider bills.

    What the answer tells counts, else what was asked.
    """
    listed = price.service(bill.tier if terms.tier is None else terms.tier)
    return listed or price, listed is not None and not bill.beyond


def _estimate(bill: Bill, price: Listed, most: Decimal, report: Report, outcome: Outcome) -> Charge:
    """Nothing was reported: the input as far as it is known, else all there may have been, and the output seen.

    Of an answer that had begun one token more may have been on its way. Where the provider runs tools, the input grows
    with each of their uses, and what was told or is known of it before says little.
    """
    begun = None if bill.tools_bound else report.begun
    seen = report.seen + (outcome.status > 0 and not outcome.ended and report.seen < bill.output_bound)
    usage = begun._replace(output=seen) if begun else Usage(input=bill.input_bound or 0, output=seen)
    listed, _ = _service(bill, price, report.terms)
    units = listed.units(usage.input, outcome.wall)
    if report.told is not None:
        return Charge(report.told, usage, False, units.shown, "response")
    cost = units.cost(usage) if begun else units.most(usage.input, usage.output)
    cost = min(cost + bill.fixed, most)
    return Charge(cost, usage, True, units.shown, price.source, price.version)
