"""The nginx the integration tests stand on does what its fixture says."""

import asyncio
import ssl
from pathlib import Path
from typing import Protocol


class Nginx(Protocol):
    """What the fixture gives."""

    port: int
    tls_port: int
    ca: Path


async def _ask(nginx: Nginx, path: str, *lines: str, tls: ssl.SSLContext | None = None) -> bytes:
    port, name = (nginx.tls_port, "localhost") if tls else (nginx.port, None)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname=name)
    head = "\r\n".join((f"GET {path} HTTP/1.1", "host: x", "connection: close", *lines))
    writer.write(f"{head}\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), 60)
    writer.transport.abort()
    return answer


async def test_files_ranges_chunks_and_statuses_are_served(nginx: Nginx) -> None:
    """One request to each kind of path."""
    assert (await _ask(nginx, "/hello.txt")).endswith(b"\r\n\r\nhello from nginx\n")
    assert (await _ask(nginx, "/hello.txt", "range: bytes=0-4")).endswith(b"\r\n\r\nhello")
    assert b"Transfer-Encoding: chunked" in await _ask(nginx, "/chunked/large.bin", "accept-encoding: gzip")
    assert (await _ask(nginx, "/status/503")).startswith(b"HTTP/1.1 503 ")
    assert (await _ask(nginx, "/none/hello.txt")).endswith(b"hello from nginx\n")
    assert (await _ask(nginx, "/headers?a=1")).endswith(b"x|||close|/headers?a=1")


async def test_tls_is_trusted_by_the_fixtures_authority(nginx: Nginx) -> None:
    """The same files over TLS."""
    trust = ssl.create_default_context(cafile=str(nginx.ca))
    assert (await _ask(nginx, "/hello.txt", tls=trust)).endswith(b"hello from nginx\n")
