"""One body on its way, read by everybody who waited for it, and kept in passing (semantics 7.8 and 7.9)."""

import asyncio
from collections.abc import Callable

from seawall.contracts.body import Source
from seawall.contracts.errors import CallError, DeadlineExceeded, UpstreamBroken
from seawall.contracts.wheel import Wheel

__all__ = ["Keeping", "Tee", "TeeReader"]

# Once a body is too large to keep, the fastest reader may be this many bytes ahead of the slowest.
WINDOW = 1 << 18


class Tee:
    """The chunks of a body as they come, and those who read them.

    While the body may still be kept, all of it is here and a new reader starts at its beginning. Once it is known to be
    too large, only what the slowest reader has not read stays.

    Args:
        wheel: time.
        idle: called when the last reader has closed.

    Attributes:
        chunks: from chunk number `first` on.
        open: a new reader may still start.
        ended: the whole body is here.
        wanted: it is to be kept though nobody reads it.
        error: why no more comes.
    """

    __slots__ = ("_idle", "_room", "chunks", "ended", "error", "first", "open", "readers", "wanted", "wheel")

    def __init__(self, wheel: Wheel, idle: Callable[[], None]) -> None:
        self.wheel = wheel
        self.chunks: list[bytes] = []
        self.first = 0
        self.open = True
        self.ended = False
        self.wanted = False
        self.error: BaseException | None = None
        self.readers: set[TeeReader] = set()
        self._idle = idle
        self._room: asyncio.Future[None] | None = None

    def reader(self) -> "TeeReader":
        """Return a reader from the beginning."""
        reader = TeeReader(self)
        self.readers.add(reader)
        return reader

    def add(self, chunk: bytes) -> None:
        """Take the next chunk."""
        self.chunks.append(chunk)
        self._wake()

    def end(self, error: BaseException | None = None) -> None:
        """No more comes: the body is whole, or broke with `error`."""
        self.ended = error is None
        self.error = error
        self.open = False
        self._wake()

    def overflow(self) -> None:
        """It will not be kept: let go of what everybody has read."""
        self.open = False
        self.trim()

    async def room(self) -> None:
        """Wait until the slowest reader is near enough; nothing else bounds what is here once it is not kept."""
        while self.readers and sum(map(len, self.chunks)) > WINDOW:
            self._room = asyncio.get_running_loop().create_future()
            try:
                await self._room
            finally:
                self._room = None

    def trim(self) -> None:
        """Drop what the slowest reader has read."""
        slowest = min((reader.position for reader in self.readers), default=self.first + len(self.chunks))
        if slowest > self.first:
            del self.chunks[: slowest - self.first]
            self.first = slowest
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    def left(self, reader: "TeeReader") -> None:
        """A reader has closed."""
        if reader in self.readers:
            self.readers.discard(reader)
            if not self.open:
                self.trim()
            if not self.readers and not self.wanted:
                self._idle()

    def _wake(self) -> None:
        for reader in self.readers:
            reader.wake()


class TeeReader:
    """One reader of a `Tee`: a contracts `Source`."""

    __slots__ = ("_closed", "_limit", "_tee", "_waiter", "position")

    def __init__(self, tee: Tee) -> None:
        self._tee = tee
        self._closed = False
        self._limit = float("inf")
        self._waiter: asyncio.Future[None] | None = None
        self.position = 0

    async def read(self) -> bytes:
        """Return the next chunk, `b""` at the end.

        Raises:
            UpstreamError: the body broke, after everything before that was read; or this reader was closed.
            DeadlineExceeded: the moment given to `limit` has passed.
        """
        tee = self._tee
        while True:
            if self._closed:
                raise UpstreamBroken("The answer was closed before its end", answered=True)
            if tee.wheel.now() >= self._limit:
                raise DeadlineExceeded
            at = self.position - tee.first
            if at < len(tee.chunks):
                chunk = tee.chunks[at]
                self.position += 1
                if not tee.open and not tee.ended:
                    tee.trim()
                return chunk
            if tee.error is not None:
                raise tee.error.with_traceback(None)
            if tee.ended:
                return b""
            await self._more()

    async def _more(self) -> None:
        tee = self._tee
        self._waiter = tee.wheel.loop.create_future()
        entry = None if self._limit == float("inf") else tee.wheel.add(self._limit, self.wake)
        try:
            await self._waiter
        finally:
            self._waiter = None
            if entry is not None:
                entry.cancel()

    def wake(self) -> None:
        """Let a pending `read` look again."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def close(self) -> None:
        """Leave; the body itself goes on for the others."""
        if not self._closed:
            self._closed = True
            self.wake()
            self._tee.left(self)

    def spare(self) -> None:
        """Leave, since this reader needs no body; it is read to its end and kept all the same."""
        self._tee.wanted = True
        self.close()

    def limit(self, at: float) -> None:
        """Let no `read` succeed after `at`."""
        self._limit = at


class Keeping:
    """A body passed on to its one reader, its chunks collected on the way.

    Args:
        inner: the body.
        most: bytes that are collected at most; beyond, nothing is.
        hold: asks for room for so many more bytes.
        release: gives room back.
        done: called once with the whole body, when its end was read.
    """

    __slots__ = ("_chunks", "_done", "_hold", "_inner", "_most", "_release", "_size")

    def __init__(
        self,
        inner: Source,
        most: int,
        hold: Callable[[int], bool],
        release: Callable[[int], None],
        done: Callable[[bytes], None],
    ) -> None:
        self._inner = inner
        self._most = most
        self._hold = hold
        self._release = release
        self._done = done
        self._chunks: list[bytes] | None = []
        self._size = 0

    async def read(self) -> bytes:
        """Return the next chunk, `b""` at the end.

        Raises:
            CallError: what the body raises; nothing is kept then.
        """
        try:
            chunk = await self._inner.read()
        except CallError:
            self._drop()
            raise
        if self._chunks is None:
            return chunk
        if not chunk:
            whole = b"".join(self._chunks)
            self._drop()
            self._done(whole)
        elif self._size + len(chunk) > self._most or not self._hold(len(chunk)):
            self._drop()
        else:
            self._size += len(chunk)
            self._chunks.append(chunk)
        return chunk

    def close(self) -> None:
        """Close the body; what was not read to its end is not kept."""
        self._drop()
        self._inner.close()

    def limit(self, at: float) -> None:
        """Limit the body."""
        self._inner.limit(at)

    def _drop(self) -> None:
        if self._chunks is not None:
            self._chunks = None
            self._release(self._size)
