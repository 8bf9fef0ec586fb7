"""Settings of the spend stage: what calls of an upstream cost, in words."""

from pydantic import Field

from seawall.contracts.settings import Settings

__all__ = ["SpendStageSettings"]


class SpendStageSettings(Settings):
    """Present where calls of an upstream or route may cost something."""

    price: str = Field("", description="What a call costs, in words, for `seawall explain`.")
