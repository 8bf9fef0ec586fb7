"""A body that still comes: back-pressure, the end, closing, limits."""

import asyncio

import pytest
from wire_kit import EVENTS, OK, Rig, chunk, read_all, settle

from seawall.contracts.errors import DeadlineExceeded, UpstreamBroken
from seawall.testing import virtual


@virtual
async def test_an_unread_stream_stops_its_upstream_and_lets_it_go_on():
    """Reading pauses above 256 KiB and goes on once they are taken."""
    rig = Rig()
    task = await rig.begin()
    rig.link.feed(EVENTS)
    reply = await task
    piece = chunk(b"x" * 65536)
    fed = 0
    while rig.link.reading:
        rig.link.feed(piece)
        fed += 1
    assert fed == 5
    assert len(await reply.body.read()) == 5 * 65536
    assert rig.link.reading
    rig.link.feed(b"0\r\n\r\n")
    assert await reply.body.read() == b""


@virtual
async def test_a_connection_that_was_paused_reads_again_when_it_is_free():
    """Else its next answer would never be seen."""
    rig = Rig()
    task = await rig.begin()
    rig.link.feed(EVENTS)
    reply = await task
    rig.link.feed(*[chunk(b"x" * 65536)] * 4, chunk(b"x" * 65536) + b"0\r\n\r\n")
    assert rig.stats.idle == 1
    assert rig.link.reading
    assert len(await read_all(reply)) == 5 * 65536


@virtual
async def test_closing_a_source_that_still_comes_aborts_its_connection():
    """Nothing is read to the end for nobody; what is buffered is dropped."""
    rig = Rig()
    task = await rig.begin()
    rig.link.feed(EVENTS, chunk(b"data: 1\n\n"))
    reply = await task
    reply.close()
    reply.close()
    assert (rig.stats.open, rig.link.gone) == (0, True)
    with pytest.raises(UpstreamBroken):
        await reply.body.read()


@virtual
async def test_closing_a_source_that_is_complete_leaves_the_connection():
    """It is somebody else's already."""
    rig = Rig()
    task = await rig.begin()
    rig.link.feed(EVENTS, chunk(b"data: 1\n\n"), b"0\r\n\r\n")
    reply = await task
    second = await rig.begin()
    reply.close()
    rig.link.feed(OK)
    assert (await second).body == b"ok"


@virtual
async def test_closing_a_source_fails_a_pending_read():
    """An end would make half a body a whole one."""
    rig = Rig()
    task = await rig.begin()
    rig.link.feed(EVENTS)
    reply = await task
    reading = rig.loop.create_task(reply.body.read())
    await settle()
    reply.close()
    with pytest.raises(UpstreamBroken):
        await reading


@virtual
async def test_a_closed_source_never_takes_what_it_dropped_for_the_end():
    """Though the answer was complete, what was not read is missing; once read to its end, closing changes nothing."""
    rig = Rig()
    task = await rig.begin()
    rig.link.feed(EVENTS, chunk(b"data: 1\n\n"), b"0\r\n\r\n")
    reply = await task
    reply.close()
    with pytest.raises(UpstreamBroken):
        await reply.body.read()
    task = await rig.begin()
    rig.link.feed(EVENTS, b"0\r\n\r\n")
    reply = await task
    reply.close()
    assert await reply.body.read() == b""


@virtual
async def test_limit_fails_a_pending_read_and_every_later_one():
    """The deadline of a stream, kept to the tick."""
    rig = Rig()
    task = await rig.begin()
    rig.link.feed(EVENTS)
    reply = await task
    at = rig.loop.time() + 3.0
    reply.body.limit(at)
    with pytest.raises(DeadlineExceeded):
        await reply.body.read()
    assert at <= rig.loop.time() <= at + 0.02
    with pytest.raises(DeadlineExceeded):
        await reply.body.read()
    assert rig.stats.open == 0


@virtual
async def test_limit_counts_for_what_is_buffered_too():
    """No read succeeds after the moment."""
    rig = Rig()
    task = await rig.begin()
    rig.link.feed(EVENTS, chunk(b"data: 1\n\n"), b"0\r\n\r\n")
    reply = await task
    reply.body.limit(rig.loop.time())
    assert rig.stats.idle == 1
    for _ in range(2):
        with pytest.raises(DeadlineExceeded):
            await reply.body.read()


@virtual
async def test_a_limit_outlives_the_chunks_that_come():
    """Chunks move the idle time, never the limit; nor does a full buffer."""
    rig = Rig()
    task = await rig.begin()
    rig.link.feed(EVENTS)
    reply = await task
    at = rig.loop.time() + 3.0
    reply.body.limit(at)
    rig.link.feed(chunk(b"x" * 300000))
    assert not rig.link.reading
    await settle()
    await asyncio.sleep(3.1)
    assert rig.stats.open == 0
    with pytest.raises(DeadlineExceeded):
        await reply.body.read()


@virtual
async def test_a_chunk_does_not_put_the_limit_off():
    """Only the idle time starts again with it."""
    rig = Rig()
    task = await rig.begin()
    rig.link.feed(EVENTS)
    reply = await task
    at = rig.loop.time() + 3.0
    reply.body.limit(at)
    await asyncio.sleep(1)
    rig.link.feed(chunk(b"a"))
    assert await reply.body.read() == b"a"
    with pytest.raises(DeadlineExceeded):
        await reply.body.read()
    assert at <= rig.loop.time() <= at + 0.02
