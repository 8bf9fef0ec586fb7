"""What reply an answer becomes: its shape, its headers, and what becomes of the connection."""

import asyncio

import pytest
from wire_kit import CHUNKED, EVENTS, OK, Rig, chunk, read_all, settle

from seawall.contracts.errors import UpstreamBroken
from seawall.testing import virtual


@virtual
async def test_a_short_answer_comes_whole_and_frees_its_connection():
    """Body as bytes, nothing in use."""
    rig = Rig()
    reply = await rig.call(OK)
    assert (reply.status, reply.body, reply.whole, reply.streamed) == (200, b"ok", True, False)
    assert (rig.stats.open, rig.stats.idle) == (1, 1)


@virtual
async def test_the_connection_is_used_again():
    """The second call's answer is its own, over the same connection."""
    rig = Rig()
    await rig.call(OK)
    reply = await rig.call(b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nX-A: b\r\n\r\nnope")
    assert (reply.status, reply.body, reply.headers) == (404, b"nope", [(b"x-a", b"b")])
    assert len(rig.dialer.links) == 1


@virtual
async def test_the_newest_idle_connection_goes_first():
    """Newest first, so that the rest grow old and go."""
    rig = Rig()
    first, second = await rig.begin(), await rig.begin()
    older, newer = rig.dialer.links
    newer.feed(OK)
    older.feed(OK)
    await first
    await second
    third = await rig.begin()
    assert older.written.count(b"GET") == 2
    older.feed(OK)
    await third


@virtual
async def test_names_are_lower_case_and_values_without_blanks():
    """The contract of Headers; order and repetition are kept."""
    rig = Rig()
    reply = await rig.call(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-B:  1 \t\r\nx-a:\r\nX-B: 2\r\n\r\n")
    assert reply.headers == [(b"x-b", b"1"), (b"x-a", b""), (b"x-b", b"2")]


@virtual
async def test_framing_and_what_connection_names_is_removed():
    """RFC 9110 section 7.6.1."""
    rig = Rig()
    reply = await rig.call(
        b"HTTP/1.1 200 OK\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\n"
        b"Connection: x-too\r\nProxy-Connection: x\r\nTE: x\r\nTrailer: t\r\nUpgrade: h2c\r\nContent-Length: 2\r\n"
        b"X-Too: 1\r\nX-End: 1\r\n\r\nok"
    )
    assert reply.headers == [(b"x-end", b"1")]


@virtual
@pytest.mark.parametrize("method", [b"HEAD", b"GET"])
async def test_304_and_head_have_no_body_and_tell_the_declared_length(method):
    """RFC 9112 section 6.3; the connection is used again."""
    rig = Rig()
    status = b"200 OK" if method == b"HEAD" else b"304 Not Modified"
    reply = await rig.call(b"HTTP/1.1 %b\r\nContent-Length: 5000\r\n\r\n" % status, method=method)
    assert (reply.body, reply.length) == (b"", 5000)
    assert (await rig.call(OK)).body == b"ok"
    assert len(rig.dialer.links) == 1


@virtual
@pytest.mark.parametrize("framing", [b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n", b""])
async def test_head_answers_of_every_framing(framing):
    """Without framing the end would be the connection's, so that it is not used again."""
    rig = Rig()
    reply = await rig.call(b"HTTP/1.1 200 OK\r\n%b\r\n" % framing, method=b"HEAD")
    assert reply.body == b""
    assert (await rig.call(OK)).body == b"ok"
    assert len(rig.dialer.links) == (1 if framing else 2)


@virtual
async def test_a_head_answer_with_a_body_closes_the_connection_not_the_answer():
    """Bytes nobody asked for never meet the next call."""
    rig = Rig()
    reply = await rig.call(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", method=b"HEAD")
    assert reply.status == 200
    rig.link.feed(b"more")
    assert rig.stats.open == 0


@virtual
@pytest.mark.parametrize(
    ("head", "reused"), [(b"", True), (b"Content-Length: 0\r\n", True), (b"Content-Length: 2\r\n", False)]
)
async def test_204_has_no_body(head, reused):
    """One that declares a body is taken, but its connection is not trusted any more."""
    rig = Rig()
    reply = await rig.call(b"HTTP/1.1 204 No Content\r\n%b\r\n" % head)
    assert (reply.status, reply.body) == (204, b"")
    assert rig.stats.idle == (1 if reused else 0)


@virtual
async def test_a_long_answer_of_known_length_is_a_source_but_no_stream():
    """Above 64 KiB the body comes as it arrives."""
    rig = Rig()
    task = await rig.begin()
    rig.link.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n")
    reply = await task
    assert (reply.whole, reply.streamed, reply.length) == (False, False, 70000)
    rig.link.feed(b"a" * 70000)
    assert await read_all(reply) == b"a" * 70000
    assert await reply.body.read() == b""
    assert rig.in_use == 0


@virtual
@pytest.mark.parametrize("kind", ["text/event-stream; charset=utf-8", "application/x-ndjson", "application/NDJSON",
                                  "application/vnd.amazon.eventstream"])  # fmt: skip
async def test_event_streams_are_handed_over_at_their_headers(kind):
    """Semantics 2.6: nobody waits for the first event."""
    rig = Rig()
    task = await rig.begin()
    rig.link.feed(EVENTS.replace(b"text/event-stream", kind.encode()))
    reply = await task
    assert (reply.whole, reply.streamed, reply.length) == (False, True, None)
    rig.link.feed(chunk(b"data: 1\n\n"))
    assert await reply.body.read() == b"data: 1\n\n"
    rig.link.feed(chunk(b"data: 2\n\n"), chunk(b"data: 3\n\n"), b"0\r\n\r\n")
    assert rig.stats.idle == 1, "released at the end of the answer, not of reading it"
    assert await reply.body.read() == b"data: 2\n\ndata: 3\n\n"
    assert await reply.body.read() == b""


@virtual
async def test_a_chunked_answer_that_ends_soon_comes_whole():
    """Collected, since most answers without a length are short."""
    rig = Rig()
    reply = await rig.call(CHUNKED, chunk(b"he"), chunk(b"llo"), b"0\r\n\r\n")
    assert (reply.body, reply.streamed, reply.length, rig.stats.idle) == (b"hello", False, None, 1)


@virtual
@pytest.mark.parametrize(("trailer", "reused"), [(b"X-Two: 2", True), (b"Connection: close", False)])
async def test_trailers_are_dropped(trailer, reused):
    """RFC 9110 section 6.5.1 allows it; the parser obeys a Connection there, so that we do too."""
    rig = Rig()
    reply = await rig.call(CHUNKED, chunk(b"a"), b"0\r\nX-Trailer: 1\r\n%b\r\n\r\n" % trailer)
    assert (reply.body, reply.headers) == (b"a", [])
    assert (await rig.call(OK)).body == b"ok"
    assert len(rig.dialer.links) == (1 if reused else 2)


@virtual
async def test_an_answer_without_length_past_64_kib_becomes_a_stream():
    """Semantics 2.6."""
    rig = Rig()
    task = await rig.begin()
    rig.link.feed(CHUNKED, chunk(b"a" * 65536))
    await settle()
    assert not task.done()
    rig.link.feed(chunk(b"b"))
    reply = await task
    assert (reply.whole, reply.streamed) == (False, True)
    rig.link.feed(b"0\r\n\r\n")
    assert await read_all(reply) == b"a" * 65536 + b"b"


@virtual
async def test_an_answer_without_length_that_takes_its_time_becomes_a_stream():
    """After 250 ms, however few bytes have come; other bytes meanwhile do not put it off."""
    rig = Rig()
    task = await rig.begin()
    rig.link.feed(CHUNKED)
    since = rig.loop.time()
    while not task.done():
        rig.link.feed(chunk(b"x"))
        await asyncio.sleep(0.04)
        assert rig.loop.time() < since + 1
    reply = await task
    assert (reply.whole, reply.streamed) == (False, True)
    assert 0.25 <= rig.loop.time() - since <= 0.3
    rig.link.feed(b"0\r\n\r\n")
    assert set(await read_all(reply)) == {ord("x")}


@virtual
async def test_an_answer_may_end_with_its_connection():
    """RFC 9112 section 6.3, last rule; HTTP/1.0 and 1.1."""
    for version in (b"1.0", b"1.1"):
        rig = Rig()
        reply = await rig.call(b"HTTP/%b 200 OK\r\n\r\nhel" % version, b"lo", eof=True)
        assert (reply.body, rig.stats.open) == (b"hello", 0)


@virtual
async def test_a_stream_may_end_with_its_connection():
    """The source ends well."""
    rig = Rig()
    task = await rig.begin()
    rig.link.feed(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n")
    reply = await task
    rig.link.eof()
    assert await read_all(reply) == b"data: 1\n\n"


@virtual
async def test_an_answer_that_ends_with_its_connection_must_not_end_with_a_reset():
    """What was lost cannot be told from what was sent."""
    rig = Rig()
    task = await rig.begin()
    rig.link.feed(b"HTTP/1.1 200 OK\r\n\r\nhel")
    rig.link.lose(ConnectionResetError())
    with pytest.raises(UpstreamBroken) as caught:
        await task
    assert caught.value.answered


@virtual
async def test_a_body_shorter_than_declared_breaks_the_call():
    """Never taken for complete."""
    rig = Rig()
    with pytest.raises(UpstreamBroken) as caught:
        await rig.call(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", eof=True)
    assert (caught.value.answered, caught.value.sent, rig.stats.open) == (True, True, 0)


@virtual
async def test_a_stream_that_breaks_gives_what_came_before_and_then_the_error():
    """Every later read fails too."""
    rig = Rig()
    task = await rig.begin()
    rig.link.feed(EVENTS, chunk(b"data: 1\n\n"))
    reply = await task
    rig.link.feed(b"zz\r\n")
    assert await reply.body.read() == b"data: 1\n\n"
    for _ in range(2):
        with pytest.raises(UpstreamBroken):
            await reply.body.read()
    assert rig.stats.open == 0


@virtual
async def test_interim_answers_are_passed_over():
    """RFC 9110 section 15.2."""
    rig = Rig()
    reply = await rig.call(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK)
    assert (reply.status, reply.headers, reply.body) == (200, [], b"ok")


@virtual
@pytest.mark.parametrize("start", [b"HTTP/1.1 200 OK\r\nX: ", CHUNKED + b"1\r\na\r\n0\r\nX: ", CHUNKED + b"1;"])
async def test_a_head_trailers_or_an_extension_without_end_are_cut_off(start):
    """While more still comes: memory is bounded by us, not by the upstream."""
    rig = Rig()
    task = await rig.begin()
    rig.link.feed(start, *[b"a" * 10000] * 7)
    assert rig.link.gone
    with pytest.raises(UpstreamBroken, match="too large"):
        await task
