"""The data plane: one request in, one reply out, one event told."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from seawall.contracts.call import Call
from seawall.contracts.clock import Clock
from seawall.contracts.errors import CallError, Refusal, RequestBodyError
from seawall.contracts.events import Emit
from seawall.contracts.problem import problem, problem_of
from seawall.contracts.reply import Reply
from seawall.contracts.request import Request
from seawall.contracts.sites import Sites, refused
from seawall.gateway.decorate import with_own
from seawall.gateway.headers import Seen, clean_reply, clean_request
from seawall.gateway.identity import new_id, request_id_of
from seawall.gateway.paths import climbs
from seawall.gateway.plan import Plan
from seawall.gateway.record import Record
from seawall.gateway.refused import CLIMBING, FULL, NO_KEY, Refused, foreign
from seawall.gateway.relay import Relay
from seawall.gateway.table import Table, Upstream

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
        self._era = object()  # another one whenever table or options are
        self.full = False

    def reload(self, table: Table, options: Options) -> None:
        """Use another table and options from the next request on."""
        self._table = table
        self._options = options
        self._era = object()

    def refuse_new(self, full: bool) -> None:
        """Refuse every new request while memory is short, with 503."""
        self.full = full

    async def __call__(self, request: Request) -> Reply:
        """Answer one request; raises only CancelledError, when the client leaves."""
        record = Record(self._emit, self._clock, request)
        memory = request.memory
        plan = None if memory is None else memory.kept
        if type(plan) is not Plan or plan.era is not self._era:
            reason = self._options.sites.host_refused(request.host)
            found = self._table.find(request.host, request.target)
            if reason is not None or found is None:
                return self._refuse(record, self._nowhere(request))
            upstream, path = found
            record.upstream = upstream.name
            headers, seen = clean_request(request.headers, upstream.actions)
            raw = path.partition(b"?")[0]
            barred = self._barred(request, seen) or (CLIMBING if climbs(raw) else None)
            if barred is not None:
                return self._refuse(record, barred)
            place = upstream.route(request.method, raw), path
            plan = Plan(request, upstream, place, headers, seen, self._options.trusted_hops)
            if memory is not None:
                plan.era = self._era
                memory.kept = plan
        record.upstream = plan.upstream.name
        if self.full:
            return self._refuse(record, FULL)
        record.call = call = plan.call(request, self._random_bits)
        try:
            reply = await plan.send(call)
        except CallError as error:
            return self._fail(record, error)
        except RequestBodyError as error:
            kind = "too-large" if error.status == 413 else "bad-request"
            said = Refused(error.status, kind, "The request's body cannot be used", str(error))
            return self._refuse(record, said)
        except asyncio.CancelledError:
            record.cancelled()
            raise
        return self._pass_on(record, reply, plan.upstream, call)

    def _barred(self, request: Request, seen: Seen) -> Refused | None:
        options = self._options
        if seen.origin is not None or seen.sec_fetch_site is not None:
            reason = options.sites.page_refused(request.host, seen.origin, seen.sec_fetch_site)
            if reason is not None:
                return foreign(reason)
        if not options.anonymous:
            return NO_KEY
        return None

    def _nowhere(self, request: Request) -> Refused:
        """Return why a request meets no upstream; only who may call is told which there are."""
        reason = refused(request.headers, request.host, self._options.sites)
        if reason is not None:
            return foreign(reason)
        if not self._options.anonymous:
            return NO_KEY
        names = ", ".join(self._table.names) or "none"
        return Refused(404, "not-found", "No such upstream", f"No upstream is mounted there. Upstreams: {names}.")

    def _pass_on(self, record: Record, reply: Reply, upstream: Upstream, call: Call) -> Reply:
        reply.headers = headers = clean_reply(reply.headers, upstream.added)
        if reply.marks is not None:
            headers += reply.marks
        with_own(headers, call, self._clock)
        body = reply.body
        if type(body) is not bytes:
            kind = reply.header(b"content-type") or b""
            record.relay = Relay(body, kind, upstream.name, call.request_id)  # type: ignore[arg-type]  # exact type: a Source
            reply.body = record.relay
        return record.attach(reply)

    def _refuse(self, record: Record, why: Refused) -> Reply:
        record.outcome = "refused"
        record.error = why.kind
        request_id = self._id_of(record)
        reply = problem(why.status, why.kind, why.title, why.detail, upstream=record.upstream, request_id=request_id)
        reply.headers += why.headers
        return self._own(record, reply, request_id)

    def _fail(self, record: Record, error: CallError) -> Reply:
        refusal = isinstance(error, Refusal)
        record.outcome = "refused" if refusal else "deadline" if error.type == "deadline" else "failed"
        record.error = error.type
        request_id = self._id_of(record)
        return self._own(record, problem_of(error, upstream=record.upstream, request_id=request_id), request_id)

    def _id_of(self, record: Record) -> str:
        call = record.call
        if call is None:
            sent = request_id_of(record.request.header(b"x-request-id"))
            record.request_id = sent or new_id(self._random_bits)
            return record.request_id
        return call.request_id

    def _own(self, record: Record, reply: Reply, request_id: str) -> Reply:
        reply.headers.append((b"x-request-id", request_id.encode("ascii")))
        return record.attach(reply)
