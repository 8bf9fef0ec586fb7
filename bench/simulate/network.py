"""A network in virtual time under the real wire: connections that answer late, in pieces, badly or not at all."""

import asyncio
import random
from collections.abc import Callable

from seawall.contracts.errors import ConnectError
from seawall.contracts.target import Target
from seawall.wire.connection import Connection

__all__ = ["Link", "Network"]

SMALL = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nRetry-After: 1\r\n\r\n"
FAILED = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"
STREAM = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"6\r\ndata:a\r\n",
    b"6\r\ndata:b\r\n",
    b"0\r\n\r\n",
)


class Link(asyncio.Transport):
    """The far end of one connection."""

    def __init__(self, network: "Network", connection: Connection) -> None:
        super().__init__()
        self._network = network
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self.gone = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take a request, and answer it some time later."""
        if self.gone:
            return
        pieces = self._network.answer()
        delay = 0.0
        for piece in pieces:
            delay += self._network.delay()
            self._loop.call_later(delay, self._feed, piece)

    def _feed(self, piece: bytes | None) -> None:
        if self.gone:
            return
        if piece is None:
            self._lose(ConnectionResetError())
        else:
            self._connection.data_received(piece)

    def get_write_buffer_size(self) -> int:
        """Return 0: everything is taken at once."""
        return 0

    def pause_reading(self) -> None:
        """Do nothing: the answers are small."""

    def resume_reading(self) -> None:
        """Do nothing."""

    def is_closing(self) -> bool:
        """Whether this connection is over."""
        return self.gone

    def abort(self) -> None:
        """End it."""
        self._lose(None)

    def close(self) -> None:
        """End it."""
        self._lose(None)

    def _lose(self, error: Exception | None) -> None:
        if not self.gone:
            self.gone = True
            self._loop.call_soon(self._connection.connection_lost, error)


class Network:
    """Stands where a wire has its dialer.

    Args:
        seed: of every delay and every answer.

    Attributes:
        links: every connection ever made.
    """

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self.links: list[Link] = []

    def delay(self) -> float:
        """Return seconds until the next thing happens."""
        return self._random.expovariate(20.0)

    def answer(self) -> tuple[bytes | None, ...]:
        """Return the pieces of an answer; None is a reset, nothing at all is silence."""
        kinds: tuple[tuple[bytes | None, ...], ...] = (
            (SMALL,), (SMALL[:20], SMALL[20:]), STREAM, (FAILED,), (BUSY,), (None,), (*STREAM[:2], None), (),
        )  # fmt: skip
        return self._random.choices(kinds, (4500, 1000, 2000, 800, 5, 500, 500, 700))[0]

    async def dial(self, _: Target, new: Callable[[], Connection]) -> Connection:
        """Return a connection after a while.

        Raises:
            ConnectError: refused, one time in twenty.
        """
        await asyncio.sleep(self.delay())
        if self._random.random() < 0.05:
            raise ConnectError
        connection = new()
        link = Link(self, connection)
        connection.connection_made(link)
        self.links.append(link)
        return connection
