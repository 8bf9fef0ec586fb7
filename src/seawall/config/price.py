"""The key `price` of an upstream: what a plain call costs."""

from decimal import Decimal
from typing import Any, Self

from pydantic import Field, model_validator

from seawall.config.kinds import HeaderName, Pointer, broken
from seawall.contracts.settings import Settings
from seawall.contracts.units import Money

__all__ = ["PriceSettings"]


class PriceSettings(Settings):
    """Settings of `price = "0.0001 USD"` or `price = { call, header, pointer }`."""

    call: Money = Field(
        Decimal(0), description="US dollars per call that reached the upstream.", examples=["0.0001 USD"]
    )
    header: HeaderName | None = Field(
        None, description="Response header that tells the price in US dollars.", examples=["X-Cost"]
    )
    pointer: Pointer | None = Field(
        None, description="JSON pointer into the answer to the price in US dollars.", examples=["/usage/cost"]
    )

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"call": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if self.header is not None and self.pointer is not None:
            raise broken("cannot stand beside header", '"/usage/cost"', "pointer", "header")
        return self
