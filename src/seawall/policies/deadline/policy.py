"""The deadline stage: outermost, one absolute deadline over everything inside."""

from collections.abc import Sequence

from seawall.contracts.call import Call
from seawall.contracts.errors import DeadlineExceeded, deadline_passed
from seawall.contracts.policy import Context, Position, Proceed, Stage
from seawall.contracts.reply import Reply
from seawall.contracts.units import show_duration
from seawall.policies.deadline.core import body_limit
from seawall.policies.deadline.settings import DeadlineSettings

__all__ = ["Deadline", "build", "explain"]


class Deadline:
    """Ends the call at `call.deadline`, and its body there too, or at the stream's own deadline."""

    __slots__ = ("_now", "_wheel")

    def __init__(self, ctx: Context) -> None:
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
        limit = self._wheel.limit(call.deadline)
        try:
            reply = await proceed(call)
        except BaseException as error:
            if limit.stop(error):
                raise deadline_passed(error) from error
            raise
        limit.stop()
        body = reply.body
        if type(body) is not bytes:
            body.limit(body_limit(call, reply))  # type: ignore[union-attr] # exact type: a Source is never bytes
        return reply


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
