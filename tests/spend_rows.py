"""Rows for the tests of spending."""

from decimal import Decimal
from typing import Any

from seawall.contracts.ledger import Row
from seawall.contracts.usage import Usage

__all__ = ["row"]


def row(number: int | str = 1, **changes: Any) -> Row:
    """Return a row with an id that sorts by `number`."""
    number = f"{number:032x}" if isinstance(number, int) else number
    fields: dict[str, Any] = {
        "id": number, "at": 1_800_000_000.0, "day": "2027-01-15", "month": "2027-01", "caller": "kitchen",
        "user": "", "upstream": "openai", "model": "gpt-5-mini", "alias": "fast", "request_id": "r",
        "attempt": 1, "status": 200, "usage": Usage(10, 5), "cost": Decimal("0.0000125"),
        "reserved": Decimal("0.001"), "estimated": False, "prices": {"input": "0.00000025"},
        "source": "genai-prices", "version": "0.2.3",
    }  # fmt: skip
    return Row(**{**fields, **changes})
