"""Semantics section 1, deadline and attempts: one test or more for each numbered line."""

import asyncio

import pytest

from pipelines import Bench, Places, retrying, target
from seawall.contracts.call import Run
from seawall.contracts.errors import (
    ConnectError,
    DeadlineExceeded,
    Saturated,
    UpstreamTimeout,
)
from seawall.contracts.events import AttemptEnded
from seawall.contracts.reply import Reply
from seawall.contracts.target import Timeouts
from seawall.pipeline.hints import hinted
from seawall.testing import ScriptedSource, ScriptedTransport, answer, fail, hang, stream, virtual


async def _elapsed(bench: Bench, awaitable: asyncio.Task) -> tuple[float, BaseException | None]:
    began = bench.loop.time()
    await asyncio.wait([awaitable])
    return bench.loop.time() - began, awaitable.exception()


@virtual
async def test_1_1_one_deadline_covers_every_attempt_and_every_wait():
    """Three attempts of 4 s with waits between them end together after 10 s, the third one cut short."""
    script = ScriptedTransport(then=hang(), obey=False)
    bench = Bench(script, {"retry": retrying()}, timeouts=Timeouts(total=10, attempt=4))
    took, error = await _elapsed(bench, bench.start())
    assert isinstance(error, DeadlineExceeded)
    assert took == pytest.approx(10, abs=0.02)
    assert [seen.at - script.times[0] for seen in script.seen] == pytest.approx([0, 4, 8], abs=0.05)


@virtual
async def test_1_1_one_deadline_covers_queueing():
    """A call that waits for a slot is ended by its deadline although the queue would let it wait longer."""
    script = ScriptedTransport(then=hang(), obey=False)
    bench = Bench(script, {"concurrency": {"limit": 1, "wait": 60.0}}, timeouts=Timeouts(total=5))
    first = bench.start()
    await asyncio.sleep(2)
    took, error = await _elapsed(bench, bench.start(deadline=bench.loop.time() + 1))
    assert isinstance(error, (Saturated, DeadlineExceeded))
    assert took <= 1.02
    await asyncio.wait([first])
    assert len(script.seen) == 1
    assert isinstance(first.exception(), DeadlineExceeded)


@virtual
async def test_1_1_body_of_a_buffered_answer_is_under_the_deadline():
    """A body that is not a stream may be read until the call's deadline and no longer."""
    script = ScriptedTransport(then=stream(b"a", b"b", gap=3, streamed=False, length=2))
    bench = Bench(script, timeouts=Timeouts(total=5))
    reply = await bench.send()
    assert await reply.body.read() == b"a"
    with pytest.raises(DeadlineExceeded):
        await reply.body.read()
    assert bench.loop.time() == pytest.approx(1005, abs=0.02)


@virtual
async def test_1_1_streamed_answer_has_the_stream_timeout_instead():
    """A stream goes on past the deadline and ends at its own, counted from the call's arrival."""
    script = ScriptedTransport(then=stream(*[b"x"] * 9, gap=3, after=2))
    bench = Bench(script, timeouts=Timeouts(total=5, stream=20))
    reply = await bench.send()
    for _ in range(5):
        assert await reply.body.read() == b"x"
    assert bench.loop.time() == pytest.approx(1017)
    with pytest.raises(DeadlineExceeded):
        while await reply.body.read():
            pass
    assert bench.loop.time() == pytest.approx(1020, abs=0.02)


@virtual
async def test_1_2_attempts_share_one_budget_with_whatever_stands_outside():
    """A call that already made two of its three attempts elsewhere gets one here, not a fresh set."""
    script = ScriptedTransport(then=503)
    bench = Bench(script, {"retry": retrying(attempts=3)})
    call = bench.call(budget=3)
    call.run.attempts = 2
    assert await bench.status(call) == 503
    assert len(script.seen) == 1


@virtual
async def test_1_2_attempts_held_for_other_targets_are_not_used():
    """With one attempt held back for a target not yet tried, three attempts are two here."""
    script = ScriptedTransport(then=503)
    bench = Bench(script, {"retry": retrying(attempts=3)})
    call = bench.call(budget=3)
    call.run.held = 1
    assert await bench.status(call) == 503
    assert len(script.seen) == 2


@virtual
@pytest.mark.parametrize("phase", ["connect", "first_byte"])
async def test_1_3_each_phase_timeout_reaches_the_retry_as_itself(phase: str):
    """A phase that timed out while waiting for headers is an answer of its own, at its own moment, and tried again."""
    script = ScriptedTransport([fail(UpstreamTimeout(phase, sent=phase != "connect"), after=1), 200])
    bench = Bench(script, {"retry": retrying()})
    assert await bench.status() == 200
    assert script.times[1] - script.times[0] == pytest.approx(1)
    assert bench.events.of(AttemptEnded)[0].result == "timeout"


@virtual
async def test_1_3_idle_timeout_inside_a_collected_body_reaches_the_retry_as_itself():
    """Nothing of a body that is still collected has reached the client, so the call is tried again."""
    script = ScriptedTransport([fail(UpstreamTimeout("idle"), after=1), 200])
    bench = Bench(script, {"retry": retrying()})
    assert await bench.status() == 200
    assert bench.events.of(AttemptEnded)[0].result == "timeout"


@virtual
async def test_1_4_client_leaves_upstream_is_aborted():
    """A cancelled call cancels its attempt in the same moment and starts no further one."""
    script = ScriptedTransport(then=hang())
    bench = Bench(script, {"retry": retrying(), "breaker": {}, "concurrency": {}, "rate": "1000/s"})
    task = bench.start()
    await asyncio.sleep(1)
    task.cancel()
    began = bench.loop.time()
    await asyncio.wait([task])
    assert bench.loop.time() == began
    assert task.cancelled()
    assert script.results == ["CancelledError"]
    assert script.waiting == 0


@virtual
async def test_1_4_client_leaves_between_attempts_and_none_follows():
    """A call cancelled while it waits before a retry makes no second attempt."""
    script = ScriptedTransport([503], then=200)
    bench = Bench(script, {"retry": retrying(base=5.0, max=5.0)}, uniform=lambda least, most: most)
    task = bench.start()
    await asyncio.sleep(1)
    task.cancel()
    await asyncio.wait([task])
    await asyncio.sleep(60)
    assert task.cancelled()
    assert len(script.seen) == 1


@virtual
async def test_1_4_client_leaves_a_stream_and_its_body_is_closed():
    """Whoever got a stream and closes its reply closes the upstream's body and gives the slot back."""
    source = ScriptedSource([b"a"], hang=True)
    script = ScriptedTransport([answer(200, source), 200])
    bench = Bench(script, {"retry": retrying(), "breaker": {}, "concurrency": {"limit": 1, "queue": 0}})
    reply = await bench.send()
    reply.close()
    assert source.closed
    assert await bench.status() == 200


@virtual
@pytest.mark.parametrize("attempt", [5.0, 30.0])
async def test_1_4_cancellation_in_the_turn_of_a_timeout_stays_a_cancellation(attempt: float):
    """Deadline (and attempt limit) and a client that leaves land in one turn of the loop: it is a cancellation."""
    script = ScriptedTransport(then=hang(), obey=False)
    bench = Bench(script, {"retry": retrying()}, timeouts=Timeouts(total=5.005, attempt=attempt))
    task = bench.start()
    await asyncio.sleep(1)
    bench.loop.call_at(bench.loop.time() + 4.02, task.cancel)
    bench.loop.call_soon(bench.loop.advance, 4.02)  # a loop that was busy: every timer is due at once
    await asyncio.wait([task])
    assert task.cancelled()


@virtual
async def test_1_4_deadline_is_no_cancellation_for_the_callers_task():
    """A call that met its deadline leaves its task as it was: nothing of the cancellation stays behind."""
    bench = Bench(ScriptedTransport(then=hang(), obey=False), timeouts=Timeouts(total=1, attempt=0.5))
    with pytest.raises(UpstreamTimeout):
        await bench.send()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(0)


@virtual
async def test_1_5_attempt_timeout_is_the_smaller_of_configured_and_remaining():
    """The wire is told the earlier of the two moments."""
    script = ScriptedTransport([fail(UpstreamTimeout("first_byte"), after=3), 200])
    bench = Bench(script, {"retry": retrying()}, timeouts=Timeouts(total=5, attempt=4))
    call = bench.call()
    await bench.status(call)
    first, second = (seen.attempt.deadline for seen in script.seen)
    assert first == 1004
    assert second == call.deadline == 1005


@virtual
async def test_1_5_attempt_limit_alone_is_an_upstream_timeout():
    """An attempt that passes its own limit before the deadline ends as phase `attempt`."""
    script = ScriptedTransport(then=hang(sent=True), obey=False)
    bench = Bench(script, timeouts=Timeouts(total=30, attempt=2))
    with pytest.raises(UpstreamTimeout) as caught:
        await bench.send()
    assert (caught.value.phase, caught.value.sent) == ("attempt", True)
    assert bench.loop.time() == pytest.approx(1002, abs=0.02)
    assert bench.events.one(AttemptEnded).result == "timeout"


@virtual
async def test_1_5_call_deadline_alone_is_deadline_exceeded():
    """With an attempt limit as long as the deadline, the deadline is what passed."""
    bench = Bench(ScriptedTransport(then=hang(), obey=False), timeouts=Timeouts(total=2, attempt=2))
    with pytest.raises(DeadlineExceeded):
        await bench.send()
    assert bench.events.one(AttemptEnded).result == "timeout"


@virtual
@pytest.mark.parametrize(
    ("attempt", "expected"), [(2.001, UpstreamTimeout), (2.009, DeadlineExceeded), (2.02, DeadlineExceeded)]
)
async def test_1_5_in_one_tick_the_earlier_limit_is_the_one_that_fired(attempt: float, expected: type[Exception]):
    """Both limits fall into one tick of the wheel; comparing them decides, not which handler ran."""
    script = ScriptedTransport(then=hang(), obey=False)
    bench = Bench(script, {"retry": retrying()}, timeouts=Timeouts(total=2.009, attempt=attempt))
    with pytest.raises(expected):
        await bench.send()
    assert len(script.seen) == 1


@virtual
async def test_1_6_remaining_time_goes_upstream_in_milliseconds():
    """Each attempt is told how long it has: its own limit, then what is left of the call."""
    script = ScriptedTransport([fail(ConnectError(), after=2.5), 200])
    bench = Bench(
        script,
        {"retry": retrying(), "deadline": {"deadline_header": "X-Time-Left"}},
        timeouts=Timeouts(total=6, attempt=4),
    )
    await bench.status()
    told = [dict(seen.attempt.headers)[b"x-time-left"] for seen in script.seen]
    assert told[0] == b"4000"
    assert int(told[1]) == pytest.approx(3500, abs=2)


@virtual
async def test_1_6_nothing_goes_upstream_where_not_configured():
    """Without `deadline_header` and trace an attempt adds no header."""
    script = ScriptedTransport([200])
    await Bench(script).status()
    assert script.seen[0].attempt.headers == []


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        (b"x-request-timeout", b"2", 102.0),
        (b"x-request-timeout", b"0.5", 100.5),
        (b"x-request-timeout", b"60", 110.0),
        (b"grpc-timeout", b"2S", 102.0),
        (b"grpc-timeout", b"500m", 100.5),
        (b"grpc-timeout", b"1H", 110.0),
    ],
)
def test_1_6_hints_of_callers_only_shorten_the_deadline(name: bytes, value: bytes, expected: float):
    """A shorter hint counts, a longer one changes nothing."""
    assert hinted([(name, value)], 110.0, 100.0) == pytest.approx(expected)


@virtual
async def test_1_6_a_deadline_already_passed_reaches_no_upstream():
    """A call that comes too late is refused before anything is sent."""
    script = ScriptedTransport()
    bench = Bench(script)
    with pytest.raises(DeadlineExceeded):
        await bench.send(deadline=bench.loop.time())
    assert script.seen == []


@virtual
async def test_1_1_a_run_that_began_earlier_keeps_its_stream_deadline():
    """The stream's deadline counts from the arrival of the call, not from the answer."""
    source = ScriptedSource([b"a"])
    script = ScriptedTransport([stream(b"a"), lambda _: Reply(200, [], source, None, True)])
    bench = Bench(script, timeouts=Timeouts(total=30, stream=100))
    run = Run(bench.loop.time() - 10, 3)
    (await bench.send(run=run)).close()
    (await bench.send(run=run)).close()
    assert source.limits == [1090]


TWO = (target("a"), target("b"))


@virtual
async def test_1_2_one_attempt_is_held_back_for_every_target_not_yet_tried():
    """Three attempts and one backup: the first target has two, the backup the third."""
    places = Places(a=ScriptedTransport(then=503), b=ScriptedTransport(then=503))
    bench = Bench(places, {"fallback": {"targets": ["b"]}, "retry": retrying(attempts=9)}, targets=TWO)
    assert await bench.status(budget=3) == 503
    assert places.seen == ["a", "a", "b"]


@virtual
async def test_1_2_a_target_that_is_not_the_last_may_use_try_for_at_most():
    """Also where it would answer in time; by default it has 60 % of what is left."""
    for settings, at in (({"targets": ["b"], "try_for": 2.0}, 2), ({"targets": ["b"]}, 6)):
        places = Places(a=ScriptedTransport(then=hang(), obey=False), b=ScriptedTransport(then=200))
        bench = Bench(places, {"fallback": settings}, targets=TWO, timeouts=Timeouts(total=10))
        assert await bench.status() == 200
        assert bench.loop.time() - places.scripts["a"].times[0] == pytest.approx(at, abs=0.02)


@virtual
async def test_1_2_attempts_end_50_ms_before_the_deadline_where_a_fixed_answer_waits():
    """It is in time, and without one the whole time is the attempts'."""
    script = ScriptedTransport(then=hang(), obey=False)
    bench = Bench(script, {"fallback": {"status": 203}}, timeouts=Timeouts(total=2))
    assert await bench.status() == 203
    assert script.seen[0].handed - script.times[0] == pytest.approx(1.95, abs=0.02)
