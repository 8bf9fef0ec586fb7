"""How long an upstream asks to be left alone: `Retry-After` and `retry-after-ms`."""

from datetime import UTC
from email.utils import parsedate_to_datetime

from seawall.contracts.body import Headers

__all__ = ["LONGEST", "asked"]

LONGEST = float(2**31)  # delta-seconds saturate, RFC 9111 section 1.2.2
_DIGITS = 10
_DATE = 64


def asked(status: int, headers: Headers, wall: float) -> float | None:
    """Return the seconds a 429 or 503 asks for, or None when it asks for nothing readable.

    `retry-after-ms` is finer and goes first; else `Retry-After` as seconds or an HTTP-date (RFC 9110 section 10.2.3),
    a past one being 0. Seconds with a fraction are read, since some APIs send them; a sign, an exponent, an
    underscore, a digit outside ASCII and `inf` are not.

    Args:
        status: of the answer.
        headers: of the answer.
        wall: now, seconds since the epoch.
    """
    if status not in (429, 503):
        return None
    seconds: float | None = None
    for name, value in headers:
        if name == b"retry-after-ms":
            milliseconds = _number(value)
            if milliseconds is not None:
                return min(milliseconds / 1000, LONGEST)
        elif name == b"retry-after" and seconds is None:
            seconds = _number(value)
            if seconds is None:
                seconds = _date(value, wall)
    return seconds


def _number(value: bytes) -> float | None:
    # bytes.isdigit() knows ASCII digits only, unlike int() and float()
    whole, dot, fraction = value.partition(b".")
    if not whole.isdigit() or (dot and not fraction.isdigit()):
        return None
    return LONGEST if len(whole.lstrip(b"0")) > _DIGITS else min(float(value), LONGEST)


def _date(value: bytes, wall: float) -> float | None:
    if not value[:1].isalpha() or not value.isascii() or len(value) > _DATE:
        return None
    try:
        moment = parsedate_to_datetime(value.decode("ascii"))
        if moment.tzinfo is None:  # asctime and "-0000" come without a zone and mean UTC
            moment = moment.replace(tzinfo=UTC)
        return min(max(0.0, moment.timestamp() - wall), LONGEST)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
