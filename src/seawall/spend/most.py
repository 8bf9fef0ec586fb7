"""What an attempt may cost at most, or why nobody knows (semantics 8.1)."""

from collections.abc import Sequence
from decimal import Decimal

from seawall.contracts.bill import Bill
from seawall.contracts.errors import PriceUnknown
from seawall.spend.caps import Want
from seawall.spend.prices import Listed
from seawall.spend.prices.bound import FREE

__all__ = ["most_of"]

_LEAST = Decimal("1e-12")  # held where only the answer tells a price, so that a cap that is spent refuses


def most_of(bill: Bill, price: Listed | None, found: Sequence[Want]) -> Decimal:
    """Return US dollars.

    Args:
        bill: of the call.
        price: of its model, None for a plain call.
        found: accounts it counts in, with their caps.

    Raises:
        PriceUnknown: something it asks for has no price, or its input no bound, and a cap applies.
    """
    if price is None:
        return bill.fixed or _LEAST
    listed, bound = price.service(bill.tier), bill.input_bound
    if listed is None or bill.beyond or bound is None:
        if price is not FREE and any(want.caps.any for want in found):
            raise PriceUnknown(_why(bill, bill.beyond or (bill.tier if listed is None else "")))
        listed, bound = listed or price, bound or 0
    most = listed.most(bound, bill.output_bound) + bill.fixed
    return most + bill.tools_bound * listed.dearest_tool if bill.tools_bound else most


def _why(bill: Bill, named: str) -> str:
    if named:
        return f"Nobody knows what {named} costs with {bill.model} of {bill.upstream}, and a cap applies. Leave it out"
    return (
        "The input of this call has no bound, and a cap applies. Send content itself instead of a reference, and bound "
        "the provider's own tools by max_uses or max_tool_calls"
    )
