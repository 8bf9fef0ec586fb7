"""Cron expressions: five fields, checked and expanded."""

import re
from typing import NamedTuple

__all__ = ["Cron", "parse_cron"]

_PART = re.compile(r"(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:/(\d{1,2}))?", re.ASCII)
_FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day of month", 1, 31), ("month", 1, 12), ("day of week", 0, 7))
_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


class Cron(NamedTuple):
    """The moments of an expression, each field as the numbers it allows; Sunday is 0.

    Attributes:
        any_day, any_weekday: the field is `*`; where neither is, one of the two is enough (POSIX crontab).
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    any_day: bool
    any_weekday: bool


def parse_cron(text: str) -> Cron:
    """Return the moments of `"*/15 * * * *"`.

    Raises:
        ValueError: it has not five fields, a field holds what its range does not, or its day never comes.
    """
    fields = text.split(" ")
    if len(fields) != 5:
        raise ValueError('must be five fields: minute hour day month weekday (for example "*/15 * * * *")')
    sets = [_expand(field, *rule) for field, rule in zip(fields, _FIELDS, strict=True)]
    weekdays = frozenset(number % 7 for number in sets[4])
    if fields[4] == "*" and min(sets[2]) > max(_LONGEST[month - 1] for month in sets[3]):
        raise ValueError('must have a day that its months have (for example "0 6 1 * *")')
    return Cron(sets[0], sets[1], sets[2], sets[3], weekdays, fields[2] == "*", fields[4] == "*")


def _expand(field: str, name: str, low: int, high: int) -> frozenset[int]:
    numbers: set[int] = set()
    for part in field.split(","):
        found = _PART.fullmatch(part)
        if found is None:
            raise ValueError(f'must have a {name} of numbers, ranges, lists or steps (for example "*/15 * * * *")')
        first = low if found[1] is None else int(found[1])
        last = int(found[2]) if found[2] else (first if found[1] and not found[3] else high)
        step = int(found[3] or 1)
        if not low <= first <= last <= high or step == 0:
            raise ValueError(f'must have a {name} from {low} to {high} (for example "*/15 * * * *")')
        numbers.update(range(first, last + 1, step))
    return frozenset(numbers)
