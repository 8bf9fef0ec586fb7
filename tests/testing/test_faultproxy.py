"""The line between a client and an upstream: delayed, cut, reset, hung, refused."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from seawall.testing.exchange import Answer, End
from seawall.testing.faultproxy import FaultProxy, Line, unanswered_port
from seawall.testing.faultserver import FaultServer

GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.fixture
async def server() -> AsyncIterator[FaultServer]:
    """Run an upstream with a thousand bytes."""
    async with FaultServer(lambda _: Answer(200, b"x" * 1000, ())) as server:
        yield server


@pytest.fixture
async def proxy(server: FaultServer) -> AsyncIterator[FaultProxy]:
    """Run a proxy in front of it."""
    async with FaultProxy(server.host, server.port) as proxy:
        yield proxy


@pytest.fixture
async def peer(proxy: FaultProxy) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connect through it."""
    reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
    yield reader, writer
    writer.transport.abort()


Peer = tuple[asyncio.StreamReader, asyncio.StreamWriter]
WHOLE = len(Answer(200, b"x" * 1000, ()).wire())


async def test_a_good_line_passes_everything_both_ways(proxy: FaultProxy, peer: Peer) -> None:
    """Several exchanges on one connection go through unchanged."""
    reader, writer = peer
    for _ in range(2):
        writer.write(GET)
        assert await reader.readexactly(WHOLE) == Answer(200, b"x" * 1000, ()).wire()
    assert (proxy.counts.connections, proxy.counts.open) == (1, 1)


async def test_a_slow_line_passes_everything_in_small_blocks(proxy: FaultProxy, peer: Peer) -> None:
    """Delay and block size change the pace, not the bytes; the change reaches open connections."""
    reader, writer = peer
    proxy.faults = Line(delay=0.001, block=200)
    writer.write(GET)
    assert await asyncio.wait_for(reader.readexactly(WHOLE), 5) == Answer(200, b"x" * 1000, ()).wire()


@pytest.mark.parametrize("after", [0, 10, WHOLE])
async def test_a_line_is_cut_after_so_many_bytes(proxy: FaultProxy, peer: Peer, after: int) -> None:
    """The client gets exactly that many, then the end."""
    reader, writer = peer
    proxy.faults = Line(after=after, end=End.FIN)
    writer.write(GET)
    assert len(await asyncio.wait_for(reader.read(), 5)) == after
    assert proxy.counts.ends == {"FIN": 1}


async def test_a_line_is_reset(proxy: FaultProxy, peer: Peer) -> None:
    """The client sees a reset."""
    reader, writer = peer
    proxy.faults = Line(after=0, end=End.RESET)
    writer.write(GET)
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(reader.read(), 5)


async def test_a_line_that_hangs_ends_with_its_client(server: FaultServer, proxy: FaultProxy, peer: Peer) -> None:
    """Nothing passes any more; when the client leaves, the upstream sees it."""
    reader, writer = peer
    proxy.faults = Line(after=10, end=End.HANG)
    writer.write(GET)
    assert len(await reader.readexactly(10)) == 10
    writer.transport.abort()
    while proxy.counts.open or server.counts.open:
        await asyncio.sleep(0)
    assert proxy.counts.ends == {"HANG": 1}


async def test_an_upstream_that_closes_or_refuses_is_shown_to_the_client(
    server: FaultServer, proxy: FaultProxy
) -> None:
    """Its end is the client's end; where it refuses, the client is reset."""
    reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
    writer.write(GET.replace(b"host", b"connection: close\r\nhost"))
    assert len(await asyncio.wait_for(reader.read(), 5)) == WHOLE
    await server.refuse()
    writer.transport.abort()
    reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(reader.read(), 5)
    writer.transport.abort()


async def test_an_upstream_that_resets_resets_the_client(server: FaultServer, proxy: FaultProxy, peer: Peer) -> None:
    """A reset goes on as a reset."""
    server.app = lambda _: [End.RESET]
    reader, writer = peer
    writer.write(GET)
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(reader.read(), 5)


async def test_connecting_to_an_unanswered_port_hangs() -> None:
    """Neither accepted nor refused."""
    async with unanswered_port() as (host, port):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.open_connection(host, port), 0.2)
