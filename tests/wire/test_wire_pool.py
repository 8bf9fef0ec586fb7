"""The pool: bounded, counted, and no slot lost, whoever is cancelled when."""

import asyncio
import random

import pytest
from wire_kit import EVENTS, OK, Rig, make_attempt, make_target, settle

from seawall.contracts.errors import ConnectError, DnsError, Saturated, UpstreamBroken
from seawall.testing import ScriptedSource, virtual


@virtual
async def test_calls_above_the_limit_wait_and_take_what_becomes_free():
    """In the order they came."""
    rig = Rig(max_connections=1)
    first, second, third = rig.start(), rig.start(), rig.start()
    await settle()
    assert (rig.stats.open, rig.stats.waiting, rig.stats.connecting) == (1, 2, 0)
    rig.link.feed(OK)
    await settle()
    rig.link.feed(OK)
    assert (await first).body == (await second).body == b"ok"
    await settle()
    assert not third.done()
    rig.link.feed(OK)
    await third
    assert (len(rig.dialer.links), rig.stats.waiting) == (1, 0)


@virtual
async def test_a_slot_that_becomes_free_is_taken_by_dialling():
    """A connection that closes makes room for another."""
    rig = Rig(max_connections=1)
    first, second = rig.start(), rig.start()
    await settle()
    rig.link.feed(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    await first
    await settle()
    rig.link.feed(OK)
    await second
    assert len(rig.dialer.links) == 2


@virtual
async def test_a_pool_that_stays_full_is_our_limit_not_the_upstreams_fault():
    """A Refusal after the connect timeout."""
    rig = Rig(max_connections=1)
    first = await rig.begin()
    with pytest.raises(Saturated):
        await rig.start()
    rig.link.feed(OK)
    await first
    assert (rig.in_use, rig.stats.waiting) == (0, 0)


@virtual
async def test_waiting_and_connecting_share_one_timeout():
    """Once the slot is there it is the upstream that is too slow."""
    from seawall.contracts.errors import UpstreamTimeout

    rig = Rig(max_connections=1)
    first = await rig.begin()
    second = await rig.begin()
    await asyncio.sleep(4)
    rig.dialer.gate = asyncio.Event()
    rig.link.eof()
    with pytest.raises(UpstreamBroken):
        await first
    since = rig.loop.time()
    with pytest.raises(UpstreamTimeout):
        await second
    assert rig.loop.time() - since < 1.1
    assert rig.in_use == 0


@virtual
async def test_a_failed_connection_lets_the_next_one_try():
    """The slot goes on to those who wait."""
    rig = Rig(max_connections=1)
    rig.dialer.gate = asyncio.Event()
    rig.dialer.error = DnsError()
    first, second = rig.start(), rig.start()
    await settle()
    rig.dialer.gate.set()
    for task in (first, second):
        with pytest.raises(DnsError):
            await task
    assert rig.in_use == 0


@virtual
async def test_idle_connections_are_bounded():
    """The oldest goes."""
    rig = Rig(max_idle=2)
    tasks = [rig.start() for _ in range(3)]
    await settle()
    for link in rig.dialer.links:
        link.feed(OK)
    await asyncio.gather(*tasks)
    assert (rig.stats.idle, [link.gone for link in rig.dialer.links]) == (2, [True, False, False])


@virtual
async def test_a_retry_on_a_full_pool_makes_room_by_closing_an_idle_one():
    """A fresh connection is asked for, and the idle ones are as stale as the first."""
    rig = Rig(max_connections=2)
    one, two = rig.start(), rig.start()
    await settle()
    for link in rig.dialer.links:
        link.feed(OK)
    await asyncio.gather(one, two)
    pool = rig.wire._pools[rig.target]
    connection = await pool.connect(1.0, fresh=True)
    assert rig.dialer.links[0].gone
    connection.abort()


@virtual
async def test_each_target_has_a_pool_of_its_own():
    """By identity; equal settings do not share."""
    rig = Rig()
    await rig.call(OK)
    rig.target = make_target()
    await rig.call(OK)
    assert len(rig.dialer.links) == 2
    assert [(pool.upstream, pool.target, pool.idle) for pool in rig.wire.stats()] == [("up", "up", 1), ("up", "up", 1)]


@virtual
async def test_keep_lets_go_of_other_targets_and_calls_under_way_end():
    """A reload: idle connections close, busy ones end with their call, new calls on old targets still work."""
    rig = Rig()
    old = rig.target
    busy = rig.start()
    done = rig.start()
    await settle()
    first, second = rig.dialer.links
    second.feed(OK)
    await done
    rig.wire.keep([])
    assert second.gone
    first.feed(OK)
    assert (await busy).body == b"ok"
    assert first.gone
    task = rig.loop.create_task(rig.wire.send(make_attempt(old)))
    await settle()
    rig.link.feed(OK)
    assert (await task).body == b"ok"
    rig.wire.keep([])
    assert rig.wire.stats() == ()


@virtual
async def test_keep_keeps_what_it_is_told():
    """Its connections included."""
    rig = Rig()
    await rig.call(OK)
    rig.wire.keep([rig.target])
    assert rig.stats.idle == 1


@virtual
async def test_close_breaks_calls_and_refuses_new_ones():
    """Nothing is left open."""
    rig = Rig()
    await rig.call(OK)
    task = await rig.begin()
    dialling = Rig()
    del dialling
    await rig.wire.close()
    with pytest.raises(UpstreamBroken):
        await task
    with pytest.raises(ConnectError):
        await rig.start()
    assert all(link.gone for link in rig.dialer.links)


@virtual
async def test_a_connection_made_while_closing_is_not_used():
    """The call fails, the connection closes."""
    rig = Rig()
    rig.dialer.gate = asyncio.Event()
    task = await rig.begin()
    await rig.wire.close()
    rig.dialer.gate.set()
    with pytest.raises(ConnectError):
        await task
    assert rig.link.gone


@virtual
async def test_an_upstream_that_closes_at_once_is_a_connect_error():
    """Nothing was sent; waiting for an answer would take the whole timeout."""
    rig = Rig()
    dial = rig.dialer.dial

    async def closing(target, new):
        connection = await dial(target, new)
        connection.eof_received()
        return connection

    rig.dialer.dial = closing
    with pytest.raises(ConnectError):
        await rig.start()
    assert not rig.attempt.sent
    assert rig.in_use == 0


@virtual
@pytest.mark.parametrize("stage", ["dial", "turn", "answer", "collect", "upload", "drain", "read"])
async def test_a_call_cancelled_at_any_await_leaves_nothing(stage):
    """It aborts its connection or leaves the queue; the next call is served."""
    rig = Rig(max_connections=1)
    blocker = None
    call = {}
    if stage == "turn":
        blocker = await rig.begin()
    elif stage == "dial":
        rig.dialer.gate = asyncio.Event()
    elif stage == "upload":
        call = {"method": b"POST", "body": ScriptedSource([b"a"], hang=True), "length": None}
    elif stage == "drain":
        rig.dialer.on_write = lambda link: link.connection.pause_writing()
        call = {"method": b"POST", "body": ScriptedSource([b"a"]), "length": None}
    task = await rig.begin(**call)
    if stage == "collect":
        rig.link.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    elif stage == "read":
        rig.link.feed(EVENTS)
        reply = await task
        task = rig.loop.create_task(reply.body.read())
        await settle()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    if stage == "read":
        assert rig.in_use == 1, "the reader may come back; it is close that gives up"
        reply.close()
    if blocker is not None:
        rig.link.feed(OK)
        await blocker
    rig.dialer.gate = rig.dialer.on_write = None
    assert (rig.in_use, rig.stats.waiting) == (0, 0)
    assert (await rig.call(OK)).body == b"ok"


@virtual
async def test_a_turn_that_is_granted_and_cancelled_goes_on_to_the_next():
    """Semantics 4.3, for connections."""
    rig = Rig(max_connections=1)
    first, second, third = rig.start(), rig.start(), rig.start()
    await settle()
    rig.link.feed(OK)
    second.cancel()
    await settle()
    assert (await first).body == b"ok"
    assert second.cancelled()
    rig.link.feed(OK)
    assert (await third).body == b"ok"


@virtual
async def test_an_answer_that_came_in_the_turn_of_the_cancellation_frees_its_connection():
    """And leaves it alone, since another call may be on it already."""
    rig = Rig()
    task = await rig.begin()
    rig.link.feed(OK)
    task.cancel()
    other = rig.start()
    with pytest.raises(asyncio.CancelledError):
        await task
    await settle()
    rig.link.feed(OK)
    assert (await other).body == b"ok"
    assert len(rig.dialer.links) == 1


@virtual
async def test_ten_thousand_random_cancellations_leave_nothing_in_use():
    """Whatever was under way: no slot, no waiter, no connection is lost."""
    rng = random.Random(7)
    rig = Rig(max_connections=8, max_idle=4)

    def answer(link):
        if link.written.endswith(b"\r\n\r\n"):
            link.written = b""
            pieces = rng.choice(((OK,), (OK[:30], OK[30:]), (EVENTS, b"1\r\na\r\n0\r\n\r\n"), (EVENTS[:-1],), ()))
            at = rng.choice((0.0, 0.001, 0.01))
            for number, piece in enumerate(pieces):
                rig.loop.call_later(at * (number + 1), feed, link, piece)

    def feed(link, piece):
        if link.reading:
            link.feed(piece)

    class Slow:
        async def wait(self):
            await asyncio.sleep(rng.choice((0.0, 0.001, 0.02)))

    rig.dialer.on_write = answer
    rig.dialer.gate = Slow()

    async def one():
        method, body, length = rng.choice(
            ((b"GET", b"", 0), (b"POST", b"x", 0), (b"PUT", ScriptedSource([b"a", b"b"], gap=0.002), None))
        )
        reply = await rig.wire.send(make_attempt(rig.target, method, body=body, length=length))
        try:
            if not reply.whole:
                await reply.body.read()
        finally:
            reply.close()

    for _ in range(500):
        tasks = [rig.loop.create_task(one()) for _ in range(20)]
        for task in tasks:
            rig.loop.call_later(rng.choice((0.0, 0.001, 0.002, 0.01, 0.015, 0.03)), task.cancel)
        await asyncio.gather(*tasks, return_exceptions=True)
    assert (rig.in_use, rig.stats.waiting, rig.stats.connecting) == (0, 0, 0)
    rig.dialer.on_write = rig.dialer.gate = None
    rig.wire._pools[rig.target].retire()
    assert rig.stats.open == 0
