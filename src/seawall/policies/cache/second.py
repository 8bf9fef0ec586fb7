"""The second tier: what other replicas keep, and which of them asks the upstream (semantics 7.7 to 7.9).

Memory answers first and alone on the path of a hit; only a request that would go upstream looks here. A store that is
lost is as none.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial

from seawall.contracts.body import Headers
from seawall.contracts.state import StateLost
from seawall.contracts.store import Look, SharedEntries
from seawall.policies.cache.entry import Entry
from seawall.policies.cache.key import variant
from seawall.policies.cache.packed import pack, unpack

__all__ = ["Second"]

_FIRST, _GROWTH, _LAST = 0.005, 1.5, 0.1  # seconds between two looks while another replica asks the upstream
_RENEW = 1.0  # seconds; a third of what a lease lasts


class Second:
    """What replicas share, as the cache of one upstream sees it.

    Args:
        entries: the store.
        now: monotonic seconds.
        largest: bytes of the largest answer that is shared.
    """

    __slots__ = ("_entries", "_largest", "_now")

    def __init__(self, entries: SharedEntries, now: Callable[[], float], largest: int) -> None:
        self._entries = entries
        self._now = now
        self._largest = largest

    async def find(
        self, uri: bytes, scope: bytes, headers: Headers, names: Sequence[tuple[bytes, ...]], old: Entry | None
    ) -> tuple[Entry | None, Look | None]:
        """Return what another replica has got that is better than `old`, or wait until this replica is to ask.

        Args:
            uri: asked for.
            scope: whose answers it may be given.
            headers: of the request.
            names: the sets of request headers that answers are known to vary by.
            old: what is kept here, or None.

        Returns: an answer; or a look whose lease is this replica's, None where nothing is shared now.
        """
        lease = b"\0".join((uri, scope, *(variant(one, headers) for one in sorted(names) if one)))
        fields = partial(_fields, scope, headers)
        pause = _FIRST
        while True:
            try:
                look = await self._entries.look(uri, fields, names, lease)
            except StateLost:
                return None, None
            best = self._best(look, old)
            if best is not None:
                if look.mine:  # of use, but no longer fresh: whoever finds that out next asks
                    self._entries.let_go(lease)
                return best, None
            if look.mine:
                return None, look
            await asyncio.sleep(pause)
            pause = min(_LAST, pause * _GROWTH)

    @asynccontextmanager
    async def holding(self, look: Look) -> AsyncIterator[None]:
        """Keep the lease for as long as the upstream is asked; whoever puts an answer gives it back with that."""
        task = asyncio.get_running_loop().create_task(self._renew(look.lease), name="cache lease")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    def put(self, uri: bytes, scope: bytes, entry: Entry, look: Look) -> bool:
        """Share an answer; whether it is of use to others and not too large."""
        now = self._now()
        fresh = entry.fresh_until - now
        kept = entry.lifetime - (now - entry.born) + (0.0 if entry.never_stale else max(entry.swr, entry.sie))
        if len(entry.body) > self._largest or kept <= 0.0:
            return False
        field = _field(scope, entry.variant)
        self._entries.put(uri, field, entry.names, pack(entry, now), max(0.0, fresh), kept, look)
        return True

    def drop(self, uri: bytes, scope: bytes, entry: Entry) -> None:
        """Forget one answer."""
        self._entries.drop(uri, _field(scope, entry.variant))

    def purge(self, uri: bytes) -> None:
        """Forget every answer of a URI at every replica."""
        self._entries.purge(uri)

    def let_go(self, look: Look) -> None:
        """Let another replica ask: this one has nothing to share."""
        self._entries.let_go(look.lease)

    def _best(self, look: Look, old: Entry | None) -> Entry | None:
        now = self._now()
        best: Entry | None = None
        for since, data in look.found:
            entry = unpack(data, since, now)
            if entry is not None and (best is None or entry.born > best.born):
                best = entry
        if best is None or (old is not None and (now >= best.fresh_until or best.born <= old.born)):
            return None  # what is stale is no better than what is kept here
        return best

    async def _renew(self, lease: bytes) -> None:
        while True:
            await asyncio.sleep(_RENEW)
            try:
                await self._entries.renew(lease)
            except StateLost:
                continue


def _fields(scope: bytes, headers: Headers, names: Sequence[tuple[bytes, ...]]) -> list[bytes]:
    return [_field(scope, variant(one, headers)) for one in names]


def _field(scope: bytes, entry_variant: bytes) -> bytes:
    return b"%d:%b:%b" % (len(scope), scope, entry_variant)
