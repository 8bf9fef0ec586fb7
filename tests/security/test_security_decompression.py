"""Security 9: what passes through is never decoded, so that a small answer cannot become a large one here."""

import zlib
from collections.abc import AsyncIterator

import pytest

from http_raw import parse_answers, talk
from seawall.app import App
from seawall.config import parse
from seawall.testing.exchange import Answer, Exchange
from seawall.testing.faultserver import FaultServer

SETTINGS = """
[server]
listen = "127.0.0.1:0"
[log]
success = 0.0
[upstreams.files]
url = "http://127.0.0.1:{port}"
allow_private = true
"""
# 16 MiB of nothing, deflated twice: a few hundred bytes.
BOMB = zlib.compress(zlib.compress(bytes(16 << 20), 9), 9)


def bomb(exchange: Exchange) -> Answer:
    """Answer with it, whatever is asked for."""
    return Answer(200, BOMB, ((b"Content-Encoding", b"deflate, deflate"),))


@pytest.fixture
async def upstream() -> AsyncIterator[FaultServer]:
    """An upstream that answers with a bomb."""
    async with FaultServer(bomb) as server:
        yield server


async def exchange(upstream: FaultServer, raw: bytes) -> list:
    """Send bytes through a whole gateway."""
    async with App(parse(SETTINGS.format(port=upstream.port), {}).tree) as app:
        return parse_answers(await talk(int(app.addresses[0].rpartition(":")[2]), raw))


async def test_a_deflated_answer_passes_byte_for_byte(upstream: FaultServer):
    """Its coding is named to the client, who decides what to do with it."""
    raw = b"GET /files/a HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: deflate\r\nConnection: close\r\n\r\n"
    (answer,) = await exchange(upstream, raw)
    assert answer.status == 200
    assert answer.body == BOMB
    assert answer.headers[b"content-encoding"] == b"deflate, deflate"


async def test_a_deflated_request_passes_byte_for_byte(upstream: FaultServer):
    """Nothing is unpacked to look inside; what is counted against `server.max_body` is what came."""
    head = b"POST /files/a HTTP/1.1\r\nHost: localhost\r\nContent-Encoding: deflate, deflate\r\nConnection: close\r\n"
    (answer,) = await exchange(upstream, head + b"Content-Length: %d\r\n\r\n" % len(BOMB) + BOMB)
    assert answer.status == 200
    assert upstream.exchanges[0].body == BOMB
    assert (b"content-encoding", b"deflate, deflate") in upstream.exchanges[0].headers


async def test_what_a_client_accepts_is_what_the_upstream_is_asked_for(upstream: FaultServer):
    """The gateway accepts no coding of its own accord."""
    await exchange(upstream, b"GET /files/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert not [value for name, value in upstream.exchanges[0].headers if name == b"accept-encoding"]
