"""When a schedule is due: every so often, or at the wall times of a cron expression in a time zone."""

import math
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from seawall.config.cron import Cron

__all__ = ["Crontab", "Every", "Rhythm"]

_FAR = 8 * 366 + 2  # days: between two 29ths of February lie eight years where a century is no leap year
_DAY = timedelta(days=1)
_ALL_HOURS = 24


class Rhythm(Protocol):
    """The moments at which something is due, in seconds since the epoch."""

    def following(self, at: float) -> float | None:
        """Return the first moment after `at`, None where there never is one."""
        ...

    def preceding(self, at: float) -> float | None:
        """Return the last moment not after `at`, None where there was none."""
        ...


class Every:
    """One moment each `period` seconds, from `origin` on in both directions."""

    def __init__(self, period: float, origin: float = 0.0) -> None:
        self._period = period
        self._origin = origin

    def following(self, at: float) -> float:
        """Return the first moment after `at`."""
        number = self._number(at)
        while self._moment(number) <= at:  # the division may have rounded either way
            number += 1
        return self._moment(number)

    def preceding(self, at: float) -> float:
        """Return the last moment not after `at`."""
        number = self._number(at) + 1
        while self._moment(number) > at:
            number -= 1
        return self._moment(number)

    def _number(self, at: float) -> int:
        return math.floor((at - self._origin) / self._period)

    def _moment(self, number: int) -> float:
        return self._origin + number * self._period


class Crontab:
    """The wall times of a cron expression.

    Where the clocks change, an expression for every hour goes by real time: the hour that is left out is left out,
    the one that comes twice counts twice. One that names its hours means wall times, once each: a time that the clocks
    jump over comes as much later as they jump, one they show twice counts the first time.

    Args:
        cron: what is allowed.
        zone: whose wall.
    """

    def __init__(self, cron: Cron, zone: ZoneInfo) -> None:
        self._cron = cron
        self._zone = zone
        self._hourly = len(cron.hours) == _ALL_HOURS
        self._known: dict[date, list[float]] = {}

    def following(self, at: float) -> float | None:
        """Return the first moment after `at`, None where there never is one."""
        day = self._date(at) - _DAY  # clocks set back at midnight let two days overlap
        for number in range(_FAR):
            later = [moment for moment in self._moments(day + number * _DAY) if moment > at]
            if later:
                return min([*later, *(moment for moment in self._moments(day + (number + 1) * _DAY) if moment > at)])
        return None

    def preceding(self, at: float) -> float | None:
        """Return the last moment not after `at`, None where there was none."""
        day = self._date(at) + _DAY
        for number in range(_FAR):
            earlier = [moment for moment in self._moments(day - number * _DAY) if moment <= at]
            if earlier:
                return max([*earlier, *(moment for moment in self._moments(day - (number + 1) * _DAY) if moment <= at)])
        return None

    def _date(self, at: float) -> date:
        return datetime.fromtimestamp(at, self._zone).date()

    def _moments(self, day: date) -> list[float]:
        if not self._falls_on(day):
            return []
        found = self._known.get(day)
        if found is None:
            if len(self._known) > 3:  # a run looks at yesterday, today and tomorrow
                self._known.clear()
            found = self._known[day] = sorted(set(self._of(day)))
        return found

    def _falls_on(self, day: date) -> bool:
        cron = self._cron
        if day.month not in cron.months:
            return False
        of_month, of_week = day.day in cron.days, day.isoweekday() % 7 in cron.weekdays
        if cron.any_day or cron.any_weekday:
            return of_month and of_week
        return of_month or of_week  # POSIX crontab: where both are named, either will do

    def _of(self, day: date) -> Iterator[float]:
        for hour in self._cron.hours:
            for minute in self._cron.minutes:
                wall = datetime.combine(day, time(hour, minute), self._zone)
                first = wall.timestamp()
                if not self._hourly:
                    yield first  # of a time that is jumped over PEP 495 gives what it would be without the jump
                    continue
                if datetime.fromtimestamp(first, UTC).astimezone(self._zone).replace(tzinfo=None) == wall.replace(
                    tzinfo=None
                ):
                    yield first
                    yield wall.replace(fold=1).timestamp()
