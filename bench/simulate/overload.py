"""Three times the capacity: what adaptive concurrency lets through, and how fast that is answered."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from bench.simulate.clients import open_loop
from bench.simulate.figures import quantile
from bench.simulate.number import Number
from bench.simulate.upstream import Upstream, lognormal
from bench.simulate.world import World
from seawall.contracts.target import Timeouts
from seawall.testing import run_virtual

__all__ = ["ADAPTIVE", "Load", "held", "offered"]

ADAPTIVE: Mapping[str, Any] = {"concurrency": "adaptive"}
MEDIAN, SIGMA = 0.05, 0.15
MEAN = 0.05056  # of that lognormal
LEARNING = 0.3  # of a run's length, not counted


class Load(NamedTuple):
    """What a run at one load came to; seconds, and throughput as a share of the capacity.

    Attributes:
        p50, p99: of the upstream's good answers, its own queue included, ours not.
        queue: p99 of the time in our queue, of good calls.
        throughput: good answers by what the upstream could do.
        success: share of calls answered well.
        limit: of the concurrency policy at the end, 0 without it.
    """

    p50: float
    p99: float
    queue: float
    throughput: float
    success: float
    limit: int


def offered(times: float, servers: int, seconds: float, policies: Mapping[str, Any] = ADAPTIVE, seed: int = 1) -> Load:
    """Return what comes of offering `times` the capacity for so many seconds."""

    async def run() -> Load:
        upstream = Upstream(servers, lognormal(MEDIAN, SIGMA), seed=seed)
        world = World(upstream, policies, Timeouts(total=5.0, attempt=5.0), seed=seed)
        capacity = servers / MEAN
        await open_loop(world, times * capacity, seconds)
        since = seconds * LEARNING
        taken = [one.seconds for one in upstream.answered if since <= one.at < seconds]
        counted = [one for one in world.done if since <= one.at < seconds]
        slots = world.kept("concurrency")
        return Load(
            quantile(taken, 0.5),
            quantile(taken, 0.99),
            quantile((one.queue for one in counted if one.good), 0.99),
            len(taken) / (seconds - since) / capacity,
            sum(one.good for one in counted) / len(counted),
            slots.gate.limit if slots is not None else 0,
        )

    return run_virtual(run())


def held(servers: int, seconds: float) -> list[Number]:
    """Return p99 and throughput at three times the capacity, beside an upstream with nothing else to do."""
    unloaded = offered(0.1, servers, min(seconds, 20.0), {})
    load = offered(3.0, servers, seconds)
    where = f"at three times the capacity of {servers} servers"
    return [
        Number(
            f"p99 upstream latency {where}",
            f"at most 2 x unloaded, {2000 * unloaded.p99:.0f} ms",
            f"{1000 * load.p99:.0f} ms (our queue apart: {1000 * load.queue:.0f} ms)",
            load.p99 <= 2 * unloaded.p99,
        ),
        Number(f"throughput {where}", "at least 90 % of it", f"{100 * load.throughput:.1f} %", load.throughput >= 0.9),
    ]
