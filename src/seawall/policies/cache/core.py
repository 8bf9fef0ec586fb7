"""What to do with a kept answer: the decision of every request that finds one (RFC 9111 section 4)."""

from enum import Enum

from seawall.policies.cache.directives import Asks
from seawall.policies.cache.entry import Entry
from seawall.policies.cache.stale import behind_allowed

__all__ = ["Use", "decide"]


class Use(Enum):
    """What becomes of a kept answer."""

    FRESH = "fresh"  # give it
    STALE = "stale"  # give it though it is stale: the client allows it
    BEHIND = "behind"  # give it though it is stale, and refresh it behind (RFC 5861 section 3)
    VALIDATE = "validate"  # it is stale
    REQUEST = "request"  # it would do, but the request wants it validated


def decide(entry: Entry, asks: Asks | None, now: float) -> Use:
    """Return what to do with an answer whose key fits.

    Args:
        entry: the answer.
        asks: what the request says, None where it says nothing.
        now: monotonic seconds.
    """
    if asks is None:
        if now < entry.fresh_until:
            return Use.FRESH
        return Use.BEHIND if behind_allowed(entry, now) else Use.VALIDATE
    if asks.no_cache:
        return Use.REQUEST
    if entry.no_cache:
        return Use.VALIDATE
    age = now - entry.born
    left = entry.lifetime - age
    limited = asks.max_age is not None or asks.min_fresh is not None
    if asks.max_age is not None:
        oldest = asks.max_age + (asks.max_stale or 0)
        if age > oldest or oldest == 0:
            return Use.REQUEST if left > 0 else Use.VALIDATE
    if left > 0:
        return Use.FRESH if asks.min_fresh is None or left >= asks.min_fresh else Use.REQUEST
    if not entry.never_stale and asks.max_stale is not None and -left <= asks.max_stale:
        return Use.STALE
    if not limited and behind_allowed(entry, now):
        return Use.BEHIND
    return Use.VALIDATE
