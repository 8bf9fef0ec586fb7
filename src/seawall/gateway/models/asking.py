"""A model asked: its targets in order, under one deadline and one budget of attempts, until one answers."""

from collections.abc import Callable

from seawall.contracts.call import Call
from seawall.contracts.clock import Clock
from seawall.contracts.errors import CallError, DeadlineExceeded
from seawall.contracts.reply import Reply
from seawall.contracts.wheel import Wheel
from seawall.gateway.models.attempt import Outcome, ask
from seawall.gateway.models.nowhere import nowhere
from seawall.gateway.models.order import ordered
from seawall.gateway.models.table import ModelRoute, ModelTarget
from seawall.llm.said import said
from seawall.llm.seam import Asked, NotUnderstood
from seawall.pipeline.targets import until

__all__ = ["Asking"]


class Asking:
    """Asks models.

    Args:
        clock, wheel: time.
        uniform: `random.uniform`, for targets by weight.
    """

    def __init__(self, clock: Clock, wheel: Wheel, uniform: Callable[[float, float], float]) -> None:
        self._clock = clock
        self._wheel = wheel
        self._uniform = uniform

    async def __call__(self, first: Call, asked: Asked, route: ModelRoute) -> tuple[Reply, Call]:
        """Return the answer of the first target that gives one, and the call that met it.

        Args:
            first: the client's call, whose run and deadline all targets share.
            asked: what it asks.
            route: of the alias.

        Raises:
            CallError: what the last target came to, where there is no fixed answer.
            NotUnderstood: no target could be asked that.
        """
        run, clock, wheel = first.run, self._clock, self._wheel
        targets = ordered(route, first.caller, self._uniform)
        run.budget = max(run.budget, len(targets))
        best: Outcome | None = None
        wrong: list[tuple[ModelTarget, NotUnderstood]] = []
        left = len(targets)
        for target in targets:
            left -= 1
            run.held = left
            now = clock.now()
            if now >= first.deadline:
                outcome = Outcome(None, DeadlineExceeded(), None, elsewhere=False)
            else:
                end = until(now, first.deadline, left, route.try_for, fixed=route.fallback is not None)
                outcome = await ask(first, asked, route, target, end, wheel)
            if outcome.reply is not None:
                _mark(outcome.reply, target, fallback=left < len(targets) - 1)
            if isinstance(outcome.error, NotUnderstood):
                wrong.append((target, outcome.error))
            best = _better(best, outcome)
            if not outcome.elsewhere or clock.now() >= first.deadline:
                break
        run.held = 0
        if best is None:
            raise RuntimeError("a model has at least one target")
        if len(wrong) > 1 and isinstance(best.error, NotUnderstood):
            raise nowhere(route.alias, wrong)
        return self._given(best, first, asked, route)

    def _given(self, best: Outcome, first: Call, asked: Asked, route: ModelRoute) -> tuple[Reply, Call]:
        if best.elsewhere and route.fallback is not None and not isinstance(best.error, NotUnderstood):
            text = said(asked, route.fallback, first.request_id, self._clock.wall())
            if text is not None:
                if best.reply is not None:
                    best.reply.close()
                reply = Reply(200, list(text[0]), text[1], streamed=asked.stream)
                reply.mark(b"x-seawall-fallback", b"fixed")
                first.run.notes.append(("fallback", None, "fixed"))
                return reply, best.call or first
        if best.reply is not None:
            return best.reply, best.call or first
        if isinstance(best.error, CallError | NotUnderstood):
            raise best.error
        raise RuntimeError("an outcome is a reply or an error")


def _mark(reply: Reply, target: ModelTarget, *, fallback: bool) -> None:
    """Tell which model answers, and whether it is another one than the first."""
    reply.marks = [*(reply.marks or ()), (b"x-seawall-model", target.shown)]  # nobody further in has marked that
    if fallback:
        reply.mark(b"x-seawall-fallback", b"target")


def _better(best: Outcome | None, outcome: Outcome) -> Outcome:
    """Return what tells the client more; the other's answer is closed.

    The newest, but for a target that could not be put into words: that another one failed tells more.
    """
    if best is None:
        return outcome
    if isinstance(outcome.error, NotUnderstood) and not isinstance(best.error, NotUnderstood):
        return best
    if best.reply is not None:
        best.reply.close()
    return outcome
