"""Unsafe requests: their answers make kept ones invalid, on routes that keep nothing themselves too (semantics 7.7)."""

from seawall.contracts.call import SAFE, Call
from seawall.contracts.policy import Context, Proceed
from seawall.contracts.reply import Reply
from seawall.contracts.store import Entries
from seawall.policies.cache.entry import Entry
from seawall.policies.cache.flight import Flights
from seawall.policies.cache.invalidation import invalidated
from seawall.policies.cache.second import Second

__all__ = ["Bystander"]


class Bystander:
    """A stage for routes without a cache on an upstream that has one elsewhere.

    Args:
        ctx: `options["mount"]`: raw path prefix under which clients see the upstream.
        store: where entries are.
        flights: of the upstream.
        second: what replicas share, or None.
    """

    __slots__ = ("_flights", "_mount", "_prefix", "_second", "_store")

    def __init__(self, ctx: Context, store: Entries[Entry], flights: Flights, second: Second | None = None) -> None:
        self._second = second
        self._prefix = ctx.upstream.encode() + b"\0"
        self._mount: bytes = ctx.options.get("mount", b"")
        self._store = store
        self._flights = flights

    async def send(self, call: Call, proceed: Proceed) -> Reply:
        """Proceed, and let an answer to an unsafe request that is no error make answers invalid."""
        reply = await proceed(call)
        if call.method not in SAFE:
            self.invalidate(call, reply)
        return reply

    def invalidate(self, call: Call, reply: Reply) -> None:
        """Forget what the answer to an unsafe request makes invalid, on its way or kept (RFC 9111 section 4.4)."""
        host = next((value for name, value in call.headers if name == b"x-forwarded-host"), b"")
        for path in invalidated(call.path, reply.status, reply.headers, call.target, host, self._mount):
            uri = self._prefix + path
            self._flights.doom(uri)
            self._store.purge(uri)
            if self._second is not None:
                self._second.purge(uri)
