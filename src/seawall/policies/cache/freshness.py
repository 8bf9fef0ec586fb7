"""How old an answer is and how long it stays fresh (RFC 9111 section 4.2)."""

from seawall.contracts.body import Headers
from seawall.policies.cache.dates import parse_date
from seawall.policies.cache.directives import LONGEST, Directives, delta
from seawall.policies.cache.settings import CacheSettings

__all__ = ["HEURISTIC", "SILENT", "age_of", "date_of", "expires_at", "initial_age", "lifetime"]

# RFC 9110 section 15.1: statuses that may be kept without being told so, 206 left out as it is never kept here
HEURISTIC = frozenset((200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501))
# ... and of those the ones a route's ttl is for: an error is kept only where it says so itself (security.md 12)
SILENT = frozenset((200, 203, 204, 300, 301, 308))
_TENTH = 0.1  # RFC 9111 section 4.2.2: a typical fraction of the time since Last-Modified
_WEEK = 7 * 86400.0  # the longest guess


def age_of(headers: Headers) -> int:
    """Return the Age an answer came with: of a list its first member, 0 where that is invalid (section 5.1)."""
    for name, value in headers:
        if name == b"age":
            first = value.partition(b",")[0].strip(b" \t")
            return delta(first) if first.isdigit() else 0
    return 0


def date_of(headers: Headers, received: float) -> float:
    """Return when an answer was made: its Date, or when it was received (RFC 9110 section 6.6.1)."""
    for name, value in headers:
        if name == b"date":
            date = parse_date(value, received)
            return received if date is None else date
    return received


def initial_age(headers: Headers, delay: float, received: float) -> float:
    """Return `corrected_initial_age` (section 4.2.3).

    Args:
        headers: of the answer.
        delay: seconds between asking and the answer.
        received: when it came, seconds since the epoch. Cut to seconds as Date is: what is left of one says nothing.
    """
    apparent = int(received) - date_of(headers, received)
    return max(apparent, age_of(headers) + delay, 0.0)


def expires_at(headers: Headers, received: float) -> float | None:
    """Return what Expires says, seconds since the epoch, or None where it is absent.

    What is no date has passed already (section 5.3); of several the earliest counts (section 4.2.1).
    """
    found: float | None = None
    for name, value in headers:
        if name == b"expires":
            date = parse_date(value, received)
            moment = 0.0 if date is None else date
            found = moment if found is None else min(found, moment)
    return found


def lifetime(
    status: int, headers: Headers, said: Directives, settings: CacheSettings, received: float
) -> tuple[float, bool]:
    """Return for how many seconds an answer is fresh, and whether anybody said so.

    In the order of section 4.2.1: s-maxage, max-age, Expires; then the route's ttl; then, where switched on, a tenth
    of the time since Last-Modified. A ttl with `override` goes before all of them.

    Args:
        status: of the answer.
        headers: of the answer.
        said: its directives.
        settings: of the route.
        received: when it came, seconds since the epoch.
    """
    if settings.override and settings.ttl is not None and status in SILENT:
        return settings.ttl, True
    if said.s_maxage is not None:
        return float(said.s_maxage), True
    if said.max_age is not None:
        return float(said.max_age), True
    if not said.targeted:
        expires = expires_at(headers, received)
        if expires is not None:
            return max(0.0, min(expires - date_of(headers, received), LONGEST)), True
    if settings.ttl is not None and status in SILENT:
        return settings.ttl, True
    if settings.heuristic and (status in HEURISTIC or said.public):
        return _guess(headers, received), False
    return 0.0, False


def _guess(headers: Headers, received: float) -> float:
    for name, value in headers:
        if name == b"last-modified":
            modified = parse_date(value, received)
            if modified is not None:
                return max(0.0, min((date_of(headers, received) - modified) * _TENTH, _WEEK))
    return 0.0
