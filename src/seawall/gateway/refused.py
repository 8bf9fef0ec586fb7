"""Why a request goes nowhere: what the door itself refuses."""

from typing import NamedTuple

from seawall.contracts.errors import RequestBodyError

__all__ = ["CLIMBING", "FULL", "Refused", "foreign", "unreadable"]


class Refused(NamedTuple):
    """Parts of a problem."""

    status: int
    kind: str
    title: str
    detail: str


CLIMBING = Refused(
    400,
    "bad-request",
    "The path holds dot segments",
    "Resolve `..` segments before sending (RFC 3986 section 5.2.4).",
)
FULL = Refused(503, "saturated", "Too much is already under way", "Memory is short; calls under way go on.")


def foreign(reason: str) -> Refused:
    """Return the refusal of a Host or page that is not known."""
    return Refused(403, "cross-site", "This request may not come from there", reason)


def unreadable(error: RequestBodyError) -> Refused:
    """Return the refusal of a body that cannot be read to its end."""
    kind = "too-large" if error.status == 413 else "bad-request"
    return Refused(error.status, kind, "The request's body cannot be used", str(error))
