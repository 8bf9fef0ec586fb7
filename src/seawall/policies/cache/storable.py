"""Which answers may be kept, and as what (RFC 9111 sections 3 and 3.1)."""

from seawall.contracts.body import Headers
from seawall.policies.cache.dates import http_date, parse_date
from seawall.policies.cache.directives import Directives
from seawall.policies.cache.entry import Entry, cost
from seawall.policies.cache.freshness import HEURISTIC, SILENT, initial_age, lifetime
from seawall.policies.cache.key import Asked, vary_names
from seawall.policies.cache.settings import CacheSettings

__all__ = ["Arrived", "kept_headers", "make", "refusal"]

# RFC 9110 section 15: final statuses whose requirements a cache can know; 206 and 304 are never kept as answers here
_UNDERSTOOD = (
    frozenset((200, 201, 202, 203, 204, 205, 300, 301, 302, 303, 305, 307, 308, 421, 422, 426))
    | frozenset(range(400, 418))
    | frozenset(range(500, 506))
)
_HOP_BY_HOP = frozenset((
    b"connection", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade", b"proxy-connection",
    b"proxy-authenticate", b"proxy-authentication-info", b"proxy-authorization", b"content-length",
))  # fmt: skip
# Never kept: those, what Age is made anew from, and what is one client's own.
_DROPPED = _HOP_BY_HOP | frozenset((b"age", b"set-cookie", b"set-cookie2"))


class Arrived:
    """The head of an answer, with when it was asked for and came.

    Attributes:
        status, headers: of it.
        asked_at, came_at: monotonic seconds.
        wall: when it came, seconds since the epoch.
    """

    __slots__ = ("asked_at", "came_at", "headers", "status", "wall")

    def __init__(self, status: int, headers: Headers, asked_at: float, came_at: float, wall: float) -> None:
        self.status = status
        self.headers = headers
        self.asked_at = asked_at
        self.came_at = came_at
        self.wall = wall


def refusal(head: Arrived, said: Directives, asked: Asked, settings: CacheSettings) -> str:
    """Return why an answer to GET may not be kept, `""` where it may (section 3).

    Args:
        head: of the answer.
        said: its directives.
        asked: its request; that it forbids keeping is the caller's to look at.
        settings: of the route.
    """
    status = head.status
    if status < 200 or status in (206, 304):
        return "status"
    found = _refused_by_fields(head.headers)
    if found:
        return found
    if settings.override and settings.ttl is not None and status in SILENT:
        return ""  # the credential of the request is in the key, so section 3.5 holds too
    if said.must_understand:
        if status not in _UNDERSTOOD:
            return "must-understand"
    elif said.no_store:
        return "no-store"
    if said.private:
        return "private"
    if asked.authorized and not (said.public or said.must_revalidate or said.s_maxage is not None):
        return "authorization"  # section 3.5
    return "" if _told(head, said) or _silently(status, said, settings) else "no freshness"


def _refused_by_fields(headers: Headers) -> str:
    for name, value in headers:
        if name in (b"set-cookie", b"set-cookie2"):
            return "set-cookie"  # one client's own, whatever else is said
        if name == b"content-range":
            return "partial"
        if name == b"content-type" and value[:17].lower() == b"text/event-stream":
            return "event-stream"
    return "vary" if vary_names(headers) is None else ""


def _told(head: Arrived, said: Directives) -> bool:
    """Whether the answer says how long it is fresh."""
    if said.max_age is not None or said.s_maxage is not None:
        return True
    return not said.targeted and any(name == b"expires" for name, _ in head.headers)


def _silently(status: int, said: Directives, settings: CacheSettings) -> bool:
    """Whether an answer that says nothing may be kept."""
    return status in SILENT or (settings.heuristic and (status in HEURISTIC or said.public))


def kept_headers(headers: Headers, said: Directives, wall: float) -> Headers:
    """Return what of an answer's headers is kept (section 3.1), with a Date where it came without one.

    Left out are hop-by-hop ones, those named in Connection, and those named in the qualified forms of `no-cache` and
    `private`, without which the rest may be given again (sections 5.2.2.4 and 5.2.2.7).
    """
    hidden = said.hidden
    dated = False
    for name, value in headers:
        if name == b"connection":
            hidden |= {part.strip(b" \t").lower() for part in value.split(b",")}
        elif name == b"date":
            dated = True
    kept = [pair for pair in headers if pair[0] not in _DROPPED and pair[0] not in hidden]
    if not dated:
        kept.append((b"date", http_date(wall)))  # RFC 9110 section 6.6.1
    return kept


def make(head: Arrived, said: Directives, body: bytes, variant: bytes, settings: CacheSettings) -> Entry | None:
    """Return the entry of an answer that may be kept, or None where keeping it would be of no use.

    Of use is one that is fresh, can be validated, or may be given stale.

    Args:
        head: of the answer; where headers were freshened, as they are now.
        said: its directives.
        body: whole.
        variant: digest of what its request said in the headers it varies by.
        settings: of the route.
    """
    wall = head.wall
    headers = head.headers
    age = initial_age(headers, head.came_at - head.asked_at, wall)
    fresh, told = lifetime(head.status, headers, said, settings, wall)
    overridden = settings.override and settings.ttl is not None and head.status in SILENT
    no_cache = said.no_cache and not overridden
    never_stale = said.never_stale and not overridden
    swr, sie = _stale(said, settings, overridden, told)
    kept = kept_headers(headers, said, wall)
    etag = last_modified = date = None
    for name, value in kept:
        if name == b"etag" and etag is None:
            etag = value
        elif name == b"last-modified" and last_modified is None:
            last_modified = value
        elif name == b"date" and date is None:
            date = value
    useful = fresh > age and not no_cache
    if not useful and etag is None and last_modified is None and (never_stale or not (swr or sie)):
        return None
    # RFC 9111 section 4.3.2: without Last-Modified a client's date is compared with Date
    modified = parse_date(last_modified or date or b"", wall)
    born = head.came_at - age
    return Entry(
        head.status, kept, body, vary_names(headers) or (), variant, born, fresh,
        float("-inf") if no_cache else born + fresh,
        no_cache, never_stale, said.s_maxage is not None and never_stale, swr, sie, bool(swr), etag, last_modified,
        modified, wall, cost(kept, len(body)),
    )  # fmt: skip


def _stale(said: Directives, settings: CacheSettings, overridden: bool, told: bool) -> tuple[float, float]:
    """Return for how many seconds past its freshness an answer may be given while refreshed, and while that fails.

    What the response says goes before the settings, except with `override`. Stale-while-revalidate needs a freshness
    to count from: without one every answer would be a stale one.
    """
    swr, sie = settings.stale_while_revalidate, settings.stale_if_error
    if not overridden:
        swr = swr if said.swr is None else float(said.swr)
        sie = sie if said.sie is None else float(said.sie)
    return swr if told else 0.0, sie
