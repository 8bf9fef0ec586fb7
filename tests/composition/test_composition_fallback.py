"""Fallback beside every other policy: one property each, named after the pair."""

import asyncio

import pytest

from pipelines import Bench, Places, retrying, target
from seawall.contracts.target import Timeouts
from seawall.testing import ScriptedTransport, answer, hang, virtual

FIXED = {"status": 203, "json": {"on": False}}
TWO = (target("a"), target("b"))


@virtual
async def test_fallback_and_deadline_the_fixed_answer_comes_before_it():
    """An upstream that hangs: 50 ms before the deadline the answer is given, and the attempt has ended."""
    script = ScriptedTransport(then=hang(), obey=False)
    bench = Bench(script, {"fallback": FIXED}, timeouts=Timeouts(total=2))
    assert await bench.status() == 203
    assert bench.loop.time() == pytest.approx(1001.95, abs=0.02)
    assert script.results == ["CancelledError"]


@virtual
async def test_fallback_and_breaker_an_open_breaker_is_answered_at_once():
    """The fixed answer says nothing about the upstream: the breaker opens, stays open and lets its probe through."""
    script = ScriptedTransport([503] * 3, then=200)
    bench = Bench(script, {"fallback": FIXED, "breaker": {"min_calls": 3, "window": 60.0, "open": 5.0, "probes": 1}})
    assert [await bench.status() for _ in range(5)] == [203] * 5
    assert (len(script.seen), bench.loop.time()) == (3, 1000)
    await asyncio.sleep(6)
    assert await bench.status() == 200


@virtual
async def test_fallback_and_retry_a_backup_brings_no_fresh_attempts():
    """Of four attempts three are the first target's and one the backup's."""
    places = Places(a=ScriptedTransport(then=503), b=ScriptedTransport(then=503))
    bench = Bench(places, {"fallback": {"targets": ["b"]}, "retry": retrying(attempts=9)}, targets=TWO)
    assert await bench.status(budget=4) == 503
    assert places.seen == ["a", "a", "a", "b"]


@virtual
async def test_fallback_and_rate_a_call_without_a_turn_is_answered():
    """Our own refusal is a failure like any other here, and no attempt was made."""
    script = ScriptedTransport(then=200)
    bench = Bench(script, {"fallback": FIXED, "rate": {"limit": "1/h", "burst": 1, "wait": 0.0}})
    assert [await bench.status(), await bench.status()] == [200, 203]
    assert len(script.seen) == 1


@virtual
async def test_fallback_and_concurrency_a_fixed_answer_holds_no_slot():
    """A full queue is answered, and the answer, still open, keeps nobody from the upstream."""
    script = ScriptedTransport([answer(200, after=1), 503], then=200)
    bench = Bench(script, {"fallback": FIXED, "concurrency": {"limit": 1, "queue": 0}})
    running = bench.start()
    await asyncio.sleep(0)
    full = await bench.send()
    await running
    failed = await bench.send()
    assert (full.status, failed.status) == (203, 203)
    assert await bench.status() == 200
    assert bench.kept("concurrency", "").gate.taken == 0


@virtual
async def test_fallback_and_adaptive_timeouts_behind_a_fixed_answer_cut_the_limit():
    """Callers are answered well all the time; the limit falls all the same."""
    script = ScriptedTransport(then=hang())
    settings = {"fallback": FIXED, "concurrency": {"mode": "adaptive", "wait": 9.0}}
    bench = Bench(script, settings, timeouts=Timeouts(total=9, attempt=0.5))
    gradient = bench.kept("concurrency", "").gradient
    before = gradient._exact
    assert await bench.status() == 203
    assert gradient._exact == before * 0.9


@virtual
async def test_fallback_and_adaptive_a_deadline_brought_forward_cuts_too():
    """Where no attempt has a limit of its own, the end that the fixed answer needs is ours as well."""
    bench = Bench(
        ScriptedTransport(then=hang(), obey=False),
        {"fallback": FIXED, "concurrency": "adaptive"},
        timeouts=Timeouts(total=2),
    )
    gradient = bench.kept("concurrency", "").gradient
    before = gradient._exact
    assert await bench.status() == 203
    assert gradient._exact == before * 0.9
