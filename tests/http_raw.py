"""Raw HTTP for tests of the server: bytes in, answers out; over a fake transport or a real socket."""

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from seawall.contracts.clock import Clock
from seawall.contracts.reply import Reply
from seawall.contracts.request import Handler, Request
from seawall.contracts.wheel import Wheel
from seawall.server import Limits, Server
from seawall.server.connection import Connection
from seawall.server.state import State

AFTER = b"GET /after HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True)
class Answer:
    """One parsed answer; `complete` is False when it was cut."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes
    complete: bool = True
    framing: str = "none"


def parse_answers(raw: bytes, methods: tuple[bytes, ...] = ()) -> list[Answer]:
    """Parse what a server sent, strictly enough to notice a wrong framing."""
    answers: list[Answer] = []
    finals = 0
    while raw:
        head, blank, rest = raw.partition(b"\r\n\r\n")
        assert blank, f"half a head: {head!r}"
        line, *lines = head.split(b"\r\n")
        version, status, _ = line.split(b" ", 2)
        assert version == b"HTTP/1.1", line
        headers: dict[bytes, bytes] = {}
        for each in lines:
            name, _, value = each.partition(b": ")
            assert name not in headers or name not in (b"content-length", b"transfer-encoding"), "framed twice"
            headers[name.lower()] = value
        code = int(status)
        method = methods[finals] if finals < len(methods) else b"GET"
        finals += code >= 200
        answer, raw = _body(code, headers, rest, method)
        answers.append(answer)
    return answers


def _body(code: int, headers: dict[bytes, bytes], rest: bytes, method: bytes) -> tuple[Answer, bytes]:
    assert not (b"content-length" in headers and b"transfer-encoding" in headers), "framed twice"
    if code < 200 or code in (204, 304) or method == b"HEAD":
        return Answer(code, headers, b""), rest
    if b"content-length" in headers:
        size = int(headers[b"content-length"])
        return Answer(code, headers, rest[:size], len(rest) >= size, "length"), rest[size:]
    if headers.get(b"transfer-encoding") == b"chunked":
        body = b""
        while True:
            size_line, found, rest = rest.partition(b"\r\n")
            if not found:
                return Answer(code, headers, body, False, "chunked"), b""
            size = int(size_line, 16)
            chunk, end, rest = rest[:size], rest[size : size + 2], rest[size + 2 :]
            if end != b"\r\n":
                return Answer(code, headers, body + chunk, False, "chunked"), b""
            body += chunk
            if not size:
                return Answer(code, headers, body, True, "chunked"), rest
    return Answer(code, headers, rest, True, "close"), b""


class FakeTransport(asyncio.Transport):
    """Records what the server does; a test decides how much a client takes.

    Attributes:
        written: everything written, in order.
        writes: number of calls that wrote.
        buffered: what `get_write_buffer_size` tells.
        reading, closing, aborted, ended: state of the connection; `ended` after `write_eof`.
    """

    def __init__(self, peer: str = "192.0.2.1") -> None:
        super().__init__({"peername": (peer, 40000)})
        self.written = b""
        self.writes = 0
        self.buffered = 0
        self.reading = True
        self.closing = self.aborted = self.ended = self.lost = False
        self.protocol: Connection | None = None

    def write(self, data: bytes) -> None:
        if not self.closing:
            assert not self.ended, "written behind the end"
            self.written += data
            self.writes += 1

    def writelines(self, pieces) -> None:
        self.write(b"".join(pieces))

    def get_write_buffer_size(self) -> int:
        return self.buffered

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

    def is_closing(self) -> bool:
        return self.closing

    def pause_reading(self) -> None:
        assert self.reading
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.reading
        self.reading = True

    def close(self) -> None:
        if not self.closing:
            self.closing = True
            if not self.buffered:
                asyncio.get_running_loop().call_soon(self.lose)

    def abort(self) -> None:
        self.closing = self.aborted = True
        asyncio.get_running_loop().call_soon(self.lose)

    def lose(self) -> None:
        if not self.lost:
            self.lost = self.closing = True
            self.protocol.connection_lost(None)


class Rig:
    """A connection of ours on a fake transport, in a virtual loop."""

    def __init__(
        self,
        handler: Handler | None = None,
        limits: Limits | None = None,
        state: State | None = None,
        peer: str = "192.0.2.1",
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.reported: list[BaseException] = []
        self.refused: list[int] = []
        if state is None:
            clock = self.loop.clock()
            state = State(
                handler or echo,
                limits or Limits(),
                clock,
                Wheel(clock, self.loop),
                self.loop,
                self.refused.append,
                self.reported.append,
            )
        self.state = state
        self.transport = FakeTransport(peer)
        self.connection = Connection(state)
        self.transport.protocol = self.connection
        self.connection.connection_made(self.transport)

    async def feed(self, *pieces: bytes) -> "Rig":
        """Hand pieces over as they would arrive, a few turns between them."""
        for piece in pieces:
            if not self.transport.closing:
                self.connection.data_received(piece)
            await turns()
        return self

    async def wait(self, seconds: float) -> None:
        """Let virtual time pass."""
        await asyncio.sleep(seconds)

    def answers(self, *methods: bytes) -> list[Answer]:
        """Parse everything written so far."""
        return parse_answers(self.transport.written, methods)

    def statuses(self, *methods: bytes) -> list[int]:
        """Return the statuses of everything written so far."""
        return [answer.status for answer in self.answers(*methods)]

    async def leave(self) -> None:
        """The client goes."""
        self.transport.lose()
        await turns()


async def turns(count: int = 6) -> None:
    """Give the loop a few turns."""
    for _ in range(count):
        await asyncio.sleep(0)


async def read_all(request: Request) -> bytes:
    """Return a request's whole body."""
    body = request.body
    if isinstance(body, bytes):
        return body
    parts = []
    while part := await body.read():
        parts.append(part)
    return b"".join(parts)


async def echo(request: Request) -> Reply:
    """Answer with what was understood of the request."""
    body = await read_all(request)
    return Reply(200, [(b"content-type", b"text/plain")], b"%b %b %d" % (request.method, request.target, len(body)))


@asynccontextmanager
async def running(handler: Handler = echo, limits: Limits | None = None, report: Callable | None = None, **options):
    """Run a server of ours on a free port; yields it and its port, and drains it at the end."""
    loop = asyncio.get_running_loop()
    clock = Clock()
    server = Server(handler, limits or Limits(), clock, Wheel(clock, loop), loop, report=report or _fail, **options)
    await server.start("127.0.0.1:0")
    try:
        yield server, int(server.addresses[0].rpartition(":")[2])
    finally:
        await server.drain(0.0)


def _fail(error: BaseException) -> None:
    raise AssertionError("the server reported an exception") from error


async def talk(port: int, raw: bytes) -> bytes:
    """Send bytes and return everything that comes until the server ends the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(raw)
        return await asyncio.wait_for(reader.read(), 10.0)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
