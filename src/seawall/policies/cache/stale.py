"""When a stale answer may be given (RFC 9111 section 4.2.4, RFC 5861, semantics 7.5 and 7.6)."""

from seawall.contracts.errors import CallError
from seawall.policies.cache.directives import Asks
from seawall.policies.cache.entry import Entry

__all__ = ["FAILED", "behind_allowed", "failed", "stands_in"]

# RFC 5861 section 4: what counts as an error
FAILED = frozenset((500, 502, 503, 504))


def behind_allowed(entry: Entry, now: float) -> bool:
    """Whether a stale answer may be given at once while it is refreshed: inside its window, and nothing forbids it."""
    return not entry.never_stale and now - entry.born - entry.lifetime < entry.swr


def stands_in(entry: Entry, asks: Asks | None, now: float) -> bool:
    """Whether a kept answer may stand in for one that failed.

    Never one that is an error itself, nor where the response or the request forbids it. A window the request names
    counts where it is the longer one.
    """
    if entry.never_stale or entry.status >= 400:
        return False
    window = entry.sie
    if asks is not None:
        if asks.stale_if_error is not None:
            window = max(window, asks.stale_if_error)
        elif asks.no_cache or asks.max_age is not None or asks.min_fresh is not None:
            return False  # it wants nothing but what it asked for
    return now - entry.born - entry.lifetime < window


def failed(error: CallError) -> bool:
    """Whether an error is the upstream's, or of the way to it, or an open breaker: one that would be a 500 to 504."""
    return error.status_hint in FAILED
