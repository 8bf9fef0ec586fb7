"""An HTTP/1.1 upstream on a real socket that does what it is told, also what no good server does."""

import asyncio
import ssl
from collections.abc import Callable, Iterable, Iterator
from itertools import repeat
from typing import assert_never, cast

import httptools

from seawall.contracts.body import Headers
from seawall.testing.exchange import Action, Answer, End, Exchange, Fault
from seawall.testing.listener import Abort, Listener, reset

__all__ = ["App", "FaultServer"]

App = Callable[[Exchange], Answer | Iterable[Action]]


class FaultServer(Listener):
    """A server whose every answer may be replaced by a fault.

    Use it as an async context manager; it listens on a free loopback port.

    Args:
        app: gives each request its good answer, or a whole program that no fault touches.
        tls: serve TLS with this context.
        host: address to bind.
        port: 0 for a free one.

    Attributes:
        accept: a program run when a connection is made, before anything is read: `[End.RESET]`, `[End.HANG]`, bytes
            for a peer that speaks TLS; None for none.
        early: answer as soon as a request's head is here, its body or not.
        keep_exchanges: whether `exchanges` grows.
        exchanges: every request, in order.
    """

    def __init__(
        self,
        app: App | None = None,
        *,
        tls: ssl.SSLContext | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        super().__init__(tls=tls, host=host, port=port)
        self.app: App = app or (lambda exchange: exchange.answer)
        self.accept: Iterable[Action] | None = None
        self.early = False
        self.keep_exchanges = True
        self.exchanges: list[Exchange] = []
        self._faults: Iterator[Fault | None] = repeat(None)

    @property
    def faults(self) -> "Iterator[Fault | None]":
        """What the next requests meet: a fault (for all), an iterable (one each, then none), or None."""
        return self._faults

    @faults.setter
    def faults(self, faults: "Fault | Iterable[Fault | None] | None") -> None:
        self._faults = repeat(faults) if faults is None or callable(faults) else iter(faults)

    def program(self, exchange: Exchange) -> Iterable[Action]:
        """Return what to do about a request."""
        if self.keep_exchanges:
            self.exchanges.append(exchange)
        answer = self.app(exchange)
        if not isinstance(answer, Answer):
            return answer
        exchange.answer = answer
        fault = next(self._faults, None)
        return (answer.wire(exchange.method),) if fault is None else fault(exchange)

    def _connection(self) -> asyncio.Protocol:
        return _Connection(self)


class _Connection(asyncio.Protocol):
    """Parses requests and runs the program of each, one after the other, in a task of its own."""

    transport: asyncio.Transport
    task: "asyncio.Task[None]"

    def __init__(self, server: FaultServer) -> None:
        self._server = server
        self._parser = httptools.HttpRequestParser(self)
        self._exchange: Exchange | None = None
        self._target = b""
        self._headers: Headers = []
        self._ready: asyncio.Queue[tuple[Exchange, bool]] = asyncio.Queue()
        self._writable = asyncio.Event()
        self._writable.set()
        self._current: Exchange | None = None
        self._number = 0
        self._handed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance
        self.task = asyncio.get_running_loop().create_task(self._serve(), name="fault server connection")
        self._server.enter(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            if not self.transport.is_closing():
                self.transport.write(Answer(400, b"").wire())
                self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        exchange = self._current or self._exchange
        if exchange is not None:
            phase = "answer" if self._current else "request"
            self._server.counts.abort(Abort(asyncio.get_running_loop().time(), phase, exchange.target))
        self._writable.set()
        self._server.leave(self)

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def on_message_begin(self) -> None:
        self._target, self._headers, self._handed = b"", [], False

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self._number += 1
        method: bytes = self._parser.get_method()
        self._exchange = Exchange(method, self._target, self._headers, number=self._number)
        if self._server.early:
            self._hand_on()
        elif self._exchange.header(b"expect") is not None:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        if self._exchange is not None:
            self._exchange.body += body

    def on_message_complete(self) -> None:
        self._hand_on()
        self._exchange = None

    def _hand_on(self) -> None:
        if self._exchange is not None and not self._handed:
            self._handed = True
            self._server.counts.requests += 1
            self._ready.put_nowait((self._exchange, self._parser.should_keep_alive()))

    async def _serve(self) -> None:
        if self._server.accept is not None and await self._run(self._server.accept) is not End.KEEP:
            return
        while True:
            exchange, keep = await self._ready.get()
            self._current = exchange
            counts = self._server.counts
            counts.waiting += 1
            counts.peak = max(counts.peak, counts.waiting)
            try:
                end = await self._run(self._server.program(exchange))
            finally:
                counts.waiting -= 1
            self._current = None
            if end is not End.KEEP:
                return
            counts.answered += 1
            if not keep:
                self.transport.close()
                return

    async def _run(self, program: Iterable[Action]) -> End:
        end = End.KEEP
        for action in program:
            if isinstance(action, bytes):
                self.transport.write(action)
                await self._writable.wait()
            elif isinstance(action, End):
                end = action
                break
            else:
                await asyncio.sleep(action)
        if end is not End.KEEP:
            self._server.counts.ends[end.name] = self._server.counts.ends.get(end.name, 0) + 1
            await self._end(end)
        return end

    async def _end(self, end: End) -> None:
        match end:
            case End.KEEP:
                return
            case End.HANG:
                await asyncio.get_running_loop().create_future()
            case End.RESET | End.FIN:
                self._current = None  # what follows is our doing, not the peer's
                if end is End.RESET:
                    reset(self.transport)
                else:
                    self.transport.close()
            case _:
                assert_never(end)
