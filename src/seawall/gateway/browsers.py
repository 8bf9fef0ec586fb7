"""Pages of listed origins may call: their browsers' preflights are answered, and answers say that they may be read.

A browser sends no key with a preflight, so no door could let one in where callers have keys. It stands in front of the
doors only where `server.origins` names any: other calls pay nothing for it.

Source: WHATWG Fetch, sections 3.2.2 to 3.2.5 (the CORS protocol).
"""

from collections.abc import Callable
from typing import Protocol

from seawall.contracts.admission import Admission
from seawall.contracts.body import Headers
from seawall.contracts.reply import Reply
from seawall.contracts.request import Handler, Request
from seawall.contracts.sites import Sites
from seawall.gateway.models.places import PREFIXES
from seawall.gateway.record import Record

__all__ = ["Browsers"]

_KEPT_FOR = b"600"  # seconds a browser need not ask again
_TOKEN = frozenset(b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


class House(Protocol):
    """The gateway, in front of which this stands."""

    @property
    def sites(self) -> Sites:
        """Which Host names and browser origins are let in."""
        ...

    @property
    def admission(self) -> Admission:
        """Who is let in."""
        ...

    def record(self, request: Request) -> Record:
        """Return what a request is told with."""
        ...


class Browsers:
    """A `Handler` in front of the doors.

    Args:
        front: the doors.
        is_page: whether a request is for the operations pages, which keep to themselves.
        house: the gateway.
    """

    def __init__(
        self,
        front: Handler,
        is_page: Callable[[Request], bool],
        house: House,
    ) -> None:
        self._front = front
        self._is_page = is_page
        self._house = house

    async def __call__(self, request: Request) -> Reply:
        """Answer one request; raises only CancelledError, when the client leaves."""
        origin = self._listed(request)
        if origin is None or self._is_page(request):
            return await self._front(request)
        method = request.header(b"access-control-request-method")
        if request.method == b"OPTIONS" and method is not None and self._answers(request):
            return self._house.record(request).attach(_preflight(request, origin, method))
        reply = await self._front(request)
        if reply.header(b"access-control-allow-origin") is None:  # an upstream that says so itself knows more
            reply.headers = [*reply.headers, *_allowed(origin), (b"access-control-expose-headers", b"*")]
        return reply

    def _listed(self, request: Request) -> bytes | None:
        """Return the one Origin of a request that is listed and asks for a name we are known by."""
        found = [value for name, value in request.headers if name == b"origin"]
        sites = self._house.sites
        if len(found) != 1 or found[0].lower() not in sites.origins or sites.host_refused(request.host) is not None:
            return None
        return found[0]

    def _answers(self, request: Request) -> bool:
        """Whether the upstream cannot be asked: it takes a key, or there is no upstream before the body is known."""
        return request.target.startswith(PREFIXES) or not self._house.admission.open


def _allowed(origin: bytes) -> Headers:
    return [(b"access-control-allow-origin", origin), (b"vary", b"Origin")]


def _preflight(request: Request, origin: bytes, method: bytes) -> Reply:
    headers = _allowed(origin)
    if _is_token(method):
        headers.append((b"access-control-allow-methods", method))
    names = [name.strip() for name in (request.header(b"access-control-request-headers") or b"").split(b",")]
    allowed = b", ".join([name for name in names if _is_token(name)])
    if allowed:
        headers.append((b"access-control-allow-headers", allowed))
    headers.append((b"access-control-max-age", _KEPT_FOR))
    return Reply(204, headers)


def _is_token(text: bytes) -> bool:
    """Whether a text is a token (RFC 9110 section 5.6.2): nothing else is written into a header of ours."""
    return bool(text) and _TOKEN.issuperset(text)
