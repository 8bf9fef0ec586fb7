"""The data plane: one request in, one reply out, one event told."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from seawall.contracts.admission import EVERYBODY, Admission
from seawall.contracts.body import Headers
from seawall.contracts.call import IDEMPOTENT, Call, Run
from seawall.contracts.clock import Clock
from seawall.contracts.errors import CallError, Forbidden, QuotaExceeded, Refusal, RequestBodyError, Unauthenticated
from seawall.contracts.events import Emit
from seawall.contracts.peer import client_address
from seawall.contracts.problem import problem, problem_of
from seawall.contracts.reply import Reply
from seawall.contracts.request import Request
from seawall.contracts.sites import Sites, refused
from seawall.gateway.decorate import HTTP, HTTPS, VIA, via, with_own
from seawall.gateway.headers import Seen, clean_reply, clean_request, with_limits, without
from seawall.gateway.identity import new_id, request_id_of, trace_of
from seawall.gateway.models.door import ModelDoor
from seawall.gateway.models.places import below_mount
from seawall.gateway.paths import climbs
from seawall.gateway.record import Record
from seawall.gateway.refused import CLIMBING, FULL, Refused, foreign, unreadable
from seawall.gateway.relay import Relay
from seawall.gateway.table import Route, Table, Upstream
from seawall.pipeline.hints import hinted

__all__ = ["Gateway", "Options"]

_READS = frozenset((b"GET", b"HEAD"))


@dataclass(frozen=True, slots=True)
class Options:
    """How the door behaves.

    Attributes:
        sites: which Host names and browser origins are let in.
        admission: who is let in, and for how much.
        trusted_hops: how many proxies in front may be believed about X-Forwarded-For.
    """

    sites: Sites
    admission: Admission = EVERYBODY
    trusted_hops: int = 0


class Gateway:
    """The gateway as a `Handler`.

    Args:
        table: where requests go; replaced by `reload`, old calls end on the old one.
        options: how the door behaves.
        clock: time.
        random_bits: `random.getrandbits`; ids need to be unique, not secret.
        emit: observers.

    Attributes:
        full: memory is short; set by `refuse_new`.
        models: the door of the language-model routes, for calls to models on plain mounts; None without it.
    """

    def __init__(
        self, table: Table, options: Options, clock: Clock, random_bits: Callable[[int], int], emit: Emit
    ) -> None:
        self._table = table
        self._options = options
        self._clock = clock
        self._random_bits = random_bits
        self._emit = emit
        self.full = False
        self.models: ModelDoor | None = None

    @property
    def sites(self) -> Sites:
        """Which Host names and browser origins are let in."""
        return self._options.sites

    @property
    def admission(self) -> Admission:
        """Who is let in."""
        return self._options.admission

    def record(self, request: Request) -> Record:
        """Return what a request is told with."""
        return Record(self._emit, self._clock, request)

    def reload(self, table: Table, options: Options) -> None:
        """Use another table and options from the next request on."""
        self._table = table
        self._options = options

    def refuse_new(self, full: bool) -> None:
        """Refuse every new request while memory is short, with 503."""
        self.full = full

    def inside(self, request: Request, caller: str) -> Coroutine[Any, Any, Reply]:
        """Answer a request that the gateway itself makes, under the name `caller` in the log.

        No Host, page or key is asked for, since nobody outside sent it; everything else is as for any request.
        """
        return self(request, caller)

    async def __call__(self, request: Request, own: str = "") -> Reply:
        """Answer one request; raises only CancelledError, when the client leaves. `own`: see `inside`."""
        record = Record(self._emit, self._clock, request)
        options = self._options
        try:
            found = self._table.find(request.host, request.target)
            if found is None or (not own and options.sites.host_refused(request.host) is not None):
                return await self._nowhere(request, record, own)
            upstream, path = found
            record.upstream = upstream.name
            headers, seen = clean_request(request.headers, upstream.actions)
            barred = None if own else self._barred(request, seen)
            if barred is None and not own and (seen.key is not None or not options.admission.open):
                await self._admit(request, record)
                headers = without(headers, seen.key)
            raw = path.partition(b"?")[0] if b"?" in path else path
            barred = barred or (FULL if self.full else CLIMBING if climbs(raw) else None)
            if barred is not None:
                return self.refuse(record, barred)
            if upstream.api is not None and self.models is not None:
                place = below_mount(upstream.api, path)
                if place is not None:
                    return await self.models.mounted(request, record, place, upstream.name, own)
            route = upstream.route(request.method, raw)
            record.call = call = self._call(request, upstream, route, path, headers, seen)
            record.hidden, call.run.early = upstream.added, record
            admitted = record.admitted
            if admitted is not None:
                call.caller, call.user = admitted.caller, admitted.user
            elif own:
                call.caller = own
            return self._pass_on(record, await route.send(call), upstream, call)
        except CallError as error:
            return self.fail(record, error)
        except RequestBodyError as error:
            return self.refuse(record, unreadable(error))
        except asyncio.CancelledError:
            record.cancelled()
            raise
        except BaseException:  # nobody expected it; what the caller holds is given back all the same
            record.release()
            raise

    def _barred(self, request: Request, seen: Seen) -> Refused | None:
        if seen.origin is None and seen.sec_fetch_site is None:
            return None
        reason = self._options.sites.page_refused(request.host, seen.origin, seen.sec_fetch_site)
        return None if reason is None else foreign(reason)

    async def _admit(self, request: Request, record: Record) -> None:
        """Let the caller in and remember what it holds.

        Raises:
            Unauthenticated: it has no key, or one that nobody has.
            QuotaExceeded: its limits leave nothing for this call.
            Forbidden: it may not call this upstream.
        """
        try:
            record.admitted = admitted = await self._options.admission.admit(request, model_route=False)
        except QuotaExceeded as error:
            record.caller = error.caller
            raise
        record.caller = admitted.caller
        if record.upstream and not admitted.may_call(record.upstream):
            allowed = ", ".join(filter(admitted.may_call, self._table.names)) or "none"
            raise Forbidden(f"This caller may not call {record.upstream}. It may call: {allowed}.", policy="callers")

    async def _nowhere(self, request: Request, record: Record, own: str) -> Reply:
        """Refuse what meets no upstream; only who may call is told which there are."""
        reason = None if own else refused(request.headers, request.host, self._options.sites)
        if reason is not None:
            return self.refuse(record, foreign(reason))
        names = self._table.names
        if not own and (request.header(b"x-seawall-key") is not None or not self._options.admission.open):
            await self._admit(request, record)
            if record.admitted is not None:
                names = tuple(filter(record.admitted.may_call, names))
        said = f"No upstream is mounted there. Upstreams: {', '.join(names) or 'none'}."
        return self.refuse(record, Refused(404, "not-found", "No such upstream", said))

    def _call(
        self, request: Request, upstream: Upstream, route: Route, path: bytes, headers: Headers, seen: Seen
    ) -> Call:
        trace, tracestate = trace_of(seen, self._random_bits)
        if tracestate is not None:
            headers.append((b"tracestate", tracestate))
        request_id = request_id_of(seen.request_id) or trace[0]
        peer = request.peer
        if self._options.trusted_hops and seen.forwarded_for is not None:
            peer = client_address(peer, (seen.forwarded_for,), self._options.trusted_hops)
        headers += upstream.headers
        headers.append((b"x-request-id", request_id.encode("ascii")))
        headers.append(VIA if seen.via is None else via(seen.via))
        if peer:
            headers.append((b"x-forwarded-for", peer.encode("latin-1")))
        # an answer that was made for the name one client asked by must not be given to who asked by another
        if not route.kept or request.method not in _READS:
            headers.append((b"x-forwarded-host", request.host))
            headers.append(HTTPS if request.secure else HTTP)
        received = request.received
        timeouts = route.timeouts
        deadline = received + timeouts.total
        if seen.hints is not None:
            deadline = hinted(seen.hints, deadline, received)
        method = request.method
        return Call(
            method, path, headers, upstream.target, timeouts, deadline, Run(received, route.attempts),
            request.body, request.length,
            method in IDEMPOTENT or route.idempotent or seen.idempotency_key is not None,
            upstream.name, route.name, "", request_id, trace, "", route.bill,
        )  # fmt: skip

    def _pass_on(self, record: Record, reply: Reply, upstream: Upstream, call: Call) -> Reply:
        reply.headers = headers = clean_reply(reply.headers, upstream.added)
        if reply.marks is not None:
            headers += reply.marks
        with_own(headers, call, self._clock)
        if record.admitted is not None:
            limits = record.admitted.headers
            if limits:
                reply.headers = with_limits(headers, limits)
        body = reply.body
        if type(body) is not bytes:
            kind = reply.header(b"content-type") or b""
            record.relay = Relay(body, kind, upstream.name, call.request_id)  # type: ignore[arg-type]  # exact type: a Source
            reply.body = record.relay
        return record.attach(reply)

    def refuse(self, record: Record, why: Refused) -> Reply:
        """Return the problem of a refusal, told when it is closed."""
        record.outcome = "refused"
        record.error = why.kind
        request_id = self._id_of(record)
        reply = problem(why.status, why.kind, why.title, why.detail, upstream=record.upstream, request_id=request_id)
        return self._own(record, reply, request_id)

    def fail(self, record: Record, error: CallError) -> Reply:
        """Return the problem of an error, told when it is closed."""
        refusal = isinstance(error, Refusal)
        record.outcome = "refused" if refusal else "deadline" if error.type == "deadline" else "failed"
        record.error = error.type
        request_id = self._id_of(record)
        upstream = "" if isinstance(error, Unauthenticated) else record.upstream  # a stranger learns of none
        return self._own(record, problem_of(error, upstream=upstream, request_id=request_id), request_id)

    def _id_of(self, record: Record) -> str:
        call = record.call
        if call is None:
            sent = request_id_of(record.request.header(b"x-request-id"))
            record.request_id = sent or new_id(self._random_bits)
            return record.request_id
        return call.request_id

    def _own(self, record: Record, reply: Reply, request_id: str) -> Reply:
        reply.headers.append((b"x-request-id", request_id.encode("ascii")))
        if record.admitted is not None:
            reply.headers += record.admitted.headers
        return record.attach(reply)
