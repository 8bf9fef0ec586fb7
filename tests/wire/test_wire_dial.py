"""Making connections over real sockets: addresses checked and tried in order, TLS verified."""

import asyncio

import pytest
from wire_kit import TIMES, make_attempt, make_target, read_all, serving, wired

from seawall.contracts.errors import ConnectError, DnsError, TlsError, UpstreamTimeout
from seawall.contracts.target import Timeouts
from seawall.testing.faultserver import FaultServer

QUICK = Timeouts(total=5.0, attempt=5.0, connect=0.3, first_byte=5.0, idle=5.0, stream=5.0)


def names(**hosts):
    """Return a resolver of these names."""

    async def resolve(host, port):
        found = hosts[host.replace(".", "_")]
        if isinstance(found, Exception):
            raise found
        return found

    return resolve


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
    silent = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
    async with silent, wired(clock, wheel) as wire:
        port = silent.sockets[0].getsockname()[1]
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
