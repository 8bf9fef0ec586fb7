"""What a visitor of the cache is given of an answer that has come from upstream, or has not."""

from collections.abc import Callable

from seawall.contracts.call import Call, Run
from seawall.contracts.errors import CallError, DeadlineExceeded, QuotaExceeded
from seawall.contracts.reply import Reply
from seawall.policies.cache.answer import answer, unchanged
from seawall.policies.cache.core import Use, decide
from seawall.policies.cache.directives import Asks
from seawall.policies.cache.entry import Entry
from seawall.policies.cache.key import Asked, variant
from seawall.policies.cache.landing import Landing
from seawall.policies.cache.shelf import Verdict
from seawall.policies.cache.stale import FAILED, failed, stands_in
from seawall.policies.cache.status import forwarded, hit
from seawall.policies.cache.tee import TeeReader
from seawall.policies.cache.validation import not_modified

__all__ = ["Arrival", "Visit", "passed_on"]


class Visit:
    """One GET or HEAD for which the store had no answer to give.

    Attributes:
        call, asked, asks, uri: of the request.
        entry: what is kept and is not good enough by itself, or None.
        reason: why the upstream is asked, a token of RFC 9211 section 2.2.
        detail: more of that.
        use: what was decided about `entry`.
    """

    __slots__ = ("asked", "asks", "call", "detail", "entry", "reason", "uri", "use")

    def __init__(
        self, call: Call, asked: Asked, asks: Asks | None, uri: bytes, entry: Entry | None, missing: bytes
    ) -> None:
        self.call = call
        self.asked = asked
        self.asks = asks
        self.uri = uri
        self.entry = entry
        self.reason = missing
        self.detail = b""
        self.use: Use | None = None


class Arrival:
    """Makes replies of landings and verdicts.

    Args:
        now: monotonic seconds.
        wall: seconds since the epoch.
    """

    __slots__ = ("_now", "_wall")

    def __init__(self, now: Callable[[], float], wall: Callable[[], float]) -> None:
        self._now = now
        self._wall = wall

    def of(self, landing: Landing, visit: Visit) -> Reply | None:
        """Return what a call gets of a flight it waited for; None where it has to ask again.

        Raises:
            CallError: the flight's, where nothing kept may stand in.
        """
        if landing.run is not None:
            _add(visit.call.run, landing.run)
        if landing.again:
            return None
        error, verdict = landing.error, landing.verdict
        if error is not None:
            # a deadline or a quota that was not this call's own
            others = isinstance(error, DeadlineExceeded | QuotaExceeded) and not landing.first
            return None if others and visit.entry is None else self.failed(error, visit)
        if verdict is None:
            return self.meanwhile(visit)
        if landing.first:
            return self.first(verdict, landing.reader, visit)
        return self._follower(verdict, landing.reader, visit)

    def first(self, verdict: Verdict, reader: TeeReader | None, visit: Visit) -> Reply:
        """Return the reply of the call an answer was asked for."""
        reply, entry = verdict.reply, verdict.entry
        if verdict.failed and self._stands_in(visit):
            if reply is not None:
                reply.close()
            return self._stale(visit, b"the upstream failed", verdict.status)
        if reply is None and entry is not None:  # a 304 has freshened what is kept
            return self._made(entry, visit, self._member(verdict, visit))
        if reply is None:
            raise RuntimeError("a verdict has a reply or an entry")
        member = self._member(verdict, visit)
        if entry is not None and visit.asked.conditional and not_modified(visit.asked, entry, self._wall()):
            if reader is None:
                reply.close()
            else:
                reader.spare()
            return unchanged([*reply.headers, (b"cache-status", member)])
        if reader is not None:
            own = Reply(reply.status, list(reply.headers), reader, reply.length, reply.streamed)
            own.marks = reply.marks
            reply = own
        reply.headers = [*reply.headers, (b"cache-status", member)]
        return reply

    def failed(self, error: BaseException, visit: Visit) -> Reply:
        """Return a stale copy where one may stand in for an answer that did not come.

        Raises:
            CallError: none may.
        """
        if isinstance(error, CallError) and failed(error) and self._stands_in(visit):
            return self._stale(visit, b"the upstream failed")
        raise error.with_traceback(None)

    def instead(self, reply: Reply, visit: Visit) -> Reply | None:
        """Return a stale copy for an answer that is an error, which is closed then; None where none may stand in."""
        if reply.status not in FAILED or not self._stands_in(visit):
            return None
        reply.close()
        return self._stale(visit, b"the upstream failed", reply.status)

    def meanwhile(self, visit: Visit) -> Reply:
        """Return the stale copy, since patience has ended."""
        return self._stale(visit, b"the upstream has not answered yet")

    def _follower(self, verdict: Verdict, reader: TeeReader | None, visit: Visit) -> Reply | None:
        """Return the reply of a call that waited for another's answer; None where that is not for it."""
        entry, now = verdict.entry, self._now()
        if entry is None:
            if verdict.failed and self._stands_in(visit):
                return self._stale(visit, b"the upstream failed", verdict.status)
            return None
        use = decide(entry, visit.asks, now)
        if use in (Use.VALIDATE, Use.REQUEST) or variant(entry.names, visit.call.headers) != entry.variant:
            if reader is not None:
                reader.close()
            return None
        member = self._member(verdict, visit, collapsed=True)
        reply = self._made(entry, visit, member)
        if reader is not None:
            if reply.status == 304:
                reader.spare()
            else:
                head = verdict.reply
                reply = Reply(entry.status, reply.headers, reader, None if head is None else head.length)
        return reply

    def _made(self, entry: Entry, visit: Visit, member: bytes) -> Reply:
        age = max(0.0, self._now() - entry.born)
        return answer(entry, visit.asked, visit.call.method == b"HEAD", age, member, self._wall())

    def _stands_in(self, visit: Visit) -> bool:
        return visit.entry is not None and stands_in(visit.entry, visit.asks, self._now())

    def _stale(self, visit: Visit, why: bytes, status: int | None = None) -> Reply:
        entry = visit.entry
        if entry is None:
            raise RuntimeError("only what is kept can stand in")
        now = self._now()
        visit.call.run.cache = "stale"
        left = entry.lifetime - (now - entry.born)
        member = hit(left, why) if status is None else forwarded(visit.reason, status, ttl=left, detail=why)
        return self._made(entry, visit, member)

    def _member(self, verdict: Verdict, visit: Visit, *, collapsed: bool = False) -> bytes:
        entry = verdict.entry
        ttl = None if entry is None else entry.lifetime - (self._now() - entry.born)
        told = verdict.status if verdict.reply is None or verdict.reply.status != verdict.status else None
        stored = verdict.stored or verdict.coming
        return forwarded(visit.reason, told, ttl=ttl, stored=stored, collapsed=collapsed, detail=visit.detail)


def passed_on(reply: Reply, reason: bytes) -> Reply:
    """Return an answer that had nothing to do with the store, said in Cache-Status."""
    reply.headers = [*reply.headers, (b"cache-status", forwarded(reason))]
    return reply


def _add(run: Run, spent: Run) -> None:
    """Count what a flight cost as the call's for which it was started."""
    run.attempts += spent.attempts
    run.wire_time += spent.wire_time
    run.queue_time += spent.queue_time
    run.notes += spent.notes
    spent.beside, run.beside = run.beside, spent  # what it costs may be known only at the end of its body
