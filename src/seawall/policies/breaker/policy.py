"""The breaker's two stages: the gate before the queues, the permit at the wire (semantics 3.4)."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

from seawall.contracts.call import Call
from seawall.contracts.errors import UpstreamError, UpstreamTimeout
from seawall.contracts.policy import Context, Position, Proceed, Stage
from seawall.contracts.reply import Reply
from seawall.contracts.target import Target
from seawall.contracts.units import show_duration
from seawall.policies.breaker.core import REFUSED
from seawall.policies.breaker.settings import BreakerSettings
from seawall.policies.breaker.target import TargetBreaker
from seawall.policies.breaker.watched import Watched

__all__ = ["Gate", "Permit", "build", "explain"]


class Gate:
    """Refuses before anybody queues for a target that would not be called anyway."""

    __slots__ = ("_breakers", "_now")

    def __init__(self, ctx: Context, breakers: Mapping[Target, TargetBreaker]) -> None:
        self._breakers = breakers
        self._now = ctx.clock.now

    async def send(self, call: Call, proceed: Proceed) -> Reply:
        """Proceed where a permit would be given now; takes none.

        Raises:
            BreakerOpen: it would not.
        """
        breaker = self._breakers[call.target]
        if not breaker.core.passing:
            breaker.check(self._now())
        return await proceed(call)


class Permit:
    """Takes a permit once a slot is held, and counts how the attempt ended."""

    __slots__ = ("_breakers", "_kinds", "_now", "_slow_after", "_statuses")

    def __init__(self, settings: BreakerSettings, ctx: Context, breakers: Mapping[Target, TargetBreaker]) -> None:
        self._breakers = breakers
        self._now = ctx.clock.now
        self._slow_after = float("inf") if settings.slow_after is None else settings.slow_after
        self._statuses = frozenset(int(word) for word in settings.on if word.isdigit())
        self._kinds = frozenset(word for word in settings.on if not word.isdigit())

    async def send(self, call: Call, proceed: Proceed) -> Reply:
        """Proceed with a permit.

        Raises:
            BreakerOpen: there was none left.
        """
        breaker = self._breakers[call.target]
        core = breaker.core
        started = self._now()
        permit = core.permit(started, call.timeouts.attempt)
        if permit == REFUSED:
            breaker.check(started)  # raises, except in shadow mode, where the outcome then counts for nothing
        elif core.changes:
            breaker.tell()
        try:
            reply = await proceed(call)
        except BaseException as error:
            now = self._now()
            if self._failed(error, call, now):
                core.ended(permit, now, True, now - started > self._slow_after)
                if core.changes:
                    breaker.tell()
            else:
                core.give_back(permit)
            raise
        status = reply.status
        if status == 429:  # its own class: says "later", neither "well" nor "ill"
            core.give_back(permit)
            return reply
        now = self._now()
        core.ended(permit, now, status in self._statuses, now - started > self._slow_after)
        if core.changes:
            breaker.tell()
        if type(reply.body) is not bytes:
            reply.body = Watched(reply.body, partial(self._broke, breaker, permit))  # type: ignore[arg-type] # exact type
        return reply

    def _failed(self, error: BaseException, call: Call, now: float) -> bool:
        """Whether an attempt that raised counts against the target; what does not, says nothing about it."""
        kinds = self._kinds
        if isinstance(error, UpstreamError):
            if error.kind in kinds:
                return True
            return isinstance(error, UpstreamTimeout) and error.phase == "connect" and "connect" in kinds
        if not isinstance(error, asyncio.CancelledError):
            return False
        # The deadline stage ends an attempt by cancelling it; which cancellation this is, is decided by comparing
        # deadlines (semantics 1.5). One that a caller's hint has shortened is the caller's, not ours: anybody could
        # open the breaker with hints of a millisecond.
        return call.timed_out(now) and "timeout" in kinds

    def _broke(self, breaker: TargetBreaker, permit: int) -> None:
        breaker.core.broke(permit, self._now())
        if breaker.core.changes:
            breaker.tell()


def build(settings: BreakerSettings, ctx: Context) -> Sequence[tuple[Position, Stage]]:
    """Return gate and permit over one breaker for each target; a route with its own settings has its own breakers.

    What is kept under (upstream, `breaker`, target label) is a `TargetBreaker` with `status` and `force`.
    """
    if settings.mode == "off":
        return ()
    breakers: dict[Target, TargetBreaker] = {}
    for target in ctx.targets:
        scope = f"{target.label} {ctx.route}" if ctx.route else target.label
        breaker = ctx.keep(ctx.upstream, "breaker", scope, partial(TargetBreaker, settings, ctx, target))
        breaker.adapt(settings, ctx)
        breakers[target] = breaker
    return ((Position.GATE, Gate(ctx, breakers)), (Position.PERMIT, Permit(settings, ctx, breakers)))


def explain(settings: BreakerSettings) -> str:
    """Return the line of `seawall explain`."""
    if settings.mode == "off":
        return "off"
    slow = ""
    if settings.slow_after is not None:
        slow = f" or {settings.slow_rate * 100:g}% take longer than {show_duration(settings.slow_after)}"
    shadow = " (shadow: tells, never blocks)" if settings.mode == "shadow" else ""
    return (
        f"opens when {settings.failure_rate * 100:g}% of at least {settings.min_calls} calls in "
        f"{show_duration(settings.window)} fail ({', '.join(settings.on)}){slow}; for {show_duration(settings.open)} "
        f"doubling to {show_duration(settings.open_max)}; {settings.probes} probes{shadow}"
    )
