"""Security 7: slow clients cost a place for a bounded time, and never keep a normal client from its answer."""

import asyncio

from http_raw import Rig, turns
from seawall.contracts.reply import Reply
from seawall.server import Limits
from seawall.testing import ScriptedSource, virtual

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


@virtual
async def test_slow_heads_do_not_keep_a_normal_client_out():
    """Every place taken by slowloris: the next client gets one at once, and its answer."""
    first = Rig(limits=Limits(max_connections=20))
    slow = [first, *(Rig(state=first.state) for _ in range(19))]
    for rig in slow:
        await rig.feed(b"GET / HTTP/1.1\r\nHost: a\r\nX-")
    normal = Rig(state=first.state)
    await normal.feed(GET)
    assert normal.statuses() == [200]
    assert sum(rig.transport.lost for rig in slow) == 1
    await first.wait(12.1)
    assert all(rig.transport.lost for rig in slow)
    await normal.leave()


@virtual
async def test_slow_bodies_do_not_keep_a_normal_client_out():
    """Small bodies hold no call while they arrive; big ones only until the body deadline."""
    first = Rig(limits=Limits(max_connections=20, max_inflight=5))
    slow = [first, *(Rig(state=first.state) for _ in range(18))]
    for rig in slow:
        await rig.feed(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4096\r\n\r\nx")
    normal = Rig(state=first.state)
    await normal.feed(GET)
    assert normal.statuses() == [200]
    await first.wait(29)
    for rig in slow:
        await rig.feed(b"x")
    await first.wait(33)
    assert all(rig.transport.lost for rig in slow)
    await normal.leave()


@virtual
async def test_slow_readers_hold_no_call_once_their_answer_is_written():
    """A whole answer waits in the transport, not in a call."""
    first = Rig(limits=Limits(max_inflight=2, write_timeout=20))
    slow = [first, *(Rig(state=first.state) for _ in range(9))]
    for rig in slow:
        rig.transport.buffered = 70_000
        rig.connection.pause_writing()
        await rig.feed(GET)
    assert first.state.inflight == 0
    normal = Rig(state=first.state)
    await normal.feed(GET)
    assert normal.statuses() == [200]
    await first.wait(20.1)
    assert all(rig.transport.aborted for rig in slow)
    await normal.leave()


@virtual
async def test_slow_readers_of_streams_lose_their_call_at_the_write_deadline():
    """What they hold is given back, and the upstream closed."""
    sources = [ScriptedSource([b"x" * 1000] * 100) for _ in range(3)]
    given = list(sources)

    async def handler(_):
        return Reply(200, [], given.pop(), None, True)

    first = Rig(handler, Limits(max_inflight=3, write_timeout=20))
    for rig in (first, *(Rig(state=first.state) for _ in range(2))):
        rig.transport.buffered = 70_000
        rig.connection.pause_writing()
        await rig.feed(GET)
    assert first.state.inflight == 3
    await first.wait(20.1)
    assert first.state.inflight == 0
    assert all(source.closed for source in sources)


@virtual
async def test_one_address_cannot_take_all_places():
    """Its own connections are refused; another's are not."""
    first = Rig(limits=Limits(max_connections=100, max_connections_per_address=3), peer="192.0.2.9")
    more = [Rig(state=first.state, peer="192.0.2.9") for _ in range(10)]
    normal = Rig(state=first.state, peer="192.0.2.1")
    await normal.feed(GET)
    assert normal.statuses() == [200]
    assert [rig.statuses() for rig in more] == [[], []] + [[503]] * 8
    for rig in (first, normal, *more):
        await rig.leave()


@virtual
async def test_a_flood_of_calls_is_refused_at_once_and_not_queued():
    """503 with Retry-After while max_inflight calls run; no memory is held for those refused."""
    hanging = asyncio.get_running_loop().create_future()

    async def slow(_):
        await hanging
        return Reply(200, [])

    first = Rig(slow, Limits(max_inflight=5))
    rigs = [first, *(Rig(state=first.state) for _ in range(49))]
    for rig in rigs:
        await rig.feed(GET)
    assert [status for rig in rigs for status in rig.statuses()] == [503] * 45
    assert all(rig.answers()[0].headers[b"retry-after"] == b"1" for rig in rigs if rig.transport.written)
    hanging.set_result(None)
    await turns()
    for rig in rigs:
        await rig.leave()
