"""`/api/v1/spend`: what was spent, summed up by caller, user, upstream, model, alias, day or month."""

from decimal import Decimal
from enum import Enum

from fastapi import FastAPI, HTTPException, Query
from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from seawall.admin.failures import GUARDED, Errors, error
from seawall.contracts.ledger import Ledger, LedgerLost, Spent

__all__ = ["SpendLine", "SpendReport", "add_spending"]

_TAGS: list[str | Enum] = ["spend"]
_LOST = "The ledger's database cannot be asked now; rows wait in the spool. Try again."
_ERRORS: Errors = {
    **GUARDED,
    422: error(
        "A column or a moment is none.",
        422, "bad-request", "The request cannot be used",
        "by must be one or more of caller, user, upstream, model, alias, day, month, each once, got colour",
    ),
    503: error("The database cannot be asked.", 503, "saturated", "The store cannot be asked", _LOST),
}  # fmt: skip
_LINE: JsonDict = {
    "key": {"caller": "kitchen", "alias": "fast"},
    "calls": 12,
    "tokens": {"input": 1200, "output": 340, "cache_read": 600},
    "cost": "0.00043",
    "estimated": "0",
}


class SpendLine(BaseModel):
    """What was spent under one key."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [_LINE]})

    key: dict[str, str] = Field(description="Column to value, in the order asked for.")
    calls: int = Field(description="Attempts that were settled.", ge=0)
    tokens: dict[str, int] = Field(description="Tokens by kind, those above zero.")
    cost: str = Field(description="US dollars, exact.")
    estimated: str = Field(description="Of them, in attempts whose usage nobody reported.")


class SpendReport(BaseModel):
    """Lines, the dearest first, and all of them together."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        json_schema_extra={"examples": [{"lines": [_LINE], "cost": "0.00043", "estimated": "0", "calls": 12}]},
    )

    lines: list[SpendLine] = Field(description="One for each key.")
    calls: int = Field(description="Attempts of all lines.", ge=0)
    cost: str = Field(description="US dollars of all lines, exact.")
    estimated: str = Field(description="Of them, in attempts whose usage nobody reported.")


def add_spending(app: FastAPI, ledger: Ledger) -> None:
    """Add the report."""

    @app.get("/api/v1/spend", summary="What was spent", tags=_TAGS, responses=_ERRORS)
    async def spend(
        by: str = Query("caller,alias", description="Columns, with commas between.", examples=["caller,model,day"]),
        since: float | None = Query(None, description="Settled at or after, seconds since the epoch.", ge=0),
        until: float | None = Query(None, description="Settled before, seconds since the epoch.", ge=0),
    ) -> SpendReport:
        """Sums of the ledger, exact to the last digit; without a database, of what this process has spent."""
        columns = [name.strip() for name in by.split(",") if name.strip()]
        try:
            found = await ledger.spent(columns, since=since, until=until)
        except ValueError as exc:
            raise HTTPException(422, str(exc)) from exc
        except LedgerLost as exc:
            raise HTTPException(503, _LOST, {"retry-after": "1"}) from exc
        return SpendReport(
            lines=[_line(columns, one) for one in found],
            calls=sum(one.calls for one in found),
            cost=_money(sum((one.cost for one in found), Decimal(0))),
            estimated=_money(sum((one.estimated for one in found), Decimal(0))),
        )


def _line(columns: list[str], one: Spent) -> SpendLine:
    tokens = {kind: count for kind, count in one.usage._asdict().items() if count}
    return SpendLine(
        key=dict(zip(columns, one.key, strict=True)),
        calls=one.calls,
        tokens=tokens,
        cost=_money(one.cost),
        estimated=_money(one.estimated),
    )


def _money(amount: Decimal) -> str:
    return f"{amount:f}"
