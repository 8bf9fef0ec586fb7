"""`/api/v1/spend`: sums by the columns asked for, exact, and clear words for what is none."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter

from seawall.admin.door import AdminDoor
from seawall.admin.spending import SpendLine, SpendReport
from seawall.contracts.ledger import LedgerLost, Spent
from seawall.contracts.request import Request
from seawall.spend.memory import MemoryLedger
from spend_rows import row

Make = Callable[..., AdminDoor]


async def ask(door: AdminDoor, query: str) -> tuple[int, Any]:
    """Return status and body of an answer."""
    reply = await door(Request(b"GET", b"/api/v1/spend" + query.encode(), [], b"localhost"))
    text = b""
    if isinstance(reply.body, bytes):
        text = reply.body
    else:
        while chunk := await reply.body.read():
            text += chunk
    reply.close()
    return reply.status, orjson.loads(text)


async def test_sums_stand_by_the_columns_asked_for(door_of: Make, runtime: Any) -> None:
    """The dearest first, money as text with every digit."""
    runtime.ledger = ledger = MemoryLedger()
    ledger.write(row(1, caller="a", cost=Decimal("0.000000000001")))
    ledger.write(row(2, caller="b", cost=Decimal(2), estimated=True))
    status, report = await ask(door_of(), "?by=caller,day")
    assert status == 200
    assert [line["key"]["caller"] for line in report["lines"]] == ["b", "a"]
    assert report["lines"][1]["cost"] == "0.000000000001"
    assert (report["cost"], report["estimated"], report["calls"]) == ("2.000000000001", "2", 2)
    assert report["lines"][0]["tokens"] == {"input": 10, "output": 5}


async def test_moments_cut_the_report(door_of: Make, runtime: Any) -> None:
    """At or after, and before."""
    runtime.ledger = ledger = MemoryLedger()
    for number in range(4):
        ledger.write(row(number, at=float(number)))
    _, report = await ask(door_of(), "?since=1&until=3")
    assert report["calls"] == 2


@pytest.mark.parametrize("query", ["?by=colour", "?by=", "?by=caller,caller", "?since=tomorrow", "?since=-1"])
async def test_what_is_no_column_or_moment_is_told(door_of: Make, runtime: Any, query: str) -> None:
    """With the names that there are."""
    runtime.ledger = MemoryLedger()
    status, problem = await ask(door_of(), query)
    assert status == 422
    assert problem["type"] == "urn:seawall:bad-request"


class Lost:
    """A ledger whose database is gone."""

    def write(self, row: object) -> None:
        """Take a row."""

    async def spent(self, by: Sequence[str], **_: object) -> Sequence[Spent]:
        """Fail."""
        raise LedgerLost("gone")


async def test_a_lost_database_is_told_and_may_be_asked_again(door_of: Make, runtime: Any) -> None:
    """503 with Retry-After."""
    runtime.ledger = Lost()
    status, problem = await ask(door_of(), "")
    assert status == 503
    assert "spool" in problem["detail"]


@pytest.mark.parametrize("shape", [SpendLine, SpendReport])
def test_the_examples_are_valid(shape: Any) -> None:
    """By their own schemas."""
    schema = TypeAdapter(shape).json_schema()
    for example in schema["examples"]:
        Draft202012Validator(schema).validate(example)
