"""Security 5, the other direction: what of an upstream's answer, and of our keys, reaches a client."""

import os
from hashlib import sha256
from pathlib import Path

import pytest

from http_raw import Answer as Seen
from http_raw import parse_answers, talk
from seawall.app import App
from seawall.config import parse
from seawall.testing import faults
from seawall.testing.exchange import Fault
from seawall.testing.faultserver import FaultServer

KEY = "sk-of-the-upstream-0123456789"
CALLERS = b"caller-key-0123456789"
SETTINGS = """
[server]
listen = "127.0.0.1:0"
[upstreams.up]
url = "http://127.0.0.1:{port}"
allow_private = true
headers = {{ "X-Api-Key" = "{key}", "Authorization" = "Bearer {key}" }}
retry = {{ attempts = 1 }}
[callers.kitchen]
key_hash = "sha256:{hash}"
"""


async def answered(fault: Fault | None, log: Path, *lines: bytes, target: bytes = b"/up/a") -> tuple[Seen, FaultServer]:
    """Make a caller's call; return what the client got, and the upstream."""
    lines = (b"X-Seawall-Key: " + CALLERS, *lines)
    settings = {"key": KEY, "hash": sha256(CALLERS).hexdigest()}
    fd = os.open(log, os.O_WRONLY | os.O_CREAT)
    try:
        async with FaultServer() as upstream:
            upstream.faults = fault
            async with App(parse(SETTINGS.format(port=upstream.port, **settings), {}).tree, log_fd=fd) as app:
                port = int(app.addresses[0].rpartition(":")[2])
                head = (b"GET %b HTTP/1.1" % target, b"Host: localhost", *lines, b"Connection: close", b"", b"")
                return parse_answers(await talk(port, b"\r\n".join(head)))[0], upstream
    finally:
        os.close(fd)


@pytest.mark.parametrize(
    "line",
    [
        b"Keep-Alive: timeout=5", b"Proxy-Connection: keep-alive", b"TE: trailers", b"Trailer: X", b"Upgrade: h2c",
        b"Connection: keep-alive, X-Secret-Hop\r\nX-Secret-Hop: 1", b"X-Seawall-Cost: 0", b"X-Seawall-Cache: hit",
        b'Alt-Svc: h3=":443"', b"Proxy-Status: other; error=x", b"X-Request-Id: theirs",
    ],
)  # fmt: skip
async def test_what_is_for_this_hop_or_ours_to_say_does_not_come_through(line: bytes, tmp_path: Path):
    """Framing and connection options of the upstream's side, and headers that only we write."""
    raw = b"HTTP/1.1 200 OK\r\n" + line + b"\r\nX-Fine: 1\r\ncontent-length: 0\r\n\r\n"
    answer, _ = await answered(faults.raw(raw), tmp_path / "log")
    assert (answer.status, answer.headers[b"x-fine"]) == (200, b"1")
    value = line.rpartition(b": ")[2]
    names = [part.partition(b":")[0].lower() for part in line.split(b"\r\n")]
    assert [name for name in names if answer.headers.get(name) == value] == []


@pytest.mark.parametrize(
    "fault",
    [None, faults.status(401), faults.status(500), faults.reset(), faults.garbage(), faults.reset_in_body()],
    ids=["200", "401", "500", "reset", "garbage", "cut"],
)
async def test_neither_key_reaches_the_other_side(fault: Fault | None, tmp_path: Path):
    """Ours is in no answer and no line of the log, the caller's in nothing the upstream got; however the call ends."""
    lines = (
        b"x_seawall_key: " + CALLERS, b"X-Seawall-Key-2: " + CALLERS, b"X-Mine: Bearer " + CALLERS,
        b"Cookie: a=b; k=" + CALLERS,
    )  # fmt: skip
    answer, upstream = await answered(fault, tmp_path / "log", *lines)
    got = upstream.exchanges[0].headers
    assert (b"x-api-key", KEY.encode()) in got
    assert (b"authorization", b"Bearer " + KEY.encode()) in got
    assert not [name for name, value in got if CALLERS in value]
    written = (tmp_path / "log").read_bytes() + answer.body + b"".join(answer.headers.values())
    assert KEY.encode() not in written
    assert CALLERS not in written


async def test_a_client_cannot_put_its_own_in_place_of_the_upstreams_key(tmp_path: Path):
    """However often and in which case it is sent, or named in Connection: one value goes out, the configured one."""
    lines = (b"authorization: Bearer mine", b"AUTHORIZATION: Bearer mine too", b"X-API-KEY: mine")
    _, upstream = await answered(None, tmp_path / "log", *lines, b"Connection: X-Api-Key, Authorization")
    got = upstream.exchanges[0].headers
    assert [value for name, value in got if name == b"authorization"] == [b"Bearer " + KEY.encode()]
    assert [value for name, value in got if name == b"x-api-key"] == [KEY.encode()]
