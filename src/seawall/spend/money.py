"""Money as it is counted: whole picodollars in the counters, exact decimals in rows.

A counter is added up and compared for every call, in this process or in Redis, whose only exact numbers are integers;
10^-12 dollars is what one token costs at 0.000001 USD per million, so token prices as providers quote them are whole
picodollars and nothing is lost. What is finer (a price told by an answer with 20 digits) is rounded up in the counters,
so that a cap never lets through what was spent, and stands to the eighteenth digit in the row.
"""

from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Context, Decimal
from math import ceil

__all__ = ["PICO", "counted", "dollars", "exact", "picos", "shown", "shown_picos"]

PICO = 10**12

_EXACT = Context(prec=60, rounding=ROUND_CEILING)
_FINEST = Decimal("1e-18")  # what every ledger keeps
_TWELVE, _EIGHTEEN = Decimal(12), Decimal(18)
_MILLION = 10**6


def picos(amount: Decimal) -> int:
    """Return US dollars as whole picodollars, rounded up."""
    return ceil(_EXACT.scaleb(amount, _TWELVE))


def dollars(amount: int) -> Decimal:
    """Return whole picodollars as US dollars, without zeros at the end."""
    return _EXACT.normalize(_EXACT.scaleb(Decimal(amount), -12)) if amount else Decimal(0)


def exact(amount: Decimal) -> Decimal:
    """Return an amount as rows keep it: exact, or half-even at the eighteenth digit where it has more."""
    if _EXACT.remainder(amount, _FINEST):
        return amount.quantize(_FINEST, ROUND_HALF_EVEN, _EXACT)
    return amount


def counted(amount: Decimal) -> tuple[Decimal, int]:
    """Return an amount as rows keep it, and as counters do: `exact`, and its `picos`."""
    attos = _EXACT.scaleb(amount, _EIGHTEEN)
    whole = int(attos)
    if whole == attos:
        return amount, -(-whole // _MILLION)
    amount = exact(amount)
    return amount, picos(amount)


def shown_picos(amount: int) -> str:
    """Return whole picodollars, not below zero, as `shown` shows their dollars."""
    whole, rest = divmod(amount, PICO)
    return f"{whole}.{rest:012d}".rstrip("0") if rest else str(whole)


def shown(amount: Decimal) -> str:
    """Return an amount for people and headers: no exponent, no zeros at the end."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
