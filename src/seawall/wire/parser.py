"""What arrives on a connection, judged: httptools' callbacks and the strictness it lacks (security.md 6)."""

from collections.abc import Callable

from httptools import HttpResponseParser

from seawall.contracts.body import Headers
from seawall.contracts.call import Early
from seawall.contracts.errors import CallError, UpstreamBroken
from seawall.contracts.reply import Reply
from seawall.wire.source import AnswerSource

__all__ = ["MAX_HEAD", "SMALL", "AnswerParser"]

# A head of this many bytes is refused; the largest that common servers send is 32 KiB.
MAX_HEAD = 65536
MAX_FIELDS = 256
# Answers up to this are collected and handed over in one piece: one wake-up, and the connection is free at once.
SMALL = 65536
# Interim answers before the final one; more is an upstream that never comes to the point.
MAX_INTERIM = 16

_FRAMING = frozenset((
    b"content-length", b"transfer-encoding", b"connection", b"keep-alive", b"proxy-connection", b"te", b"trailer",
    b"upgrade",
))  # fmt: skip
_STREAM_TYPES = frozenset((
    b"text/event-stream", b"application/x-ndjson", b"application/ndjson", b"application/vnd.amazon.eventstream",
))  # fmt: skip


class AnswerParser:
    """One answer after the other, from httptools' callbacks to replies.

        The subclass is the connection: it feeds the parser and does what is asked for in `deliver`, `fail`, `complete`
        and `brake`. After `fail` or `complete` `busy` is False, and whatever else the same bytes hold is ignored.

    Attributes:
            busy: an answer is awaited or under way.
            begun: its first byte has arrived; of the final answer, not of an interim one.
            headed: its head is complete.
            clean: the parser stands between two messages.
            stray: something came that belongs to no answer.
        fed: bytes received since the last progress, so that endless heads and trailers are found.
            collecting: its end is not known from the head, and it is not handed over yet.
            early: who is told of interim answers, None for nobody.
            until_close: its end is the connection's.
            kept_for: seconds the connection is kept without a call, less where the upstream says so in Keep-Alive.
        interrupt: what `hush` calls; None once the request is written.
    """

    __slots__ = (
        "begun", "busy", "chunks", "clean", "coding", "collecting", "declared", "early", "fed", "headed", "headers",
        "interim", "interrupt", "is_head", "keep", "kept_for", "named", "parser", "size", "source", "status", "stray",
        "until_close", "used",
    )  # fmt: skip

    parser: HttpResponseParser

    def __init__(self, kept_for: float) -> None:
        self.busy = False
        self.clean = True
        self.stray = False
        self.interrupt: Callable[[], None] | None = None
        self.early: Early | None = None
        self.used = 0
        self.kept_for = kept_for
        self.parser = HttpResponseParser(self)
        self._reset()

    def expect(self, is_head: bool) -> None:
        """Get ready for the answer to the request that is about to be written."""
        if not self.clean:  # the last answer was to HEAD, of which httptools cannot be told
            self.parser = HttpResponseParser(self)
            self.clean = True
        self.busy = True
        self.is_head = is_head
        self.used += 1
        if self.begun or self.interim or self.fed:  # a plain answer leaves no trace here
            self._reset()

    def _reset(self) -> None:
        """Forget the answer before."""
        self.begun = self.headed = self.collecting = self.until_close = False
        self.interim = self.fed = self.size = 0
        self.chunks: list[bytes] = []
        self.source: AnswerSource | None = None

    def on_message_begin(self) -> None:
        """Forget the message before."""
        self.clean = False
        if not self.busy:
            self.stray = True
            return
        self.begun = True
        self.headers: Headers = []
        self.declared: int | None = None
        self.coding: bytes | None = None
        self.named: list[bytes] | None = None

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header, or take note of it when it is framing."""
        if self.headed:  # a trailer; dropped, as RFC 9110 section 6.5.1 allows
            return
        name = name.lower()
        if name not in _FRAMING:
            self.headers.append((name, value.rstrip()))
        elif name == b"content-length":
            self.declared = int(value)  # httptools lets one through, of digits only
        elif name == b"transfer-encoding":
            self.coding = value if self.coding is None else b"repeated"
        elif name == b"connection":
            if value != b"keep-alive" and value != b"close":
                self._on_connection(value.lower())
        elif name == b"keep-alive":
            self._on_keep_alive(value.lower())

    def _on_connection(self, value: bytes) -> None:
        names = [name.strip() for name in value.split(b",")]
        self.named = names if self.named is None else self.named + names

    def _on_keep_alive(self, value: bytes) -> None:
        for part in value.split(b","):
            name, _, seconds = part.strip().partition(b"=")
            if name == b"timeout" and seconds.isdigit() and len(seconds) < 10:
                self.kept_for = min(
                    self.kept_for, max(0.0, int(seconds) - 1.0)
                )  # a second early, lest the two cross on the way

    def on_headers_complete(self) -> None:
        """Judge the head and decide how the body is handed over."""
        if not self.busy:
            return
        parser = self.parser
        self.status = status = parser.get_status_code()
        self.keep = keep = parser.should_keep_alive()
        if self.coding is not None or not keep or self.used == 1 or not 200 <= status < 600 or self.fed > MAX_HEAD:
            fault = self._fault(status)
            if fault:
                self.fail(UpstreamBroken(fault, answered=True))
                return
            if status < 200:
                self._on_interim(status)
                return
        if len(self.headers) > MAX_FIELDS:
            self.fail(UpstreamBroken("The upstream's answer has too many headers", answered=True))
            return
        if self.named is not None:
            self.headers = [field for field in self.headers if field[0] not in self.named]
        self.headed = True
        self.fed = 0
        if self.interrupt is not None:
            self.hush()
        declared = self.declared
        if self.is_head or status in (204, 304):
            self._bodiless()
        elif declared is None:
            self.until_close = self.coding is None
            if self._is_stream():
                self.hand_over(True)
            else:
                self.collecting = True
        elif declared > SMALL:
            self.hand_over(self._is_stream())

    def _fault(self, status: int) -> str:
        """Return what is wrong with the head though httptools let it pass, or ""."""
        version = self.parser.get_http_version()
        if version not in ("1.1", "1.0"):
            return "The upstream answers in another version of HTTP"
        if self.coding is not None and (self.coding.strip().lower() != b"chunked" or version == "1.0"):
            return "The upstream's answer has a transfer coding other than chunked"  # RFC 9112 section 6.1
        if self.fed > MAX_HEAD and sum(len(name) + len(value) + 4 for name, value in self.headers) > MAX_HEAD:
            return "The upstream's answer has too large a head"
        if status < 200:
            if status < 100 or status == 101:
                return "The upstream switched protocols, unasked"
            if self.coding is not None or self.declared is not None:
                return "The upstream's interim answer has a body"  # RFC 9110 section 15.2
            if self.interim >= MAX_INTERIM:
                return "The upstream sends one interim answer after the other"
        return "The upstream's answer has no valid status" if status >= 600 else ""

    def _on_interim(self, status: int) -> None:
        early = self.early
        if early is not None and status != 100:  # RFC 9110 section 15.2; nobody here has asked for a 100
            named = self.named
            early.early(status, [field for field in self.headers if named is None or field[0] not in named])
        self.interim += 1
        self.begun = False
        self.fed = 0

    def _bodiless(self) -> None:
        """Finish at the head: RFC 9112 section 6.3, first rule."""
        if self.status == 204 and (self.declared or self.coding is not None):
            self.keep = False  # whether a body follows is anybody's guess
        if self.is_head:
            self.complete()

    def _is_stream(self) -> bool:
        for name, value in self.headers:
            if name == b"content-type":
                return value.partition(b";")[0].strip().lower() in _STREAM_TYPES
        return False

    def hand_over(self, streamed: bool) -> None:
        """Deliver the reply while its body still comes."""
        self.collecting = False
        source = self.source = self.new_source()
        self.deliver(Reply(self.status, self.headers, source, self.declared, streamed))

    def on_body(self, data: bytes) -> None:
        """Keep a piece of the body."""
        if not self.busy:
            self.stray = True
            return
        self.fed = 0
        self.chunks.append(data)
        self.size += len(data)
        if self.source is not None:
            self.source.wake()
            self.brake()
        elif self.size > SMALL:
            self.hand_over(True)

    def on_message_complete(self) -> None:
        """Finish, where it is the end of an answer and not of an interim one."""
        self.clean = True
        if self.busy and self.headed:
            if self.coding is not None and not self.parser.should_keep_alive():
                self.keep = False  # a trailer said so
            self.complete()

    def new_source(self) -> AnswerSource:
        """Return a source over `chunks`."""
        raise NotImplementedError

    def hush(self) -> None:
        """Stop writing the request: its answer is here."""
        raise NotImplementedError

    def deliver(self, reply: Reply) -> None:
        """Give the reply to the call that waits for it."""
        raise NotImplementedError

    def complete(self) -> None:
        """Deliver the whole answer, or end its source; the connection is free."""
        raise NotImplementedError

    def fail(self, error: CallError) -> None:
        """Give up: the answer is broken, and the connection with it."""
        raise NotImplementedError

    def brake(self) -> None:
        """Stop reading when more is buffered than somebody wants to read."""
        raise NotImplementedError
