"""The data plane: one request in, one reply out, one event told."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from seawall.contracts.body import Headers
from seawall.contracts.call import IDEMPOTENT, Call, Run
from seawall.contracts.clock import Clock
from seawall.contracts.errors import CallError, Refusal, RequestBodyError
from seawall.contracts.events import Emit
from seawall.contracts.problem import problem, problem_of
from seawall.contracts.reply import Reply
from seawall.contracts.request import Request
from seawall.contracts.sites import Sites
from seawall.gateway.decorate import via, with_own
from seawall.gateway.headers import Seen, clean_reply, clean_request
from seawall.gateway.identity import client_address, request_id_of, trace_of
from seawall.gateway.paths import climbs
from seawall.gateway.record import Record
from seawall.gateway.relay import Relay
from seawall.gateway.table import Route, Table, Upstream
from seawall.pipeline.hints import hinted

__all__ = ["Gateway", "Options"]


@dataclass(frozen=True, slots=True)
class Options:
    """How the door behaves.

    Attributes:
        sites: which Host names and browser origins are let in.
        anonymous: whether callers without a key are let in.
        trusted_hops: how many proxies in front may be believed about X-Forwarded-For.
    """

    sites: Sites
    anonymous: bool = True
    trusted_hops: int = 0


class Gateway:
    """The gateway as a `Handler`.

    Args:
        table: where requests go; replaced by `reload`, old calls end on the old one.
        options: how the door behaves.
        clock: time.
        random_bits: `random.getrandbits`; ids need to be unique, not secret.
        emit: observers.
    """

    def __init__(
        self, table: Table, options: Options, clock: Clock, random_bits: Callable[[int], int], emit: Emit
    ) -> None:
        self._table = table
        self._options = options
        self._clock = clock
        self._random_bits = random_bits
        self._emit = emit

    def reload(self, table: Table, options: Options) -> None:
        """Use another table and options from the next request on."""
        self._table = table
        self._options = options

    async def __call__(self, request: Request) -> Reply:
        """Answer one request; raises only CancelledError, when the client leaves."""
        record = Record(self._emit, self._clock, request)
        found = self._table.find(request.host, request.target)
        reason = self._options.sites.host_refused(request.host)
        if reason is not None or found is None:
            refusal = self._nowhere() if reason is None else _foreign(reason)
            return self._answer(record, request_id_of(None, self._random_bits), refusal)
        upstream, path = found
        headers, seen = clean_request(request.headers, upstream.actions)
        record.upstream = upstream.name
        record.request_id = request_id_of(seen.request_id, self._random_bits)
        raw = path.partition(b"?")[0]
        barred = self._barred(request, seen)
        if barred is not None:
            return self._answer(record, record.request_id, barred)
        if climbs(raw):
            return self._answer(record, record.request_id, _climbing())
        route = upstream.route(request.method, raw)
        record.route = route.name
        call = self._call(request, upstream, route, path, headers, seen, record)
        record.call = call
        try:
            reply = await route.send(call)
        except CallError as error:
            return self._answer(
                record, call.request_id, problem_of(error, upstream=upstream.name, request_id=call.request_id), error
            )
        except RequestBodyError as error:
            return self._answer(
                record,
                call.request_id,
                problem(
                    error.status,
                    "too-large" if error.status == 413 else "bad-request",
                    "The request's body cannot be used",
                    str(error),
                    upstream=upstream.name,
                    request_id=call.request_id,
                ),
            )
        except asyncio.CancelledError:
            record.cancelled()
            raise
        return self._pass_on(record, reply, upstream, call)

    def _barred(self, request: Request, seen: Seen) -> Reply | None:
        options = self._options
        if seen.origin is not None or seen.sec_fetch_site is not None:
            reason = options.sites.page_refused(request.host, seen.origin, seen.sec_fetch_site)
            if reason is not None:
                return _foreign(reason)
        if not options.anonymous:
            reply = problem(401, "unauthenticated", "A key is needed", "Send the caller's key as X-Seawall-Key.")
            reply.headers.append((b"www-authenticate", b'Bearer realm="seawall"'))
            return reply
        return None

    def _nowhere(self) -> Reply:
        names = ", ".join(self._table.names) or "none"
        return problem(404, "not-found", "No such upstream", f"No upstream is mounted there. Upstreams: {names}.")

    def _call(
        self, request: Request, upstream: Upstream, route: Route, path: bytes, headers: Headers, seen: Seen,
        record: Record,
    ) -> Call:  # fmt: skip
        trace, tracestate = trace_of(seen, self._random_bits)
        record.trace_id = trace[0]
        if tracestate is not None:
            headers.append((b"tracestate", tracestate))
        if upstream.headers:
            headers += upstream.headers
        headers.append((b"x-request-id", record.request_id.encode("ascii")))
        headers.append(via(seen.via))
        peer = request.peer.encode("ascii")
        if self._options.trusted_hops and seen.forwarded_for is not None:
            peer = client_address(request.peer, seen.forwarded_for, self._options.trusted_hops).encode("latin-1")
        if peer:
            headers.append((b"x-forwarded-for", peer))
        headers.append((b"x-forwarded-host", request.host))
        headers.append((b"x-forwarded-proto", b"https" if request.secure else b"http"))
        received = request.received
        deadline = received + route.timeouts.total
        if seen.hints is not None:
            deadline = hinted(seen.hints, deadline, received)
        method = request.method
        return Call(
            method, path, headers, upstream.target, route.timeouts, deadline, Run(received, route.attempts),
            request.body, request.length,
            method in IDEMPOTENT or route.idempotent or seen.idempotency_key is not None,
            upstream.name, route.name, record.caller, record.request_id, trace,
        )  # fmt: skip

    def _pass_on(self, record: Record, reply: Reply, upstream: Upstream, call: Call) -> Reply:
        reply.headers = headers = clean_reply(reply.headers, upstream.added)
        with_own(headers, call, self._clock)
        body = reply.body
        if type(body) is not bytes:
            kind = reply.header(b"content-type") or b""
            record.relay = Relay(body, kind, upstream.name, call.request_id)  # type: ignore[arg-type]
            reply.body = record.relay
        return record.attach(reply)

    def _answer(self, record: Record, request_id: str, reply: Reply, error: CallError | None = None) -> Reply:
        record.request_id = request_id
        reply.headers.append((b"x-request-id", request_id.encode("ascii")))
        if error is None:
            record.outcome = "refused"
        elif isinstance(error, Refusal):
            record.outcome = "refused"
            record.error = error.type
        else:
            record.outcome = "deadline" if error.type == "deadline" else "failed"
            record.error = error.type
        return record.attach(reply)


def _foreign(reason: str) -> Reply:
    return problem(403, "cross-site", "This request may not come from there", reason)


def _climbing() -> Reply:
    return problem(
        400,
        "bad-request",
        "The path holds dot segments",
        "Resolve `..` segments before sending (RFC 3986 section 5.2.4).",
    )
