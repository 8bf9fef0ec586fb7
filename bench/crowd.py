"""People who use a chat all day: bursts of chat completions over kept connections, plain and streamed, timed."""

import asyncio
import json
import math
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Door", "Said", "ask", "day"]

MEDIAN_S, SPREAD = 0.3, 0.5  # of the time a provider thinks, log-normal
PACE_S, PER_EVENT = 0.01, 2  # between the events of a stream, and how many tokens are in each
_TEXT = "How high is the sea wall of this town, and when is the next spring tide? "
_SYSTEM = "You are the assistant of a harbour office. Answer shortly and name your source. " * 4


@dataclass(frozen=True, slots=True)
class _Call:
    """One call of one user."""

    name: str
    user: str
    model: str
    streams: bool
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """What came of a call: its name, whether it streamed, seconds until the answer's last byte, and what was wrong."""

    name: str
    streams: bool
    seconds: float
    fault: str


def day(users: int, calls: int, parallel: int, streamed: float, seed: int) -> Iterator[list[_Call]]:
    """Give the calls of a day in bursts: every user as often as the others, in the same order in every run."""
    dice = random.Random(seed)
    turns = [f"user-{user:03}" for user in range(users) for _ in range(calls)]
    dice.shuffle(turns)
    made = [_call(dice, number, user, streamed) for number, user in enumerate(turns)]
    for first in range(0, len(made), parallel):
        yield made[first : first + parallel]


def _call(dice: random.Random, number: int, user: str, streamed: float) -> _Call:
    streams = dice.random() < streamed
    script = {
        "delay": round(math.exp(dice.gauss(math.log(MEDIAN_S), SPREAD)), 3),
        "output": dice.randint(20, 80),
        "pace": PACE_S if streams else 0,
        "lump": PER_EVENT,
    }
    text = f"[[{json.dumps(script)}]] {number} " + _TEXT * dice.randint(3, 12)
    said = [{"role": "system", "content": _SYSTEM}, {"role": "user", "content": text}]
    model = "smart" if dice.random() < 0.25 else "fast"
    return _Call(f"{number}", user, model, streams, {"messages": said, "stream": streams})


@dataclass(slots=True)
class Door:
    """Where the calls go, with the connections kept to it.

    Attributes:
        name: begins the id of every request.
        port: on loopback.
        models: what an alias is called there.
        key: of the caller.
    """

    name: str
    port: int
    models: Mapping[str, str]
    key: str = "none"
    _idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=list)

    async def ask(self, call: _Call) -> Said:
        """Make one call."""
        name = f"{self.name}-{call.name}"
        body = json.dumps({"model": self.models[call.model], **call.body}).encode()
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nAuthorization: Bearer {self.key}\r\n"
            f"X-Seawall-User: {call.user}\r\nX-Request-Id: {name}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        began = time.perf_counter()
        reader, writer = self._idle.pop() if self._idle else await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(head.encode() + body)
        try:
            status, answer = await asyncio.wait_for(_read(reader), 60)
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as exc:
            writer.transport.abort()
            return Said(name, call.streams, time.perf_counter() - began, f"{type(exc).__name__} {exc}")
        seconds = time.perf_counter() - began
        self._idle.append((reader, writer))
        return Said(name, call.streams, seconds, _fault(status, answer, streams=call.streams))

    def close(self) -> None:
        """Close the connections."""
        for _, writer in self._idle:
            writer.close()
        self._idle.clear()


async def ask(door: Door, burst: Sequence[_Call]) -> list[Said]:
    """Make the calls of a burst side by side."""
    return list(await asyncio.gather(*(door.ask(call) for call in burst)))


async def _read(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    status = int(head[9:12])
    if "transfer-encoding: chunked" not in head:
        length = head.partition("content-length:")[2].partition("\r\n")[0]
        return status, await reader.readexactly(int(length or 0))
    pieces = []
    while size := int(await reader.readuntil(b"\r\n"), 16):
        pieces.append((await reader.readexactly(size + 2))[:-2])
    await reader.readexactly(2)
    return status, b"".join(pieces)


def _fault(status: int, answer: bytes, *, streams: bool) -> str:
    """Return what is wrong with an answer, "" where nothing is."""
    if status != 200:
        return f"{status} {answer[:200]!r}"
    if streams:
        return "" if answer.rstrip().endswith(b"data: [DONE]") else f"a stream without an end: {answer[-100:]!r}"
    return "" if json.loads(answer).get("choices") else f"no choices: {answer[:200]!r}"
