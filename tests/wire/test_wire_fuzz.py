"""Bytes no upstream should send: only our errors come of them, and how they are cut changes nothing."""

import asyncio
import random
import time
from itertools import pairwise
from pathlib import Path

import pytest
from wire_kit import TIMES

from seawall.contracts.clock import Clock
from seawall.contracts.errors import UpstreamBroken
from seawall.contracts.wheel import Wheel
from seawall.wire.connection import Connection
from seawall.wire.plain import PlainAnswers

CORPUS = Path(__file__).parent / "corpus"
SEEDS = [path.read_bytes() for path in sorted(CORPUS.glob("*.http"))]
TOKENS = [
    b"\r\n", b"\n", b"\r", b"\0", b" ", b":", b"\t", b"-1", b"\x80\xff", b"chunked", b"gzip, ", b"FFFFFFFFFFFFFFFF",
    b"0\r\n\r\n", b"1\r\na\r\n", b";ext=1", b"100", b"101", b"204", b"304", b"999", b"HTTP/1.0", b"HTTP/2.0",
    b"HTTP/1.1 200 OK\r\n", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Connection: close\r\n",
    b"Connection: upgrade\r\nUpgrade: x\r\n", b"Content-Type: text/event-stream\r\n",
    b"Keep-Alive: timeout=99999999999999\r\n",
]  # fmt: skip


class Hub:
    """Stands for the pool and the transport."""

    def __init__(self):
        self.idle = self.gone = False

    def put(self, connection):
        self.idle = True

    def forget(self, connection):
        self.idle = False

    def abort(self):
        self.gone = True

    def get_write_buffer_size(self):
        return 0

    def pause_reading(self):
        pass

    resume_reading = pause_reading


def drain(source):
    """Return what a source gives without waiting, and how it ends."""
    got = b""
    while True:
        reading = source.read()
        try:
            reading.send(None)
        except StopIteration as stop:
            if not stop.value:
                return got, "end"
            got += stop.value
        except UpstreamBroken as error:
            return got, f"broken {error.answered}"
        else:
            reading.close()
            return got, "waits"


def outcome(loop, data, cuts, is_head):
    """Feed `data`, cut at these places, then the end of stream; return what the caller would see of it."""
    hub = Hub()
    connection = Connection(hub, loop, Wheel(Clock(lambda: 0.0), loop), 30.0, PlainAnswers(65536, 256))
    connection.connection_made(hub)
    waiter = connection.begin(is_head, TIMES)
    connection.written()
    edges = [0, *cuts, len(data)]
    for start, end in pairwise(edges):
        if end > start and not hub.gone:
            connection.data_received(data[start:end])
    if hub.idle:
        assert waiter.done()
        assert connection.clean or is_head
        connection.begin(False, TIMES)  # the next call meets a connection as good as new
        assert not connection.parser.should_upgrade()
        connection.abort()
    elif not hub.gone:
        connection.eof_received()
    connection.connection_lost(None)
    assert waiter.done()
    assert not connection.busy
    reply = waiter.result()
    if reply is None:
        assert isinstance(connection.error, UpstreamBroken)
        return "broken", connection.error.answered
    assert 200 <= reply.status <= 599
    for name, value in reply.headers:
        assert name == name.lower()
        assert name not in (b"content-length", b"transfer-encoding", b"connection", b"keep-alive", b"upgrade")
        assert not set(b"\r\n\0") & set(name + value)
    seen = (reply.body, "end") if isinstance(reply.body, bytes) else drain(reply.body)
    assert seen[1] != "waits"
    return reply.status, reply.headers, seen, reply.length, reply.streamed


def mutate(rng, seeds):
    """Return a seed after a few accidents."""
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.choice((0, 1, 1, 2, 3, 6))):
        at = rng.randrange(len(data) + 1)
        match rng.randrange(7):
            case 0:
                data[at:at] = rng.choice(TOKENS)
            case 1:
                del data[at : at + rng.randrange(1, 9)]
            case 2 if data:
                data[min(at, len(data) - 1)] = rng.randrange(256)
            case 3:
                other = rng.choice(seeds)
                data[at:] = other[rng.randrange(len(other)) :]
            case 4:
                del data[at:]
            case 5:
                data[at:at] = data[max(0, at - 20) : at]
            case _:
                data[at : at + 4] = rng.choice(TOKENS)
    return bytes(data[:4096])


def fuzz(seed, until):
    """Compare cuttings of mutated answers until told; return how many were tried."""
    rng = random.Random(seed)
    loop = asyncio.new_event_loop()
    loop.call_later = lambda *_: None  # a wheel over a frozen clock: nothing ever fires
    tried = 0
    try:
        while until(tried):
            data = mutate(rng, SEEDS)
            is_head = rng.random() < 0.1
            whole = outcome(loop, data, [], is_head)
            for cuts in (
                sorted(rng.randrange(len(data) + 1) for _ in range(rng.randrange(1, 6))),
                range(1, len(data)) if len(data) < 400 else [1, len(data) - 1],
            ):
                assert outcome(loop, data, list(cuts), is_head) == whole, (data, list(cuts), is_head)
            tried += 1
    finally:
        loop.close()
    return tried


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*.http")), ids=lambda path: path.stem)
def test_every_answer_of_the_corpus_means_the_same_however_it_is_cut(path):
    """At every single place, and byte by byte."""
    loop = asyncio.new_event_loop()
    loop.call_later = lambda *_: None
    data = path.read_bytes()
    for is_head in (False, True):
        whole = outcome(loop, data, [], is_head)
        for at in range(len(data)):
            assert outcome(loop, data, [at], is_head) == whole
        assert outcome(loop, data, list(range(1, len(data))), is_head) == whole
    loop.close()


def test_mutated_answers_raise_only_our_errors_and_mean_the_same_however_they_are_cut():
    """A seeded run, the same every time."""
    assert fuzz(20260101, lambda tried: tried < 1500) == 1500


def test_the_corpus_stays_small():
    """Answers, not archives."""
    assert len(SEEDS) > 20
    assert sum(map(len, SEEDS)) < 200_000


@pytest.mark.verify
def test_a_minute_of_mutated_answers(capsys: pytest.CaptureFixture[str]):
    """Another seed every time, printed at once, since a hang must be repeated too; a failure prints the bytes."""
    seed = time.time_ns()
    end = time.monotonic() + 60
    with capsys.disabled():
        print(f"\nseed of the answers: {seed}", flush=True)  # noqa: T201 - what is captured is lost with a hang
    assert fuzz(seed, lambda _: time.monotonic() < end) > 1000
