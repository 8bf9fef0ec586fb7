"""A client that leaves takes its call upstream along, and nothing stays in use (semantics 1.4)."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from gateways import Gateway, Watched, calls, gateway, settings, until

from seawall.testing import faults
from seawall.testing.exchange import Action, Answer, End, Exchange

SOON = 1.0
LONG = Answer(200, b"x" * 4_000_000).wire()
EVENT = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n"


@asynccontextmanager
async def place(log: Path, more: str = "", *, app: object = None) -> AsyncIterator[tuple[Watched, Gateway]]:
    """Run an upstream that hangs, unless told otherwise, and a gateway in front of it."""
    async with Watched(app) as upstream, gateway(settings(upstream.url, more), log) as here:
        if app is None:
            upstream.faults = faults.hang()
        yield upstream, here


async def within(event: asyncio.Event) -> None:
    """Wait for something that happens."""
    await asyncio.wait_for(event.wait(), 60)


async def connect(here: Gateway, request: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Send a request on a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", here.port, limit=1 << 16)
    writer.write(request)
    return reader, writer


def get(path: str, *lines: str) -> bytes:
    """Return the head of a GET."""
    return "\r\n".join((f"GET /up/{path} HTTP/1.1", "Host: localhost", *lines, "", "")).encode()


async def ended(upstream: Watched, here: Gateway, left: float) -> None:
    """Check that the upstream was let go in time, and that nothing is in use."""
    await within(upstream.gone)
    assert upstream.counts.aborted[0].at - left < SOON
    assert upstream.counts.left == 1
    assert here.in_use() == (0, 0, 0, 0, 0)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where the gateway's log goes."""
    return tmp_path / "log"


@pytest.mark.parametrize("how", ["FIN", "RST"])
async def test_a_call_without_an_answer_ends_with_its_client(log: Path, how: str):
    """One attempt, no other after it, and a line with 499."""
    async with place(log) as (upstream, here):
        _, writer = await connect(here, get("slow"))
        await within(upstream.asked)
        left = asyncio.get_running_loop().time()
        if how == "FIN":
            writer.close()
        else:
            writer.transport.abort()
        await ended(upstream, here, left)
        assert upstream.counts.requests == 1
    (line,) = calls(log)
    assert (line["status"], line["outcome"], line["attempts"]) == (499, "cancelled", 1)


async def test_a_killed_curl_takes_its_call_along(log: Path):
    """The kernel closes for it."""
    async with place(log) as (upstream, here):
        child = await asyncio.create_subprocess_exec("curl", "--disable", "-s", "--noproxy", "*", f"{here.url}/slow")
        await within(upstream.asked)
        left = asyncio.get_running_loop().time()
        child.kill()
        await ended(upstream, here, left)
        await child.wait()
    assert [line["status"] for line in calls(log)] == [499]


async def test_a_stream_ends_with_its_client(log: Path):
    """It had a status already, so the line has that one, and says that the client left."""

    def stream(_: Exchange) -> Iterator[Action]:
        yield EVENT
        yield End.HANG

    async with place(log, app=stream) as (upstream, here):
        reader, writer = await connect(here, get("events"))
        await reader.readuntil(b"data: 1\n\n")
        left = asyncio.get_running_loop().time()
        writer.close()
        await ended(upstream, here, left)
    (line,) = calls(log)
    assert (line["status"], line["outcome"]) == (200, "cancelled")


async def test_a_long_answer_nobody_reads_ends_with_its_client(log: Path):
    """The gateway has stopped reading from both sides when the client goes."""
    async with place(log, app=lambda _: (LONG, LONG, End.HANG)) as (upstream, here):
        reader, writer = await connect(here, get("long"))
        await reader.readuntil(b"\r\n\r\n")
        left = asyncio.get_running_loop().time()
        writer.transport.abort()
        await ended(upstream, here, left)
    assert [line["outcome"] for line in calls(log)] == ["cancelled"]


async def test_an_upload_under_way_ends_with_its_client(log: Path):
    """Half a body reached the upstream; it sees the connection break and not an end."""
    async with place(log) as (upstream, here):
        upstream.early = True
        head = b"POST /up/upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000000\r\n\r\n"
        _, writer = await connect(here, head + b"x" * 1_000_000)
        await within(upstream.asked)
        left = asyncio.get_running_loop().time()
        writer.transport.abort()
        await ended(upstream, here, left)
    assert [line["status"] for line in calls(log)] == [499]


async def test_a_call_that_waits_for_a_permit_leaves_the_queue(log: Path):
    """It never reaches the upstream; the permit goes to the next in the queue."""
    async with place(log, "concurrency = { limit = 1, queue = 5, wait = '9s' }\ntimeout = '9s'") as (upstream, here):
        _, holder = await connect(here, get("held"))
        await within(upstream.asked)
        _, waiting = await connect(here, get("queued"))
        await until(lambda: here.in_use()[2] == 1)
        waiting.close()
        await until(lambda: here.in_use()[2] == 0)
        assert upstream.counts.requests == 1
        holder.close()
        await within(upstream.gone)
        assert here.in_use() == (0, 0, 0, 0, 0)
    assert [(line["status"], line["attempts"]) for line in calls(log)] == [(499, 0), (499, 1)]


async def test_no_attempt_follows_once_the_client_has_left(log: Path):
    """It leaves while the gateway waits before its second attempt; ten seconds of patience would allow it."""
    more = "timeout = '10s'\nretry = { attempts = 3, base = '5s', max = '5s' }"
    async with place(log, more, app=lambda _: Answer(503, b"")) as (upstream, here):
        _, writer = await connect(here, get("retried"))
        await within(upstream.asked)
        await until(lambda: upstream.counts.answered and not here.in_use()[3])
        writer.close()
        await until(lambda: not here.in_use()[0])
        assert here.in_use() == (0, 0, 0, 0, 0)
    assert upstream.counts.requests == 1
    assert [(line["status"], line["attempts"]) for line in calls(log)] == [(499, 1)]


async def test_a_hundred_clients_that_leave_at_once_leave_nothing(log: Path):
    """Every permit and connection is back, and the next caller is answered."""
    async with place(log, "concurrency = { limit = 20, queue = 100, wait = '9s' }") as (upstream, here):
        clients = [await connect(here, get(str(number))) for number in range(100)]
        await until(lambda: here.in_use()[1:3] == (20, 80) and upstream.counts.waiting == 20)
        for _, writer in clients:
            writer.transport.abort()
        await until(lambda: not here.in_use()[0] and upstream.counts.left >= 20)
        assert here.in_use() == (0, 0, 0, 0, 0)
        upstream.faults = None
        reader, writer = await connect(here, get("after", "Connection: close"))
        assert (await reader.read()).endswith(b"hello\n")
        writer.close()
    assert sorted(line["status"] for line in calls(log)) == [200] + [499] * 100
