"""The table [spend]: caps of the whole gateway and how money is counted."""

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from seawall.config.kinds import Timezone
from seawall.contracts.settings import Settings
from seawall.contracts.units import Money, Share, parse_token_price

__all__ = ["SpendSettings"]


def _unknown(value: object) -> Decimal | str:
    if isinstance(value, str) and value in ("refuse", "free"):
        return value
    try:
        return parse_token_price(value)
    except ValueError as exc:
        raise ValueError('must be refuse, free or a price per million tokens (for example "1 USD/M")') from exc


class SpendSettings(Settings):
    """Caps of the whole gateway."""

    day: Money | None = Field(None, description="Most spent in a day. Default: no cap.", examples=["2 USD"])
    month: Money | None = Field(None, description="Most spent in a month. Default: no cap.", examples=["20 USD"])
    total: Money | None = Field(None, description="Most spent ever. Default: no cap.", examples=["200 USD"])
    timezone: Timezone = Field("UTC", description="Whose midnight ends a day.", examples=["Europe/Berlin"])
    unknown_price: Annotated[
        Decimal | Literal["refuse", "free"],
        BeforeValidator(_unknown),
        PlainSerializer(lambda value: value if isinstance(value, str) else f"{value:f} USD/M", return_type=str),
        WithJsonSchema({"type": "string", "pattern": r"^(refuse|free|\d+(\.\d+)? USD/M)$"}),
    ] = Field(
        "refuse",
        description="A model without a price while a cap applies: refuse, free, or a price for all its tokens.",
    )
    alert_at: tuple[Share, ...] = Field((0.5, 0.8, 1.0), description="Shares of a cap at which a message is sent.")
    on_state_loss: Literal["share", "refuse"] = Field(
        "share", description="Caps while the shared state is lost: a fair share of each, or no calls that cost."
    )
