"""Listeners, TLS, departures and draining, on real sockets."""

import asyncio
import contextlib
import socket
import ssl
import stat

import pytest
import trustme

from http_raw import AFTER, parse_answers, read_all, running, talk
from seawall.contracts.clock import Clock
from seawall.contracts.reply import Reply
from seawall.contracts.wheel import Wheel
from seawall.server import Limits, Server
from seawall.testing import ScriptedSource

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def make(handler, limits=None, **options) -> Server:
    """Return a server that has not started."""
    loop, clock = asyncio.get_running_loop(), Clock()
    return Server(handler, limits or Limits(), clock, Wheel(clock, loop), loop, **options)


async def hello(request) -> Reply:
    """Answer with how the client came."""
    return Reply(200, [], b"%s %s" % (b"tls" if request.secure else b"plain", request.peer.encode()))


class Held:
    """A handler whose calls wait until told."""

    def __init__(self):
        self.started = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.release = asyncio.Event()

    async def __call__(self, _):
        self.started.set()
        try:
            await self.release.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return Reply(200, [], b"held")


async def soon(event: asyncio.Event) -> None:
    """Wait for an event that must come."""
    await asyncio.wait_for(event.wait(), 5.0)


async def test_several_addresses_are_served_by_one_server(tmp_path):
    """A port, IPv6 where there is any, and a Unix socket with mode 0660."""
    server = make(hello)
    path = tmp_path / "s.sock"
    await server.start("127.0.0.1:0")
    await server.start(f"unix:{path}")
    assert server.addresses[0].startswith("127.0.0.1:")
    assert server.addresses[1] == f"unix:{path}"
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(AFTER)
    assert parse_answers(await reader.read())[0].body == b"plain "
    writer.close()
    assert parse_answers(await talk(int(server.addresses[0].rpartition(":")[2]), AFTER))[0].body == b"plain 127.0.0.1"
    await server.drain(1.0)
    assert (server.inflight, server.connections) == (0, 0)


async def test_a_socket_handed_over_is_served():
    """As systemd does with `fd://3`."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    server = make(hello)
    await server.start(f"fd://{listener.detach()}")
    port = int(server.addresses[0].rpartition(":")[2])
    assert parse_answers(await talk(port, AFTER))[0].status == 200
    await server.drain(1.0)


async def test_a_stale_unix_socket_is_replaced_and_a_living_one_is_not(tmp_path):
    """A crash leaves its file behind; another server's must not be taken."""
    path = tmp_path / "s.sock"
    with socket.socket(socket.AF_UNIX) as crashed:
        crashed.bind(str(path))
    first, second = make(hello), make(hello)
    await first.start(f"unix:{path}")
    with pytest.raises(OSError, match="in use"):
        await second.start(f"unix:{path}")
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(AFTER)
    assert parse_answers(await reader.read())[0].status == 200
    writer.close()
    await first.drain(1.0)


async def test_a_file_that_is_no_socket_is_left_alone(tmp_path):
    """Never delete what is not ours."""
    path = tmp_path / "precious"
    path.write_text("data")
    with pytest.raises(OSError, match="in use"):
        await make(hello).start(f"unix:{path}")
    assert path.read_text() == "data"


async def test_a_port_in_use_is_an_oserror():
    """The command line turns it into one line."""
    async with running(hello) as (_, port):
        with pytest.raises(OSError, match="in use"):
            await make(hello).start(f"127.0.0.1:{port}")


@pytest.mark.parametrize("listen", ["8080", "127.0.0.1:", "127.0.0.1:x", "fd://x", ""])
async def test_a_malformed_address_is_a_valueerror(listen):
    """With an example in it."""
    with pytest.raises(ValueError):
        await make(hello).start(listen)


async def test_ipv6_is_shown_in_brackets():
    """So that it can be copied into a URL."""
    server = make(hello)
    try:
        await server.start("[::1]:0")
    except OSError:
        pytest.skip("no IPv6 here")
    assert server.addresses[0].startswith("[::1]:")
    await server.drain(0.0)


async def test_tls_is_served_with_a_context():
    """And the request knows it; an answer behind which the connection closes arrives whole."""
    authority = trustme.CA()
    theirs = ssl.create_default_context()
    authority.configure_trust(theirs)
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(ours)
    server = make(hello)
    await server.start("127.0.0.1:0", ours)
    port = int(server.addresses[0].rpartition(":")[2])
    for raw, status in ((GET + AFTER, 200), (b"GET / HTTP/1.1\r\n\r\n" + b"x" * 1000, 400)):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=theirs)
        writer.write(raw)
        answer = parse_answers(await asyncio.wait_for(reader.read(), 5.0))[-1]
        assert answer.status == status
        writer.close()
        with contextlib.suppress(OSError, ssl.SSLError):
            await writer.wait_closed()
    assert b"tls 127.0.0.1" in answer.body or status == 400
    await server.drain(0.0)


@pytest.mark.parametrize("how", ["close", "half", "reset"])
async def test_a_client_that_leaves_cancels_its_call(how):
    """Closed, half-closed as by nginx's reading, or reset (semantics 1.4)."""
    held = Held()
    async with running(held) as (server, port):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET)
        await soon(held.started)
        assert (server.inflight, server.connections) == (1, 1)
        if how == "half":
            writer.write_eof()
        elif how == "reset":
            writer.transport.abort()
        else:
            writer.close()
        await soon(held.cancelled)
        writer.close()


async def test_a_client_that_leaves_behind_unread_bytes_cancels_its_call():
    """While reading is paused the transport hears nothing; the call is aborted within a second all the same."""
    held = Held()
    async with running(held) as (server, port):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.transport.set_write_buffer_limits(0)
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n" + b"x" * 400_000)
        await writer.drain()
        (member,) = server._state.members
        while not member._shut:
            await asyncio.sleep(0)
        writer.close()
        await soon(held.cancelled)


async def test_a_client_that_stays_is_not_taken_for_one_that_left():
    """A paused connection is looked at more than once."""
    held = Held()

    async def late(request):
        await held(request)
        return Reply(200, [], b"%d" % len(await read_all(request)))

    async with running(late) as (server, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\nConnection: close\r\n\r\n")
        writer.write(b"x" * 3_000_000)
        await soon(held.started)
        (member,) = server._state.members
        while not member._shut:
            await asyncio.sleep(0)
        for _ in range(3):
            member._presence.stop()
            member._presence._look()
        held.release.set()
        assert parse_answers(await reader.read())[0].body == b"3000000"
        writer.close()


async def test_a_big_stream_reaches_a_slow_reader_whole():
    """Flow control over a real transport, and a body larger than any buffer."""

    async def big(_):
        return Reply(200, [], ScriptedSource([b"x" * 65536] * 160))

    async def whole(_):
        return Reply(200, [], b"y" * 3_000_000)

    for handler, size in ((big, 160 * 65536), (whole, 3_000_000)):
        async with running(handler) as (_, port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=4096)
            writer.write(AFTER)
            answer = parse_answers(await reader.read())[0]
            assert len(answer.body) == size
            assert answer.complete
            writer.close()


async def test_draining_lets_calls_end_and_closes_what_is_idle():
    """The answer in flight is the connection's last; nobody new is let in."""
    held = Held()
    async with running(held) as (server, port):
        idle_reader, idle_writer = await asyncio.open_connection("127.0.0.1", port)
        half_reader, half_writer = await asyncio.open_connection("127.0.0.1", port)
        half_writer.write(b"GET / HTT")
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET)
        await soon(held.started)
        draining = asyncio.ensure_future(server.drain(5.0))
        assert await idle_reader.read() == b""
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        held.release.set()
        (answer,) = parse_answers(await reader.read())
        assert (answer.body, answer.headers[b"connection"]) == (b"held", b"close")
        assert await half_reader.read() == b""
        await draining
        assert (server.inflight, server.connections) == (0, 0)
        for each in (idle_writer, half_writer, writer):
            each.close()


async def test_draining_cancels_what_does_not_end():
    """When the time is up."""
    held = Held()
    async with running(held) as (server, port):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET)
        await soon(held.started)
        await server.drain(0.05)
        assert held.cancelled.is_set()
        assert (server.inflight, server.connections) == (0, 0)
        writer.close()


async def test_a_crowd_is_let_in_within_a_few_turns_of_the_loop():
    """Of many clients that come at once the last waits for a few turns, not for one turn for each of the others.

    A turn lasts as long as the calls of those that are in already: at 512 clients the last ones waited for seconds.
    """
    server = make(hello)
    await server.start("127.0.0.1:0")
    address = ("127.0.0.1", int(server.addresses[0].rpartition(":")[2]))
    try:
        with contextlib.ExitStack() as stack:
            for _ in range(128):
                client = stack.enter_context(socket.socket())
                client.setblocking(False)
                client.connect_ex(address)
            turns = 0
            while server.connections < 128 and turns < 128:
                await asyncio.sleep(0)
                turns += 1
            assert server.connections == 128
            assert turns < 32
    finally:
        await server.drain(0.0)


async def test_nodelay_is_set_on_every_connection():
    """A small answer does not wait for an acknowledgement."""
    seen = []

    async def look(_):
        return Reply(200, [])

    async with running(look) as (server, port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET)
        await reader.readuntil(b"\r\n\r\n")
        for member in server._state.members:
            connection = member._transport.get_extra_info("socket")
            seen.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()
    assert seen == [1]
