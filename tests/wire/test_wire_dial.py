"""Making connections over real sockets: addresses checked and tried in order, TLS verified, proxies used."""

import asyncio
import ssl
from contextlib import asynccontextmanager, suppress

import pytest
import trustme
from wire_kit import TIMES, make_attempt, make_target, read_all

from seawall.contracts.errors import AddressRefused, ConnectError, DnsError, TlsError, UpstreamTimeout
from seawall.contracts.target import Timeouts
from seawall.testing.faultserver import FaultServer
from seawall.wire import Wire

QUICK = Timeouts(total=5.0, attempt=5.0, connect=0.3, first_byte=5.0, idle=5.0, stream=5.0)


def names(**hosts):
    """Return a resolver of these names."""

    async def resolve(host, port):
        found = hosts[host.replace(".", "_")]
        if isinstance(found, Exception):
            raise found
        return found

    return resolve


@asynccontextmanager
async def wired(clock, wheel, **options):
    """Give a wire and close it."""
    wire = Wire(clock, wheel, asyncio.get_running_loop(), **options)
    try:
        yield wire
        assert all(pool.open == pool.idle and not pool.connecting for pool in wire.stats())
    finally:
        await wire.close()


@pytest.fixture(scope="module")
def authority():
    """Return a certificate authority nobody else trusts."""
    return trustme.CA()


@pytest.fixture
def ca(authority, tmp_path):
    """Return the path of its certificate."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def serving(authority, *names):
    """Return a server's context with a certificate for these names."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


async def test_a_refused_connection_is_a_connect_error(clock, wheel):
    """Nothing was sent, and the next call tries again."""
    server = FaultServer()
    async with server:
        target = make_target(server.port)
    async with wired(clock, wheel) as wire:
        attempt = make_attempt(target)
        with pytest.raises(ConnectError) as caught:
            await wire.send(attempt)
        assert (type(caught.value), caught.value.sent, attempt.sent) == (ConnectError, False, False)
        await server.listen()
        reply = await wire.send(make_attempt(target))
        assert await read_all(reply) == b"hello\n"
    await server.refuse()


async def test_a_name_without_an_address_is_a_dns_error(clock, wheel):
    """Told apart from a refused connection."""
    async with wired(clock, wheel, resolve=names(nowhere_test=OSError())) as wire:
        with pytest.raises(DnsError):
            await wire.send(make_attempt(make_target(host="nowhere.test")))


async def test_the_next_address_is_tried_when_one_refuses(clock, wheel):
    """Host stays the name."""
    async with FaultServer() as server:
        async with wired(clock, wheel, resolve=names(two_test=["::1", "127.0.0.2", "127.0.0.1"])) as wire:
            reply = await wire.send(make_attempt(make_target(server.port, "two.test")))
            assert reply.status == 200
        assert server.exchanges[0].header(b"host") == b"two.test:%d" % server.port


async def test_the_first_ones_error_is_told_when_all_refuse(clock, wheel):
    """One error for the call."""
    async with FaultServer() as server:
        port = server.port
    async with wired(clock, wheel, resolve=names(two_test=["127.0.0.2", "127.0.0.1"])) as wire:
        with pytest.raises(ConnectError):
            await wire.send(make_attempt(make_target(port, "two.test")))


async def test_a_tls_certificate_of_a_private_authority_is_accepted_where_it_is_named(clock, wheel, authority, ca):
    """SNI and the verified name are the target's, whatever the address; HTTP/1.1 is negotiated."""
    seen = []
    context = serving(authority, "api.test")
    context.sni_callback = lambda _, name, __: seen.append(name)
    async with FaultServer(tls=context) as server:
        async with wired(clock, wheel, resolve=names(api_test=["127.0.0.1"])) as wire:
            target = make_target(server.port, "api.test", "https", ca=ca)
            for _ in range(2):
                assert (await wire.send(make_attempt(target))).status == 200
            connection = wire._pools[target].idle[0]
            assert connection.transport.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"
        assert (server.counts.connections, seen) == (1, ["api.test"])


@pytest.mark.parametrize("trusted", [True, False])
async def test_a_certificate_for_another_name_or_of_an_unknown_authority_is_refused(
    clock, wheel, authority, ca, trusted
):
    """There is no setting that turns verification off."""
    async with FaultServer(tls=serving(authority, "other.test" if trusted else "api.test")) as server:
        async with wired(clock, wheel, resolve=names(api_test=["127.0.0.1"])) as wire:
            attempt = make_attempt(make_target(server.port, "api.test", "https", ca=ca if trusted else None))
            with pytest.raises(TlsError) as caught:
                await wire.send(attempt)
            assert (caught.value.sent, attempt.sent) == (False, False)
            assert "certificate" in caught.value.detail
        assert not server.exchanges


async def test_a_peer_that_does_not_speak_tls_is_a_tls_error(clock, wheel):
    """Not a broken answer: nothing was sent."""
    server = FaultServer()
    server.accept = [b"HTTP/1.1 400 Bad Request\r\n\r\n"]
    async with server, wired(clock, wheel) as wire:
        with pytest.raises(TlsError):
            await wire.send(make_attempt(make_target(server.port, scheme="https")))


async def test_a_handshake_that_hangs_is_a_connect_timeout(clock, wheel):
    """The connect time covers it."""
    async with proxy([]) as (url, _), wired(clock, wheel) as wire:
        port = int(url.rpartition(":")[2])
        with pytest.raises(UpstreamTimeout) as caught:
            await wire.send(make_attempt(make_target(port, scheme="https"), timeouts=QUICK))
        assert (caught.value.phase, caught.value.sent) == ("connect", False)


@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_an_authority_file_that_cannot_be_read_is_a_tls_error(clock, wheel, tmp_path, content):
    """Found at the first call, told without its path."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    async with wired(clock, wheel) as wire:
        with pytest.raises(TlsError) as caught:
            await wire.send(make_attempt(make_target(scheme="https", ca=str(path))))
        assert str(path) not in str(caught.value)


async def test_a_stream_over_tls_is_read_with_back_pressure(clock, wheel, authority, ca):
    """A megabyte arrives whole."""
    async with FaultServer(tls=serving(authority, "api.test")) as server:
        big = bytes(range(256)) * 4096
        server.app = lambda _: (b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(big), big)
        async with wired(clock, wheel, resolve=names(api_test=["127.0.0.1"])) as wire:
            reply = await wire.send(make_attempt(make_target(server.port, "api.test", "https", ca=ca)))
            assert await read_all(reply) == big


class Proxy(asyncio.Protocol):
    """A forward proxy: answers CONNECT, then pipes."""

    def __init__(self, log, answer, port):
        self.log, self.answer, self.port = log, answer, port
        self.peer = None
        self.early = b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        if self.peer is not None:
            self.peer.write(data)
            return
        self.log.append(data)
        if self.answer is None:
            self.transport.abort()
            return
        for piece in self.answer:
            self.transport.write(piece)
        if self.port:
            self.transport.pause_reading()
            self.task = asyncio.get_running_loop().create_task(self.pipe())

    async def pipe(self):
        front = self.transport

        class Back(asyncio.Protocol):
            def data_received(self, data):
                front.write(data)

            def connection_lost(self, exc):
                front.close()

        self.peer, _ = await asyncio.get_running_loop().create_connection(Back, "127.0.0.1", self.port)
        front.resume_reading()

    def connection_lost(self, exc):
        if self.peer is not None:
            self.peer.close()


@asynccontextmanager
async def proxy(answer, port=0):
    """Give a proxy's URL and what it was sent."""
    log = []
    server = await asyncio.get_running_loop().create_server(lambda: Proxy(log, answer, port), "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", log
    finally:
        server.close()
        await server.wait_closed()


async def test_http_goes_to_the_proxy_in_absolute_form(clock, wheel):
    """The target's name is never resolved here."""
    async with FaultServer() as server, wired(clock, wheel) as wire:
        target = make_target(80, "api.test", proxy=f"http://127.0.0.1:{server.port}", allow_private=False)
        assert (await wire.send(make_attempt(target, path=b"/x"))).status == 200
        (exchange,) = server.exchanges
        assert (exchange.target, exchange.header(b"host")) == (b"http://api.test/x", b"api.test")


async def test_https_goes_through_a_tunnel_and_is_verified_inside(clock, wheel, authority, ca):
    """CONNECT carries the name and port, and nothing of the call; the connection is kept."""
    async with FaultServer(tls=serving(authority, "api.test")) as server:
        fine = [b"HTTP/1.1 200 Fine\r\nX-P", b": 1\r\n\r\n"]
        async with proxy(fine, server.port) as (url, log), wired(clock, wheel) as wire:
            target = make_target(443, "api.test", "https", ca=ca, proxy=url, allow_private=False)
            for _ in range(2):
                reply = await wire.send(make_attempt(target, headers=[(b"authorization", b"secret")]))
                assert reply.body == b"hello\n"
        assert log == [b"CONNECT api.test:443 HTTP/1.1\r\nhost: api.test:443\r\n\r\n"]
        assert server.exchanges[0].target == b"/"


async def test_a_wrong_certificate_inside_the_tunnel_is_refused(clock, wheel, authority, ca):
    """The proxy is not believed about who is behind it."""
    fine = [b"HTTP/1.1 200 Fine\r\n\r\n"]
    async with (
        FaultServer(tls=serving(authority, "other.test")) as server,
        proxy(fine, server.port) as (url, _),
        wired(clock, wheel) as wire,
    ):
        attempt = make_attempt(make_target(443, "api.test", "https", ca=ca, proxy=url))
        with pytest.raises(TlsError):
            await wire.send(attempt)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"],
        [b"HTTP/1.1 2x0 OK\r\n\r\n"],
        [b"SSH-2.0\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\n\r\nearly"],
        [b"HTTP/1.1 200 OK\r\nX: " + b"a" * 20000],
    ],
)
async def test_what_a_proxy_does_wrong_is_a_connect_error(clock, wheel, answer):
    """Nothing of the call was sent."""
    async with proxy(answer) as (url, _), wired(clock, wheel) as wire:
        attempt = make_attempt(make_target(443, "api.test", "https", proxy=url))
        with pytest.raises(ConnectError):
            await wire.send(attempt)
        assert not attempt.sent


async def test_a_proxy_that_hangs_or_is_not_there(clock, wheel):
    """The connect time covers it; a refusal is told as the proxy's."""
    async with proxy([]) as (url, _), wired(clock, wheel) as wire:
        with pytest.raises(UpstreamTimeout):
            await wire.send(make_attempt(make_target(443, "api.test", "https", proxy=url), timeouts=QUICK))
    async with wired(clock, wheel) as wire:
        for scheme in ("http", "https"):
            with pytest.raises(ConnectError):
                await wire.send(make_attempt(make_target(443, "api.test", scheme, proxy=url)))
        with pytest.raises(ConnectError):
            await wire.send(make_attempt(make_target(443, "api.test", "https", proxy="socks5://127.0.0.1:1")))


@pytest.mark.parametrize("host", ["10.0.0.1", "::1", "127.1", "2130706433", "0x7f.1", "0"])
async def test_a_literal_target_behind_a_proxy_is_checked(clock, wheel, host):
    """A proxy inside the network must not become the way into it."""
    async with proxy([b"HTTP/1.1 200 OK\r\n\r\n"]) as (url, log), wired(clock, wheel) as wire:
        for scheme in ("http", "https"):
            with pytest.raises(AddressRefused):
                await wire.send(make_attempt(make_target(80, host, scheme, proxy=url, allow_private=False)))
        assert not log


async def test_connections_of_losers_are_closed(clock, wheel):
    """The address that was too slow does not stay behind when another won."""
    from seawall.wire.race import race

    loop = asyncio.get_running_loop()

    class Made:
        aborted = False

        def abort(self):
            self.aborted = True

    made = {}
    release = asyncio.Event()

    async def connect(ip):
        if ip == "slow":
            with suppress(asyncio.CancelledError):  # it had connected in that turn
                await release.wait()
        made[ip] = Made()
        return made[ip]

    winner = await race(loop, ["slow", "quick"], connect)
    await asyncio.sleep(0)
    assert (winner, made["slow"].aborted, winner.aborted) == (made["quick"], True, False)


async def test_a_race_that_is_cancelled_leaves_no_task(clock, wheel):
    """Every attempt is cancelled and awaited."""
    from seawall.wire.race import race

    loop = asyncio.get_running_loop()
    started = []

    async def connect(ip):
        started.append(ip)
        await loop.create_future()

    task = loop.create_task(race(loop, ["a", "b"], connect))
    while len(started) < 2:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_times_are_the_calls_own(clock, wheel):
    """A call over a real socket ends by its own first-byte time."""
    from seawall.testing import faults

    server = FaultServer()
    server.faults = faults.hang()
    times = Timeouts(total=5.0, attempt=5.0, connect=1.0, first_byte=0.05, idle=5.0, stream=5.0)
    async with server, wired(clock, wheel) as wire:
        with pytest.raises(UpstreamTimeout) as caught:
            await wire.send(make_attempt(make_target(server.port), timeouts=times))
        assert caught.value.phase == "first_byte"
    assert TIMES.first_byte > times.first_byte
