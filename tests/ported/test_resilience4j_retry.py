"""What resilience4j tests of its retry: SupplierRetryTest, cases only, against our pipeline."""

import pytest

from pipelines import Bench, high, retrying
from seawall.contracts.errors import ConnectError, UpstreamBroken
from seawall.testing import ScriptedTransport, answer, fail, virtual

WAIT = {"base": 0.5, "max": 0.5}


@virtual
async def test_should_not_retry():
    """shouldNotRetry, shouldNotRetryWithResult: a good answer is given at once, without a wait."""
    script = ScriptedTransport([200])
    bench = Bench(script, {"retry": retrying(**WAIT)}, uniform=high)
    assert await bench.status() == 200
    assert (len(script.seen), bench.loop.time()) == (1, 1000)


@virtual
async def test_should_retry_with_result():
    """shouldRetryWithResult: a result that is to be tried again is, and the last one is given when all are used."""
    script = ScriptedTransport(then=answer(503, b"Hello world"))
    bench = Bench(script, {"retry": retrying(attempts=2)})
    reply = await bench.send()
    assert (reply.status, reply.body, len(script.seen)) == (503, b"Hello world", 2)


@virtual
async def test_decorate_supplier_and_invoke_twice():
    """testDecorateSupplier, testDecorateSupplierAndInvokeTwice: no memory of retries between two calls."""
    script = ScriptedTransport([ConnectError(), 200, ConnectError(), 200])
    bench = Bench(script, {"retry": retrying(**WAIT)}, uniform=high)
    assert [await bench.status(), await bench.status()] == [200, 200]
    assert bench.loop.time() == pytest.approx(1001)


@virtual
async def test_should_return_after_three_attempts():
    """shouldReturnAfterThreeAttempts: two waits, then the error as it was."""
    errors = [ConnectError(str(number)) for number in range(3)]
    script = ScriptedTransport(list(errors))
    bench = Bench(script, {"retry": retrying(**WAIT)}, uniform=high)
    with pytest.raises(ConnectError) as caught:
        await bench.send()
    assert caught.value is errors[2]
    assert bench.loop.time() == pytest.approx(1001)


@virtual
async def test_should_return_after_one_attempt():
    """shouldReturnAfterOneAttempt: with one attempt there is no wait."""
    script = ScriptedTransport([ConnectError()])
    bench = Bench(script, {"retry": retrying(attempts=1, **WAIT)}, uniform=high)
    with pytest.raises(ConnectError):
        await bench.send()
    assert bench.loop.time() == 1000


@virtual
async def test_should_ignore_exception():
    """What `on` leaves out is passed on.

    Origin: shouldIgnoreExceptionOfDecoratedTry, shouldReturnAfterOneAttemptAndIgnoreException.
    """
    script = ScriptedTransport([fail(UpstreamBroken(), sent=True)])
    bench = Bench(script, {"retry": retrying(on=["connect", "503"])})
    with pytest.raises(UpstreamBroken):
        await bench.send()
    assert len(script.seen) == 1


@virtual
async def test_should_take_into_account_backoff_function():
    """shouldTakeIntoAccountBackoffFunction: waits double. Ours have full jitter: those are their upper bounds."""
    script = ScriptedTransport(then=503)
    bench = Bench(script, {"retry": retrying(attempts=4, base=0.2, max=10.0)}, uniform=high)
    await bench.status(budget=4)
    waits = [later - sooner for sooner, later in zip(script.times, script.times[1:], strict=False)]
    assert waits == pytest.approx([0.2, 0.4, 0.8])


@virtual
async def test_should_take_into_account_retry_on_interval_of_the_result():
    """An answer says how long to wait (Retry-After), an error does not.

    Origin: shouldTakeIntoAccountRetryOnResultIntervalFunction.
    """
    script = ScriptedTransport([answer(503, b"", [(b"retry-after", b"2")]), ConnectError(), 200])
    bench = Bench(script, {"retry": retrying()})
    assert await bench.status() == 200
    waits = [later - sooner for sooner, later in zip(script.times, script.times[1:], strict=False)]
    assert waits == pytest.approx([2, 0], abs=0.01)


@virtual
async def test_mixed_results_and_exceptions_share_the_attempts():
    """shouldFailToRetry…, CompletionStageRetryTest.shouldCompleteFutureAfterOneAttemptInCaseOfExceptionAtAsyncStage."""
    script = ScriptedTransport([ConnectError(), 503, fail(UpstreamBroken(), sent=True)])
    bench = Bench(script, {"retry": retrying()})
    with pytest.raises(UpstreamBroken):
        await bench.send()
    assert len(script.seen) == 3
