"""Whose midnight: the day and month that a moment belongs to, and when they end, summer time included."""

from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

__all__ = ["Calendar", "Today"]


class Today(NamedTuple):
    """A day and its month.

    Attributes:
        day, month: `2026-11-25` and `2026-11`.
        began, ends: of the day, seconds since the epoch.
        month_began, month_ends: of the month.
    """

    day: str
    month: str
    began: float
    ends: float
    month_began: float
    month_ends: float


class Calendar:
    """Days and months of one time zone.

    Args:
        timezone: IANA name.

    Raises:
        ZoneInfoNotFoundError: there is no such zone.
    """

    __slots__ = ("_today", "_zone")

    def __init__(self, timezone: str = "UTC") -> None:
        self._zone: tzinfo = UTC if timezone == "UTC" else ZoneInfo(timezone)
        self._today: Today | None = None

    def at(self, wall: float) -> Today:
        """Return the day that `wall` (seconds since the epoch) belongs to; nearly always the one asked for before."""
        today = self._today
        if today is None or not today.began <= wall < today.ends:
            today = self._today = self._find(wall)
        return today

    def _find(self, wall: float) -> Today:
        here = datetime.fromtimestamp(wall, self._zone).date()
        first = here.replace(day=1)
        following = (first + timedelta(days=32)).replace(day=1)
        return Today(
            here.isoformat(), here.isoformat()[:7], self._midnight(here), self._midnight(here + timedelta(days=1)),
            self._midnight(first), self._midnight(following),
        )  # fmt: skip

    def _midnight(self, day: date) -> float:
        # Where summer time begins at midnight there is no 00:00; with fold 0 it counts from before and is the first
        # moment of the day all the same. Where it ends there, 00:00 comes twice, and the first one is meant.
        return datetime(day.year, day.month, day.day, tzinfo=self._zone).timestamp()
