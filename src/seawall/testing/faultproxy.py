"""A proxy on a real socket that stands between a client and an upstream and spoils what passes, byte by byte."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import cast

from seawall.testing.exchange import End
from seawall.testing.listener import Listener, reset

__all__ = ["FaultProxy", "Line", "unanswered_port"]


@dataclass(frozen=True, slots=True)
class Line:
    """How good the line through a `FaultProxy` is.

    Attributes:
        delay: seconds each block of bytes from the upstream waits before it goes on.
        block: most bytes that go on at a time; small ones make a slow drip.
        after: bytes from the upstream that pass before `end`; None for all.
        end: what happens then: closed, reset, or nothing passes any more.
    """

    delay: float = 0.0
    block: int = 65536
    after: int | None = None
    end: End = End.RESET


class FaultProxy(Listener):
    """Passes bytes between clients and one upstream, over a line that can be spoiled while it runs.

    Args:
        host: where the upstream is.
        port: its port.

    Attributes:
        faults: the line of every block passed from now on; open connections feel a change at once.
    """

    def __init__(self, host: str, port: int) -> None:
        super().__init__()
        self.faults = Line()
        self.upstream = (host, port)

    def _connection(self) -> asyncio.Protocol:
        reader = asyncio.StreamReader()
        return _Pipe(self, reader)


class _Pipe(asyncio.StreamReaderProtocol):
    """One client and the connection made for it."""

    transport: asyncio.Transport
    task: "asyncio.Task[None]"

    def __init__(self, proxy: FaultProxy, reader: asyncio.StreamReader) -> None:
        super().__init__(reader)
        self._proxy = proxy
        self._reader = reader
        self._passed = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        self.task = asyncio.get_running_loop().create_task(self._serve(), name="fault proxy connection")
        self._proxy.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._proxy.leave(self)

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        client = asyncio.StreamWriter(self.transport, self, self._reader, loop)
        try:
            reader, upstream = await asyncio.open_connection(*self._proxy.upstream)
        except OSError:
            reset(self.transport)
            return
        try:
            async with asyncio.TaskGroup() as group:
                up = group.create_task(_copy(self._reader, upstream))
                await self._down(reader, client, up)
                up.cancel()
        except* (OSError, EOFError):
            reset(self.transport)  # what happened on one side is shown to the other
        finally:
            upstream.transport.abort()

    async def _down(self, reader: asyncio.StreamReader, client: asyncio.StreamWriter, up: "asyncio.Task[None]") -> None:
        """Pass what the upstream sends until it ends or the line does."""
        while data := await reader.read(65536):
            while data:
                line = self._proxy.faults
                left = len(data) if line.after is None else max(0, line.after - self._passed)
                block, data = data[: min(line.block, left)], data[min(line.block, left) :]
                if line.delay:
                    await asyncio.sleep(line.delay)
                client.write(block)
                await client.drain()
                self._passed += len(block)
                if line.after is not None and self._passed >= line.after:
                    await self._cut(line.end, up)
                    return
        self.transport.close()

    async def _cut(self, end: End, up: "asyncio.Task[None]") -> None:
        ends = self._proxy.counts.ends
        ends[end.name] = ends.get(end.name, 0) + 1
        if end is End.HANG:
            await up  # until the client leaves
            self.transport.abort()
        elif end is End.RESET:
            reset(self.transport)
        else:
            self.transport.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.write_eof()


@asynccontextmanager
async def unanswered_port() -> AsyncIterator[tuple[str, int]]:
    """Give host and port of a listener whose queue is full: connecting there hangs, as behind a firewall that drops.

    Works where the kernel drops connections past the backlog (Linux).
    """
    loop = asyncio.get_running_loop()
    full = socket.socket()
    clients: list[socket.socket] = []
    try:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        host, port = full.getsockname()
        for _ in range(8):
            client = socket.socket()
            client.setblocking(False)
            clients.append(client)
            try:
                await asyncio.wait_for(loop.sock_connect(client, (host, port)), 0.1)
            except TimeoutError:
                break
        yield host, port
    finally:
        for client in clients:
            client.close()
        full.close()
