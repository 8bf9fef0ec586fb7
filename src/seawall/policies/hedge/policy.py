"""A second attempt beside a slow first one (semantics 6)."""

from collections.abc import Sequence

from seawall.contracts.budget import FLOOR, RetryBudget
from seawall.contracts.call import Call
from seawall.contracts.policy import Context, Position, Proceed, Stage
from seawall.contracts.reply import Reply
from seawall.contracts.units import show_duration
from seawall.policies.hedge.core import Recent, good
from seawall.policies.hedge.race import Race
from seawall.policies.hedge.settings import HedgeSettings

__all__ = ["Hedge", "build", "explain"]


class Hedge:
    """Hedges idempotent calls whose body can be sent twice.

    Args:
        settings: of the upstream or route.
        ctx: time; `options["retry_floor"]` is the retry policy's floor.
        budget: shared with retries.
        recent: how long answers took, kept over a reload.

    Attributes:
        most: hedges of one call.
        now, wheel, loop: time.
    """

    __slots__ = ("_after", "_budget", "_floor", "_recent", "_share", "loop", "most", "now", "wheel")

    def __init__(self, settings: HedgeSettings, ctx: Context, budget: RetryBudget, recent: Recent) -> None:
        after = settings.after
        self._share = float(after[1:]) / 100 if isinstance(after, str) else 0.0
        self._after = None if isinstance(after, str) else after
        self.most = settings.max
        self._budget = budget
        self._floor: int = ctx.options.get("retry_floor", FLOOR)
        self._recent = recent
        self.now = ctx.clock.now
        self.wheel = ctx.wheel
        self.loop = ctx.loop

    async def send(self, call: Call, proceed: Proceed) -> Reply:
        """Proceed, and again beside it when no answer has come for a while.

        Raises:
            CallError: the first attempt's, where no attempt had an answer.
        """
        if not call.idempotent or type(call.body) is not bytes:
            return await proceed(call)
        began = self.now()
        delay = self._after or self._recent.quantile(self._share)
        if delay is None or began + delay >= call.deadline:
            reply = await proceed(call)
        else:
            run = call.run
            if run.budget <= self.most:
                run.budget = self.most + 1
            reply = await Race(self, call, proceed, delay).run()
        # What a caller waited for a hedged call counts from its beginning: else the percentile, made of the answers
        # that came before it, would fall with every hedge it causes.
        if self._share and good(reply.status):
            self._recent.add(self.now() - began)
        return reply

    def allowed(self, call: Call) -> bool:
        """Whether one more attempt may start now; takes a token of the budget if so."""
        run, now = call.run, self.now()
        if run.committed or run.attempts >= run.budget - run.held or now >= call.deadline:
            return False
        return self._budget.take(now, self._floor)


def build(settings: HedgeSettings, ctx: Context) -> Sequence[tuple[Position, Stage]]:
    """Return the stage; recent answers are the route's own, the budget is the upstream's."""
    budget = ctx.keep(ctx.upstream, "retry", "budget", RetryBudget)
    recent = ctx.keep(ctx.upstream, "hedge", ctx.route, Recent)
    return ((Position.HEDGE, Hedge(settings, ctx, budget, recent)),)


def explain(settings: HedgeSettings) -> str:
    """Return the line of `seawall explain`."""
    after = settings.after
    when = f"the {after} of recent answers" if isinstance(after, str) else show_duration(after)
    return f"at most {settings.max} more after {when}, for idempotent calls, within the retry budget"
