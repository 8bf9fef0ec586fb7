"""Hedge beside every other policy: one property each, named after the pair."""

import asyncio

import pytest

from pipelines import Bench, Places, retrying, target
from seawall.contracts.errors import DeadlineExceeded
from seawall.contracts.target import Timeouts
from seawall.testing import ScriptedTransport, answer, hang, virtual

HEDGE = {"after": "50ms"}
TWO = (target("a"), target("b"))


@virtual
async def test_hedge_and_deadline_both_attempts_end_with_it():
    """The deadline ends the race: no attempt, timer or task is left."""
    script = ScriptedTransport(then=hang(), obey=False)
    bench = Bench(script, {"hedge": HEDGE}, timeouts=Timeouts(total=1))
    with pytest.raises(DeadlineExceeded):
        await bench.send()
    assert script.results == ["CancelledError", "CancelledError"]
    assert (script.waiting, len(bench.wheel), len(asyncio.all_tasks())) == (0, 0, 1)


@virtual
async def test_hedge_and_deadline_a_late_hedge_is_not_begun():
    """Where less is left than the hedge waits, there is none."""
    script = ScriptedTransport(then=answer(200, after=0.03))
    bench = Bench(script, {"hedge": HEDGE}, timeouts=Timeouts(total=0.04))
    assert await bench.status() == 200
    assert len(script.seen) == 1


@pytest.mark.parametrize(("budget", "seen"), [(2, ["a", "b"]), (3, ["a", "a", "b"])])
def test_hedge_and_fallback_the_backups_attempt_is_not_used_for_a_hedge(budget, seen):
    """One attempt is held back for the backup; where there is another, it is the hedge's."""

    @virtual
    async def check():
        places = Places(a=ScriptedTransport(then=hang(), obey=False), b=ScriptedTransport(then=200))
        settings = {"hedge": HEDGE, "fallback": {"targets": ["b"]}}
        bench = Bench(places, settings, targets=TWO, timeouts=Timeouts(total=2))
        assert await bench.status(budget=budget) == 200
        assert places.seen == seen
        assert places.left == (0, 0)

    check()


@virtual
async def test_hedge_and_fallback_a_hedge_that_wins_needs_no_fallback():
    """The fixed answer is for where every attempt failed."""
    script = ScriptedTransport([answer(503, after=0.1)], then=answer(200, after=0.2))
    bench = Bench(script, {"hedge": HEDGE, "fallback": {"status": 203}})
    assert await bench.status() == 200


@virtual
async def test_hedge_and_breaker_a_refused_hedge_does_not_end_the_call():
    """The breaker opens while the first attempt is under way: its answer is still the call's."""
    script = ScriptedTransport([answer(200, after=0.2), *[503] * 3], then=200)
    settings = {"hedge": HEDGE, "breaker": {"min_calls": 3, "window": 60.0, "open": 5.0}}
    bench = Bench(script, settings)
    slow = bench.start()
    await asyncio.sleep(0)
    for _ in range(3):
        await bench.status()
    assert bench.kept("breaker").status().state == "open"
    reply = await slow
    assert reply.status == 200
    assert len(script.seen) == 4


@virtual
async def test_hedge_and_retry_share_the_attempts_and_the_budget():
    """Two racing attempts that fail are tried again within the three a call has, and take one token each."""
    script = ScriptedTransport(then=answer(503, after=0.1))
    bench = Bench(script, {"hedge": HEDGE, "retry": retrying(floor=5, budget=0.0)})
    assert await bench.status(budget=3) == 503
    assert len(script.seen) == 3
    assert bench.kept("retry", "budget").left(bench.loop.time(), 5) == 3


@virtual
async def test_hedge_and_balance_the_hedge_goes_elsewhere():
    """In order, by weight or by load: never to the target that is being waited for."""
    for mode in ("failover", "weighted", "least_loaded"):
        places = Places(a=ScriptedTransport(then=answer(200, after=1)), b=ScriptedTransport(then=answer(200, after=1)))
        bench = Bench(places, {"hedge": HEDGE, "balance": {"mode": mode}}, targets=TWO)
        assert await bench.status() == 200
        assert set(places.seen) == {"a", "b"}, mode
        assert places.left == (0, 0)


@virtual
async def test_hedge_and_rate_a_hedge_takes_a_turn_of_its_own():
    """Two attempts are two units; a hedge that gets no turn leaves the call to its first attempt."""
    script = ScriptedTransport(then=answer(200, after=0.2))
    bench = Bench(script, {"hedge": HEDGE, "rate": {"limit": "1/h", "burst": 3, "wait": 0.0}})
    assert [await bench.status(), await bench.status()] == [200, 200]
    assert len(script.seen) == 3


@virtual
async def test_hedge_and_concurrency_a_hedge_needs_a_slot_of_its_own():
    """With one slot there is no second attempt, and the first one's answer is given; no slot is left taken."""
    script = ScriptedTransport(then=answer(200, after=0.2))
    bench = Bench(script, {"hedge": HEDGE, "concurrency": {"limit": 1, "queue": 0}})
    assert await bench.status() == 200
    assert (len(script.seen), bench.kept("concurrency", "").gate.taken) == (1, 0)
    bench = Bench(script, {"hedge": HEDGE, "concurrency": {"limit": 1, "queue": 9, "wait": 9.0}})
    assert await bench.status() == 200
    slots = bench.kept("concurrency", "").gate
    assert (len(script.seen), slots.taken, len(slots.waiting)) == (2, 0, 0)


@virtual
async def test_hedge_and_adaptive_a_losers_time_is_no_sample():
    """Of two attempts the winner's latency alone is learnt from, and a loser is no timeout."""
    script = ScriptedTransport([answer(200, after=9), answer(200, after=0.02)])
    bench = Bench(script, {"hedge": HEDGE, "concurrency": "adaptive"})
    gradient = bench.kept("concurrency", "").gradient
    before = gradient.limit
    assert await bench.status() == 200
    assert gradient._samples == [pytest.approx(0.02, abs=0.005)]
    assert gradient.limit == before
