"""Where the backend finds its database and the gateway: three variables of the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """What the backend has to be told.

    Attributes:
        database_url: PostgreSQL, for users and conversations.
        gateway_url: the gateway's address, without a path.
        gateway_key: the backend's own key there.
    """

    database_url: str = field(repr=False)
    gateway_url: str
    gateway_key: str = field(repr=False)

    @classmethod
    def of(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Return what the environment says.

        Raises:
            SystemExit: a variable is missing.
        """
        names = ("DATABASE_URL", "GATEWAY_URL", "GATEWAY_KEY")
        if missing := [name for name in names if not environment.get(name)]:
            raise SystemExit(f"coach: set {', '.join(missing)} in the environment, see examples/assistant/README.md")
        return cls(*(environment[name] for name in names))
