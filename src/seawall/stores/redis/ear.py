"""What other replicas wrote into streams, read as it comes and, after a break, from where it broke off."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import RedisError

from seawall.stores.redis.dial import ask, borrowed
from seawall.stores.redis.lane import Word
from seawall.stores.redis.link import Link

__all__ = ["Ear", "Fields"]

Fields = dict[bytes, bytes]

_BLOCK = 2.0  # seconds a read waits for something new
_COUNT = 256  # entries in one answer
_PAUSE = 0.1  # seconds before it tries again where its connection broke and the link did not


class Ear:
    """One connection that waits for entries of streams; `start` and `close` it.

    Args:
        link: to Redis.
        streams: who is told of each entry, by key of the stream.
        missed: told the key of a stream of which entries may have gone unread: it was cut shorter than a break was
            long, or is a new one after Redis has lost what it had.
        recall: entries that are read of each stream at the first start; what came before is not told.
        back: awaited each time it listens again, for what had to wait meanwhile.
    """

    def __init__(
        self,
        link: Link,
        streams: Mapping[str, Callable[[Fields], None]],
        missed: Callable[[str], None],
        recall: int,
        back: Sequence[Callable[[], Awaitable[None]]] = (),
    ) -> None:
        self._link = link
        self._streams = {key.encode(): heard for key, heard in streams.items()}
        self._missed = missed
        self._recall = recall
        self._back = back
        self._last: dict[bytes, bytes] = {}  # in the order of the streams, once they were caught up with
        self._up = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        link.watch(self._turned)

    async def start(self) -> None:
        """Begin to listen."""
        self._turned(not self._link.lost)
        self._task = asyncio.get_running_loop().create_task(self._listen(), name="state ear")

    async def close(self) -> None:
        """Listen no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def _turned(self, up: bool) -> None:
        if up:
            self._up.set()
        else:
            self._up.clear()

    async def _listen(self) -> None:
        while True:
            await self._up.wait()
            try:
                await self._read()
            except (RedisError, OSError):
                # the link finds out by itself whether Redis is lost; only this connection may have been closed
                await asyncio.sleep(_PAUSE)

    async def _read(self) -> None:
        pool, limit = self._link.pool, self._link.times.command
        block: Sequence[Word] = ("XREAD", "COUNT", _COUNT, "BLOCK", int(_BLOCK * 1000), "STREAMS", *self._streams)
        async with asyncio.timeout(limit) as dialling, borrowed(pool) as connection:
            for stream in self._streams:
                await self._catch_up(connection, stream)
            for again in self._back:
                await again()
            while self._up.is_set():
                dialling.reschedule(asyncio.get_running_loop().time() + _BLOCK + limit)
                for stream, entries in await ask(connection, *block, *self._last.values()) or ():
                    self._hear(stream, entries)

    async def _catch_up(self, connection: AbstractConnection, stream: bytes) -> None:
        """Find out where to go on, and whether something was missed."""
        newest = await ask(connection, "XREVRANGE", stream, "+", "-", "COUNT", 1)
        top = newest[0][0] if newest else b"0-0"
        last = self._last.get(stream)
        if last is None:
            recent = await ask(connection, "XREVRANGE", stream, "+", "-", "COUNT", self._recall)
            self._hear(stream, recent[::-1])
            self._last.setdefault(stream, b"0-0")
            return
        oldest = await ask(connection, "XRANGE", stream, "-", "+", "COUNT", 1)
        if _number(top) < _number(last):  # it is not the stream it was
            self._last[stream] = b"0-0"
            self._missed(stream.decode())
        elif oldest and _number(oldest[0][0]) > _number(last) > (0, 0):
            self._missed(stream.decode())

    def _hear(self, stream: bytes, entries: list[Any]) -> None:
        for number, pairs in entries:
            self._last[stream] = number
            self._streams[stream](dict(zip(pairs[::2], pairs[1::2], strict=True)))


def _number(entry: bytes) -> tuple[int, int]:
    time, _, count = entry.partition(b"-")
    return int(time), int(count)
