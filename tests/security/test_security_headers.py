"""Security 5: what passes in headers through a whole gateway, in both directions."""

from hashlib import sha256

import pytest

from http_raw import parse_answers, talk
from seawall.app import App
from seawall.config import parse
from seawall.testing.exchange import Answer, Exchange
from seawall.testing.faultserver import FaultServer

KEY = "sk-of-the-upstream-0123456789"
CALLERS = b"callers-own"
SETTINGS = """
[server]
anonymous = "yes"
listen = "127.0.0.1:0"
[log]
success = 0.0
[upstreams.paid]
url = "http://127.0.0.1:{port}"
allow_private = true
headers = {{ "X-Api-Key" = "{key}" }}
[callers.kitchen]
key_hash = "sha256:{hash}"
"""


def echo(exchange: Exchange) -> Answer:
    """Answer with the request's headers as the answer's, as careless upstreams do."""
    kept = [(name, value) for name, value in exchange.headers if name not in (b"host", b"content-length")]
    return Answer(200, b"", (*kept, (b"X-Seawall-Cost", b"0"), (b"Keep-Alive", b"timeout=5")))


async def passed(*lines: bytes) -> tuple[dict[bytes, list[bytes]], dict[bytes, bytes]]:
    """Send a request with these header lines; return what the upstream got, and what the client got."""
    async with FaultServer(echo) as upstream:
        async with App(
            parse(SETTINGS.format(port=upstream.port, key=KEY, hash=sha256(CALLERS).hexdigest()), {}).tree
        ) as app:
            port = int(app.addresses[0].rpartition(":")[2])
            head = b"\r\n".join((b"GET /paid/a HTTP/1.1", b"Host: localhost", *lines))
            (answer,) = parse_answers(await talk(port, head + b"\r\n\r\n"))
        assert answer.status == 200
        return grouped(upstream.exchanges[0].headers), answer.headers


def grouped(headers: list[tuple[bytes, bytes]]) -> dict[bytes, list[bytes]]:
    """Return all values of each name."""
    found: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        found.setdefault(name.lower(), []).append(value)
    return found


@pytest.mark.parametrize(
    "line",
    [
        b"Keep-Alive: timeout=9", b"TE: trailers", b"Trailer: X", b"Proxy-Connection: close", b"Upgrade: websocket",
        b"Proxy-Authorization: Basic eA==", b"X-Seawall-Key: callers-own", b"X_Api_Key: forged",
        b"Forwarded: for=1.1.1.1", b"X-Real-IP: 1.1.1.1", b"X-Original-URL: /admin", b"X-HTTP-Method-Override: DELETE",
    ],
)  # fmt: skip
async def test_what_is_for_this_hop_or_forged_does_not_reach_the_upstream(line: bytes):
    """Hop by hop, our own control headers, underscores, what names another client or another call."""
    upstream, _ = await passed(line, b"Connection: close")
    assert line.partition(b":")[0].lower() not in upstream


async def test_what_connection_names_goes_and_identity_stays():
    """A client cannot have the header taken away that says who it is (RFC 9110 section 7.6.1 is no licence)."""
    upstream, _ = await passed(
        b"Connection: close, X-Secret-Hop, Authorization, Cookie, Via", b"X-Secret-Hop: 1",
        b"Authorization: Bearer mine", b"Cookie: a=b",
    )  # fmt: skip
    assert b"x-secret-hop" not in upstream
    assert upstream[b"authorization"] == [b"Bearer mine"]
    assert upstream[b"cookie"] == [b"a=b"]
    assert b"connection" not in upstream


async def test_who_the_client_is_said_to_be_is_written_anew():
    """X-Forwarded-* of a client are not believed; Via tells that we were here."""
    upstream, client = await passed(
        b"X-Forwarded-For: 1.1.1.1", b"X-Forwarded-Host: evil", b"X-Forwarded-Proto: https", b"Via: 1.0 fred",
        b"Connection: close",
    )  # fmt: skip
    assert upstream[b"x-forwarded-for"] == [b"127.0.0.1"]
    assert upstream[b"x-forwarded-host"] == [b"localhost"]
    assert upstream[b"x-forwarded-proto"] == [b"http"]
    assert upstream[b"via"] == [b"1.0 fred, 1.1 seawall"]
    assert client[b"via"].endswith(b"1.1 seawall")


async def test_the_upstreams_key_replaces_the_clients_and_never_comes_back():
    """Not even when the upstream echoes it."""
    upstream, client = await passed(b"X-Api-Key: of-the-client", b"Connection: close")
    assert upstream[b"x-api-key"] == [KEY.encode()]
    assert KEY.encode() not in b"".join(client.values())
    assert b"x-seawall-cost" not in client
