"""Semantics 6, sentence by sentence: a second attempt beside a slow first one."""

import asyncio
import random
from functools import partial

import pytest
from limits_rig import Rig, streaming

from seawall.contracts.budget import RetryBudget
from seawall.contracts.errors import ConnectError, DeadlineExceeded, UpstreamBroken, UpstreamTimeout
from seawall.contracts.reply import Reply
from seawall.pipeline.compose import compose
from seawall.policies import breaker, deadline, hedge
from seawall.testing import ScriptedSource, virtual

SPEC = hedge.SPEC
AFTER = {"after": "50ms"}


class Tries:
    """An upstream whose tries of a call each follow a step: (seconds, status or error or Reply maker)."""

    def __init__(self, *steps):
        self.steps = steps
        self.began = []
        self.replies = []
        self.closed = []
        self.in_flight = 0
        self.cancelled = 0

    async def __call__(self, call):
        """Be tried."""
        number = len(self.began)
        self.began.append(asyncio.get_running_loop().time())
        call.run.attempts += 1
        seconds, result = self.steps[min(number, len(self.steps) - 1)]
        self.in_flight += 1
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.in_flight -= 1
        if isinstance(result, BaseException):
            raise result
        reply = result() if callable(result) else Reply(result, [], b"%d" % number)
        self.replies.append(reply)
        reply.on_close(partial(self.closed.append, reply))
        return reply

    @property
    def open(self):
        """Replies nobody has closed."""
        return [reply for reply in self.replies if not any(reply is other for other in self.closed)]


async def run(tries, settings=AFTER, rig=None, **more):
    """Make one call; return what it came to and how long it took."""
    rig = rig or Rig()
    pipeline = rig.build(SPEC, settings, tries)
    began = rig.now()
    reply = await pipeline(rig.call(**more))
    return reply, rig.now() - began


@virtual
async def test_6_a_slow_first_attempt_gets_a_second_and_the_first_good_answer_wins():
    """The second answers first; the first is cancelled, and has ended when the call returns."""
    tries = Tries((9.0, 200), (0.02, 200))
    reply, seconds = await run(tries)
    assert reply.body == b"1"
    assert seconds == pytest.approx(0.07, abs=0.02)
    assert (tries.cancelled, tries.in_flight) == (1, 0)
    assert asyncio.current_task().cancelling() == 0


@virtual
async def test_6_the_first_may_still_win():
    """Then the hedge is the loser."""
    tries = Tries((0.1, 200), (9.0, 200))
    reply, seconds = await run(tries)
    assert reply.body == b"0"
    assert seconds == pytest.approx(0.1, abs=0.01)
    assert (tries.cancelled, tries.in_flight) == (1, 0)


@virtual
async def test_6_a_fast_answer_is_never_hedged():
    """And leaves no timer."""
    rig, tries = Rig(), Tries((0.01, 200))
    await run(tries, rig=rig)
    assert len(tries.began) == 1
    assert len(rig.wheel) == 0


@pytest.mark.parametrize(
    ("more", "count"),
    [
        ({"method": b"GET"}, 2),
        ({"method": b"POST"}, 1),
        ({"method": b"POST", "idempotent": True}, 2),
        ({"method": b"POST", "idempotent": True, "body": b"twice"}, 2),
        ({"method": b"PUT", "idempotent": True, "body": ScriptedSource((b"once",))}, 1),
    ],
)
def test_6_only_safe_methods_or_with_an_idempotency_key_and_a_body_to_send_twice(more, count):
    """A stream can be read once only."""

    @virtual
    async def check():
        tries = Tries((0.2, 200))
        await run(tries, **more)
        assert len(tries.began) == count

    check()


@virtual
async def test_6_after_the_p95_of_recent_answers():
    """Nothing is hedged before 50 answers are known; then what is slower than 95 of 100."""
    rig = Rig()
    for number in range(49):
        tries = Tries((9.0, 200), (0.01, 200))
        await run(tries, {"after": "p95"}, rig)
        assert len(tries.began) == 1, number
    recent = rig.kept["shop", "hedge", ""]
    for number in range(1000):
        recent.add(0.010 + 0.0001 * number)
    tries = Tries((9.0, 200), (0.01, 200))
    began = rig.now()
    await run(tries, {"after": "p95"}, rig)
    assert tries.began[1] - began == pytest.approx(0.105, abs=0.011)


@pytest.mark.parametrize("after", ["0s", "0.5ms", "p0", "p100", "soon"])
def test_6_a_given_time_is_at_least_a_millisecond(after):
    """And a percentile lies between 1 and 99.9."""
    with pytest.raises(ValueError, match="must be a percentile or a duration of at least 1ms"):
        SPEC.settings.model_validate({"after": after})


@virtual
async def test_6_at_most_max_more():
    """Each after the time given; the last may win."""
    tries = Tries((9.0, 200), (9.0, 200), (9.0, 200), (0.01, 200))
    reply, seconds = await run(tries, {"after": "50ms", "max": 3})
    assert reply.body == b"3"
    assert seconds == pytest.approx(0.16, abs=0.04)
    assert (len(tries.began), tries.cancelled) == (4, 3)
    rig, tries = Rig(), Tries((1.0, 200), (9.0, 200))
    call = rig.call()
    call.run.budget = 9  # what retry may use is no room for hedges
    rig.keep("shop", "retry", "budget", RetryBudget).add(rig.now(), 9.0)
    await rig.build(SPEC, {"after": "50ms", "max": 2}, tries)(call)
    assert len(tries.began) == 3


@virtual
async def test_6_within_the_retry_budget():
    """3 per 10 s where nothing else is added; the budget is the one retries use."""
    rig, tries = Rig(), Tries((0.1, 200))
    for _ in range(10):
        await run(tries, rig=rig)
    assert len(tries.began) == 13
    budget = rig.kept["shop", "retry", "budget"]
    assert isinstance(budget, RetryBudget)
    assert not budget.take(rig.now(), 3)


@virtual
async def test_6_within_the_attempts_of_the_call():
    """What is held back for other targets is not used, and nothing after the first byte has reached the client."""
    for change, count in ((lambda run: None, 2), (lambda run: setattr(run, "held", 1), 1), (_commit, 1)):
        rig, tries = Rig(), Tries((0.2, 200))
        call = rig.call()
        change(call.run)
        await rig.build(SPEC, AFTER, tries)(call)
        assert len(tries.began) == count


def _commit(run):
    run.committed = True


@pytest.mark.parametrize("failure", [503, 429, 500, ConnectError(), UpstreamBroken()])
@pytest.mark.parametrize("first", [True, False])
def test_6_a_fast_failure_never_beats_a_slow_success(failure, first):
    """Whichever of the two it was."""

    @virtual
    async def check():
        steps = ((0.08, failure), (0.3, 200)) if first else ((0.4, 200), (0.01, failure))
        tries = Tries(*steps)
        reply, seconds = await run(tries)
        assert reply.status == 200
        assert seconds == pytest.approx(0.35 if first else 0.4, abs=0.02)
        assert tries.open == [reply]

    check()


@virtual
async def test_6_where_all_fail_the_first_attempts_failure_is_told():
    """A reply as it is, an error as it was; an answer goes before an error."""
    reply, _ = await run(Tries((0.1, 503), (0.1, 502)))
    assert reply.status == 503
    with pytest.raises(UpstreamTimeout):
        await run(Tries((0.1, UpstreamTimeout("attempt")), (0.1, ConnectError())))
    tries = Tries((0.1, ConnectError()), (0.1, 502))
    reply, _ = await run(tries)
    assert reply.status == 502
    assert tries.open == [reply]


@virtual
async def test_6_a_bug_ends_the_race():
    """What is no failure of the upstream is nobody's second chance."""
    tries = Tries((0.1, KeyError("bug")), (9.0, 200))
    with pytest.raises(KeyError):
        await run(tries)
    assert (tries.in_flight, tries.cancelled) == (0, 1)


@virtual
async def test_6_a_failure_before_the_hedge_is_told_at_once():
    """Trying again is the retry policy's business."""
    tries = Tries((0.01, ConnectError()), (0.0, 200))
    with pytest.raises(ConnectError):
        await run(tries)
    assert len(tries.began) == 1


@virtual
async def test_6_losers_are_closed():
    """Also one that answered in the very turn another won."""
    rig, held, replies, closed = Rig(), [], [], []

    async def both(call):
        call.run.attempts += 1
        held.append(rig.loop.create_future())
        await held[-1]
        reply = streaming()
        replies.append(reply)
        reply.on_close(lambda: closed.append(reply))
        return reply

    task = asyncio.ensure_future(rig.build(SPEC, AFTER, both)(rig.call()))
    await asyncio.sleep(0.1)
    held[1].set_result(None)
    held[0].set_result(None)
    winner = await task
    assert len(replies) == 2
    assert closed == [reply for reply in replies if reply is not winner]


@virtual
async def test_6_a_losers_time_is_no_sample():
    """Only what callers waited for an answer is."""
    rig = Rig()
    await run(Tries((9.0, 200), (0.02, 200)), {"after": "p95"}, rig)
    recent = rig.kept["shop", "hedge", ""]
    assert list(recent._answers) == [9.0]  # nothing known yet, so nothing was hedged
    for _ in range(60):
        recent.add(0.05)
    await run(Tries((9.0, 200), (0.02, 200)), {"after": "p95"}, rig)
    assert recent._answers[-1] == pytest.approx(0.07, abs=0.02)
    await run(Tries((0.01, 500)), {"after": "p95"}, rig)
    assert recent._answers[-1] == pytest.approx(0.07, abs=0.02)


@virtual
async def test_6_the_breaker_sees_each_attempt_and_the_caller_one():
    """Two failures for the breaker, one error for the caller."""
    rig, tries = Rig(), Tries((0.1, 503), (0.1, 503))
    stages = rig.stages(SPEC, AFTER) + rig.stages(breaker.SPEC, {})
    call = rig.call()
    reply = await compose(stages, tries)(call)
    assert reply.status == 503
    assert call.run.attempts == 2
    (kept,) = [state for key, state in rig.kept.items() if key[1] == "breaker"]
    assert kept.status().failures == 2


@virtual
async def test_6_percentile_hedging_meets_its_target():
    """1 % of answers take 1 s, the rest 20 ms: p99.5 below 100 ms at no more than 7 % extra calls."""
    rig, dice = Rig(), random.Random(6)
    budget_share = 0.2
    count = 0

    async def bimodal(call):
        nonlocal count
        count += 1
        call.run.attempts += 1
        await asyncio.sleep(1.0 if dice.random() < 0.01 else dice.lognormvariate(-3.912, 0.15))
        return Reply(200, [], b"ok")

    pipeline = rig.build(SPEC, "p95", bimodal)
    budget = rig.kept["shop", "retry", "budget"]
    latencies = []

    async def one():
        budget.add(rig.now(), budget_share)
        began = rig.now()
        await pipeline(rig.call())
        latencies.append(rig.now() - began)

    tasks = []
    for _ in range(8_000):
        tasks.append(asyncio.ensure_future(one()))
        await asyncio.sleep(dice.expovariate(100))
    await asyncio.gather(*tasks)
    settled = sorted(latencies[1000:])
    assert settled[int(len(settled) * 0.995)] < 0.1
    assert count / 8_000 <= 1.07


@pytest.mark.parametrize("moment", [0.01, 0.055, 0.105, 0.16])
@pytest.mark.parametrize(
    "steps",
    [((0.1, 200), (0.1, 200)), ((0.1, 503), (0.1, 200)), ((9.0, 200), (0.1, 200)), ((0.1, ConnectError()), (9.0, 200))],
)
def test_6_cancelled_at_any_await_leaves_nobody_running(moment, steps):
    """Before the hedge, beside it, while waiting for it after a failure."""

    @virtual
    async def check():
        rig, tries = Rig(), Tries(*steps)
        task = asyncio.ensure_future(rig.build(SPEC, AFTER, tries)(rig.call()))
        await asyncio.sleep(moment)
        task.cancel()
        (result,) = await asyncio.gather(task, return_exceptions=True)
        assert tries.in_flight == 0
        assert tries.open == ([result] if isinstance(result, Reply) else [])
        assert len(rig.wheel) == 0
        assert len(asyncio.all_tasks()) == 1

    check()


@virtual
async def test_6_cancelled_while_losers_end_waits_for_them():
    """A loser that takes its time to go is not left behind, and the winner's reply is closed."""
    rig = Rig()
    ended = []

    class Slow(Tries):
        async def __call__(self, call):
            first = not self.began
            try:
                return await super().__call__(call)
            except asyncio.CancelledError:
                await asyncio.sleep(0 if first else 1.0)
                ended.append(rig.now())
                raise

    tries = Slow((0.1, 200), (9.0, 200))
    task = asyncio.ensure_future(rig.build(SPEC, AFTER, tries)(rig.call()))
    await asyncio.sleep(0.5)
    assert not task.done()
    task.cancel()
    await asyncio.sleep(0.01)
    assert not task.done()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(ended) == 1
    assert tries.open == []


@virtual
async def test_6_a_hedge_that_wins_in_the_turn_of_the_deadline_stays_a_deadline():
    """A cancellation from outside is not taken for the hedge's own (semantics 1.4)."""
    for left in (0.1, 0.105, 0.11, 0.115, 0.12):
        rig, tries = Rig(), Tries((9.0, 200), (0.05, 200))
        stages = rig.stages(deadline.SPEC, {}) + rig.stages(SPEC, AFTER)
        pipeline = compose(stages, tries)
        try:
            await pipeline(rig.call(left=left))
        except DeadlineExceeded:
            assert tries.open == []
        assert tries.in_flight == 0
        assert asyncio.current_task().cancelling() == 0


@virtual
async def test_6_cancelled_by_two_in_one_turn_is_cancelled():
    """The hedge won and somebody cancelled the call before it could run."""
    rig, tries = Rig(), Tries((9.0, 200), (0.05, 200))
    task = asyncio.ensure_future(rig.build(SPEC, AFTER, tries)(rig.call()))
    while not tries.replies:
        await asyncio.sleep(0.001)
        if len(tries.began) == 2 and not tries.replies:
            hedged = [one for one in asyncio.all_tasks() if one not in (task, asyncio.current_task())]
            hedged[0].add_done_callback(lambda _: task.cancel())
            await asyncio.wait(hedged)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert tries.open == []
    assert tries.in_flight == 0


@virtual
async def test_6_ten_thousand_random_cancellations_leave_nothing():
    """No task, no reply, no timer."""
    rig, dice = Rig(), random.Random(60)
    steps = [(dice.choice((0.0, 0.01, 0.03, 0.08)), dice.choice((200, 503, 200, ConnectError()))) for _ in range(997)]

    class Random(Tries):
        async def __call__(self, call):
            self.steps = [dice.choice(steps)] * 2
            return await super().__call__(call)

    tries = Random((0.0, 200))
    pipeline = rig.build(SPEC, {"after": "5ms"}, tries)
    rig.kept["shop", "retry", "budget"].add(rig.now(), 1e9)

    async def one():
        rig.kept["shop", "retry", "budget"].add(rig.now(), 3.0)
        (await pipeline(rig.call())).close()

    cancelled = 0
    while cancelled < 10_000:
        tasks = [asyncio.ensure_future(one()) for _ in range(400)]
        await asyncio.sleep(dice.choice((0, 0.005, 0.012, 0.02, 0.04)))
        for task in dice.sample(tasks, 380):
            cancelled += task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert (tries.in_flight, tries.open) == (0, [])
        tries.replies.clear()
        assert len(asyncio.all_tasks()) == 1
        assert len(rig.wheel) == 0
