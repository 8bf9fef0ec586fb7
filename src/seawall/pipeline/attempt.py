"""The innermost end of every pipeline: one attempt, its time limit and its trace span."""

import asyncio
from collections.abc import Callable
from functools import partial
from random import getrandbits

from seawall.contracts.call import Attempt, Call
from seawall.contracts.errors import CallError, DeadlineExceeded, UpstreamTimeout
from seawall.contracts.events import attempt_ended
from seawall.contracts.fields import rendered
from seawall.contracts.policy import Context, Transport
from seawall.contracts.reply import Reply
from seawall.contracts.target import Target
from seawall.contracts.wheel import TimeLimit

__all__ = ["Attempts"]

_STATUS = tuple(map(str, range(1000)))


class Attempts:
    """Makes attempts; a `Proceed`.

    Args:
        ctx: gives time and takes `AttemptEnded`.
        transport: sends an attempt.
        deadline_header: name of the header that tells the upstream how many milliseconds it has, or None.
        span: gives 64 random bits for each attempt's span id (W3C trace context, section 3.2.2.4); by default from
            the process's generator, span ids being no secrets.
    """

    __slots__ = ("_deadline_header", "_emit", "_now", "_own", "_send", "_span", "_wheel")

    def __init__(
        self,
        ctx: Context,
        transport: Transport,
        deadline_header: str | None = None,
        span: Callable[[], int] | None = None,
    ) -> None:
        self._now = ctx.clock.now
        self._wheel = ctx.wheel
        self._emit = ctx.emit
        self._send = transport.send
        self._own = {target: _own(target) for target in ctx.targets}
        self._deadline_header = deadline_header.lower().encode("ascii") if deadline_header else None
        self._span = span or partial(getrandbits, 64)

    async def __call__(self, call: Call) -> Reply:
        """Make one attempt and return its reply, which the caller must close.

        Raises:
            DeadlineExceeded: the call's deadline had passed before the attempt began; nothing was sent.
            UpstreamTimeout: phase `attempt`, when the attempt's own limit passed before the call's deadline.
            UpstreamError: what the transport says.
        """
        now = self._now()
        if now >= call.deadline:
            raise DeadlineExceeded
        run = call.run
        run.attempts = number = run.attempts + 1
        own = now + call.timeouts.attempt
        deadline = call.deadline
        limited = own < deadline
        if limited:
            deadline = own
        attempt = Attempt(call, number, None, deadline, self._lines(call, deadline - now))
        if call.bill is not None:  # only who pays asks; the two refer to each other, which only the collector undoes
            call.attempt = attempt
        # Where the call's deadline comes first, the deadline stage ends this attempt and it needs no limit of its own
        limit = self._wheel.limit(own) if limited else None
        try:
            reply = await self._send(attempt)
        except BaseException as error:
            raised = error if limit is None else _meant(error, attempt, limit)
            self._ended(attempt, now, _result(raised, self._now() >= deadline))
            if raised is error:
                raise
            raise raised from error
        if limit is not None:
            limit.stop()
        self._ended(attempt, now, _STATUS[reply.status])
        return reply

    def _lines(self, call: Call, left: float) -> bytes:
        """Return the header lines of this attempt alone."""
        trace_id, _, flags = call.trace
        lines = b""
        if trace_id:
            span = self._span() or 1  # an all-zero span id is invalid
            lines = f"traceparent: 00-{trace_id}-{span:016x}-{flags}\r\n".encode("ascii")
        target = call.target
        if target.headers:
            lines += self._own.get(target) or _own(target)
        if self._deadline_header is not None:
            lines += b"%b: %d\r\n" % (self._deadline_header, max(1, int(left * 1000)))
        return lines

    def _ended(self, attempt: Attempt, started: float, result: str) -> None:
        seconds = self._now() - started
        call = attempt.call
        call.run.wire_time += seconds
        target = call.target
        self._emit(attempt_ended((target.upstream, target.label, call.route, attempt.number, result, seconds)))


def _own(target: Target) -> bytes:
    """Return the lines of the headers that every attempt at a target has.

    Raises:
        ValueError: one holds a line break or NUL, or is framing; settings are checked for that.
    """
    lines = rendered(list(target.headers))
    if lines is None:
        raise ValueError(f"a header of target {target.label} of {target.upstream} cannot be written")
    return lines


def _meant(error: BaseException, attempt: Attempt, limit: TimeLimit) -> BaseException:
    """Return what an attempt under a limit of its own came to: its timeout, or the error itself."""
    fired = limit.fired
    if limit.stop(error):
        return UpstreamTimeout("attempt", sent=attempt.sent)
    if fired and isinstance(error, asyncio.CancelledError):
        # Another cancellation landed in the same turn and must go on. If it is the deadline stage's, that stage finds
        # here which limit was the earlier one (semantics 1.5).
        error.__cause__ = UpstreamTimeout("attempt", sent=attempt.sent)
    return error


def _result(error: BaseException, late: bool) -> str:
    if isinstance(error, CallError):
        return error.kind or "connect"  # an address that may not be dialled is a connection never made
    return "timeout" if late and isinstance(error, asyncio.CancelledError) else "cancelled"
