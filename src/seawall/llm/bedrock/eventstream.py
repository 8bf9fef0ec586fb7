"""Event-stream messages out of a body in any pieces (smithy.io, "Amazon Event Stream Specification"); pure."""

from typing import NamedTuple
from zlib import crc32

__all__ = ["Event", "EventStream"]

MAX_HEADERS = 128 << 10  # the specification's own bound
MAX_MESSAGE = 4 << 20  # of ours: an event of a model is a few hundred bytes, one with a picture a few hundred KiB
_PRELUDE = 12
_AROUND = 16  # prelude and the message's checksum
_FIXED = {2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}  # types of values we skip, and their lengths
_STRING = 7


class _BrokenError(Exception):
    """What came is no event stream."""


class Event(NamedTuple):
    """One message.

    Attributes:
        kind: `event`, `exception` or `error`, from `:message-type`.
        name: `:event-type`, `:exception-type` or `:error-code`.
        payload: its bytes; for an `error` the text of `:error-message`.
    """

    kind: str
    name: str
    payload: bytes


class EventStream:
    """Collects pieces and gives out whole messages. Holds at most one message, within bounds.

    Args:
        most: bytes of one message.

    Attributes:
        fault: why nothing more can be read, `""` while all is well: a checksum that does not match, a length out of
            bounds, a header of no known type. Messages before the fault were given out.
    """

    __slots__ = ("_buffer", "_most", "_need", "fault")

    def __init__(self, most: int = MAX_MESSAGE) -> None:
        self.fault = ""
        self._buffer = bytearray()
        self._most = most
        self._need = _PRELUDE

    @property
    def open(self) -> bool:
        """Whether a message has begun and not ended."""
        return bool(self._buffer)

    def feed(self, piece: bytes) -> list[Event]:
        """Return the messages that this piece completes; none once there is a fault."""
        if self.fault:
            return []
        buffer = self._buffer
        buffer += piece
        if len(buffer) < self._need:
            return []
        events: list[Event] = []
        try:
            del buffer[: self._read(events)]
        except _BrokenError as error:
            self.fault = str(error)
            buffer.clear()
        return events

    def _read(self, events: list[Event]) -> int:
        """Put the whole messages in `events`; return how many bytes they are."""
        buffer = self._buffer
        self._need = _PRELUDE
        start = 0
        while (left := len(buffer) - start) >= _PRELUDE:
            total, headers = self._prelude(bytes(buffer[start : start + _PRELUDE]))
            if left < total:
                self._need = total
                break
            events.append(_message(bytes(buffer[start : start + total]), headers))
            start += total
        return start

    def _prelude(self, prelude: bytes) -> tuple[int, int]:
        """Return the lengths of the whole message and of its headers."""
        if crc32(prelude[:8]) != int.from_bytes(prelude[8:]):
            raise _BrokenError("The checksum of a message's prelude does not match")
        total, headers = int.from_bytes(prelude[:4]), int.from_bytes(prelude[4:8])
        if total > self._most or headers > MAX_HEADERS or total < headers + _AROUND:
            raise _BrokenError(f"A message of {total} bytes with {headers} bytes of headers is out of bounds")
        return total, headers


def _message(data: bytes, length: int) -> Event:
    if crc32(data[:-4]) != int.from_bytes(data[-4:]):
        raise _BrokenError("The checksum of a message does not match")
    headers = _headers(data[_PRELUDE : _PRELUDE + length])
    payload = data[_PRELUDE + length : -4]
    kind = headers.get(":message-type", "event")
    if kind == "error":
        return Event(kind, headers.get(":error-code", ""), headers.get(":error-message", "").encode())
    return Event(kind, headers.get(":exception-type" if kind == "exception" else ":event-type", ""), payload)


def _headers(data: bytes) -> dict[str, str]:
    """Return the headers whose value is a text; the others are only skipped."""
    found: dict[str, str] = {}
    at, end = 0, len(data)
    while at < end:
        size = data[at]
        name, kind = data[at + 1 : at + 1 + size], data[at + 1 + size : at + 2 + size]
        at += 2 + size
        if not kind or not size:
            raise _BrokenError("A message's headers end in the middle of one")
        match kind[0]:
            case 0 | 1:
                continue
            case 6 | 7:
                length = int.from_bytes(data[at : at + 2])
                at += 2
                if kind[0] == _STRING and at + length <= end:
                    found[name.decode("utf-8", "replace")] = data[at : at + length].decode("utf-8", "replace")
                at += length
            case number if number in _FIXED:
                at += _FIXED[number]
            case number:
                raise _BrokenError(f"A message has a header of unknown type {number}")
    if at != end:
        raise _BrokenError("A message's headers end in the middle of one")
    return found
