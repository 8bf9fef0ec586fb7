"""Deadlines of a connection, in virtual time."""

import asyncio

from http_raw import Rig, echo, read_all, turns
from seawall.contracts.errors import DeadlineExceeded, RequestBodyError
from seawall.contracts.reply import Reply
from seawall.server import Limits
from seawall.testing import ScriptedSource, virtual

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
LIMITS = Limits(header_timeout=10, body_timeout=30, idle_timeout=75, write_timeout=20)


@virtual
async def test_a_connection_that_sends_nothing_is_closed_without_a_word():
    """There is no request to answer."""
    rig = Rig(limits=LIMITS)
    await rig.wait(9.9)
    assert not rig.transport.closing
    await rig.wait(0.2)
    assert rig.transport.lost
    assert rig.transport.written == b""


@virtual
async def test_the_header_deadline_counts_from_the_first_byte_however_it_dribbles():
    """A byte every second keeps nothing open (security 7)."""
    rig = Rig(limits=LIMITS)
    await rig.wait(5)
    for at in range(len(GET)):
        if rig.transport.ended:
            break
        await rig.feed(GET[at : at + 1])
        await rig.wait(1)
    assert rig.statuses() == [408]
    assert at <= 6  # the deadline of the new connection had begun five seconds earlier
    assert rig.refused == [408]
    await rig.wait(3)
    assert rig.transport.lost


@virtual
async def test_a_second_request_has_its_own_header_deadline():
    """It begins with its first byte, not with the idle time before."""
    rig = Rig(limits=LIMITS)
    await rig.feed(GET)
    await rig.wait(60)
    await rig.feed(b"GET")
    await rig.wait(9.9)
    assert rig.statuses() == [200]
    await rig.wait(0.2)
    assert rig.statuses() == [200, 408]
    await rig.leave()


@virtual
async def test_empty_lines_do_not_keep_a_connection_open():
    """They belong to the head that follows."""
    rig = Rig(limits=LIMITS)
    for _ in range(20):
        await rig.feed(b"\r\n")
        await rig.wait(1)
    assert rig.transport.closing or rig.transport.ended


@virtual
async def test_an_idle_connection_is_closed_after_its_last_answer():
    """Each answer moves the moment."""
    rig = Rig(limits=LIMITS)
    for _ in range(3):
        await rig.feed(GET)
        await rig.wait(74)
        assert not rig.transport.closing
    await rig.wait(1.1)
    assert rig.transport.lost
    assert rig.statuses() == [200, 200, 200]


@virtual
async def test_a_call_may_take_longer_than_every_deadline_of_its_connection():
    """How long a call takes is its own deadline's business."""
    done = asyncio.get_running_loop().create_future()

    async def slow(_):
        await done
        return Reply(200, [])

    rig = Rig(slow, LIMITS)
    await rig.feed(GET)
    await rig.wait(1000)
    assert not rig.transport.closing
    done.set_result(None)
    await turns()
    assert rig.statuses() == [200]
    await rig.leave()


@virtual
async def test_a_small_body_that_stops_is_answered_408_without_a_call():
    """The handler never starts."""
    rig = Rig(None, LIMITS)
    await rig.feed(POST % 10 + b"abc")
    await rig.wait(29)
    await rig.feed(b"d")
    await rig.wait(29)
    assert rig.statuses() == []
    await rig.wait(1.1)
    assert rig.statuses() == [408]
    await rig.leave()
    silent = Rig(None, LIMITS)
    await silent.feed(POST % 10)
    await silent.wait(30.1)
    assert silent.statuses() == [408]
    await silent.leave()


@virtual
async def test_a_streamed_body_that_stops_fails_its_reader_with_408():
    """The answer is the handler's, or the server's where it lets the error through."""
    for handler in (echo, _answers_itself):
        rig = Rig(handler, LIMITS)
        await rig.feed(POST % 100_000 + b"abc")
        await rig.wait(30.1)
        assert rig.statuses() == [408]
        assert rig.transport.ended
        await rig.leave()


async def _answers_itself(request):
    try:
        await read_all(request)
    except RequestBodyError as error:
        return Reply(error.status, [])
    raise AssertionError("the body was read to its end")


@virtual
async def test_a_body_nobody_reads_yet_has_no_deadline_of_its_own():
    """While reading is paused the client cannot be blamed."""
    release = asyncio.get_running_loop().create_future()

    async def late(request):
        await release
        return await echo(request)

    rig = Rig(late, LIMITS)
    await rig.feed(POST % 1_000_000 + b"x" * 300_000)
    assert not rig.transport.reading
    rig.connection._presence.stop()  # a fake transport has no socket to look at
    await rig.wait(500)
    release.set_result(None)
    await turns()
    assert rig.transport.reading
    await rig.feed(b"x" * 700_000)
    assert rig.answers()[0].body == b"POST / 1000000"
    await rig.leave()


@virtual
async def test_a_client_that_waits_for_100_is_not_timed_before_it_was_sent():
    """It has been told nothing yet."""
    release = asyncio.get_running_loop().create_future()

    async def late(request):
        await release
        return await echo(request)

    rig = Rig(late, LIMITS)
    await rig.feed(b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")
    await rig.wait(200)
    assert rig.transport.written == b""
    release.set_result(None)
    await turns()
    assert rig.transport.written == b"HTTP/1.1 100 Continue\r\n\r\n"
    await rig.wait(29)
    await rig.feed(b"abc")
    assert rig.statuses() == [100, 200]
    await rig.leave()


@virtual
async def test_a_client_that_takes_nothing_is_aborted_after_the_write_deadline():
    """Its answer is broken off and the source closed (security 7)."""
    source = ScriptedSource([b"x" * 1000] * 10)
    rig = Rig(_stream(source), LIMITS)
    rig.transport.buffered = 70_000
    rig.connection.pause_writing()
    await rig.feed(GET)
    await rig.wait(19.9)
    assert not rig.transport.aborted
    await rig.wait(0.2)
    assert rig.transport.aborted
    assert source.closed
    assert rig.reported == []


@virtual
async def test_a_client_that_takes_a_little_is_kept():
    """Slow is not stalled: one byte in each period is enough."""
    source = ScriptedSource([b"x" * 1000] * 3)
    rig = Rig(_stream(source), LIMITS)
    rig.transport.buffered = 70_000
    rig.connection.pause_writing()
    await rig.feed(GET)
    for _ in range(10):
        await rig.wait(15)
        rig.transport.buffered -= 1
    assert not rig.transport.closing
    rig.transport.buffered = 0
    rig.connection.resume_writing()
    await turns()
    assert rig.answers()[0].body == b"x" * 3000
    await rig.wait(70)
    assert not rig.transport.closing
    await rig.leave()


@virtual
async def test_the_last_answer_of_a_connection_is_not_kept_for_ever():
    """Closing waits for the client to take it, no longer than the write deadline."""
    rig = Rig(limits=LIMITS)
    rig.transport.buffered = 500
    await rig.feed(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert rig.transport.closing
    assert not rig.transport.lost
    await rig.wait(20.1)
    assert rig.transport.aborted


@virtual
async def test_a_limit_on_a_body_fails_its_pending_read():
    """The call's deadline reaches a body that never comes."""
    seen = []

    async def limited(request):
        request.body.limit(asyncio.get_running_loop().time() + 5)
        request.body.limit(asyncio.get_running_loop().time() + 50)
        try:
            await request.body.read()
        except DeadlineExceeded as error:
            seen.append(error)
        request.body.limit(0)
        return Reply(504, [])

    rig = Rig(limited, LIMITS)
    await rig.feed(POST % 100_000)
    await rig.wait(4.9)
    assert not seen
    await rig.wait(0.2)
    assert rig.statuses() == [504]
    await rig.leave()


@virtual
async def test_a_limit_in_the_past_fails_the_next_read():
    """Nothing succeeds after it, not even what has arrived."""

    async def limited(request):
        request.body.limit(asyncio.get_running_loop().time() + 9)
        request.body.limit(0)
        try:
            return Reply(200, [], await request.body.read())
        except DeadlineExceeded:
            return Reply(504, [])

    rig = Rig(limited, LIMITS)
    await rig.feed(POST % 100_000 + b"abc")
    assert rig.statuses() == [504]
    await rig.leave()


@virtual
async def test_a_client_that_goes_on_sending_behind_its_answer_is_cut_off():
    """What it sends is thrown away for two seconds or a mebibyte, then the connection ends."""
    refused = b"GET / HTTP/9.9\r\n\r\n"
    slow, fast = Rig(limits=LIMITS), Rig(limits=LIMITS)
    await slow.feed(refused, b"more")
    await fast.feed(refused, b"x" * 600_000)
    assert not slow.transport.closing
    assert not fast.transport.closing
    await fast.feed(b"x" * 600_000)
    assert fast.transport.aborted
    await slow.wait(2.1)
    assert slow.transport.lost
    assert not slow.transport.aborted
    assert slow.statuses() == fast.statuses() == [505]


def _stream(source):
    async def handler(_):
        return Reply(200, [], source, None, True)

    return handler
