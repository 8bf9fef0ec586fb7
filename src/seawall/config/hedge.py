"""The key `hedge`: a second attempt beside a slow first one."""

import re
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from seawall.contracts.settings import Settings
from seawall.contracts.units import parse_duration, show_duration

__all__ = ["HedgeSettings"]

_PERCENTILE = re.compile(r"p([1-9]\d?(?:\.\d)?)", re.ASCII)


def _after(value: object) -> float | str:
    if isinstance(value, str) and _PERCENTILE.fullmatch(value):
        return value
    try:
        seconds = parse_duration(value)
    except ValueError:
        seconds = 0.0
    if seconds < 0.001:
        raise ValueError('must be a percentile or a duration of at least 1ms (for example "p95", "200ms")')
    return seconds


class HedgeSettings(Settings):
    """Settings of `hedge = { after, max }`; only safe methods or with an Idempotency-Key."""

    after: Annotated[
        float | str,
        BeforeValidator(_after),
        PlainSerializer(lambda value: value if isinstance(value, str) else show_duration(value), return_type=str),
        WithJsonSchema({"type": "string", "pattern": r"^(p\d+(\.\d)?|\d+(\.\d+)?(ms|s|m|h|d))$", "examples": ["p95"]}),
    ] = Field(
        "p95",
        description="When the next attempt starts: a percentile of recent answers, or a duration of at least 1ms.",
    )
    max: int = Field(1, ge=1, le=5, description="Attempts beside the first at most.")
