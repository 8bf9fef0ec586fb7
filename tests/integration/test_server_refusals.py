"""What the server refuses before any door sees it is counted and told."""

import asyncio
from pathlib import Path

import orjson
from gateways import Watched, gateway, settings


async def _exchange(port: int, raw: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(raw)
    try:
        return await reader.read()
    finally:
        writer.close()


async def test_a_malformed_request_shows_in_metrics_and_log(tmp_path: Path):
    """One 400: a counter with its status, a line in the log."""
    async with Watched() as upstream, gateway(settings(f"http://127.0.0.1:{upstream.port}"), tmp_path / "log") as here:
        assert (await _exchange(here.port, b"GET / HTTP/1.1\r\n\r\n")).startswith(b"HTTP/1.1 400")
        page = await _exchange(here.port, b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        assert b'seawall_requests_refused_total{status="400"} 1' in page
    lines = [orjson.loads(line) for line in (tmp_path / "log").read_bytes().splitlines()]
    assert [line["status"] for line in lines if line["event"] == "request_refused"] == [400]
