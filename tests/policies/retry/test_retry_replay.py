"""Request bodies kept for another attempt."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.contracts.errors import RequestBodyError
from seawall.pipeline.buffers import Allowance
from seawall.policies.retry.replay import Recorder
from seawall.testing import ScriptedSource, run_virtual, virtual


async def _read(view, most: int = 1000) -> bytes:
    chunks = []
    for _ in range(most):
        chunk = await view.read()
        if not chunk:
            break
        chunks.append(chunk)
    return b"".join(chunks)


@given(
    st.lists(st.binary(min_size=1, max_size=8), max_size=8),
    st.integers(0, 40),
    st.integers(0, 40),
    st.lists(st.integers(0, 9), max_size=5),
)
def test_every_attempt_reads_the_body_from_its_start(chunks: list[bytes], limit: int, room: int, reads: list[int]):
    """Attempts that read some chunks and are given up, then one that reads all, while the recorder allows it."""
    body = b"".join(chunks)
    allowance = Allowance(room)

    async def attempts() -> None:
        recorder = Recorder(ScriptedSource(chunks), limit, allowance)
        for most in reads:
            if not recorder.replayable:
                break
            view = recorder.view()
            assert body.startswith(await _read(view, most))
            assert allowance.used <= min(limit, room)
        if recorder.replayable:
            assert await _read(recorder.view()) == body
        else:
            assert recorder.chunks == []
        recorder.release()
        assert allowance.used == 0

    run_virtual(attempts())


@virtual
async def test_nothing_is_kept_without_an_allowance_or_a_limit():
    """Such a body streams, and can be read again only as long as nobody has read it."""
    for limit, allowance in ((10, None), (0, Allowance(10))):
        recorder = Recorder(ScriptedSource([b"abc"]), limit, allowance)
        recorder.view()
        assert recorder.replayable
        assert await _read(recorder.view()) == b"abc"
        assert not recorder.replayable


@virtual
async def test_a_body_being_read_is_not_replayed():
    """An early answer while the upload waits for the client: two readers of one body are never started."""
    recorder = Recorder(ScriptedSource([b"a", b"b"], gap=5), 10, Allowance(10))
    task = asyncio.get_running_loop().create_task(recorder.view().read())
    await asyncio.sleep(1)
    assert not recorder.replayable
    task.cancel()
    await asyncio.wait([task])
    assert recorder.replayable


@virtual
async def test_a_given_up_attempt_reads_no_more():
    """A view that was closed takes no chunk away from the next attempt, and leaves the client's body open."""
    source = ScriptedSource([b"a", b"b"])
    recorder = Recorder(source, 10, Allowance(10))
    old = recorder.view()
    await old.read()
    new = recorder.view()
    with pytest.raises(RequestBodyError):
        await old.read()
    assert not source.closed
    assert await _read(new) == b"ab"


@virtual
async def test_released_while_an_attempt_still_reads_what_was_kept():
    """Kept chunks stay with the attempt that reads them; what comes after is not kept."""
    allowance = Allowance(10)
    recorder = Recorder(ScriptedSource([b"a", b"b", b"c"]), 10, allowance)
    first = recorder.view()
    await first.read()
    await first.read()
    second = recorder.view()
    assert await second.read() == b"a"
    recorder.release()
    assert allowance.used == 0
    assert await _read(second) == b"bc"
    assert allowance.used == 0


@virtual
async def test_broken_by_the_client_is_never_replayed():
    """The client's failure is final, and its limit is passed on."""
    source = ScriptedSource([b"a"], error=RequestBodyError(408, "too slow"))
    recorder = Recorder(source, 10, Allowance(10))
    view = recorder.view()
    view.limit(1234.0)
    with pytest.raises(RequestBodyError):
        await _read(view)
    assert not recorder.replayable
    assert source.limits == [1234.0]


def test_allowance_is_taken_whole_or_not_at_all():
    """Nothing is taken when all of it does not fit."""
    allowance = Allowance(10)
    assert allowance.take(6)
    assert not allowance.take(5)
    assert allowance.take(4)
    allowance.give(10)
    assert allowance.used == 0
