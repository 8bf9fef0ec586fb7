"""The ratelimit policy: how often an upstream may be called, all callers together."""

from collections.abc import Sequence

from seawall.contracts.policy import Context, Position, Spec, Stage
from seawall.contracts.units import show_duration, show_rate
from seawall.policies.ratelimit.core import Bucket
from seawall.policies.ratelimit.policy import RateStage
from seawall.policies.ratelimit.settings import RateSettings
from seawall.policies.ratelimit.turns import Turns

__all__ = ["SPEC", "Bucket", "RateSettings", "RateStage", "Turns"]


def _build(settings: RateSettings, ctx: Context) -> Sequence[tuple[Position, Stage]]:
    turns = ctx.keep(
        ctx.upstream,
        "rate",
        ctx.route,
        lambda: Turns(Bucket(settings.limit, settings.burst_size), ctx.clock, ctx.loop),
    )
    turns.change(settings.limit, settings.burst_size)
    return [(Position.RATE, RateStage(turns, settings.wait, ctx.clock.now))]


def _explain(settings: RateSettings) -> str:
    return f"{show_rate(settings.limit)}, burst {settings.burst_size}, wait {show_duration(settings.wait)}"


SPEC = Spec("rate", RateSettings, _build, _explain)
