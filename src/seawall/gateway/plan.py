"""What a request's head comes to: worked out once, and used again while a connection repeats that head."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from seawall.contracts.body import Headers
from seawall.contracts.call import IDEMPOTENT, Call, Run
from seawall.contracts.fields import broken, rendered
from seawall.contracts.peer import client_address
from seawall.contracts.request import Request
from seawall.gateway.decorate import HTTP, HTTPS, VIA, via
from seawall.gateway.headers import Seen
from seawall.gateway.identity import new_id, request_id_of, trace_of
from seawall.gateway.table import Route, Upstream
from seawall.pipeline.hints import hinted

if TYPE_CHECKING:
    from seawall.gateway.trace import Trace

__all__ = ["Plan"]

_READS = frozenset((b"GET", b"HEAD"))


class Plan:
    """Makes the calls of requests with one head, on one connection.

    Args:
        request: the first of them.
        upstream: where they go.
        place: the route they meet there, and the path.
        headers: what goes upstream of the client's; taken over.
        seen: what the gateway itself reads of them.
        trusted_hops: how many proxies in front may be believed about X-Forwarded-For.

    Attributes:
        upstream: as given.
        send: the route's pipeline.
        keyed: it carries a caller's key, which is asked after for each call.
        era: whose table and options it was made with; set by who keeps it.
    """

    __slots__ = (
        "_block", "_headers", "_hints", "_idempotent", "_path", "_request_id", "_route", "_trace", "era", "keyed",
        "send", "upstream",
    )  # fmt: skip

    def __init__(
        self, request: Request, upstream: Upstream, place: tuple[Route, bytes], headers: Headers, seen: Seen,
        trusted_hops: int,
    ) -> None:  # fmt: skip
        self.upstream = upstream
        self._route, self._path = place
        self.send = self._route.send
        self.era: object = None
        self.keyed = seen.key is not None
        self._trace: Trace | None
        self._trace, tracestate = trace_of(seen)
        if tracestate is not None:
            headers.append((b"tracestate", tracestate))
        self._request_id = request_id_of(seen.request_id)
        self._hints = seen.hints
        idempotent = request.method in IDEMPOTENT or self._route.idempotent
        self._idempotent = idempotent or seen.idempotency_key is not None
        self._headers = headers
        self._add_own(request, seen, trusted_hops)
        # None where the wire must say what is wrong
        self._block = None if broken(self._path) or 32 in self._path else rendered(headers)

    def _add_own(self, request: Request, seen: Seen, trusted_hops: int) -> None:
        peer = request.peer
        if trusted_hops and seen.forwarded_for is not None:
            peer = client_address(peer, (seen.forwarded_for,), trusted_hops)
        headers = self._headers
        headers += self.upstream.headers
        headers.append(VIA if seen.via is None else via(seen.via))
        if peer:
            headers.append((b"x-forwarded-for", peer.encode("latin-1")))
        # an answer that was made for the name one client asked by must not be given to who asked by another
        if not self._route.kept or request.method not in _READS:
            headers.append((b"x-forwarded-host", request.host))
            headers.append(HTTPS if request.secure else HTTP)

    def call(self, request: Request, random_bits: Callable[[int], int]) -> Call:
        """Return the call of one request with this head; ids that the client did not send are new ones."""
        trace = self._trace or (new_id(random_bits), "", "00")
        request_id = self._request_id or trace[0]
        upstream, route = self.upstream, self._route
        received, timeouts = request.received, route.timeouts
        deadline = received + timeouts.total
        if self._hints is not None:
            deadline = hinted(self._hints, deadline, received)
        encoded = request_id.encode("ascii")
        headers = [*self._headers, (b"x-request-id", encoded)]
        call = Call(
            request.method, self._path, headers, upstream.target, timeouts, deadline, Run(received, route.attempts),
            request.body, request.length, self._idempotent, upstream.name, route.name, "", request_id, trace, "",
            route.bill,
        )  # fmt: skip
        if self._block is not None:
            call.ready = (headers, b"%bx-request-id: %b\r\n" % (self._block, encoded), len(headers), self._path)
        return call
