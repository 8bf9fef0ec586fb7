"""What one request came to, told to the observers exactly once, when its body ended."""

from seawall.contracts.call import Call
from seawall.contracts.clock import Clock
from seawall.contracts.events import CallEnded, Emit
from seawall.contracts.reply import Reply
from seawall.contracts.request import Request
from seawall.gateway.relay import Relay

__all__ = ["Record"]

_METHODS = {name.encode(): name for name in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")}


class Record:
    """Collects what is known of a request while it is handled; `attach` makes its reply tell it at the end."""

    __slots__ = ("_clock", "_emit", "call", "caller", "error", "outcome", "relay", "reply", "request", "request_id",
                 "route", "trace_id", "upstream")  # fmt: skip

    def __init__(self, emit: Emit, clock: Clock, request: Request) -> None:
        self._emit = emit
        self._clock = clock
        self.request = request
        self.call: Call | None = None
        self.caller = ""
        self.upstream = ""
        self.route = ""
        self.request_id = ""
        self.trace_id = ""
        self.outcome = ""
        self.error = ""
        self.reply: Reply | None = None
        self.relay: Relay | None = None

    def attach(self, reply: Reply) -> Reply:
        """Tell when `reply` is closed."""
        self.reply = reply
        reply.on_close(self._ended)
        return reply

    def cancelled(self) -> None:
        """Tell that the client left before there was a reply."""
        self.outcome = "cancelled"
        self._tell(499, 0, False)

    def _ended(self) -> None:
        reply = self.reply
        if reply is None:
            raise RuntimeError("a record tells of the reply it was attached to")
        relay = self.relay
        if relay is not None and relay.error is not None:
            self.outcome = "broken"
            self.error = relay.error.type
        elif not reply.finished:
            self.outcome = "cancelled"
        elif not self.outcome:
            status = reply.status
            self.outcome = "ok" if status < 400 else "client_error" if status < 500 else "upstream_error"
        self._tell(reply.status, reply.sent, reply.streamed)

    def _tell(self, status: int, sent: int, streamed: bool) -> None:
        request = self.request
        body = request.body
        received = len(body) if type(body) is bytes else getattr(body, "received", 0)
        method = request.method
        call = self.call
        if call is None:
            attempts, cache, wire_time, queue_time = 0, "", 0.0, 0.0
        else:
            run = call.run
            attempts, cache, wire_time, queue_time = run.attempts, run.cache, run.wire_time, run.queue_time
        self._emit(
            CallEnded(
                self.caller,
                self.upstream,
                self.route,
                _METHODS.get(method) or method.decode("latin-1"),
                status,
                self.outcome,
                self.error,
                attempts,
                cache,
                self._clock.now() - request.received,
                wire_time,
                queue_time,
                received,
                sent,
                streamed,
                self.request_id,
                self.trace_id,
            )
        )
