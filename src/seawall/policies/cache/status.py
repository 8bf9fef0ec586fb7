"""Our member of Cache-Status (RFC 9211)."""

from math import ceil, floor

__all__ = ["forwarded", "hit"]


def hit(ttl: float, detail: bytes = b"") -> bytes:
    """Return the member of an answer from the store; `ttl` in seconds, negative where it is stale."""
    text = b"seawall; hit; ttl=%d" % _whole(ttl)
    return text + b'; detail="' + detail + b'"' if detail else text


def forwarded(
    reason: bytes,
    status: int | None = None,
    *,
    ttl: float | None = None,
    stored: bool = False,
    collapsed: bool = False,
    detail: bytes = b"",
) -> bytes:
    """Return the member of an answer for which the upstream was asked.

    Args:
        reason: a token of RFC 9211 section 2.2: `uri-miss`, `vary-miss`, `stale`, `request`, `method`, `bypass`,
            `partial`.
        status: what the upstream answered, where the client is told another one (section 2.3).
        ttl: seconds of freshness left, where the answer is kept.
        stored: it was kept.
        collapsed: one request upstream served several.
        detail: more, in words without quotes or backslashes.
    """
    text = b"seawall; fwd=" + reason
    if status is not None:
        text += b"; fwd-status=%d" % status
    if ttl is not None:
        text += b"; ttl=%d" % _whole(ttl)
    if stored:
        text += b"; stored"
    if collapsed:
        text += b"; collapsed"
    return text + b'; detail="' + detail + b'"' if detail else text


def _whole(ttl: float) -> int:
    """Return whole seconds: of what is fresh together with Age its lifetime, and never 0 for what is stale."""
    return ceil(ttl) if ttl > 0 else floor(ttl)
