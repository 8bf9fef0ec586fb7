"""Kept answers as operations see them: found, shown without their bodies, and made invalid at every replica."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import TypeVar

from seawall.admin import AnswerView, CacheView, PathView
from seawall.app.shelves import Shelves
from seawall.contracts.clock import Clock
from seawall.contracts.store import Kept, SharedEntries, Slot
from seawall.policies.cache import Entry
from seawall.stores.memory import MemoryEntries

__all__ = ["KeptAnswers"]

_SLICE = 2000  # URIs looked at before calls have their turn again
# Values that say how an answer is kept. Those of other headers may be somebody's own and are never shown.
_SHOWN = frozenset((
    b"cache-control", b"cdn-cache-control", b"content-encoding", b"content-language", b"content-type", b"date", b"etag",
    b"expires", b"last-modified", b"vary",
))  # fmt: skip
HIDDEN = "***"
K = TypeVar("K", bound=Kept)


class KeptAnswers:
    """A `Keeps` of the management API.

    Args:
        shelves: answers of this process.
        clock: time.
        shared: what replicas share, None where they share nothing.
    """

    def __init__(self, shelves: Shelves, clock: Clock, shared: SharedEntries | None) -> None:
        self._shelves = shelves
        self._clock = clock
        self._shared = shared

    def totals(self) -> CacheView:
        """Return how full the store is and what became of it."""
        entries, models = self._shelves.entries, self._shelves.answers
        flights = [one for _, one in self._shelves.flights()]
        return CacheView(
            entries.used + entries.held + models.used, entries.most + models.most, len(entries) + len(models),
            entries.evicted + models.evicted,
            sum(map(len, flights)), sum(one.refreshed for one in flights),
        )  # fmt: skip

    async def paths(self, upstream: str, prefix: str, most: int) -> tuple[list[PathView], int]:
        """Return what is kept, by path without its query, and how many answers stand under paths left out.

        Args:
            upstream: its name, `""` for all.
            prefix: the paths begin so, raw, as the upstream sees them.
            most: paths at most.
        """
        found: dict[tuple[str, str], list[int]] = {}
        left = 0
        async for uri, count, size in self._counted(_begins(upstream, prefix)):
            name, _, rest = uri.partition(b"\0")
            # answers of models are kept by alias, under no upstream
            key = (name.decode(), rest.partition(b"?")[0].replace(b"\0", b"/").decode("latin-1"))
            sums = found.get(key)
            if sums is None:
                if len(found) >= most:
                    left += count
                    continue
                sums = found[key] = [0, 0, 0]
            sums[0] += 1
            sums[1] += count
            sums[2] += size
        return [PathView(name, path, *sums) for (name, path), sums in sorted(found.items())], left

    async def answers(self, upstream: str, path: str, most: int) -> list[AnswerView]:
        """Return the answers of a path; with a query those of that URL only, without one those of every query.

        Args:
            upstream: its name.
            path: raw, as the upstream sees it.
            most: answers at most.
        """
        wanted = _uri(upstream, path)
        exact = b"?" in wanted
        found: list[AnswerView] = []
        async for uri, answers in _under(self._shelves.entries, wanted):
            if uri == wanted or (not exact and uri[len(wanted) :].startswith(b"?")):
                found += [self._shown(uri, entry) for entry in answers.values()]
                if len(found) >= most:
                    break
        return found[:most]

    async def purge(self, upstream: str, path: str | None, prefix: str | None) -> int:
        """Make answers invalid, here, on their way, and at every replica; return how many were kept here.

        Args:
            upstream: its name, `""` for all.
            path: one URL, with its query; None for more.
            prefix: every path that begins so; None for all of the upstream.
        """
        shared = self._shared
        if path is not None:
            uri = _uri(upstream, path)
            if shared is not None:
                shared.purge(uri)
            return self._shelves.forget(uri)
        begins = _begins(upstream, prefix or "")
        if shared is not None:
            shared.clear(begins)
        return self._shelves.forget_under(begins)

    async def _counted(self, begins: bytes) -> AsyncIterator[tuple[bytes, int, int]]:
        async for uri, answers in _under(self._shelves.entries, begins):
            yield uri, len(answers), sum([one.size for one in answers.values()])
        async for uri, models in _under(self._shelves.answers, begins):
            yield uri, len(models), sum([one.size for one in models.values()])

    def _shown(self, uri: bytes, entry: Entry) -> AnswerView:
        now = self._clock.now()
        age = max(0.0, now - entry.born)
        query = uri.partition(b"?")[2].decode("latin-1")
        return AnswerView(
            query=[part.partition("=")[0] for part in query.split("&")] if query else [],
            status=entry.status,
            bytes=len(entry.body),
            size=entry.size,
            stored=entry.stored,
            age=age,
            ttl=entry.lifetime - age,
            varies=[name.decode("latin-1") for name in entry.names],
            headers=[
                (name.decode("latin-1"), value.decode("latin-1") if name in _SHOWN else HIDDEN)
                for name, value in entry.headers
            ],
        )


async def _under(store: MemoryEntries[K], begins: bytes) -> AsyncIterator[tuple[bytes, Mapping[Slot, K]]]:
    for at, uri in enumerate(store.uris()):
        if at % _SLICE == _SLICE - 1:
            await asyncio.sleep(0)
        if uri.startswith(begins):
            answers = store.answers(uri)
            if answers:
                yield uri, answers


def _begins(upstream: str, prefix: str) -> bytes:
    return _uri(upstream, prefix) if upstream else b""


def _uri(upstream: str, path: str) -> bytes:
    return upstream.encode() + b"\0" + path.encode("latin-1", "replace")
