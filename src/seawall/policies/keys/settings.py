"""How many keys an upstream has; the keys themselves stand in its targets, one for each."""

from pydantic import Field

from seawall.contracts.settings import Settings

__all__ = ["KeysSettings"]


class KeysSettings(Settings):
    """Made of the key `keys` of an upstream."""

    count: int = Field(ge=2, description="How many there are.")
