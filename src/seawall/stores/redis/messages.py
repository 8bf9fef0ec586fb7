"""Messages over all replicas: a bounded stream that each of them reads, and the plain channel for everybody else.

A message has its id before Redis has seen it, so that listeners here get it at once, Redis or not, and none gets it a
second time when it comes back in the stream.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from seawall.contracts.state import Listening, Message, StateLost
from seawall.stores.redis.lane import Word
from seawall.stores.redis.link import Link
from seawall.stores.redis.script import Script
from seawall.stores.ring import KEPT, Ring, check

__all__ = ["STREAM", "RedisMessages"]

STREAM = "seawall:messages"
_OUTBOX = 256  # messages kept for a lost Redis; the oldest goes first

# ARGV: id, channel, data, messages kept, seconds they are kept.
_PUBLISH = Script(
    "publish",
    """
redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[4], '*', 'id', ARGV[1], 'channel', ARGV[2], 'data', ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('PUBLISH', ARGV[2], ARGV[3])
return 0
""",
)
_DAY = 86400


class RedisMessages:
    """A `Messages` on Redis.

    Args:
        link: to it.
        wall: seconds since the epoch, for ids.
    """

    def __init__(self, link: Link, wall: Callable[[], float]) -> None:
        self._link = link
        self._ring = Ring(wall, link.replica)
        self._outbox: deque[Message] = deque(maxlen=_OUTBOX)
        self._sending = asyncio.Lock()
        self.dropped = 0

    @property
    def lost(self) -> int:
        """How many messages listeners of this replica lost because they were too slow."""
        return self._ring.lost

    async def publish(self, channel: str, data: bytes) -> None:
        """Give a message to everybody who listens: here at once, elsewhere at once or as soon as Redis is back.

        Raises:
            ValueError: it is longer than 8 KiB or not one line.
        """
        check(data)
        message = self._ring.make(channel, data)
        self.dropped += len(self._outbox) == _OUTBOX
        self._outbox.append(message)
        await self.flush()

    def listen(self, channels: Sequence[str] = (), after: str | None = None) -> Listening:
        """Return messages as they come, of some channels or all; first those after the id `after` that are still kept.

        A listener that is too slow loses the oldest and goes on; close the iterator when done.
        """
        return self._ring.listen(channels, after)

    async def flush(self) -> None:
        """Send what waits for Redis, in order."""
        async with self._sending:
            while self._outbox and not self._link.lost:
                message = self._outbox[0]
                args: list[Word] = [message.id, message.channel, message.data, KEPT, _DAY]
                try:
                    await self._link.run(_PUBLISH, [STREAM], args)
                except StateLost:
                    return  # it may have been sent: whoever has it already, by its id, takes it for no other
                if self._outbox and self._outbox[0] is message:
                    self._outbox.popleft()

    def heard(self, fields: dict[bytes, bytes], old: bool) -> None:
        """Take an entry of the stream; one from before the start is kept for who asks for it, and is no news."""
        try:
            name, channel, data = fields[b"id"].decode(), fields[b"channel"].decode(), fields[b"data"]
        except (KeyError, UnicodeDecodeError):
            return  # not one of ours
        self._ring.add(Message(name, channel, data), news=not old)
