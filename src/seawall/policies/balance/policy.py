"""Binding each attempt to a target."""

import asyncio
from collections.abc import Sequence

from seawall.contracts.call import Call
from seawall.contracts.errors import BreakerOpen, Refusal, Saturated, UpstreamError
from seawall.contracts.policy import Context, Position, Proceed, Stage
from seawall.contracts.reply import Reply
from seawall.contracts.target import Target
from seawall.policies.balance.core import Load, by_load, by_weight, ranking
from seawall.policies.balance.settings import BalanceSettings

__all__ = ["Balance", "build", "explain"]

REMEMBERED = 1024  # callers whose order of targets is kept


class Balance:
    """Chooses among targets; another one than the latest attempt's where there is one.

    A target that refuses because its breaker is open or because it asked to be left alone is passed over for the next.
    A call that is bound already to a target outside the choice (a backup of the fallback policy) goes there.

    Args:
        settings: of the upstream.
        ctx: time and randomness.
        targets: to choose from, at least two.
        loads: of each of them, kept over a reload.
    """

    __slots__ = ("_loads", "_mode", "_now", "_orders", "_sticky", "_targets", "_uniform")

    def __init__(
        self, settings: BalanceSettings, ctx: Context, targets: Sequence[Target], loads: dict[Target, Load]
    ) -> None:
        self._mode = settings.mode
        self._sticky = settings.sticky is not None
        self._targets = tuple(targets)
        self._loads = loads
        self._orders: dict[str, tuple[Target, ...]] = {}
        self._now = ctx.clock.now
        self._uniform = ctx.uniform

    async def send(self, call: Call, proceed: Proceed) -> Reply:
        """Proceed on the target chosen.

        Raises:
            BreakerOpen: no target may be called; `retry_after` is the soonest.
            Saturated: the same, where one asked to be left alone.
        """
        if call.target not in self._loads:
            return await proceed(call)
        left: Sequence[Target] = self._targets
        refused: Refusal | None = None
        run = call.run
        while True:
            target = self._choose(call, left)
            load = self._loads[target]
            attempts, tried = run.attempts, run.tried
            run.tried = target
            load.pending += 1
            began = self._now()
            try:
                reply = await proceed(call if call.target is target else call.fork(target))
            except Refusal as error:
                load.pending -= 1
                if run.attempts == attempts:
                    run.tried = tried  # it was not called
                if not _of_target(error):
                    raise
                refused = _sooner(refused, error)
                left = [one for one in left if one is not target]
                if not left:
                    raise refused from error
            except BaseException as error:
                self._broke(load, call, began, error)
                raise
            else:
                self._answered(load, target, began, reply)
                return reply

    def _answered(self, load: Load, target: Target, began: float, reply: Reply) -> None:
        now = self._now()
        load.end(now, now - began, good=reply.status < 500)
        if type(reply.body) is bytes:
            load.pending -= 1
        else:
            reply.on_close(load.release)
        reply.mark(b"x-seawall-target", target.label.encode("latin-1", "replace"))

    def _broke(self, load: Load, call: Call, began: float, error: BaseException) -> None:
        """Count a call that ended without an answer: it says something about its target unless its caller left."""
        load.pending -= 1
        now = self._now()
        if isinstance(error, UpstreamError) or (isinstance(error, asyncio.CancelledError) and call.timed_out(now)):
            load.end(now, now - began, good=False)

    def _choose(self, call: Call, left: Sequence[Target]) -> Target:
        tried = call.run.tried
        if tried is not None and len(left) > 1:
            left = [target for target in left if target is not tried]
        if self._sticky and call.caller:
            return next(target for target in self._order(call.caller) if target in left)
        if self._mode == "weighted":
            return by_weight(left, self._uniform)
        return by_load(left, self._loads, self._now(), self._uniform) if self._mode == "least_loaded" else left[0]

    def _order(self, caller: str) -> tuple[Target, ...]:
        order = self._orders.get(caller)
        if order is None:
            if len(self._orders) >= REMEMBERED:
                self._orders.clear()
            order = self._orders[caller] = ranking(self._targets, caller)
        return order


def _of_target(error: Refusal) -> bool:
    """Whether it is this target that may not be called, and not the upstream as a whole."""
    return isinstance(error, BreakerOpen) or (isinstance(error, Saturated) and error.policy in ("retry", "keys"))


def _sooner(one: Refusal | None, other: Refusal) -> Refusal:
    if one is None or (other.retry_after or 0.0) < (one.retry_after or 0.0):
        return other
    return one


def build(settings: BalanceSettings, ctx: Context) -> Sequence[tuple[Position, Stage]]:
    """Return the stage; none where there is nothing to choose.

    `options["backups"]` holds the labels of targets that only the fallback policy uses.
    """
    backups = ctx.options.get("backups", ())
    targets = [target for target in ctx.targets if target.label not in backups]
    if len(targets) < 2:
        return ()
    loads = {target: ctx.keep(ctx.upstream, "balance", target.label, Load) for target in targets}
    return ((Position.BALANCE, Balance(settings, ctx, targets, loads)),)


def explain(settings: BalanceSettings) -> str:
    """Return the line of `seawall explain`."""
    how = {
        "weighted": "by weight",
        "failover": "the first that may be called",
        "least_loaded": "the less loaded of two",
    }[settings.mode]
    return f"{how}; each caller keeps its target" if settings.sticky else how
