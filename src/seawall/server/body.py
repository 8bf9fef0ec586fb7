"""A request body that is still coming: a `Source` whose reader sets the client's pace."""

import asyncio
from typing import Protocol

from seawall.contracts.errors import DeadlineExceeded
from seawall.contracts.wheel import Entry, Wheel

__all__ = ["RequestBody", "Tap"]

_FULL = 256 << 10


class Tap(Protocol):
    """Where the body comes from."""

    def shut(self) -> None:
        """Stop reading from the client for now."""
        ...

    def open(self) -> None:
        """The reader waits: read on, and send `100 Continue` if the client waits for it."""
        ...


class RequestBody:
    """The server pushes, the handler reads.

    Args:
        tap: is shut while the reader lags behind.
        wheel: for `limit`.
        loop: makes the future a reader waits on.
    """

    __slots__ = ("_chunks", "_closed", "_ended", "_entry", "_error", "_loop", "_size", "_tap", "_waiter", "_wheel")

    def __init__(self, tap: Tap, wheel: Wheel, loop: asyncio.AbstractEventLoop) -> None:
        self._tap = tap
        self._wheel = wheel
        self._loop = loop
        self._chunks: list[bytes] = []
        self._size = 0
        self._waiter: asyncio.Future[None] | None = None
        self._error: Exception | None = None
        self._entry: Entry | None = None
        self._ended = self._closed = False

    def push(self, data: bytes) -> None:
        """Take what came from the client."""
        if self._closed:
            return
        self._chunks.append(data)
        self._size += len(data)
        if self._size >= _FULL:
            self._tap.shut()
        self._wake()

    def end(self) -> None:
        """The body is complete."""
        self._ended = True
        self._wake()

    def fail(self, error: Exception) -> None:
        """Let this and every later read raise `error`; the first one given stays."""
        if self._error is None:
            self._error = error
            self._chunks.clear()
            self._size = 0
            self._wake()

    async def read(self) -> bytes:
        """Return the next piece, or `b""` at the end.

        Raises:
            RequestBodyError: the body broke, is too large or too slow, or the client left.
            DeadlineExceeded: the moment given to `limit` has passed.
        """
        while True:
            if self._error is not None:
                raise self._error
            chunks = self._chunks
            if chunks:
                data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
                chunks.clear()
                self._size = 0
                return data
            if self._ended or self._closed:
                return b""
            self._tap.open()
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None

    def close(self) -> None:
        """Want no more of it; what still comes is dropped."""
        self._closed = True
        self._chunks.clear()
        self._size = 0
        if self._entry is not None:
            self._entry.cancel()
            self._entry = None
        self._wake()

    def limit(self, at: float) -> None:
        """Let reads fail from `at` on (seconds on the monotonic clock); of several moments the earliest stands."""
        if self._closed or (self._entry is not None and self._entry.at <= at):
            return
        if self._entry is not None:
            self._entry.cancel()
            self._entry = None
        if at <= self._wheel.now():
            self._expire()
        else:
            self._entry = self._wheel.add(at, self._expire)

    def _expire(self) -> None:
        self.fail(DeadlineExceeded())

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
