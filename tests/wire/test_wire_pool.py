"""The pool: bounded, counted, newest first, let go of on reload and at the end."""

import asyncio

import pytest
from wire_kit import OK, Rig, make_attempt, make_target, settle

from seawall.contracts.errors import ConnectError, DnsError, Saturated, UpstreamBroken, UpstreamTimeout
from seawall.testing import virtual


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
