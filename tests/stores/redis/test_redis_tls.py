"""Redis over TLS: the certificate is checked, a client's own is shown, and both are told in words where they fail."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

from redis_links import Links
from seawall.stores.redis import RedisLeases
from valkey_server import ValkeyServer


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, Path]:
    """Return an authority and a folder with its certificate and a client's."""
    authority, folder = trustme.CA(), tmp_path_factory.mktemp("tls")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    trustme.CA().cert_pem.write_to_path(folder / "other.pem")
    client = authority.issue_cert("client.test")
    client.private_key_pem.write_to_path(folder / "key.pem")
    client.cert_chain_pems[0].write_to_path(folder / "certificate.pem")
    return authority, folder


@asynccontextmanager
async def encrypted(server: ValkeyServer, authority: trustme.CA, *, asks: bool = False) -> AsyncIterator[int]:
    """Put TLS before a server, whose binary has none; `asks` for a client's certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    if asks:
        authority.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    tasks: set[asyncio.Task[None]] = set()

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while chunk := await reader.read(1 << 16):
                writer.write(chunk)
        except OSError:
            pass
        finally:
            writer.transport.abort()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, outer = await asyncio.open_connection("127.0.0.1", server.port)
        ways = {asyncio.create_task(copy(reader, outer)), asyncio.create_task(copy(inner, writer))}
        tasks.update(ways)
        await asyncio.wait(ways)

    listener = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_trusted_server_is_used(steady: ValkeyServer, links: Links, authority: tuple[trustme.CA, Path]):
    """With its authority named in the URL everything works as without TLS."""
    async with encrypted(steady, authority[0]) as port:
        link = await links(f"rediss://127.0.0.1:{port}/0?ca={authority[1] / 'ca.pem'}")
        assert await RedisLeases(link).hold("tls", 1)
        await link.close()


async def test_a_stranger_is_refused(steady: ValkeyServer, links: Links, authority: tuple[trustme.CA, Path]):
    """One whose certificate another authority signed is not talked to, and the reason is told."""
    async with encrypted(steady, authority[0]) as port:
        link = await links(f"rediss://127.0.0.1:{port}/0?ca={authority[1] / 'other.pem'}")
        assert link.lost
        await link.close()
    [lost] = links.notices("state_lost")
    assert "certificate is not trusted" in str(dict(lost.fields)["reason"])


async def test_a_client_shows_its_own(steady: ValkeyServer, links: Links, authority: tuple[trustme.CA, Path]):
    """Redis asks for one by default; with `certificate` and `key` it is shown."""
    folder = authority[1]
    async with encrypted(steady, authority[0], asks=True) as port:
        url = f"rediss://127.0.0.1:{port}/0?ca={folder / 'ca.pem'}"
        link = await links(f"{url}&certificate={folder / 'certificate.pem'}&key={folder / 'key.pem'}")
        assert not link.lost
        without = await links(url)
        assert without.lost
        await link.close()
        await without.close()
