"""Security 6: upstream answers get the strictness requests get; what is doubtful breaks the call and the connection."""

import asyncio

import pytest

from seawall.contracts.call import Attempt, Call, Run
from seawall.contracts.errors import UpstreamBroken
from seawall.contracts.target import Target, Timeouts
from seawall.testing.exchange import End
from seawall.testing.faultserver import FaultServer
from seawall.wire import Wire

OK = b"HTTP/1.1 200 OK\r\n"
TE = OK + b"Transfer-Encoding: chunked\r\n\r\n"

BROKEN = {
    "length and coding": OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "coding and length": OK + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    "two lengths": OK + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "the same length twice": OK + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "a list of lengths": OK + b"Content-Length: 3, 3\r\n\r\nabc",
    "a signed length": OK + b"Content-Length: +3\r\n\r\nabc",
    "a negative length": OK + b"Content-Length: -3\r\n\r\nabc",
    "an empty length": OK + b"Content-Length:\r\n\r\nabc",
    "a length without end": OK + b"Content-Length: 99999999999999999999999\r\n\r\nabc",
    "another coding": OK + b"Transfer-Encoding: gzip\r\n\r\nabc",
    "a coding before chunked": OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    "a coding after chunked": OK + b"Transfer-Encoding: chunked, gzip\r\n\r\n1\r\na\r\n0\r\n\r\n",
    "nearly chunked": OK + b"Transfer-Encoding: xchunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    "chunked twice": OK + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    "chunked in HTTP/1.0": b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    "a chunk size in another notation": TE + b"0x1\r\na\r\n0\r\n\r\n",
    "a negative chunk": TE + b"-1\r\na\r\n0\r\n\r\n",
    "a chunk size that overflows": TE + b"FFFFFFFFFFFFFFFFF\r\na\r\n0\r\n\r\n",
    "a chunk longer than its size": TE + b"1\r\nab\r\n0\r\n\r\n",
    "a chunk that ends in a bare LF": TE + b"1\r\na\n0\r\n\r\n",
    "a chunk size that ends in a bare LF": TE + b"1\na\r\n0\r\n\r\n",
    "a line end in a chunk extension": TE + b"1;a\nb\r\na\r\n0\r\n\r\n",
    "a blank after a chunk size": TE + b"1 \r\na\r\n0\r\n\r\n",
    "a folded header": OK + b"X: a\r\n b\r\nContent-Length: 0\r\n\r\n",
    "bare LFs": b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
    "one bare LF": OK + b"X: a\nContent-Length: 0\r\n\r\n",
    "a bare LF at the end": OK + b"Content-Length: 0\r\n\n",
    "a bare CR": OK + b"X: a\rb\r\nContent-Length: 0\r\n\r\n",
    "NUL": OK + b"X: a\0b\r\nContent-Length: 0\r\n\r\n",
    "control bytes": OK + b"X: a\x01b\r\nContent-Length: 0\r\n\r\n",
    "a blank before the colon": OK + b"Content-Length : 0\r\n\r\n",
    "no colon": OK + b"Content-Length\r\n\r\n",
    "no name": OK + b": a\r\nContent-Length: 0\r\n\r\n",
    "HTTP/2.0": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/0.9": b"HTTP/0.9 200 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.2": b"HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n",
    "RTSP": b"RTSP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "lower case": b"http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "a line end before the answer": b"\r\n" + OK + b"Content-Length: 0\r\n\r\n",
    "status 000": b"HTTP/1.1 000 Zero\r\nContent-Length: 0\r\n\r\n",
    "status 999": b"HTTP/1.1 999 Many\r\nContent-Length: 0\r\n\r\n",
    "status of four digits": b"HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
    "status of two digits": b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
    "two blanks": b"HTTP/1.1  200 OK\r\nContent-Length: 0\r\n\r\n",
    "an upgrade nobody asked for": b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nhello",
    "101 without Upgrade": b"HTTP/1.1 101 Switching\r\n\r\nhello",
    "an interim answer with a length": b"HTTP/1.1 100 C\r\nContent-Length: 3\r\n\r\n" + TE + b"0\r\n\r\n",
    "an interim answer with a coding": b"HTTP/1.1 103 C\r\nTransfer-Encoding: chunked\r\n\r\n" + TE + b"0\r\n\r\n",
    "interim answers without end": b"HTTP/1.1 103 Early\r\n\r\n" * 17,
    "too large a header": OK + b"X: " + b"a" * 70000 + b"\r\nContent-Length: 0\r\n\r\n",
    "too large a head": OK + (b"X: " + b"a" * 1000 + b"\r\n") * 70 + b"Content-Length: 0\r\n\r\n",
    "a head that does not end": OK + b"X: " + b"a" * 200000,
    "too many headers": OK + b"X: 1\r\n" * 257 + b"Content-Length: 0\r\n\r\n",
    "trailers without end": TE + b"1\r\na\r\n0\r\nX: " + b"a" * 400000,
    "garbage": bytes(range(256)),
    "TLS": b"\x15\x03\x01\x00\x02\x02\x46",
    "nothing but half a line": b"HTTP/1.1 2",
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
async def test_a_doubtful_answer_breaks_the_call_and_its_connection(clock, wheel, name):
    """No part of it reaches the caller, and nothing is sent on that connection again."""
    async with FaultServer() as server:
        server.app = lambda _: (BROKEN[name], 0.02, End.FIN)
        target = Target("up", "up", "http", "127.0.0.1", server.port, allow_private=True)
        wire = Wire(clock, wheel, asyncio.get_running_loop())
        for used in (False, True):
            if used:  # the same on a connection that was good once
                broken, server.app = server.app, lambda exchange: exchange.answer
                call = Call(b"GET", b"/", [], target, Timeouts(), 1e12, Run(0.0))
                assert (await wire.send(Attempt(call, 1, [], 1e12))).status == 200
                server.app = broken
            call = Call(b"POST", b"/", [], target, Timeouts(first_byte=2.0, idle=2.0), 1e12, Run(0.0), b"x")
            with pytest.raises(UpstreamBroken) as caught:
                await wire.send(Attempt(call, 1, [], 1e12))
            assert caught.value.sent
            (stats,) = wire.stats()
            assert stats.open == 0
        await wire.close()


async def test_bytes_behind_an_answer_never_become_the_next_ones(clock, wheel):
    """Response splitting: the second call gets its own answer over a fresh connection."""
    evil = OK + b"Content-Length: 4\r\n\r\nevil"
    async with FaultServer() as server:
        target = Target("up", "up", "http", "127.0.0.1", server.port, allow_private=True)
        wire = Wire(clock, wheel, asyncio.get_running_loop())
        for extra in (evil, evil[:9], b"x", b"H"):
            server.app = lambda _, extra=extra: (OK + b"Content-Length: 4\r\n\r\ngood" + extra,)
            for _ in range(2):
                call = Call(b"GET", b"/", [], target, Timeouts(), 1e12, Run(0.0))
                reply = await wire.send(Attempt(call, 1, [], 1e12))
                assert reply.body == b"good"
                assert wire.stats()[0].open == 0
        await wire.close()
