"""Request bodies: expected, streamed, counted, broken."""

import asyncio

from http_calls import CHUNKED, EXPECT, GET, POST, Answers

from http_raw import Rig, echo, turns
from seawall.contracts.errors import RequestBodyError
from seawall.contracts.reply import Reply
from seawall.server import Limits
from seawall.testing import virtual


@virtual
async def test_100_is_sent_when_the_body_is_first_read():
    """Not before, and only once (RFC 9110 section 10.1.1)."""
    rig = Rig()
    await rig.feed(EXPECT % 4)
    assert rig.statuses() == [100]
    await rig.feed(b"ab", b"cd")
    assert rig.statuses() == [100, 200]
    await rig.feed(GET)
    assert rig.statuses() == [100, 200, 200]
    await rig.leave()


@virtual
async def test_an_early_answer_is_given_without_100_and_closes():
    """The client keeps its body to itself."""
    rig = Rig(Answers(Reply(401, [])))
    await rig.feed(EXPECT % 100)
    (answer,) = rig.answers()
    assert answer.status == 401
    assert answer.headers[b"connection"] == b"close"
    assert rig.transport.ended
    await rig.leave()


@virtual
async def test_a_body_that_comes_without_waiting_for_100_gets_none():
    """It would be noise."""
    rig = Rig()
    await rig.feed(EXPECT % 4 + b"abcd", EXPECT % 100_000 + b"x", b"x" * 99_999)
    assert rig.statuses() == [200, 200]
    await rig.leave()


@virtual
async def test_an_early_answer_to_a_big_body_closes_the_connection_in_order():
    """The answer, the end of our side, then what still comes is thrown away."""
    rig = Rig(Answers(Reply(403, [], b"no")))
    await rig.feed(POST % 1_000_000 + b"x" * 1000)
    assert rig.answers()[0].headers[b"connection"] == b"close"
    assert rig.transport.ended
    await rig.feed(b"x" * 500_000)
    assert not rig.transport.aborted
    await rig.leave()


@virtual
async def test_a_body_read_to_its_end_keeps_the_connection():
    """Also a chunked one with another request behind it."""
    rig = Rig()
    await rig.feed(CHUNKED + b"3\r\nabc\r\n", b"0\r\n\r\n" + GET)
    assert [answer.body for answer in rig.answers()] == [b"POST / 3", b"GET / 0"]
    await rig.leave()


@virtual
async def test_a_big_body_is_read_at_the_handlers_pace():
    """The socket is left alone while a quarter mebibyte waits."""
    release = asyncio.get_running_loop().create_future()

    async def late(request):
        await release
        return await echo(request)

    rig = Rig(late)
    await rig.feed(POST % 600_000 + b"x" * 200_000, b"x" * 100_000)
    assert not rig.transport.reading
    rig.connection._presence.stop()
    release.set_result(None)
    await turns()
    await rig.feed(b"x" * 300_000)
    assert rig.answers()[0].body == b"POST / 600000"
    await rig.leave()


@virtual
async def test_a_chunked_body_is_counted_while_it_streams():
    """413 at the first byte too many, and no more is read (security 8)."""
    rig = Rig(limits=Limits(max_body=10))
    await rig.feed(CHUNKED + b"6\r\nabcdef\r\n")
    assert rig.statuses() == []
    await rig.feed(b"6\r\nabc")
    assert rig.statuses() == [413]
    assert rig.refused == [413]
    await rig.leave()


@virtual
async def test_a_reader_that_ignores_a_broken_body_answers_but_the_connection_ends():
    """Where the next request would begin is unknown."""

    async def stubborn(request):
        try:
            await request.body.read()
            await request.body.read()
        except RequestBodyError:
            return Reply(200, [], b"anyway")

    rig = Rig(stubborn)
    await rig.feed(CHUNKED + b"1\r\na\r\n", b"zz\r\n")
    (answer,) = rig.answers()
    assert (answer.body, answer.headers[b"connection"]) == (b"anyway", b"close")
    await rig.leave()
