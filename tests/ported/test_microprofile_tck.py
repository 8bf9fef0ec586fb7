"""What the MicroProfile Fault Tolerance TCK tests: CircuitBreakerLateSuccess, CircuitBreakerInitialSuccess,
BulkheadPressure, RetryTimeout and AsyncCancellation, cases only.
"""

import asyncio

import pytest

from pipelines import Bench, retrying
from seawall.contracts.errors import BreakerOpen, Saturated, UpstreamError, UpstreamTimeout
from seawall.contracts.target import Timeouts
from seawall.testing import ScriptedTransport, answer, fail, hang, virtual

ROLLING = {"min_calls": 4, "failure_rate": 0.75, "probes": 1, "window": 60.0, "open": 1.0}


async def _eleven(services: list[int]) -> list[object]:
    script = ScriptedTransport(services)
    bench = Bench(script, {"breaker": ROLLING})
    outcomes: list[object] = []
    for number in range(1, 12):
        try:
            outcomes.append(await bench.status())
        except BreakerOpen:
            outcomes.append("open")
            if number == 5:
                await asyncio.sleep(2)
    assert len(script.seen) == 9
    return outcomes


@virtual
async def test_circuit_late_success():
    """The success comes last in the window, and it opens all the same; after closing the window is empty.

    Origin: CircuitBreakerLateSuccessTest.testCircuitLateSuccessDefaultSuccessThreshold.
    """
    outcomes = await _eleven([500, 500, 500, 200, 200, 500, 500, 500, 200])
    assert outcomes == [500, 500, 500, 200, "open", 200, 500, 500, 500, 200, "open"]


@virtual
async def test_circuit_initial_success():
    """The success comes first in the window.

    Origin: CircuitBreakerInitialSuccessTest.testCircuitInitialSuccessDefaultSuccessThreshold.
    """
    outcomes = await _eleven([200, 500, 500, 500, 200, 200, 500, 500, 500])
    assert outcomes == [200, 500, 500, 500, "open", 200, 200, 500, 500, 500, "open"]


@pytest.mark.parametrize(("queue", "least"), [(0, 5), (5, 10)])
def test_bulkhead_pressure(queue: int, least: int):
    """A hundred calls, two begin in the time of one: five at a time at most, the rest refused and nothing else.

    Origin: BulkheadPressureTest.testBulkheadPressureSync, …Async. Calls of 150 ms, so that the limit is met.
    """

    @virtual
    async def check():
        script = ScriptedTransport(then=answer(200, after=0.15))
        bench = Bench(script, {"concurrency": {"limit": 5, "queue": queue, "wait": 0.05}})
        tasks = []
        for _ in range(100):
            tasks.append(bench.loop.create_task(bench.status()))
            await asyncio.sleep(0.025)
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert outcomes.count(200) >= least
        assert all(one == 200 or isinstance(one, Saturated) for one in outcomes)
        assert any(isinstance(one, Saturated) for one in outcomes)
        assert script.peak <= 5

    check()


LIMITED = Timeouts(total=30, attempt=0.5)


@virtual
async def test_retry_timeout():
    """A timeout is tried again, and the last one told.

    Origin: RetryTimeoutTest.testRetryTimeout.
    """
    script = ScriptedTransport(then=answer(200, after=1), obey=False)
    with pytest.raises(UpstreamTimeout):
        await Bench(script, {"retry": retrying(attempts=2)}, timeouts=LIMITED).send()
    assert len(script.seen) == 2


@virtual
async def test_retry_no_timeout():
    """What fails before its timeout is no timeout.

    Origin: RetryTimeoutTest.testRetryNoTimeout.
    """
    script = ScriptedTransport(then=answer(503, after=0.01))
    assert await Bench(script, {"retry": retrying(attempts=2)}, timeouts=LIMITED).status() == 503
    assert len(script.seen) == 2


@virtual
async def test_retry_without_retry_on():
    """A timeout that `on` does not name is told at once.

    Origin: RetryTimeoutTest.testRetryWithoutRetryOn, testRetryWithAbortOn.
    """
    script = ScriptedTransport(then=hang())
    with pytest.raises(UpstreamTimeout):
        await Bench(script, {"retry": retrying(attempts=2, on=["reset", "503"])}, timeouts=LIMITED).send()
    assert len(script.seen) == 1


@virtual
async def test_cancel():
    """The attempt is ended, the call is cancelled and stays so.

    Origin: AsyncCancellationTest.testCancel.
    """
    script = ScriptedTransport(then=hang(), obey=False)
    task = Bench(script).start()
    await asyncio.sleep(1)
    task.cancel()
    for _ in range(2):
        with pytest.raises(asyncio.CancelledError):
            await task
    assert (task.cancelled(), script.waiting) == (True, 0)


@virtual
async def test_cancelled_frees_its_place_at_once():
    """There a task that ignores its interruption keeps its place; here a cancelled attempt has ended.

    Origin: AsyncCancellationTest.testCancelledButRemainsInBulkhead.
    """
    script = ScriptedTransport([hang()], then=200)
    bench = Bench(script, {"concurrency": {"limit": 1, "queue": 1, "wait": 9.0}})
    first, second = bench.start(), bench.start()
    await asyncio.sleep(1)
    assert len(script.seen) == 1
    first.cancel()
    assert (await second).status == 200
    assert bench.loop.time() == 1001


@virtual
async def test_cancelled_while_queued():
    """It never starts, also when a place becomes free.

    Origin: AsyncCancellationTest.testCancelledWhileQueued.
    """
    script = ScriptedTransport(then=answer(200, after=2))
    bench = Bench(script, {"concurrency": {"limit": 1, "queue": 1, "wait": 9.0}})
    first, second = bench.start(), bench.start()
    await asyncio.sleep(1)
    second.cancel()
    await asyncio.wait([first, second])
    await asyncio.sleep(5)
    assert len(script.seen) == 1


@virtual
async def test_cancelled_does_not_retry():
    """Nor does a cancellation that an attempt turns into a failure.

    Origin: AsyncCancellationTest.testCancelledDoesNotRetry.
    """
    script = ScriptedTransport(then=hang(), obey=False)
    task = Bench(script, {"retry": retrying(attempts=5)}).start()
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.wait([task])
    await asyncio.sleep(5)
    assert len(script.seen) == 1


@virtual
async def test_a_failure_after_the_deadline_of_the_attempt_is_the_timeouts():
    """What a hanging attempt raises when it is ended is not what the caller sees.

    Origin: TimeoutUninterruptableTest, a service that answers its interruption with an error of its own.
    """
    script = ScriptedTransport([hang(), fail(UpstreamError("late"))], obey=False)
    with pytest.raises(UpstreamTimeout):
        await Bench(script, timeouts=LIMITED).send()
