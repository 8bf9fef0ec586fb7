"""What a request's head comes to on the language-model routes: worked out once, while a connection repeats it."""

from collections.abc import Callable

from seawall.contracts.call import Call, Run
from seawall.contracts.request import Request
from seawall.contracts.sites import Sites, refused
from seawall.contracts.target import Timeouts
from seawall.gateway.decorate import VIA, via
from seawall.gateway.headers import clean_request
from seawall.gateway.identity import new_id, request_id_of, trace_of
from seawall.gateway.models.places import Place
from seawall.gateway.models.shape import ACTIONS, passed
from seawall.gateway.models.table import ModelRoute
from seawall.llm.seam import Asked
from seawall.pipeline.hints import hinted

__all__ = ["Heading"]


class Heading:
    """A head, read.

    Args:
        request: the first one with it.
        place: what its path is; None where that is nothing.
        sites: which Host names and browser origins are let in; None where that has been seen to.

    Attributes:
        place, sites: as given.
        reason: why its Host or the page that sends it is refused, or None.
        content_type, cache_control: of the request.
    """

    __slots__ = (
        "_headers", "_hints", "_request_id", "_trace", "cache_control", "content_type", "place", "reason", "sites",
    )  # fmt: skip

    def __init__(self, request: Request, place: Place | None, sites: Sites | None) -> None:
        self.place = place
        self.sites = sites
        self.reason = None if sites is None else refused(request.headers, request.host, sites)
        self.content_type = request.header(b"content-type") or b""
        self.cache_control = request.header(b"cache-control")
        headers, seen = clean_request(request.headers, ACTIONS)
        self._trace, tracestate = trace_of(seen)
        self._request_id = request_id_of(seen.request_id)
        self._hints = seen.hints
        self._headers = [*passed(headers), VIA if seen.via is None else via(seen.via)]
        if tracestate is not None:
            self._headers.append((b"tracestate", tracestate))

    def call(
        self,
        request: Request,
        asked: Asked,
        route: ModelRoute,
        caller: str,
        user: str,
        random_bits: Callable[[int], int],
    ) -> Call:
        """Return the client's call, for what all targets share; ids that the client did not send are new ones."""
        target = route.targets[0]
        met = target.upstream.route(b"POST", asked.path.partition(b"?")[0])
        timeouts = met.timeouts if route.timeout is None else Timeouts(total=route.timeout)
        received = request.received
        deadline = received + timeouts.total
        if self._hints is not None:
            deadline = hinted(self._hints, deadline, received)
        trace = self._trace or (new_id(random_bits), "", "00")
        request_id = self._request_id or trace[0]
        return Call(
            b"POST", asked.path, [*self._headers, (b"x-request-id", request_id.encode("ascii"))],
            target.upstream.target, timeouts, deadline, Run(received, met.attempts), asked.body, len(asked.body), True,
            target.upstream.name, met.name, caller, request_id, trace, user,
        )  # fmt: skip
