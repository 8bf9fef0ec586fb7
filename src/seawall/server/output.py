"""The way to a client: whole answers in one write, streams at the client's pace, a deadline while it takes nothing."""

import asyncio

from seawall.contracts.body import Source
from seawall.contracts.reply import Reply
from seawall.server.deadline import Deadline
from seawall.server.render import CHUNKED, UNTIL_CLOSE, head, whole
from seawall.server.state import State

__all__ = ["Output", "WrongLength"]


class WrongLength(Exception):
    """A reply's source gave fewer or more bytes than its declared length."""


class Output:
    """Writes the answers of one connection.

    Attributes:
        paused: the client lags behind; wait for `flushed` before writing more.
    """

    __slots__ = ("_deadline", "_drained", "_level", "_state", "_transport", "paused")

    def __init__(self, state: State, transport: asyncio.Transport) -> None:
        self._state = state
        self._transport = transport
        self._deadline = Deadline(state.wheel, self._stalled)
        self._drained: asyncio.Future[None] | None = None
        self._level = 0
        self.paused = False

    def send(self, reply: Reply, head_only: bool, http10: bool, close: bool) -> None:
        """Write an answer that is all here, or has no body on the wire.

        Raises:
            InvalidReply: nothing was written.
        """
        body = reply.body
        data = body if type(body) is bytes else b""
        block = whole(reply, data, head_only, http10, close, self._state.date)
        if not head_only and reply.status not in (204, 304):
            reply.sent = len(data)
            if len(data) > 65536:
                self._transport.writelines((block, data))
                reply.finished = True
                return
        self._transport.write(block)
        reply.finished = True

    async def stream(self, reply: Reply, source: Source, http10: bool, close: bool) -> bool:
        """Write an answer piece by piece as `source` gives it; return whether the connection must be closed behind it.

        Raises:
            InvalidReply: nothing was written.
            WrongLength: the connection must be aborted, as after any other exception from here.
        """
        block, length = head(reply, http10, close, self._state.date)
        write = self._transport.write
        read = source.read
        write(block)
        sent = 0
        while chunk := await read():
            sent += len(chunk)
            if length == CHUNKED:
                write(b"%x\r\n%b\r\n" % (len(chunk), chunk))
            else:
                if sent > length >= 0:
                    raise WrongLength("a reply's body is longer than its declared length")
                write(chunk)
            reply.sent = sent
            if self.paused:
                await self.flushed()
        if length == CHUNKED:
            write(b"0\r\n\r\n")
        elif sent < length:
            raise WrongLength("a reply's body is shorter than its declared length")
        reply.finished = True
        return length == UNTIL_CLOSE

    async def flushed(self) -> None:
        """Wait until the client has taken enough; the connection is aborted when it takes nothing for too long."""
        while self.paused:
            drained = self._drained = self._state.loop.create_future()
            await drained

    def pause(self) -> None:
        """The transport's buffer is full."""
        self.paused = True
        self._watch()

    def resume(self) -> None:
        """The transport's buffer is nearly empty again."""
        self.paused = False
        self._deadline.due = float("inf")
        self._wake()

    def close(self) -> None:
        """Close once what was written is sent, within the write deadline."""
        self._transport.close()
        if self._transport.get_write_buffer_size():
            self._watch()

    def lost(self) -> None:
        """The connection is gone."""
        self.paused = False
        self._deadline.forget()
        self._wake()

    def _watch(self) -> None:
        self._level = self._transport.get_write_buffer_size()
        self._deadline.set(self._state.now() + self._state.limits.write_timeout)

    def _stalled(self) -> None:
        if self._transport.get_write_buffer_size() < self._level:
            self._watch()  # slow, but it takes something
        else:
            self._transport.abort()

    def _wake(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)
