"""Adaptive concurrency beside every other policy: one property each, named after the pair."""

import asyncio

import pytest

from pipelines import Bench, retrying
from seawall.contracts.errors import BreakerOpen, DeadlineExceeded, Saturated
from seawall.contracts.target import Timeouts
from seawall.testing import ScriptedTransport, answer, hang, virtual

ADAPTIVE = {"mode": "adaptive", "wait": 30.0}


def gradient_of(bench: Bench):
    """Return what finds the limit."""
    return bench.kept("concurrency", "").gradient


@virtual
async def test_adaptive_and_deadline_a_deadline_of_ours_cuts_the_limit():
    """Also where attempts have no limit of their own; a caller's hint and a caller that left cut nothing."""
    script = ScriptedTransport(then=hang(), obey=False)
    bench = Bench(script, {"concurrency": ADAPTIVE}, timeouts=Timeouts(total=2))
    gradient = gradient_of(bench)
    before = gradient._exact
    with pytest.raises(DeadlineExceeded):
        await bench.send(bench.call(deadline=bench.loop.time() + 0.5))
    left = bench.start()
    await asyncio.sleep(0.5)
    left.cancel()
    await asyncio.wait([left])
    assert gradient._exact == before
    with pytest.raises(DeadlineExceeded):
        await bench.send()
    assert gradient._exact == before * 0.9


@virtual
async def test_adaptive_and_retry_failures_that_are_tried_again_are_no_samples():
    """Three attempts, one good answer: one sample, its own time alone."""
    script = ScriptedTransport([503, 503], then=answer(200, after=0.2))
    bench = Bench(script, {"concurrency": ADAPTIVE, "retry": retrying()})
    assert await bench.status() == 200
    assert gradient_of(bench)._samples == [pytest.approx(0.2)]


@virtual
async def test_adaptive_and_breaker_refusals_are_no_samples():
    """An open breaker answers in no time, and the limit does not take that for speed."""
    script = ScriptedTransport([503] * 3, then=200)
    bench = Bench(script, {"concurrency": ADAPTIVE, "breaker": {"min_calls": 3, "window": 60.0, "open": 5.0}})
    for _ in range(3):
        await bench.status()
    for _ in range(100):
        with pytest.raises(BreakerOpen):
            await bench.send()
    assert gradient_of(bench)._samples == []


@virtual
async def test_adaptive_and_rate_waiting_for_a_turn_is_no_latency():
    """Calls a second apart that take 10 ms each are fast calls."""
    script = ScriptedTransport(then=answer(200, after=0.01))
    bench = Bench(script, {"concurrency": ADAPTIVE, "rate": {"limit": "1/s", "burst": 1, "wait": 30.0}})
    await asyncio.wait([bench.start() for _ in range(5)])
    assert gradient_of(bench)._samples == [pytest.approx(0.01)] * 5


@virtual
async def test_adaptive_and_concurrency_a_routes_own_queue_is_no_latency():
    """The route's fixed limit stands outside; its refusals and its waits teach the upstream's limit nothing."""
    script = ScriptedTransport(then=answer(200, after=1))
    bench = Bench(
        script, {"concurrency": ADAPTIVE}, own={"concurrency": {"limit": 1, "queue": 2, "wait": 30.0}}, route="narrow"
    )
    tasks = [bench.loop.create_task(bench.status()) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Saturated):
        await bench.send()
    await asyncio.wait(tasks)
    assert gradient_of(bench)._samples == [pytest.approx(1)] * 3
    assert script.peak == 1
