"""Where kept answers live: the small protocol between the cache policy and a store."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol, TypeVar

__all__ = ["Entries", "Kept", "Slot"]

# Where an entry stands among the answers of one URI: (scope, variant). The scope tells whose answers they are, the
# variant is a digest of the request headers named in Vary; both are made by the policy and mean nothing to a store.
Slot = tuple[bytes, bytes]


class Kept(Protocol):
    """What a store needs to know of an entry."""

    @property
    def size(self) -> int:
        """Bytes of it: headers, body and what its objects cost; without its key."""
        ...


E = TypeVar("E", bound=Kept)


class Entries(Protocol[E]):
    """Kept answers by URI and slot, bounded by bytes, the longest unused going first.

    Every method is synchronous and does no I/O: it stands on the path of every hit.
    """

    def names(self, uri: bytes) -> Iterable[tuple[bytes, ...]]:
        """Return the different sets of request headers that answers of `uri` vary by; empty where none is kept."""
        ...

    def get(self, uri: bytes, slot: Slot) -> E | None:
        """Return what is kept there and count it as used, or None."""
        ...

    def put(self, uri: bytes, slot: Slot, names: tuple[bytes, ...], entry: E) -> bool:
        """Keep `entry` in place of what was there; False, with nothing kept there any more, where it is too large."""
        ...

    def drop(self, uri: bytes, slot: Slot) -> None:
        """Forget what is kept there."""
        ...

    def purge(self, uri: bytes) -> int:
        """Forget every answer of `uri`, across scopes and variants; return how many there were."""
        ...

    def hold(self, size: int) -> bool:
        """Reserve bytes for an answer on its way in; False where they cannot be had. `release` gives them back."""
        ...

    def release(self, size: int) -> None:
        """Give reserved bytes back."""
        ...

    def items(self) -> Iterator[tuple[bytes, Mapping[Slot, E]]]:
        """Yield each URI with its answers by slot, for operations pages."""
        ...
