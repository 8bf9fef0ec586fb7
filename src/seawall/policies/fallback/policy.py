"""Another target, then a fixed answer, where every attempt failed; outside retry and inside the deadline."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from seawall.contracts.call import Call
from seawall.contracts.errors import CallError, deadline_passed
from seawall.contracts.policy import Context, Position, Proceed, Stage
from seawall.contracts.reply import Reply
from seawall.contracts.target import Target, Timeouts
from seawall.contracts.wheel import Wheel
from seawall.policies.fallback.core import FAILED, Fixed, may_go_on, until
from seawall.policies.fallback.settings import FallbackSettings

__all__ = ["Fallback", "build", "explain"]

_ROUNDING = 1e-6


class Fallback:
    """Gives what waits behind a call's attempts.

    Args:
        backups: targets asked in order once the call's own failed.
        first: where a call goes that is bound to a backup; None where there is nothing else.
        fixed: the answer of last resort, or None.
        try_for: seconds for a target that is not the last; None for a share of what is left.
        wheel, now: time.
    """

    __slots__ = ("_backups", "_first", "_fixed", "_now", "_shortened", "_try_for", "_wheel")

    def __init__(
        self,
        backups: Sequence[Target],
        fixed: Fixed | None,
        try_for: float | None,
        wheel: Wheel,
        now: Callable[[], float],
        first: Target | None = None,
    ) -> None:
        self._backups = tuple(backups)
        self._first = first
        self._fixed = fixed
        self._try_for = try_for
        self._wheel = wheel
        self._now = now
        self._shortened: tuple[Timeouts, float, Timeouts] | None = None

    async def send(self, call: Call, proceed: Proceed) -> Reply:
        """Proceed; where that fails, on each backup; where those fail, give the fixed answer.

        Raises:
            CallError: what the last target came to, where there is no fixed answer.
        """
        run = call.run
        left = len(self._backups)
        if left:
            run.held += left
            run.budget = max(run.budget, left + 1)
        # The door binds every call to the upstream's first target, which may be a backup here
        target = self._first if self._first is not None and call.target in self._backups else call.target
        outcome = await self._try(call, target, proceed, left)
        for backup in self._backups:
            left -= 1
            run.held -= 1
            if not _failed(outcome) or not may_go_on(call, outcome) or self._now() >= call.deadline:
                run.held -= left
                break
            _drop(outcome)
            outcome = await self._try(call, backup, proceed, left)
            if isinstance(outcome, Reply):
                outcome.mark(b"x-seawall-fallback", b"target")
                outcome.mark(b"x-seawall-target", backup.label.encode("latin-1", "replace"))
        if not _failed(outcome):
            return _result(outcome)
        if self._fixed is None or run.committed:
            return _result(outcome)
        _drop(outcome)
        run.notes.append(("fallback", None, "fixed"))
        return self._fixed.reply(call.method)

    async def _try(self, call: Call, target: Target, proceed: Proceed, left: int) -> Reply | CallError:
        end = until(self._now(), call.deadline, left, self._try_for, fixed=self._fixed is not None)
        trial = call
        if end < call.deadline or target is not call.target:
            trial = call.fork(target)
            self._shorten(trial, end)
        limit = self._wheel.limit(end) if end < call.deadline else None
        try:
            reply = await proceed(trial)
        except CallError as error:
            if limit is not None:
                limit.stop(error)
            return error
        except BaseException as error:
            if limit is not None and limit.stop(error):
                return deadline_passed(error)
            raise
        if limit is not None:
            limit.stop()
        return reply

    def _shorten(self, call: Call, end: float) -> None:
        """Let a call end earlier, so that what stands inside sees a deadline of ours and not a caller's hint."""
        less = call.deadline - end
        call.deadline = end
        timeouts = call.timeouts
        known = self._shortened
        if known is None or known[0] is not timeouts or abs(known[1] - less) > _ROUNDING:
            shorter = replace(timeouts, total=max(0.0, timeouts.total - less))
            known = self._shortened = (timeouts, less, shorter)
        call.timeouts = known[2]


def _failed(outcome: Reply | CallError) -> bool:
    return isinstance(outcome, CallError) or outcome.status in FAILED


def _drop(outcome: Reply | CallError) -> None:
    if isinstance(outcome, Reply):
        outcome.close()


def _result(outcome: Reply | CallError) -> Reply:
    if isinstance(outcome, CallError):
        raise outcome
    return outcome


def build(settings: FallbackSettings, ctx: Context) -> Sequence[tuple[Position, Stage]]:
    """Return the stage.

    Raises:
        KeyError: settings name a label no target has.
    """
    labels = {target.label: target for target in ctx.targets}
    backups = [labels[label] for label in settings.targets]
    fixed = Fixed(settings) if settings.fixed else None
    first = next((target for target in ctx.targets if target not in backups), None)
    return ((Position.FALLBACK, Fallback(backups, fixed, settings.try_for, ctx.wheel, ctx.clock.now, first)),)


def explain(settings: FallbackSettings) -> str:
    """Return the line of `seawall explain`."""
    steps = []
    if settings.targets:
        steps.append(f"targets {', '.join(settings.targets)}")
    if settings.fixed:
        steps.append(f"a fixed answer with status {settings.status}")
    return ", then ".join(steps)
