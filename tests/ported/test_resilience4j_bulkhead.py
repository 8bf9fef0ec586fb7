"""What resilience4j tests of its semaphore bulkhead: SemaphoreBulkheadTest, cases only, against our concurrency."""

import asyncio

import pytest

from pipelines import Bench
from seawall.contracts.errors import Saturated
from seawall.policies.concurrency import ConcurrencySettings
from seawall.testing import ScriptedTransport, answer, hang, virtual


def bench(script: ScriptedTransport | None = None, **settings: object) -> Bench:
    """Return a pipeline with the limit of the original's `setUp`: two calls, nobody waits."""
    chosen = {"limit": 2, "queue": 0, "wait": 0.0, **settings}
    return Bench(script or ScriptedTransport(then=answer(200, after=1)), {"concurrency": chosen})


def free(of: Bench) -> int:
    """Return how many calls may begin now."""
    gate = of.kept("concurrency", "").gate
    return gate.limit - gate.taken


@virtual
async def test_bulkhead():
    """testBulkhead: two in, a third refused; each that ends frees one."""
    here = bench(ScriptedTransport([answer(200, after=1), answer(200, after=2)], then=200))
    tasks = [here.start() for _ in range(2)]
    await asyncio.sleep(0)
    assert free(here) == 0
    with pytest.raises(Saturated):
        await here.send()
    await tasks[0]
    assert free(here) == 1
    await tasks[1]
    assert free(here) == 2
    assert await here.status() == 200


@virtual
async def test_try_enter_with_timeout():
    """testTryEnterWithTimeout, testEntryTimeout: refused once the wait is over, not before; Retry-After is told."""
    here = bench(limit=1, queue=1, wait=0.05)
    first = here.start()
    await asyncio.sleep(0)
    began = here.loop.time()
    with pytest.raises(Saturated) as caught:
        await here.send()
    assert 0.05 <= here.loop.time() - began <= 0.065
    assert caught.value.retry_after is not None
    await first


@virtual
async def test_try_enter_with_interrupt_during_timeout():
    """Cancelled at once, and told as that.

    Origin: testTryEnterWithInterruptDuringTimeout, testAcquireWithInterruptDuringTimeout.

    There a waiting thread that is interrupted gets False or an exception of the library; here a cancellation stays a
    cancellation (semantics 1.4).
    """
    here = bench(limit=1, queue=1, wait=2.0)
    first = here.start()
    waiting = here.start()
    await asyncio.sleep(0.5)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert here.loop.time() == 1000.5
    await first
    assert free(here) == 1


def test_zero_max_concurrent_calls():
    """There it lets nobody in; here settings refuse it, since holding a breaker open says it.

    Origin: testZeroMaxConcurrentCalls.
    """
    with pytest.raises(ValueError, match="greater than or equal to 1"):
        ConcurrencySettings.model_validate({"limit": 0})


@virtual
async def test_change_permissions_in_idle_state():
    """changePermissionsInIdleState, changeWaitTimeInIdleState: a reload changes the limit either way, and the wait."""
    here = bench(limit=3)
    for limit in (5, 2):
        here = Bench(ScriptedTransport(then=200), {"concurrency": {"limit": limit, "queue": 0}}, states=here.states)
        assert free(here) == limit


@virtual
async def test_change_permissions_count_while_one_is_running():
    """In flight stays in flight, nobody waits for a change.

    Origin: changePermissionsCountWhileOneThreadIsRunningWithThisPermission.

    There the change down blocks until a permit is free; here it is at once, and the limit is met as calls end.
    """
    script = ScriptedTransport([hang(), hang()], then=200)
    here = bench(script, limit=1)
    tasks = [here.start()]
    await asyncio.sleep(0)
    with pytest.raises(Saturated):
        await here.send()
    more = Bench(script, {"concurrency": {"limit": 2, "queue": 0}}, states=here.states)
    tasks.append(more.start())
    await asyncio.sleep(0)
    assert free(more) == 0
    less = Bench(script, {"concurrency": {"limit": 1, "queue": 0}}, states=here.states)
    assert free(less) == -1
    for task, left in zip(tasks, (0, 1), strict=True):
        task.cancel()
        await asyncio.wait([task])
        assert free(less) == left


@virtual
async def test_permissions_grow_for_those_who_wait():
    """changePermissionsConcurrently: who waits goes as soon as there is room, none is lost between two changes."""
    script = ScriptedTransport(then=answer(200, after=5))
    here = bench(script, limit=1, queue=9, wait=2.0)
    tasks = [here.start() for _ in range(5)]
    await asyncio.sleep(1)
    assert len(script.seen) == 1
    Bench(script, {"concurrency": {"limit": 5, "queue": 9, "wait": 2.0}}, states=here.states)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert len(script.seen) == 5
    await asyncio.wait(tasks)
    assert [task.result().status for task in tasks] == [200] * 5
