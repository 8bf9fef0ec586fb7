"""One schedule as it is run: what is asked, when, and what is published."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

from seawall.config.cron import parse_cron
from seawall.config.schedule import ScheduleSettings
from seawall.schedule.rhythm import Crontab, Every, Rhythm

__all__ = ["Plan", "plan_of"]


@dataclass(frozen=True, slots=True)
class Plan:
    """A schedule from settings.

    Attributes:
        name: in settings.
        settings: as written.
        method: of the request.
        target: path and query of the request, as a caller would ask.
    """

    name: str
    settings: ScheduleSettings
    method: bytes
    target: bytes

    @property
    def caller(self) -> str:
        """Who calls, in the log."""
        return f"schedule:{self.name}"

    @property
    def rhythm(self) -> str:
        """When it runs, in words of the settings."""
        settings = self.settings
        return f"{settings.every:g}s" if settings.cron is None else f"{settings.cron} {settings.timezone}"

    def moments(self, origin: float) -> Rhythm:
        """Return when it is due; `every` counts from `origin`, seconds since the epoch."""
        settings = self.settings
        if settings.cron is not None:
            return Crontab(parse_cron(settings.cron), ZoneInfo(settings.timezone))
        return Every(settings.every or 1.0, origin)  # one of the two is there


def plan_of(name: str, settings: ScheduleSettings) -> Plan:
    """Return the plan of a schedule."""
    method, _, target = settings.call.partition(" ")
    return Plan(name, settings, method.encode("ascii"), target.encode("ascii"))
