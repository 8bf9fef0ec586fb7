"""What the tests of the wire share: a wire over fake transports in virtual time, and attempts made short."""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import asynccontextmanager

from seawall.contracts.call import Attempt, Call, Run
from seawall.contracts.clock import Clock
from seawall.contracts.reply import Reply
from seawall.contracts.target import Target, Timeouts
from seawall.contracts.wheel import Wheel
from seawall.testing import VirtualLoop
from seawall.wire import Wire
from seawall.wire.connection import Connection

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENTS = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
TIMES = Timeouts(total=100.0, attempt=90.0, connect=5.0, first_byte=10.0, idle=20.0, stream=600.0)


def make_target(port=80, host="127.0.0.1", scheme="http", allow_private=True, **more):
    """Return a target on loopback."""
    return Target("up", "up", scheme, host, port, allow_private=allow_private, **more)


def make_attempt(target, method=b"GET", path=b"/", headers=(), body=b"", length=0, timeouts=TIMES, more=()):
    """Return the first attempt of a call."""
    call = Call(method, path, list(headers), target, timeouts, 1e12, Run(0.0), body, length)
    return Attempt(call, 1, list(more), 1e12)


def chunk(data):
    """Return `data` as one chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class FakeTransport(asyncio.Transport):
    """The far end of a connection in a test's hands."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self.connection = connection
        self.loop = asyncio.get_running_loop()
        self.written = b""
        self.reading = True
        self.gone = False
        self.lost = False
        self.stuck = 0
        self.on_write: Callable[[FakeTransport], None] | None = None

    def write(self, data):
        """Keep what is written."""
        if not self.gone:
            self.written += bytes(data)
            if self.on_write is not None:
                self.on_write(self)

    def get_write_buffer_size(self):
        return self.stuck

    def pause_reading(self):
        self.reading = False

    def resume_reading(self):
        self.reading = True

    def is_closing(self):
        return self.gone

    def abort(self):
        self.lose(None)

    def close(self):
        self.lose(None)

    def lose(self, error):
        """Break the connection, as the loop would tell it: a turn later."""
        if not self.gone:
            self.gone = True
            self.loop.call_soon(self._lost, error)

    def _lost(self, error):
        self.lost = True
        self.connection.connection_lost(error)

    def feed(self, *pieces):
        """Let these bytes arrive, unless the connection is gone."""
        for piece in pieces:
            if not self.gone:
                assert self.reading, "bytes arrive though reading is paused"
                self.connection.data_received(piece)

    def eof(self):
        """Let the peer's end of stream arrive."""
        if not self.gone:
            self.connection.eof_received()
            self.close()


class FakeDialer:
    """Makes connections over fake transports.

    Attributes:
        links: the transports made, in order.
        error: raised instead of connecting.
        gate: where given, dialling waits for it.
        on_write: given to every transport: answers at once.
    """

    def __init__(self) -> None:
        self.links: list[FakeTransport] = []
        self.error = None
        self.gate = None
        self.on_write = None

    async def dial(self, target, new):
        """Return a connection, after the gate."""
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        connection = new()
        link = FakeTransport(connection)
        link.on_write = self.on_write
        connection.connection_made(link)
        self.links.append(link)
        return connection


class Rig:
    """A wire whose connections are in the test's hands."""

    def __init__(self, **limits) -> None:
        self.loop = asyncio.get_running_loop()
        self.clock = self.loop.clock() if isinstance(self.loop, VirtualLoop) else Clock()
        self.wheel = Wheel(self.clock, self.loop)
        self.wire = Wire(self.clock, self.wheel, self.loop, **limits)
        self.dialer = self.wire._dialer = FakeDialer()
        self.target = make_target()

    @property
    def link(self) -> FakeTransport:
        """The newest connection's far end."""
        return self.dialer.links[-1]

    def start(self, *args, **kwargs):
        """Start a call in a task of its own."""
        self.attempt = make_attempt(self.target, *args, **kwargs)
        return self.loop.create_task(self.wire.send(self.attempt))

    async def begin(self, *args, **kwargs):
        """Start a call and return its task once its request is written."""
        task = self.start(*args, **kwargs)
        await settle()
        return task

    async def call(self, *pieces, eof=False, **kwargs):
        """Make a call that is answered with these bytes."""
        task = await self.begin(**kwargs)
        self.link.feed(*pieces)
        if eof:
            self.link.eof()
        return await task

    @property
    def stats(self):
        """The one pool's counts."""
        (stats,) = self.wire.stats()
        return stats

    @property
    def in_use(self):
        """Connections open or being made that are not idle."""
        return self.stats.open + self.stats.connecting - self.stats.idle


async def settle(turns=5):
    """Let everything that is ready run."""
    for _ in range(turns):
        await asyncio.sleep(0)


async def read_all(reply: Reply) -> bytes:
    """Return the whole body."""
    if isinstance(reply.body, bytes):
        return reply.body
    parts = []
    while part := await reply.body.read():
        parts.append(part)
    return b"".join(parts)


@asynccontextmanager
async def wired(clock, wheel, **options):
    """Give a wire and close it."""
    wire = Wire(clock, wheel, asyncio.get_running_loop(), **options)
    try:
        yield wire
        assert all(pool.open == pool.idle and not pool.connecting for pool in wire.stats())
    finally:
        await wire.close()


def serving(authority, *names):
    """Return a server's context with a certificate for these names."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context
