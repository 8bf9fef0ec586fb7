"""The data plane: one request in, one reply out, one event told."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from seawall.contracts.admission import EVERYBODY, Admission
from seawall.contracts.call import Call
from seawall.contracts.clock import Clock
from seawall.contracts.errors import CallError, Forbidden, QuotaExceeded, Refusal, RequestBodyError, Unauthenticated
from seawall.contracts.events import Emit
from seawall.contracts.problem import problem, problem_of
from seawall.contracts.reply import Reply
from seawall.contracts.request import Request
from seawall.contracts.sites import Sites, refused
from seawall.gateway.bounded import bound
from seawall.gateway.decorate import with_own
from seawall.gateway.headers import Seen, clean_reply, clean_request, with_limits, without
from seawall.gateway.identity import new_id, request_id_of
from seawall.gateway.models.door import ModelDoor
from seawall.gateway.models.places import below_mount
from seawall.gateway.paths import climbs
from seawall.gateway.plan import Plan
from seawall.gateway.record import Record
from seawall.gateway.refused import CLIMBING, FULL, Refused, foreign, unreadable
from seawall.gateway.relay import Relay
from seawall.gateway.table import Table, Upstream

__all__ = ["Gateway", "Options"]


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
        self._era = object()  # another one whenever table or options are
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
        self._era = object()

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
        try:
            memory = request.memory
            plan = None if memory is None else memory.kept
            if type(plan) is Plan and plan.era is self._era:
                record.upstream = plan.upstream.name
                if plan.keyed or not self._options.admission.open:
                    await self._admit(request, record)
                if self.full:
                    return self.refuse(record, FULL)
            else:
                found = await self._decide(request, record, own)
                if type(found) is not Plan:
                    return found  # type: ignore[return-value]  # exact type: a Reply
                plan = found
            most = plan.upstream.max_body
            if most is not None and request.length != 0:
                bound(request, most)
            record.call = call = plan.call(request, self._random_bits)
            record.hidden, call.run.early = plan.upstream.added, record
            admitted = record.admitted
            if admitted is not None:
                call.caller, call.user = admitted.caller, admitted.user
            elif own:
                call.caller = own
            return self._pass_on(record, await plan.send(call), plan.upstream, call)
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

    async def _decide(self, request: Request, record: Record, own: str) -> Plan | Reply:
        """Return the plan of a request whose head its connection has not just had, or the answer to it."""
        options = self._options
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
        raw = path.partition(b"?")[0]
        barred = barred or (FULL if self.full else CLIMBING if climbs(raw) else None)
        if barred is not None:
            return self.refuse(record, barred)
        place = None if upstream.api is None or self.models is None else below_mount(upstream.api, path)
        if place is not None and self.models is not None:
            return await self.models.mounted(request, record, place, upstream.name, own)
        plan = Plan(request, upstream, (upstream.route(request.method, raw), path), headers, seen, options.trusted_hops)
        if request.memory is not None:
            plan.era = self._era
            request.memory.kept = plan
        return plan

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

    def _pass_on(self, record: Record, reply: Reply, upstream: Upstream, call: Call) -> Reply:
        headers, ready = reply.headers, reply.ready
        if ready is None or ready[0] is not headers or not upstream.passes(ready):
            reply.headers = clean_reply(headers, upstream.added)
        with_own(reply, call, self._clock.now())
        headers = reply.headers
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
