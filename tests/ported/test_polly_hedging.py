"""What Polly tests of its hedging: HedgingResilienceStrategyTests, cases only, against our hedge.

Theirs also begins the next attempt at once when one fails; with us trying again after a failure is retry's business.
"""

import asyncio

import pytest

from pipelines import Bench
from seawall.contracts.errors import ConnectError, UpstreamBroken, UpstreamTimeout
from seawall.testing import ScriptedTransport, answer, fail, hang, stream, virtual

SECOND = {"after": "1s", "max": 2}
DAY = 86_400.0


def bench(*steps: object, budget: int = 9, **settings: object) -> tuple[ScriptedTransport, Bench]:
    """Return a script and a pipeline that hedges after a second, twice at most."""
    script = ScriptedTransport(list(steps), obey=False)
    return script, Bench(script, {"hedge": {**SECOND, **settings}})


@virtual
async def test_execute_cancellation_requested_throws():
    """Cancelled before it runs, nothing is sent.

    Origin: Execute_CancellationRequested_Throws.
    """
    script, here = bench(200)
    task = here.start()
    task.cancel()
    await asyncio.wait([task])
    assert (task.cancelled(), script.seen) == (True, [])


@virtual
async def test_should_return_any_possible_result():
    """The first good answer of whichever attempt.

    Origin: ExecuteAsync_ShouldReturnAnyPossibleResult.
    """
    script, here = bench(answer(200, b"pears", after=20), answer(200, b"apples", after=15), answer(200, b"o", after=3))
    reply = await here.send()
    assert reply.body == b"o"
    assert here.loop.time() == pytest.approx(1005, abs=0.05)
    assert script.waiting == 0


@virtual
async def test_ensure_hedged_tasks_cancelled():
    """A primary that wins cancels the hedges.

    Origin: ExecuteAsync_EnsureHedgedTasksCancelled_Ok.
    """
    script, here = bench(answer(200, after=5), hang(), hang())
    assert await here.status() == 200
    assert script.results == ["200", "CancelledError", "CancelledError"]


@virtual
async def test_ensure_primary_task_cancelled():
    """A hedge that wins cancels the primary.

    Origin: ExecuteAsync_EnsurePrimaryTaskCancelled_Ok.
    """
    script, here = bench(hang(), 200)
    assert await here.status() == 200
    assert script.results == ["CancelledError", "200"]


@virtual
async def test_ensure_discarded_result_disposed():
    """An answer that lost is closed, the one that won is open.

    Origin: ExecuteAsync_EnsureDiscardedResultDisposed. There a primary that ignores its cancellation brings a result
    later; here every attempt has ended before the answer is given on.
    """
    script, here = bench(stream(b"x", status=503, hanging=True, after=2), stream(b"good", after=2))
    reply = await here.send()
    assert script.open == 1
    assert [seen.closed is None for seen in script.seen] == [False, True]
    reply.close()


@virtual
async def test_every_hedged_task_has_a_call_of_its_own():
    """What one attempt changes no other sees; all share the run.

    Origin: ExecuteAsync_EveryHedgedTaskShouldHaveDifferentContexts, …EnsurePropertiesConsistency.
    """
    script, here = bench(answer(200, after=9), answer(200, after=9), answer(200, after=9))
    await here.status()
    made = [seen.attempt.call for seen in script.seen]
    assert len({id(call) for call in made}) == 3
    assert len({id(call.run) for call in made}) == 1
    assert [seen.attempt.number for seen in script.seen] == [1, 2, 3]


@virtual
async def test_ensure_original_cancellation_restored():
    """After a race the task is not left cancelled.

    Origin: ExecuteAsync_EnsureOriginalCancellationTokenRestored.
    """
    _, here = bench(hang(), 200)
    await here.status()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(1)


@virtual
async def test_cancellation_linking():
    """A caller that leaves cancels primary and hedges.

    Origin: ExecuteAsync_CancellationLinking_Ok.
    """
    script, here = bench(hang(), hang(), hang())
    task = here.start()
    await asyncio.sleep(1.5)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert script.results == ["CancelledError", "CancelledError"]


@virtual
async def test_background_work_of_a_successful_call_is_not_cancelled():
    """The winner's body goes on after the losers were cancelled.

    Origin: ExecuteAsync_EnsureBackgroundWorkInSuccessfulCallNotCancelled.
    """
    script, here = bench(hang(), stream(b"a", b"b", b"c", gap=10))
    reply = await here.send()
    assert [await reply.body.read() for _ in range(4)] == [b"a", b"b", b"c", b""]
    reply.close()
    assert script.open == 0


def test_zero_hedging_delay():
    """There all are begun at once; here a time of nothing is refused, since it doubles every call.

    Origin: ExecuteAsync_ZeroHedgingDelay_EnsureAllTasksSpawnedAtOnce.
    """

    @virtual
    async def check():
        with pytest.raises(ValueError, match="at least 1ms"):
            bench(200, after="0s")

    check()


@virtual
async def test_infinite_hedging_delay_ensures_no_concurrent_executions():
    """A time past the deadline never hedges.

    Origin: ExecuteAsync_InfiniteHedgingDelay_EnsureNoConcurrentExecutions.
    """
    script, here = bench(answer(200, after=29), after="1d")
    assert await here.status() == 200
    assert (len(script.seen), script.peak) == (1, 1)


@virtual
async def test_exceptions_handled_should_throw_the_first():
    """Where all fail the primary's failure is told; theirs is the last handled one.

    Origin: ExecuteAsync_ExceptionsHandled_ShouldThrowLastException, whose caller sees the primary's in version 8 too.
    """
    _, here = bench(
        fail(UpstreamTimeout("first_byte"), after=5), fail(ConnectError(), after=5), fail(UpstreamBroken(), after=5)
    )
    with pytest.raises(UpstreamTimeout):
        await here.send()


@virtual
async def test_exceptions_handled_should_return_last_result():
    """Two failures, and the third attempt's answer.

    Origin: ExecuteAsync_ExceptionsHandled_ShouldReturnLastResult.
    """
    _, here = bench(fail(ConnectError(), after=2.5), fail(UpstreamBroken(), after=1.5), answer(200, b"third", after=3))
    assert (await here.send()).body == b"third"


@virtual
async def test_primary_exception_not_handled_rethrow():
    """What is no failure of the upstream ends the race at once, as it was raised.

    Origin: ExecuteAsync_PrimaryExceptionNotHandled_Rethrow, …EnsureExceptionStackTracePreserved.
    """

    def broken(_: object) -> object:
        raise KeyError("Forced Error")

    script, here = bench(broken)
    with pytest.raises(KeyError) as caught:
        await here.send()
    assert len(script.seen) == 1
    assert any(entry.name == "broken" for entry in caught.traceback)


@virtual
async def test_ensure_hedging_delay_respected():
    """Each attempt so long after the one before.

    Origin: ExecuteAsync_EnsureHedgingDelayGeneratorRespected, ExecuteAsync_EnsureOnHedgingCalled.
    """
    script, here = bench(hang(), hang(), answer(200, after=1), after="2345ms")
    await here.status()
    assert [at - script.times[0] for at in script.times] == pytest.approx([0, 2.345, 4.69], abs=0.03)
