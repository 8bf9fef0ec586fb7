"""What a client sends: its bytes become heads and bodies, one request at a time."""

from enum import IntEnum
from math import inf

from seawall.contracts.body import Body
from seawall.server.body import RequestBody
from seawall.server.chunks import Chunked, Counted
from seawall.server.deadline import Deadline
from seawall.server.head import HeadParser, broken_lines
from seawall.server.refusal import Refused
from seawall.server.state import State

__all__ = ["Intake", "Phase"]

WHOLE = 64 << 10  # bodies up to this are waited for: the handler wakes once, and can send them again
_LINGER_BYTES = 1 << 20


class Phase(IntEnum):
    """What a connection is doing."""

    HEAD = 0  # waiting for a head, or inside one
    COLLECT = 1  # a small body arrives before its call starts
    CALL = 2  # a call is under way, its request is complete
    BODY = 3  # a call is under way, its body is arriving
    LINGER = 4  # the last answer is written; what still comes is thrown away
    CLOSED = 5


HEAD, COLLECT, CALL, BODY, LINGER, CLOSED = Phase


class Intake:
    """The reading half of a connection; `connection.Connection` is the rest."""

    __slots__ = (
        "_body", "_buffer", "_deadline", "_expecting", "_framing", "_head", "_parts", "_phase", "_received", "_size",
        "_start", "_state",
    )  # fmt: skip

    def __init__(self, state: State) -> None:
        self._state = state
        self._phase = HEAD
        self._head = HeadParser(state.limits, state.memory)
        self._deadline = Deadline(state.wheel, self._expired)
        self._buffer = b""  # bytes not yet parsed begin at _start
        self._start = 0
        self._framing: Counted | Chunked = Counted(0)
        self._body: RequestBody | None = None
        self._parts: list[bytes] = []
        self._size = 0  # body bytes taken, or bytes thrown away while lingering
        self._received = 0.0
        self._expecting = False  # the client waits for `100 Continue`

    def data_received(self, data: bytes) -> None:
        """Take bytes from the client."""
        phase = self._phase
        if phase is HEAD:
            if self._buffer:
                self._hold(data)
            elif self._quick(data):
                return
            else:
                self._buffer = data
            self._next()
        elif phase is BODY or phase is COLLECT:
            self._take(data)
        elif phase is CALL:
            self._hold(data)
            self._crowded(len(self._buffer) - self._start)
        elif phase is LINGER:
            self._size += len(data)
            if self._size > _LINGER_BYTES:
                self.abort()

    def _quick(self, data: bytes) -> bool:
        """Take a plain head that is all here, as nearly always; False where the slow way must look at it."""
        head = self._head
        end = head.again(data)
        if not end:
            end = data.find(b"\r\n\r\n", 0, self._state.limits.max_header)
            if end < 0 or not head.quick(data[:end]):
                return False
            end += 4
        length = head.length or 0  # a plain head is never chunked
        if len(data) - end == length <= WHOLE:
            self._received = self._state.now()
            self._deadline.due = inf
            self._phase = CALL
            self._call(data[end:], length)
        else:
            self._buffer, self._start = data, end
            self._begin()
        return True

    def _forget(self) -> None:
        """Let go of what refers back to here, since only the collector would undo that; nothing comes any more."""
        self._deadline.forget()
        self._head.forget()

    def _hold(self, data: bytes) -> None:
        self._buffer = self._buffer[self._start :] + data
        self._start = 0

    def _next(self) -> None:
        """Parse one head from the buffer."""
        if self._phase is not HEAD:
            return
        try:
            raw = self._cut()
        except Refused as reason:
            self._refuse(reason, self._buffer[self._start :].lstrip().startswith(b"HEAD "))
            return
        if raw is not None:
            self._parse(raw)

    def _parse(self, raw: bytes) -> None:
        """Parse a head and begin with it."""
        try:
            self._head.parse(raw)
        except Refused as reason:
            self._refuse(reason, raw.startswith(b"HEAD "))
            return
        self._begin()

    def _begin(self) -> None:
        """Start the call of the head that was taken, or its body; what follows the head stands in the buffer."""
        self._received = self._state.now()
        self._deadline.due = inf
        if self._head.length == 0:
            self._phase = CALL
            self._call(b"", 0)
        else:
            self._begin_body(self._head.length)

    def _cut(self) -> bytes | None:
        """Return the next head and move behind it, or None while it is not complete."""
        buffer, start = self._buffer, self._start
        while buffer.startswith(b"\r\n", start):  # RFC 9112 section 2.2: empty lines before a request
            start += 2
        most = self._state.limits.max_header
        end = buffer.find(b"\r\n\r\n", start, start + most)
        if end >= 0:
            end += 4
            if end == len(buffer):
                self._buffer, self._start = b"", 0
                return buffer[start:] if start else buffer
            self._start = end
            return buffer[start:end]
        part = buffer[start : start + most]
        if broken_lines(part):
            raise Refused(400, "a line must end with CR LF and hold no CR, LF or NUL")
        if len(buffer) - start >= most:
            raise Refused(431 if b"\r\n" in part else 414, f"at most {most} bytes of a head are taken")
        due = self._state.now() + self._state.limits.header_timeout
        if due < self._deadline.due:  # counted from the first byte, not from the latest
            self._deadline.set(due)
        return None

    def _begin_body(self, length: int | None) -> None:
        rest, self._buffer, self._start = self._buffer[self._start :], b"", 0
        if length is not None and len(rest) >= length <= WHOLE:  # it came with its head
            self._phase = CALL
            if len(rest) > length:
                rest, self._buffer = rest[:length], rest[length:]
            self._call(rest, length)
            return
        self._framing = Chunked() if length is None else Counted(length)
        self._size = 0
        self._expecting = self._head.expects and not rest
        if length is not None and length <= WHOLE and not self._expecting:
            self._phase = COLLECT
            self._deadline.set(self._received + self._state.limits.body_timeout)
            if rest:
                self._take(rest)
            return
        self._phase = BODY
        body = self._body = RequestBody(self, self._state.wheel, self._state.loop)
        if not self._expecting:
            self._deadline.set(self._received + self._state.limits.body_timeout)
        if rest:
            self._take(rest)
        if self._phase is BODY or self._phase is CALL:  # what came with the head may have been refused
            self._call(body, length)

    def _take(self, data: bytes) -> None:
        """Take bytes of the request's body."""
        framing = self._framing
        try:
            payload, used = framing.take(data)
            self._size += len(payload)
            if self._size + framing.left > self._state.limits.max_body:
                raise Refused(413, f"at most {self._state.limits.max_body} bytes are taken")
        except Refused as reason:
            self._spoil(reason)
            return
        self._expecting = False
        if used < len(data):
            self._buffer = data[used:]
        body, collecting = self._body, self._phase is COLLECT
        if framing.done:
            self._phase = CALL
            self._deadline.due = inf
        else:
            self._deadline.set(self._state.now() + self._state.limits.body_timeout)
        if collecting:
            self._parts.append(payload)
            if framing.done:
                parts, self._parts = self._parts, []
                self._call(parts[0] if len(parts) == 1 else b"".join(parts), self._size)
        elif body is not None:
            if payload:
                body.push(payload)
            if framing.done:
                body.end()

    # What the other half does

    def _call(self, body: Body, length: int | None) -> None:
        """Start the call of the request in `_head`."""
        raise NotImplementedError

    def _refuse(self, reason: Refused, head_only: bool) -> None:
        """Answer a request that no handler sees, and close; without a body if its method is HEAD."""
        raise NotImplementedError

    def _spoil(self, reason: Refused) -> None:
        """The body broke: refuse the request, or let its reader know."""
        raise NotImplementedError

    def _crowded(self, held: int) -> None:
        """So many bytes of later requests are held."""
        raise NotImplementedError

    def _expired(self) -> None:
        """The deadline has passed."""
        raise NotImplementedError

    def shut(self) -> None:
        """Stop reading from the client for now."""
        raise NotImplementedError

    def open(self) -> None:
        """Read on."""
        raise NotImplementedError

    def abort(self) -> None:
        """Close at once."""
        raise NotImplementedError
