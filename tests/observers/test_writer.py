"""The writer never blocks the loop, loses nothing it has room for, and counts what it loses."""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from seawall.contracts.clock import Clock
from seawall.contracts.wheel import Wheel
from seawall.observers.writer import LineWriter


def lost(count: int) -> bytes:
    """Render what tells of dropped lines."""
    return b"lost %d\n" % count


@pytest.fixture
async def make(wheel: Wheel) -> AsyncIterator[Callable[..., LineWriter]]:
    """Return a maker of started writers; all are closed in the end."""
    made: list[LineWriter] = []

    def start(fd: int, capacity: int = 1 << 20, interval: float = 0.005) -> LineWriter:
        writer = LineWriter(fd, wheel, lost, capacity, interval)
        writer.start()
        made.append(writer)
        return writer

    yield start
    for writer in made:
        await writer.close()


async def drained(fd: int, wanted: int) -> bytes:
    """Read `wanted` bytes from a pipe without blocking the loop."""
    os.set_blocking(fd, False)
    loop = asyncio.get_running_loop()
    text = b""
    while len(text) < wanted:
        ready = loop.create_future()
        loop.add_reader(fd, lambda ready=ready: ready.done() or ready.set_result(None))
        await asyncio.wait_for(ready, 5)
        loop.remove_reader(fd)
        text += os.read(fd, 1 << 20)
    return text


@pytest.fixture
def pipe() -> AsyncIterator[tuple[int, int]]:
    """Return both ends of a pipe, closed afterwards."""
    read, write = os.pipe()
    yield read, write
    for fd in (read, write):
        try:
            os.close(fd)
        except OSError:
            continue


async def test_lines_are_written_after_the_interval_in_order(
    make: Callable[..., LineWriter], pipe: tuple[int, int]
) -> None:
    """Nobody needs to flush: the wheel does, once for all lines of the interval."""
    writer = make(pipe[1])
    for number in range(100):
        writer.write(b"%d\n" % number)
    assert (await drained(pipe[0], 290)).split() == [b"%d" % number for number in range(100)]


async def test_a_large_batch_does_not_wait_for_the_interval(
    make: Callable[..., LineWriter], pipe: tuple[int, int]
) -> None:
    """64 KiB are handed over at once."""
    writer = make(pipe[1], interval=3600.0)
    writer.write(b"x" * (1 << 16) + b"\n")
    assert len(await drained(pipe[0], (1 << 16) + 1)) == (1 << 16) + 1


async def test_close_writes_the_rest_and_ends_the_thread(make: Callable[..., LineWriter], tmp_path: Path) -> None:
    """After `close` every line is in the file and no thread is left."""
    before = threading.active_count()
    path = tmp_path / "log"
    fd = os.open(path, os.O_WRONLY | os.O_CREAT)
    writer = make(fd, interval=3600.0)
    writer.write(b"one\n")
    writer.write(b"two\n")
    assert threading.active_count() == before + 1
    await writer.close()
    os.close(fd)
    assert path.read_bytes() == b"one\ntwo\n"
    assert writer.dropped == 0


async def test_a_reader_that_stops_costs_lines_that_are_counted_and_told(
    make: Callable[..., LineWriter], pipe: tuple[int, int]
) -> None:
    """A full pipe blocks the thread, not the loop; beyond the bound lines are dropped, and told once it flows again."""
    writer = make(pipe[1], capacity=200_000)
    line = b"x" * 999 + b"\n"
    for _ in range(500):
        writer.write(line)
    kept = 500 - writer.dropped
    assert 0 < kept <= 200
    text = await drained(pipe[0], kept * 1000 + len(lost(writer.dropped)))
    assert text == line * kept + lost(writer.dropped)


async def test_a_reader_that_is_gone_is_counted_and_ends_nothing(
    make: Callable[..., LineWriter], pipe: tuple[int, int]
) -> None:
    """Calls go on without a log."""
    os.close(pipe[0])
    writer = make(pipe[1])
    writer.write(b"into the void\n")
    await writer.close()
    assert writer.failed == len(b"into the void\n")


async def test_a_non_blocking_descriptor_is_waited_for(make: Callable[..., LineWriter], pipe: tuple[int, int]) -> None:
    """Somebody else made the pipe non-blocking: partial writes and EAGAIN lose nothing."""
    os.set_blocking(pipe[1], False)
    writer = make(pipe[1])
    text = b"".join(b"%06d\n" % number for number in range(60_000))
    writer.write(text)
    assert await drained(pipe[0], len(text)) == text


async def test_a_reader_that_never_reads_cannot_hold_up_the_end(
    wheel: Wheel, pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`close` gives up; the thread is a daemon and goes with the process."""
    monkeypatch.setattr("seawall.observers.writer._PATIENCE", 0.01)
    writer = LineWriter(pipe[1], wheel, lost)
    writer.start()
    writer.write(b"x" * 200_000)
    await writer.close()
    await drained(pipe[0], 200_000)


def test_a_loop_that_is_gone_does_not_break_the_thread(pipe: tuple[int, int]) -> None:
    """The process ends in the middle of closing: nothing is raised in the thread."""

    async def leave() -> LineWriter:
        writer = LineWriter(pipe[1], Wheel(Clock(), asyncio.get_running_loop()), lost)
        writer.write(b"late\n")
        closing = asyncio.ensure_future(writer.close())
        await asyncio.sleep(0)
        closing.cancel()
        return writer

    writer = asyncio.run(leave())
    writer.start()
    writer._worker.join(5)
    assert not writer._worker.is_alive()
    assert os.read(pipe[0], 100) == b"late\n"
