"""One connection to an upstream: bytes out, answers in, one exchange at a time."""

import asyncio

from httptools import HttpParserError, HttpParserUpgrade

from seawall.contracts.call import Early
from seawall.contracts.errors import CallError, DeadlineExceeded, UpstreamBroken, UpstreamTimeout
from seawall.contracts.reply import Reply
from seawall.contracts.target import Timeouts
from seawall.contracts.wheel import Entry, Wheel
from seawall.wire.owner import Owner
from seawall.wire.parser import MAX_HEAD, AnswerParser
from seawall.wire.plain import PlainAnswers
from seawall.wire.source import AnswerSource

__all__ = ["Connection"]

# Above this much unread body the connection stops reading its socket; below a reader's usual chunk it would starve.
HIGH = 262144
# How long an answer without a length is collected in the hope that it ends: what comes whole can be retried, cached
# and has a length; what does not end within this is handed over as a stream (semantics 2.6).
PATIENCE = 0.25
_NEVER = float("inf")
_FIRST_BYTE_OF_HTTP = 72


class Connection(AnswerParser, asyncio.Protocol):
    """A connection and the exchange on it.

    One entry in the wheel watches over all its moments: `due` is moved by plain writes, and the entry looks at it
    when it fires, so that neither a call nor a chunk costs a timer.

    Attributes:
        touched: a byte of an answer, interim ones included, has arrived in this exchange.
        error: why the exchange failed.
        closed: given up; its transport is closing.
        waiter: where the reply is delivered; None as its result says look at `error`.
        drain: pending while the transport's write buffer is full.
    """

    __slots__ = (
        "_entry", "_entry_at", "_limit", "_owner", "_paused", "_phase", "_plain", "_timeouts", "_wheel",
        "closed", "drain", "due", "error", "loop", "now", "seen", "touched", "transport", "waiter",
    )  # fmt: skip

    transport: asyncio.Transport

    def __init__(
        self,
        owner: Owner,
        loop: asyncio.AbstractEventLoop,
        wheel: Wheel,
        kept_for: float,
        plain: PlainAnswers,
    ) -> None:
        super().__init__(kept_for)
        self._plain = plain
        self._owner = owner
        self._wheel = wheel
        self._entry: Entry | None = None
        self._entry_at = _NEVER
        self._paused = False
        self.loop = loop
        self.now = wheel.now
        self.closed = False
        self.due = _NEVER
        self.error: CallError | None = None
        self.waiter: asyncio.Future[Reply | None] | None = None
        self.drain: asyncio.Future[None] | None = None
        self.seen = 0.0

    def begin(self, is_head: bool, timeouts: Timeouts, early: Early | None = None) -> "asyncio.Future[Reply | None]":
        """Get ready for one exchange; the request is written next. Return where its reply will be."""
        self.expect(is_head)
        self.early = early
        self.touched = False
        self._limit = _NEVER
        self._timeouts = timeouts
        waiter = self.waiter = self.loop.create_future()
        return waiter

    def written(self) -> None:
        """The whole request is written: the time to the first byte runs."""
        self._phase = "first_byte"
        self.due = at = self.now() + self._timeouts.first_byte
        if at < self._entry_at:
            self.watch(at)

    def waiting(self, phase: str = "idle") -> None:
        """Something is awaited for at most the idle time, or, with `""`, for as long as it takes."""
        self._phase = phase
        self.watch(self.now() + self._timeouts.idle if phase else _NEVER)

    def watch(self, at: float) -> None:
        """Look at the exchange at `at`; moves the wheel's entry only when that is too late."""
        self.due = at
        if at < self._entry_at:
            if self._entry is not None:
                self._entry.cancel()
            self._entry = self._wheel.add(at, self._on_time)
            self._entry_at = at

    def _on_time(self) -> None:
        self._entry = None
        self._entry_at = _NEVER
        if self.closed:
            return
        now = self.now()
        if now < self.due:
            if self.due != _NEVER:
                self.watch(self.due)
        elif not self.busy:
            self.abort()  # idle for too long
        elif now >= self._limit:
            self.fail(DeadlineExceeded())
        elif self.collecting and self._phase == "collect":
            self.hand_over(True)
            self.waiting()
        else:
            self.fail(UpstreamTimeout(self._phase))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = transport  # type: ignore[assignment]  # TCP and TLS transports are duplex

    def data_received(self, data: bytes) -> None:
        """Feed the parser; bytes that come while none are awaited close the connection."""
        if not self.busy:  # bytes nobody asked for: whatever they are, the next call must not get them
            self.abort()
            return
        if not self.touched:
            if data[0] != _FIRST_BYTE_OF_HTTP:  # the parser would skip line ends and take RTSP
                self.fail(UpstreamBroken("The upstream's answer is not HTTP", answered=True))
                return
            self.touched = True
            if self.clean and self.interrupt is None and not self.is_head:
                reply = self._plain.take(data)
                if reply is not None:
                    self.seen = self.now()
                    self.keep = True
                    self.deliver(reply)
                    self._free()
                    return
        self.seen = now = self.now()
        self.fed += len(data)
        try:
            self.parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            broken = UpstreamBroken("The upstream's answer is not valid HTTP", answered=True)
            broken.__cause__ = error
            self.fail(broken)  # or only closes, when it came after a good answer
            return
        if not self.busy:
            if self.stray:
                self.abort()
        elif self.fed > MAX_HEAD:
            self.fail(UpstreamBroken("The upstream's answer has too large a head", answered=True))
        else:
            self._progress(now)

    def _progress(self, now: float) -> None:
        """Move the watch: the answer goes on."""
        if self.interrupt is not None:
            return  # the upload keeps time
        if self._paused:
            self._phase = "idle"
            self.watch(self._limit)
        elif not self.begun:  # an interim answer is no answer yet
            self._phase = "first_byte"
            self.watch(now + self._timeouts.first_byte)
        elif self.collecting:
            if self._phase != "collect":
                self._phase = "collect"
                self.watch(now + PATIENCE)
        else:
            self._phase = "idle"
            at = now + self._timeouts.idle
            self.watch(min(self._limit, at))

    def eof_received(self) -> None:
        """End an answer that ends with the connection; break any other."""
        if self.busy and self.headed and self.until_close:
            self.keep = False
            self.complete()
        elif self.busy:
            self.fail(UpstreamBroken("The upstream closed the connection", answered=self.touched))
        else:
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Break the answer under way."""
        if self.busy:
            broken = UpstreamBroken("The connection to the upstream was lost", answered=self.touched)
            broken.__cause__ = exc
            self.fail(broken)
        else:
            self.abort()
        self.resume_writing()
        self.parser = None  # type: ignore[assignment]  # gone: it refers back to its callbacks

    def pause_writing(self) -> None:
        """Make writers wait: the upstream does not read."""
        self.drain = self.loop.create_future()

    def resume_writing(self) -> None:
        """Let writers go on."""
        drain, self.drain = self.drain, None
        if drain is not None and not drain.done():
            drain.set_result(None)

    def new_source(self) -> AnswerSource:
        """Return a source over `chunks`."""
        return AnswerSource(self, self.chunks)

    def deliver(self, reply: Reply | None) -> None:
        """Give the reply to the call that waits for it; None where `error` says why."""
        waiter = self.waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(reply)

    def hush(self) -> None:
        """Stop writing the request: its answer is here."""
        self.keep = False  # the rest of the request will not be written
        interrupt, self.interrupt = self.interrupt, None
        if interrupt is not None:
            interrupt()

    def complete(self) -> None:
        """Deliver the whole answer, or end its source; free the connection."""
        source = self.source
        if source is not None:
            source.end()
            self.source = None
        else:
            chunks = self.chunks
            body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
            reply = Reply(self.status, self.headers, body, None if body else self.declared)
            self.deliver(reply)
        self._free()

    def _free(self) -> None:
        """The exchange is over: keep the connection for the next, or close it."""
        self.busy, self.early = False, None  # an idle connection holds on to nothing of its last call
        if self._paused:
            self._paused = False
            self.transport.resume_reading()
        if self.keep and not self.transport.get_write_buffer_size():
            self.due = at = self.seen + self.kept_for
            if at < self._entry_at:
                self.watch(at)
            self._owner.put(self)
        else:
            self.abort()

    def fail(self, error: CallError) -> None:
        """Break the exchange with `error`; close."""
        if self.busy:
            self.busy = False
            self.error = error
            if self.source is not None:
                self.source.end(error)
                self.source = None
            self.deliver(None)
            self.hush()
        self.abort()

    def abort(self) -> None:
        """Close at once, whatever is under way. Idempotent."""
        if self.closed:
            return
        self.closed = True
        if self._entry is not None:
            self._entry.cancel()
            self._entry = None
        self._owner.forget(self)
        if self.busy:
            self.fail(UpstreamBroken("The connection was given up", answered=self.touched))
        self.transport.abort()

    def brake(self) -> None:
        """Stop reading when more is buffered than somebody wants to read."""
        if self.size > HIGH and not self._paused:
            self._paused = True
            self.transport.pause_reading()

    def drained(self) -> None:
        """Everything buffered was taken: read on."""
        self.size = 0
        if self._paused:
            self._paused = False
            self.transport.resume_reading()
            self._progress(self.now())

    def limit_at(self, at: float) -> None:
        """Fail the answer at this moment, seconds on the monotonic clock."""
        self._limit = at
        if at < self.due:
            self.watch(at)
