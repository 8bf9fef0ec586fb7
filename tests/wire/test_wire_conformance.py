"""Upstream behaviours over real sockets, met by the wire and by aiohttp's client: the same but for named reasons."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import pytest
from wire_kit import make_attempt, make_target, read_all

from seawall.contracts.errors import CallError, ConnectError, UpstreamBroken, UpstreamTimeout
from seawall.contracts.reply import Reply
from seawall.contracts.target import Timeouts
from seawall.testing import ScriptedSource
from seawall.testing.exchange import End
from seawall.testing.faults import SETTLE
from seawall.testing.faultserver import FaultServer
from seawall.wire import Wire

OK = b"HTTP/1.1 200 OK\r\n"
TE = OK + b"Transfer-Encoding: chunked\r\n\r\n"
BIG = bytes(range(256)) * 1024
TIMES = Timeouts(total=5.0, attempt=5.0, connect=2.0, first_byte=0.15, idle=0.15, stream=5.0)


class Aiohttp:
    """The same `send(attempt)` over aiohttp's client."""

    def __init__(self):
        timeout = aiohttp.ClientTimeout(sock_connect=TIMES.connect, sock_read=TIMES.idle)
        self.session = aiohttp.ClientSession(
            timeout=timeout, auto_decompress=False, trust_env=False, connector=aiohttp.TCPConnector(limit=0)
        )

    async def send(self, attempt):
        call = attempt.call
        target = call.target
        body = call.body
        try:
            answer = await self.session.request(
                call.method.decode(),
                f"{target.scheme}://{target.authority.decode()}{call.path.decode()}",
                headers=[(name.decode(), value.decode()) for name, value in call.headers],
                data=self.stream(body) if not isinstance(body, bytes) else body or None,
                allow_redirects=False,
            )
            content = await answer.read()
        except aiohttp.ClientConnectorError as error:
            raise ConnectError from error
        except TimeoutError as error:
            raise UpstreamTimeout("any") from error
        except aiohttp.ClientError as error:
            raise UpstreamBroken from error
        return Reply(answer.status, [(n.lower(), v) for n, v in answer.raw_headers], content)

    async def stream(self, source):
        while chunk := await source.read():
            yield chunk

    async def close(self):
        await self.session.close()


@dataclass
class Case:
    """One behaviour: what the upstream does, what the caller sees, and where aiohttp sees something else."""

    program: object
    sees: object
    aiohttp: object = None
    why: str = ""
    method: bytes = b"GET"
    body: object = b""
    length: int | None = 0
    connections: int = 1
    early: bool = False


def whole(extra=b"", body=b"hello"):
    """Return an answer with a length."""
    return [OK + extra + b"Content-Length: %d\r\n\r\n" % len(body) + body]


def source(*chunks):
    """Return a maker of sources."""
    return lambda: ScriptedSource(chunks)


CASES = {
    "a length": Case(whole(), (200, b"hello")),
    "no body": Case(whole(body=b""), (200, b"")),
    "head and body apart": Case([OK + b"Content-Length: 5\r\n\r\n", SETTLE, b"hello"], (200, b"hello")),
    "byte by byte": Case([bytes((byte,)) for byte in whole()[0]], (200, b"hello")),
    "a quarter of a megabyte": Case(whole(body=BIG), (200, BIG)),
    "chunks": Case([TE, b"2\r\nhe\r\n", b"3\r\nllo\r\n", b"0\r\n\r\n"], (200, b"hello")),
    "chunks with extensions and trailers": Case([TE, b"2;a=b\r\nhe\r\n0\r\nX-T: 1\r\n\r\n"], (200, b"he")),
    "large chunks": Case([TE, b"%x\r\n" % len(BIG), BIG, b"\r\n0\r\n\r\n"], (200, BIG)),
    "until close": Case([OK + b"\r\n", b"hello", End.FIN], (200, b"hello"), connections=2),
    "HTTP/1.0": Case([b"HTTP/1.0 200 OK\r\n\r\nhello", End.FIN], (200, b"hello"), connections=2),
    "HTTP/1.0 kept alive": Case(
        [b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello"], (200, b"hello")
    ),
    "Connection: close": Case([*whole(b"Connection: close\r\n"), End.FIN], (200, b"hello"), connections=2),
    "204": Case([b"HTTP/1.1 204 No Content\r\n\r\n"], (204, b"")),
    "304": Case([b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"], (304, b"")),
    "HEAD": Case([OK + b"Content-Length: 5\r\n\r\n"], (200, b""), method=b"HEAD"),
    "HEAD with chunks": Case([TE], (200, b""), method=b"HEAD"),
    "a redirect": Case([b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"], (302, b"")),
    "500": Case([b"HTTP/1.1 500 Oops\r\nContent-Length: 4\r\n\r\noops"], (500, b"oops")),
    "100 and 103 first": Case(
        [b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n", *whole()], (200, b"hello")
    ),
    "gzip is not decoded": Case(whole(b"Content-Encoding: gzip\r\n", b"\x1f\x8bnonsense"), (200, b"\x1f\x8bnonsense")),
    "a POST": Case(whole(), (200, b"hello"), method=b"POST", body=b"x" * 1000),
    "a large POST": Case(whole(), (200, b"hello"), method=b"POST", body=BIG),
    "a chunked POST": Case(whole(), (200, b"hello"), method=b"POST", body=source(b"ab", BIG), length=None),
    "an early answer": Case(
        [b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig"],
        (413, b"big"), method=b"POST", body=lambda: ScriptedSource([b"a"], hang=True), length=None,
        connections=2, early=True,
    ),
    "a short body": Case([OK + b"Content-Length: 9\r\n\r\nhello", End.FIN], UpstreamBroken, connections=2),
    "chunks that stop": Case([TE, b"5\r\nhe", End.FIN], UpstreamBroken, connections=2),
    "reset before the answer": Case([End.RESET], UpstreamBroken, connections=2, method=b"POST"),
    "closed before the answer": Case([End.FIN], UpstreamBroken, connections=2, method=b"POST"),
    "reset in the body": Case([OK + b"Content-Length: 9\r\n\r\nhe", SETTLE, End.RESET], UpstreamBroken, connections=2),
    "silence": Case([End.HANG], UpstreamTimeout, connections=2),
    "silence in the head": Case([b"HTTP/1.1 200 OK\r\nX", End.HANG], UpstreamTimeout, connections=2),
    "silence in the body": Case([OK + b"Content-Length: 9\r\n\r\nhe", End.HANG], UpstreamTimeout, connections=2),
    "garbage": Case([b"SSH-2.0-OpenSSH\r\n", End.FIN], UpstreamBroken, connections=2),
    "a length and chunks": Case([OK + b"Content-Length: 5\r\n" + TE[17:], b"0\r\n\r\n"], UpstreamBroken, connections=2),
    "two lengths": Case([OK + b"Content-Length: 5\r\n", *whole()[0].split(OK)[1:]], UpstreamBroken, connections=2),
    "a bare LF": Case([b"HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"], UpstreamBroken, (200, b"hello"),
                      "aiohttp parses answers leniently", connections=2),
    "a folded header": Case(whole(b"X: a\r\n b\r\n"), UpstreamBroken, (200, b"hello"),
                            "aiohttp parses answers leniently", connections=2),
    "101 unasked": Case([b"HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", End.FIN], UpstreamBroken,
                        (101, b""), "aiohttp hands the connection to whoever wants it", connections=2),
    "gzip before chunked": Case([OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"], UpstreamBroken,
                                (200, b"a"), "aiohttp passes the coding on undecoded", connections=2),
    "a status of 999": Case([b"HTTP/1.1 999 Many\r\nContent-Length: 0\r\n\r\n"], UpstreamBroken, (999, b""),
                            "aiohttp takes any three digits", connections=2),
}  # fmt: skip


@asynccontextmanager
async def client(name, clock, wheel):
    """Give one of the two."""
    it = Aiohttp() if name == "aiohttp" else Wire(clock, wheel, asyncio.get_running_loop())
    try:
        yield it
    finally:
        await it.close()


async def observe(it, target, case):
    """Make the call and return what the caller sees."""
    body = case.body() if callable(case.body) else case.body
    attempt = make_attempt(target, case.method, body=body, length=case.length, timeouts=TIMES)
    try:
        reply = await it.send(attempt)
        return reply.status, await read_all(reply)
    except CallError as error:
        return type(error)


@pytest.mark.parametrize("name", ["wire", "aiohttp"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
async def test_a_caller_sees_the_same_of_every_upstream(clock, wheel, case, name):
    """Twice in a row: what the first call leaves behind must not reach the second."""
    sees = case.sees if name == "wire" or case.aiohttp is None else case.aiohttp
    server = FaultServer()
    server.app = lambda _: case.program
    server.early = case.early
    async with server, client(name, clock, wheel) as it:
        target = make_target(server.port)
        for _ in range(2):
            assert await observe(it, target, case) == sees
        if name == "wire":
            assert server.counts.connections == case.connections
            (stats,) = it.stats()
            assert (stats.open - stats.idle, stats.connecting) == (0, 0)


@pytest.mark.parametrize("name", ["wire", "aiohttp"])
async def test_nobody_there_is_told_apart_from_a_broken_answer(clock, wheel, name):
    """Nothing was sent."""
    async with FaultServer() as server:
        target = make_target(server.port)
    async with client(name, clock, wheel) as it:
        assert await observe(it, target, CASES["a length"]) is ConnectError


def test_every_difference_has_a_reason():
    """Ours is the stricter side in each."""
    for name, case in CASES.items():
        assert (case.aiohttp is None) == (not case.why), name
        assert case.aiohttp is None or case.sees is UpstreamBroken, name
