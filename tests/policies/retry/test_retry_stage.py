"""The retry stage and the pause gate in virtual time: every await point cancelled once."""

import asyncio

import pytest

from pipelines import Bench, high, retrying
from seawall.contracts.errors import ConnectError, DeadlineExceeded, Saturated, UpstreamBroken
from seawall.testing import ScriptedSource, ScriptedTransport, answer, fail, hang, virtual

ASKS = (b"retry-after", b"5")


async def _cancelled(task: asyncio.Task) -> bool:
    task.cancel()
    await asyncio.wait([task])
    return task.cancelled()


@virtual
async def test_cancelled_inside_an_attempt():
    """No retry follows, and the upstream's side is over."""
    script = ScriptedTransport(then=hang())
    bench = Bench(script, {"retry": retrying()})
    task = bench.start()
    await asyncio.sleep(1)
    assert await _cancelled(task)
    assert (len(script.seen), script.waiting) == (1, 0)


@virtual
async def test_cancelled_in_the_wait_before_a_retry():
    """The abandoned answer was closed before the wait began; nothing is left open."""
    script = ScriptedTransport([answer(503, ScriptedSource([b"x"]))])
    bench = Bench(script, {"retry": retrying(base=10.0, max=10.0)}, uniform=high)
    task = bench.start()
    await asyncio.sleep(1)
    assert script.open == 0
    assert await _cancelled(task)
    assert len(script.seen) == 1


@virtual
async def test_cancelled_with_a_kept_body_gives_the_allowance_back():
    """Whatever ends the call, what was kept of its body is let go."""

    async def read_and_hang(attempt):
        await attempt.call.body.read()
        await asyncio.get_running_loop().create_future()

    bench = Bench(ScriptedTransport(then=read_and_hang), {"retry": retrying()})
    task = bench.start(method=b"PUT", length=None, body=ScriptedSource([b"12345"]))
    await asyncio.sleep(1)
    assert bench.buffers.used == 5
    assert await _cancelled(task)
    assert bench.buffers.used == 0


@virtual
async def test_cancelled_while_the_target_is_paused():
    """A call that waits for the pause to end leaves no trace."""
    script = ScriptedTransport([answer(429, b"", [ASKS])], then=200)
    bench = Bench(script, {"retry": retrying(attempts=1)})
    await bench.status()
    task = bench.start()
    await asyncio.sleep(1)
    assert await _cancelled(task)
    assert await bench.status() == 200


@virtual
async def test_cancelled_while_another_call_goes_first():
    """A waiter that leaves is not woken later."""
    script = ScriptedTransport([answer(429, b"", [ASKS]), answer(200, after=5)], then=200)
    bench = Bench(script, {"retry": retrying(attempts=1)})
    await bench.status()
    first, waiting = bench.start(), bench.start()
    await asyncio.sleep(7)
    assert await _cancelled(waiting)
    assert bench.kept("retry", "pause api").waiters == set()
    assert (await first).status == 200


@virtual
async def test_waiter_cancelled_in_the_turn_it_was_let_go():
    """Both land in one turn: the waiter is cancelled and the others go."""
    script = ScriptedTransport([answer(429, b"", [ASKS]), answer(200, after=5)], then=200)
    bench = Bench(script, {"retry": retrying(attempts=1)})
    await bench.status()
    tasks = [bench.start() for _ in range(3)]
    await asyncio.sleep(7)
    pause = bench.kept("retry", "pause api")
    tasks[1].cancel()
    pause.lift(pause.until)
    await asyncio.wait(tasks)
    assert tasks[1].cancelled()
    assert [tasks[0].result().status, tasks[2].result().status] == [200, 200]


@virtual
@pytest.mark.parametrize("step", [ConnectError(), UpstreamBroken("reset")])
async def test_first_call_that_fails_lifts_the_pause(step: Exception):
    """A failure asks for no more time; whether the target is called is the breaker's business then."""
    script = ScriptedTransport([answer(429, b"", [ASKS]), step], then=200)
    bench = Bench(script, {"retry": retrying(attempts=1)})
    await bench.status()
    with pytest.raises(type(step)):
        await bench.send()
    assert bench.kept("retry", "pause api").until == 0.0


@virtual
@pytest.mark.parametrize("step", [Saturated(), DeadlineExceeded()])
async def test_first_call_refused_further_in_leaves_the_pause_to_the_next(step: Exception):
    """A refusal says nothing about the target: the next call goes first."""
    script = ScriptedTransport([answer(429, b"", [ASKS]), fail(step)], then=200)
    bench = Bench(script, {"retry": retrying(attempts=1)})
    await bench.status()
    with pytest.raises(type(step)):
        await bench.send()
    pause = bench.kept("retry", "pause api")
    assert (pause.until > 0, pause.scouting) == (True, False)
    assert await bench.status() == 200
    assert pause.until == 0.0


@virtual
async def test_waiting_for_a_pause_counts_as_queue_time():
    """The log line shows where the time went."""
    script = ScriptedTransport([answer(429, b"", [ASKS])], then=200)
    bench = Bench(script, {"retry": retrying(attempts=1)})
    await bench.status()
    call, other = bench.call(), bench.call()
    task = bench.start(other)
    await bench.status(call)
    await task
    assert call.run.queue_time == pytest.approx(5, abs=0.01)
    assert other.run.queue_time == pytest.approx(5, abs=0.01)


@virtual
async def test_who_comes_late_in_a_pause_is_spread_like_everybody():
    """The jitter is a part of the whole pause: a part of what is left would send the late ones all at its end."""
    script = ScriptedTransport([answer(429, b"", [(b"retry-after", b"20")])], then=200)
    bench = Bench(script, {"retry": retrying(attempts=1)}, uniform=high)
    await bench.status()
    await asyncio.sleep(19)
    assert await bench.status() == 200
    assert script.times[1] == pytest.approx(1000 + 20 + 2, abs=0.01)


@virtual
async def test_who_waited_for_the_first_call_goes_after_a_jitter():
    """However long the first call took, the others do not follow in one turn, and none loses its deadline by it."""
    script = ScriptedTransport([answer(429, b"", [(b"retry-after", b"10")]), answer(200, after=5)], then=200)
    bench = Bench(script, {"retry": retrying(attempts=1)}, uniform=high)
    await bench.status()
    hasty = bench.call(deadline=1016.1)
    tasks = [bench.start(), bench.start(), bench.start(hasty)]
    assert [(await task).status for task in tasks] == [200] * 3
    assert [round(at - 1000, 2) for at in script.times[1:]] == [11, 16.05, 17]


@virtual
async def test_no_token_no_retry():
    """With budget and floor at nothing, the first failure is the answer."""
    script = ScriptedTransport(then=503)
    assert await Bench(script, {"retry": retrying(budget=0, floor=0)}).status() == 503
    assert len(script.seen) == 1


@virtual
async def test_attempts_of_settings_bound_what_the_door_allows():
    """A door that grants ten attempts does not make a target's own three more."""
    script = ScriptedTransport(then=503)
    assert await Bench(script, {"retry": retrying(attempts=3)}).status(budget=10) == 503
    assert len(script.seen) == 3


@virtual
async def test_one_attempt_retries_nothing():
    """`attempts = 1` and a door's budget of one are both no retry at all."""
    for attempts, budget in ((1, 3), (3, 1)):
        script = ScriptedTransport(then=ConnectError())
        with pytest.raises(ConnectError):
            await Bench(script, {"retry": retrying(attempts=attempts)}).send(budget=budget)
        assert len(script.seen) == 1
