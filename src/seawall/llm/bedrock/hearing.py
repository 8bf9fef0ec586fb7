"""One attempt's answer from Converse or ConverseStream on its way to the client, whatever dialect that speaks."""

from email.utils import parsedate_to_datetime
from typing import Any, Protocol

from seawall.contracts.body import Headers
from seawall.contracts.errors import CallError
from seawall.llm.bedrock.eventstream import Event, EventStream
from seawall.llm.bedrock.failures import failure_of, message_of, name_of, parsed
from seawall.llm.refused import error_body, error_event
from seawall.llm.seam import Api, Operation

__all__ = ["LARGEST", "Hearing", "Writer", "blocks_of", "cited_text", "is_stream"]

LARGEST = 16 << 20  # bytes of a whole answer that are held to be translated
_KEPT = frozenset((b"retry-after", b"x-amzn-requestid", b"x-seawall-target"))
_CONTENT = frozenset(("contentBlockDelta", "messageStop"))


class Writer(Protocol):
    """Writes one answer in a dialect.

    Attributes:
        dialect, operation: whose shape errors have.
    """

    dialect: Api
    operation: Operation

    def begin(self, request: str, created: int) -> None:
        """Learn the request's id at AWS and the second of the answer, for the answer's own id."""
        ...

    def whole(self, document: dict[str, Any]) -> bytes:
        """Return the client's body for a whole answer."""
        ...

    def event(self, name: str, document: dict[str, Any]) -> bytes:
        """Return what the client gets for one event of a stream."""
        ...

    def done(self) -> bytes:
        """Return what ends a stream that is complete."""
        ...


class Hearing:
    """A `Heard` for Bedrock.

    Args:
        writer: of the client's dialect.
    """

    __slots__ = (
        "_decoder",
        "_ended",
        "_error",
        "_pieces",
        "_size",
        "_status",
        "_stopped",
        "_writer",
        "content",
        "failure",
    )

    def __init__(self, writer: Writer) -> None:
        self.content = False
        self.failure: tuple[int, str] | None = None
        self._writer = writer
        self._status = 200
        self._error = ""
        self._decoder: EventStream | None = None
        self._pieces: list[bytes] = []
        self._size = 0
        self._stopped = False
        self._ended = False

    def head(self, status: int, headers: Headers) -> tuple[int, Headers]:
        """Take the head; return status and headers for the client."""
        self._status = status
        self._error = name_of(headers)
        said = dict(headers)
        self._writer.begin(said.get(b"x-amzn-requestid", b"").decode("latin-1"), _second(said.get(b"date", b"")))
        kept = [(name, value) for name, value in headers if name in _KEPT]
        if status == 200 and is_stream(headers):
            self._decoder = EventStream()
            return status, [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache"), *kept]
        return status, [(b"content-type", b"application/json"), *kept]

    def feed(self, chunk: bytes) -> bytes:
        """Take a piece of the body; return what the client gets for it."""
        if self._decoder is None:
            self._size += len(chunk)
            if self._size <= LARGEST:
                self._pieces.append(chunk)
            return b""
        if self._ended:
            return b""
        out = [self._event(event) for event in self._decoder.feed(chunk)]
        if self._decoder.fault and not self._ended:
            out.append(self._fail(502, f"Bedrock's answer cannot be read: {self._decoder.fault}"))
        return b"".join(out)

    def end(self) -> bytes:
        """Return what is left: a whole answer, or the end of a stream."""
        if self._decoder is None:
            return self._whole()
        if self._ended:
            return b""
        if self._decoder.open or not self._stopped:
            return self._fail(502, "Bedrock's answer ended before it was complete")
        self._ended = True
        return self._writer.done()

    def broken(self, error: CallError) -> bytes:
        """Return the error event in which a stream ends; nothing where the answer is no stream."""
        if self._decoder is None or self._ended:
            return b""
        self._ended = True
        message = f"The answer broke off: {error.detail}"
        return error_event(self._writer.dialect, self._writer.operation, error.status_hint, message, code=error.type)

    def _event(self, event: Event) -> bytes:
        if self._ended:
            return b""
        if event.kind != "event":
            return self._fail(*failure_of(event))
        document = parsed(event.payload)
        start = document.get("start")
        if (event.name in _CONTENT and document.get("delta") != {"text": ""}) or (
            event.name == "contentBlockStart" and isinstance(start, dict) and start
        ):
            self.content = True
        self._stopped = self._stopped or event.name == "messageStop"
        return self._writer.event(event.name, document)

    def _fail(self, status: int, message: str) -> bytes:
        self._ended = True
        if not self.content:
            self.failure = (status, message)
        return error_event(self._writer.dialect, self._writer.operation, status, message)

    def _whole(self) -> bytes:
        document = parsed(b"".join(self._pieces)) if self._size <= LARGEST else {}
        writer = self._writer
        if self._status >= 400:
            message = message_of(document) or self._error or f"Bedrock answered {self._status}"
            return error_body(writer.dialect, self._status, message, code=self._error or None)
        if not isinstance(document.get("output"), dict):
            message = "Bedrock's answer cannot be read: it is no answer of Converse"
            self.failure = (502, message)
            return error_body(writer.dialect, 502, message)
        self.content = True
        return writer.whole(document)


def is_stream(headers: Headers) -> bool:
    """Whether an answer is an event stream of AWS."""
    return any(
        name == b"content-type" and value.startswith(b"application/vnd.amazon.eventstream") for name, value in headers
    )


def blocks_of(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the content blocks of a whole answer."""
    message = document["output"].get("message")
    content = message.get("content") if isinstance(message, dict) else None
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []


def cited_text(block: dict[str, Any]) -> str | None:
    """Return the text of a block with citations, None where it is another one."""
    cited = block.get("citationsContent")
    content = cited.get("content") if isinstance(cited, dict) else None
    if not isinstance(content, list):
        return None
    return "".join(str(one.get("text") or "") for one in content if isinstance(one, dict))


def _second(date: bytes) -> int:
    """Return the second an answer's Date names, 0 where it names none: nothing here reads a clock."""
    try:
        return int(parsedate_to_datetime(date.decode("latin-1")).timestamp())
    except (ValueError, TypeError, OverflowError):
        return 0
