"""What Polly tests of its retry: RetryResilienceStrategyTests and RetryHelperTests, cases only."""

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines import Bench, high, low, retrying
from seawall.contracts.events import AttemptEnded
from seawall.policies.retry import RetrySettings
from seawall.policies.retry.core import backoff
from seawall.testing import ScriptedTransport, answer, stream, virtual


@virtual
async def test_ensure_result_not_disposed():
    """ExecuteAsync_EnsureResultNotDisposed: an answer that is given on is open."""
    script = ScriptedTransport([stream(b"a")])
    bench = Bench(script, {"retry": retrying()})
    reply = await bench.send()
    assert script.open == 1
    reply.close()
    assert script.open == 0


@virtual
async def test_multiple_retries_ensure_discarded_results_disposed():
    """All but the last are closed before the next begins.

    Origin: ExecuteAsync_MultipleRetries_EnsureDiscardedResultsDisposed.
    """
    script = ScriptedTransport(then=stream(b"x", status=503, hanging=True))
    bench = Bench(script, {"retry": retrying(attempts=6)})
    reply = await bench.send(budget=6)
    assert [seen.closed is None for seen in script.seen] == [False] * 5 + [True]
    assert script.peak == 1
    reply.close()


@virtual
async def test_cancellation_requested_after_callback_ensure_not_retried():
    """ExecuteAsync_CancellationRequestedAfterCallback_EnsureNotRetried: cancelled in the wait, nothing follows."""
    script = ScriptedTransport(then=503)
    bench = Bench(script, {"retry": retrying(base=5.0, max=5.0)}, uniform=high)
    task = bench.start()
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.wait([task])
    await asyncio.sleep(60)
    assert task.cancelled()
    assert len(script.seen) == 1


@virtual
async def test_cancellation_requested_before_ensure_not_executed():
    """ExecuteAsync_CancellationRequested_EnsureNotRetried: nothing is sent for a caller that is gone already."""
    script = ScriptedTransport(then=200)
    task = Bench(script, {"retry": retrying()}).start()
    task.cancel()
    await asyncio.wait([task])
    assert script.seen == []


@pytest.mark.parametrize("attempts", [1, 4, 13])
def test_retry_count_respected(attempts: int):
    """Retry_RetryCount_Respected: attempts, of which all but one are retries."""

    @virtual
    async def check():
        script = ScriptedTransport(then=503)
        await Bench(script, {"retry": retrying(attempts=attempts)}).status(budget=20)
        assert len(script.seen) == attempts

    check()


@virtual
async def test_retry_infinite_is_bounded_by_the_calls_budget():
    """Retry_Infinite_Respected: there is no endless retry here; the call's budget and the upstream's end it."""
    script = ScriptedTransport(then=503)
    await Bench(script, {"retry": retrying(attempts=20, floor=7, budget=0.0)}).status(budget=1_000)
    assert len(script.seen) == 8
    with pytest.raises(ValueError, match="less than or equal to 20"):
        RetrySettings.model_validate({"attempts": 21})


@virtual
async def test_on_retry_ensure_correct_arguments():
    """Each attempt is told with its number and its time.

    Origin: OnRetry_EnsureCorrectArguments, Execute_EnsureAttemptReported.
    """
    script = ScriptedTransport(then=answer(503, after=0.3))
    bench = Bench(script, {"retry": retrying(attempts=3)})
    await bench.status()
    told = bench.events.of(AttemptEnded)
    assert [(event.number, event.result) for event in told] == [(1, "503"), (2, "503"), (3, "503")]
    assert [event.seconds for event in told] == pytest.approx([0.3] * 3)


@pytest.mark.parametrize("retry", [0, 1, 2, 3, 10, 63, 64, 1023, 1024, 10**6])
def test_exponential_with_jitter_does_not_overflow(retry: int):
    """The 1024th doubling is still the bound.

    Origin: RetryHelperTests.GetRetryDelay_Overflow_ReturnsMaxTimeSpan (issue 2163).
    """
    assert backoff(retry, 1.0, 30.0, high) == min(30.0, 2.0**retry if retry < 10 else 30.0)


@given(st.integers(0, 100), st.floats(0.001, 60), st.floats(0.001, 600), st.integers(0, 2**32))
def test_jitter_is_never_negative_nor_above_the_bound(retry: int, base: float, longest: float, seed: int):
    """RetryHelperTests.ApplyJitter_Ok, ExponentialWithJitter_Ok: whatever chance says."""
    assert 0 <= backoff(retry, base, longest, random.Random(seed).uniform) <= longest


def test_exponential_with_jitter_ensure_randomness():
    """RetryHelperTests.ExponentialWithJitter_EnsureRandomness: two sequences differ, and nothing is the same twice."""
    one, other = random.Random(1).uniform, random.Random(2).uniform
    first = [backoff(number, 1.0, 60.0, one) for number in range(10)]
    second = [backoff(number, 1.0, 60.0, other) for number in range(10)]
    assert not set(first) & set(second)


def test_constant_ok():
    """RetryHelperTests.Constant_Ok, with a base that is the bound: no doubling."""
    assert [backoff(number, 2.0, 2.0, high) for number in range(4)] == [2.0] * 4
    assert backoff(0, 2.0, 2.0, low) == 0.0
