"""Money as it is counted: whole picodollars in the counters, exact decimals in rows.

A counter is added up and compared for every call, in this process or in Redis, whose only exact numbers are integers;
10^-12 dollars is what one token costs at 0.000001 USD per million, so token prices as providers quote them are whole
picodollars and nothing is lost. What is finer (a price told by an answer with 20 digits) is rounded up in the counters,
so that a cap never lets through what was spent, and stands to the eighteenth digit in the row.
"""

from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Context, Decimal

__all__ = ["PICO", "dollars", "exact", "picos", "shown"]

PICO = 10**12

_EXACT = Context(prec=60, rounding=ROUND_CEILING)
_FINEST = Decimal("1e-18")  # what every ledger keeps


def picos(amount: Decimal) -> int:
    """Return US dollars as whole picodollars, rounded up."""
    return int(_EXACT.to_integral_value(_EXACT.scaleb(amount, 12)))


def dollars(amount: int) -> Decimal:
    """Return whole picodollars as US dollars, without zeros at the end."""
    return _EXACT.normalize(_EXACT.scaleb(Decimal(amount), -12)) if amount else Decimal(0)


def exact(amount: Decimal) -> Decimal:
    """Return an amount as rows keep it: exact, or half-even at the eighteenth digit where it has more."""
    exponent = amount.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -18:
        return amount.quantize(_FINEST, ROUND_HALF_EVEN, _EXACT)
    return amount


def shown(amount: Decimal) -> str:
    """Return an amount for people and headers: no exponent, no zeros at the end."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
