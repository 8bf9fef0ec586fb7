"""HTTP-dates in their three forms, to the letter but for case (RFC 9110 section 5.6.7, RFC 9111 section 4.2)."""

from datetime import UTC, datetime
from email.utils import formatdate

__all__ = ["http_date", "parse_date"]

_MONTHS = {
    month: number
    for number, month in enumerate(
        (b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"), 1
    )
}
_DAYS = frozenset((b"mon", b"tue", b"wed", b"thu", b"fri", b"sat", b"sun"))
_LONG_DAYS = frozenset((b"monday", b"tuesday", b"wednesday", b"thursday", b"friday", b"saturday", b"sunday"))
_CENTURY = 100
_AHEAD = 50  # RFC 9110 section 5.6.7: a two-digit year more than 50 years in the future is in the past


def http_date(wall: float) -> bytes:
    """Return seconds since the epoch as an IMF-fixdate."""
    return formatdate(int(wall), usegmt=True).encode("ascii")


def parse_date(value: bytes, wall: float) -> float | None:
    """Return seconds since the epoch, or None for what is no HTTP-date.

    Case is ignored; another zone than GMT, a missing digit or blank, a day that does not exist are not.

    Args:
        value: of the field, without surrounding blanks.
        wall: now, seconds since the epoch; the century of a two-digit year depends on it.
    """
    text = value.lower()
    comma = text.find(b",")
    if comma == 3:
        return _imf(text)
    return _rfc850(text, comma, wall) if comma > 3 else _asctime(text)


def _imf(text: bytes) -> float | None:
    """`Sun, 06 Nov 1994 08:49:37 GMT`."""
    if len(text) != 29 or text[:3] not in _DAYS or text[3:5] != b", " or text[25:] != b" gmt":
        return None
    if text[7:8] != b" " or text[11:12] != b" " or text[16:17] != b" ":
        return None
    return _seconds(text[12:16], text[8:11], text[5:7], text[17:25])


def _rfc850(text: bytes, comma: int, wall: float) -> float | None:
    """`Sunday, 06-Nov-94 08:49:37 GMT`."""
    rest = text[comma + 1 :]
    if text[:comma] not in _LONG_DAYS or len(rest) != 23 or rest[:1] != b" " or rest[19:] != b" gmt":
        return None
    if rest[3:4] != b"-" or rest[7:8] != b"-" or rest[10:11] != b" " or not rest[8:10].isdigit():
        return None
    this_year = datetime.fromtimestamp(wall, UTC).year
    year = this_year - this_year % _CENTURY + int(rest[8:10])
    if year > this_year + _AHEAD:
        year -= _CENTURY
    return _seconds(b"%04d" % year, rest[4:7], rest[1:3], rest[11:19])


def _asctime(text: bytes) -> float | None:
    """`Sun Nov  6 08:49:37 1994`."""
    if len(text) != 24 or text[:3] not in _DAYS:
        return None
    if text[3:4] != b" " or text[7:8] != b" " or text[10:11] != b" " or text[19:20] != b" ":
        return None
    day = text[8:10]
    return _seconds(text[20:], text[4:7], b"0" + day[1:] if day[:1] == b" " else day, text[11:19])


def _seconds(year: bytes, month: bytes, day: bytes, clock: bytes) -> float | None:
    number = _MONTHS.get(month)
    hour, minute, second = clock[:2], clock[3:5], clock[6:]
    if number is None or clock[2:3] != b":" or clock[5:6] != b":":
        return None
    if not (year.isdigit() and day.isdigit() and hour.isdigit() and minute.isdigit() and second.isdigit()):
        return None
    leap = second == b"60"  # RFC 9110 section 5.6.7 allows a leap second
    try:
        moment = datetime(int(year), number, int(day), int(hour), int(minute), 59 if leap else int(second), tzinfo=UTC)
    except ValueError:
        return None
    return moment.timestamp() + leap
