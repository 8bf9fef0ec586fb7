"""What one request came to, told to the observers exactly once, when its body ended."""

from typing import Protocol

from seawall.contracts.admission import Admitted
from seawall.contracts.body import Headers
from seawall.contracts.call import Call
from seawall.contracts.clock import Clock
from seawall.contracts.errors import CallError
from seawall.contracts.events import Emit, call_ended
from seawall.contracts.reply import Reply
from seawall.contracts.request import Request
from seawall.gateway.headers import clean_reply

__all__ = ["Breakable", "Record"]

_METHODS = {name.encode(): name for name in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")}


class Breakable(Protocol):
    """A body that remembers why it broke off, None where it did not."""

    @property
    def error(self) -> CallError | None:
        """Why."""
        ...


class Record:
    """Collects what is known of a request while it is handled; `attach` makes its reply tell it at the end.

    Attributes:
        hidden: names of the headers the gateway puts in for its upstream; one that is echoed is not passed on.
        admitted: what its caller was let in with, closed when it is told; None where nothing is held.
        caller: its name, known before there is a call.
        settles: tokens are held for it, to be settled to what its call used.
    """

    __slots__ = (
        "_clock", "_emit", "admitted", "call", "caller", "error", "hidden", "outcome", "relay", "reply", "request",
        "request_id", "settles", "upstream",
    )  # fmt: skip

    def __init__(self, emit: Emit, clock: Clock, request: Request) -> None:
        self._emit = emit
        self._clock = clock
        self.request = request
        self.call: Call | None = None
        self.admitted: Admitted | None = None
        self.caller = ""
        self.upstream = ""
        self.hidden: frozenset[bytes] = frozenset()
        self.request_id = ""
        self.outcome = ""
        self.error = ""
        self.reply: Reply | None = None
        self.relay: Breakable | None = None
        self.settles = False

    def attach(self, reply: Reply) -> Reply:
        """Tell when `reply` is closed."""
        self.reply = reply
        reply.on_close(self._ended)
        return reply

    def early(self, status: int, headers: Headers) -> None:
        """Pass an interim answer on to the client, while it waits for the answer itself."""
        pass_on = self.request.interim
        if pass_on is not None:
            pass_on(status, clean_reply(headers, self.hidden))

    def release(self) -> None:
        """Give back what the call held of its caller's limits; once, as whatever ends it."""
        admitted, self.admitted = self.admitted, None
        if admitted is not None:
            if self.settles and self.call is not None:
                admitted.settle_tokens(self.call.run.tokens or 0)
            admitted.close()

    def cancelled(self) -> None:
        """Tell that the client left before there was a reply."""
        self.outcome = "cancelled"
        self._tell(499, 0, False)

    def _ended(self) -> None:
        reply = self.reply
        if reply is None:
            raise RuntimeError("a record tells of the reply it was attached to")
        status = reply.status
        relay = self.relay
        if relay is not None and relay.error is not None:
            self.outcome = "broken"
            self.error = relay.error.type
        elif not reply.finished:
            self.outcome = "cancelled"
        elif not self.outcome:
            self.outcome = "ok" if status < 400 else "client_error" if status < 500 else "upstream_error"
        self._tell(status, reply.sent, reply.streamed)

    def _tell(self, status: int, sent: int, streamed: bool) -> None:
        if self.admitted is not None:
            self.release()
        request, call = self.request, self.call
        body = request.body
        received = len(body) if type(body) is bytes else getattr(body, "received", 0)
        method = request.method
        name = _METHODS.get(method) or method.decode("latin-1")
        latency = self._clock.now() - request.received
        if call is None:
            self._emit(
                call_ended((
                    self.caller, self.upstream, "", name, status, self.outcome, self.error, 0, "", latency, 0.0, 0.0,
                    received, sent, streamed, self.request_id, "", None, None,
                ))
            )  # fmt: skip
            return
        run = call.run
        run.early = None  # it refers back to here, and only the collector would undo that
        tokens, cost = (run.tokens, run.cost) if run.beside is None else run.paid()
        self._emit(
            call_ended((
                call.caller, call.upstream, call.route, name, status, self.outcome, self.error, run.attempts, run.cache,
                latency, run.wire_time, run.queue_time, received, sent, streamed, call.request_id, call.trace[0],
                tokens, cost,
            ))
        )  # fmt: skip
