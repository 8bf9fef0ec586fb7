"""The concurrency policy: how many calls may be in flight to an upstream at once."""

from collections.abc import Sequence

from seawall.contracts.policy import Context, Position, Spec, Stage
from seawall.contracts.units import show_duration
from seawall.policies.concurrency.core import Gate
from seawall.policies.concurrency.policy import ConcurrencyStage, MeasureStage
from seawall.policies.concurrency.settings import ConcurrencySettings
from seawall.policies.concurrency.slots import Slots

__all__ = ["SPEC", "ConcurrencySettings", "ConcurrencyStage", "MeasureStage", "Slots"]


def _build(settings: ConcurrencySettings, ctx: Context) -> Sequence[tuple[Position, Stage]]:
    slots = ctx.keep(
        ctx.upstream,
        "concurrency",
        ctx.route,
        lambda: Slots(Gate(settings.limit, settings.queue), ctx.clock, ctx.wheel, ctx.loop),
    )
    stage = (Position.CONCURRENCY, ConcurrencyStage(slots, settings.wait))
    if settings.mode == "fixed":
        slots.fix(settings.limit, settings.queue)
        return (stage,)
    gradient = slots.adapt(settings.max, settings.queue)
    return (stage, (Position.PERMIT, MeasureStage(slots, gradient, ctx.clock.now)))


def _explain(settings: ConcurrencySettings) -> str:
    queue = f"queue {settings.queue}, wait {show_duration(settings.wait)}"
    if settings.mode == "adaptive":
        return f"adaptive, between 1 and {settings.max} in flight, {queue}"
    return f"{settings.limit} in flight, {queue}"


SPEC = Spec("concurrency", ConcurrencySettings, _build, _explain)
