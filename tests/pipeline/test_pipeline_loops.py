"""The whole pipeline on real event loops, where cancellation and timers are theirs and not the virtual loop's."""

import asyncio

import pytest

from pipelines import Bench
from seawall.contracts.errors import DeadlineExceeded, UpstreamTimeout
from seawall.contracts.target import Timeouts
from seawall.testing import ScriptedTransport, hang

EVERYTHING = {"retry": {}, "breaker": {}, "rate": "1000/s", "concurrency": {}}


async def test_a_call_with_every_policy_on():
    """It is answered, and nothing stays in the wheel."""
    bench = Bench(ScriptedTransport([503, 200]), {**EVERYTHING, "retry": {"base": 0.001}}, timeouts=Timeouts(attempt=5))
    assert await bench.status() == 200
    assert len(bench.wheel) == 0


@pytest.mark.parametrize(
    ("total", "attempt", "expected"), [(9.0, 0.01, UpstreamTimeout), (0.01, 9.0, DeadlineExceeded)]
)
async def test_limits_fire(total: float, attempt: float, expected: type[Exception]):
    """The attempt's own limit and the call's deadline, whichever is earlier."""
    bench = Bench(
        ScriptedTransport(then=hang(), obey=False),
        {**EVERYTHING, "retry": {"attempts": 1}},
        timeouts=Timeouts(total=total, attempt=attempt),
    )
    with pytest.raises(expected):
        await bench.send()
    assert asyncio.current_task().cancelling() == 0


async def test_a_caller_that_leaves_in_the_turn_of_both_limits():
    """Everything is due in one turn of the loop, and the call is cancelled, not timed out."""
    bench = Bench(ScriptedTransport(then=hang(), obey=False), EVERYTHING, timeouts=Timeouts(total=30, attempt=29.999))
    task = bench.start()
    await asyncio.sleep(0)
    for bucket in list(bench.wheel.buckets.values()):
        for entry in list(bucket):
            entry.fire()
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
