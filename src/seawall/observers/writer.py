"""Lines to a file descriptor, joined, by one thread of its own: the loop never waits for a pipe or a disk."""

import asyncio
import os
import select
import threading
from collections.abc import Callable
from queue import SimpleQueue

from seawall.contracts.wheel import Wheel

__all__ = ["LineWriter"]

_AT_ONCE = 1 << 16  # bytes that are handed over without waiting for the interval
_PATIENCE = 2.0  # seconds a reader that does not read may hold up the end


class LineWriter:
    """Buffers lines up to a bound and hands them to its thread.

    What does not fit is dropped and counted; the next flush with room says so. `start` it before and `await close()`
    it after; `write` is for the loop's thread only.

    Args:
        fd: written to, never closed here.
        wheel: wakes a flush `interval` after the first line of a batch.
        lost: renders the line that tells of `n` dropped lines.
        capacity: bytes kept at most, those with the thread included.
        interval: seconds a line waits at most before it is handed over.
    """

    def __init__(
        self,
        fd: int,
        wheel: Wheel,
        lost: Callable[[int], bytes],
        capacity: int = 1 << 20,
        interval: float = 0.25,
    ) -> None:
        self._fd = fd
        self._wheel = wheel
        self._lost = lost
        self._capacity = capacity
        self._interval = interval
        self._lines: list[bytes] = []
        self._size = 0  # of `_lines`
        self._given = 0  # bytes handed over, ever
        self._done = 0  # bytes the thread is through with, ever; written by the thread alone
        self._waiting = False
        self._untold = 0
        self.dropped = 0
        self.failed = 0  # bytes that could not be written; counted by the thread alone
        self._queue: SimpleQueue[bytes] = SimpleQueue()
        self._worker = threading.Thread(target=self._run, name="seawall-log", daemon=True)
        self._ended: asyncio.Future[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Start the thread."""
        self._worker.start()

    def write(self, line: bytes) -> None:
        """Take one line with its newline, or drop it when the buffer is full."""
        size = self._size + len(line)
        if size + self._given - self._done > self._capacity:
            self.dropped += 1
            self._untold += 1
        else:
            self._size = size
            self._lines.append(line)
            if size >= _AT_ONCE:
                self.flush()
                return
        if not self._waiting:
            self._wake()

    def flush(self) -> None:
        """Hand over what is there."""
        if self._untold and self._given - self._done < self._capacity // 2:
            count, self._untold = self._untold, 0
            self._lines.append(self._lost(count))
        if self._lines:
            block = b"".join(self._lines)
            self._lines.clear()
            self._size = 0
            self._given += len(block)
            self._queue.put(block)

    def _wake(self) -> None:
        self._waiting = True
        self._wheel.add(self._wheel.now() + self._interval, self._due)

    def _due(self) -> None:
        self._waiting = False
        self.flush()
        if self._untold:
            self._wake()

    async def close(self) -> None:
        """Hand over the rest and wait until it is written, two seconds at most; a second call only waits."""
        if self._ended is None:
            self.flush()
            self._loop = asyncio.get_running_loop()
            self._ended = self._loop.create_future()
            self._queue.put(b"")
        await asyncio.wait((self._ended,), timeout=_PATIENCE)

    def _run(self) -> None:
        while block := self._queue.get():
            self._put(block)
            self._done += len(block)
        loop, ended = self._loop, self._ended
        if loop is not None and ended is not None and not loop.is_closed():
            loop.call_soon_threadsafe(_settle, ended)

    def _put(self, block: bytes) -> None:
        left = memoryview(block)
        while left:
            try:
                written = os.write(self._fd, left)
                left = left[written:]
            except BlockingIOError:  # the descriptor is shared with somebody who made it non-blocking
                select.select((), (self._fd,), ())
            except OSError:  # reader gone, disk full: calls go on without a log, and the metric says so
                self.failed += len(left)
                return


def _settle(ended: "asyncio.Future[None]") -> None:
    if not ended.done():
        ended.set_result(None)
