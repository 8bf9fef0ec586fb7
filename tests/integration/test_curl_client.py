"""curl as the client of a whole gateway: what it sends arrives, what it prints is what the upstream said."""

import asyncio
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from gateways import Watched, curl, gateway, settings

from seawall.testing.exchange import Action, Answer, End, Exchange

BODY = os.urandom(5 << 20)
EVENTS = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def echo(exchange: Exchange) -> Answer:
    """Answer with the method, the digest of the body, and how it was framed."""
    framing = (exchange.header(b"content-length") or exchange.header(b"transfer-encoding") or b"none").decode()
    return Answer(200, f"{exchange.method.decode()} {hashlib.sha256(exchange.body).hexdigest()} {framing}\n".encode())


def said(method: str, body: bytes, framing: str) -> bytes:
    """Return what `echo` answers."""
    return f"{method} {hashlib.sha256(body).hexdigest()} {framing}\n".encode()


@pytest.fixture
def body(tmp_path: Path) -> str:
    """A file of 5 MiB."""
    path = tmp_path / "body"
    path.write_bytes(BODY)
    return str(path)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where the gateway's log goes."""
    return tmp_path / "log"


async def test_curl_prints_the_answer_with_its_headers(log: Path):
    """`curl -i`, and `curl -I` for the headers alone."""
    async with Watched() as upstream, gateway(settings(upstream.url), log) as here:
        code, out = await curl("-i", f"{here.url}/hello")
        head_code, head = await curl("-I", f"{here.url}/hello")
    assert (code, head_code) == (0, 0)
    assert out.startswith(b"HTTP/1.1 200 OK\r\n")
    assert out.endswith(b"\r\n\r\nhello\n")
    assert b"\r\nvia: 1.1 seawall\r\n" in out
    assert b"\r\ncontent-length: 6\r\n" in head
    assert head.endswith(b"\r\n\r\n")


async def test_curl_keeps_its_connection_over_several_calls(log: Path):
    """The second URL needs no new one; neither does the gateway towards the upstream."""
    async with Watched() as upstream, gateway(settings(upstream.url), log) as here:
        _, out = await curl("-w", "%{num_connects};", *[f"{here.url}/{number}" for number in range(4)])
        assert upstream.counts.connections == 1
    assert out == b"hello\n1;hello\n0;hello\n0;hello\n0;"


async def test_events_reach_curl_while_the_upstream_still_sends(log: Path):
    """`curl -N` shows the first event although the stream does not end."""

    def stream(_: Exchange) -> Iterator[Action]:
        yield EVENTS + b"9\r\ndata: 1\n\n\r\n"
        yield End.HANG

    async with Watched(stream) as upstream, gateway(settings(upstream.url), log) as here:
        child = await asyncio.create_subprocess_exec(
            "curl", "--disable", "-sN", "--noproxy", "*", f"{here.url}/events", stdout=asyncio.subprocess.PIPE
        )
        assert child.stdout is not None
        assert await asyncio.wait_for(child.stdout.readline(), 60) == b"data: 1\n"
        child.kill()
        await child.wait()
        await asyncio.wait_for(upstream.gone.wait(), 60)


async def test_curl_uploads_after_100_continue(log: Path, body: str):
    """It waits for the interim answer, gets it, and the whole body arrives with its length."""
    async with Watched(echo) as upstream, gateway(settings(upstream.url, server='max_body = "8MiB"'), log) as here:
        headers = ("-H", "Expect: 100-continue", "--expect100-timeout", "15")
        code, out = await curl("-v", *headers, "--data-binary", f"@{body}", f"{here.url}/upload")
    assert code == 0
    assert b"< HTTP/1.1 100 Continue" in out
    assert said("POST", BODY, str(len(BODY))) in out
    assert upstream.exchanges[0].header(b"expect") is None


async def test_a_body_that_is_too_large_is_refused_before_it_is_sent(log: Path, body: str):
    """413 instead of `100 Continue`; not a byte is uploaded, the upstream hears nothing."""
    async with Watched(echo) as upstream, gateway(settings(upstream.url, server='max_body = "1MiB"'), log) as here:
        headers = ("-H", "Expect: 100-continue", "--expect100-timeout", "15")
        form = "%{http_code} %{size_upload}"
        _, out = await curl("-o", os.devnull, "-w", form, *headers, "--data-binary", f"@{body}", f"{here.url}/upload")
        assert upstream.counts.requests == 0
    assert out == b"413 0"


@pytest.mark.parametrize(("size", "status"), [(5 << 20, b"200"), ((5 << 20) - 1, b"413")])
async def test_curl_uploads_chunked_up_to_the_limit(log: Path, body: str, size: int, status: bytes):
    """`curl -T -` knows no length: bytes are counted as they come (security 8)."""
    async with (
        Watched(echo) as upstream,
        gateway(settings(upstream.url, server=f"max_body = {size}"), log) as here,
    ):
        _, out = await curl("-w", "%{http_code}", "-H", "Expect:", "-T", "-", f"{here.url}/upload", stdin=BODY)
    assert out.endswith(status)
    if status == b"200":
        assert out.startswith(said("PUT", BODY, "chunked"))


async def test_http_1_0_gets_an_answer_that_ends_with_the_connection(log: Path):
    """Without chunks, which that version does not know; the upstream is spoken to in HTTP/1.1."""
    stream = Answer(200, b"data: 1\n\ndata: 2\n\n", ((b"content-type", b"text/event-stream"),), chunked=True)
    async with Watched(lambda _: stream) as upstream, gateway(settings(upstream.url), log) as here:
        code, out = await curl("-i", "--http1.0", f"{here.url}/events")
    assert code == 0
    assert out.endswith(b"\r\n\r\ndata: 1\n\ndata: 2\n\n")
    assert b"transfer-encoding" not in out
    assert b"\r\nconnection: close\r\n" in out


async def test_curl_sees_that_a_body_was_cut(log: Path):
    """The upstream resets in the middle of a long answer: exit code 18 (partial file) or 56, never 0."""

    def cut(exchange: Exchange) -> Iterator[Action]:
        yield Answer(200, b"x" * 200_000).head() + b"x" * 100_000
        yield End.FIN

    async with Watched(cut) as upstream, gateway(settings(upstream.url), log) as here:
        code, _ = await curl("-o", os.devnull, f"{here.url}/long")
    assert code in (18, 56)


@pytest.mark.parametrize("path", ["/up/../live", "/up/%2e%2e/live", "/up/a/..%2f..%2fb", "/up/..;/b"])
async def test_curl_cannot_climb_as_it_is(log: Path, path: str):
    """`--path-as-is` keeps the dots that curl itself would resolve."""
    async with Watched() as upstream, gateway(settings(upstream.url), log) as here:
        _, out = await curl("--path-as-is", "-w", "%{http_code}", f"http://127.0.0.1:{here.port}{path}")
        assert upstream.counts.requests == 0
    assert out.endswith(b"400")
