"""Whether retries come together: in an outage, after a crash of what was under way, after Retry-After."""

import asyncio
from collections.abc import Iterable, Sequence

from bench.simulate.figures import bins, peak_to_mean
from bench.simulate.number import Number
from bench.simulate.outages import BEFORE, outage
from bench.simulate.upstream import Mode, Upstream, lognormal
from bench.simulate.world import World
from seawall.contracts.target import Timeouts
from seawall.testing import run_virtual

__all__ = ["asked_to_wait", "crashed", "in_outage", "waited"]

BIN = 0.1
FEWEST = 100  # arrivals per bin on average below which chance alone makes peaks
ONSET = 10.0  # seconds in which the tokens of before are used up


def in_outage(rate: float, seconds: float, base: float = 0.1, budget: float = 0.2) -> Number:
    """Return the peak of retries once the tokens saved up before the outage are gone."""
    policies = {"retry": {"base": base, "max": max(2.0, base), "budget": budget}}
    upstream, _ = run_virtual(outage(rate, seconds, policies))
    width = max(base, BIN)
    counts = bins(_retries(upstream), width, BEFORE + ONSET, BEFORE + seconds)
    return _number(f"outage, {rate:g} calls/s, budget {budget:.0%}, bins of {width:g} s", counts)


def crashed(calls: int) -> Number:
    """Return the peak of retries of calls that were all under way when the upstream crashed."""
    upstream = run_virtual(_crash(calls))
    return _number(f"crash with {calls} calls under way", _where_they_come(_retries(upstream)))


def asked_to_wait(calls: int, seconds: float, slower: float = 1.0) -> Number:
    """Return the peak of retries of calls that were told Retry-After, the first call taking `slower` times as long."""
    upstream = run_virtual(waited(calls, seconds, slower))
    name = f"{calls} calls told Retry-After: {seconds:g}"
    if slower > 1:
        name += ", the first one back is slow"
    return _number(name, _where_they_come(_retries(upstream)))


async def _crash(calls: int) -> Upstream:
    upstream = Upstream(None, lognormal(0.5, 0.15), [Mode(1.1, "refuse"), Mode(9.0)])
    world = World(upstream, {"retry": {"budget": 1.0, "floor": calls}})
    await _together(world, calls, 0.0)
    return upstream


async def waited(calls: int, seconds: float, slower: float) -> Upstream:
    """Let `calls` meet a 503 with Retry-After within 50 ms of each other; return the upstream they met."""
    busy = Mode(0.5, "status", status=503, retry_after=seconds, known=0.06)
    upstream = Upstream(None, lognormal(0.05, 0.15), [busy, Mode(1.2, slower=slower)])
    enough = 2 * seconds + 10.0
    world = World(upstream, {"retry": {"budget": 1.0}}, Timeouts(total=enough, attempt=enough))
    await _together(world, calls, 0.05)
    return upstream


async def _together(world: World, calls: int, within: float) -> None:
    async def call() -> None:
        await asyncio.sleep(1.0 + world.random.uniform(0.0, within))
        world.done.append(await world.ask())

    async with asyncio.TaskGroup() as group:
        for _ in range(calls):
            group.create_task(call())


def _retries(upstream: Upstream) -> list[float]:
    return sorted(one.at for one in upstream.came if one.number > 1)


def _where_they_come(times: Sequence[float]) -> list[int]:
    """Return bins over the time in which retries come, without the few at the ends: a first call that went ahead."""
    few = len(times) // 100
    kept = times[few : len(times) - few]
    since = kept[0]
    return bins(times, BIN, since, since + BIN * max(1, round((kept[-1] - since) / BIN)))


def _number(name: str, counts: Iterable[int]) -> Number:
    counts = list(counts)
    mean = sum(counts) / len(counts)
    peak = peak_to_mean(counts)
    measured = f"{peak:.2f} ({mean:.0f} a bin)"
    return Number(f"peak to mean of retries: {name}", "at most 2", measured, peak <= 2 and mean >= FEWEST)
