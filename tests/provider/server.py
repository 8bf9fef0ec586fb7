"""As much of HTTP/1.1 as the provider needs, with every write in its own hands: a cut is a cut, a reset a reset."""

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

__all__ = ["Connection", "Gone", "Request", "serve"]

MOST_HEAD = 65_536
MOST_BODY = 64 * 1024 * 1024


class Gone(Exception):
    """The client has left, or was left."""


class Request:
    """One request, whole."""

    def __init__(self, method: str, path: str, headers: dict[str, str], body: bytes) -> None:
        self.method = method
        self.path, _, self.query = path.partition("?")
        self.headers = headers
        self.body = body

    def json(self) -> dict[str, Any]:
        """Return the body, an empty object where it is none."""
        try:
            said = json.loads(self.body)
        except ValueError:
            return {}
        return said if isinstance(said, dict) else {}


class Connection:
    """What one answer is written to. Writing to a client that has left raises `Gone`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._chunked = False
        self.begun = False

    async def whole(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        """Answer with a body of known length."""
        await self._head(
            status, {"content-type": "application/json", **(headers or {}), "content-length": str(len(body))}
        )
        await self._write(body)

    async def begin(self, headers: dict[str, str]) -> None:
        """Begin a streamed answer."""
        self._chunked = True
        await self._head(200, {**headers, "transfer-encoding": "chunked"})

    async def piece(self, data: bytes) -> None:
        """Send a piece of a streamed answer; it has left when this returns."""
        await self._write(b"%x\r\n%b\r\n" % (len(data), data))

    async def part(self, data: bytes, length: int) -> None:
        """Promise an answer of `length` bytes and send less of it."""
        await self._head(200, {"content-type": "application/json", "content-length": str(length)})
        await self._write(data)

    async def end(self) -> None:
        """End a streamed answer."""
        await self._write(b"0\r\n\r\n")

    def cut(self) -> None:
        """Close without an end."""
        self._writer.close()
        raise Gone

    def reset(self) -> None:
        """Reset the connection (RST instead of FIN)."""
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()
        raise Gone

    async def wait(self, seconds: float) -> None:
        """Wait, unless the client leaves."""
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        while (left := until - loop.time()) > 0:
            self._check()
            await asyncio.sleep(min(left, 0.01))  # a connection tells of its end only to who reads it
        self._check()

    def _check(self) -> None:
        if self._reader.at_eof() or self._writer.is_closing():
            raise Gone

    async def _head(self, status: int, headers: dict[str, str]) -> None:
        self.begun = True
        phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Overloaded"
        lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers.items())]
        await self._write("\r\n".join([*lines, "", ""]).encode())

    async def _write(self, data: bytes) -> None:
        self._check()
        try:
            self._writer.write(data)
            await self._writer.drain()
        except OSError as exc:
            raise Gone from exc


Answer = Callable[[Request, Connection], Awaitable[None]]


async def serve(answer: Answer, host: str, port: int) -> asyncio.Server:
    """Listen, and answer every request of every connection."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (request := await _read(reader)) is not None:
                await answer(request, Connection(reader, writer))
        except (Gone, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # it left, or was left
        finally:
            writer.close()

    return await asyncio.start_server(connected, host, port, limit=MOST_HEAD, backlog=1024)


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)
    }
    return Request(method, path, headers, await _body(reader, headers))


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return await reader.readexactly(min(int(headers.get("content-length", "0")), MOST_BODY))
    pieces: list[bytes] = []
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        pieces.append(await reader.readexactly(min(size, MOST_BODY)))
        await reader.readexactly(2)
    await reader.readuntil(b"\r\n")
    return b"".join(pieces)
