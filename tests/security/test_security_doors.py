"""Security 15: every door refuses unknown Hosts and pages of other sites, and no line is smuggled through any."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson
import pytest

from http_raw import Answer as Seen
from http_raw import parse_answers, talk
from seawall.app import App
from seawall.config import parse
from seawall.testing import faults
from seawall.testing.faultserver import FaultServer

SETTINGS = """
[server]
listen = "127.0.0.1:0"
hosts = ["gate.lan"]
origins = ["https://app.example"]
{server}
[upstreams.up]
url = "http://127.0.0.1:{port}"
allow_private = true
[upstreams.named]
url = "http://127.0.0.1:{port}"
allow_private = true
host = "named.lan"
"""
DOORS = (
    "/up/pay", "/up", "/live", "/ready", "/health", "/metrics", "/diagnostics", "/docs", "/docs/reference.css",
    "/openapi.json", "/api/v1/upstreams", "/api/v1/settings", "/-/live", "/-/metrics", "/-/api/v1/version", "/nowhere",
)  # fmt: skip
# What a request brings along, with HERE for the gateway's own host and port.
FOREIGN = {
    "a name of a page that points here": ["Host: evil.example"],
    "our name with more behind it": ["Host: 127.0.0.1.evil.example"],
    "a name that ends like ours": ["Host: evil-gate.lan"],
    "an address we do not listen on": ["Host: 10.0.0.1"],
    "our port under another name": ["Host: evil.example:PORT"],
    "a page of another site": ["Host: HERE", "Sec-Fetch-Site: cross-site"],
    "a page of another site, shouting": ["Host: HERE", "Sec-Fetch-Site: CROSS-SITE"],
    "a site nobody knows": ["Host: HERE", "Sec-Fetch-Site: elsewhere"],
    "a foreign origin": ["Host: HERE", "Origin: https://evil.example"],
    "an opaque origin": ["Host: HERE", "Origin: null"],
    "another program on this machine": ["Host: HERE", "Origin: http://127.0.0.1:1"],
    "a listed origin on another port": ["Host: HERE", "Origin: https://app.example:444"],
    "a listed origin without TLS": ["Host: HERE", "Origin: http://app.example"],
    "our own origin and a foreign one": ["Host: HERE", "Origin: http://HERE", "Origin: https://evil.example"],
    "our own origin, from another site": ["Host: HERE", "Origin: http://HERE", "Sec-Fetch-Site: cross-site"],
}
OWN = {
    "no browser": ["Host: HERE"],
    "localhost without a port": ["Host: localhost"],
    "a further name": ["Host: gate.lan:1234"],
    "an address bar": ["Host: HERE", "Sec-Fetch-Site: none"],
    "a page of ours": ["Host: HERE", "Sec-Fetch-Site: same-origin", "Origin: http://HERE"],
    "a listed page": ["Host: HERE", "Sec-Fetch-Site: cross-site", "Origin: https://app.example"],
}
INJECTED = b"Set-Cookie: planted=1"


class Place:
    """A running gateway, its upstream, and raw requests to it."""

    def __init__(self, app: App, upstream: FaultServer, log: Path) -> None:
        self.upstream = upstream
        self.log = log
        self.ports = [int(address.rpartition(":")[2]) for address in app.addresses]

    async def raw(self, data: bytes, port: int | None = None) -> bytes:
        """Send bytes; return what comes until the end."""
        return await talk(port or self.ports[0], data)

    async def ask(self, target: str, lines: list[str], method: str = "GET", port: int | None = None) -> Seen:
        """Send a request and return its answer."""
        port = port or self.ports[0]
        head = "\r\n".join((f"{method} {target} HTTP/1.1", *lines, "Connection: close", "Content-Length: 0", "", ""))
        raw = await self.raw(head.replace("HERE", f"127.0.0.1:{port}").replace("PORT", str(port)).encode(), port)
        return parse_answers(raw, (method.encode(),))[0]


@asynccontextmanager
async def gateway(log: Path, server: str = "") -> AsyncIterator[Place]:
    """Run a gateway."""
    fd = os.open(log, os.O_WRONLY | os.O_CREAT)
    try:
        async with FaultServer() as upstream:
            tree = parse(SETTINGS.format(port=upstream.port, server=server), {}).tree
            async with App(tree, log_fd=fd) as app:
                yield Place(app, upstream, log)
    finally:
        os.close(fd)


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """A gateway on loopback with the pages beside the data plane."""
    async with gateway(tmp_path / "log") as running:
        yield running


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("who", FOREIGN)
async def test_every_door_refuses_what_a_foreign_page_makes_a_browser_send(place: Place, who: str, method: str):
    """403 from all of them, a problem; the upstream hears nothing."""
    for door in DOORS:
        answer = await place.ask(door, FOREIGN[who], method)
        assert (answer.status, door) == (403, door)
        assert orjson.loads(answer.body)["type"] == "urn:seawall:cross-site"
        assert b"access-control-allow-origin" not in answer.headers
    assert place.upstream.counts.requests == 0


@pytest.mark.parametrize("who", OWN)
async def test_every_door_lets_in_what_is_ours_or_listed(place: Place, who: str):
    """Programs without a browser, pages of our own, listed origins, further names."""
    for door in DOORS:
        answer = await place.ask(door, OWN[who])
        assert (answer.status, door) == (404 if door == "/nowhere" else 200, door)
    assert place.upstream.counts.requests == 2


async def test_a_named_upstream_is_no_way_around(place: Place):
    """The Host that leads to an upstream is known; a page of another site is refused under it too."""
    assert (await place.ask("/live", ["Host: named.lan"])).body == b"hello\n"
    refused = await place.ask("/pay", ["Host: named.lan", "Sec-Fetch-Site: cross-site"])
    assert refused.status == 403
    assert place.upstream.counts.requests == 1


async def test_a_preflight_gives_no_permission(place: Place):
    """Without it a browser sends neither JSON nor a header of its own across sites."""
    lines = ["Host: HERE", "Origin: https://evil.example", "Access-Control-Request-Method: PUT"]
    answer = await place.ask("/api/v1/upstreams/up/targets/up/breaker", lines, "OPTIONS")
    assert answer.status == 403
    assert not [name for name in answer.headers if name.startswith(b"access-control")]


async def test_pages_on_a_bind_of_their_own_are_as_careful(tmp_path: Path):
    """And are on no other: `admin_listen` takes them off the data plane's bind."""
    async with gateway(tmp_path / "log", 'admin_listen = "127.0.0.1:0"') as place:
        main, admin = place.ports
        for door in ("/metrics", "/diagnostics", "/docs", "/api/v1/settings", "/-/metrics"):
            assert (await place.ask(door, OWN["no browser"], port=main)).status == 404
            assert (await place.ask(door, OWN["no browser"], port=admin)).status == 200
            for who, lines in FOREIGN.items():
                assert ((await place.ask(door, lines, port=admin)).status, who) == (403, who)
        assert (await place.ask("/up/pay", OWN["no browser"], port=admin)).status == 404
        assert place.upstream.counts.requests == 0


@pytest.mark.parametrize(
    "value",
    [b"a\r" + INJECTED, b"a\n" + INJECTED, b"a\r\r\n" + INJECTED, b"a\0b", b"a\r\n " + INJECTED, b"a\x0b\r" + INJECTED],
)
async def test_a_line_an_upstream_hides_in_a_value_never_reaches_a_client(place: Place, value: bytes):
    """A bare CR or LF, NUL or a folded line: the answer is broken and not passed on."""
    place.upstream.faults = faults.raw(b"HTTP/1.1 200 OK\r\nX-Note: " + value + b"\r\ncontent-length: 0\r\n\r\n")
    answer = await place.ask("/up/a", OWN["no browser"], "POST")
    assert answer.status == 502
    assert INJECTED not in answer.body + b"".join(answer.headers.values())
    assert b"set-cookie" not in answer.headers


@pytest.mark.parametrize("text", ["%0d%0aSet-Cookie:%20planted=1", "%00", "%e5%98%8a%e5%98%8d"])
async def test_encoded_line_ends_stay_encoded(place: Place, text: str):
    """In the path and in a value of the upstream: nobody decodes them on the way."""
    place.upstream.faults = faults.with_headers((b"location", b"/x?" + text.encode()))
    answer = await place.ask(f"/up/{text}", OWN["no browser"])
    assert place.upstream.exchanges[0].target == f"/{text}".encode()
    assert answer.headers[b"location"] == b"/x?" + text.encode()
    assert b"set-cookie" not in answer.headers


async def test_an_id_that_is_no_id_is_neither_echoed_nor_logged(tmp_path: Path):
    """Only letters, digits and four signs are copied into headers and lines."""
    odd = ['"} {"event":"forged', "a b", "x" * 129, "\x1b[31mred", "<script>", "é", "../../etc", "a,b"]
    async with gateway(tmp_path / "log") as place:
        for text in odd:
            for target in ("/up/a", "/nowhere"):
                answer = await place.ask(target, ["Host: HERE", f"X-Request-Id: {text}"])
                assert answer.status in (200, 400, 404)
                assert answer.headers.get(b"x-request-id", b"") != text.encode()
        good = await place.ask("/up/a", ["Host: HERE", "X-Request-Id: Good-1_a.b:c"])
        assert good.headers[b"x-request-id"] == b"Good-1_a.b:c"
    written = (tmp_path / "log").read_bytes()
    assert not [text for text in odd if text.encode() in written]
    assert b"Good-1_a.b:c" in written


async def test_an_odd_method_is_refused_or_logged_as_text(tmp_path: Path):
    """It cannot break a line; every line is one JSON object with an event of ours."""
    async with gateway(tmp_path / "log") as place:
        for method in (b'GET"}', b"PROPFIND", b"M-SEARCH", b"get", b"G\x1bET", b"GET\x00", b"PURGE"):
            await place.raw(b"%b /up/a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" % method)
    lines = [orjson.loads(line) for line in (tmp_path / "log").read_bytes().splitlines()]
    assert {line["event"] for line in lines} <= {"ready", "call", "request_refused"}
    assert {line["method"] for line in lines if line["event"] == "call"} <= {"PROPFIND", "M-SEARCH", "PURGE"}
