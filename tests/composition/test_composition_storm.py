"""All policies at once, with hedges, backups and an adaptive limit: whoever leaves when, every book is balanced."""

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines import Bench, Places, target
from seawall.contracts.errors import CallError, ConnectError
from seawall.contracts.events import AttemptEnded
from seawall.contracts.target import Timeouts
from seawall.testing import ScriptedSource, ScriptedTransport, answer, hang, run_virtual, stream

EVERYTHING = {
    "fallback": {"targets": ["c"], "status": 203},
    "hedge": {"after": "30ms", "max": 2},
    "retry": {"attempts": 3, "base": 0.01, "pause_max": 0.5, "floor": 50},
    "balance": "least_loaded",
    "breaker": {"min_calls": 5, "window": 5.0, "open": 0.3, "open_max": 0.5, "probes": 2},
    "rate": {"limit": "400/s", "burst": 50, "wait": 0.3},
    "concurrency": {"mode": "adaptive", "queue": 30, "wait": 0.3, "max": 12},
}
TARGETS = tuple(map(target, "abc"))
STEPS = (
    200, 200, 200, 503, ConnectError(), answer(200, after=0.05), answer(200, after=0.1), hang(),
    answer(429, b"", [(b"retry-after-ms", b"100")]), stream(b"a", b"b", gap=0.05), stream(b"a", b"b", cut=1),
    stream(b"x", status=503, hanging=True),
)  # fmt: skip


class Storm:
    """A bench with everything, and calls that may be cut off."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.places = Places(**{label: ScriptedTransport(self.steps(), obey=False) for label in "abc"})
        times = Timeouts(total=1, attempt=0.3, stream=1.5)
        self.bench = Bench(self.places, EVERYTHING, uniform=chance.uniform, timeouts=times, targets=TARGETS)

    def steps(self):
        """Yield what attempts meet."""
        while True:
            yield self.chance.choice(STEPS)

    async def call(self) -> None:
        """Make one call and read its answer."""
        fields = {}
        if self.chance.random() < 0.2:
            fields = {"method": b"PUT", "length": None, "body": ScriptedSource([b"abc"] * 3)}
        try:
            reply = await self.bench.send(**fields)
        except CallError:
            return
        try:
            while type(reply.body) is not bytes and await reply.body.read():
                pass
        except CallError:
            pass
        finally:
            reply.close()

    def check(self) -> None:
        """Check that nothing is left anywhere."""
        bench = self.bench
        assert self.places.left == (0, 0)
        gate = bench.kept("concurrency", "").gate
        assert (gate.taken, len(gate.waiting), bench.buffers.used) == (0, 0, 0)
        assert len(bench.kept("rate", "").waiting) == 0
        for one in TARGETS:
            assert bench.kept("breaker", one.label).core._out == {}
            pause = bench.kept("retry", f"pause {one.label}")
            assert (pause.scouting, pause.waiters) == (False, set())
        assert [bench.kept("balance", label).pending for label in "ab"] == [0, 0]
        assert len(bench.events.of(AttemptEnded)) == len(self.places.seen)
        assert len(bench.wheel) == 0
        assert len(asyncio.all_tasks()) == 1


@given(st.integers(0, 2**32))
@settings(max_examples=15)
def test_a_storm_through_all_policies_leaves_nothing_behind(seed: int):
    """Calls come at random, some leave at random; every reply, slot, turn, permit, timer and task is back."""

    async def check() -> None:
        storm = Storm(random.Random(seed))
        tasks = []
        for _ in range(60):
            tasks.append(storm.bench.loop.create_task(storm.call()))
            if storm.chance.random() < 0.3:
                storm.bench.loop.call_later(storm.chance.uniform(0, 0.3), tasks[-1].cancel)
            await asyncio.sleep(storm.chance.uniform(0, 0.02))
        done, pending = await asyncio.wait(tasks, timeout=30)
        assert not pending
        assert [task.exception() for task in done if not task.cancelled() and task.exception()] == []
        storm.check()

    run_virtual(check())


@pytest.mark.parametrize("count", [2_000, pytest.param(10_000, marks=pytest.mark.verify)])
def test_cancellations_at_random_points_leave_nothing_behind(count: int):
    """In turns of the loop and in time: before the first attempt, in each queue and wait, beside hedges, in bodies."""
    run_virtual(_cancellations(count))


async def _cancellations(count: int) -> None:
    storm = Storm(random.Random(count))
    chance, cancelled = storm.chance, 0
    while cancelled < count:
        tasks = [storm.bench.loop.create_task(storm.call()) for _ in range(100)]
        await asyncio.sleep(0)
        for task in tasks:
            if chance.random() < 0.2:
                await asyncio.sleep(chance.choice((0, 0, 0, 0.001, 0.03)))
            cancelled += task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(one is None or isinstance(one, asyncio.CancelledError) for one in done)
    storm.check()
