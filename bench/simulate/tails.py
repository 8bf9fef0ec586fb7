"""Hedging on an upstream of which one answer in a hundred takes a second."""

from bench.simulate.clients import open_loop
from bench.simulate.figures import quantile
from bench.simulate.number import Number, at_most
from bench.simulate.upstream import Upstream, bimodal, lognormal
from bench.simulate.world import World
from seawall.testing import run_virtual

__all__ = ["hedged", "latencies"]

LEARNING = 2.0  # seconds before it is counted: the percentile comes from answers


def latencies(calls: int, hedge: str | None, rate: float = 100.0, seed: int = 1) -> tuple[list[float], float]:
    """Return what callers waited, sorted, and the share of extra calls the upstream got."""

    async def run() -> tuple[list[float], float]:
        upstream = Upstream(None, bimodal(lognormal(0.02, 0.15), 1.0, 0.01), seed=seed)
        world = World(upstream, {"retry": {}, **({"hedge": hedge} if hedge else {})}, seed=seed)
        await open_loop(world, rate, LEARNING + calls / rate)
        seen = sorted(one.seconds for one in world.done if one.at >= LEARNING)
        return seen, len(upstream.came) / len(world.done) - 1

    return run_virtual(run())


def hedged(calls: int) -> list[Number]:
    """Return p99.5 and the extra calls with `hedge = "p95"`."""
    plain, _ = latencies(calls, None)
    seen, extra = latencies(calls, "p95")
    before = f"(without: {quantile(plain, 0.995) * 1000:.0f} ms)"
    p995 = quantile(seen, 0.995)
    return [
        Number(f'p99.5 with hedge = "p95", {calls} calls', "below 100 ms", f"{p995 * 1e3:.0f} ms {before}", p995 < 0.1),
        at_most(f'extra calls with hedge = "p95", {calls} calls', extra * 100, 7.0, "{:.1f} %"),
    ]
