"""An answer in one dialect on its way to a client of another: whole, or event by event."""

from email.utils import parsedate_to_datetime
from typing import Any, Protocol

import orjson

from seawall.contracts.body import Headers
from seawall.contracts.errors import CallError
from seawall.llm.first import CONTENT, failure_of, judged
from seawall.llm.passing import is_encoded, is_stream
from seawall.llm.refused import error_body, error_event
from seawall.llm.seam import Api, Operation
from seawall.llm.sse import Cutter, Event, events

__all__ = ["LARGEST", "Translating", "Writer"]

LARGEST = 16 * 1024 * 1024
_KEPT = frozenset((b"retry-after", b"retry-after-ms", b"x-should-retry", b"x-request-id", b"request-id"))
_REQUEST_ID = {"openai": b"x-request-id", "anthropic": b"request-id", "bedrock": b"x-amzn-requestid"}


class Writer(Protocol):
    """Writes one answer in the client's dialect.

    Attributes:
        finished: the stream has said that it is complete.
    """

    finished: bool

    def begin(self, created: int) -> None:
        """Learn the second of the answer, 0 where the provider does not tell it."""
        ...

    def whole(self, said: dict[str, Any]) -> bytes:
        """Return the client's body for a whole answer."""
        ...

    def event(self, event: Event, said: dict[str, Any]) -> bytes:
        """Return what the client gets for one event of a stream, perhaps nothing."""
        ...

    def done(self) -> bytes:
        """Return what is left to say at the end of a stream that is complete."""
        ...


class Translating:
    """One attempt's answer, translated.

    Args:
        dialect: the client's.
        operation: the client's.
        source: the provider's operation, whose events these are.
        writer: writes in the client's dialect.
    """

    __slots__ = (
        "_cutter", "_dialect", "_good", "_operation", "_over", "_pieces", "_size", "_source", "_status", "_streams",
        "_unreadable", "_writer", "content", "failure",
    )  # fmt: skip

    def __init__(self, dialect: Api, operation: Operation, source: Operation, writer: Writer) -> None:
        self.content = False
        self.failure: tuple[int, str] | None = None
        self._dialect: Api = dialect
        self._operation: Operation = operation
        self._source: Operation = source
        self._writer = writer
        self._cutter = Cutter()
        self._pieces: list[bytes] = []
        self._size = 0
        self._status = 0
        self._good = False
        self._streams = False
        self._over = False
        self._unreadable = False

    def head(self, status: int, headers: Headers) -> tuple[int, Headers]:
        """Take the head; return status and headers for the client."""
        # 529 is Anthropic's own; OpenAI's clients know 503 for it.
        self._status = 503 if status == 529 and self._dialect == "openai" else status
        self._good = status < 400
        self._streams = self._good and is_stream(headers)
        if is_encoded(headers):
            self._good, self._unreadable = False, True
            self._status = 502 if status < 400 else self._status
        self._writer.begin(_second(headers))
        kind = b"text/event-stream; charset=utf-8" if self._streams else b"application/json"
        return self._status, [(b"content-type", kind), *self._told(headers)]

    def feed(self, chunk: bytes) -> bytes:
        """Take a piece of the body; return what the client gets for it."""
        if self._over:
            return b""
        if not self._streams:
            self._size += len(chunk)
            if self._size <= LARGEST:
                self._pieces.append(chunk)
                self.content = self.content or (self._good and bool(chunk))
            return b""
        whole = self._cutter.feed(chunk)
        if self._cutter.overlong:
            return self._failed(502, "One event of the answer is too long to be translated")
        return b"".join([self._event(event) for event in events(whole)]) if whole else b""

    def end(self) -> bytes:
        """Return what is left: the whole answer, or the end of a stream."""
        if not self._streams:
            return self._whole()
        rest = self._cutter.rest()
        last = b"".join([self._event(event) for event in events(rest)]) if rest else b""
        if self._over:
            return last
        if not self._writer.finished:
            return last + self._failed(502, "The answer ended before it was complete")
        self._over = True
        return last + self._writer.done()

    def broken(self, error: CallError) -> bytes:
        """Return the error event in which the stream ends; nothing where the answer is no stream."""
        if not self._streams or self._over:
            return b""
        self._over = True
        message = f"The answer broke off: {error.detail}"
        return error_event(self._dialect, self._operation, error.status_hint, message, code=error.type)

    def _event(self, event: Event) -> bytes:
        if self._over:
            return b""
        if not self.content:
            self.content = judged(self._source, event) is CONTENT
        said = _parsed(event.data)
        if event.kind == b"error" or said.get("error") or said.get("type") == "error":
            return self._failed(*failure_of(said))
        return self._writer.event(event, said)

    def _failed(self, status: int, message: str) -> bytes:
        """End the stream in an error; before any content it may be another target's turn instead."""
        self._over = True
        if not self.content:
            self.failure = (status, message)
        return error_event(self._dialect, self._operation, status, message)

    def _whole(self) -> bytes:
        if self._size > LARGEST:
            return error_body(self._dialect, 502, f"The answer has more than {LARGEST} bytes and cannot be translated")
        said = _parsed(b"".join(self._pieces))
        if self._unreadable:
            message = "The provider's answer is compressed, though it was asked not to be, and cannot be translated"
            return error_body(self._dialect, self._status, message)
        if not self._good:
            _, message = failure_of(said)
            return error_body(self._dialect, self._status, message if said else f"The provider answered {self._status}")
        return self._writer.whole(said)

    def _told(self, headers: Headers) -> Headers:
        own = _REQUEST_ID[self._dialect]
        return [(own if name.endswith(b"request-id") else name, value) for name, value in headers if name in _KEPT]


def _second(headers: Headers) -> int:
    for name, value in headers:
        if name == b"date":
            try:
                return int(parsedate_to_datetime(value.decode("latin-1")).timestamp())
            except (ValueError, OverflowError):
                return 0
    return 0


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        said = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    return said if isinstance(said, dict) else {}
