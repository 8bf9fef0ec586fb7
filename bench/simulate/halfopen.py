"""Fifty callers meet a breaker that has just become half-open."""

import asyncio
from collections.abc import Mapping
from typing import Any

from bench.simulate.number import Number
from bench.simulate.upstream import Mode, Upstream, lognormal
from bench.simulate.world import World
from seawall.testing import run_virtual

__all__ = ["reached"]


def reached(callers: int, probes: int, policies: Mapping[str, Any] | None = None) -> Number:
    """Return how many of the callers reach the upstream before any of the probes has ended."""
    count = run_virtual(_run(callers, probes, policies or {}))
    beside = " beside every other policy" if policies else ""
    return Number(
        f"attempts that reach the upstream of {callers} callers at half-open{beside}",
        f"exactly {probes}",
        str(count),
        count == probes,
    )


async def _run(callers: int, probes: int, policies: Mapping[str, Any]) -> int:
    upstream = Upstream(None, lognormal(1.0, 0.01), [Mode(0.0, "refuse"), Mode(5.0)])
    breaker = {"min_calls": 20, "open": "10s", "probes": probes}
    world = World(upstream, {**policies, "breaker": breaker})
    await asyncio.sleep(0.01)
    async with asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(world.ask())
    (moment, change), *_ = world.breaker
    await asyncio.sleep(moment + change.retry_after - world.now)
    before = len(upstream.came)
    async with asyncio.TaskGroup() as group:
        for _ in range(callers):
            group.create_task(world.ask())
        await asyncio.sleep(0.5)
        during = len(upstream.came)
    return during - before
