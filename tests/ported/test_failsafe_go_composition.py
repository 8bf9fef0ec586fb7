"""What failsafe-go tests of composition: policy_composition_test.go, cases only. There the caller chooses the order of
policies; here it is fixed, so cases of another order are left out or show what the fixed one comes to.
"""

import asyncio

import pytest

from pipelines import Bench, retrying
from seawall.contracts.errors import BreakerOpen, ConnectError, Saturated, UpstreamTimeout
from seawall.contracts.target import Timeouts
from seawall.testing import ScriptedTransport, answer, fail, hang, virtual

FIXED = {"status": 203, "body": "test"}
THREE = {"min_calls": 3, "window": 60.0, "open": 600.0, "failure_rate": 0.99}


@virtual
async def test_retry_with_circuit_breaker_success_after_failures():
    """Two failures and a success are three calls to the breaker.

    Origin: TestRetryPolicy_Composition, with CircuitBreaker - success after failures.
    """
    script = ScriptedTransport([ConnectError(), ConnectError(), 200])
    bench = Bench(script, {"retry": retrying(), "breaker": THREE})
    assert await bench.status() == 200
    assert bench.kept("breaker").status()[:3] == ("closed", 3, 2)


@virtual
async def test_retry_with_circuit_breaker_open():
    """There two of three attempts meet the open breaker; here a refusal is not tried again.

    Origin: TestRetryPolicy_Composition, with CircuitBreaker - open.
    """
    script = ScriptedTransport([ConnectError()])
    bench = Bench(script, {"retry": retrying(), "breaker": {**THREE, "min_calls": 1}})
    with pytest.raises(BreakerOpen):
        await bench.send()
    assert len(script.seen) == 1


@virtual
async def test_retry_with_rate_limiter():
    """Three turns, three attempts; there four more are refused, here the first refusal is told.

    Origin: TestRetryPolicy_Composition, with RateLimiter.
    """
    script = ScriptedTransport(then=ConnectError())
    settings = {"retry": retrying(attempts=7), "rate": {"limit": "3/h", "burst": 3, "wait": 0.0}}
    with pytest.raises(Saturated):
        await Bench(script, settings).send(budget=7)
    assert len(script.seen) == 3


@virtual
async def test_retry_with_timeout():
    """Two timeouts and a success; both hanging attempts have been ended.

    Origin: TestRetryPolicy_Composition, with Timeout.
    """
    script = ScriptedTransport([hang(), hang(), 200], obey=False)
    bench = Bench(script, {"retry": retrying()}, timeouts=Timeouts(total=5, attempt=0.05))
    assert await bench.status() == 200
    assert script.results == ["CancelledError", "CancelledError", "200"]


@virtual
async def test_retry_with_bulkhead():
    """No slot, no attempt; there seven are tried, here none.

    Origin: TestRetryPolicy_Composition, with Bulkhead.
    """
    script = ScriptedTransport([hang(), hang()], then=200)
    bench = Bench(script, {"retry": retrying(attempts=7), "concurrency": {"limit": 2, "queue": 0}})
    held = [bench.start() for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Saturated):
        await bench.send(budget=7)
    assert len(script.seen) == 2
    for task in held:
        task.cancel()
    await asyncio.wait(held)


@virtual
async def test_retry_with_hedge_when_the_hedge_returns_an_error():
    """Attempts that fail before the hedge's time: three, and no hedge.

    Origin: TestRetryPolicy_Composition, with HedgePolicy, when hedge returns error.
    """
    script = ScriptedTransport(then=ConnectError())
    bench = Bench(script, {"retry": retrying(), "hedge": "1s"})
    with pytest.raises(ConnectError):
        await bench.send()
    assert len(script.seen) == 3


@virtual
async def test_circuit_breaker_with_timeout():
    """A timeout is a failure.

    Origin: TestCircuitBreaker_Composition, with Timeout.
    """
    script = ScriptedTransport(then=hang(), obey=False)
    bench = Bench(script, {"breaker": {**THREE, "min_calls": 1}}, timeouts=Timeouts(total=5, attempt=0.05))
    with pytest.raises(UpstreamTimeout):
        await bench.send()
    assert bench.kept("breaker").status().state == "open"


@virtual
async def test_fallback_with_retry():
    """Three attempts, then the fallback.

    Origin: TestFallback_Composition, with RetryPolicy.
    """
    script = ScriptedTransport(then=ConnectError())
    assert await Bench(script, {"fallback": FIXED, "retry": retrying()}).status() == 203
    assert len(script.seen) == 3


@virtual
async def test_fallback_with_hedge():
    """Two attempts fail, then the fallback.

    Origin: TestFallback_Composition, with HedgePolicy.
    """
    script = ScriptedTransport(then=fail(ConnectError(), after=0.05))
    assert await Bench(script, {"fallback": FIXED, "hedge": "10ms"}).status() == 203
    assert len(script.seen) == 2


@virtual
async def test_fallback_with_circuit_breaker_closed_and_open():
    """One attempt and the fallback; then no attempt and the fallback.

    Origin: TestFallback_Composition, with CircuitBreaker - closed, - open.
    """
    script = ScriptedTransport(then=503)
    bench = Bench(script, {"fallback": FIXED, "breaker": {**THREE, "min_calls": 1}})
    assert [await bench.status(), await bench.status()] == [203, 203]
    assert len(script.seen) == 1


@virtual
async def test_fallback_with_timeout():
    """What took too long is answered in its place.

    Origin: TestFallback_Composition, with Timeout.
    """
    script = ScriptedTransport(then=hang(), obey=False)
    bench = Bench(script, {"fallback": FIXED}, timeouts=Timeouts(total=5, attempt=0.01))
    assert await bench.status() == 203
    assert bench.loop.time() == pytest.approx(1000.01, abs=0.02)


@virtual
async def test_hedge_with_timeout():
    """Two hedges beside a hanging attempt; each of the three ends by its own timeout, the first one's is told.

    Origin: TestHedgePolicy_Composition, with Timeout.
    """
    script = ScriptedTransport(then=hang())
    bench = Bench(script, {"hedge": {"after": "10ms", "max": 2}}, timeouts=Timeouts(total=5, attempt=0.1))
    with pytest.raises(UpstreamTimeout):
        await bench.send()
    assert script.results == ["UpstreamTimeout"] * 3


@virtual
async def test_fallback_retry_circuit_breaker():
    """Three attempts, three failures, a breaker that asks for five stays closed, the fallback answers.

    Origin: TestMultiPolicy_Composition, with Fallback -> RetryPolicy -> CircuitBreaker.
    """
    script = ScriptedTransport(then=ConnectError())
    settings = {"fallback": FIXED, "retry": retrying(), "breaker": {**THREE, "min_calls": 5}}
    bench = Bench(script, settings)
    reply = await bench.send()
    assert (reply.status, reply.body) == (203, b"test")
    assert bench.kept("breaker").status()[:3] == ("closed", 3, 3)


@virtual
async def test_hedged_attempts_that_answer_slowly_are_no_failures():
    """A breaker behind a hedge counts what ended by itself; a loser that was cancelled is nothing to it.

    Origin: issue134_test.go and hedgepolicy_test.go, a cancelled hedge.
    """
    script = ScriptedTransport([answer(200, after=9), answer(200, after=0.1)])
    bench = Bench(script, {"hedge": "50ms", "breaker": THREE})
    assert await bench.status() == 200
    assert bench.kept("breaker").status()[:3] == ("closed", 1, 0)
