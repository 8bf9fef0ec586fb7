"""The table [log]: what is written per call."""

from typing import Literal

from pydantic import Field

from seawall.contracts.settings import Settings
from seawall.contracts.units import Rate, RateSetting, Share

__all__ = ["LogSettings"]


class LogSettings(Settings):
    """What is written to the log."""

    format: Literal["json", "text"] | None = Field(
        None, description="Form of a line. Default: json; text on a terminal.", examples=["json"]
    )
    level: Literal["debug", "info", "warning", "error"] = Field("info", description="Lines below it are not written.")
    success: Share = Field(1.0, description="Share of successful calls that are logged; failures always are.")
    rate: RateSetting = Field(
        Rate(200, 1.0), description="Lines above are counted in one line instead. A line is at most 2 KiB."
    )
