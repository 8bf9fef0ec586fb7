"""A kept connection that dies: tried again where nothing can happen twice, and nowhere else (RFC 9112 9.3.1)."""

import pytest
from wire_kit import OK, Rig, settle

from seawall.contracts.errors import ConnectError, UpstreamBroken
from seawall.testing import ScriptedSource, virtual


async def stale(rig, **call):
    """Start a call on a connection that was used before, and let it die before a byte of the answer."""
    await rig.call(OK)
    task = await rig.begin(**call)
    rig.link.lose(ConnectionResetError())
    await settle(10)
    return task


@virtual
@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE"])
async def test_idempotent_calls_go_again_on_a_fresh_connection(method):
    """Once; the caller sees nothing of it."""
    rig = Rig()
    task = await stale(rig, method=method)
    first, second = rig.dialer.links
    assert first.written.endswith(second.written)
    second.feed(OK)
    assert (await task).status == 200
    assert rig.attempt.sent


@virtual
async def test_the_second_connection_is_the_last():
    """A fresh connection that dies is the upstream's answer."""
    rig = Rig()
    task = await stale(rig)
    rig.link.lose(ConnectionResetError())
    with pytest.raises(UpstreamBroken) as caught:
        await task
    assert (caught.value.sent, caught.value.answered, len(rig.dialer.links)) == (True, False, 2)


@virtual
async def test_it_is_fresh_though_others_are_idle():
    """Those are as stale as the first."""
    rig = Rig()
    one, two = await rig.begin(), await rig.begin()
    for link in rig.dialer.links:
        link.feed(OK)
    await one
    await two
    task = await rig.begin()
    rig.dialer.links[1].eof()
    await settle(10)
    assert len(rig.dialer.links) == 3
    rig.link.feed(OK)
    assert (await task).status == 200


@virtual
async def test_a_post_is_not_sent_twice():
    """Its bytes went out: whether it was processed is anybody's guess."""
    rig = Rig()
    task = await stale(rig, method=b"POST", body=b"pay")
    with pytest.raises(UpstreamBroken) as caught:
        await task
    assert (caught.value.sent, caught.value.answered, len(rig.dialer.links)) == (True, False, 1)


@virtual
async def test_a_source_cannot_be_sent_twice():
    """Though the method could."""
    rig = Rig()
    task = await stale(rig, method=b"PUT", body=ScriptedSource([b"a"]), length=1)
    with pytest.raises(UpstreamBroken):
        await task


@virtual
async def test_a_fresh_connection_is_not_stale():
    """The upstream closed it on purpose."""
    rig = Rig()
    task = await rig.begin()
    rig.link.eof()
    with pytest.raises(UpstreamBroken):
        await task
    assert len(rig.dialer.links) == 1


@virtual
async def test_an_answer_that_had_begun_is_not_repeated():
    """One byte is enough, also of an interim answer."""
    for byte in (b"H", b"HTTP/1.1 100 Continue\r\n\r\n"):
        rig = Rig()
        await rig.call(OK)
        task = await rig.begin()
        rig.link.feed(byte)
        rig.link.eof()
        with pytest.raises(UpstreamBroken) as caught:
            await task
        assert (caught.value.answered, len(rig.dialer.links)) == (True, 1)


@virtual
async def test_failing_to_connect_again_is_a_connect_error():
    """What went wrong last is told."""
    rig = Rig()
    await rig.call(OK)
    task = await rig.begin()
    rig.dialer.error = ConnectError("refused")
    rig.link.eof()
    with pytest.raises(ConnectError):
        await task


@virtual
@pytest.mark.parametrize("event", ["eof", "lost", "bytes"])
async def test_an_idle_connection_that_stirs_is_dropped(event):
    """Closed, lost or talking unasked: the next call gets a fresh one."""
    rig = Rig()
    await rig.call(OK)
    link = rig.link
    if event == "eof":
        link.eof()
    elif event == "lost":
        link.lose(ConnectionResetError())
        await settle()
    else:
        link.feed(OK)
    assert (rig.stats.open, link.gone) == (0, True)
    assert (await rig.call(OK)).body == b"ok"
    assert len(rig.dialer.links) == 2
