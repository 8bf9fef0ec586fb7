"""Interim answers (1xx) between an upstream and a client, through the whole gateway (RFC 9110 section 15.2)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

import pytest
from gateways import Gateway, gateway, settings, until

HINTS = (
    b"HTTP/1.1 100 Continue\r\n\r\n"
    b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nX-Seawall-Cost: 1\r\nX-Api-Key: echoed\r\n"
    b"X-Named: 1\r\nConnection: x-named\r\n\r\n"
)
ANSWER = b"HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 2\r\n\r\nok"
SEEN = b"HTTP/1.1 103 Early Hints\r\nlink: </a.css>; rel=preload\r\n\r\n"


class Hinting:
    """An upstream that says something before its answer, and answers when the test lets it."""

    def __init__(self) -> None:
        self._open: set[asyncio.StreamWriter] = set()
        self.hint = asyncio.Event()
        self.go = asyncio.Event()
        self.hint.set()
        self.asked = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's requests."""
        self._open.add(writer)
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                self.asked += 1
                await self.hint.wait()
                writer.write(HINTS)
                await self.go.wait()
                writer.write(ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    def close(self) -> None:
        """Let go of every connection."""
        self.hint.set()
        self.go.set()
        for writer in self._open:
            writer.close()


@asynccontextmanager
async def hinting(tmp_path: Path, more: str) -> AsyncIterator[tuple[Gateway, Hinting]]:
    """Run a gateway in front of such an upstream."""
    upstream = Hinting()
    server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    text = settings(url, 'headers = { "X-Api-Key" = "ours" }\n' + more)
    try:
        async with gateway(text, tmp_path / "log") as running:
            yield running, upstream
    finally:
        upstream.close()
        server.close()
        await server.wait_closed()


class Client:
    """One connection to the gateway."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()

    @classmethod
    async def of(cls, running: Gateway) -> "Client":
        """Connect."""
        return cls(*await asyncio.open_connection("127.0.0.1", running.port))

    def ask(self, path: str = "/up/a", version: str = "1.1") -> None:
        """Send a request."""
        self.writer.write(f"GET {path} HTTP/{version}\r\nHost: 127.0.0.1\r\n\r\n".encode())

    async def head(self) -> bytes:
        """Return the next head that comes."""
        async with asyncio.timeout(10):
            return await self.reader.readuntil(b"\r\n\r\n")

    async def answer(self) -> bytes:
        """Return the head of the answer that comes next, which is the upstream's."""
        head = await self.head()
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert await self.reader.readexactly(2) == b"ok"
        return head


@pytest.mark.parametrize("more", ["", "cache = true", "hedge = { after = '5s', max = 1 }"])
async def test_an_interim_answer_is_passed_on_before_the_answer(more: str, tmp_path: Path):
    """As soon as it comes, cleaned as every answer is; a 100, which nobody asked for, is not."""
    async with hinting(tmp_path, more) as (running, upstream), await Client.of(running) as client:
        client.ask()
        assert await client.head() == SEEN
        upstream.go.set()
        await client.answer()


async def test_a_client_of_http_1_0_is_told_of_none(tmp_path: Path):
    """RFC 9110 section 15.2: that version has none."""
    async with hinting(tmp_path, "") as (running, upstream), await Client.of(running) as client:
        upstream.go.set()
        client.ask(version="1.0")
        await client.answer()


async def test_a_kept_answer_comes_without_and_so_does_who_waited_for_anothers(tmp_path: Path):
    """It belongs to the exchange it came in, not to what is kept."""
    async with (
        hinting(tmp_path, "cache = true") as (running, upstream),
        await Client.of(running) as first,
        await Client.of(running) as second,
    ):
        first.ask()
        assert await first.head() == SEEN
        second.ask()
        await until(lambda: running.app.runtime.status().vitals.inflight == 2)
        upstream.go.set()
        await first.answer()
        await second.answer()
        second.ask()
        assert b"seawall; hit" in await second.answer()
        assert upstream.asked == 1


async def test_one_that_comes_after_the_answer_was_given_is_nobodys(tmp_path: Path):
    """The kept copy is given when patience ends; what the flight then hears stands before no other answer."""
    more = "cache = { ttl = '0s', override = true, stale_if_error = '1h', patience = '50ms' }"
    async with hinting(tmp_path, more) as (running, upstream), await Client.of(running) as client:
        upstream.go.set()
        client.ask()
        assert await client.head() == SEEN
        await client.answer()
        upstream.hint.clear()
        client.ask()
        assert b"not answered yet" in await client.answer()
        upstream.hint.set()
        await until(lambda: running.app.runtime.kept.totals().flights == 0)
        client.ask("/nowhere")
        assert (await client.head()).startswith(b"HTTP/1.1 404 Not Found\r\n")
