"""What every listening thing of the test kit shares: a port that can refuse, connections counted and ended."""

import asyncio
import socket
import ssl
import struct
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self

__all__ = ["Abort", "Connection", "Counts", "Listener", "reset"]


@dataclass(frozen=True, slots=True)
class Abort:
    """A peer left before it had its answer: when (loop time), in which phase, and what it had asked for."""

    at: float
    phase: str
    target: bytes


@dataclass(slots=True)
class Counts:
    """What a listener did so far.

    Attributes:
        connections: accepted.
        open: connections now.
        requests: received completely.
        answered: answers written to their end.
        waiting: requests whose answer is under way now.
        peak: most requests under way at a time.
        aborted: peers that left in between, the last thousand of them.
        left: how many they were.
        ends: how many answers ended in each other way, by the name of the end.
    """

    connections: int = 0
    open: int = 0
    requests: int = 0
    answered: int = 0
    waiting: int = 0
    peak: int = 0
    aborted: list[Abort] = field(default_factory=list)
    left: int = 0
    ends: dict[str, int] = field(default_factory=dict)

    def abort(self, abort: Abort) -> None:
        """Note a peer that left."""
        self.left += 1
        self.aborted.append(abort)
        del self.aborted[:-1000]


class Connection(Protocol):
    """One accepted connection, as its listener sees it."""

    task: "asyncio.Task[None]"
    transport: asyncio.Transport


class Listener:
    """A server on loopback: an async context manager, whose port can be told to refuse.

    Args:
        tls: serve TLS with this context.
        host: address to bind.
        port: 0 for a free one.

    Attributes:
        counts: what happened so far.
        connections: those open now.
        errors: what its own code raised, raised again when it is left.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0) -> None:
        self._tls = tls
        self.host = host
        self.port = port
        self.counts = Counts()
        self.connections: set[Connection] = set()
        self.errors: list[BaseException] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._empty = asyncio.Event()
        self._empty.set()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Its address as a URL without a slash at the end."""
        return f"{'https' if self._tls else 'http'}://{self.host}:{self.port}"

    def _connection(self) -> asyncio.Protocol:
        raise NotImplementedError

    async def listen(self) -> None:
        """Listen, again at the same port after `refuse`.

        Raises:
            OSError: the port is taken.
        """
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, self.host, self.port, ssl=self._tls, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]

    async def refuse(self) -> None:
        """Stop listening and drop every connection: whoever connects now is refused."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        tasks = list(self._tasks)
        for connection in list(self.connections):
            connection.transport.abort()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._empty.wait()
        if server is not None:
            await server.wait_closed()

    def enter(self, connection: Connection) -> None:
        """Take a connection in, with its task."""
        self.counts.connections += 1
        self.counts.open += 1
        self.connections.add(connection)
        self._empty.clear()
        self._tasks.add(connection.task)
        connection.task.add_done_callback(self._ended)

    def leave(self, connection: Connection) -> None:
        """Let a connection go; its task is cancelled."""
        self.counts.open -= 1
        self.connections.discard(connection)
        connection.task.cancel()
        if not self.connections:
            self._empty.set()

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self.errors.append(error)
            for connection in self.connections:
                if connection.task is task:
                    connection.transport.abort()

    async def __aenter__(self) -> Self:
        await self.listen()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.refuse()
        if self.errors and error is None:
            raise self.errors[0]


def reset(transport: asyncio.BaseTransport) -> None:
    """Close with RST instead of FIN: linger on, for zero seconds."""
    peer: Any = transport.get_extra_info("socket")
    if peer is not None:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()  # type: ignore[attr-defined]  # typeshed has it on WriteTransport only
