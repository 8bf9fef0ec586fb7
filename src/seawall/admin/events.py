"""`/api/v1/events`: published messages as server-sent events, for as long as a client listens."""

import asyncio
import re
from collections.abc import Coroutine
from typing import Any
from urllib.parse import parse_qsl

from seawall.contracts.body import Headers
from seawall.contracts.problem import problem
from seawall.contracts.reply import Reply
from seawall.contracts.request import Request
from seawall.contracts.state import Listening, Message, Messages, StateLost
from seawall.observers.redact import Redactor

__all__ = ["BEAT", "MOST", "Streams"]

BEAT = 15.0  # seconds without a message until a comment tells that the connection still stands
MOST = 64  # listeners
_CHANNELS = 16  # named by one listener
_LONGEST = 64  # characters of a channel's name or an id
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*", re.ASCII)
_HELLO = b": seawall\nretry: 3000\n\n"
_BEAT = b":\n\n"
_HEADERS: Headers = [
    (b"content-type", b"text/event-stream"),
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-accel-buffering", b"no"),  # nginx in front would collect what must come at once
]


class Streams:
    """Answers requests for events; `end` ends every stream, `close` cleans up behind them.

    Args:
        messages: where they come from.
        redact: last step before a message leaves.
        most: listeners at a time.
    """

    def __init__(self, messages: Messages, redact: Redactor, most: int = MOST) -> None:
        self._messages = messages
        self._redact = redact
        self._most = most
        self._streams: set[_Stream] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._ended = False

    def __len__(self) -> int:
        return len(self._streams)

    def answer(self, request: Request) -> Reply:
        """Return the stream, 400 for parameters that make no sense, 503 where too many listen already."""
        channels = _channels(request.target.partition(b"?")[2])
        if channels is None:
            detail = f"`channel` is the name of a channel, {_CHANNELS} at most: ?channel=home.weather"
            return problem(400, "bad-request", "The request cannot be used", detail)
        if self._ended or len(self._streams) >= self._most:
            why = "The gateway is ending." if self._ended else f"{self._most} listen already, which is the most."
            return problem(503, "saturated", "Nobody more can listen now", why, retry_after=5.0)
        after = (request.header(b"last-event-id") or b"").decode("latin-1")
        listening = self._messages.listen(channels, after if 0 < len(after) <= _LONGEST else None)
        stream = _Stream(self, listening, self._redact)
        self._streams.add(stream)
        return Reply(200, list(_HEADERS), stream, streamed=True)

    def end(self) -> None:
        """End every stream, and let no new one begin."""
        self._ended = True
        for stream in self._streams:
            stream.end()

    async def close(self) -> None:
        """End every stream and wait until nothing of them is left."""
        self.end()
        for stream in tuple(self._streams):
            stream.close()
        while self._tasks:
            await asyncio.wait(self._tasks)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Start a task of a stream; it is awaited by `close`."""
        task = asyncio.get_running_loop().create_task(work, name="events")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def leave(self, stream: "_Stream") -> bool:
        """Take a closed stream out; whether it was in."""
        known = stream in self._streams
        self._streams.discard(stream)
        return known


class _Stream:
    """The `Source` of one listener."""

    def __init__(self, owner: Streams, listening: Listening, redact: Redactor) -> None:
        self._owner = owner
        self._listening = listening
        self._redact = redact
        self._over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pending: asyncio.Task[Message | None] | None = None
        self._greeted = False

    async def read(self) -> bytes:
        """Return the next event, a comment where there was none for a while, `b""` when it is over."""
        if not self._greeted:
            self._greeted = True
            return _HELLO
        if self._over.done():
            return b""
        if self._pending is None:
            self._pending = self._owner.spawn(self._next())
        # an iterator that is cancelled may be over, so the same question stays open from one comment to the next
        waiting: set[asyncio.Future[Any]] = {self._pending, self._over}
        done, _ = await asyncio.wait(waiting, timeout=BEAT, return_when=asyncio.FIRST_COMPLETED)
        if self._pending not in done:
            return b"" if done else _BEAT
        one, self._pending = self._pending.result(), None
        if one is None:
            self.end()
            return b""
        return b"id: %b\ndata: %b\n\n" % (one.id.encode("ascii"), self._redact.line(one.data))

    async def _next(self) -> Message | None:
        try:
            return await anext(self._listening, None)
        except StateLost:  # the client comes back and names the last it has seen
            return None

    def end(self) -> None:
        """Let the next read be the last."""
        if not self._over.done():
            self._over.set_result(None)

    def close(self) -> None:
        """Listen no more."""
        if self._owner.leave(self):
            self.end()
            self._owner.spawn(self._leave())

    async def _leave(self) -> None:
        if self._pending is not None:
            self._pending.cancel()
            await asyncio.wait({self._pending})
        await self._listening.aclose()

    def limit(self, at: float) -> None:
        """Nothing to do: a listener has no deadline."""


def _channels(query: bytes) -> tuple[str, ...] | None:
    """Return the channels a query names, none for all; None where it makes no sense."""
    try:
        pairs = parse_qsl(query.decode("ascii"), keep_blank_values=True, max_num_fields=_CHANNELS)
    except ValueError:
        return None
    if any(key != "channel" or len(name) > _LONGEST or not _NAME.fullmatch(name) for key, name in pairs):
        return None
    return tuple(name for _, name in pairs)
