"""TLS to PostgreSQL, as `sslmode` asks for it, against a real server with and without a certificate."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import trustme

from postgres_server import PostgresServer
from seawall.contracts.errors import SettingsError
from seawall.contracts.ledger import LedgerLost
from seawall.contracts.secret import Secret
from seawall.stores.postgres import PostgresRows
from seawall.stores.postgres_tls import tls_of

SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"  # PostgreSQL protocol, section 54.2.11


class Encrypting:
    """TLS in front of a real server whose build has none: answers SSLRequest with yes, then passes bytes on."""

    def __init__(self, context: ssl.SSLContext, port: int) -> None:
        self._context = context
        self._port = port
        self.encrypted = 0
        self.clear = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        try:
            first = await reader.readexactly(8)
            if first == SSL_REQUEST:
                writer.write(b"S")
                await writer.start_tls(self._context)
                self.encrypted += 1
                first = b""
            else:
                self.clear += 1
            upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self._port)
            upstream_writer.write(first)
            await asyncio.gather(_pass(reader, upstream_writer), _pass(upstream_reader, writer))
        except (OSError, asyncio.IncompleteReadError):
            writer.close()


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(65536):
            writer.write(chunk)
    finally:
        writer.close()


class Places:
    """Where the encrypting server is, who signed its certificate, and what it saw."""

    def __init__(self, seen: Encrypting, port: int, authority: Path) -> None:
        self.seen = seen
        self.authority = authority
        self.url = f"postgresql://seawall:planted-secret@127.0.0.1:{port}/postgres"


@pytest.fixture
async def places(postgres: PostgresServer, tmp_path: Path) -> AsyncIterator[Places]:
    """Give a server with a certificate for 127.0.0.1."""
    made = trustme.CA()
    made.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.issue_cert("127.0.0.1").configure_cert(context)
    seen = Encrypting(context, postgres.port)
    server = await asyncio.start_server(seen, "127.0.0.1", 0)
    yield Places(seen, server.sockets[0].getsockname()[1], tmp_path / "ca.pem")
    server.close()


async def opened(url: str) -> None:
    """Open a store, ask it something, close it."""
    store = PostgresRows(Secret(url), 0, 1)
    try:
        await store.open()
        await store.check()
    finally:
        await store.close()


@pytest.mark.parametrize(
    ("query", "seen"),
    [("?sslmode=disable", False), ("", False), ("?sslmode=prefer", True), ("?sslmode=require", True)],
)
async def test_the_mode_decides_whether_the_connection_is_encrypted(places: Places, query: str, seen: bool):
    """As with every client of PostgreSQL; to this machine itself there is none unless asked for."""
    await opened(places.url + query)
    assert (places.seen.encrypted > 0, places.seen.clear > 0) == (seen, not seen)


async def test_a_certificate_is_checked_where_that_is_asked_for(places: Places, tmp_path: Path):
    """The right authority is let through, another one is not, and neither is the name of another host."""
    await opened(f"{places.url}?sslmode=verify-full&sslrootcert={places.authority}")
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(other)
    for mode in ("verify-ca", "verify-full"):
        with pytest.raises(LedgerLost):
            await opened(f"{places.url}?sslmode={mode}&sslrootcert={other}")
    url = places.url.replace("127.0.0.1", "localhost")
    with pytest.raises(LedgerLost):
        await opened(f"{url}?sslmode=verify-full&sslrootcert={places.authority}")
    await opened(f"{url}?sslmode=verify-ca&sslrootcert={places.authority}")


async def test_prefer_goes_without_where_the_server_has_no_tls(postgres: PostgresServer):
    """And require does not."""
    await opened(f"{postgres.url()}?sslmode=prefer")
    with pytest.raises(LedgerLost):
        await opened(f"{postgres.url()}?sslmode=require")


def test_the_usual_mode_depends_on_the_host():
    """This machine needs none; elsewhere it is tried first."""
    assert tls_of("postgresql://u@127.0.0.1/x") == (None,)
    first, second = tls_of("postgresql://u@db.example/x")
    assert isinstance(first, ssl.SSLContext)
    assert second is None


@pytest.mark.parametrize(
    ("query", "words"), [("sslmode=maybe", "verify-full"), ("sslmode=verify-ca&sslrootcert=/none.pem", "PEM file")]
)
def test_what_cannot_be_used_is_told(query: str, words: str):
    """With what would do."""
    with pytest.raises(SettingsError, match=words):
        tls_of(f"postgresql://u@db.example/x?{query}")
