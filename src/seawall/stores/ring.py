"""The last messages, and those who listen; bounded both ways."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence

from seawall.contracts.state import Listening, Message

__all__ = ["KEPT", "LONGEST", "Ring", "check"]

KEPT = 1024  # messages
LONGEST = 8 << 10  # bytes of one
_BEHIND = 256  # messages a listener may be behind


def check(data: bytes) -> None:
    """Refuse what is no small message.

    Raises:
        ValueError: it is longer than 8 KiB or not one line.
    """
    if len(data) > LONGEST:
        raise ValueError(f"a message may be {LONGEST} bytes long, this one has {len(data)}")
    if b"\n" in data or b"\r" in data:
        raise ValueError("a message is one line of JSON")


class Ring:
    """Messages by id, in the order they came here.

    Args:
        wall: seconds since the epoch.
        replica: this process's name, so that no other makes the same id; `""` where there is no other.
        kept: messages.

    Attributes:
        lost: messages that listeners lost because they were too slow.
    """

    def __init__(self, wall: Callable[[], float], replica: str, kept: int = KEPT) -> None:
        self._wall = wall
        self._suffix = f"-{replica}" if replica else ""
        self._most = kept
        self._last = (0, 0)
        self._kept: OrderedDict[str, Message] = OrderedDict()
        self._listeners: set[_Listener] = set()
        self.lost = 0

    def make(self, channel: str, data: bytes) -> Message:
        """Return a new message with an id above all that were made here, already added."""
        now = max(int(self._wall() * 1000), self._last[0])
        self._last = (now, self._last[1] + 1 if now == self._last[0] else 0)
        message = Message(f"{now:013d}-{self._last[1]:06d}{self._suffix}", channel, data)
        self.add(message)
        return message

    def add(self, message: Message, *, news: bool = True) -> None:
        """Keep a message and give it to whoever listens, unless it is here already.

        What is no news is given to those only who asked for what came after another message, and it did.
        """
        if message.id in self._kept:
            return
        self._kept[message.id] = message
        if len(self._kept) > self._most:
            self._kept.popitem(last=False)
        for listener in self._listeners:
            if news or (listener.after is not None and message.id > listener.after):
                self.lost += listener.give(message)

    def listen(self, channels: Sequence[str], after: str | None) -> Listening:
        """Return messages from now on, before them those kept that came after the one with the id `after`."""
        listener = _Listener(frozenset(channels), after, self._listeners.discard)
        if after is not None:
            for message in self._since(after):
                listener.give(message)
        self._listeners.add(listener)
        return listener

    def _since(self, after: str) -> list[Message]:
        messages = list(self._kept.values())
        if after in self._kept:
            return messages[list(self._kept).index(after) + 1 :]
        # forgotten here, or made by a replica that has gone since: ids sort by time
        return [message for message in messages if message.id > after]


class _Listener:
    """One who listens: an async iterator with `aclose`."""

    def __init__(self, channels: frozenset[str], after: str | None, gone: Callable[["_Listener"], None]) -> None:
        self.after = after
        self._channels = channels
        self._gone = gone
        self._queue: deque[Message] = deque(maxlen=_BEHIND)
        self._waiter: asyncio.Future[None] | None = None
        self._closed = False

    def give(self, message: Message) -> bool:
        """Queue a message of one of its channels; whether the oldest had to go, since it is too slow."""
        if self._channels and message.channel not in self._channels:
            return False
        full = len(self._queue) == _BEHIND
        self._queue.append(message)
        self._wake()
        return full

    def __aiter__(self) -> "_Listener":
        return self

    async def __anext__(self) -> Message:
        while not self._queue:
            if self._closed:
                raise StopAsyncIteration
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._queue.popleft()

    async def aclose(self) -> None:
        """Listen no more."""
        self._closed = True
        self._queue.clear()
        self._gone(self)
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
