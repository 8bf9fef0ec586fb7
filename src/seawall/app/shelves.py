"""The cache as the app sees it: one store for all upstreams, its size, its flights, and what is told of it."""

from collections.abc import Iterator

from seawall.gateway.models.kept import KeptAnswer
from seawall.pipeline.states import States
from seawall.policies.cache import Entry, Flights
from seawall.stores.memory import MemoryEntries

__all__ = ["Shelves"]

_KEPT = 0.5  # share of what is kept that stays when memory is short


class Shelves:
    """Owns the store of kept answers.

    Args:
        most: bytes.
        states: where the flights of each upstream are.

    Attributes:
        entries: the store.
        answers: the store of models' answers; a quarter of the bytes where a model keeps any.
    """

    def __init__(self, most: int, states: States) -> None:
        self.entries: MemoryEntries[Entry] = MemoryEntries(most)
        self.answers: MemoryEntries[KeptAnswer] = MemoryEntries(0)
        self._states = states

    def resize(self, most: int, *, models: bool) -> None:
        """Keep other bytes at most from now on, part of them for models' answers where `models` says so."""
        self.answers.most = most // 4 if models else 0
        self.entries.most = most - self.answers.most
        self.entries.shrink()
        self.answers.shrink()

    def shed(self) -> bool:
        """Give memory back; whether there was anything to give."""
        if not self.entries.used and not self.answers.used:
            return False
        for store in (self.entries, self.answers):
            most, store.most = store.most, store.held + int(store.used * _KEPT)
            store.shrink()
            store.most = most
        return True

    def forget(self, uri: bytes | None) -> int:
        """Forget every answer of a URI, or all, also those on their way; return how many were kept."""
        upstream = None if uri is None else uri.partition(b"\0")[0].decode()
        for name, flights in self.flights():
            if upstream in (None, name):
                for one in list(flights.under_way) if uri is None else (uri,):
                    flights.doom(one)
        if uri is None:
            return self.entries.clear() + self.answers.clear()
        return self.entries.purge(uri) + self.answers.purge(uri)

    def forget_under(self, begins: bytes) -> int:
        """Forget every answer whose URI begins so, also those on their way; return how many were kept."""
        if not begins:
            return self.forget(None)
        for _, flights in self.flights():
            for uri in [one for one in flights.under_way if one.startswith(begins)]:
                flights.doom(uri)
        stores = (self.entries, self.answers)
        return sum([store.purge(uri) for store in stores for uri in store.uris() if uri.startswith(begins)])

    def flights(self) -> Iterator[tuple[str, Flights]]:
        """Yield each upstream with its requests that others may wait for."""
        for (upstream, policy, scope), kept in self._states.items():
            if policy == "cache" and scope == "flights" and isinstance(kept, Flights):
                yield upstream, kept

    async def close(self) -> None:
        """End the refreshes under way."""
        for _, flights in list(self.flights()):
            await flights.close()
