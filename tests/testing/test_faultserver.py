"""Faults on real sockets: each is seen by a plain client as what it says."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterator

import pytest
import trustme

from seawall.testing import faults
from seawall.testing.exchange import Action, Answer, End, Exchange, Fault
from seawall.testing.faultserver import FaultServer

GET = b"GET /a HTTP/1.1\r\nhost: x\r\n\r\n"
GOOD = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 6\r\n\r\nhello\n"


class Peer:
    """A client that writes bytes and reads bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, request: bytes = GET, size: int = 65536) -> bytes:
        """Send a request and return what comes first."""
        self.writer.write(request)
        return await asyncio.wait_for(self.reader.read(size), 5)

    async def rest(self) -> bytes:
        """Return everything up to the end; a reset raises."""
        return await asyncio.wait_for(self.reader.read(), 5)


@pytest.fixture
async def server() -> AsyncIterator[FaultServer]:
    """Run a server with nothing wrong."""
    async with FaultServer() as server:
        yield server


@pytest.fixture
async def peer(server: FaultServer) -> AsyncIterator[Peer]:
    """Connect to it."""
    reader, writer = await asyncio.open_connection(server.host, server.port)
    yield Peer(reader, writer)
    writer.transport.abort()


async def test_without_faults_answers_are_good_and_connections_are_kept(server: FaultServer, peer: Peer) -> None:
    """The good answer stands beside every fault; what happened is counted."""
    assert await peer.ask() == GOOD
    assert await peer.ask(b"HEAD /b HTTP/1.1\r\nhost: x\r\n\r\n") == GOOD[:-6]
    peer.writer.write(GET + GET)
    assert await peer.reader.readexactly(2 * len(GOOD)) == GOOD + GOOD
    assert [(exchange.target, exchange.number) for exchange in server.exchanges[:2]] == [(b"/a", 1), (b"/b", 2)]
    counts = server.counts
    assert (counts.connections, counts.open, counts.requests, counts.answered) == (1, 1, 4, 4)
    assert (counts.waiting, counts.aborted, counts.ends) == (0, [], {})


async def test_connection_close_and_chunked_bodies_are_understood(server: FaultServer, peer: Peer) -> None:
    """A request that asks for it is the last; its chunked body arrives; Expect is answered."""
    server.app = lambda exchange: Answer(201, exchange.body, (), chunked=True)
    head = (
        b"POST / HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
    )
    assert await peer.ask(head) == b"HTTP/1.1 100 Continue\r\n\r\n"
    peer.writer.write(b"3\r\nabc\r\n0\r\n\r\n")
    assert await peer.rest() == b"HTTP/1.1 201 Created\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (faults.fin(), b""),
        (faults.cut(10), GOOD[:10]),
        (faults.short_body(), GOOD[:-3]),
        (faults.garbage(), b"\x00\xff\x16\x03 this is not HTTP\r\n\r\n"),
        (faults.raw(b"HTTP/1.1 200 OK\r\n\r\n", End.FIN), b"HTTP/1.1 200 OK\r\n\r\n"),
        (faults.early_close(), GOOD),
        (faults.late(0.01, faults.fin()), b""),
    ],
)
async def test_faults_that_close_send_what_they_say_and_then_end(
    server: FaultServer, peer: Peer, fault: Fault, expected: bytes
) -> None:
    """What the peer reads before the end is exact."""
    server.faults = fault
    peer.writer.write(GET)
    assert await peer.rest() == expected
    assert (server.counts.ends, server.counts.aborted) == ({"FIN": 1}, [])


@pytest.mark.parametrize(
    ("fault", "before"),
    [(faults.reset(), b""), (faults.reset_in_body(), GOOD[:-3]), (faults.cut(10, End.RESET), GOOD[:10])],
)
async def test_resets_are_seen_as_resets(server: FaultServer, peer: Peer, fault: Fault, before: bytes) -> None:
    """RST, not FIN, at its place in the answer."""
    server.faults = fault
    if before:
        assert await peer.ask() == before
    else:
        peer.writer.write(GET)
    with pytest.raises(ConnectionResetError):
        await peer.rest()
    assert server.counts.ends == {"RESET": 1}


@pytest.mark.parametrize(("fault", "before"), [(faults.hang(), b""), (faults.hang_in_body(), GOOD[:-3])])
async def test_a_hang_ends_when_the_peer_leaves_and_is_counted_as_aborted(
    server: FaultServer, peer: Peer, fault: Fault, before: bytes
) -> None:
    """The server sees when its peer gave up, in which phase and on what."""
    server.faults = fault
    peer.writer.write(GET)
    assert await peer.reader.readexactly(len(before)) == before
    while not server.counts.ends:
        await asyncio.sleep(0)
    assert (server.counts.waiting, server.counts.open) == (1, 1)
    peer.writer.transport.abort()
    while server.counts.open or server.counts.waiting:
        await asyncio.sleep(0)
    assert [(abort.phase, abort.target) for abort in server.counts.aborted] == [("answer", b"/a")]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (faults.good(), GOOD),
        (faults.drip(0.0, 7), GOOD),
        (faults.late(0.01), GOOD),
        (faults.wrong_length(-2), GOOD.replace(b"length: 6", b"length: 4")),
        (faults.wrong_length(2), GOOD.replace(b"length: 6", b"length: 8")),
        (faults.status(503), b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 3\r\n\r\nno\n"),
        (
            faults.status(429, retry_after="soon"),
            b"HTTP/1.1 429 Too Many Requests\r\nretry-after: soon\r\ncontent-length: 3\r\n\r\nno\n",
        ),
        (faults.interim(103), b"HTTP/1.1 103 Interim\r\nlink: </a.css>\r\n\r\n" + GOOD),
        (faults.with_headers((b"x-a", b"1")), GOOD.replace(b"content-length", b"x-a: 1\r\ncontent-length")),
    ],
)
async def test_faults_that_keep_the_connection_send_what_they_say(
    server: FaultServer, peer: Peer, fault: Fault, expected: bytes
) -> None:
    """What the peer reads is exact, however many pieces it comes in."""
    server.faults = [fault]
    peer.writer.write(GET)
    assert await asyncio.wait_for(peer.reader.readexactly(len(expected)), 5) == expected


async def test_faults_switch_at_run_time_and_meet_one_request_each(server: FaultServer, peer: Peer) -> None:
    """A list is used up request by request; assigning replaces what is left."""
    server.faults = [faults.status(500), None, faults.on_reuse(faults.status(502)), faults.status(599 - 1)]
    assert [(await peer.ask())[9:12] for _ in range(3)] == [b"500", b"200", b"502"]
    server.faults = None
    assert await peer.ask() == GOOD
    server.faults = faults.on_reuse(faults.fin())
    assert next(server.faults) is not None
    assert await peer.ask() == b""


async def test_a_first_request_is_no_reuse(server: FaultServer, peer: Peer) -> None:
    """`on_reuse` spares fresh connections: a retry on a new one succeeds."""
    server.faults = faults.on_reuse(faults.reset())
    assert await peer.ask() == GOOD


@pytest.mark.parametrize(("end", "error"), [(End.RESET, True), (End.FIN, False)])
async def test_a_connection_may_end_at_accept(server: FaultServer, end: End, error: bool) -> None:
    """Nothing is read before the end."""
    server.accept = [end]
    reader, writer = await asyncio.open_connection(server.host, server.port)
    if error:
        with pytest.raises(ConnectionResetError):
            await reader.read()
    else:
        assert await reader.read() == b""
    writer.transport.abort()


async def test_a_greeting_at_accept_goes_before_the_first_answer(server: FaultServer) -> None:
    """A program at accept that ends nothing lets requests follow."""
    server.accept = [b"junk\n"]
    reader, writer = await asyncio.open_connection(server.host, server.port)
    writer.write(GET)
    assert await reader.readexactly(5 + len(GOOD)) == b"junk\n" + GOOD
    writer.transport.abort()


async def test_a_refused_port_refuses_and_listens_again_at_the_same_place(server: FaultServer, peer: Peer) -> None:
    """Refusing drops who is connected; listening again needs no new address."""
    assert await peer.ask() == GOOD
    await server.refuse()
    await server.refuse()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(server.host, server.port)
    await server.listen()
    reader, writer = await asyncio.open_connection(server.host, server.port)
    assert await Peer(reader, writer).ask() == GOOD
    writer.transport.abort()


async def test_an_early_answer_comes_before_the_body(server: FaultServer, peer: Peer) -> None:
    """With `early` the head of a request is enough."""
    server.early = True
    assert await peer.ask(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\n") == GOOD
    assert await peer.ask(b"abc" + GET) == GOOD


async def test_a_peer_that_leaves_inside_its_request_is_counted(server: FaultServer, peer: Peer) -> None:
    """The phase says that the request never came whole."""
    peer.writer.write(b"POST /up HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\na")
    peer.writer.close()
    while not server.counts.aborted:
        await asyncio.sleep(0)
    assert [(abort.phase, abort.target) for abort in server.counts.aborted] == [("request", b"/up")]


async def test_a_request_that_is_no_http_is_400(peer: Peer) -> None:
    """The server itself is strict about what it is asked."""
    peer.writer.write(b"nonsense\r\n\r\n")
    assert (await peer.rest()).startswith(b"HTTP/1.1 400 ")


async def test_large_answers_wait_for_a_slow_reader(server: FaultServer, peer: Peer) -> None:
    """Programs stop while the peer does not read, and go on when it does."""
    size, pulled = 1 << 20, []

    def program(_: Exchange) -> Iterator[Action]:
        yield b"%d\n" % size
        for number in range(32):
            pulled.append(number)
            yield b"x" * size
        yield End.FIN

    server.app = program
    assert await peer.ask(GET, 8) == b"1048576\n"
    assert len(pulled) < 32
    assert len(await peer.rest()) == 32 * size


async def test_tls_is_served_and_spoiled() -> None:
    """A context makes it an HTTPS server; a plain program at accept is a failed handshake."""
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(tls)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    async with FaultServer(tls=tls) as server:
        assert server.url.startswith("https://")
        reader, writer = await asyncio.open_connection(
            server.host, server.port, ssl=client, server_hostname="localhost"
        )
        assert await Peer(reader, writer).ask() == GOOD
        writer.transport.abort()
    async with FaultServer() as server:
        server.accept = [b"\x00" * 64, End.HANG]
        with pytest.raises(ssl.SSLError):
            await asyncio.open_connection(server.host, server.port, ssl=client, server_hostname="localhost")


async def test_an_error_in_an_app_is_raised_when_the_server_is_left() -> None:
    """A fault of the test itself is not lost in a task."""

    def bad(_: Exchange) -> Answer:
        raise KeyError("app")

    async def use() -> None:
        async with FaultServer(bad) as server:
            reader, writer = await asyncio.open_connection(server.host, server.port)
            assert await Peer(reader, writer).ask() == b""
            writer.transport.abort()

    with pytest.raises(KeyError, match="app"):
        await use()
