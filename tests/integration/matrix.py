"""The fault matrix: what a caller sees of each fault, as the table in docs/fault-matrix.md says it."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import orjson

from seawall.app import App
from seawall.config import Tree
from seawall.config.load import parse
from seawall.testing import faults
from seawall.testing.exchange import Answer, End, Exchange, Fault
from seawall.testing.faultproxy import unanswered_port
from seawall.testing.faultserver import FaultServer

__all__ = ["CALLS", "FAULTS", "outcome", "place", "served", "table"]

DOCUMENT = Path(__file__).parents[2] / "docs" / "fault-matrix.md"

SETTINGS = """
[server]
listen = "127.0.0.1:0"
[upstreams.up]
url = "{url}"
allow_private = true
timeout = "2s"
attempt_timeout = "400ms"
connect_timeout = "200ms"
first_byte_timeout = "200ms"
idle_timeout = "200ms"
retry = {{ attempts = 2, base = "10ms", max = "20ms", floor = 10 }}
"""

# A column of the table: method, further headers, body, and whether the upstream streams events.
CALLS: Mapping[str, tuple[str, str, bytes, bool]] = {
    "GET": ("GET", "", b"", False),
    "POST": ("POST", "", b"{}", False),
    "POST with Idempotency-Key": ("POST", "Idempotency-Key: k1\r\n", b"{}", False),
    "GET, streamed": ("GET", "", b"", True),
}

# A row: what every answer of the upstream meets; None where no upstream answers.
FAULTS: Mapping[str, Fault | None] = {
    "none": faults.good(),
    "connection refused": None,
    "connect hangs": None,
    "TLS fails": None,
    "reset before the headers": faults.reset(),
    "closed before the headers": faults.fin(),
    "reset in the body": faults.reset_in_body(),
    "body too short": faults.short_body(),
    "hangs before the headers": faults.hang(),
    "hangs in the body": faults.hang_in_body(),
    "slow drip": faults.drip(0.02, 40),
    "429 with Retry-After 30": faults.status(429, retry_after="30"),
    "429 without Retry-After": faults.status(429),
    "503": faults.status(503),
    "500": faults.status(500),
    "garbage": faults.garbage(),
    "body longer than its length": faults.wrong_length(-3),
    "body shorter than its length, kept open": faults.wrong_length(3),
}


def served(exchange: Exchange) -> Answer:
    """Return the good answer: a short text, or three events."""
    if exchange.target.endswith(b"/events"):
        return Answer(
            200, b"data: 1\n\ndata: 2\n\ndata: 3\n\n", ((b"content-type", b"text/event-stream"),), chunked=True
        )
    return Answer(200, b"hello, hello\n", ((b"content-type", b"text/plain"),))


@asynccontextmanager
async def place(row: str) -> AsyncIterator[tuple[str, FaultServer]]:
    """Give the URL of an upstream with the row's fault, and the server that counts."""
    async with FaultServer(served) as server:
        server.faults = FAULTS[row]
        url = f"http://127.0.0.1:{server.port}"
        if row == "connection refused":
            async with FaultServer() as gone:
                url = f"http://127.0.0.1:{gone.port}"
        elif row == "TLS fails":
            server.accept = [b"\x15\x03\x01\x00\x02\x02\x28", End.FIN]  # a fatal handshake_failure alert
            url = f"https://127.0.0.1:{server.port}"
        if row == "connect hangs":
            async with unanswered_port() as (host, port):
                yield f"http://{host}:{port}", server
        else:
            yield url, server


def settings(url: str) -> Tree:
    """Return the settings the table was made with."""
    return parse(SETTINGS.format(url=url), {}).tree


@asynccontextmanager
async def gateway(url: str, log: int) -> AsyncIterator[tuple[App, str, int]]:
    """Run the gateway in front of `url`; give it with its host and port."""
    async with App(settings(url), log_fd=log) as app:
        host, _, port = app.addresses[0].rpartition(":")
        yield app, host, int(port)


async def outcome(column: str, host: str, port: int, attempts: Callable[[], int]) -> str:
    """Make the column's call and return the cell: status, what ended it, and how many attempts reached the wire."""
    method, headers, body, streamed = CALLS[column]
    reader, writer = await asyncio.open_connection(host, port)
    path = "/up/events" if streamed else "/up/text"
    head = f"{method} {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n{headers}"
    if body:
        head += f"Content-Length: {len(body)}\r\n"
    writer.write(head.encode() + b"\r\n" + body)
    before = attempts()
    try:
        raw = await asyncio.wait_for(reader.read(), 60)
    finally:
        writer.transport.abort()
    return f"{_said(raw)}, {attempts() - before} attempts".replace(", 1 attempts", ", 1 attempt")


def _said(raw: bytes) -> str:
    head, _, body = raw.partition(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1])
    if b"\r\ncontent-type: application/problem+json" in head:
        return f"{status} {orjson.loads(body)['type'].removeprefix('urn:seawall:')}"
    declared = re.search(rb"\r\ncontent-length: (\d+)", head)
    if b"event: error" in body:
        return f"{status}, ends in an error event"
    whole = len(body) == int(declared[1]) if declared else body.endswith(b"0\r\n\r\n")
    return f"{status}" if whole else f"{status}, cut off"


def table() -> dict[tuple[str, str], str]:
    """Return the cells of the document by row and column."""
    lines = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("|")]
    names = [cell.strip() for cell in lines[0].strip("|").split("|")][1:]
    cells: dict[tuple[str, str], str] = {}
    for line in lines[2:]:
        row, *values = (cell.strip() for cell in line.strip("|").split("|"))
        cells.update({(row, name): value for name, value in zip(names, values, strict=True)})
    return cells
