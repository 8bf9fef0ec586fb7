"""Calls in order, bounded, and gone as soon as their client is."""

import asyncio

import pytest
from http_calls import CLOSE, GET, POST, Answers, Held

from http_raw import Rig, turns
from seawall.contracts.errors import RequestBodyError
from seawall.contracts.reply import Reply
from seawall.server import Limits
from seawall.testing import ScriptedSource, virtual


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
    assert rig.state.inflight == 0
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
    assert rig.state.inflight == 0
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
    assert rig.state.inflight == 0


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
    assert rig.state.inflight == 0


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
