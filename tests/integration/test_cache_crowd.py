"""A crowd at one key over real sockets: the origin is asked once, whatever the answer is like."""

import asyncio
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from gateways import Watched, gateway, settings
from several import call

from seawall.testing.exchange import Answer, Exchange

CROWD = 1000
SERVER = "max_inflight = 2048\nmax_connections = 4096"


@pytest.fixture(autouse=True)
def descriptors() -> Iterator[None]:
    """Let this process have a client's and a server's end of every connection."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], min(8192, before[1])), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_thousand_concurrent_misses_are_one_call_upstream(tmp_path: Path, chunked: bool):
    """All wait for one answer and get it whole; then it is there for the next."""
    asked: list[bytes] = []
    body = b"x" * 20_000

    def program(exchange: Exchange) -> tuple[float, bytes]:
        asked.append(exchange.target)
        return 1.0, Answer(200, body, ((b"cache-control", b"max-age=60"),), chunked).wire(exchange.method)

    async with Watched(program) as origin:
        text = settings(origin.url, "cache = true", server=SERVER)
        async with gateway(text, tmp_path / "log") as running:
            got = await asyncio.gather(*(call(running.port) for _ in range(CROWD)))
            later = await call(running.port)
    assert asked == [b"/x"]
    assert {(one.status, one.body) for one in got} == {(200, body)}
    assert any("fwd=uri-miss" in one.headers["cache-status"] for one in got)  # who came late found it kept
    assert "hit" in later.headers["cache-status"]
