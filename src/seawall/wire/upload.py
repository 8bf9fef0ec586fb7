"""Writing a request body that still comes, or is large, while watching for an early answer."""

import asyncio

from seawall.contracts.body import Source
from seawall.contracts.errors import RequestBodyError
from seawall.wire.connection import Connection

__all__ = ["Upload"]

# Large bodies leave in pieces, so that the idle time measures progress and an early answer stops the rest.
PIECE = 65536


class Upload:
    """One body on its way out, in the task of its call.

    An answer that comes early ends it: a pending read of the source is cancelled, and that cancellation, and no other,
    is swallowed here (the technique of `contracts.wheel.TimeLimit`).
    """

    __slots__ = ("_cancelling", "_connection", "_over", "_reading", "_task")

    def __init__(self, connection: Connection, task: "asyncio.Task[object]") -> None:
        self._connection = connection
        self._task = task
        self._cancelling = task.cancelling()
        self._over = False
        self._reading = False

    def _stop(self) -> None:
        self._over = True
        if self._reading:
            self._task.cancel()
        self._connection.resume_writing()

    async def run(self, body: bytes | Source, length: int | None) -> bool:
        """Write the body; return whether it was written to its end.

        Raises:
            RequestBodyError: the source broke, or held more or less than `length` bytes.
        """
        connection = self._connection
        connection.interrupt = self._stop
        whole = await (self._bytes(body) if isinstance(body, bytes) else self._source(body, length))
        connection.interrupt = None
        return whole

    async def _bytes(self, body: bytes) -> bool:
        view = memoryview(body)
        for start in range(0, len(body), PIECE):
            if not await self._write(view[start : start + PIECE]):
                return False
        return True

    async def _source(self, source: Source, length: int | None) -> bool:
        left = length
        while True:
            chunk = await self._read(source)
            if chunk is None:
                return False
            if left is not None:
                left -= len(chunk)
                if left < 0 or (left and not chunk):
                    raise RequestBodyError(400, "The body is not as long as declared")
                if not chunk:
                    return True
            elif not chunk:
                return await self._write(b"0\r\n\r\n")
            else:
                chunk = b"%x\r\n%b\r\n" % (len(chunk), chunk)
            if not await self._write(chunk):
                return False

    async def _read(self, source: Source) -> bytes | None:
        """Return the source's next chunk, or None when the answer came first."""
        if self._over:
            return None
        self._connection.waiting("")  # the client's time, not the upstream's
        self._reading = True
        try:
            chunk = await source.read()
        except BaseException as error:
            if self._over and self._task.uncancel() <= self._cancelling and isinstance(error, asyncio.CancelledError):
                return None
            raise
        finally:
            self._reading = False
        if self._over:
            self._task.uncancel()  # the source did not mind being cancelled
            return None
        return chunk

    async def _write(self, piece: "bytes | memoryview") -> bool:
        """Write, waiting while the upstream does not read; return whether the upload goes on."""
        connection = self._connection
        if self._over:
            return False
        connection.transport.write(piece)
        if connection.drain is not None:
            connection.waiting()
            await connection.drain
        return not self._over
