"""The body of an answer that still comes, read by one reader at its own pace."""

import asyncio
from typing import Protocol

from seawall.contracts.errors import CallError, DeadlineExceeded, UpstreamBroken

__all__ = ["AnswerSource", "Feed"]


class Feed(Protocol):
    """What a source needs of the connection that fills it."""

    loop: asyncio.AbstractEventLoop

    def now(self) -> float:
        """Return monotonic seconds."""
        ...

    def drained(self) -> None:
        """Everything buffered was taken: read on."""
        ...

    def limit_at(self, at: float) -> None:
        """Fail the answer at this moment."""
        ...

    def abort(self) -> None:
        """Close at once."""
        ...


class AnswerSource:
    """A contracts `Source` over the chunks of a connection.

    It lets go of the connection at the end of the answer, and keeps what is buffered.
    """

    __slots__ = ("_chunks", "_error", "_feed", "_limit", "_loop", "_now", "_waiter")

    def __init__(self, feed: Feed, chunks: list[bytes]) -> None:
        self._feed: Feed | None = feed
        self._chunks = chunks
        self._loop = feed.loop
        self._now = feed.now
        self._error: CallError | None = None
        self._limit = float("inf")
        self._waiter: asyncio.Future[None] | None = None

    async def read(self) -> bytes:
        """Return all that is buffered, waiting for more when nothing is; `b""` at the end.

        Raises:
            UpstreamError: the answer broke off, after everything before that was read.
            DeadlineExceeded: the moment given to `limit` has passed.
        """
        while True:
            if self._limit <= self._now():
                self._give_up(DeadlineExceeded())
            chunks = self._chunks
            if chunks:
                data = chunks[0] if len(chunks) == 1 else b"".join(chunks)
                chunks.clear()
                if self._feed is not None:
                    self._feed.drained()
                return data
            if self._error is not None:
                raise self._error
            if self._feed is None:
                return b""
            self._waiter = self._loop.create_future()
            await self._waiter

    def _give_up(self, error: CallError) -> None:
        """Drop what is left; reading on fails, since an end would make half a body a whole one."""
        feed, self._feed = self._feed, None
        if feed is not None or self._chunks:
            self._error = error
        self._chunks.clear()
        if feed is not None:
            feed.abort()
            self._error = error
            self.wake()

    def wake(self) -> None:
        """Let a pending `read` look again."""
        waiter = self._waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def end(self, error: CallError | None = None) -> None:
        """No more comes: the answer is complete, or broke with `error`."""
        self._feed = None
        self._error = error
        self.wake()

    def close(self) -> None:
        """Drop what is buffered; abort the connection unless the answer was complete. A later `read` fails."""
        self._give_up(UpstreamBroken("The answer was closed before its end", answered=True))

    def limit(self, at: float) -> None:
        """Let no `read` succeed after `at`, monotonic seconds."""
        self._limit = at
        if self._feed is not None:
            self._feed.limit_at(at)
