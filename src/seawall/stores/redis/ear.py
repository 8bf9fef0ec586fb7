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
Heard = Callable[[Fields, bool], None]

_BLOCK = 2.0  # seconds a read waits for something new
_COUNT = 256  # entries in one answer
_PAUSE = 0.1  # seconds before it tries again where its connection broke and the link did not


class Ear:
    """One connection that waits for entries of streams; `start` and `close` it.

    Args:
        link: to Redis.
        streams: who is told of each entry, by key of the stream, and whether it is from before the start.
        missed: told the key of a stream that was cut shorter than a break was long: entries went unread. (Where Redis
            lost what it had, the stream is read anew from its beginning.)
        kept: entries below which no stream is cut; so many of each are read at the first start.
        back: awaited each time it listens again, for what had to wait meanwhile.
    """

    def __init__(
        self,
        link: Link,
        streams: Mapping[str, Heard],
        missed: Callable[[str], None],
        kept: int,
        back: Sequence[Callable[[], Awaitable[None]]] = (),
    ) -> None:
        self._link = link
        self._streams = {key.encode(): heard for key, heard in streams.items()}
        self._missed = missed
        self._kept = kept
        self._back = back
        self._last: dict[bytes, bytes] = {}  # in the order of the streams, once they were caught up with
        self._up = asyncio.Event()
        self._tried = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        link.watch(self._turned)

    async def start(self) -> None:
        """Begin to listen; what is there already has been read on return, where Redis is there."""
        self._tried.clear()
        self._turned(not self._link.lost)
        self._task = asyncio.get_running_loop().create_task(self._listen(), name="state ear")
        if not self._link.lost:
            await self._tried.wait()

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
                self._tried.set()
                await asyncio.sleep(_PAUSE)

    async def _read(self) -> None:
        pool, limit = self._link.pool, self._link.times.command
        block: Sequence[Word] = ("XREAD", "COUNT", _COUNT, "BLOCK", int(_BLOCK * 1000), "STREAMS", *self._streams)
        async with asyncio.timeout(limit) as dialling, borrowed(pool) as connection:
            for stream in self._streams:
                await self._catch_up(connection, stream)
            self._tried.set()
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
            recent = await ask(connection, "XREVRANGE", stream, "+", "-", "COUNT", self._kept)
            self._hear(stream, recent[::-1], old=True)
            self._last.setdefault(stream, b"0-0")
            return
        oldest = await ask(connection, "XRANGE", stream, "-", "+", "COUNT", 1)
        if _number(top) < _number(last):  # not the stream it was, or nothing was written for so long that it is gone
            self._last[stream] = b"0-0"
            return
        beyond = oldest and _number(oldest[0][0]) > _number(last) > (0, 0)
        if beyond and await ask(connection, "XLEN", stream) >= self._kept:  # a shorter one was not cut, it is new
            self._missed(stream.decode())

    def _hear(self, stream: bytes, entries: list[Any], *, old: bool = False) -> None:
        for number, pairs in entries:
            self._last[stream] = number
            self._streams[stream](dict(zip(pairs[::2], pairs[1::2], strict=True)), old)


def _number(entry: bytes) -> tuple[int, int]:
    time, _, count = entry.partition(b"-")
    return int(time), int(count)
