"""A forward proxy named in settings: absolute form, tunnels, and what it may do wrong."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from wire_kit import make_attempt, make_target, serving, wired

from seawall.contracts.errors import AddressRefused, ConnectError, TlsError, UpstreamTimeout
from seawall.contracts.target import Timeouts
from seawall.testing.exchange import End
from seawall.testing.faultserver import FaultServer

QUICK = Timeouts(total=5.0, attempt=5.0, connect=0.3, first_byte=5.0, idle=5.0, stream=5.0)


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
    ("answer", "says"),
    [
        (None, "not HTTP"),
        ([b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"], "refuses: 407"),
        ([b"HTTP/1.1 2x0 OK\r\n\r\n"], "refuses: an invalid status"),
        ([b"SSH-2.0\r\n\r\n"], "not HTTP"),
        ([b"HTTP/1.1 200 OK\r\n\r\nearly"], "before the tunnel"),
        ([b"HTTP/1.1 200 OK\r\nX: " + b"a" * 20000], "not HTTP"),
    ],
)
async def test_what_a_proxy_does_wrong_is_a_connect_error(clock, wheel, answer, says):
    """Nothing of the call was sent."""
    async with proxy(answer) as (url, _), wired(clock, wheel) as wire:
        attempt = make_attempt(make_target(443, "api.test", "https", proxy=url))
        with pytest.raises(ConnectError, match=says):
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


async def test_a_handshake_that_breaks_inside_the_tunnel_is_a_connect_error(clock, wheel):
    """Garbage or a closed connection where the handshake should be; no callback fails behind the call's back."""
    failures = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    async with FaultServer() as server:
        server.accept = [b"not TLS"]
        async with proxy([b"HTTP/1.1 200 OK\r\n\r\n"], server.port) as (url, _), wired(clock, wheel) as wire:
            with pytest.raises(TlsError):
                await wire.send(make_attempt(make_target(443, "api.test", "https", proxy=url)))
        server.accept = [End.FIN]
        async with proxy([b"HTTP/1.1 200 OK\r\n\r\n"], server.port) as (url, _), wired(clock, wheel) as wire:
            with pytest.raises(ConnectError):
                await wire.send(make_attempt(make_target(443, "api.test", "https", proxy=url)))
    assert failures == []
