"""Balance beside every other policy: one property each, named after the pair."""

import asyncio

import pytest

from pipelines import Bench, Places, retrying, target
from seawall.contracts.errors import BreakerOpen, DeadlineExceeded, Saturated
from seawall.contracts.target import Timeouts
from seawall.testing import ScriptedTransport, answer, hang, virtual

TWO = (target("a"), target("b"))
TRIPS = {"min_calls": 2, "window": 60.0, "open": 5.0}


def places(a: object = 200, b: object = 200) -> Places:
    """Return a transport with one answer for each target."""
    return Places(a=ScriptedTransport(then=a, obey=False), b=ScriptedTransport(then=b, obey=False))


@virtual
async def test_balance_and_deadline_a_target_that_hangs_looks_slow():
    """The deadline's end counts as the time it took; a caller's shorter hint and its leaving do not."""
    end = places(a=hang(), b=answer(200, after=0.1))
    bench = Bench(end, {"balance": "failover"}, targets=TWO, timeouts=Timeouts(total=2))
    load = bench.kept("balance", "a")
    with pytest.raises(DeadlineExceeded):
        await bench.send(bench.call(deadline=bench.loop.time() + 0.5))
    left = bench.start()
    await asyncio.sleep(0.5)
    left.cancel()
    await asyncio.wait([left])
    assert (load.cost, load.pending) == (0.0, 0)
    with pytest.raises(DeadlineExceeded):
        await bench.send()
    assert (load.cost, load.pending) == (pytest.approx(2, abs=0.02), 0)


@virtual
async def test_balance_and_fallback_targets_share_the_attempts_of_the_call():
    """Three attempts: one for each target that is chosen from, one for the backup; no target is asked twice."""
    end = Places(**{label: ScriptedTransport(then=503) for label in "abc"})
    settings = {"balance": "failover", "retry": retrying(), "fallback": {"targets": ["c"]}}
    bench = Bench(end, settings, targets=(*TWO, target("c")))
    assert await bench.status(budget=3) == 503
    assert end.seen == ["a", "b", "c"]


@virtual
async def test_balance_and_breaker_a_shut_target_costs_no_attempt():
    """It is passed over in the same attempt; where all are shut the soonest Retry-After is told."""
    end = places(a=503)
    bench = Bench(end, {"balance": "failover", "breaker": TRIPS}, targets=TWO)
    for _ in range(2):
        await bench.status()
    call = bench.call()
    assert await bench.status(call) == 200
    assert (end.seen, call.run.attempts) == (["a", "a", "b"], 1)
    await asyncio.sleep(2)
    bench.kept("breaker", "b").force("open")
    with pytest.raises(BreakerOpen) as caught:
        await bench.send()
    assert caught.value.retry_after == pytest.approx(3, abs=0.3)


@virtual
async def test_balance_and_retry_the_next_attempt_goes_elsewhere():
    """A pause that one target asked for does not stop the call either."""
    end = places(a=answer(429, b"", [(b"retry-after", b"30")]))
    bench = Bench(end, {"balance": "failover", "retry": retrying()}, targets=TWO)
    assert await bench.status() == 429  # its own Retry-After is longer than the wait, but another target is there
    assert await bench.status() == 200
    assert bench.loop.time() < 1001
    end = places(a=503)
    bench = Bench(end, {"balance": "failover", "retry": retrying()}, targets=TWO)
    assert await bench.status() == 200
    assert end.seen == ["a", "b"]


@virtual
async def test_balance_and_rate_the_rate_is_the_upstreams():
    """Two targets do not double it, and a call without a turn is not sent to another target."""
    end = places()
    bench = Bench(end, {"balance": "weighted", "rate": {"limit": "2/h", "burst": 2, "wait": 0.0}}, targets=TWO)
    assert [await bench.status(), await bench.status()] == [200, 200]
    with pytest.raises(Saturated):
        await bench.send()
    assert len(end.seen) == 2


@virtual
async def test_balance_and_concurrency_the_slots_are_the_upstreams():
    """A full queue is nobody's target's fault: refused once, no load is left counted."""
    end = places(a=answer(200, after=1), b=answer(200, after=1))
    settings = {"balance": "least_loaded", "concurrency": {"limit": 2, "queue": 0}}
    bench = Bench(end, settings, targets=TWO)
    running = [bench.start() for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Saturated):
        await bench.send()
    assert sorted(end.seen) == ["a", "b"]
    await asyncio.wait(running)
    assert [bench.kept("balance", label).pending for label in "ab"] == [0, 0]


@virtual
async def test_balance_and_adaptive_one_limit_for_all_targets():
    """What both answered is learnt from together, and both together stay within the limit."""
    end = places(a=answer(200, after=0.1), b=answer(200, after=0.1))
    settings = {"balance": "least_loaded", "concurrency": {"mode": "adaptive", "wait": 9.0}}
    bench = Bench(end, settings, targets=TWO)
    await asyncio.gather(*(bench.status() for _ in range(20)))
    assert len(bench.kept("concurrency", "").gradient._samples) == 20
    assert sum(script.peak for script in end.scripts.values()) <= 4
