"""The cache stage: answers from what is kept, asks upstream for what is not (RFC 9111, semantics 7)."""

from collections.abc import Sequence
from functools import partial

from seawall.contracts.body import Source
from seawall.contracts.call import SAFE, Call
from seawall.contracts.errors import CallError
from seawall.contracts.policy import Context, Position, Proceed, Stage
from seawall.contracts.problem import problem
from seawall.contracts.reply import Reply
from seawall.contracts.store import Entries, SharedEntries
from seawall.contracts.wheel import TimeLimit
from seawall.policies.cache.answer import answer
from seawall.policies.cache.arrival import Arrival, Visit, passed_on
from seawall.policies.cache.bystander import Bystander
from seawall.policies.cache.core import Use, decide
from seawall.policies.cache.directives import request_directives
from seawall.policies.cache.entry import Entry
from seawall.policies.cache.exchange import Question, exchange
from seawall.policies.cache.flight import Flights
from seawall.policies.cache.key import Reader
from seawall.policies.cache.second import Second
from seawall.policies.cache.settings import CacheSettings
from seawall.policies.cache.shelf import Shelf, Verdict
from seawall.policies.cache.stale import stands_in
from seawall.policies.cache.status import hit
from seawall.policies.cache.tee import Keeping
from seawall.stores.memory import MemoryEntries

__all__ = ["Cache", "build", "bystander"]

_ROUNDS = 3  # times a call waits for another's answer before it asks for itself
_MARGIN = 0.05  # seconds before the deadline at which a stale copy is given (semantics 1.2)
_DEFAULT = 32 << 20  # bytes, where no store is handed in
_NOT_KEPT = "not-cached"
_S_MAXAGE = b"s-maxage forbids stale-while-revalidate"
# What a client asks of its own answer is not asked of a refresh behind
_OWN = frozenset((
    b"if-none-match", b"if-modified-since", b"range", b"if-range", b"cache-control", b"pragma",
))  # fmt: skip


class _Impatient(Exception):
    """Patience has ended."""


class Cache:
    """The stage of one upstream or route.

    Args:
        settings: of it.
        ctx: time. `options["added"]`: lower-case names of the headers the gateway itself puts in for this upstream;
            `options["mount"]`: raw path prefix under which clients see it.
        store: where entries are.
        flights: of the upstream.
        second: what replicas share, or None.
    """

    __slots__ = ("_arrival", "_bystander", "_find", "_flights", "_now", "_patience", "_read", "_shelf", "_uri", "_wall")

    def __init__(
        self,
        settings: CacheSettings,
        ctx: Context,
        store: Entries[Entry],
        flights: Flights,
        second: Second | None = None,
    ) -> None:
        reader = Reader(ctx.upstream, ctx.options.get("added", ()), settings.share == "caller")
        self._read = reader.read
        self._uri = reader.uri
        self._patience = settings.patience
        self._flights = flights
        self._bystander = Bystander(ctx, store, flights, second)
        self._shelf = Shelf(settings, ctx.clock, store, flights.under_way, second)
        self._find = self._shelf.find
        self._now = ctx.clock.now
        self._wall = ctx.clock.wall
        self._arrival = Arrival(self._now, self._wall)

    async def send(self, call: Call, proceed: Proceed) -> Reply:
        """Answer from what is kept, or proceed.

        Raises:
            CallError: the upstream's, where nothing kept may stand in for its answer.
        """
        method = call.method
        if method != b"GET" and method != b"HEAD":
            return await self._other(call, proceed)
        if call.body != b"":  # what a body on GET means only the upstream knows (security.md 12)
            return await self._past(call, proceed)
        asked = self._read(call)
        uri = self._uri(call.path)
        entry, missing = self._find(uri, asked.scope, call.headers)
        now = self._now()
        if asked.cache_control is None and asked.pragma is None:
            if entry is not None and now < entry.fresh_until and asked.precondition is None:
                call.run.cache = "hit"
                member = hit(entry.fresh_until - now)
                return answer(entry, asked, method == b"HEAD", now - entry.born, member, self._wall())
            asks = None
        else:
            asks = request_directives(asked.cache_control, asked.pragma)
        if asked.precondition is not None:
            return await self._past(call, proceed)
        visit = Visit(call, asked, asks, uri, entry, missing)
        return self._from_store(visit, proceed, now) or await self._from_upstream(visit, proceed)

    def _from_store(self, visit: Visit, proceed: Proceed, now: float) -> Reply | None:
        """Return the answer from the store where that is allowed, or None and say in `visit` why not."""
        entry, asks, call = visit.entry, visit.asks, visit.call
        if entry is not None:
            visit.use = use = decide(entry, asks, now)
            if use is Use.FRESH or use is Use.STALE or use is Use.BEHIND:
                if use is Use.BEHIND:
                    self._refresh(visit, proceed)
                left = entry.lifetime - (now - entry.born)
                call.run.cache = "stale" if left <= 0 else "hit"
                head_only = call.method == b"HEAD"
                return answer(entry, visit.asked, head_only, now - entry.born, hit(left), self._wall())
            visit.reason = b"stale" if use is Use.VALIDATE else b"request"
            if use is Use.VALIDATE and entry.shared_age and entry.asked_swr:
                visit.detail = _S_MAXAGE
        if asks is not None and asks.only_if_cached:  # RFC 9111 section 5.2.1.7
            call.run.cache = "miss"
            title = "Nothing is kept that may be given"
            return problem(504, _NOT_KEPT, title, upstream=call.upstream, request_id=call.request_id)
        return None

    async def _from_upstream(self, visit: Visit, proceed: Proceed) -> Reply:
        call, asked, asks = visit.call, visit.asked, visit.asks
        call.run.cache = "miss"
        if call.method == b"HEAD":
            return await self._head(visit, proceed)
        if asked.range is not None:  # passed through; a part is never kept as the whole (section 3.4)
            call.run.cache = "bypass"
            given, theirs = await self._sent_once(visit, proceed)
            return passed_on(given, b"bypass") if theirs else given
        # What wants its own answer neither waits for another's nor lets others wait for it
        if visit.use is Use.REQUEST or (asks is not None and (asks.no_cache or asks.no_store)):
            return await self._alone(visit, proceed)
        flights, shelf = self._flights, self._shelf
        for _ in range(_ROUNDS):
            slot = shelf.slot(visit.uri, call.headers)
            key = (visit.uri, asked.scope, slot)
            if flights.alone.has(key, self._now()):
                break
            flight = flights.find(key, call)
            first = flight is None
            if flight is None:
                flight = flights.start(key, self._question(visit, key), shelf, proceed)
            landing = await flights.wait(flight, first, self._patient_until(visit))
            reply = self._arrival.of(landing, visit)
            if reply is not None:
                return reply
            visit.entry, visit.reason = self._find(visit.uri, asked.scope, call.headers)
            reply = self._from_store(visit, proceed, self._now())
            if reply is not None:
                return reply
        return await self._alone(visit, proceed)

    def _question(self, visit: Visit, key: tuple[bytes, bytes, bytes]) -> Question:
        forward = visit.entry is None and not self._flights.fill.has(key, self._now())
        ticket = self._shelf.begin(visit.uri, visit.asked.scope)
        return Question(ticket, visit.call, visit.asked, visit.entry, forward=forward, once=self._stands_in(visit))

    def _patient_until(self, visit: Visit) -> float | None:
        """Return until when the upstream may answer while a stale copy could stand in, None where none could."""
        if not self._stands_in(visit):
            return None
        return min(self._now() + self._patience, visit.call.deadline - _MARGIN)

    def _stands_in(self, visit: Visit) -> bool:
        return visit.entry is not None and stands_in(visit.entry, visit.asks, self._now())

    def _refresh(self, visit: Visit, proceed: Proceed) -> None:
        """Start a refresh behind the answer, unless one is under way."""
        key = (visit.uri, visit.asked.scope, self._shelf.slot(visit.uri, visit.call.headers))
        if self._flights.find(key, visit.call) is None:
            call = visit.call.fork()
            call.method = b"GET"
            call.headers = [pair for pair in call.headers if pair[0] not in _OWN]
            asked = self._read(call)
            ticket = self._shelf.begin(visit.uri, asked.scope)
            question = Question(ticket, call, asked, visit.entry)
            self._flights.start(key, question, self._shelf, proceed, behind=True)

    async def _alone(self, visit: Visit, proceed: Proceed) -> Reply:
        """Ask for this call only; what may be kept is kept all the same."""
        shelf, asks, asked = self._shelf, visit.asks, visit.asked
        keep = asks is None or not asks.no_store
        until = self._patient_until(visit)
        ticket = shelf.begin(visit.uri, asked.scope)
        question = Question(
            ticket, visit.call, asked, visit.entry,
            keep=keep, forward=visit.entry is None, once=until is not None,
        )  # fmt: skip
        if until is not None:  # the call has to go on when patience ends, so it is a flight's
            key = (visit.uri, asked.scope, shelf.slot(visit.uri, visit.call.headers))
            flight = self._flights.start(key, question, shelf, proceed, apart=True)
            landing = await self._flights.wait(flight, True, until)
            return self._arrival.of(landing, visit) or self._arrival.meanwhile(visit)
        try:
            verdict = await exchange(question, shelf, proceed)
        except CallError as error:
            shelf.end(ticket)
            return self._arrival.failed(error, visit)
        except BaseException:
            shelf.end(ticket)
            raise
        reply = verdict.reply
        if reply is None or not verdict.coming:
            shelf.end(ticket)
        else:
            self._keep(question, verdict, reply)
        return self._arrival.first(verdict, None, visit)

    def _keep(self, question: Question, verdict: Verdict, reply: Reply) -> None:
        """Let a body that still comes be kept as its one reader reads it."""
        shelf, ticket, call = self._shelf, question.ticket, question.call
        store = shelf.store

        def whole(body: bytes) -> None:
            shelf.finish(ticket, verdict, call, body)

        source: Source = reply.body  # type: ignore[assignment] # exact type: what comes is never bytes
        reply.body = Keeping(source, shelf.settings.largest, store.hold, store.release, whole)
        reply.on_close(partial(shelf.end, ticket))

    async def _head(self, visit: Visit, proceed: Proceed) -> Reply:
        """Pass HEAD on; what it says freshens or ends what is kept for GET (section 4.3.5)."""
        entry, asks = visit.entry, visit.asks
        asked_at = self._now()
        reply, theirs = await self._sent_once(visit, proceed)
        if not theirs:
            return reply
        if reply.status == 200 and entry is not None and (asks is None or not asks.no_store):
            self._shelf.head(visit.uri, visit.asked, visit.call, entry, reply, asked_at)
        return passed_on(reply, visit.reason)

    async def _sent_once(self, visit: Visit, proceed: Proceed) -> tuple[Reply, bool]:
        """Pass the call on as it is; return the upstream's answer and True, or a stale copy for one that failed.

        Raises:
            CallError: there is no answer, and no copy may stand in.
        """
        until = self._patient_until(visit)
        try:
            if until is None:
                reply = await proceed(visit.call)
            else:
                visit.call.run.once = True
                with TimeLimit(self._flights.wheel, until, _Impatient):
                    reply = await proceed(visit.call)
        except _Impatient:
            return self._arrival.meanwhile(visit), False
        except CallError as error:
            return self._arrival.failed(error, visit), False
        copy = self._arrival.instead(reply, visit)
        return (reply, True) if copy is None else (copy, False)

    async def _other(self, call: Call, proceed: Proceed) -> Reply:
        """Pass on what is neither GET nor HEAD; an unsafe one that did not fail makes answers invalid (section 4.4)."""
        call.run.cache = "bypass"
        reply = await proceed(call)
        if call.method not in SAFE:
            self._bystander.invalidate(call, reply)
        return passed_on(reply, b"method")

    async def _past(self, call: Call, proceed: Proceed) -> Reply:
        call.run.cache = "bypass"
        return passed_on(await proceed(call), b"bypass")


def build(settings: CacheSettings, ctx: Context) -> Sequence[tuple[Position, Stage]]:
    """Return the stage; the store is everybody's, flights are the upstream's.

    `options["entries"]` is the store; without it one of 32 MiB is kept under (`""`, `cache`, `entries`). What is kept
    under (upstream, `cache`, `flights`) is a `Flights`, to be closed when the gateway is taken down.
    `options["shared_entries"]` is what replicas share, where they do.
    """
    return ((Position.CACHE, Cache(settings, ctx, *_state(ctx), _second(ctx, settings.largest))),)


def bystander(ctx: Context) -> Sequence[tuple[Position, Stage]]:
    """Return the stage of a route without a cache on an upstream that has one elsewhere."""
    return ((Position.CACHE, Bystander(ctx, *_state(ctx), _second(ctx, 0))),)


def _second(ctx: Context, largest: int) -> Second | None:
    shared: SharedEntries | None = ctx.options.get("shared_entries")
    return None if shared is None else Second(shared, ctx.clock.now, largest)


def _state(ctx: Context) -> tuple[Entries[Entry], Flights]:
    store: Entries[Entry] | None = ctx.options.get("entries")
    if store is None:
        store = ctx.keep("", "cache", "entries", partial(MemoryEntries[Entry], _DEFAULT))
    return store, ctx.keep(ctx.upstream, "cache", "flights", partial(Flights, ctx.wheel))
