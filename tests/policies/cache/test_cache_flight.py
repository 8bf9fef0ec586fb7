"""One request upstream for all who wait: semantics 7.8, in virtual time."""

import asyncio

import pytest
from cache_exchange import build, flights, make_call
from cache_upstream import FRESH, Upstream, get, settle

from seawall.contracts.call import Call
from seawall.contracts.errors import (
    ConnectError,
    DeadlineExceeded,
    QuotaExceeded,
    Saturated,
)
from seawall.contracts.reply import Reply
from seawall.testing import ScriptedSource, virtual


@virtual
async def test_a_thousand_concurrent_misses_are_one_call_upstream():
    """All get the answer, all but one of them collapsed."""
    stage, _ = build()
    upstream = Upstream()
    answers = await asyncio.gather(*(get(stage, upstream) for _ in range(1000)))
    assert len(upstream.calls) == 1
    assert {(status, body) for status, body, _ in answers} == {(200, b"x")}
    collapsed = [reply for _, _, reply in answers if b"collapsed" in (reply.header(b"cache-status") or b"")]
    assert len(collapsed) == 999
    assert upstream.closed == 1


@virtual
async def test_a_thousand_concurrent_misses_of_a_failing_upstream_are_one_call():
    """Its error is everybody's."""

    def fail(_: Call) -> Reply:
        raise ConnectError

    stage, _ = build()
    upstream = Upstream(fail)
    answers = await asyncio.gather(*(get(stage, upstream) for _ in range(1000)), return_exceptions=True)
    assert len(upstream.calls) == 1
    assert {type(answer) for answer in answers} == {ConnectError}


@virtual
async def test_a_leader_that_leaves_takes_nobody_with_it():
    """The flight is its own task."""
    stage, _ = build()
    upstream = Upstream()
    leader = asyncio.create_task(get(stage, upstream))
    await asyncio.sleep(0.1)
    follower = asyncio.create_task(get(stage, upstream))
    await asyncio.sleep(0.1)
    leader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leader
    assert (await follower)[1] == b"x"
    assert len(upstream.calls) == 1
    assert upstream.cancelled == 0


@virtual
async def test_the_last_one_leaving_cancels_the_call():
    """At once; the next one asks anew."""
    stage, context = build()
    upstream = Upstream()
    tasks = [asyncio.create_task(get(stage, upstream)) for _ in range(3)]
    await asyncio.sleep(0.1)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    await settle()
    assert upstream.cancelled == 1
    assert len(flights(context)) == 0
    assert flights(context).table == {}
    assert flights(context).under_way == {}
    assert (await get(stage, upstream))[0] == 200


@virtual
async def test_one_who_leaves_in_the_turn_in_which_he_came_leaves_nothing():
    """The flight has hardly taken off."""
    stage, context = build()
    upstream = Upstream()
    task = asyncio.create_task(get(stage, upstream))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    await settle()
    assert upstream.cancelled == len(upstream.calls)
    assert (flights(context).table, flights(context).under_way, len(flights(context))) == ({}, {}, 0)


@virtual
async def test_closing_before_a_flight_takes_off_tells_who_waits():
    """Nobody waits for ever."""
    stage, context = build()
    task = asyncio.create_task(get(stage, Upstream()))
    await asyncio.sleep(0)
    await flights(context).close()
    with pytest.raises(Saturated):
        await task
    assert flights(context).under_way == {}


@virtual
async def test_an_answer_that_may_not_be_shared_lets_everybody_go_at_its_headers():
    """They go upstream themselves, all at once, and for thirty seconds nobody waits there."""
    stage, context = build()
    source = ScriptedSource([b"mine"], gap=10)
    bodies = iter([source])
    upstream = Upstream(lambda _: Reply(200, [(b"cache-control", b"private")], next(bodies, b"yours")))
    loop = asyncio.get_running_loop()
    began = loop.time()
    tasks = [asyncio.create_task(get(stage, upstream)) for _ in range(10)]
    await asyncio.wait(tasks[1:])
    assert loop.time() - began == pytest.approx(2.0)  # one to see the headers, one for their own
    assert (await tasks[0])[1] == b"mine"
    assert [task.result()[1] for task in tasks[1:]] == [b"yours"] * 9
    assert len(upstream.calls) == 10
    began = loop.time()
    await asyncio.gather(get(stage, upstream), get(stage, upstream))
    assert loop.time() - began == pytest.approx(1.0)
    await asyncio.sleep(31)
    began = loop.time()
    await asyncio.gather(get(stage, upstream), get(stage, upstream))
    assert loop.time() - began == pytest.approx(2.0)
    assert len(flights(context)) == 0


@virtual
async def test_an_answer_only_the_leader_may_have_is_closed_when_it_has_left():
    """It is nobody else's."""
    stage, _ = build()
    upstream = Upstream(headers=[(b"set-cookie", b"a=b")])
    leader = asyncio.create_task(get(stage, upstream))
    await asyncio.sleep(0.1)
    follower = asyncio.create_task(get(stage, upstream))
    await asyncio.sleep(0.1)
    leader.cancel()
    await asyncio.wait([leader])
    assert (await follower)[0] == 200
    assert len(upstream.calls) == 2
    assert upstream.closed == 2


@virtual
async def test_an_answer_that_is_stale_on_arrival_is_not_shared():
    """RFC 9111 section 4: only one that may be reused may serve several."""
    stage, _ = build()
    upstream = Upstream(headers=[(b"cache-control", b"max-age=0"), (b"etag", b'"1"')])
    answers = await asyncio.gather(*(get(stage, upstream) for _ in range(3)))
    assert len(upstream.calls) == 3
    assert all(b"collapsed" not in (reply.header(b"cache-status") or b"") for _, _, reply in answers)


@virtual
async def test_waiters_whose_variant_it_is_not_ask_again_one_for_each_variant():
    """Once Vary is known, each variant has a flight of its own."""
    stage, _ = build()
    upstream = Upstream(lambda call: Reply(200, [*FRESH, (b"vary", b"foo")], call.headers[0][1]))
    calls = [make_call(headers=[("Foo", str(number % 4))]) for number in range(100)]
    answers = await asyncio.gather(*(get(stage, upstream, call) for call in calls))
    assert [body for _, body, _ in answers] == [b"%d" % (number % 4) for number in range(100)]
    assert len(upstream.calls) == 4


@virtual
async def test_what_a_flight_cost_is_in_the_books_of_its_leader():
    """Attempts and times are the call's own, for the log."""
    stage, _ = build()

    def make(call: Call) -> Reply:
        call.run.attempts += 2
        call.run.wire_time += 1.5
        call.run.notes.append(("hedge", None, "won"))
        return Reply(200, list(FRESH), b"x")

    upstream = Upstream(make)
    leader, follower = make_call(), make_call()
    await asyncio.gather(get(stage, upstream, leader), get(stage, upstream, follower))
    assert (leader.run.attempts, leader.run.wire_time, len(leader.run.notes)) == (2, 1.5, 1)
    assert (follower.run.attempts, follower.run.wire_time) == (0, 0.0)
    assert (leader.run.cache, follower.run.cache) == ("miss", "miss")


@virtual
async def test_a_leaders_short_deadline_is_not_everybodys():
    """The flight has the time a call of the route has."""
    stage, _ = build()
    upstream = Upstream(after=5)
    hurried = make_call(deadline=asyncio.get_running_loop().time() + 1)
    leader = asyncio.create_task(stage.send(hurried, upstream))
    await asyncio.sleep(0.5)
    follower = asyncio.create_task(get(stage, upstream))
    await asyncio.sleep(0.5)
    leader.cancel()  # as the deadline stage does
    await asyncio.wait([leader])
    assert (await follower)[0] == 200
    assert upstream.calls[0].deadline == pytest.approx(1000 + 30)


@virtual
async def test_a_flight_that_runs_out_of_time_is_asked_again_by_those_who_still_have_some():
    """Its deadline was the leader's."""
    stage, _ = build()
    durations = iter([100.0, 1.0])
    calls = 0

    async def upstream(_: Call) -> Reply:
        nonlocal calls
        calls += 1
        await asyncio.sleep(next(durations))
        return Reply(200, list(FRESH), b"x")

    leader = asyncio.create_task(get(stage, upstream))
    await asyncio.sleep(20)
    follower = asyncio.create_task(get(stage, upstream))
    with pytest.raises(DeadlineExceeded):
        await leader
    assert (await follower)[0] == 200
    assert calls == 2


@virtual
async def test_a_leaders_quota_is_not_everybodys():
    """A follower has its own."""
    outcomes = iter([QuotaExceeded(), None])

    def make(_: Call) -> Reply:
        error = next(outcomes)
        if error is not None:
            raise error
        return Reply(200, list(FRESH), b"x")

    stage, _ = build()
    upstream = Upstream(make)
    answers = await asyncio.gather(get(stage, upstream), get(stage, upstream), return_exceptions=True)
    assert isinstance(answers[0], QuotaExceeded)
    assert answers[1][0] == 200


@virtual
async def test_a_failure_nobody_expected_reaches_everybody_who_waits():
    """It is not swallowed, and nobody is left waiting."""

    def bug(_: Call) -> Reply:
        raise ZeroDivisionError

    stage, _ = build()
    lost: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: lost.append(context["exception"]))
    answers = await asyncio.gather(get(stage, Upstream(bug)), get(stage, Upstream(bug)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [ZeroDivisionError] * 2
    assert [type(error) for error in lost] == [ZeroDivisionError]
