"""Policies that meet: one test or more for every two of deadline, retry, breaker, rate and concurrency."""

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines import Bench, high, retrying
from seawall.contracts.errors import BreakerOpen, CallError, ConnectError, DeadlineExceeded, Saturated, UpstreamTimeout
from seawall.contracts.events import AttemptEnded, BreakerChanged, UpstreamPaused
from seawall.contracts.target import Timeouts
from seawall.testing import ScriptedSource, ScriptedTransport, answer, hang, run_virtual, stream, virtual

TRIPS = {"min_calls": 3, "window": 60.0, "open": 5.0, "probes": 1}
SLOTS = {"limit": 2, "queue": 2, "wait": 2.0}


@virtual
async def test_retry_and_breaker_each_attempt_is_counted():
    """One call of three failing attempts is three failures, and opens a breaker that asks for three."""
    bench = Bench(ScriptedTransport(then=503), {"retry": retrying(), "breaker": TRIPS})
    assert await bench.status() == 503
    assert bench.events.one(BreakerChanged).new == "open"


@virtual
async def test_retry_and_breaker_a_refusal_is_not_tried_again():
    """The breaker opens between two attempts: the call ends with its refusal, at once."""
    script = ScriptedTransport(then=503)
    bench = Bench(script, {"retry": retrying(attempts=5), "breaker": TRIPS})
    with pytest.raises(BreakerOpen) as caught:
        await bench.send(budget=5)
    assert len(script.seen) == 3
    assert caught.value.retry_after == pytest.approx(5, abs=0.01)
    assert script.open == 0


@virtual
async def test_retry_and_breaker_refusals_take_no_budget():
    """A hundred calls an open breaker refuses leave the retry budget as it was, but for their own shares."""
    bench = Bench(ScriptedTransport(then=503), {"retry": retrying(budget=0.0, floor=9), "breaker": TRIPS})
    await bench.status()
    left = bench.kept("retry", "budget").left(bench.loop.time(), 9)
    for _ in range(100):
        with pytest.raises(BreakerOpen):
            await bench.send()
    assert bench.kept("retry", "budget").left(bench.loop.time(), 9) == left


@virtual
async def test_retry_and_deadline_no_attempt_begins_past_it():
    """A backoff that would end past the deadline is not begun; the last answer is handed on at once."""
    script = ScriptedTransport(then=answer(503, after=2))
    bench = Bench(script, {"retry": retrying(base=4.0, max=4.0)}, uniform=high, timeouts=Timeouts(total=5))
    assert await bench.status() == 503
    assert (len(script.seen), bench.loop.time()) == (1, 1002)


@virtual
async def test_retry_and_deadline_attempts_that_hang_are_tried_again_in_time():
    """One hanging attempt costs its own limit, not the call."""
    script = ScriptedTransport([hang()], then=200, obey=False)
    bench = Bench(script, {"retry": retrying()}, timeouts=Timeouts(total=10, attempt=1))
    assert await bench.status() == 200
    assert bench.loop.time() == pytest.approx(1001, abs=0.03)


@virtual
async def test_retry_and_concurrency_no_slot_is_held_between_attempts():
    """While a call waits for its retry its slot serves others, and a refusal by the queue is not tried again."""
    script = ScriptedTransport([503], then=200)
    bench = Bench(
        script, {"retry": retrying(base=10.0, max=10.0), "concurrency": {"limit": 1, "queue": 0}}, uniform=high
    )
    waiting = bench.start()
    await asyncio.sleep(1)
    assert await bench.status() == 200
    assert (await waiting).status == 200


@virtual
async def test_retry_and_concurrency_refusal_is_passed_on():
    """A full queue refuses once, and the call says so without trying again."""
    script = ScriptedTransport(then=answer(200, after=60))
    bench = Bench(
        script, {"retry": retrying(), "concurrency": {"limit": 1, "queue": 0}}, timeouts=Timeouts(total=90, attempt=90)
    )
    first = bench.start()
    await asyncio.sleep(0)
    with pytest.raises(Saturated):
        await bench.send()
    assert len(script.seen) == 1
    assert (await first).status == 200


@virtual
async def test_retry_and_concurrency_abandoned_stream_gives_its_slot_back():
    """A 503 with a body that still comes is closed before the retry, or the retry would wait for its own slot."""
    script = ScriptedTransport([stream(b"x", status=503, hanging=True), 200])
    bench = Bench(script, {"retry": retrying(), "concurrency": {"limit": 1, "queue": 0}})
    assert await bench.status() == 200


@virtual
async def test_retry_and_rate_every_attempt_takes_its_turn():
    """Three attempts are three units of the rate."""
    script = ScriptedTransport(then=503)
    bench = Bench(script, {"retry": retrying(), "rate": {"limit": "1/s", "burst": 1, "wait": 5.0}})
    assert await bench.status() == 503
    assert [at - script.times[0] for at in script.times] == pytest.approx([0, 1, 2], abs=0.05)


@virtual
async def test_retry_pause_and_rate_the_pause_takes_no_turns():
    """Calls that wait for a pause have not reserved a turn; afterwards the rate still holds."""
    script = ScriptedTransport([answer(429, b"", [(b"retry-after", b"5")])], then=200)
    bench = Bench(script, {"retry": retrying(attempts=1), "rate": {"limit": "1/s", "burst": 1, "wait": 20.0}})
    await bench.status()
    await asyncio.wait([bench.start() for _ in range(3)])
    assert [round(at - script.times[0]) for at in script.times] == [0, 5, 6, 7]


@virtual
async def test_retry_pause_and_breaker_open_refuses_before_the_pause():
    """Nobody waits for a pause in front of a target the breaker keeps shut."""
    script = ScriptedTransport([503, 503, answer(503, b"", [(b"retry-after", b"20")])])
    bench = Bench(script, {"retry": retrying(attempts=1), "breaker": {**TRIPS, "open": 10.0}})
    for _ in range(3):
        await bench.status()
    assert bench.events.one(UpstreamPaused).seconds == 20
    with pytest.raises(BreakerOpen):
        await bench.send()
    assert bench.loop.time() == 1000


@virtual
async def test_retry_pause_and_concurrency_no_slot_is_held_while_paused():
    """Calls that wait for the pause's end leave the slots to calls that are under way."""
    script = ScriptedTransport([answer(429, b"", [(b"retry-after", b"5")])], then=200)
    bench = Bench(script, {"retry": retrying(attempts=1), "concurrency": {"limit": 1, "queue": 0}})
    await bench.status()
    waiting = bench.start()
    await asyncio.sleep(1)
    assert bench.kept("concurrency", "").gate.taken == 0
    assert (await waiting).status == 200


@virtual
async def test_breaker_and_concurrency_probes_need_slots():
    """Half-open with one slot: two probes go one after the other, and a call that queued behind them goes on closed."""
    script = ScriptedTransport([503] * 3, then=answer(200, after=1))
    bench = Bench(script, {"breaker": {**TRIPS, "probes": 2}, "concurrency": {"limit": 1, "queue": 9, "wait": 9.0}})
    for _ in range(3):
        await bench.status()
    await asyncio.sleep(5)
    assert await asyncio.gather(*(bench.status() for _ in range(3))) == [200, 200, 200]
    assert [round(at - script.times[0]) for at in script.times[3:]] == [5, 6, 7]
    assert [event.new for event in bench.events.of(BreakerChanged)] == ["open", "half_open", "closed"]


@virtual
async def test_breaker_and_concurrency_a_full_queue_is_no_failure():
    """Refusals of our own never open the breaker."""
    script = ScriptedTransport(then=answer(200, after=20))
    bench = Bench(script, {"breaker": TRIPS, "concurrency": {"limit": 1, "queue": 0}})
    first = bench.start()
    await asyncio.sleep(0)
    for _ in range(50):
        with pytest.raises(Saturated):
            await bench.send()
    assert (await first).status == 200
    assert bench.events.of(BreakerChanged) == []


@virtual
async def test_breaker_and_rate_an_open_breaker_uses_no_turns():
    """Calls refused at the gate leave the rate to those that come after."""
    script = ScriptedTransport([*[503] * 3], then=200)
    bench = Bench(script, {"breaker": TRIPS, "rate": {"limit": "4/h", "burst": 4, "wait": 0.0}})
    for _ in range(3):
        await bench.status()
    for _ in range(50):
        with pytest.raises(BreakerOpen):
            await bench.send()
    await asyncio.sleep(5)
    assert await bench.status() == 200


@virtual
async def test_breaker_and_deadline_a_hanging_upstream_trips():
    """Attempts without a limit of their own end by the call's deadline, and count."""
    script = ScriptedTransport(then=hang(), obey=False)
    bench = Bench(script, {"breaker": TRIPS, "retry": retrying()}, timeouts=Timeouts(total=2))
    for _ in range(3):
        with pytest.raises(DeadlineExceeded):
            await bench.send()
    with pytest.raises(BreakerOpen):
        await bench.send()


@virtual
async def test_breaker_and_deadline_both_limits_in_one_turn_count_once():
    """Attempt limit and deadline pass in one tick: one failure."""
    script = ScriptedTransport(then=hang(), obey=False)
    bench = Bench(script, {"breaker": TRIPS}, timeouts=Timeouts(total=2.009, attempt=2.001))
    with pytest.raises(UpstreamTimeout):
        await bench.send()
    assert bench.kept("breaker").status()[1:3] == (1, 1)


@virtual
async def test_rate_and_deadline_a_turn_that_comes_too_late_is_refused():
    """Nobody waits for a turn past the deadline."""
    script = ScriptedTransport(then=200)
    bench = Bench(script, {"rate": {"limit": "6/min", "burst": 1, "wait": 60.0}}, timeouts=Timeouts(total=5))
    assert await bench.status() == 200
    with pytest.raises(Saturated):
        await bench.send()
    assert bench.loop.time() == 1000


@virtual
async def test_rate_and_concurrency_the_slot_is_taken_after_the_turn():
    """Calls that wait for their turn hold no slot."""
    script = ScriptedTransport(then=200)
    bench = Bench(script, {"rate": {"limit": "1/s", "burst": 1, "wait": 9.0}, "concurrency": {"limit": 1, "queue": 0}})
    tasks = [bench.start() for _ in range(3)]
    await asyncio.wait(tasks)
    assert [task.result().status for task in tasks] == [200, 200, 200]


@virtual
async def test_concurrency_and_deadline_the_slot_is_given_back():
    """A call ended by its deadline leaves its slot to the next."""
    script = ScriptedTransport([hang()], then=200, obey=False)
    bench = Bench(script, {"concurrency": {"limit": 1, "queue": 0}}, timeouts=Timeouts(total=1))
    with pytest.raises(DeadlineExceeded):
        await bench.send()
    assert await bench.status() == 200


EVERYTHING = {
    "retry": {"attempts": 3, "base": 0.01, "pause_max": 2.0},
    "breaker": {"min_calls": 5, "window": 5.0, "open": 0.5, "open_max": 1.0, "probes": 2},
    "rate": {"limit": "50/s", "burst": 20, "wait": 0.5},
    "concurrency": {"limit": 3, "queue": 5, "wait": 0.3},
}


@given(st.integers(0, 2**32))
@settings(max_examples=25)
def test_everything_at_once_leaves_nothing_behind(seed: int):
    """Random answers, failures, streams, hangs and callers that leave: afterwards every book is balanced."""
    run_virtual(_storm(random.Random(seed)))


async def _storm(chance: random.Random) -> None:
    def steps():
        while True:
            yield chance.choice(
                [
                    200, 200, 503, ConnectError(), answer(200, after=0.1), hang(), hang(),
                    answer(429, b"", [(b"retry-after-ms", b"300")]), stream(b"a", b"b", gap=0.05),
                    stream(b"a", b"b", cut=1), stream(b"x", status=503, hanging=True),
                ]
            )  # fmt: skip

    script = ScriptedTransport(steps(), obey=False)
    bench = Bench(script, EVERYTHING, uniform=chance.uniform, timeouts=Timeouts(total=2, attempt=0.4, stream=3))

    async def one() -> None:
        fields = {}
        if chance.random() < 0.2:
            fields = {"method": b"PUT", "length": None, "body": ScriptedSource([b"abc"] * 3)}
        try:
            reply = await bench.send(**fields)
        except CallError:
            return
        try:
            while type(reply.body) is not bytes and await reply.body.read():
                pass
        except CallError:
            pass
        finally:
            reply.close()

    tasks = []
    for _ in range(60):
        task = bench.loop.create_task(one())
        tasks.append(task)
        if chance.random() < 0.3:
            bench.loop.call_later(chance.uniform(0, 0.5), task.cancel)
        await asyncio.sleep(chance.uniform(0, 0.05))
    done, pending = await asyncio.wait(tasks, timeout=30)
    assert not pending
    assert [task.exception() for task in done if not task.cancelled() and task.exception()] == []
    assert (script.open, script.waiting) == (0, 0)
    assert script.peak <= 3
    assert bench.kept("concurrency", "").gate.taken == 0
    assert bench.buffers.used == 0
    assert bench.kept("breaker").core._out == {}
    pause = bench.kept("retry", "pause api")
    assert (pause.scouting, pause.waiters) == (False, set())
    assert len(bench.events.of(AttemptEnded)) == len(script.seen)
