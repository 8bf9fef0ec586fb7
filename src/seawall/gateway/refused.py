"""Why a request goes nowhere: what the door itself refuses."""

from typing import NamedTuple

__all__ = ["CLIMBING", "FULL", "NO_KEY", "Refused", "foreign"]


class Refused(NamedTuple):
    """Parts of a problem, and headers that belong to it."""

    status: int
    kind: str
    title: str
    detail: str
    headers: tuple[tuple[bytes, bytes], ...] = ()


CLIMBING = Refused(
    400,
    "bad-request",
    "The path holds dot segments",
    "Resolve `..` segments before sending (RFC 3986 section 5.2.4).",
)
NO_KEY = Refused(
    401,
    "unauthenticated",
    "A key is needed",
    "Send the caller's key as X-Seawall-Key.",
    ((b"www-authenticate", b'Bearer realm="seawall"'),),
)


FULL = Refused(503, "saturated", "Too much is already under way", "Memory is short; calls under way go on.")


def foreign(reason: str) -> Refused:
    """Return the refusal of a Host or page that is not known."""
    return Refused(403, "cross-site", "This request may not come from there", reason)
