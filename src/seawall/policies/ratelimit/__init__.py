"""The ratelimit policy: how often an upstream may be called, all callers together."""

from collections.abc import Sequence

from seawall.contracts.policy import Context, Position, Spec, Stage
from seawall.contracts.state import Limits
from seawall.contracts.units import show_duration, show_rate
from seawall.policies.ratelimit.core import Bucket
from seawall.policies.ratelimit.policy import RateStage, SharedRateStage
from seawall.policies.ratelimit.settings import RateSettings
from seawall.policies.ratelimit.share import Share
from seawall.policies.ratelimit.shared import SharedTurns
from seawall.policies.ratelimit.turns import Turns

__all__ = ["SPEC", "Bucket", "RateSettings", "RateStage", "Share", "SharedRateStage", "SharedTurns", "Turns"]


def _build(settings: RateSettings, ctx: Context) -> Sequence[tuple[Position, Stage]]:
    """Return the stage; `options["limits"]` and `options["replicas"]` are there where replicas share the limit."""
    limits: Limits | None = ctx.options.get("limits")
    if limits is not None:
        return [(Position.RATE, _shared(settings, ctx, limits))]
    turns = ctx.keep(
        ctx.upstream,
        "rate",
        ctx.route,
        lambda: Turns(Bucket(settings.limit, settings.burst_size), ctx.clock, ctx.loop),
    )
    turns.change(settings.limit, settings.burst_size)
    return [(Position.RATE, RateStage(turns, settings.wait, ctx.clock.now))]


def _shared(settings: RateSettings, ctx: Context, limits: Limits) -> Stage:
    key = f"upstream:{ctx.upstream}:{ctx.route}"

    def make() -> SharedTurns:
        share = Share(settings.limit, settings.burst_size)
        return SharedTurns(key, share, limits, ctx.options["replicas"], ctx.clock, ctx.wheel)

    turns = ctx.keep(ctx.upstream, "rate", ctx.route, make)
    turns.change(settings.limit, settings.burst_size)
    return SharedRateStage(turns, settings.wait)


def _explain(settings: RateSettings) -> str:
    return f"{show_rate(settings.limit)}, burst {settings.burst_size}, wait {show_duration(settings.wait)}"


SPEC = Spec("rate", RateSettings, _build, _explain)
