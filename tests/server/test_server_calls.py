"""From a request to its answer: order, framing, flow control, failures, and clients that leave."""

import asyncio

import pytest

from http_raw import Rig, echo, turns
from seawall.contracts.errors import RequestBodyError, UpstreamBroken
from seawall.contracts.reply import Reply
from seawall.server import Limits
from seawall.testing import ScriptedSource, virtual

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
HEAD = b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n"
OLD = b"GET / HTTP/1.0\r\nHost: a\r\n\r\n"
OLD_KEPT = b"GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n"
CLOSE = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
EXPECT = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n"


class Answers:
    """A handler that gives prepared replies and keeps what it was asked."""

    def __init__(self, *replies: Reply):
        self.replies = list(replies)
        self.given: list[Reply] = []
        self.closed: list[Reply] = []
        self.requests = []

    async def __call__(self, request):
        self.requests.append(request)
        reply = self.replies.pop(0)
        self.given.append(reply)
        reply.on_close(lambda: self.closed.append(reply))
        return reply


class Held:
    """A handler that waits until told, and notes its cancellation."""

    def __init__(self):
        self.started = self.cancelled = 0
        self.release = asyncio.get_running_loop().create_future()

    async def __call__(self, _):
        self.started += 1
        try:
            await asyncio.shield(self.release)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return Reply(200, [], b"held")


@virtual
async def test_the_request_is_handed_on_as_it_was_sent():
    """Names in lower case, values and target byte for byte, order and repetition kept."""
    answers = Answers(Reply(200, []))
    rig = Rig(answers)
    await rig.feed(
        b"PUT /a%2f?b=%00&c HTTP/1.1\r\nX-B:  two words \r\nHost: a:80\r\nx-b: \xe9\r\nContent-Length: 2\r\n\r\nhi"
    )
    (request,) = answers.requests
    assert (request.method, request.target, request.host) == (b"PUT", b"/a%2f?b=%00&c", b"a:80")
    assert request.headers == [
        (b"x-b", b"two words"), (b"host", b"a:80"), (b"x-b", b"\xe9"), (b"content-length", b"2"),
    ]  # fmt: skip
    assert (request.body, request.length, request.peer, request.secure) == (b"hi", 2, "192.0.2.1", False)
    assert request.received == rig.loop.time()
    await rig.leave()


@virtual
async def test_a_small_answer_is_one_write():
    """Head and body together, with a Date and exactly one framing."""
    rig = Rig(Answers(Reply(200, [(b"x", b"y")], b"hello")))
    await rig.feed(GET)
    assert rig.transport.writes == 1
    assert rig.transport.written == (
        b"HTTP/1.1 200 OK\r\nx: y\r\ndate: Thu, 01 Jan 2026 00:00:00 GMT\r\ncontent-length: 5\r\n\r\nhello"
    )
    await rig.leave()


@virtual
async def test_an_answer_keeps_its_own_date():
    """Date is never rewritten (semantics 7.2)."""
    rig = Rig(Answers(Reply(200, [(b"date", b"yesterday")]), Reply(200, [(b"x", b"y"), (b"date", b"today")])))
    await rig.feed(GET, GET)
    assert [answer.headers[b"date"] for answer in rig.answers()] == [b"yesterday", b"today"]
    assert rig.transport.written.count(b"date") == 2
    await rig.leave()


FRAMINGS = [
    (GET, Reply(200, [], b""), "length", b""),
    (GET, Reply(200, [], b"x" * 70_000), "length", b"x" * 70_000),
    (HEAD, Reply(200, [], b"", 500), "none", b""),
    (HEAD, Reply(200, [], b"body"), "none", b""),
    (HEAD, Reply(200, [], ScriptedSource([b"x"])), "none", b""),
    (GET, Reply(204, [], b"never"), "none", b""),
    (GET, Reply(304, [], b"", 12), "none", b""),
    (GET, Reply(304, [], ScriptedSource([b"x"])), "none", b""),
    (GET, Reply(205, [], b""), "length", b""),
    (GET, Reply(200, [], ScriptedSource([b"ab", b"c"]), 3), "length", b"abc"),
    (GET, Reply(200, [], ScriptedSource([b"ab", b"c"])), "chunked", b"abc"),
    (GET, Reply(200, [], ScriptedSource([])), "chunked", b""),
    (GET, Reply(599, [], b"odd"), "length", b"odd"),
    (OLD, Reply(200, [], ScriptedSource([b"ab", b"c"])), "close", b"abc"),
    (OLD_KEPT, Reply(200, [], ScriptedSource([b"ab", b"c"])), "close", b"abc"),
    (OLD_KEPT, Reply(200, [], ScriptedSource([b"ab", b"c"]), 3), "length", b"abc"),
    (OLD_KEPT, Reply(200, [], b"abc"), "length", b"abc"),
]


@pytest.mark.parametrize("row", range(len(FRAMINGS)))
@virtual
async def test_every_answer_is_framed_exactly_once(row: int):
    """By method, status, version and what is known of the body (RFC 9112 section 6.3)."""
    request, reply, framing, body = FRAMINGS[row]
    answers = Answers(reply)
    rig = Rig(answers)
    await rig.feed(request)
    (answer,) = rig.answers(request.split(b" ")[0])
    assert (answer.framing, answer.body, answer.complete) == (framing, body, True)
    assert reply.finished
    assert reply.sent == len(body)
    assert answers.closed == [reply]
    closes = framing == "close" or request is OLD
    assert rig.transport.closing == closes
    assert answer.headers.get(b"connection") == (b"close" if closes else b"keep-alive" if request is OLD_KEPT else None)
    if reply.status == 204:
        assert b"content-length" not in answer.headers
    if request is HEAD:
        assert (
            answer.headers.get(b"content-length") == {0: b"500", 4: b"4"}.get(len(reply.body))
            if isinstance(reply.body, bytes)
            else b"content-length" not in answer.headers
        )
    await rig.leave()


@virtual
async def test_each_piece_of_a_stream_is_written_as_it_comes():
    """Nothing waits for the next one."""
    rig = Rig(Answers(Reply(200, [], ScriptedSource([b"a", b"b"], gap=10.0), None, True)))
    await rig.feed(GET)
    assert rig.transport.written.endswith(b"transfer-encoding: chunked\r\n\r\n")
    await rig.wait(10)
    await turns()
    assert rig.transport.written.endswith(b"\r\n\r\n1\r\na\r\n")
    await rig.wait(10)
    await turns()
    assert rig.transport.written.endswith(b"1\r\nb\r\n0\r\n\r\n")
    await rig.leave()


@pytest.mark.parametrize("chunks", [[b"abc"], [b"abcdef"], [b"ab", b"cde"], []])
@virtual
async def test_a_body_of_another_length_than_declared_breaks_the_connection(chunks):
    """The client must see that the answer is not whole; not one byte too many is written."""
    reply = Reply(200, [], ScriptedSource(chunks), 4)
    answers = Answers(reply)
    rig = Rig(answers)
    await rig.feed(GET)
    assert rig.transport.aborted
    assert not reply.finished
    assert len(rig.transport.written.partition(b"\r\n\r\n")[2]) <= 4
    assert answers.closed == [reply]
    assert len(rig.reported) == 1


@virtual
async def test_a_stream_that_breaks_never_looks_complete():
    """No last chunk; an upstream's fault is no fault of ours to report."""
    source = ScriptedSource([b"abc"], error=UpstreamBroken("reset"))
    rig = Rig(Answers(Reply(200, [], source)))
    await rig.feed(GET)
    assert rig.transport.aborted
    assert rig.transport.written.endswith(b"3\r\nabc\r\n")
    assert source.closed
    assert rig.reported == []


@virtual
async def test_pipelined_requests_are_answered_in_order():
    """One call at a time."""
    held = Held()
    rig = Rig(held)
    await rig.feed(GET * 5)
    assert held.started == 1
    held.release.set_result(None)
    await turns(40)
    assert rig.statuses() == [200] * 5
    await rig.leave()


@virtual
async def test_a_long_pipeline_is_not_read_ahead_without_bound():
    """Reading stops at 64 KiB held and goes on when the call is over."""
    held = Held()
    rig = Rig(held)
    await rig.feed(GET, GET * 3000)
    assert not rig.transport.reading
    held.release.set_result(None)
    await turns(20000)
    assert rig.transport.reading
    assert rig.statuses() == [200] * 3001
    await rig.leave()


@virtual
async def test_the_next_request_waits_until_the_client_takes_the_answer():
    """A client that only sends cannot fill our memory with answers."""
    rig = Rig()
    rig.transport.buffered = 70_000
    rig.connection.pause_writing()
    await rig.feed(GET + GET)
    assert rig.statuses() == [200]
    assert len(rig.state.calls) == 0
    assert rig.connection.waiting
    rig.transport.buffered = 0
    rig.connection.resume_writing()
    await turns()
    assert rig.statuses() == [200, 200]
    await rig.leave()


@virtual
async def test_a_stream_waits_for_its_client():
    """The source is not read while the transport's buffer is full."""
    source = ScriptedSource([b"x"] * 5)
    rig = Rig(Answers(Reply(200, [], source)))
    rig.transport.buffered = 70_000
    rig.connection.pause_writing()
    await rig.feed(GET)
    assert source.reads == 1
    rig.connection.resume_writing()
    await turns()
    assert rig.answers()[0].body == b"xxxxx"
    await rig.leave()


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


@virtual
async def test_what_a_handler_raises_is_a_500_and_reported_once():
    """No word of it reaches the client."""

    async def broken(_):
        raise KeyError("planted secret")

    rig = Rig(broken)
    await rig.feed(GET, GET)
    assert rig.statuses() == [500, 500]
    assert [type(error) for error in rig.reported] == [KeyError, KeyError]
    assert b"secret" not in rig.transport.written
    assert b"KeyError" not in rig.transport.written
    await rig.leave()


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, [(b"x", b"a\r\nset-cookie: b")]),
        Reply(200, [(b"x", b"a\nb")]),
        Reply(200, [(b"x", b"a\rb")]),
        Reply(200, [(b"x", b"a\0b")]),
        Reply(200, [(b"x\r\ny", b"a")]),
        Reply(200, [(b"content-length", b"5")]),
        Reply(200, [(b"x", b"y"), (b"transfer-encoding", b"chunked")]),
        Reply(101, []),
        Reply(999, []),
        Reply(200, [(b"x", b"a\nb")], ScriptedSource([b"x"])),
    ],
    ids=lambda reply: repr((reply.status, reply.headers)),
)
@virtual
async def test_a_reply_that_would_break_the_framing_becomes_a_500(reply):
    """No line of an upstream's or a handler's making gets into our head (security 15)."""
    answers = Answers(reply)
    rig = Rig(answers)
    await rig.feed(GET)
    assert rig.statuses() == [500]
    assert len(rig.reported) == 1
    assert answers.closed == [reply]
    await rig.leave()


@virtual
async def test_a_failing_closer_is_reported_and_harms_nobody():
    """The answer was out already."""
    reply = Reply(200, [])
    reply.on_close(lambda: 1 / 0)
    rig = Rig(Answers(reply, Reply(200, [])))
    await rig.feed(GET, GET)
    assert rig.statuses() == [200, 200]
    assert [type(error) for error in rig.reported] == [ZeroDivisionError]
    await rig.leave()


@virtual
async def test_a_client_that_leaves_cancels_its_call_at_once():
    """Whether it was waiting or had not begun (semantics 1.4)."""
    held = Held()
    rig = Rig(held)
    await rig.feed(GET)
    await rig.leave()
    assert held.cancelled == 1
    early = Rig(held, state=rig.state)
    early.connection.data_received(GET)
    await early.leave()
    assert held.started == 1
    assert rig.state.calls == set()
    assert rig.state.members == {}
    assert rig.reported == []


@virtual
async def test_a_client_that_leaves_inside_a_stream_closes_its_source():
    """The upstream is let go."""
    source = ScriptedSource([b"a"], hang=True)
    answers = Answers(Reply(200, [], source))
    rig = Rig(answers)
    await rig.feed(GET)
    await rig.leave()
    assert source.closed
    assert len(answers.closed) == 1
    assert not answers.given[0].finished
    assert rig.state.calls == set()


@virtual
async def test_a_client_that_leaves_inside_its_body_tells_the_reader():
    """499, if the handler is not cancelled first."""
    seen = []

    async def shielded(request):
        try:
            await request.body.read()
        except asyncio.CancelledError:
            with pytest.raises(RequestBodyError) as caught:
                await request.body.read()
            seen.append(caught.value.status)
            raise

    rig = Rig(shielded)
    await rig.feed(POST % 100_000)
    await rig.leave()
    assert seen == [499]


@virtual
async def test_a_handler_that_answers_in_spite_of_its_cancellation_is_closed():
    """The reply has an owner to the end."""
    answers = Answers(Reply(200, [], b"late"), Reply(200, [], ScriptedSource([b"x"])))

    async def stubborn(request):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return await answers(request)

    for _ in range(2):
        rig = Rig(stubborn)
        await rig.feed(GET)
        await rig.leave()
    assert len(answers.closed) == 2
    assert rig.reported == []


@virtual
async def test_a_cancellation_that_comes_from_the_handler_ends_the_connection():
    """It must not leave a connection nobody serves."""

    async def confused(_):
        raise asyncio.CancelledError

    rig = Rig(confused)
    await rig.feed(GET)
    assert rig.transport.aborted
    assert rig.state.calls == set()


@virtual
async def test_more_calls_than_allowed_are_refused_at_once():
    """503 with Retry-After, and the connection may be used again."""
    held = Held()
    first = Rig(held, Limits(max_inflight=1))
    await first.feed(GET)
    second = Rig(state=first.state)
    await second.feed(GET, POST % 3 + b"abc")
    assert second.statuses() == [503, 503]
    assert second.answers()[0].headers[b"retry-after"] == b"1"
    await second.feed(POST % 100_000)
    assert second.transport.ended
    held.release.set_result(None)
    await turns()
    third = Rig(state=first.state)
    await third.feed(GET)
    assert first.statuses() == third.statuses() == [200]
    for rig in (first, second, third):
        await rig.leave()


@virtual
async def test_a_full_server_closes_what_only_waits():
    """Idle connections first, then half requests; calls are never the victims (security 7)."""
    held = Held()
    busy = Rig(held, Limits(max_connections=3))
    await busy.feed(GET)
    half, idle = Rig(state=busy.state), Rig(state=busy.state)
    await half.feed(b"GET /")
    fourth = Rig(state=busy.state)
    assert idle.transport.aborted
    await fourth.feed(b"GET /")
    fifth = Rig(state=busy.state)
    await turns()
    assert half.transport.aborted
    assert not busy.transport.closing
    assert len(busy.state.members) == 3
    for rig in (busy, fourth, fifth):
        await rig.leave()
    assert busy.state.members == {}


@virtual
async def test_a_server_full_of_calls_answers_503():
    """There is nobody to close."""
    held = Held()
    busy = Rig(held, Limits(max_connections=1))
    await busy.feed(GET)
    late = Rig(state=busy.state)
    assert late.statuses() == [503]
    assert late.transport.closing
    await turns()
    assert len(busy.state.members) == 1
    await busy.leave()
    again = Rig(state=busy.state)
    assert not again.transport.closing
    await again.leave()


@virtual
async def test_one_address_has_no_more_connections_than_allowed():
    """Others are not touched, and a place that is given up is free again."""
    first = Rig(limits=Limits(max_connections_per_address=2))
    second = Rig(state=first.state)
    third = Rig(state=first.state)
    other = Rig(state=first.state, peer="192.0.2.2")
    assert third.statuses() == [503]
    assert other.transport.written == b""
    await turns()
    await second.leave()
    fourth = Rig(state=first.state)
    assert fourth.transport.written == b""
    for rig in (first, other, fourth):
        await rig.leave()
    assert first.state.addresses == {}


@virtual
async def test_bytes_behind_the_last_answer_are_never_a_request():
    """What follows `Connection: close` is not read as one."""
    answers = Answers(Reply(200, []))
    rig = Rig(answers)
    await rig.feed(CLOSE + GET, GET)
    assert rig.statuses() == [200]
    assert len(answers.requests) == 1
    await rig.leave()


@pytest.mark.parametrize(
    "raw",
    [
        b"HEAD / HTTP/1.1\r\n\r\n",
        b"HEAD /" + b"x" * 20_000,
        b"HEAD / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n",
    ],
)
@virtual
async def test_a_refused_head_has_no_body_either(raw: bytes):
    """RFC 9110 section 9.3.2: the client does not expect one."""
    rig = Rig()
    await rig.feed(raw)
    (answer,) = rig.answers(b"HEAD")
    assert answer.status in (400, 414)
    assert int(answer.headers[b"content-length"]) > 100
    await rig.leave()


@virtual
async def test_a_connection_closed_while_its_answer_is_flushed_stays_closed():
    """Draining closes it; that the client takes the rest opens nothing again."""
    rig = Rig()
    rig.transport.buffered = 70_000
    rig.connection.pause_writing()
    await rig.feed(GET + GET)
    rig.connection.retire()
    rig.transport.buffered = 0
    rig.connection.resume_writing()
    await turns()
    assert rig.statuses() == [200]
    await rig.leave()


@pytest.mark.parametrize("raw", [b"GET / HTTP/1.1\nHost: a\n\n", b"GET / HTTP/1.1\r\nHost: a\rb", b"GET /\0"])
@virtual
async def test_a_head_that_can_only_be_wrong_is_refused_before_it_ends(raw: bytes):
    """Its end, as the client writes it, would never be seen."""
    rig = Rig()
    await rig.feed(raw)
    assert rig.statuses() == [400]
    await rig.leave()
