"""Semantics 4, line by line: how many calls may be in flight at once."""

import asyncio
import random
from contextlib import suppress

import pytest
from limits_rig import Rig, Upstream, streaming, turns

from seawall.contracts.errors import DeadlineExceeded, Saturated, UpstreamBroken, UpstreamTimeout
from seawall.contracts.reply import Reply
from seawall.pipeline.compose import compose
from seawall.policies import concurrency, deadline
from seawall.testing import virtual

SPEC = concurrency.SPEC


def gate_of(rig, route=""):
    """Return the books of the built pipeline."""
    return rig.kept["shop", "concurrency", route].gate


def start(pipeline, rig, count, **more):
    """Begin `count` calls at once."""
    return [asyncio.ensure_future(pipeline(rig.call(**more))) for _ in range(count)]


async def settle(tasks):
    """Return what became of tasks."""
    return await asyncio.gather(*tasks, return_exceptions=True)


@virtual
async def test_4_1_limit_in_flight_queue_waiting_and_the_rest_is_refused():
    """2 in flight, 3 wait, the sixth is refused at once with 503 and Retry-After."""
    rig, upstream = Rig(), Upstream()
    pipeline = rig.build(SPEC, {"limit": 2, "queue": 3, "wait": "2s"}, upstream)
    tasks = start(pipeline, rig, 6)
    await turns()
    assert (upstream.in_flight, len(gate_of(rig).waiting)) == (2, 3)
    assert tasks[5].done()
    error = tasks[5].exception()
    assert isinstance(error, Saturated)
    assert (error.status_hint, error.policy) == (503, "concurrency")
    assert error.retry_after >= 1
    while upstream.in_flight:
        for number in range(len(upstream.held)):
            upstream.release(number)
        await turns()
    assert upstream.peak == 2
    assert [result.status for result in await settle(tasks[:5])] == [200] * 5


@virtual
async def test_4_1_waits_at_most_wait():
    """A call in the queue is refused after `wait`, and the queue falls."""
    rig, upstream = Rig(), Upstream()
    pipeline = rig.build(SPEC, {"limit": 1, "queue": 3, "wait": "2s"}, upstream)
    first, second = start(pipeline, rig, 2)
    began = rig.now()
    with pytest.raises(Saturated):
        await second
    assert 2.0 <= rig.now() - began <= 2.02
    assert not gate_of(rig).waiting
    upstream.release()
    await first
    assert gate_of(rig).taken == 0


@virtual
async def test_4_1_waits_never_past_its_deadline():
    """A call with less time left than `wait` is refused when that is used up."""
    rig, upstream = Rig(), Upstream()
    pipeline = rig.build(SPEC, {"limit": 1, "queue": 3, "wait": "2s"}, upstream)
    (first,) = start(pipeline, rig, 1)
    await turns()
    began = rig.now()
    with pytest.raises(Saturated):
        await pipeline(rig.call(left=0.5))
    assert 0.5 <= rig.now() - began <= 0.52
    upstream.release()
    await first


@virtual
async def test_4_1_a_routes_own_limit_stands_beside_the_upstreams():
    """Both apply: 2 for the route, 3 for the upstream as a whole."""
    rig, upstream = Rig(), Upstream()
    shared = rig.stages(SPEC, {"limit": 3, "queue": 10})
    other = compose(shared, upstream)
    routed = compose(rig.stages(SPEC, {"limit": 2, "queue": 10}, "archive") + shared, upstream)
    tasks = start(routed, rig, 4)
    await turns()
    assert upstream.in_flight == 2
    tasks += start(other, rig, 4)
    await turns()
    assert upstream.in_flight == 3
    for number in range(8):
        upstream.release(number)
        await turns(6)
    await settle(tasks)
    assert upstream.peak == 3


@virtual
async def test_4_2_the_slot_of_a_whole_reply_is_free_at_return():
    """Bytes hold nothing upstream."""
    rig, upstream = Rig(), Upstream(0.1)
    pipeline = rig.build(SPEC, 1, upstream)
    await pipeline(rig.call())
    assert gate_of(rig).taken == 0


@virtual
async def test_4_2_the_slot_of_a_stream_is_held_until_its_body_is_closed():
    """And closing twice frees it once."""
    rig, upstream = Rig(), Upstream(0.1)
    upstream.make = streaming
    pipeline = rig.build(SPEC, 1, upstream)
    first = await pipeline(rig.call())
    waiting = asyncio.ensure_future(pipeline(rig.call()))
    await asyncio.sleep(1.0)
    assert gate_of(rig).taken == 1
    assert not waiting.done()
    first.close()
    first.close()
    second = await waiting
    assert gate_of(rig).taken == 1
    second.close()
    assert gate_of(rig).taken == 0


@pytest.mark.parametrize("error", [UpstreamBroken(), KeyError("bug"), KeyboardInterrupt(), asyncio.CancelledError()])
def test_4_2_released_exactly_once_on_any_base_exception(error):
    """Whatever ends the attempt, the slot is free afterwards, and only one."""

    @virtual
    async def run():
        rig = Rig()

        async def broken(_):
            raise error

        pipeline = rig.build(SPEC, 2, broken)
        with pytest.raises(type(error)):
            await pipeline(rig.call())
        assert gate_of(rig).taken == 0

    run()


@virtual
async def test_4_2_cancelled_on_the_wire_gives_the_slot_to_the_next():
    """The next in the queue has it in the same turn."""
    rig, upstream = Rig(), Upstream()
    pipeline = rig.build(SPEC, 1, upstream)
    first, second = start(pipeline, rig, 2)
    await turns()
    first.cancel()
    await turns()
    assert first.cancelled()
    assert len(upstream.calls) == 2
    upstream.release(1)
    await second
    assert gate_of(rig).taken == 0


@virtual
async def test_4_3_cancelled_while_queued_the_queue_count_falls():
    """Its place is free for another, and its caller's share too."""
    rig, upstream = Rig(), Upstream()
    pipeline = rig.build(SPEC, {"limit": 1, "queue": 2, "wait": "9s"}, upstream)
    first, second = start(pipeline, rig, 2, caller="kitchen")
    await turns()
    second.cancel()
    await turns()
    assert second.cancelled()
    assert not gate_of(rig).waiting
    (third,) = start(pipeline, rig, 1, caller="kitchen")
    await turns()
    assert len(gate_of(rig).waiting) == 1
    upstream.release()
    await turns()
    upstream.release(1)
    await settle([first, third])
    assert gate_of(rig).taken == 0


@pytest.mark.parametrize("cancel_first", [False, True])
def test_4_3_cancelled_in_the_turn_it_was_granted_passes_on(cancel_first):
    """Granted and cancelled in one turn of the loop, in either order: the slot goes to the next."""

    @virtual
    async def run():
        rig, upstream = Rig(), Upstream()
        pipeline = rig.build(SPEC, {"limit": 1, "queue": 5, "wait": "9s"}, upstream)
        slots = rig.kept["shop", "concurrency", ""]
        gate = slots.gate
        gate.taken += 1  # a slot of ours, given back in a turn of our choice
        second, third = start(pipeline, rig, 2)
        await turns()
        ticket = next(iter(gate.waiting))
        if cancel_first:
            second.cancel()
        slots.release()
        assert ticket.granted
        if not cancel_first:
            second.cancel()
        await turns()
        assert second.cancelled()
        assert len(upstream.calls) == 1, "the third has the slot that the second never used"
        assert (gate.taken, len(gate.waiting)) == (1, 0)
        upstream.release()
        assert (await third).status == 200
        assert gate.taken == 0

    run()


@virtual
async def test_4_3_ten_thousand_random_cancellations_leak_no_slot():
    """Whenever a call is cancelled, the books are empty at the end and never beyond their bounds."""
    rig, dice = Rig(), random.Random(4)
    upstream = Upstream()
    gate = None

    async def answer(_):
        assert gate.taken <= gate.limit
        assert len(gate.waiting) <= 40
        upstream.in_flight += 1
        upstream.peak = max(upstream.peak, upstream.in_flight)
        try:
            await asyncio.sleep(dice.choice((0, 0, 0.001, 0.003)))
            return streaming() if dice.random() < 0.3 else upstream.make()
        finally:
            upstream.in_flight -= 1

    pipeline = rig.build(SPEC, {"limit": 5, "queue": 40, "wait": "20ms"}, answer)
    gate = gate_of(rig)

    async def one():
        reply = await pipeline(rig.call(caller=dice.choice(("", "a", "b"))))
        try:
            await asyncio.sleep(dice.choice((0, 0.001)))
        finally:
            reply.close()

    cancelled = 0
    while cancelled < 10_000:
        tasks = [asyncio.ensure_future(one()) for _ in range(50)]
        for _ in range(dice.randrange(4)):
            await asyncio.sleep(dice.choice((0, 0, 0.001, 0.002)))
        for task in dice.sample(tasks, 40):
            cancelled += task.cancel()
        await settle(tasks)
        assert (gate.taken, len(gate.waiting), upstream.in_flight) == (0, 0, 0)
    assert upstream.peak <= 5
    assert gate._places == {}
    await asyncio.sleep(1)
    assert len(rig.wheel) == 0


@virtual
async def test_4_4_first_come_first_served_in_a_short_queue():
    """A queue that was empty less than 100 ms ago is served in order."""
    rig, upstream = Rig(), Upstream()
    pipeline = rig.build(SPEC, {"limit": 1, "queue": 10, "wait": "9s"}, upstream)
    tasks = start(pipeline, rig, 4)
    for number in range(4):
        await turns()
        await asyncio.sleep(0.02)
        upstream.release(number)
    await settle(tasks)
    order = [call.run for call in upstream.calls]
    assert order == sorted(order, key=lambda run: run.queue_time)


@virtual
async def test_4_4_newest_first_once_the_queue_stood_for_100_ms():
    """So that fresh calls still meet their deadline."""
    rig, upstream = Rig(), Upstream()
    pipeline = rig.build(SPEC, {"limit": 1, "queue": 10, "wait": "9s"}, upstream)
    names = {}
    tasks = []
    for name in ("first", "old", "middle", "new"):
        call = rig.call()
        names[id(call.run)] = name
        tasks.append(asyncio.ensure_future(pipeline(call)))
        await asyncio.sleep(0.05)
    for number in range(4):
        upstream.release(number)
        await turns()
    await settle(tasks)
    assert [names[id(call.run)] for call in upstream.calls] == ["first", "new", "middle", "old"]


@virtual
async def test_4_4_no_caller_holds_more_than_half_of_the_queue():
    """The other half is there for the others."""
    rig, upstream = Rig(), Upstream()
    pipeline = rig.build(SPEC, {"limit": 1, "queue": 4, "wait": "1s"}, upstream)
    tasks = start(pipeline, rig, 4, caller="greedy")
    await turns()
    assert [task.done() for task in tasks] == [False, False, False, True]
    tasks += start(pipeline, rig, 2, caller="modest")
    await turns()
    assert len(gate_of(rig).waiting) == 4
    await asyncio.sleep(2)
    upstream.release()
    assert [getattr(result, "status", 503) for result in await settle(tasks)] == [200] + [503] * 5


@virtual
async def test_4_5_adaptive_follows_the_gradient_of_latency():
    """The limit rises while answers are as fast as unloaded and falls when they are not; bounds 1 and `max` hold."""
    rig = Rig()
    upstream = Upstream(0.05)
    capacity = 10

    async def shared(call):  # as many servers as `capacity`, slower in proportion beyond
        upstream.seconds = 0.05 * max(1.0, (upstream.in_flight + 1) / capacity)
        return await upstream(call)

    pipeline = rig.build(SPEC, {"mode": "adaptive", "max": 40, "queue": 100, "wait": "5s"}, shared)
    gate = gate_of(rig)

    async def caller():
        while rig.now() < 1030:
            with suppress(Saturated):
                await pipeline(rig.call())

    assert gate.limit == 4
    await asyncio.gather(*(caller() for _ in range(60)))
    assert 8 <= gate.limit <= 18
    assert upstream.peak <= 40


@pytest.mark.parametrize("kind", ["error", "refusal", "cancellation"])
def test_4_5_errors_refusals_and_cancellations_are_no_samples(kind):
    """However slow they were, the limit is what it was."""

    @virtual
    async def run():
        rig = Rig()

        async def end(call):
            await asyncio.sleep(5.0)
            if kind == "error":
                return Reply(500, [])
            raise Saturated(policy="rate") if kind == "refusal" else asyncio.CancelledError

        pipeline = rig.build(SPEC, "adaptive", end)
        gradient = rig.kept["shop", "concurrency", ""].gradient
        for _ in range(100):
            await settle(start(pipeline, rig, 4))
        assert gradient.base == 0.0
        assert gate_of(rig).limit == 4

    run()


@virtual
async def test_4_5_timeouts_cut_the_limit():
    """Once for all the calls in flight that time out together."""
    rig, upstream = Rig(), Upstream(0.05)
    pipeline = rig.build(SPEC, {"mode": "adaptive", "queue": 100, "wait": "5s"}, upstream)
    gate = gate_of(rig)
    for _ in range(40):
        await settle(start(pipeline, rig, 40))
    before = gate.limit
    assert before >= 16
    slow = Upstream()
    pipeline = rig.build(SPEC, {"mode": "adaptive", "queue": 100, "wait": "5s"}, slow)
    tasks = start(pipeline, rig, 10)
    await turns()
    await asyncio.sleep(10)
    for number in range(10):
        slow.release(number, UpstreamTimeout("first_byte"))
    await settle(tasks)
    assert gate.limit == int(before * 0.9)


@virtual
async def test_4_5_a_deadline_of_ours_is_a_timeout_and_a_callers_hint_is_none():
    """Where no attempt has a limit of its own it is the deadline that ends a hanging one."""
    rig, upstream = Rig(), Upstream()
    stages = rig.stages(deadline.SPEC, {}) + rig.stages(SPEC, "adaptive")
    pipeline = compose(stages, upstream)
    gradient = rig.kept["shop", "concurrency", ""].gradient
    before = gradient._exact
    with pytest.raises(DeadlineExceeded):
        await pipeline(rig.call(left=0.5))
    assert gradient._exact == before
    with pytest.raises(DeadlineExceeded):
        await pipeline(rig.call(left=30.0))
    assert gradient._exact == before * 0.9
