"""What an answer looks like on the wire: one framing, one write, nothing foreign in it."""

import pytest
from http_calls import GET, HEAD, OLD, OLD_KEPT, Answers

from http_raw import Rig, turns
from seawall.contracts.errors import UpstreamBroken
from seawall.contracts.reply import Reply
from seawall.testing import ScriptedSource, virtual


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
