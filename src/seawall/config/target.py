"""One entry of `targets` of an upstream: several addresses of the same API."""

from pydantic import Field

from seawall.config.kinds import Name
from seawall.config.url import UrlText
from seawall.contracts.settings import Settings

__all__ = ["TargetSettings"]


class TargetSettings(Settings):
    """One address of an upstream with several."""

    url: UrlText = Field(description="Address of this target.", examples=["https://eu.orders.example"])
    weight: float = Field(1.0, gt=0, le=1_000_000, description="Share of calls under weighted balance.")
    label: Name | None = Field(
        None, description="Name of this target in logs and metrics. Default: its host.", examples=["eu"]
    )
