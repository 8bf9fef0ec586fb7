"""Calls cancelled at random points, with every policy on and the real wire below: nothing may stay behind."""

import asyncio
from collections.abc import Iterator
from typing import Any

from bench.simulate.network import Network
from bench.simulate.number import Number
from bench.simulate.world import BACKUP, TARGET, World
from seawall.contracts.errors import SeawallError
from seawall.contracts.target import Target, Timeouts
from seawall.testing import ScriptedSource, run_virtual
from seawall.wire import Wire

__all__ = ["POLICIES", "cancelled"]

SECOND = Target("api", "second", "http", "second.example", 80)
POLICIES: dict[str, Any] = {
    "retry": {"budget": 1.0, "pause_max": 2, "on": ["connect", "reset", "timeout", "429", "502", "503", "504"]},
    "breaker": {"min_calls": 50, "window": 5, "open": 1, "failure_rate": 0.25},
    "rate": {"limit": "400/s", "burst": 50, "wait": 1},
    "concurrency": {"mode": "adaptive", "max": 64, "queue": 200, "wait": 1},
    "hedge": {"after": "p90", "max": 2},
    "balance": "least_loaded",
    "fallback": {"targets": ["backup"]},
}
RATE = 300.0
SETTLING = 30.0  # seconds in which whatever nobody cancels has long ended


def cancelled(calls: int, seed: int = 1) -> Number:
    """Return what is left once `calls` calls have been cancelled at random points of their lives."""
    left, hit = run_virtual(_run(calls, seed))
    return Number(
        f"left behind by {calls} calls cancelled at random points, all policies and the wire",
        "no slot, permit, task or connection",
        f"{', '.join(left) if left else 'nothing'} ({hit} were still under way)",
        not left and hit > calls / 4,
    )


async def _run(calls: int, seed: int) -> tuple[list[str], int]:
    network = Network(seed)
    loop = asyncio.get_running_loop()

    class Late:  # the wire needs the world's wheel, the world its transport
        async def send(self, attempt: Any) -> Any:
            return await wire.send(attempt)

    world = World(Late(), POLICIES, Timeouts(2.0, 0.8, 0.3, 0.4, 0.3, 3.0), (TARGET, SECOND, BACKUP), seed)
    wire = Wire(loop.clock(), world.wheel, loop)  # type: ignore[attr-defined]
    wire._dialer = network  # type: ignore[assignment]  # noqa: SLF001 - a network has no seam but this
    tasks = []
    for _ in range(calls):
        await asyncio.sleep(world.random.expovariate(RATE))
        task = loop.create_task(_one(world))
        tasks.append(task)
        loop.call_later(world.random.expovariate(1.5), task.cancel)
    await asyncio.wait(tasks)
    hit = sum(task.cancelled() for task in tasks)
    await asyncio.sleep(SETTLING)
    left = list(_left_below(wire, network))
    await wire.close()  # its idle connections have time limits too
    return [*left, *_left(world)], hit


async def _one(world: World) -> None:
    """Call, some with a body that still comes, and read the answer to its end."""
    body = ScriptedSource([b"x" * 1000] * 3, gap=0.01) if world.random.random() < 0.2 else b""
    try:
        reply = await world.proceed(world.call(body))
        try:
            while not isinstance(reply.body, bytes) and await reply.body.read():
                pass
        finally:
            reply.close()
    except SeawallError:
        return


def _left(world: World) -> Iterator[str]:
    """Name what policies still hold."""
    gate = world.kept("concurrency").gate
    counts = {
        "slots": gate.taken,
        "places in the queue": len(gate.waiting),
        "turns": len(world.kept("rate").waiting),
        "time limits": len(world.wheel),
        "bytes of bodies": world.buffers.used,
        "tasks": len(asyncio.all_tasks()) - 1,
    }
    for target in world.targets:
        pause = world.kept("retry", f"pause {target.label}")
        breaker = world.kept("breaker", target.label).core
        counts |= {
            f"permits of {target.label}": len(breaker._out),  # noqa: SLF001 - whoever asks it officially lets it tidy up
            f"waiters for a pause of {target.label}": len(pause.waiters) + pause.scouting,
        }
    for target in world.targets[:2]:
        counts[f"calls under way to {target.label}"] = world.kept("balance", target.label).pending
    return (f"{count} {name}" for name, count in counts.items() if count)


def _left_below(wire: Wire, network: Network) -> Iterator[str]:
    """Name connections that are neither idle nor closed."""
    stats = wire.stats()
    known = sum(pool.open for pool in stats)
    counts = {
        "connections in use": sum(pool.open - pool.idle for pool in stats),
        "connections being made": sum(pool.connecting for pool in stats),
        "connections the wire has forgotten": abs(sum(not link.gone for link in network.links) - known),
    }
    return (f"{count} {name}" for name, count in counts.items() if count)
