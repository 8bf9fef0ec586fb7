"""Small messages in this process's memory: a ring of the latest, and whoever listens."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from seawall.contracts.state import Message

__all__ = ["KEPT", "LARGEST", "MemoryMessages"]

KEPT = 256  # messages a client that comes back, or lags behind, can still be given: with the largest, 2 MiB for all
LARGEST = 8192  # bytes of a message
_PLACES = 6  # digits of an id's second part
_LONGEST = 32  # characters of its third, a replica's name


class MemoryMessages:
    """`Messages` in memory.

    Args:
        wall: seconds since the epoch.
        kept: how many are kept for those who come back or lag behind.
        replica: makes ids that no other replica makes; `""` where there is none.

    Attributes:
        published: how many there were.
        lost: how many of them listeners lost because they were too slow.
    """

    def __init__(self, wall: Callable[[], float], kept: int = KEPT, replica: str = "") -> None:
        self._wall = wall
        self._ring: deque[Message] = deque(maxlen=kept)
        self._known: set[str] = set()  # ids of those in the ring
        self._end = f"-{replica}" if replica else ""
        self._last = (0, 0)
        self._listeners: set[_Listener] = set()
        self.published = 0
        self.lost = 0

    async def publish(self, channel: str, data: bytes) -> None:
        """Give a message to everybody who listens.

        Raises:
            ValueError: it is longer than 8 KiB or not one line.
        """
        self.make(channel, data)

    def make(self, channel: str, data: bytes) -> Message:
        """Return a new message, which everybody who listens has been given.

        Raises:
            ValueError: it is longer than 8 KiB or not one line.
        """
        if len(data) > LARGEST or b"\n" in data or b"\r" in data:
            raise ValueError(f"a message must be one line of at most {LARGEST} bytes")
        one = Message(self._id(), channel, data)
        self.add(one)
        return one

    def add(self, one: Message, *, news: bool = True) -> None:
        """Keep a message and give it to whoever listens, unless it is here already.

        What is no news is given to those only who asked for what came after another message, and it did.
        """
        if one.id in self._known:
            return
        if len(self._ring) == self._ring.maxlen:
            self._known.discard(self._ring[0].id)
        self._ring.append(one)
        self._known.add(one.id)
        self.published += news
        for listener in self._listeners:
            if news or (listener.after is not None and one.id > listener.after):
                self.lost += listener.put(one)

    def listen(self, channels: Sequence[str] = (), after: str | None = None) -> "_Listener":
        """Return messages as they come, of some channels or all; first those after the id `after` that are still kept.

        An id that none of ours can be is as none. Close the iterator when done.
        """
        after = after if after is not None and _is_id(after) else None
        listener = _Listener(frozenset(channels), after, self._ring.maxlen, self._listeners.discard)
        if after is not None:
            for one in self._since(after):
                listener.put(one)
        self._listeners.add(listener)
        return listener

    def _since(self, after: str) -> list[Message]:
        """Return what came here after a message; of one that is not here any more, what is later by its id."""
        messages = list(self._ring)
        if after in self._known:
            return messages[[one.id for one in messages].index(after) + 1 :]
        return [one for one in messages if one.id > after]

    def _id(self) -> str:
        """Return milliseconds and a number, as text that sorts; also where the clock is set back."""
        moment = max((int(self._wall() * 1000), 0), (self._last[0], self._last[1] + 1))
        self._last = moment
        return f"{moment[0]:013d}-{moment[1]:0{_PLACES}d}{self._end}"


class _Listener:
    """An async iterator over messages; it is there from the moment it is made, so that none is missed."""

    def __init__(
        self, channels: frozenset[str], after: str | None, most: int | None, leave: Callable[["_Listener"], None]
    ) -> None:
        self.after = after
        self._channels = channels
        self._leave = leave
        self._queue: deque[Message] = deque(maxlen=most)
        self._woken = asyncio.Event()
        self._closed = False

    def put(self, one: Message) -> bool:
        """Queue a message; return whether the oldest had to go for it."""
        if self._channels and one.channel not in self._channels:
            return False
        full = len(self._queue) == self._queue.maxlen
        self._queue.append(one)
        self._woken.set()
        return full

    def __aiter__(self) -> "_Listener":
        return self

    async def __anext__(self) -> Message:
        while not self._queue:
            if self._closed:
                raise StopAsyncIteration
            self._woken.clear()
            await self._woken.wait()
        return self._queue.popleft()

    async def aclose(self) -> None:
        """Listen no more."""
        self._closed = True
        self._woken.set()
        self._queue.clear()
        self._leave(self)


def _is_id(text: str) -> bool:
    """Whether it is a moment, a number, and perhaps the name of a replica."""
    moment, _, rest = text.partition("-")
    number, dash, replica = rest.partition("-")
    named = not dash or (0 < len(replica) <= _LONGEST and replica.isalnum())
    digits = moment.isdigit() and number.isdigit() and text.isascii()
    return digits and (len(moment), len(number)) == (13, _PLACES) and named
