"""Each phase fires on its own, on time, and says which it was (semantics 1.3, 1.5)."""

import asyncio

import pytest
from wire_kit import CHUNKED, EVENTS, OK, TIMES, Rig, settle

from seawall.contracts.errors import UpstreamTimeout
from seawall.testing import ScriptedSource, virtual


async def failing(task, rig, phase, after, sent=True):
    """Check that the call fails by this phase so many seconds from now."""
    since = rig.loop.time()
    with pytest.raises(UpstreamTimeout) as caught:
        await task
    assert (caught.value.phase, caught.value.sent) == (phase, sent)
    assert after <= rig.loop.time() - since <= after + 0.03
    assert rig.stats.open == 0


@virtual
async def test_connecting_is_limited():
    """Nothing was sent."""
    rig = Rig()
    rig.dialer.gate = asyncio.Event()
    task = await rig.begin()
    await failing(task, rig, "connect", TIMES.connect, sent=False)
    assert not rig.attempt.sent
    assert rig.stats.connecting == 0


@virtual
async def test_the_first_byte_is_limited_from_the_request_on():
    """Something was sent."""
    rig = Rig()
    await failing(await rig.begin(), rig, "first_byte", TIMES.first_byte)
    assert rig.attempt.sent


@virtual
async def test_half_a_head_is_limited_by_the_idle_time():
    """Also while waiting for headers."""
    rig = Rig()
    task = await rig.begin()
    await asyncio.sleep(9)
    rig.link.feed(b"HTTP/1.1 200 OK\r\nConte")
    await failing(task, rig, "idle", TIMES.idle)


@virtual
async def test_an_interim_answer_is_not_the_first_byte():
    """It starts the wait again, but as a wait for the first byte."""
    rig = Rig()
    task = await rig.begin()
    await asyncio.sleep(9)
    rig.link.feed(b"HTTP/1.1 100 Continue\r\n\r\n")
    await failing(task, rig, "first_byte", TIMES.first_byte)


@virtual
async def test_a_body_of_known_length_that_stops_is_idle():
    """Every piece starts the wait again."""
    rig = Rig()
    task = await rig.begin()
    rig.link.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na")
    await asyncio.sleep(19)
    rig.link.feed(b"b")
    await failing(task, rig, "idle", TIMES.idle)


@virtual
async def test_a_stream_that_stops_is_idle():
    """The reader is told."""
    rig = Rig()
    task = await rig.begin()
    rig.link.feed(EVENTS)
    reply = await task
    await asyncio.sleep(19)
    rig.link.feed(b"1\r\na\r\n")
    assert await reply.body.read() == b"a"
    await failing(rig.loop.create_task(reply.body.read()), rig, "idle", TIMES.idle)


@virtual
async def test_a_stream_nobody_reads_is_not_the_upstreams_fault():
    """While reading is paused no time runs; it starts when reading goes on."""
    rig = Rig()
    task = await rig.begin()
    rig.link.feed(EVENTS)
    reply = await task
    rig.link.feed(b"%x\r\n" % 300000 + b"a" * 300000)
    assert not rig.link.reading
    await asyncio.sleep(3600)
    assert len(await reply.body.read()) == 300000
    await failing(rig.loop.create_task(reply.body.read()), rig, "idle", TIMES.idle)


@virtual
async def test_an_answer_handed_over_after_its_patience_is_idle_later():
    """The wait for its end gives way to the idle time."""
    rig = Rig()
    task = await rig.begin()
    rig.link.feed(CHUNKED)
    reply = await task
    await failing(rig.loop.create_task(reply.body.read()), rig, "idle", TIMES.idle)


@virtual
@pytest.mark.parametrize(("body", "length"), [(ScriptedSource([b"a", b"b", b"c"]), None), (b"a" * 200000, 0)])
async def test_an_upstream_that_does_not_read_is_idle(body, length):
    """The idle time counts for the request's body too."""
    rig = Rig()
    rig.dialer.on_write = lambda link: link.connection.pause_writing()
    task = await rig.begin(method=b"POST", body=body, length=length)
    await asyncio.sleep(19)
    rig.link.connection.resume_writing()
    await failing(task, rig, "idle", TIMES.idle)


@virtual
async def test_a_slow_client_is_not_the_upstreams_fault():
    """While the body's source is silent no time runs; the first byte's starts when the request is written."""
    rig = Rig()
    task = await rig.begin(method=b"POST", body=ScriptedSource([b"a"], gap=3600.0), length=None)
    await asyncio.sleep(3600)
    await settle()
    assert rig.link.written.endswith(b"0\r\n\r\n")
    await failing(task, rig, "first_byte", TIMES.first_byte)


@virtual
async def test_a_quick_call_after_a_slow_one_is_timed_by_its_own_times():
    """The watch that was set for later is moved earlier."""
    rig = Rig(idle_for=1000.0)
    await rig.call(OK)
    await asyncio.sleep(500)
    await failing(await rig.begin(), rig, "first_byte", TIMES.first_byte)


@virtual
async def test_a_call_costs_no_timer():
    """One entry of the wheel serves a thousand calls on one connection."""
    rig = Rig()
    await rig.call(OK)
    for _ in range(1000):
        await rig.call(OK)
    assert len(rig.wheel) == 1


@virtual
async def test_an_idle_connection_is_closed_after_a_while():
    """However often it was used before."""
    rig = Rig(idle_for=30.0)
    await rig.call(OK)
    await asyncio.sleep(29)
    await rig.call(OK)
    await asyncio.sleep(29.9)
    assert rig.stats.open == 1
    await asyncio.sleep(0.2)
    assert (rig.stats.open, len(rig.dialer.links), rig.link.gone) == (0, 1, True)


@virtual
async def test_an_upstreams_keep_alive_hint_is_kept():
    """A second before the upstream would close it."""
    rig = Rig(idle_for=30.0)
    await rig.call(b"HTTP/1.1 200 OK\r\nKeep-Alive: max=5, timeout=4\r\nContent-Length: 0\r\n\r\n")
    await asyncio.sleep(2.9)
    assert rig.stats.idle == 1
    await asyncio.sleep(0.2)
    assert rig.stats.open == 0
