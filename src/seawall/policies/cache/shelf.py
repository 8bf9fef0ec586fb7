"""What is kept for one upstream or route: found, judged, put, taken away. Decides nothing about waiting."""

from collections import OrderedDict
from collections.abc import Sequence

from seawall.contracts.body import Headers
from seawall.contracts.call import Call
from seawall.contracts.clock import Clock
from seawall.contracts.reply import Reply
from seawall.contracts.store import Entries, Look
from seawall.policies.cache.directives import Directives, response_directives
from seawall.policies.cache.entry import Entry
from seawall.policies.cache.key import Asked, variant, vary_names
from seawall.policies.cache.second import Second
from seawall.policies.cache.settings import CacheSettings
from seawall.policies.cache.stale import FAILED
from seawall.policies.cache.storable import Arrived, make, refusal
from seawall.policies.cache.validation import freshened, head_agrees

__all__ = ["Marks", "Shelf", "Ticket", "Verdict"]

# These say nothing about what is kept: the upstream is busy or ill.
_NO_WORD = frozenset((408, 425, 429))
_MARKS = 4096


class Ticket:
    """One request to the upstream that may end in an entry.

    Attributes:
        uri, scope: of its key.
        doomed: an unsafe request has made its answer invalid before it came.
        look: where replicas share, what was there before the upstream was asked; its lease is this replica's.
        shared: its answer was given to the others.
    """

    __slots__ = ("doomed", "look", "scope", "shared", "uri")

    def __init__(self, uri: bytes, scope: bytes) -> None:
        self.uri = uri
        self.scope = scope
        self.doomed = False
        self.look: Look | None = None
        self.shared = False


class Verdict:
    """An answer of the upstream, judged.

    Attributes:
        reply: the answer itself, to be closed by whoever has the verdict; None where `entry` is all there is of it.
        entry: what is kept of it, None where nothing may be. With `coming` its body is still empty.
        coming: the body is still to be read and then given to `Shelf.finish`.
        stored: it is in the store.
        status: the upstream's.
        refused: why nothing is kept.
        failed: it is an error for which a stale copy may stand in.
    """

    __slots__ = ("coming", "entry", "failed", "head", "refused", "reply", "said", "status", "stored")

    def __init__(self, head: Arrived, status: int, reply: Reply | None) -> None:
        self.head = head
        self.status = status
        self.reply = reply
        self.said: Directives | None = None
        self.entry: Entry | None = None
        self.coming = False
        self.stored = False
        self.refused = ""
        self.failed = False


class Marks:
    """Keys remembered for a while, bounded: the oldest is forgotten first."""

    __slots__ = ("_until",)

    def __init__(self) -> None:
        self._until: OrderedDict[object, float] = OrderedDict()

    def add(self, key: object, until: float) -> None:
        """Remember `key` until then, monotonic seconds."""
        self._until[key] = until
        self._until.move_to_end(key)
        if len(self._until) > _MARKS:
            self._until.popitem(last=False)

    def has(self, key: object, now: float) -> bool:
        """Whether `key` is remembered."""
        until = self._until.get(key)
        if until is None:
            return False
        if now < until:
            return True
        del self._until[key]
        return False

    def discard(self, key: object) -> None:
        """Forget `key`."""
        self._until.pop(key, None)

    def __len__(self) -> int:
        return len(self._until)


class Shelf:
    """The store as one route sees it.

    Args:
        settings: of the route.
        clock: time.
        store: where entries are.
        under_way: requests to the upstream that may end in an entry, by URI; shared by all routes of the upstream.
        second: what replicas share, or None.
    """

    __slots__ = ("_clock", "_targeted", "_under_way", "second", "settings", "store")

    def __init__(
        self,
        settings: CacheSettings,
        clock: Clock,
        store: Entries[Entry],
        under_way: dict[bytes, set[Ticket]],
        second: Second | None = None,
    ) -> None:
        self.second = second
        self.settings = settings
        self._clock = clock
        self.store = store
        self._targeted: Sequence[bytes] = [name.lower().encode("ascii") for name in settings.targeted]
        self._under_way = under_way

    def now(self) -> float:
        """Return monotonic seconds."""
        return self._clock.now()

    def find(self, uri: bytes, scope: bytes, headers: Headers) -> tuple[Entry | None, bytes]:
        """Return the newest answer whose key fits (RFC 9111 section 4.1), or None and how it is missing."""
        store = self.store
        best: Entry | None = None
        varied = False
        for names in store.names(uri):
            found = store.get(uri, (scope, variant(names, headers) if names else b""))
            if found is None:
                varied = varied or bool(names)
            elif best is None or found.born > best.born:
                best = found
        return best, b"vary-miss" if varied else b"uri-miss"

    def slot(self, uri: bytes, headers: Headers) -> bytes:
        """Return what tells variants of a URI apart as far as they are known: for whom one request may do."""
        known = sorted(self.store.names(uri))
        return b"".join([variant(names, headers) for names in known])

    def begin(self, uri: bytes, scope: bytes) -> Ticket:
        """Return the ticket of a request about to be sent; `end` it."""
        ticket = Ticket(uri, scope)
        self._under_way.setdefault(uri, set()).add(ticket)
        return ticket

    def end(self, ticket: Ticket) -> None:
        """Nothing more comes of this request."""
        look, ticket.look = ticket.look, None
        if look is not None and self.second is not None and not ticket.shared:
            self.second.let_go(look)
        tickets = self._under_way.get(ticket.uri)
        if tickets is not None:
            tickets.discard(ticket)
            if not tickets:
                del self._under_way[ticket.uri]

    def judge(
        self, ticket: Ticket, call: Call, asked: Asked, old: Entry | None, reply: Reply, asked_at: float, keep: bool
    ) -> Verdict:
        """Judge an answer, and keep it where it may be and is all here.

        Args:
            ticket: of its request.
            call: that was answered, with the client's own headers.
            asked: what those say.
            old: the entry that was asked about, or None.
            reply: a 304 to other conditions than ours is not for this method.
            asked_at: monotonic seconds.
            keep: whether the request lets anything be kept.
        """
        status = reply.status
        validated = status == 304 and old is not None
        headers = freshened(old, reply.headers) if validated and old is not None else reply.headers
        head = Arrived(
            old.status if validated and old is not None else status,
            headers, asked_at, self._clock.now(), self._clock.wall(),
        )  # fmt: skip
        fixed = _fixed(reply)
        verdict = Verdict(head, status, reply)
        verdict.failed = status in FAILED or fixed
        said = verdict.said = response_directives(headers, self._targeted)
        verdict.refused = "fallback" if fixed else self._refusal(verdict, said, asked, reply, keep)
        if not verdict.refused:
            body = old.body if validated and old is not None else reply.body
            coming = type(body) is not bytes
            verdict.coming = coming
            made = self._make(verdict, call, b"" if coming else body)  # type: ignore[arg-type] # exact type
            if made is None:
                verdict.refused = "of no use"
                verdict.coming = False
            elif not coming:
                verdict.stored = self._put(ticket, made)
        if validated and old is not None:
            self._validated(verdict, call, old, reply)
        if old is not None:
            self._supersede(ticket, verdict, old, keep)
        return verdict

    def finish(self, ticket: Ticket, verdict: Verdict, call: Call, body: bytes) -> Entry | None:
        """Keep an answer whose body has come; None where it is not as long as declared or was made invalid since."""
        reply = verdict.reply
        if reply is not None and reply.length is not None and reply.length != len(body):
            return None
        made = self._make(verdict, call, body)
        if made is None or not self._put(ticket, made):
            return None
        return made

    def head(self, uri: bytes, asked: Asked, call: Call, old: Entry, reply: Reply, asked_at: float) -> None:
        """Freshen what is kept with a 200 to HEAD, or forget it where that is about something else (section 4.3.5)."""
        if not head_agrees(old, reply.headers, reply.length):
            self._drop(uri, asked.scope, old)
            return
        head = Arrived(200, freshened(old, reply.headers), asked_at, self._clock.now(), self._clock.wall())
        said = response_directives(head.headers, self._targeted)
        verdict = Verdict(head, 200, None)
        verdict.said = said
        made = None if refusal(head, said, asked, self.settings) else self._make(verdict, call, old.body)
        self._drop(uri, asked.scope, old)
        if made is not None:
            self.store.put(uri, (asked.scope, made.variant), made.names, made)

    def _refusal(self, verdict: Verdict, said: Directives, asked: Asked, reply: Reply, keep: bool) -> str:
        if not keep:
            return "request"
        length = len(reply.body) if type(reply.body) is bytes else reply.length
        if length is not None and length > self.settings.largest and verdict.status != 304:
            return "too large"
        return refusal(verdict.head, said, asked, self.settings)

    def _make(self, verdict: Verdict, call: Call, body: bytes) -> Entry | None:
        names = vary_names(verdict.head.headers)
        if names is None or verdict.said is None:
            return None
        verdict.entry = make(verdict.head, verdict.said, body, variant(names, call.headers), self.settings)
        return verdict.entry

    def _put(self, ticket: Ticket, entry: Entry) -> bool:
        if ticket.doomed:
            return False
        put = self.store.put(ticket.uri, (ticket.scope, entry.variant), entry.names, entry)
        if put and ticket.look is not None and self.second is not None:
            ticket.shared = self.second.put(ticket.uri, ticket.scope, entry, ticket.look)
        return put

    def _drop(self, uri: bytes, scope: bytes, entry: Entry) -> None:
        self.store.drop(uri, (scope, entry.variant))
        if self.second is not None:
            self.second.drop(uri, scope, entry)

    def _validated(self, verdict: Verdict, call: Call, old: Entry, reply: Reply) -> None:
        """Let the kept body answer; where nothing may be kept any more, for the one who asked only."""
        reply.close()
        verdict.reply = None
        if verdict.entry is None:
            headers = [pair for pair in verdict.head.headers if pair[0] != b"age"]
            verdict.reply = Reply(old.status, headers, old.body)

    def _supersede(self, ticket: Ticket, verdict: Verdict, old: Entry, keep: bool) -> None:
        """Forget the entry that was asked about once the upstream has given another answer (section 4.3.3)."""
        if verdict.failed or verdict.status >= 500 or verdict.status in _NO_WORD or verdict.coming:
            return
        if verdict.refused == "request" and not keep:
            return
        if not verdict.stored or (verdict.entry is not None and verdict.entry.variant != old.variant):
            self._drop(ticket.uri, ticket.scope, old)


def _fixed(reply: Reply) -> bool:
    """Whether a fixed answer of the fallback policy stands for one of the upstream."""
    return reply.marks is not None and (b"x-seawall-fallback", b"fixed") in reply.marks
