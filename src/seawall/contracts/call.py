"""One outbound call and its attempts: what the pipeline carries."""

from decimal import Decimal
from typing import Protocol

from seawall.contracts.bill import Bill
from seawall.contracts.body import Body, Headers
from seawall.contracts.target import Target, Timeouts

__all__ = ["Attempt", "Call", "Early", "Run"]

SAFE = frozenset((b"GET", b"HEAD", b"OPTIONS", b"TRACE"))
IDEMPOTENT = SAFE | frozenset((b"PUT", b"DELETE"))  # RFC 9110 section 9.2.2

_ROUNDING = 1e-6


class Early(Protocol):
    """Who is told what an upstream says before its answer."""

    def early(self, status: int, headers: Headers) -> None:
        """Take an interim answer: 102 to 199 (RFC 9110 section 15.2); its headers as they came, without hop-by-hop."""
        ...


class Run:
    """What all attempts, hedges and fallbacks of one call share.

    Attributes:
        started: when the call arrived, seconds on the monotonic clock.
        attempts: how many attempts reached the wire so far.
        budget: how many attempts the call may make in all.
        held: attempts held back for targets not yet tried; a retry may not use them.
        wire_time: seconds spent on the wire, all attempts together.
        queue_time: seconds spent waiting for rate or concurrency.
        cache: word for the log line: `""`, `hit`, `stale`, `miss`, `bypass`.
        notes: what policies want shown in Server-Timing and the log: (name, seconds or None, description or "").
        once: a kept answer is given where this fails: no target is asked twice, not even where a connection that was
            used before turns out closed.
        committed: the first byte of an answer has reached the client; nothing may be retried any more.
        tried: target of the latest attempt; the next one goes to another where there is one.
        cost: US dollars of the attempts settled so far, None where none had a price.
        tokens: of language models, input and output of the attempts settled so far, None where there are none.
        early: who is told of interim answers, None for nobody.
        beside: another run that was made for this call and is paid for by it, such as a cache flight's, or None.
    """

    __slots__ = (
        "attempts", "beside", "budget", "cache", "committed", "cost", "early", "held", "notes", "once", "queue_time",
        "started", "tokens", "tried", "wire_time",
    )  # fmt: skip

    def __init__(self, started: float, budget: int = 1) -> None:
        self.started = started
        self.attempts = 0
        self.budget = budget
        self.held = 0
        self.wire_time = 0.0
        self.queue_time = 0.0
        self.cache = ""
        self.notes: list[tuple[str, float | None, str]] = []
        self.once = False
        self.committed = False
        self.tried: Target | None = None
        self.cost: Decimal | None = None
        self.tokens: int | None = None
        self.early: Early | None = None
        self.beside: Run | None = None

    def paid(self) -> tuple[int | None, Decimal | None]:
        """Return tokens and US dollars of this run and of those beside it; None where nothing was metered."""
        tokens, cost, beside = self.tokens, self.cost, self.beside
        while beside is not None:
            if beside.cost is not None:
                cost = beside.cost if cost is None else cost + beside.cost
            if beside.tokens is not None:
                tokens = beside.tokens + (tokens or 0)
            beside = beside.beside
        return tokens, cost


class Call:
    """One call to an upstream, as policies see it. Treated as immutable below the door: `fork` to change a field.

    Attributes:
        method: upper case bytes.
        path: raw path and query for the upstream, validated, without the target's base.
        headers: cleaned and complete but for Host, framing and what each attempt adds.
        body: bytes, or a `Source` that can be read once.
        length: declared length of a Source, None when it is sent chunked.
        target: where it goes.
        timeouts: of its route.
        deadline: absolute, seconds on the monotonic clock.
        idempotent: safe or idempotent method, an Idempotency-Key, or the route says so.
        upstream, route, caller: names from settings; caller `""` for nobody by name (see contracts/admission.py).
        user: end user behind the caller's key, `""` unknown.
        bill: what it may cost at this target, None where it costs nothing.
        request_id: sent upstream and to the client.
        trace: `(trace_id, parent_span_id, flags)` in lower-case hex, of the caller's traceparent or our own.
        run: shared by forks.
        attempt: the latest attempt made of exactly this object, None before there is one; set by the pipeline's end,
            for calls with a bill. Attempts side by side are forks, so a stage below them finds its own here, and
            whether it was sent. The stage that pays takes it off again.
        ready: what of this call was judged and written before, or None: a list of headers, the lines of its first so
            many as `contracts.fields.rendered` gives them, how many, and a path. The lines count while `headers` is
            that very list, whoever changes those first ones makes a list of its own; the path while it is that one.
    """

    __slots__ = (
        "attempt", "bill", "body", "caller", "deadline", "headers", "idempotent", "length", "method", "path", "ready",
        "request_id", "route", "run", "target", "timeouts", "trace", "upstream", "user",
    )  # fmt: skip

    def __init__(
        self,
        method: bytes,
        path: bytes,
        headers: Headers,
        target: Target,
        timeouts: Timeouts,
        deadline: float,
        run: Run,
        body: Body = b"",
        length: int | None = 0,
        idempotent: bool = False,
        upstream: str = "",
        route: str = "",
        caller: str = "",
        request_id: str = "",
        trace: tuple[str, str, str] = ("", "", ""),
        user: str = "",
        bill: Bill | None = None,
    ) -> None:
        self.method = method
        self.path = path
        self.headers = headers
        self.target = target
        self.timeouts = timeouts
        self.deadline = deadline
        self.run = run
        self.body = body
        self.length = length
        self.idempotent = idempotent
        self.upstream = upstream
        self.route = route
        self.caller = caller
        self.request_id = request_id
        self.trace = trace
        self.user = user
        self.bill = bill
        self.attempt: Attempt | None = None
        self.ready: tuple[Headers, bytes, int, bytes] | None = None

    def timed_out(self, now: float) -> bool:
        """Whether a deadline of ours has passed, and not one that a caller's hint has shortened.

        What was cancelled then took too long; a hint of a millisecond says nothing about an upstream (semantics 1.6).
        """
        return now >= self.deadline >= self.run.started + self.timeouts.total - _ROUNDING

    def fork(self, target: Target | None = None) -> "Call":
        """Return a copy that shares `run`, optionally bound to another target."""
        copy = Call(
            self.method, self.path, self.headers, target or self.target, self.timeouts, self.deadline, self.run,
            self.body, self.length, self.idempotent, self.upstream, self.route, self.caller, self.request_id,
            self.trace, self.user, self.bill,
        )  # fmt: skip
        copy.ready = self.ready
        return copy


class Attempt:
    """One try of a call on the wire.

    Attributes:
        call: what is tried.
        number: 1 for the first attempt of the call.
        headers: added to the call's headers for this attempt only (traceparent, the remaining time).
        lines: these as `contracts.fields.rendered` gives them, where only those are known; None where they are not.
        deadline: absolute; nothing of this attempt before its reply is handed over happens later.
        sent: set by the wire as soon as a byte of the request may have left; an error with `sent` False proves that
            the upstream did not process it (semantics 2.1).
    """

    __slots__ = ("_headers", "call", "deadline", "lines", "number", "sent")

    def __init__(
        self, call: Call, number: int, headers: Headers | None, deadline: float, lines: bytes | None = None
    ) -> None:
        self.call = call
        self.number = number
        self.deadline = deadline
        self.lines = lines
        self.sent = False
        self._headers = headers

    @property
    def headers(self) -> Headers:
        """The headers of this attempt alone, as pairs."""
        headers = self._headers
        if headers is None:
            lines = (self.lines or b"").split(b"\r\n")[:-1]
            headers = self._headers = [(name, value) for name, _, value in (line.partition(b": ") for line in lines)]
        return headers
