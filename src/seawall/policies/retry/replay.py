"""Request bodies kept for another attempt, as far as memory allows (semantics 2.5)."""

from typing import Protocol

from seawall.contracts.body import Source
from seawall.contracts.errors import RequestBodyError

__all__ = ["Buffers", "Recorder"]


class Buffers(Protocol):
    """The allowance all kept bodies share."""

    def take(self, size: int) -> bool:
        """Take `size` bytes, or nothing and return False."""
        ...

    def give(self, size: int) -> None:
        """Give back what was taken."""
        ...


class Recorder:
    """Reads a client's body once and lets every attempt read it from the start.

    Args:
        source: the client's body; the door closes it.
        limit: most bytes kept of this body; beyond, it streams and cannot be replayed.
        buffers: the allowance shared with all other bodies; None keeps nothing.
    """

    __slots__ = (
        "_broken",
        "_buffers",
        "_held",
        "_keeping",
        "_limit",
        "_reading",
        "_source",
        "_touched",
        "_view",
        "chunks",
    )

    def __init__(self, source: Source, limit: int, buffers: Buffers | None) -> None:
        self._source = source
        self._limit = limit
        self._buffers = buffers
        self._held = 0
        self._keeping = limit > 0 and buffers is not None
        self._touched = False
        self._reading = False
        self._broken = False
        self._view: View | None = None
        self.chunks: list[bytes] = []

    @property
    def replayable(self) -> bool:
        """Whether another attempt can read the body from its start."""
        return not self._broken and not self._reading and (self._keeping or not self._touched)

    def view(self) -> "View":
        """Return the body for the next attempt; what the attempt before still has reads no more."""
        if self._view is not None:
            self._view.close()
        self._view = View(self)
        return self._view

    async def read(self) -> bytes:
        """Return the next chunk from the client and keep it while there is room.

        Raises:
            RequestBodyError: the client's body broke.
        """
        self._touched = self._reading = True
        try:
            chunk = await self._source.read()
        except RequestBodyError:
            self._broken = True
            raise
        finally:
            self._reading = False
        if self._keeping:
            size = len(chunk)
            if self._held + size <= self._limit and self._buffers is not None and self._buffers.take(size):
                self._held += size
                self.chunks.append(chunk)
            else:
                self.release()
        return chunk

    def limit(self, at: float) -> None:
        """Let no read succeed after `at`."""
        self._source.limit(at)

    def release(self) -> None:
        """Keep nothing from now on; chunks an attempt has yet to read stay with that attempt's view."""
        self._keeping = False
        self.chunks = []
        held, self._held = self._held, 0
        if held and self._buffers is not None:
            self._buffers.give(held)


class View:
    """The body as one attempt reads it: what is kept, then what still comes."""

    __slots__ = ("_chunks", "_closed", "_next", "_recorder")

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._chunks = recorder.chunks
        self._next = 0
        self._closed = False

    async def read(self) -> bytes:
        """Return the next chunk, `b""` at the end.

        Raises:
            RequestBodyError: the client's body broke, or this attempt was given up.
        """
        if self._closed:
            raise RequestBodyError(499, "The attempt that read this body is over")
        chunks, position = self._chunks, self._next
        if position < len(chunks):
            self._next = position + 1
            return chunks[position]
        recorder = self._recorder
        chunk = await recorder.read()
        if recorder.chunks is chunks:
            self._next = len(chunks)
        return chunk

    def close(self) -> None:
        """Give up this attempt's reading; the client's body itself stays for the next attempt and the door."""
        self._closed = True

    def limit(self, at: float) -> None:
        """Let no read succeed after `at`."""
        self._recorder.limit(at)
