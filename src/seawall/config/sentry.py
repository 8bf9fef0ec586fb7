"""The table [sentry]: where unexpected errors are reported."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from seawall.config.store import SecretUrl
from seawall.contracts.settings import Settings

__all__ = ["SentrySettings"]


def _optional(value: Any) -> Any:
    return None if value == "" else value  # "${NAME:-}" leaves it out


class SentrySettings(Settings):
    """Reporting of unexpected errors."""

    dsn: Annotated[SecretUrl | None, BeforeValidator(_optional)] = Field(
        None, description="Address of the project; empty reports nothing.", examples=["${SENTRY_DSN:-}"]
    )
