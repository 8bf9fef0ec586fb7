"""httpx, httpx2 and aiohttp as clients of a whole gateway: up, down, streamed both ways, connections kept."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import ModuleType

import aiohttp
import httpx
import httpx2
import pytest
from gateways import Gateway, Watched, gateway, settings

from seawall.testing.exchange import Action, Answer, End, Exchange

PIECES = [bytes([number]) * 40_000 for number in range(30)]
UPLOAD = b"".join(PIECES)
EVENTS = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"

pytestmark = pytest.mark.usefixtures("no_proxies")


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch):
    """What the environment says about proxies is for other hosts."""
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
async def upstream() -> AsyncIterator[Watched]:
    """Echo digests, say long things, stream events."""

    def answer(exchange: Exchange) -> Answer | Iterator[Action]:
        if exchange.target == b"/long":
            return Answer(200, UPLOAD)
        if exchange.target == b"/endless":
            return iter((EVENTS + b"9\r\ndata: 1\n\n\r\n", End.HANG))
        return Answer(200, hashlib.sha256(exchange.body).hexdigest().encode())

    async with Watched(answer) as server:
        yield server


@pytest.fixture
async def here(upstream: Watched, tmp_path: Path) -> AsyncIterator[Gateway]:
    """A gateway in front of it."""
    async with gateway(settings(upstream.url), tmp_path / "log") as running:
        yield running


@pytest.fixture(params=[httpx, httpx2], ids=["httpx", "httpx2"])
def library(request: pytest.FixtureRequest) -> ModuleType:
    """Two libraries of one API."""
    return request.param


def down(library: ModuleType, url: str) -> str:
    """Use a synchronous client for everything; return the digest of what came down."""
    with library.Client(base_url=url) as client:
        assert client.get("/hello").text == hashlib.sha256(b"").hexdigest()
        assert client.post("/up", content=b"small").text == hashlib.sha256(b"small").hexdigest()
        assert client.post("/up", content=iter(PIECES)).text == hashlib.sha256(UPLOAD).hexdigest()
        with client.stream("GET", "/endless") as answer:
            assert next(answer.iter_lines()) == "data: 1"
        with client.stream("GET", "/long") as answer:
            return hashlib.sha256(b"".join(answer.iter_bytes())).hexdigest()


async def test_a_synchronous_client_sends_and_streams(library: ModuleType, here: Gateway, upstream: Watched):
    """Length and chunks up, whole and streamed down; an endless stream is left and the upstream let go."""
    digest = await asyncio.to_thread(down, library, here.url)
    assert digest == hashlib.sha256(UPLOAD).hexdigest()
    await asyncio.wait_for(upstream.gone.wait(), 60)


async def test_an_asynchronous_client_sends_and_streams(library: ModuleType, here: Gateway, upstream: Watched):
    """The same with a client on the gateway's own loop, uploads and downloads at the same time."""

    async def pieces() -> AsyncIterator[bytes]:
        for piece in PIECES:
            yield piece

    async with library.AsyncClient(base_url=here.url) as client:
        async with client.stream("GET", "/endless") as answer:
            assert await anext(answer.aiter_lines()) == "data: 1"
        uploads = [client.post("/up", content=pieces()) for _ in range(6)]
        downloads = [client.get("/long") for _ in range(6)]
        answers = await asyncio.gather(*uploads, *downloads)
    assert {one.text for one in answers[:6]} == {hashlib.sha256(UPLOAD).hexdigest()}
    assert {one.content for one in answers[6:]} == {UPLOAD}
    await asyncio.wait_for(upstream.gone.wait(), 60)


async def test_a_client_keeps_its_connections(library: ModuleType, here: Gateway, upstream: Watched):
    """Forty calls, four at a time, on four connections of the client at most, and as many to the upstream."""
    seen: set[int] = set()
    limits = library.Limits(max_connections=4)
    async with library.AsyncClient(base_url=here.url, limits=limits) as client:
        for _ in range(10):
            answers = await asyncio.gather(*(client.get("/hello") for _ in range(4)))
            for one in answers:
                seen.add(one.extensions["network_stream"].get_extra_info("client_addr")[1])
    assert len(seen) <= 4
    assert upstream.counts.connections <= 4
    assert upstream.counts.requests == 40


async def test_a_client_that_gives_up_is_no_error_of_the_next(library: ModuleType, here: Gateway, upstream: Watched):
    """A read timeout of the client cancels the call; the next one on the same client is answered."""
    async with library.AsyncClient(base_url=here.url) as client:
        with pytest.raises(library.ReadTimeout):
            async with client.stream("GET", "/endless", timeout=0.2) as answer:
                await answer.aread()
        await asyncio.wait_for(upstream.gone.wait(), 60)
        assert (await client.get("/hello")).status_code == 200
    assert here.in_use() == (0, 0, 0, 0, 0)


async def test_aiohttp_sends_and_streams(here: Gateway, upstream: Watched):
    """A third implementation of HTTP: chunked up, chunked and whole down, several calls on a connection."""

    async def pieces() -> AsyncIterator[bytes]:
        for piece in PIECES:
            yield piece

    async with aiohttp.ClientSession() as session:
        async with session.post(f"{here.url}/up", data=pieces(), expect100=True) as answer:
            assert await answer.text() == hashlib.sha256(UPLOAD).hexdigest()
        async with session.get(f"{here.url}/long") as answer:
            assert await answer.read() == UPLOAD
        async with session.get(f"{here.url}/endless") as answer:
            assert await answer.content.readline() == b"data: 1\n"
        await asyncio.wait_for(upstream.gone.wait(), 60)
        async with session.get(f"http://127.0.0.1:{here.port}/nowhere") as answer:
            assert (answer.status, answer.content_type) == (404, "application/problem+json")
