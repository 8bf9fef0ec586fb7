"""The retry stage: attempts around everything that is tried again."""

import asyncio
from collections.abc import Sequence

from seawall.contracts.body import Source
from seawall.contracts.budget import RetryBudget
from seawall.contracts.call import Call
from seawall.contracts.errors import UpstreamError
from seawall.contracts.policy import Context, Position, Proceed, Stage
from seawall.contracts.reply import Reply
from seawall.contracts.retry_after import asked
from seawall.contracts.units import show_duration, show_size
from seawall.policies.retry.core import NEVER, Rules, backoff, padded
from seawall.policies.retry.gate import PauseGate
from seawall.policies.retry.pause import Pause
from seawall.policies.retry.replay import Buffers, Recorder
from seawall.policies.retry.settings import RetrySettings

__all__ = ["Retry", "build", "explain"]


class Retry:
    """Tries a call again while rules, attempts, budget, time and its body allow it.

    Args:
        settings: of the upstream or route.
        ctx: time and randomness; `options["buffers"]` is the allowance for kept bodies, without it none is kept.
        budget: shared by all calls to the upstream, and with hedges.
    """

    __slots__ = ("_budget", "_buffers", "_now", "_rules", "_settings", "_share", "_targets", "_uniform", "_wall")

    def __init__(self, settings: RetrySettings, ctx: Context, budget: RetryBudget) -> None:
        self._settings = settings
        self._share = settings.budget
        self._rules = Rules(settings)
        self._budget = budget
        self._buffers: Buffers | None = ctx.options.get("buffers")
        self._now = ctx.clock.now
        self._wall = ctx.clock.wall
        self._uniform = ctx.uniform
        self._targets = len(ctx.targets)

    async def send(self, call: Call, proceed: Proceed) -> Reply:
        """Proceed, again where that makes sense; the last answer or error is passed on as it is.

        Raises:
            CallError: what the last attempt raised; a refusal and a passed deadline are never tried again.
        """
        self._budget.add(self._now(), self._share)
        body = call.body
        recorder = None if type(body) is bytes else self._recorder(call, body)  # type: ignore[arg-type] # exact type
        retries = 0
        try:
            while True:
                try:
                    reply = await proceed(call if recorder is None else _trial(call, recorder))
                except UpstreamError as error:
                    wait = self._after_error(call, error, retries, recorder)
                    if wait < 0:
                        raise
                else:
                    if reply.status < 400:
                        return reply
                    wait = self._after_reply(call, reply, retries, recorder)
                    if wait < 0:
                        return reply
                    reply.close()
                retries += 1
                await asyncio.sleep(wait)
        finally:
            if recorder is not None:
                recorder.release()

    def _recorder(self, call: Call, source: Source) -> Recorder:
        limit = self._settings.body
        if not call.idempotent or (call.length or 0) > limit:
            limit = 0
        return Recorder(source, limit, self._buffers)

    def _after_error(self, call: Call, error: UpstreamError, retries: int, recorder: Recorder | None) -> float:
        """Return the wait before the next attempt, or `NEVER`."""
        if self._spared(call, retries) or self._last(call, retries, recorder):
            return NEVER
        if not self._rules.error(error, idempotent=call.idempotent):
            return NEVER
        return self._granted(call, self._backoff(retries))

    def _after_reply(self, call: Call, reply: Reply, retries: int, recorder: Recorder | None) -> float:
        """Return the wait before the next attempt, or `NEVER`."""
        status, headers = reply.status, reply.headers
        if (status >= 500 and self._spared(call, retries)) or self._last(call, retries, recorder):
            return NEVER
        if not self._rules.status(status, headers, idempotent=call.idempotent):
            return NEVER
        seconds = asked(status, headers, self._wall())
        if seconds is None:
            return self._granted(call, self._backoff(retries))
        return self._granted(call, padded(seconds, self._settings.base, self._uniform))

    def _spared(self, call: Call, retries: int) -> bool:
        """Whether every target had its turn, and a kept answer is given in place of the failure."""
        return call.run.once and retries + 1 >= self._targets

    def _last(self, call: Call, retries: int, recorder: Recorder | None) -> bool:
        """Whether no attempt may follow this one, however it ended."""
        run = call.run
        if run.committed or retries + 1 >= self._settings.attempts or run.attempts >= run.budget - run.held:
            return True
        return recorder is not None and not recorder.replayable

    def _backoff(self, retries: int) -> float:
        return backoff(retries, self._settings.base, self._settings.max, self._uniform)

    def _granted(self, call: Call, wait: float) -> float:
        """Return `wait` where time and budget are left for it, and take a token; else `NEVER`."""
        now = self._now()
        if now + wait < call.deadline and self._budget.take(now, self._settings.floor):
            return wait
        return NEVER


def _trial(call: Call, recorder: Recorder) -> Call:
    trial = call.fork()
    trial.body = recorder.view()
    return trial


def build(settings: RetrySettings, ctx: Context) -> Sequence[tuple[Position, Stage]]:
    """Return the retry stage and, where pauses are wanted, the gate that keeps them for each target.

    The budget is kept under the scope `budget`, for the upstream as a whole whatever the route, so that hedges find
    the same one.
    """
    budget = ctx.keep(ctx.upstream, "retry", "budget", RetryBudget)
    stages: list[tuple[Position, Stage]] = [(Position.RETRY, Retry(settings, ctx, budget))]
    if settings.pause_max > 0:
        pauses = {target: ctx.keep(ctx.upstream, "retry", f"pause {target.label}", Pause) for target in ctx.targets}
        stages.append((Position.GATE, PauseGate(settings, ctx, pauses)))
    return stages


def explain(settings: RetrySettings) -> str:
    """Return the line of `seawall explain`."""
    if settings.attempts == 1:
        return "never tried again"
    return (
        f"{settings.attempts} attempts in all on {', '.join(settings.on)}; waits up to "
        f"{show_duration(settings.base)} doubling to {show_duration(settings.max)}; retries at most "
        f"{settings.budget * 100:g}% of calls plus {settings.floor} per 10s; bodies kept up to "
        f"{show_size(settings.body)}; pauses up to {show_duration(settings.pause_max)}"
    )
