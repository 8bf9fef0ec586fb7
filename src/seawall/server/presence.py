"""Whether a client is still there while nothing is read from it."""

import select
import sys
from asyncio import Transport

from seawall.contracts.wheel import Entry, Wheel

__all__ = ["Presence"]

_EVERY = 0.5  # semantics 1.4: a call whose client left is aborted within one second


class Presence:
    """Looks twice a second for a client that left behind unread bytes; aborts its connection.

    A transport that is paused never tells of an end of file. Linux's poll does, also behind unread data; elsewhere
    nothing is looked for and the departure is noticed when reading goes on.
    """

    __slots__ = ("_entry", "_transport", "_wheel")

    def __init__(self, wheel: Wheel, transport: Transport) -> None:
        self._wheel = wheel
        self._transport = transport
        self._entry: Entry | None = None

    def start(self) -> None:
        """Begin to look; reading has been paused."""
        if self._entry is None and sys.platform == "linux":
            self._entry = self._wheel.add(self._wheel.now() + _EVERY, self._look)

    def stop(self) -> None:
        """Look no more; reading goes on or the connection is gone."""
        if self._entry is not None:
            self._entry.cancel()
            self._entry = None

    def _look(self) -> None:
        self._entry = None
        connection = self._transport.get_extra_info("socket")
        if connection is None or connection.fileno() < 0:
            return
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLRDHUP)
        if poll.poll(0):
            self._transport.abort()
        else:
            self.start()
