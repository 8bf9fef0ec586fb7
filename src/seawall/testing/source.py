"""A body that follows a script: chunks, gaps, an error; for both directions."""

import asyncio
from collections.abc import Iterable

from seawall.contracts.errors import DeadlineExceeded, SeawallError, UpstreamBroken

__all__ = ["ScriptedSource"]


class ScriptedSource:
    """A `Source` with a script.

    Args:
        chunks: what `read` gives, in order; empty chunks are skipped.
        gap: seconds before each chunk.
        error: raised after the last chunk instead of the end.
        cut: bytes after which the script ends, the chunk they fall in being shortened; then `error`, or the end.
        hang: give neither end nor error after the last chunk, but wait until closed or limited.

    Attributes:
        reads: how many times `read` was called.
        taken: bytes handed out.
        closes: how many times `close` was called.
        limits: every moment given to `limit`.
    """

    def __init__(
        self,
        chunks: Iterable[bytes] = (),
        *,
        gap: float = 0.0,
        error: SeawallError | None = None,
        cut: int | None = None,
        hang: bool = False,
    ) -> None:
        self._chunks = iter(list(_cut(chunks, cut)))
        self._gap = gap
        self._error = error
        self._hang = hang
        self._until = float("inf")
        self._waiter: asyncio.Future[None] | None = None
        self._held: list[bytes | None] = []
        self.reads = 0
        self.taken = 0
        self.closes = 0
        self.limits: list[float] = []

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self.closes > 0

    async def read(self) -> bytes:
        """Return the next chunk after the gap, `b""` at the end.

        Raises:
            SeawallError: the script's error.
            DeadlineExceeded: the moment given to `limit` came first.
            UpstreamBroken: the source was closed.
        """
        self.reads += 1
        if not self._held:
            self._held = [next(self._chunks, None)]
        chunk = self._held[0]
        if chunk is None and self._hang:
            await self._pass(float("inf"))
        elif chunk is not None or self._error is not None:
            await self._pass(asyncio.get_running_loop().time() + self._gap if self._gap else 0.0)
        elif self.closed:
            raise UpstreamBroken("read after close", answered=True)
        self._held.clear()  # only now: a read that is cancelled loses nothing
        if chunk is None:
            if self._error is not None:
                raise self._error
            return b""
        self.taken += len(chunk)
        return chunk

    async def _pass(self, at: float) -> None:
        """Wait until `at`, or fail at the limit, or when closed."""
        loop = asyncio.get_running_loop()
        while not self.closed and loop.time() < at and loop.time() < self._until:
            self._waiter = loop.create_future()
            wake = min(at, self._until)
            timer = loop.call_at(wake, self._wake) if wake < float("inf") else None
            try:
                await self._waiter
            finally:
                self._waiter = None
                if timer is not None:
                    timer.cancel()
        if self.closed:
            raise UpstreamBroken("read after close", answered=True)
        if loop.time() >= self._until:
            raise DeadlineExceeded

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def close(self) -> None:
        """Count it; a pending read fails."""
        self.closes += 1
        self._wake()

    def limit(self, at: float) -> None:
        """Let reads fail from `at` (loop time) on."""
        self.limits.append(at)
        self._until = at
        self._wake()


def _cut(chunks: Iterable[bytes], cut: int | None) -> Iterable[bytes]:
    left = float("inf") if cut is None else cut
    for chunk in chunks:
        if chunk and left > 0:
            yield chunk if len(chunk) <= left else chunk[: int(left)]
            left -= len(chunk)
