"""What resilience4j tests of its rate limiter: AtomicRateLimiterTest, cases only, against our bucket and its queue.

Theirs counts in cycles: a cycle's permissions come all at its beginning, so twice the limit passes around a boundary.
Ours has no cycles; a burst of one at one per cycle meets the same moments (semantics 5.1).
"""

import asyncio

import pytest

from pipelines import Bench
from seawall.contracts.errors import Saturated
from seawall.contracts.units import Rate
from seawall.policies.ratelimit.core import Bucket
from seawall.testing import ScriptedTransport, virtual

CYCLE = 0.25
ONE = Rate(1, CYCLE)


def test_permissions_in_first_cycle():
    """permissionsInFirstCycle: whole from the beginning."""
    assert Bucket(ONE, 1).remaining(CYCLE - 1e-8) == 1


def test_acquire_and_refresh():
    """acquireAndRefreshWithEventPublishing: one a cycle, the next refused with the rest of the cycle as its wait."""
    bucket = Bucket(ONE, 1)
    for cycle in (1, 2):
        now = cycle * CYCLE
        assert bucket.check(1, now).allowed
        refused = bucket.check(1, now)
        assert (refused.allowed, refused.remaining) == (False, 0)
        assert refused.retry_after == pytest.approx(CYCLE)


def test_reserve_few_then_skip_cycles_before_refresh():
    """One now, one within a cycle, no third; idle time adds up to one.

    Origin: reserveFewThenSkipCyclesBeforeRefreshNonBlocking.
    """
    bucket, now = Bucket(ONE, 1), CYCLE
    first = bucket.reserve(1, now, CYCLE)
    second = bucket.reserve(1, now, CYCLE)
    assert first is not None
    assert second is not None
    assert (first.wait, second.wait) == (0.0, pytest.approx(CYCLE))
    assert bucket.reserve(1, now, CYCLE) is None
    assert bucket.wait_for(1, now) == pytest.approx(2 * CYCLE)
    assert bucket.remaining(6 * CYCLE) == 1
    assert bucket.wait_for(1, 6 * CYCLE) == 0.0


def test_a_refused_reservation_takes_nothing():
    """RejectedReservationDoesNotChangeState (reserveFewThenSkip…): the next to ask waits no longer for it."""
    bucket = Bucket(ONE, 1)
    bucket.take(0.0)
    for _ in range(5):
        assert bucket.reserve(1, 0.0, CYCLE / 2) is None
    assert bucket.wait_for(1, 0.0) == pytest.approx(CYCLE)


def test_reserve_many_cycles_if_weight_greater_than_limit_per_period():
    """reserveManyCyclesIfWegithgreaterThenLimitPerPeriod: a cost of more than a cycle gives waits for as many cycles.

    Ours bounds it: above limit + burst a cost never passes, instead of reserving the far future.
    """
    bucket = Bucket(ONE, 1)
    bucket.take(CYCLE)
    reserved = bucket.reserve(2, CYCLE, 5 * CYCLE)
    assert reserved is not None
    assert reserved.wait == pytest.approx(2 * CYCLE)
    assert Bucket(ONE, 1).reserve(3, CYCLE, 1e9) is None


def test_twice_the_limit_never_passes_around_a_boundary():
    """At the edge of two cycles a counter of cycles lets twice the limit through, ours not.

    Origin: notSpyRawTest, which goes from cycle to cycle.
    """
    bucket = Bucket(Rate(10, 1.0), 1)
    taken = sum(bucket.take(moment) for moment in (0.9, 0.95, 0.99, 0.999, 1.0, 1.001, 1.05, 1.1))
    assert taken == 3


def test_change_limit_for_period():
    """ChangeLimitForPeriod (notSpyRawTest): the new limit counts from now; what is used stays used."""
    bucket = Bucket(ONE, 1)
    assert bucket.take(0.0)
    bucket.change(Rate(2, CYCLE), 1, 0.0)
    assert not bucket.take(0.0)
    assert bucket.take(CYCLE / 2)


@virtual
async def test_reserve_and_refresh():
    """reserveAndRefresh: a caller that waits goes with the next cycle."""
    script = ScriptedTransport(then=200)
    bench = Bench(script, {"rate": {"limit": "4/s", "burst": 1, "wait": CYCLE}})
    await bench.status()
    waiting = bench.start()
    await asyncio.sleep(0.1)
    assert len(bench.kept("rate", "").waiting) == 1
    assert (await waiting).status == 200
    assert script.times[1] - script.times[0] == pytest.approx(CYCLE, abs=0.002)


@virtual
async def test_two_wait_and_only_one_turn_comes_in_time():
    """reserveFewThenSkipCyclesBeforeRefresh: of two who wait a cycle at most one is served, the other refused.

    There the second waits for nothing until its timeout; ours is refused at once, since its turn cannot come in time.
    """
    bench = Bench(ScriptedTransport(then=200), {"rate": {"limit": "4/s", "burst": 1, "wait": CYCLE}})
    await bench.status()
    first = bench.start()
    await asyncio.sleep(0)
    with pytest.raises(Saturated):
        await bench.send()
    assert bench.loop.time() == 1000
    assert (await first).status == 200


@virtual
async def test_interrupted_while_waiting():
    """waitingThreadIsInterrupted: who leaves the queue takes no permission along."""
    script = ScriptedTransport(then=200)
    bench = Bench(script, {"rate": {"limit": "4/s", "burst": 1, "wait": 1.0}})
    await bench.status()
    leaving, staying = bench.start(), bench.start()
    await asyncio.sleep(0.1)
    leaving.cancel()
    await asyncio.wait([leaving])
    assert (await staying).status == 200
    assert script.times[1] - script.times[0] == pytest.approx(CYCLE, abs=0.002)
