"""The exchanges of the page over real sockets: a client, the whole gateway, an origin; only time is told."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from cache_exchange import dated

from seawall.app import App
from seawall.config.load import parse
from seawall.contracts.body import Headers
from seawall.contracts.clock import Clock
from seawall.policies.cache.dates import http_date
from seawall.testing import EPOCH

__all__ = ["Heard", "Rig", "Told", "play", "rig", "steps"]

PATIENCE = 10.0
BETWEEN = 3600.0  # seconds of told time between two exchanges; what a key is remembered for has passed then
TURNS = 0.02  # seconds for what goes on behind an answer to reach the origin


class Told:
    """Time that passes as it does, and hours in no time where a test says so."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._more = 0.0
        self._wall = EPOCH

    def now(self) -> float:
        """Return monotonic seconds."""
        return self._began + self._more

    def wall(self) -> float:
        """Return seconds since the epoch."""
        return self._wall + self._more

    def advance(self, seconds: float) -> None:
        """Let seconds pass."""
        self._more += seconds

    def begin(self) -> None:
        """Let it be the beginning of an exchange, hours after the one before."""
        self._more += BETWEEN
        self._wall = EPOCH - self._more

    def clock(self) -> Clock:
        """Return it as the gateway takes it."""
        return Clock(self.now, self.wall)


@dataclass
class Step:
    """One request of a client: what the origin is asked with and answers, what the client gets, and how long then."""

    request: str
    asked: list[str]
    answers: list[str]
    expected: str = ""
    after: float = 0.0


def steps(text: str) -> list[Step]:
    """Return the steps of an exchange; the notation is that of tests/policies/cache/cache_exchange.py."""
    found: list[Step] = []
    for line in dated(text).strip().splitlines():
        sign, _, rest = line.strip().partition(" ")
        match sign:
            case ">":
                found.append(Step(rest, [], []))
            case "?":
                found[-1].asked.append(rest)
            case "<":
                found[-1].answers.append(rest)
            case "=":
                found[-1].expected = rest
            case "+":
                found[-1].after += float(rest)
            case _:
                raise ValueError(f"what is {line!r}?")
    return found


@dataclass
class Heard:
    """One message as it came over a socket."""

    line: str
    headers: Headers
    body: bytes
    complete: bool = True
    interim: tuple[str, ...] = ()

    def joined(self, name: str) -> bytes | None:
        """Return every value of a header, joined, or None."""
        values = [value for key, value in self.headers if key == name.lower().encode()]
        return b", ".join(values) if values else None


async def read_message(reader: asyncio.StreamReader, *, method: str = "", request: bool = False) -> Heard:
    """Read one message, as any HTTP/1.1 program would."""
    interim: list[str] = []
    while True:
        head = await reader.readuntil(b"\r\n\r\n")
        line, *rest = head[:-4].split(b"\r\n")
        headers = [(name.lower(), value.strip()) for name, _, value in (each.partition(b":") for each in rest)]
        heard = Heard(line.decode("latin-1"), headers, b"")
        if request or not heard.line.split(" ")[1].startswith("1"):
            break
        interim.append(head.decode("latin-1"))
    heard.interim = tuple(interim)
    if not request and (method == "HEAD" or heard.line.split(" ")[1] in ("204", "304")):
        return heard
    try:
        if heard.joined("transfer-encoding") is not None:
            while True:
                size = int((await reader.readline()).split(b";")[0], 16)
                data = await reader.readexactly(size + 2)
                if not size:
                    break
                heard.body += data[:-2]
        elif (length := heard.joined("content-length")) is not None:
            heard.body = await reader.readexactly(int(length))
        elif not request:
            heard.body = await reader.read()
    except (asyncio.IncompleteReadError, ConnectionError) as error:
        heard.body += getattr(error, "partial", b"")
        heard.complete = False
    return heard


class Origin:
    """An upstream that answers what the exchange says next."""

    def __init__(self, told: Told) -> None:
        self._told = told
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self.faults: list[str] = []
        self.begin()

    def begin(self) -> None:
        """Begin with the next exchange."""
        self.count = 0
        self.request = ""
        self.left: list[str] = []
        self.down = False
        self.asked: list[str] = []

    async def start(self) -> int:
        """Listen; return the port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Listen no more."""
        assert self._server is not None
        self._server.close()
        for writer in self._open:
            writer.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while await self._answer(await read_message(reader, request=True), writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _answer(self, heard: Heard, writer: asyncio.StreamWriter) -> bool:
        if not self.left and self.down:
            return False
        if not self.left:
            self.faults.append(f"{self.request}: the origin was asked, {heard.line} {heard.headers}")
            writer.write(b"HTTP/1.1 409 Conflict\r\ncontent-length: 0\r\n\r\n")
            return True
        parts = self.left.pop(0).split(" | ")
        if self.asked:
            self.faults += differences(heard.headers, self.asked.pop(0).split(" | "), self.request + " (asked)")
        if parts[0].startswith("wait "):
            await self._wait(float(parts.pop(0).split()[1]))
        if parts[0] in ("down", "drop"):
            self.down = parts[0] == "down"
            return False
        self.count += 1
        raw, keep = self._wire(parts, heard.line.split(" ")[0])
        writer.write(raw)
        return keep

    async def _wait(self, seconds: float) -> None:
        for _ in range(int(seconds * 8)):
            self._told.advance(0.125)
            await asyncio.sleep(0.002)

    def _wire(self, parts: Sequence[str], method: str) -> tuple[bytes, bool]:
        body = b"answer %d" % self.count
        lines = [f"Date: {http_date(self._told.wall()).decode()}"]
        length, cut, status, before = None, None, parts[0], b""
        for part in parts[1:]:
            if part == "-Date" or part.startswith("Date: "):
                lines.pop(0)
            if part.startswith('"'):
                body = part.strip('"').encode()
            elif part.startswith("~cut"):
                cut = int(part[5:])
            elif part.startswith("~first "):
                code, _, field = part[7:].partition(" ")
                before += f"HTTP/1.1 {code} Soon\r\n{field}\r\n\r\n".encode("latin-1")
            elif part.startswith("Content-Length: "):
                length = part[16:]
            elif not part.startswith("-"):
                lines.append(part)
        bare = method == "HEAD" or status in ("204", "304")
        if not bare or length is not None:
            lines.append(f"Content-Length: {len(body) if length is None else length}")
        elif method == "HEAD":
            lines.append("Transfer-Encoding: chunked")
        head = "\r\n".join([f"HTTP/1.1 {status} Told", *lines]).encode("latin-1") + b"\r\n\r\n"
        return before + head + (b"" if bare else body[:cut]), cut is None


def differences(headers: Headers, wanted: Sequence[str], where: str) -> list[str]:
    """Return how headers differ from what a line says of them."""
    found: list[str] = []
    for part in wanted:
        name, _, value = part.removeprefix("-").partition(":")
        given = Heard("", headers, b"").joined(name)
        told = value.strip(" ").encode("latin-1")
        if part.startswith("-"):
            fine = given is None
        elif told.startswith(b"~"):
            fine = told[1:] in (given or b"")
        else:
            fine = given == told
        if not fine:
            found.append(f"{where}: wanted {part!r}, got {given!r}")
    return found


class Rig:
    """The gateway and its origin."""

    def __init__(self, app: App, port: int, origin: Origin, told: Told, origin_port: int) -> None:
        self.app = app
        self.port = port
        self.origin = origin
        self.told = told
        self.origin_port = origin_port

    async def ask(self, request: str) -> Heard:
        """Send a request on a connection of its own and return the answer."""
        line, *fields = request.split(" | ")
        method, path = line.split(" ")
        if not any(field.lower().startswith("host:") for field in fields):
            fields = [f"Host: 127.0.0.1:{self.port}", *fields]
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            text = "\r\n".join([f"{method} {path} HTTP/1.1", *fields, "Connection: close"])
            length = "" if method in ("GET", "HEAD") else "\r\nContent-Length: 0"
            writer.write((text + length + "\r\n\r\n").encode("latin-1"))
            async with asyncio.timeout(PATIENCE):
                return await read_message(reader, method=method)
        finally:
            writer.close()


@asynccontextmanager
async def rig(log_fd: int, cache: Mapping[str, Any], more: str = "") -> AsyncIterator[Rig]:
    """Run a gateway with one cached upstream at `/`, and its origin."""
    told = Told()
    origin = Origin(told)
    port = await origin.start()
    said = ", ".join(f"{key} = {_toml(value)}" for key, value in cache.items())
    text = (
        '[server]\nlisten = "127.0.0.1:0"\n[log]\nrate = "100000/s"\n'
        f'[upstreams.api]\nurl = "http://127.0.0.1:{port}"\nallow_private = true\nmount = "/"\n'
        f"cache = {'{ ' + said + ' }' if said else 'true'}\n{more}\n"
    )
    try:
        async with App(parse(text, {}).tree, clock=told.clock(), log_fd=log_fd) as app:
            yield Rig(app, int(app.addresses[0].rpartition(":")[2]), origin, told, port)
    finally:
        await origin.close()


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f'"{value}s"'
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return f'"{value}"'


async def play(rig: Rig, text: str) -> list[str]:
    """Play an exchange from an empty cache; return what came out otherwise than told."""
    origin, told = rig.origin, rig.told
    await rig.app.runtime.kept.purge("", None, None)
    told.begin()
    origin.begin()
    origin.faults = faults = []
    text = text.replace("gateway.example", f"127.0.0.1:{rig.port}")
    text = re.sub(r"(?i)origin\.example(:80)?", f"127.0.0.1:{rig.origin_port}", text)
    for step in steps(text.replace("X-Forwarded-Host: ", "Host: ")):  # the gateway tells that one itself
        origin.request, origin.left, origin.asked = step.request, list(step.answers), list(step.asked)
        origin.down = False
        faults += _compare(await rig.ask(step.request), step)
        for _ in range(100):  # what goes on behind the answer
            if not origin.left:
                break
            await asyncio.sleep(TURNS / 100)
        while rig.app.runtime.kept.totals().flights:
            await asyncio.sleep(0)
        if origin.left:
            faults.append(f"{step.request}: the origin was not asked")
        told.advance(step.after)
    return faults


def _compare(heard: Heard, step: Step) -> list[str]:
    wanted, *parts = step.expected.split(" | ")
    status = heard.line.split(" ")[1]
    where = step.request
    if wanted == "broken":
        return [f"{where}: the body is whole"] if heard.complete and status == "200" else []
    wanted = wanted.removeprefix("error ")
    found = [] if status == wanted else [f"{where}: wanted {wanted}, got {status} {heard.headers}"]
    for part in [part for part in parts if part.startswith('"')]:
        if heard.body != part.strip('"').encode():
            found.append(f"{where}: wanted {part}, got {heard.body!r} {heard.headers}")
    return found + differences(heard.headers, [part for part in parts if not part.startswith('"')], where)
