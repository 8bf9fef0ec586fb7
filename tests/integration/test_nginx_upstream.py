"""nginx as the upstream of a whole gateway: what it serves reaches clients as it is."""

import asyncio
import gzip
import hashlib
from pathlib import Path
from typing import Protocol

import httpx
import pytest
from gateways import calls, gateway, process, settings

LARGE = 20 << 20
ONE_ATTEMPT = "retry = { attempts = 1 }"


class Nginx(Protocol):
    """What the fixture gives."""

    url: str
    tls_url: str
    files: Path
    ca: Path


@pytest.fixture(scope="session")
def twenty(nginx: Nginx) -> tuple[str, str]:
    """A file of 20 MiB at nginx: its name and its digest."""
    data = hashlib.shake_256(b"seawall").digest(1 << 20) * (LARGE >> 20)
    (nginx.files / "twenty.bin").write_bytes(data)
    return "twenty.bin", hashlib.sha256(data).hexdigest()


async def ask(nginx: Nginx, log: Path, *requests: tuple[str, str, dict[str, str]]) -> list[httpx.Response]:
    """Make requests one after the other through a gateway."""
    async with (
        gateway(settings(nginx.url, ONE_ATTEMPT), log) as here,
        httpx.AsyncClient(base_url=here.url, trust_env=False) as client,
    ):
        return [await client.request(method, path, headers=headers) for method, path, headers in requests]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where the gateway's log goes."""
    return tmp_path / "log"


async def test_a_file_arrives_with_the_upstreams_own_headers(nginx: Nginx, log: Path):
    """Validators, type, length and ranges are nginx's; Via and the id are ours."""
    small, large = await ask(nginx, log, ("GET", "/hello.txt", {}), ("GET", "/large.bin", {}))
    assert (small.status_code, small.text) == (200, "hello from nginx\n")
    assert small.headers["content-length"] == "17"
    assert small.headers["content-type"] == "text/plain"
    assert small.headers["accept-ranges"] == "bytes"
    assert {"etag", "last-modified", "date", "via", "x-request-id", "server-timing"} <= set(small.headers)
    assert large.content == (nginx.files / "large.bin").read_bytes()


async def test_ranges_are_answered_by_the_upstream(nginx: Nginx, log: Path):
    """One part, several, one that cannot be, one on the condition that the file is still the same."""
    etag = (await ask(nginx, log, ("GET", "/hello.txt", {})))[0].headers["etag"]
    part, parts, beyond, same, changed = await ask(
        nginx,
        log,
        ("GET", "/hello.txt", {"Range": "bytes=6-9"}),
        ("GET", "/hello.txt", {"Range": "bytes=0-1,3-4"}),
        ("GET", "/hello.txt", {"Range": "bytes=99-"}),
        ("GET", "/hello.txt", {"Range": "bytes=0-4", "If-Range": etag}),
        ("GET", "/hello.txt", {"Range": "bytes=0-4", "If-Range": '"another"'}),
    )
    assert (part.status_code, part.text, part.headers["content-range"]) == (206, "from", "bytes 6-9/17")
    assert parts.status_code == 206
    assert parts.headers["content-type"].startswith("multipart/byteranges; boundary=")
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, "bytes */17")
    assert (same.status_code, same.text) == (206, "hello")
    assert (changed.status_code, changed.text) == (200, "hello from nginx\n")


async def test_conditional_requests_are_answered_304_without_a_body(nginx: Nginx, log: Path):
    """The connection goes on afterwards, on both sides."""
    first = (await ask(nginx, log, ("GET", "/hello.txt", {})))[0]
    unchanged, since, after = await ask(
        nginx,
        log,
        ("GET", "/hello.txt", {"If-None-Match": first.headers["etag"]}),
        ("GET", "/hello.txt", {"If-Modified-Since": first.headers["last-modified"]}),
        ("GET", "/hello.txt", {}),
    )
    assert [unchanged.status_code, since.status_code, after.status_code] == [304, 304, 200]
    assert unchanged.content == since.content == b""
    assert unchanged.headers["etag"] == first.headers["etag"]


async def test_head_has_the_headers_of_get_and_no_body(nginx: Nginx, log: Path):
    """Length included; what follows on the connection is the next answer."""
    head, get, large = await ask(
        nginx, log, ("HEAD", "/hello.txt", {}), ("GET", "/hello.txt", {}), ("HEAD", "/large.bin", {})
    )
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "17")
    assert get.text == "hello from nginx\n"
    assert large.headers["content-length"] == str(1 << 20)


async def test_a_chunked_answer_arrives_whole(nginx: Nginx, log: Path):
    """It is compressed as it is sent, so that nobody knows its length; nothing is decoded on the way."""
    path, plain = "/chunked/large.bin", {"Accept-Encoding": "gzip"}
    async with (
        gateway(settings(nginx.url), log) as here,
        httpx.AsyncClient(base_url=here.url, trust_env=False) as client,
        client.stream("GET", path, headers=plain) as answer,
    ):
        raw = b"".join([piece async for piece in answer.aiter_raw()])
    assert answer.headers["content-encoding"] == "gzip"
    assert "content-length" not in answer.headers or int(answer.headers["content-length"]) == len(raw)
    assert gzip.decompress(raw) == (nginx.files / "large.bin").read_bytes()


async def test_redirects_and_errors_of_the_upstream_pass_unchanged(nginx: Nginx, log: Path):
    """Status, body and Location are nginx's."""
    moved, missing, refused, down = await ask(
        nginx,
        log,
        ("GET", "/moved", {}),
        ("GET", "/nothing", {}),
        ("POST", "/hello.txt", {}),
        ("GET", "/status/503", {}),
    )
    assert (moved.status_code, moved.headers["location"]) == (302, f"{nginx.url}/hello.txt")
    assert (missing.status_code, "nginx" in missing.text) == (404, True)
    assert refused.status_code == 405
    assert (down.status_code, down.text) == (503, "down\n")


async def test_tls_with_a_private_authority_is_verified(nginx: Nginx, log: Path):
    """With `ca` the certificate is good; without it the call fails with a problem that says TLS."""
    for more, status in ((f'ca = "{nginx.ca}"', 200), (ONE_ATTEMPT, 502)):
        async with (
            gateway(settings(nginx.tls_url, more), log) as here,
            httpx.AsyncClient(base_url=here.url, trust_env=False) as client,
        ):
            answer = await client.get("/hello.txt")
        assert answer.status_code == status
    assert answer.json()["type"] == "urn:seawall:upstream-unreachable"
    assert "TLS" in answer.json()["title"]


@pytest.mark.parametrize("place", ["few", "none"])
async def test_callers_see_nothing_of_connections_the_upstream_ends(nginx: Nginx, log: Path, place: str):
    """The upstream closes after three requests, or after each; there is no retry policy to hide it."""
    async with (
        gateway(settings(nginx.url, ONE_ATTEMPT), log) as here,
        httpx.AsyncClient(base_url=here.url, trust_env=False) as client,
    ):
        for _ in range(10):
            answers = await asyncio.gather(*(client.get(f"/{place}/hello.txt") for _ in range(8)))
            assert {(one.status_code, one.text) for one in answers} == {(200, "hello from nginx\n")}
    assert {line["attempts"] for line in calls(log)} == {1}


async def test_a_large_file_is_streamed_and_not_held(nginx: Nginx, twenty: tuple[str, str], tmp_path: Path):
    """Four clients that do not read hold 80 MiB up; the gateway takes only what it may buffer for each."""
    name, digest = twenty
    async with process(settings(nginx.url), tmp_path) as here:
        warm = await here.get(f"/up/{name}")
        assert warm is not None
        before = here.memory("VmHWM")
        head = f"GET /up/{name} HTTP/1.1\r\nHost: 127.0.0.1:{here.port}\r\nConnection: close\r\n\r\n".encode()
        idle = [await asyncio.open_connection("127.0.0.1", here.port, limit=1 << 16) for _ in range(4)]
        for _, writer in idle:
            writer.write(head)
        read = await here.get(f"/up/{name}")
        assert read is not None
        bodies = [read[2]]
        bodies += [(await reader.read()).partition(b"\r\n\r\n")[2] for reader, _ in idle]
        grown = here.memory("VmHWM") - before
        for _, writer in idle:
            writer.transport.abort()
    assert {hashlib.sha256(body).hexdigest() for body in bodies} == {digest}
    assert grown < 8 << 20
