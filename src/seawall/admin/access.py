"""Who may see what the operations pages show beyond "alive" and "ready"."""

import hashlib
import hmac
from typing import Literal

from seawall.contracts.problem import problem
from seawall.contracts.reply import Reply
from seawall.contracts.request import Request
from seawall.contracts.secret import Secret

__all__ = ["Access", "Standing"]

Standing = Literal["known", "unknown"]


class Access:
    """The admin token, kept as a digest.

    Args:
        token: asked for as `Authorization: Bearer`; None where there is none.
        open_without: whether everybody is known while there is no token: on loopback only (security.md 16).
    """

    def __init__(self, token: Secret | None, open_without: bool) -> None:
        self._digest = hashlib.sha256(token.reveal().encode()).digest() if token else None
        self._open = open_without

    def standing(self, request: Request) -> Standing:
        """Return whether the request carries the token; bytes are compared in constant time (security.md 11)."""
        if self._digest is None:
            return "known" if self._open else "unknown"
        scheme, _, given = (request.header(b"authorization") or b"").partition(b" ")
        same = hmac.compare_digest(hashlib.sha256(given.strip()).digest(), self._digest)
        return "known" if same and scheme.lower() == b"bearer" else "unknown"

    def refusal(self) -> Reply:
        """Return the one answer for a missing, malformed or wrong token."""
        reply = problem(
            401,
            "unauthenticated",
            "The admin token is needed",
            "Send it as `Authorization: Bearer <server.admin_token>`.",
        )
        reply.headers.append((b"www-authenticate", b'Bearer realm="seawall"'))
        return reply
