"""When and how often a failed attempt is tried again."""

from typing import Literal

from pydantic import Field

from seawall.contracts.settings import Settings
from seawall.contracts.units import Duration, Share, Size

__all__ = ["RetrySettings"]

RetryOn = Literal["connect", "reset", "timeout", "408", "425", "429", "500", "502", "503", "504"]


class RetrySettings(Settings):
    """Settings of `retry = { … }`."""

    attempts: int = Field(3, ge=1, le=20, description="Attempts in all, the first included; 1 retries nothing.")
    base: Duration = Field(0.1, gt=0, description="First backoff; doubles for each further attempt, with full jitter.")
    max: Duration = Field(2.0, gt=0, description="Longest backoff.")
    budget: Share = Field(0.2, description="Retries and hedges allowed as a share of calls, over 10 s.")
    floor: int = Field(3, ge=0, description="Retries per 10 s that are always allowed.")
    body: Size = Field(
        1 << 20, description="Largest request body kept for replay; larger ones stream and are not retried."
    )
    pause_max: Duration = Field(60.0, ge=0, description="Longest pause of an upstream that answers Retry-After.")
    on: tuple[RetryOn, ...] = Field(
        ("connect", "reset", "timeout", "429", "502", "503", "504"), description="Failures that are retried."
    )
