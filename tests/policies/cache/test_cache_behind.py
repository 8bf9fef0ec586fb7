"""Refreshes behind, stale copies for failures, reload and close: semantics 7.5, 7.6 and 2.7, in virtual time."""

import asyncio

import pytest
from cache_exchange import build, flights, make_call
from cache_upstream import FRESH, Upstream, get

from seawall.contracts.call import Call
from seawall.contracts.errors import (
    BreakerOpen,
    CallError,
    ConnectError,
    DeadlineExceeded,
    QuotaExceeded,
    Saturated,
)
from seawall.contracts.reply import Reply
from seawall.pipeline.states import States
from seawall.testing import ScriptedSource, virtual


@virtual
async def test_while_the_origin_is_down_for_an_hour_readers_see_no_error_and_then_one_refresh():
    """stale_if_error of a day; one reader each second."""
    stage, _ = build({"stale_if_error": 86400.0})
    down = False

    def make(_: Call) -> Reply:
        if down:
            raise ConnectError
        return Reply(200, list(FRESH), b"x")

    upstream = Upstream(make, after=0.01)
    await get(stage, upstream)
    await asyncio.sleep(61)
    down = True
    for _ in range(3600):
        assert (await get(stage, upstream))[:2] == (200, b"x")
        await asyncio.sleep(1)
    down = False
    before = len(upstream.calls)
    for _ in range(30):
        answers = await asyncio.gather(*(get(stage, upstream) for _ in range(10)))
        assert {status for status, _, _ in answers} == {200}
    assert len(upstream.calls) == before + 1


@virtual
async def test_an_open_breaker_lets_the_stale_copy_stand_in():
    """A refusal of ours that is the upstream's fault; one that is not is passed on."""
    stage, _ = build({"stale_if_error": 60})
    errors: list[CallError] = []

    def make(_: Call) -> Reply:
        if errors:
            raise errors[0]
        return Reply(200, [(b"cache-control", b"max-age=1")], b"x")

    upstream = Upstream(make, after=0.1)
    await get(stage, upstream)
    await asyncio.sleep(5)
    for error in (BreakerOpen(), Saturated(), DeadlineExceeded(), ConnectError()):
        errors[:] = [error]
        call = make_call()
        assert (await get(stage, upstream, call))[1] == b"x"
        assert call.run.cache == "stale"
    errors[:] = [QuotaExceeded()]
    with pytest.raises(QuotaExceeded):
        await get(stage, upstream)


@virtual
async def test_followers_have_the_stale_copy_too():
    """For an error status and for an error; nobody asks a second time."""
    stage, _ = build({"stale_if_error": 60})
    upstream = Upstream(headers=[(b"cache-control", b"max-age=1")], after=0.1)
    await get(stage, upstream)
    await asyncio.sleep(5)
    upstream.make = lambda _: Reply(503, [], b"ill")
    answers = await asyncio.gather(*(get(stage, upstream) for _ in range(20)))
    assert {(status, body) for status, body, _ in answers} == {(200, b"x")}
    assert len(upstream.calls) == 2
    assert upstream.closed == 2
    again = await asyncio.gather(*(get(stage, upstream) for _ in range(20)))
    assert {status for status, _, _ in again} == {200}
    assert len(upstream.calls) == 3


@virtual
async def test_patience_ends_before_the_callers_deadline():
    """A copy is given 50 ms before a deadline that comes first (semantics 1.2)."""
    stage, context = build({"stale_if_error": 60, "patience": 5})
    upstream = Upstream(headers=[(b"cache-control", b"max-age=1")], after=0.1)
    await get(stage, upstream)
    await asyncio.sleep(5)
    upstream.after = 20
    loop = asyncio.get_running_loop()
    began = loop.time()
    answers = await asyncio.gather(*(get(stage, upstream, make_call(deadline=began + 1)) for _ in range(3)))
    assert {status for status, _, _ in answers} == {200}
    assert loop.time() - began == pytest.approx(0.95, abs=0.02)
    await flights(context).drain()  # the call went on behind
    assert upstream.cancelled == 0
    assert len(upstream.calls) == 2


@virtual
async def test_a_flight_that_went_on_behind_keeps_a_body_nobody_reads():
    """A refresh is as good for a body that comes in pieces."""
    stage, context = build({"stale_while_revalidate": 60})
    upstream = Upstream(headers=[(b"cache-control", b"max-age=1")], after=0.1)
    await get(stage, upstream)
    await asyncio.sleep(5)
    upstream.make = lambda _: Reply(200, list(FRESH), ScriptedSource([b"n", b"ew"], gap=1), 3)
    assert (await get(stage, upstream))[1] == b"x"
    await asyncio.sleep(5)
    assert (await get(stage, upstream))[1] == b"new"
    assert flights(context).refreshed == 1


@virtual
async def test_a_refresh_behind_that_grows_too_large_is_given_up():
    """Nobody reads it, and it may not be kept."""
    stage, _ = build({"stale_while_revalidate": 60, "largest": 10})
    upstream = Upstream(headers=[(b"cache-control", b"max-age=1")], after=0.1)
    await get(stage, upstream)
    await asyncio.sleep(5)
    source = ScriptedSource([b"12345678"] * 10, gap=1)
    upstream.make = lambda _: Reply(200, list(FRESH), source, None)
    assert (await get(stage, upstream))[1] == b"x"
    await asyncio.sleep(5)
    assert source.closed
    assert source.taken == 16


@virtual
async def test_a_refresh_asks_for_everybody_and_not_as_the_one_it_is_behind():
    """GET, without that client's conditions, ranges and directives."""
    stage, _ = build({"stale_while_revalidate": 60})
    upstream = Upstream(headers=[(b"cache-control", b"max-age=1"), (b"etag", b'"1"')], after=0.1)
    await get(stage, upstream)
    await asyncio.sleep(5)
    asked = make_call("HEAD", headers=[("If-None-Match", '"0"'), ("Range", "bytes=0-0"), ("Foo", "bar")])
    assert (await get(stage, upstream, asked))[0] == 200
    await asyncio.sleep(1)
    sent = upstream.calls[1]
    assert (sent.method, sent.headers) == (b"GET", [(b"foo", b"bar"), (b"if-none-match", b'"1"')])


@virtual
async def test_closing_cancels_what_is_under_way_and_lets_nothing_start():
    """Who still waits is told; the task is awaited."""
    stage, context = build()
    upstream = Upstream(after=10)
    waiting = asyncio.create_task(get(stage, upstream))
    await asyncio.sleep(1)
    await flights(context).close()
    assert upstream.cancelled == 1
    with pytest.raises(Saturated):
        await waiting
    with pytest.raises(Saturated):
        await get(stage, upstream)
    await flights(context).close()


@virtual
async def test_flights_and_entries_survive_a_reload():
    """A new stage over the same states finds both (semantics 2.7)."""
    states = States()
    before, _ = build(states=states)
    upstream = Upstream()
    waiting = asyncio.create_task(get(before, upstream))
    await asyncio.sleep(0.5)
    after, _ = build({"ttl": 5}, states=states)
    assert [body for _, body, _ in await asyncio.gather(waiting, get(after, upstream))] == [b"x", b"x"]
    assert (await get(after, upstream))[2].header(b"cache-status") == b"seawall; hit; ttl=59"
    assert len(upstream.calls) == 1
