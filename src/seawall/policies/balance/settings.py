"""How a target is chosen where an upstream has several."""

from typing import Any, Literal

from pydantic import Field, model_validator

from seawall.contracts.settings import Settings

__all__ = ["BalanceSettings"]


class BalanceSettings(Settings):
    """The keys `balance` and `sticky` of an upstream; the first alone as `"failover"`."""

    mode: Literal["weighted", "failover", "least_loaded"] = Field(
        "weighted", description="How a target is chosen; failover takes them in order."
    )
    sticky: Literal["caller"] | None = Field(
        None, description="caller keeps each caller on one target. Default: none.", examples=["caller"]
    )

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"mode": value} if isinstance(value, str) else value
