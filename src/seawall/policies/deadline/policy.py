"""The deadline stage: outermost, one absolute deadline over everything inside."""

import asyncio
from collections.abc import Sequence

from seawall.contracts.call import Call
from seawall.contracts.errors import DeadlineExceeded, UpstreamTimeout
from seawall.contracts.policy import Context, Position, Proceed, Stage
from seawall.contracts.reply import Reply
from seawall.contracts.units import show_duration
from seawall.contracts.wheel import TimeLimit
from seawall.policies.deadline.core import body_limit
from seawall.policies.deadline.settings import DeadlineSettings

__all__ = ["Deadline", "build", "explain"]


_KEPT = 64


class Deadline:
    """Ends the call at `call.deadline`, and its body there too, or at the stream's own deadline."""

    __slots__ = ("_limits", "_now", "_wheel")

    def __init__(self, ctx: Context) -> None:
        self._limits: list[TimeLimit] = []  # those no call has now; making one costs as much as using it
        self._now = ctx.clock.now
        self._wheel = ctx.wheel

    async def send(self, call: Call, proceed: Proceed) -> Reply:
        """Proceed under the deadline.

        Raises:
            DeadlineExceeded: it passed before a reply was handed over.
            UpstreamTimeout: both the last attempt's limit and the deadline passed in one turn, the attempt's first.
        """
        if self._now() >= call.deadline:
            raise DeadlineExceeded
        limits = self._limits
        limit = limits.pop() if limits else TimeLimit(self._wheel, call.deadline, DeadlineExceeded)
        limit.start(call.deadline)
        try:
            try:
                reply = await proceed(call)
            except BaseException as error:
                limit.stop(error)
                raise
        except DeadlineExceeded as error:
            earlier = _earlier(error)
            if earlier is not None:
                raise UpstreamTimeout(earlier.phase, sent=earlier.sent) from error
            raise
        limit.stop(None)
        if not limit.fired and len(limits) < _KEPT:
            limits.append(limit)
        body = reply.body
        if type(body) is not bytes:
            body.limit(body_limit(call, reply))  # type: ignore[union-attr] # exact type: a Source is never bytes
        return reply


def _earlier(error: DeadlineExceeded) -> UpstreamTimeout | None:
    """Return the attempt's timeout that came before the deadline in the same turn, left there by the attempt."""
    cancelled = error.__cause__
    if isinstance(cancelled, asyncio.CancelledError) and isinstance(cancelled.__cause__, UpstreamTimeout):
        return cancelled.__cause__
    return None


def build(_settings: DeadlineSettings, ctx: Context) -> Sequence[tuple[Position, Stage]]:
    """Return the stage; the values themselves come with each call."""
    return ((Position.DEADLINE, Deadline(ctx)),)


def explain(settings: DeadlineSettings) -> str:
    """Return the line of `seawall explain`."""
    told = f", told upstream in {settings.deadline_header}" if settings.deadline_header else ""
    return (
        f"the whole call {show_duration(settings.timeout)}, an attempt {show_duration(settings.attempt_timeout)}, "
        f"a stream {show_duration(settings.stream_timeout)}{told}"
    )
