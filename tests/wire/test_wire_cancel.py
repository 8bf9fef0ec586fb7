"""A call cancelled at any moment leaves nothing behind (encode/httpcore#1093 is what that costs otherwise)."""

import asyncio
import random

import pytest
from wire_kit import EVENTS, OK, Rig, make_attempt, settle

from seawall.testing import ScriptedSource, virtual


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
