"""Request bodies on their way: sources, large bytes, early answers, broken sources, back-pressure."""

import asyncio

import pytest
from wire_kit import EVENTS, OK, Rig, settle

from seawall.contracts.errors import RequestBodyError, UpstreamBroken
from seawall.testing import ScriptedSource, virtual

EARLY = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig"


def body_of(link):
    """Return what was written after the head."""
    return link.written.partition(b"\r\n\r\n")[2]


@virtual
async def test_a_small_body_leaves_in_one_write():
    """One system call for the request."""
    rig = Rig()
    writes = []
    rig.dialer.on_write = lambda link: writes.append(len(link.written))
    task = await rig.begin(method=b"POST", body=b"x" * 65536)
    assert len(writes) == 1
    rig.link.feed(OK)
    await task


@virtual
async def test_a_source_with_a_length_is_sent_as_it_is():
    """Content-Length, and the chunks as they come."""
    rig = Rig()
    task = await rig.begin(method=b"PUT", body=ScriptedSource([b"ab", b"cde"]), length=5)
    assert b"content-length: 5\r\n" in rig.link.written
    assert body_of(rig.link) == b"abcde"
    rig.link.feed(OK)
    assert (await task).body == b"ok"
    assert rig.stats.idle == 1


@virtual
async def test_a_source_without_a_length_is_sent_in_chunks():
    """RFC 9112 section 7.1."""
    rig = Rig()
    task = await rig.begin(method=b"PUT", body=ScriptedSource([b"ab", b"x" * 17]), length=None)
    assert body_of(rig.link) == b"2\r\nab\r\n11\r\n" + b"x" * 17 + b"\r\n0\r\n\r\n"
    rig.link.feed(OK)
    assert (await task).status == 200


@virtual
async def test_large_bytes_leave_in_pieces_as_the_upstream_reads():
    """Nothing more is written while the upstream does not read."""
    rig = Rig()
    rig.dialer.on_write = lambda link: link.connection.pause_writing()
    task = await rig.begin(method=b"POST", body=b"x" * 200000)
    assert len(body_of(rig.link)) == 65536
    rig.link.connection.resume_writing()
    await settle()
    assert len(body_of(rig.link)) == 2 * 65536
    rig.dialer.on_write = rig.link.on_write = None
    rig.link.connection.resume_writing()
    await settle()
    assert len(body_of(rig.link)) == 200000
    rig.link.feed(OK)
    assert (await task).status == 200
    assert rig.stats.idle == 1


@virtual
async def test_a_source_is_not_read_while_the_upstream_does_not_read():
    """Back-pressure reaches the client."""
    rig = Rig()
    rig.dialer.on_write = lambda link: link.connection.pause_writing()
    source = ScriptedSource([b"a", b"b", b"c"])
    task = await rig.begin(method=b"POST", body=source, length=3)
    assert source.reads == 1
    rig.link.on_write = None
    rig.link.connection.resume_writing()
    await settle()
    assert source.reads == 4
    rig.link.feed(OK)
    await task


@virtual
async def test_an_early_answer_stops_the_source_and_costs_the_connection():
    """The answer is taken, the pending read of the source ends, the task was not cancelled."""
    rig = Rig()
    task = await rig.begin(method=b"POST", body=ScriptedSource([b"a"], hang=True), length=None)
    rig.link.feed(EARLY)
    reply = await task
    assert (reply.status, reply.body, rig.stats.open) == (413, b"big", 0)
    assert not task.cancelling()


@virtual
async def test_an_early_answer_stops_a_body_that_waits_for_the_upstream():
    """Large bytes and sources alike."""
    for body in (b"x" * 200000, ScriptedSource([b"a", b"b"])):
        rig = Rig()
        rig.dialer.on_write = lambda link: link.connection.pause_writing()
        task = await rig.begin(method=b"POST", body=body, length=None)
        rig.link.feed(EARLY)
        assert (await task).status == 413
        assert rig.stats.open == 0


@virtual
async def test_an_early_stream_is_read_to_its_end():
    """The connection closes with the answer, not before."""
    rig = Rig()
    task = await rig.begin(method=b"POST", body=ScriptedSource([b"a"], hang=True), length=None)
    rig.link.feed(EVENTS)
    reply = await task
    rig.link.feed(b"1\r\nx\r\n")
    assert await reply.body.read() == b"x"
    rig.link.feed(b"0\r\n\r\n")
    assert await reply.body.read() == b""
    assert rig.stats.open == 0


@virtual
async def test_an_interim_answer_does_not_stop_the_body():
    """100 (Continue) means go on, and no time runs against the upstream meanwhile."""
    rig = Rig()
    task = await rig.begin(method=b"POST", body=ScriptedSource([b"a", b"b"], gap=3600.0), length=2)
    rig.link.feed(b"HTTP/1.1 100 Continue\r\n\r\n")
    await asyncio.sleep(7201)
    assert body_of(rig.link) == b"ab"
    rig.link.feed(OK)
    assert (await task).status == 200


@virtual
async def test_a_broken_source_aborts_the_upstream_and_stays_what_it_is():
    """The client's fault is not the upstream's."""
    rig = Rig()
    error = RequestBodyError(499, "gone")
    task = rig.start(method=b"POST", body=ScriptedSource([b"a"], error=error), length=None)
    with pytest.raises(RequestBodyError) as caught:
        await task
    assert caught.value is error
    assert (rig.stats.open, rig.link.gone) == (0, True)
    assert not body_of(rig.link).endswith(b"0\r\n\r\n"), "half a body must not look whole"


@virtual
@pytest.mark.parametrize("length", [1, 3])
async def test_a_source_must_be_as_long_as_declared(length):
    """Else what follows on the connection would be taken for a part of it, or the reverse."""
    rig = Rig()
    with pytest.raises(RequestBodyError):
        await rig.start(method=b"POST", body=ScriptedSource([b"ab"]), length=length)
    assert (rig.stats.open, len(body_of(rig.link)) <= length) == (0, True)


@virtual
async def test_an_upstream_that_breaks_stops_the_source():
    """Nobody waits for a client whose upstream is gone."""
    rig = Rig()
    task = await rig.begin(method=b"POST", body=ScriptedSource([b"a"], hang=True), length=None)
    rig.link.lose(BrokenPipeError())
    with pytest.raises(UpstreamBroken) as caught:
        await task
    assert (caught.value.sent, caught.value.answered, task.cancelling()) == (True, False, 0)


class Stubborn(ScriptedSource):
    """A source that makes something else of being cancelled."""

    def __init__(self, outcome):
        super().__init__()
        self.outcome = outcome

    async def read(self):
        try:
            await asyncio.get_running_loop().create_future()
        except asyncio.CancelledError:
            if isinstance(self.outcome, bytes):
                return self.outcome
            raise self.outcome from None


@virtual
async def test_an_early_answer_counts_whatever_the_source_makes_of_it():
    """A source may swallow the cancellation; its own error goes on, and no cancellation stays behind."""
    rig = Rig()
    task = await rig.begin(method=b"POST", body=Stubborn(b"late"), length=None)
    rig.link.feed(EARLY)
    assert (await task).status == 413
    assert task.cancelling() == 0
    task = await rig.begin(method=b"POST", body=Stubborn(RequestBodyError(408, "slow")), length=None)
    rig.link.feed(EARLY)
    with pytest.raises(RequestBodyError):
        await task
    assert task.cancelling() == 0
    assert rig.stats.open == 0


@virtual
async def test_a_cancelled_call_stays_cancelled_though_its_answer_comes_in_the_same_turn():
    """Semantics 1.4: a cancellation is never turned into anything else."""
    for order in (0, 1):
        rig = Rig()
        task = await rig.begin(method=b"POST", body=ScriptedSource([b"a"], hang=True), length=None)
        if order:
            task.cancel()
        rig.link.feed(EARLY)
        if not order:
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert rig.stats.open == 0


@virtual
async def test_a_request_still_in_the_buffer_costs_the_connection():
    """An answer that overtook its request: the rest of it would come before the next one's."""
    rig = Rig()
    task = await rig.begin(method=b"POST", body=b"abc")
    rig.link.stuck = 3
    rig.link.feed(OK)
    assert (await task).status == 200
    assert rig.stats.open == 0
