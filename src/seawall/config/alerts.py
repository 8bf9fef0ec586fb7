"""The table [alerts]: who is told when something breaks and when it is well again."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from seawall.config.store import SecretUrl
from seawall.contracts.settings import Settings
from seawall.contracts.units import Duration

__all__ = ["AlertsSettings"]


def _optional(value: Any) -> Any:
    return None if value == "" else value  # "${NAME:-}" leaves it out


OptionalUrl = Annotated[SecretUrl | None, BeforeValidator(_optional)]


class AlertsSettings(Settings):
    """Where messages go, and when; an empty address sends none."""

    slack: OptionalUrl = Field(None, description="Slack webhook.", examples=["${SLACK_WEBHOOK_URL:-}"])
    webhook: OptionalUrl = Field(None, description="Any webhook that takes JSON.", examples=["${ALERT_WEBHOOK_URL:-}"])
    ntfy: OptionalUrl = Field(None, description="Topic of ntfy.", examples=["https://ntfy.sh/my-seawall"])
    failures: int = Field(3, ge=1, description='Checks in a row before "down".')
    successes: int = Field(2, ge=1, description='Checks in a row before "up" again.')
    remind: Duration = Field(6 * 3600.0, gt=0, description="An incident that goes on is told again after this long.")
