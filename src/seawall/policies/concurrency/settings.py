"""How many calls may be in flight to an upstream at once."""

from typing import Any, Literal

from pydantic import Field, model_validator

from seawall.contracts.settings import Settings
from seawall.contracts.units import Duration

__all__ = ["ConcurrencySettings"]


class ConcurrencySettings(Settings):
    """Settings of `concurrency = 8`, `"adaptive"` or `{ limit, queue, wait }`."""

    mode: Literal["fixed", "adaptive"] = Field("fixed", description="adaptive finds the limit from latency.")
    limit: int = Field(64, ge=1, description="Calls in flight at once.")
    queue: int = Field(128, ge=0, description="Calls that may wait for a slot.")
    wait: Duration = Field(2.0, ge=0, description="Longest wait for a slot; then 503.")
    max: int = Field(256, ge=1, description="Highest limit the adaptive mode may reach.")

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        if value == "adaptive":
            return {"mode": "adaptive"}
        return {"limit": value} if isinstance(value, int) and not isinstance(value, bool) else value
