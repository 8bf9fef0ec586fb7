"""What may be answered again without asking, and for how long."""

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from seawall.contracts.settings import Settings
from seawall.contracts.units import Duration, Size

__all__ = ["CacheSettings"]

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)  # RFC 9110 section 5.6.2


def _field_name(name: str) -> str:
    if _TOKEN.fullmatch(name) is None:
        raise ValueError('must be a field name (for example "CDN-Cache-Control")')
    return name


class CacheSettings(Settings):
    """Settings of `cache = true` (obey the response) or `cache = { ttl, … }`."""

    ttl: Duration | None = Field(
        None, description="Freshness where the response says nothing. Default: none.", examples=["15m"]
    )
    stale_while_revalidate: Duration = Field(
        0.0,
        description="Past its freshness an entry answers at once this long, and is refreshed behind (RFC 5861).",
        examples=["1h"],
    )
    stale_if_error: Duration = Field(
        0.0, description="Past its freshness an entry stands in for a failing upstream this long.", examples=["24h"]
    )
    patience: Duration = Field(0.5, description="What an upstream has to answer while a stale copy could.")
    share: Literal["credential", "caller"] = Field(
        "credential", description="Who shares an entry: everybody with the same upstream credential, or one caller."
    )
    override: bool = Field(False, description="The ttl counts even against Cache-Control.")
    heuristic: bool = Field(False, description="Guess freshness from Last-Modified (RFC 9111 section 4.2.2).")
    targeted: tuple[Annotated[str, AfterValidator(_field_name)], ...] = Field(
        (),
        description="Response fields that go before Cache-Control (RFC 9213).",
        examples=[["CDN-Cache-Control"]],
    )
    largest: Size = Field(1 << 20, gt=0, description="Largest answer kept.")

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {} if value is True else value
