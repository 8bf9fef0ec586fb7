"""Kept answers in this process's memory, bounded by bytes (semantics 7.9)."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Generic, TypeVar

from seawall.contracts.store import Kept, Slot

__all__ = ["OVERHEAD", "MemoryEntries"]

E = TypeVar("E", bound=Kept)

# What the books of one answer cost beside its key and itself: its place in the order of use, the table of its URI's
# answers and the slot. Measured over a million distinct keys.
OVERHEAD = 900


class _Place(Generic[E]):
    """An answer and where it stands."""

    __slots__ = ("entry", "names", "size", "slot", "uri")

    def __init__(self, uri: bytes, slot: Slot, names: tuple[bytes, ...], entry: E) -> None:
        self.uri = uri
        self.slot = slot
        self.names = names
        self.entry = entry
        self.size = entry.size + len(uri) + len(slot[0]) + len(slot[1]) + OVERHEAD


class _Answers(dict[Slot, _Place[E]]):
    """The answers of one URI, and how many of them vary by which request headers."""

    __slots__ = ("names",)

    def __init__(self) -> None:
        super().__init__()
        self.names: dict[tuple[bytes, ...], int] = {}


class MemoryEntries(Generic[E]):
    """An `Entries` in memory: least recently used first out.

    Args:
        most: bytes kept at most, what is on its way in and all books included.

    Attributes:
        most: may be changed; `shrink` puts it in force.
        used: bytes kept.
        held: bytes reserved for what is on its way in.
        evicted: answers that had to make room so far.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.used = 0
        self.held = 0
        self.evicted = 0
        self._uris: dict[bytes, _Answers[E]] = {}
        self._order: OrderedDict[_Place[E], None] = OrderedDict()

    def __len__(self) -> int:
        return len(self._order)

    def names(self, uri: bytes) -> Iterable[tuple[bytes, ...]]:
        """Return the different sets of request headers that answers of `uri` vary by; empty where none is kept."""
        answers = self._uris.get(uri)
        return () if answers is None else answers.names

    def get(self, uri: bytes, slot: Slot) -> E | None:
        """Return what is kept there and count it as used, or None."""
        answers = self._uris.get(uri)
        if answers is None:
            return None
        place = answers.get(slot)
        if place is None:
            return None
        self._order.move_to_end(place)
        return place.entry

    def put(self, uri: bytes, slot: Slot, names: tuple[bytes, ...], entry: E) -> bool:
        """Keep `entry` in place of what was there; False, with nothing kept there any more, where it is too large."""
        self.drop(uri, slot)
        place = _Place(uri, slot, names, entry)
        if not self._room(place.size):
            return False
        answers = self._uris.get(uri)  # only now: making room may have taken the last of them
        if answers is None:
            answers = self._uris[uri] = _Answers()
        answers[slot] = place
        answers.names[names] = answers.names.get(names, 0) + 1
        self._order[place] = None
        self.used += place.size
        return True

    def drop(self, uri: bytes, slot: Slot) -> None:
        """Forget what is kept there."""
        answers = self._uris.get(uri)
        place = None if answers is None else answers.get(slot)
        if place is not None:
            del self._order[place]
            self._forget(place)

    def purge(self, uri: bytes) -> int:
        """Forget every answer of `uri`, across scopes and variants; return how many there were."""
        answers = self._uris.pop(uri, None)
        if answers is None:
            return 0
        for place in answers.values():
            del self._order[place]
            self.used -= place.size
        return len(answers)

    def clear(self) -> int:
        """Forget everything; return how many answers there were."""
        count = len(self._order)
        self._uris.clear()
        self._order.clear()
        self.used = 0
        return count

    def hold(self, size: int) -> bool:
        """Reserve bytes for an answer on its way in; False where they cannot be had. `release` gives them back."""
        if not self._room(size):
            return False
        self.held += size
        return True

    def release(self, size: int) -> None:
        """Give reserved bytes back."""
        self.held -= size

    def shrink(self) -> None:
        """Put a lowered `most` in force."""
        self._room(0)

    def items(self) -> Iterator[tuple[bytes, Mapping[Slot, E]]]:
        """Yield each URI with its answers by slot, for operations pages; a copy, so that calls may go on between."""
        for uri, answers in list(self._uris.items()):
            yield uri, {slot: place.entry for slot, place in list(answers.items())}

    def uris(self) -> list[bytes]:
        """Return every URI; a copy, so that calls may go on between."""
        return list(self._uris)

    def answers(self, uri: bytes) -> Mapping[Slot, E]:
        """Return the answers of a URI, for operations pages; looking does not count as using."""
        answers = self._uris.get(uri)
        return {} if answers is None else {slot: place.entry for slot, place in answers.items()}

    def _room(self, size: int) -> bool:
        """Make room for `size` more bytes where that can be had."""
        if self.held + size > self.most:
            return False
        while self.used + self.held + size > self.most:
            place, _ = self._order.popitem(last=False)
            self._forget(place)
            self.evicted += 1
        return True

    def _forget(self, place: _Place[E]) -> None:
        self.used -= place.size
        answers = self._uris[place.uri]
        del answers[place.slot]
        if not answers:
            del self._uris[place.uri]
            return
        left = answers.names[place.names] - 1
        if left:
            answers.names[place.names] = left
        else:
            del answers.names[place.names]
