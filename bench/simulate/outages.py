"""A total outage: how many attempts the upstream gets for each call, and how soon calls succeed after it is back."""

from collections.abc import Mapping
from typing import Any

from bench.simulate.clients import open_loop
from bench.simulate.figures import amplification, over_budget, recovery
from bench.simulate.number import Number, at_most
from bench.simulate.upstream import Mode, Upstream, lognormal
from bench.simulate.world import World
from seawall.contracts.target import Timeouts
from seawall.policies.retry import RetrySettings
from seawall.testing import run_virtual

__all__ = ["ALL", "after_outage", "amplified", "outage", "within_budget"]

ALL: Mapping[str, Any] = {"retry": {}, "breaker": {}, "concurrency": "adaptive", "hedge": "p95"}
BEFORE = 20.0  # healthy seconds, so that the budget is full and the breaker's window too
SHORT = 1e-9  # seconds
ROUNDING = 1e-6


async def outage(
    rate: float, seconds: float, policies: Mapping[str, Any], after: float = 5.0, seed: int = 1
) -> tuple[Upstream, World]:
    """Run `rate` calls a second through an outage in which nothing accepts a connection."""
    modes = (Mode(BEFORE, "refuse"), Mode(BEFORE + seconds))
    upstream = Upstream(None, lognormal(0.05, 0.15), modes, seed)
    world = World(upstream, policies, Timeouts(total=5.0, attempt=2.0), seed=seed)
    await open_loop(world, rate, BEFORE + seconds + after)
    return upstream, world


def amplified(rate: float, seconds: float) -> Number:
    """Return what the budget alone makes of an outage: no breaker that would end it."""
    upstream, world = run_virtual(outage(rate, seconds, {"retry": {}}))
    factor = amplification(upstream.came, world.done, BEFORE, BEFORE + seconds)
    return at_most(f"attempts per call, no breaker: {rate:g} calls/s, outage of {seconds:g} s", factor, 1.25, "{:.3f}")


def within_budget(rate: float, seconds: float) -> Number:
    """Return how many retries any ten seconds hold; nearly without backoff, so that each shows when it was granted."""
    retry = RetrySettings(base=SHORT, max=SHORT)
    upstream, world = run_virtual(outage(rate, seconds, {"retry": {"base": SHORT, "max": SHORT}}))
    over = over_budget(upstream.came, world.done, retry.budget, retry.floor, 2 * SHORT)
    return Number(
        f"retries in the 10 s up to any retry: {rate:g} calls/s, outage of {seconds:g} s",
        f"at most {retry.floor} + {retry.budget:.0%} of their calls",
        f"{over:.1f} beyond it" if over > ROUNDING else f"{max(0.0, -over):.1f} below it where it is closest",
        over <= ROUNDING,
    )


def after_outage(rate: float, seconds: float, policies: Mapping[str, Any] = ALL) -> Number:
    """Return how long calls go on failing once the upstream is back, beside the open time then in force."""
    _, world = run_virtual(outage(rate, seconds, policies, after=1.0))
    back = BEFORE + seconds
    opened = [told.retry_after for at, told in world.breaker if told.new == "open" and at <= back]
    in_force = opened[-1] if opened else 0.0
    _, world = run_virtual(outage(rate, seconds, policies, after=2 * in_force + 10.0))
    taken = recovery(world.done, back)
    return Number(
        f"95 % success after an outage of {seconds:g} s, {rate:g} calls/s",
        f"within 2 x the open time, {2 * in_force:.1f} s",
        f"{taken:.0f} s",
        taken <= 2 * in_force,
    )
