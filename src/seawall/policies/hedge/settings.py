"""When a second attempt starts beside a slow first one."""

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema, model_validator

from seawall.contracts.settings import Settings
from seawall.contracts.units import parse_duration, show_duration

__all__ = ["HedgeSettings"]

_PERCENTILE = re.compile(r"p([1-9]\d?(?:\.\d)?)", re.ASCII)
SHORTEST = 0.001


def _after(value: object) -> float | str:
    if isinstance(value, str) and _PERCENTILE.fullmatch(value):
        return value
    try:
        seconds = parse_duration(value)
    except ValueError:
        seconds = 0.0
    if seconds < SHORTEST:
        raise ValueError('must be a percentile or a duration of at least 1ms (for example "p95", "200ms")')
    return seconds


def _show(value: float | str) -> str:
    return value if isinstance(value, str) else show_duration(value)


class HedgeSettings(Settings):
    """Settings of `hedge = { after, max }`, or just `"p95"` or `"200ms"`."""

    after: Annotated[
        float | str,
        BeforeValidator(_after),
        PlainSerializer(_show, return_type=str),
        WithJsonSchema({"type": "string", "pattern": r"^(p\d+(\.\d)?|\d+(\.\d+)?(ms|s|m|h|d))$", "examples": ["p95"]}),
    ] = Field(
        "p95",
        description="When the next attempt starts: a percentile of recent answers, or a duration of at least 1ms.",
    )
    max: int = Field(1, ge=1, le=5, description="Attempts beside the first at most.")

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"after": value} if isinstance(value, str) else value
