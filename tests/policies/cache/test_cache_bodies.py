"""Bodies on their way, read by several and kept in passing: semantics 7.8 and 7.9, in virtual time."""

import asyncio

import pytest
from cache_exchange import body_of, build, entries, flights, make_call
from cache_upstream import FRESH, Upstream, get, settle

from seawall.contracts.call import Call
from seawall.contracts.errors import (
    ConnectError,
    DeadlineExceeded,
    UpstreamBroken,
)
from seawall.contracts.reply import Reply
from seawall.contracts.target import Timeouts
from seawall.testing import ScriptedSource, virtual


@virtual
async def test_a_streamed_body_goes_to_all_who_wait_as_it_comes_and_is_kept():
    """Late ones start at its beginning; afterwards it is a hit."""
    stage, context = build()
    upstream = Upstream(lambda _: Reply(200, list(FRESH), ScriptedSource([b"a", b"b", b"c"], gap=1), 3))
    first, second = await asyncio.gather(*(stage.send(make_call(), upstream) for _ in range(2)))
    assert await first.body.read() == b"a"
    late = await stage.send(make_call(), upstream)
    assert [await body_of(reply) for reply in (first, second, late)] == [b"bc", b"abc", b"abc"]
    await settle()
    status, body, reply = await get(stage, upstream)
    assert (status, body, reply.header(b"cache-status")) == (
        200,
        b"abc",
        b"seawall; hit; ttl=56",
    )  # 3 s of body, 1 s of waiting
    assert len(upstream.calls) == 1
    assert (upstream.closed, entries(context).held, len(entries(context))) == (1, 0, 1)


@virtual
async def test_a_body_cut_in_half_reaches_everybody_broken_and_is_not_kept():
    """What came is passed on, then the error; the next one asks again."""
    stage, context = build()
    error = UpstreamBroken("cut", answered=True)
    upstream = Upstream(lambda _: Reply(200, list(FRESH), ScriptedSource([b"abc", b"def"], gap=1, error=error), 12))
    replies = await asyncio.gather(*(stage.send(make_call(), upstream) for _ in range(3)))
    for reply in replies:
        assert await reply.body.read() == b"abc"
    for reply in replies:
        assert await reply.body.read() == b"def"
        with pytest.raises(UpstreamBroken):
            await reply.body.read()
        reply.close()
    await settle()
    assert (len(entries(context)), entries(context).held, upstream.closed) == (0, 0, 1)
    assert flights(context).table == {}
    upstream.make = lambda _: Reply(200, list(FRESH), b"whole")
    assert (await get(stage, upstream))[1] == b"whole"


@virtual
async def test_a_body_shorter_than_declared_is_never_kept():
    """RFC 9111 section 3.3, whatever the transport thinks of it."""
    stage, context = build()
    upstream = Upstream(lambda _: Reply(200, list(FRESH), ScriptedSource([b"abc"]), 12))
    assert (await get(stage, upstream))[1] == b"abc"
    await settle()
    assert len(entries(context)) == 0


@virtual
async def test_readers_that_all_leave_cancel_the_body():
    """Nobody wants it; nothing is kept."""
    stage, context = build()
    source = ScriptedSource([b"a"] * 100, gap=1)
    upstream = Upstream(lambda _: Reply(200, list(FRESH), source, 100))
    replies = await asyncio.gather(*(stage.send(make_call(), upstream) for _ in range(2)))
    await replies[0].body.read()
    replies[0].close()
    await asyncio.sleep(2)
    assert not source.closed
    replies[1].close()
    await settle()
    assert source.closed
    assert (len(entries(context)), entries(context).held) == (0, 0)
    with pytest.raises(UpstreamBroken):
        await replies[1].body.read()


@virtual
async def test_a_reader_that_needs_no_body_lets_it_be_kept():
    """A client that has it already gets 304, and the next one a hit."""
    stage, context = build()
    source = ScriptedSource([b"a", b"b"], gap=1)
    upstream = Upstream(lambda _: Reply(200, [*FRESH, (b"etag", b'"1"')], source, 2))
    reply = await stage.send(make_call(headers=[("If-None-Match", '"1"')]), upstream)
    assert (reply.status, reply.body) == (304, b"")
    reply.close()
    await asyncio.sleep(5)
    assert (await get(stage, upstream))[1] == b"ab"
    assert len(upstream.calls) == 1
    assert entries(context).held == 0


@virtual
async def test_a_follower_that_needs_no_body_gets_304():
    """From the head of the answer, before the body is here."""
    stage, _ = build()
    source = ScriptedSource([b"a", b"b"], gap=1)
    upstream = Upstream(lambda _: Reply(200, [*FRESH, (b"etag", b'"1"')], source, 2))
    first, second = await asyncio.gather(
        stage.send(make_call(), upstream), stage.send(make_call(headers=[("If-None-Match", '"1"')]), upstream)
    )
    assert second.status == 304
    second.close()
    assert await body_of(first) == b"ab"


@virtual
async def test_a_body_larger_than_largest_is_passed_on_and_not_kept():
    """Everybody who reads it gets all of it; it is not all held at once."""
    stage, context = build({"largest": 1000})
    chunks = [b"%04d" % number * 100 for number in range(3000)]
    source = ScriptedSource(chunks)
    upstream = Upstream(lambda _: Reply(200, list(FRESH), source, None))
    first, second = await asyncio.gather(*(stage.send(make_call(), upstream) for _ in range(2)))
    assert await first.body.read() == chunks[0]
    assert await second.body.read() == chunks[0]
    await asyncio.sleep(1)
    assert source.taken < 300_000  # the slowest reader holds the body back
    assert await asyncio.gather(body_of(first), body_of(second)) == [b"".join(chunks[1:])] * 2
    await settle()
    assert (len(entries(context)), entries(context).held) == (0, 0)
    assert (upstream.closed, source.closed) == (1, True)


@virtual
async def test_a_reader_that_leaves_does_not_hold_a_large_body_back():
    """The slowest of those who are left counts."""
    stage, _ = build({"largest": 1000})
    chunks = [b"x" * 1000] * 600
    upstream = Upstream(lambda _: Reply(200, list(FRESH), ScriptedSource(chunks), None))
    first, second = await asyncio.gather(*(stage.send(make_call(), upstream) for _ in range(2)))
    reading = asyncio.create_task(body_of(first))
    await asyncio.sleep(1)
    assert not reading.done()
    second.close()
    assert len(await reading) == 600_000


@virtual
async def test_an_answer_declared_larger_than_largest_is_the_leaders_alone():
    """It is seen at the headers."""
    stage, context = build({"largest": 10})
    upstream = Upstream(lambda _: Reply(200, list(FRESH), ScriptedSource([b"a" * 11]), 11))
    answers = await asyncio.gather(get(stage, upstream), get(stage, upstream))
    assert [body for _, body, _ in answers] == [b"a" * 11] * 2
    assert len(upstream.calls) == 2
    assert len(entries(context)) == 0


@virtual
async def test_a_store_without_room_keeps_nothing_and_passes_all_on():
    """Reservations of other answers on their way are not taken."""
    stage, context = build()
    store = entries(context)
    store.hold(store.most - 1)
    upstream = Upstream(lambda _: Reply(200, list(FRESH), ScriptedSource([b"abc", b"def"]), 6))
    assert (await get(stage, upstream))[1] == b"abcdef"
    await settle()
    assert (len(store), store.held) == (0, store.most - 1)


@virtual
async def test_a_limit_ends_one_readers_reading_only():
    """Each call has its own deadline for the body."""
    stage, _ = build()
    source = ScriptedSource([b"a", b"b"], gap=5)
    upstream = Upstream(lambda _: Reply(200, list(FRESH), source, 2))
    first, second = await asyncio.gather(*(stage.send(make_call(), upstream) for _ in range(2)))
    first.body.limit(asyncio.get_running_loop().time() + 1)
    with pytest.raises(DeadlineExceeded):
        await first.body.read()
    first.close()
    assert await body_of(second) == b"ab"


@virtual
async def test_the_flights_own_deadline_ends_the_body():
    """Even of one that somebody still reads."""
    stage, _ = build()
    source = ScriptedSource([b"a", b"b"], gap=100)
    upstream = Upstream(lambda _: Reply(200, list(FRESH), source, 2))
    reply = await stage.send(make_call(timeouts=Timeouts(total=10)), upstream)
    assert source.limits == [1010.0]
    with pytest.raises(DeadlineExceeded):
        await reply.body.read()
    reply.close()
    streamed = ScriptedSource([b"a"])
    upstream.make = lambda _: Reply(200, list(FRESH), streamed, None, True)
    await get(stage, upstream, make_call(timeouts=Timeouts(total=10, stream=77)))
    assert streamed.limits[0] == pytest.approx(1010 + 77)


@virtual
async def test_an_unshared_answer_is_kept_while_its_one_reader_reads_it():
    """A request that says no-cache has its own call, and what it brings is for all."""
    stage, context = build()
    upstream = Upstream(lambda _: Reply(200, list(FRESH), ScriptedSource([b"a", b"b"], gap=1), 2))
    own = make_call(headers=[("Cache-Control", "no-cache")])
    assert (await get(stage, upstream, own))[1] == b"ab"
    assert (await get(stage, upstream))[1] == b"ab"
    assert len(upstream.calls) == 1
    assert entries(context).held == 0
    assert flights(context).under_way == {}


@pytest.mark.parametrize("how", ["closed", "cut", "large", "short"])
@virtual
async def test_an_unshared_answer_that_is_not_read_to_its_end_is_not_kept(how: str):
    """Closed early, broken off, too large, or not as long as declared."""
    stage, context = build({"largest": 10 if how == "large" else 1000})
    error = UpstreamBroken("cut") if how == "cut" else None
    source = ScriptedSource([b"a" * 8, b"b" * 8], error=error)
    upstream = Upstream(lambda _: Reply(200, list(FRESH), source, {"short": 20}.get(how)))
    reply = await stage.send(make_call(headers=[("Cache-Control", "no-cache")]), upstream)
    reply.body.limit(2000.0)
    assert source.limits == [2000.0]
    assert await reply.body.read() == b"a" * 8
    if how == "cut":
        assert await reply.body.read() == b"b" * 8
        with pytest.raises(UpstreamBroken):
            await reply.body.read()
    elif how != "closed":
        assert await body_of(reply) == b"b" * 8
    reply.close()
    assert (len(entries(context)), entries(context).held) == (0, 0)
    assert flights(context).under_way == {}


@pytest.mark.parametrize("raised", [ConnectError(), asyncio.CancelledError()])
@virtual
async def test_an_unshared_call_that_fails_leaves_no_ticket(raised: BaseException):
    """However it ends."""
    stage, context = build()

    async def upstream(_: Call) -> Reply:
        raise raised

    with pytest.raises(type(raised)):
        await stage.send(make_call(headers=[("Cache-Control", "no-cache")]), upstream)
    assert flights(context).under_way == {}
