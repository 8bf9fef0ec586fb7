"""An answer passed on in its own dialect, untouched but for a usage chunk the client did not ask for."""

import orjson

from seawall.contracts.body import Headers
from seawall.contracts.errors import CallError
from seawall.llm.first import CONTENT, judged
from seawall.llm.refused import error_event
from seawall.llm.seam import Api, Operation
from seawall.llm.sse import Cutter, events

__all__ = ["Passing", "carries_usage", "is_encoded", "is_stream", "kept"]

_FRAMING = frozenset((
    b"content-length", b"transfer-encoding", b"connection", b"keep-alive", b"trailer", b"upgrade", b"te",
))  # fmt: skip
_QUOTAS = (b"x-ratelimit-", b"anthropic-ratelimit-")


def kept(headers: Headers) -> Headers:
    """Return the fields of an answer that are the client's: no framing, and no quota of the gateway's own key."""
    return [(name, value) for name, value in headers if name not in _FRAMING and not name.startswith(_QUOTAS)]


def is_encoded(headers: Headers) -> bool:
    """Whether the answer is compressed though it was asked not to be; nothing is read from it then."""
    return any(name == b"content-encoding" and value.lower() not in (b"", b"identity") for name, value in headers)


def is_stream(headers: Headers) -> bool:
    """Whether the answer is a stream of events that can be read."""
    for name, value in headers:
        if name == b"content-type" and value[:17].lower() == b"text/event-stream":
            return not is_encoded(headers)
    return False


class Passing:
    """One attempt's answer in the client's own dialect.

    Whole events are passed on, so that a stream that breaks in the middle of one can still end in a proper error.

    Args:
        dialect: of both sides.
        operation: what was asked.
        hides_usage: the usage chunk was asked for by us alone.
    """

    __slots__ = ("_cutter", "_dialect", "_good", "_hides", "_operation", "_streams", "content", "failure")

    def __init__(self, dialect: Api, operation: Operation, *, hides_usage: bool = False) -> None:
        self.content = False
        self.failure: tuple[int, str] | None = None
        self._dialect: Api = dialect
        self._operation: Operation = operation
        self._hides = hides_usage
        self._streams = False
        self._good = False
        self._cutter = Cutter()

    def head(self, status: int, headers: Headers) -> tuple[int, Headers]:
        """Take the head; return status and headers for the client."""
        self._good = status < 400
        self._streams = self._good and is_stream(headers)
        return status, kept(headers)

    def feed(self, chunk: bytes) -> bytes:
        """Take a piece of the body; return what the client gets for it."""
        if not self._streams:
            self.content = self.content or (self._good and bool(chunk))
            return chunk
        whole = self._cutter.feed(chunk)
        if not self.content and whole:
            self._look(whole)
        if self._hides and whole and carries_usage(whole):
            return _without_usage(whole)
        return whole

    def end(self) -> bytes:
        """Return what is left: an event without its blank line, as it came."""
        return self._cutter.rest()

    def broken(self, error: CallError) -> bytes:
        """Return the error event in which the stream ends; nothing where the answer is no stream."""
        if not self._streams:
            return b""
        opening = b"\n\n" if self._cutter.overlong else b""
        self._cutter.rest()
        message = f"The answer broke off: {error.detail}"
        return opening + error_event(self._dialect, self._operation, error.status_hint, message, code=error.type)

    def _look(self, whole: bytes) -> None:
        if self._cutter.overlong:
            self.content = True  # nobody holds a megabyte back to find out
            return
        for event in events(whole):
            said = judged(self._operation, event)
            if said is CONTENT:
                self.content = True
                return
            if isinstance(said, tuple):
                self.failure = self.failure or said


def carries_usage(whole: bytes) -> bool:
    """Whether an event may carry usage: `null` in the two ways it is written is none."""
    named = whole.count(b'"usage"')
    return named > 0 and named > whole.count(b'"usage":null') + whole.count(b'"usage": null')


def _without_usage(whole: bytes) -> bytes:
    """Return whole events without those that carry usage and no choice (OpenAI's `stream_options.include_usage`)."""
    mark = b"\r\n\r\n" if b"\r\n\r\n" in whole else b"\n\n"
    return mark.join(block for block in whole.split(mark) if not _is_usage(block))


def _is_usage(block: bytes) -> bool:
    if b'"usage"' not in block:
        return False
    found = events(block)
    if len(found) != 1:  # line ends of several kinds in one stream: rather one chunk too many than one too few
        return False
    try:
        said = orjson.loads(found[0].data)
    except orjson.JSONDecodeError:
        return False
    return isinstance(said, dict) and said.get("choices") == [] and bool(said.get("usage"))
