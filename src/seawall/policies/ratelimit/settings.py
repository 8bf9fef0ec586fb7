"""How often an upstream may be called, all callers together."""

from typing import Any

from pydantic import Field, model_validator

from seawall.contracts.settings import Settings
from seawall.contracts.units import Duration, RateSetting

__all__ = ["RateSettings"]


class RateSettings(Settings):
    """Settings of `rate = "600/h"` or `rate = { limit, burst, wait }`."""

    limit: RateSetting = Field(description="Calls per time.")
    burst: int | None = Field(None, ge=1, description="Calls at once; default a tenth of the limit, at least 1.")
    wait: Duration = Field(2.0, ge=0, description="Longest wait for a turn; then 503.")

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"limit": value} if isinstance(value, str) else value

    @property
    def burst_size(self) -> int:
        """The burst in force."""
        return self.burst if self.burst is not None else max(1, self.limit.calls // 10)
