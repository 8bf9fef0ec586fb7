"""Server-sent events (WHATWG HTML section 9.2), cut from a stream of bytes however it was split."""

from typing import NamedTuple

__all__ = ["MOST_HELD", "Cutter", "Event", "events"]

MOST_HELD = 1024 * 1024


class Event(NamedTuple):
    """One event: its type, `b""` where it has none, and its data lines joined."""

    kind: bytes
    data: bytes


class Cutter:
    """Cuts a stream after each whole event, and holds what has only begun.

    Attributes:
        overlong: one event is longer than may be held; its beginning was handed out, and what follows comes as it is
            until the event ends.
    """

    __slots__ = ("_held", "_last", "_size", "overlong")

    def __init__(self) -> None:
        self._held: list[bytes] = []
        self._size = 0
        self._last = b""
        self.overlong = False

    def feed(self, chunk: bytes) -> bytes:
        """Take a piece; return every event that is whole now, `b""` where none is."""
        if not self._held and chunk.endswith(b"\n\n"):
            self.overlong = False
            self._last = b""
            return chunk
        probe = self._last + chunk
        end = _end(probe) - len(self._last)
        if end <= 0:
            return self._hold(chunk)
        whole = b"".join((*self._held, chunk[:end]))
        self._clear()
        self.overlong = False
        if end < len(chunk):
            self._hold(chunk[end:])
        return whole

    def held(self) -> bytes:
        """Return what is held, and go on holding it."""
        return b"".join(self._held)

    def rest(self) -> bytes:
        """Return what is held, at the end of the stream."""
        rest = b"".join(self._held)
        self._clear()
        return rest

    def _hold(self, piece: bytes) -> bytes:
        self._held.append(piece)
        self._size += len(piece)
        self._last = (self._last + piece)[-3:]
        if self._size <= MOST_HELD and not self.overlong:
            return b""
        self.overlong = True
        last = self._last
        handed = self.rest()
        self._last = last
        return handed

    def _clear(self) -> None:
        self._held.clear()
        self._size = 0
        self._last = b""


def _end(data: bytes) -> int:
    """Return where the last whole event in `data` ends, 0 where none does."""
    found = data.rfind(b"\n\n") + 2
    found = found if found > 1 else 0
    if b"\r" in data:
        for mark in (b"\r\n\r\n", b"\r\r", b"\n\r\n", b"\n\r\r"):
            at = data.rfind(mark)
            if at >= 0:
                found = max(found, at + len(mark))
    return found


def events(region: bytes) -> list[Event]:
    """Return the events of a region that a `Cutter` cut; comments, ids and retry times are passed over."""
    if b"\r" in region:
        region = region.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    found = []
    for block in region.removeprefix(b"\xef\xbb\xbf").split(b"\n\n"):
        if block:
            event = _event(block)
            if event is not None:
                found.append(event)
    return found


def _event(block: bytes) -> Event | None:
    kind = b""
    data: list[bytes] = []
    for line in block.split(b"\n"):
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            data.append(value)
        elif name == b"event":
            kind = value
    return Event(kind, b"\n".join(data)) if data else None
