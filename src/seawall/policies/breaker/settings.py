"""When an upstream is left alone, and how it is let back."""

from typing import Literal, Self

from pydantic import Field, model_validator

from seawall.contracts.settings import Settings
from seawall.contracts.units import Duration, Share

__all__ = ["BreakerSettings"]


class BreakerSettings(Settings):
    """Settings of `breaker = { … }`."""

    mode: Literal["on", "shadow", "off"] = Field("on", description="shadow records and tells, never blocks.")
    failure_rate: Share = Field(0.5, gt=0, description="Share of failed calls in the window that opens it.")
    window: Duration = Field(30.0, gt=0, description="Length of the sliding window.")
    min_calls: int = Field(20, ge=1, description="Ended calls in the window below which it never opens.")
    open: Duration = Field(
        15.0, gt=0, description="How long it stays open the first time; doubles each time a probe fails."
    )
    open_max: Duration = Field(300.0, gt=0, description="Longest open time.")
    probes: int = Field(3, ge=1, description="Calls let through in half-open; all good closes it, one bad opens it.")
    on: tuple[Literal["connect", "reset", "timeout", "500", "502", "503", "504"], ...] = Field(
        ("connect", "reset", "timeout", "500", "502", "503", "504"), description="What counts as a failure."
    )
    slow_after: Duration | None = Field(
        None, gt=0, description="Calls slower than this count as slow; none by default."
    )
    slow_rate: Share = Field(0.8, gt=0, description="Share of slow calls that opens it; only with slow_after.")

    @model_validator(mode="after")
    def _slow_rate_needs_slow_after(self) -> Self:
        if "slow_rate" in self.model_fields_set and self.slow_after is None:
            raise ValueError('slow_rate needs slow_after (for example slow_after = "4s")')
        return self
