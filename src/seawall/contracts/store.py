"""Where kept answers live: the small protocol between the cache policy and a store."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol, TypeVar

__all__ = ["Entries", "Kept", "Look", "SharedEntries", "Slot"]

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


class Look(NamedTuple):
    """What replicas share of one URI, for one question.

    Attributes:
        found: of each answer that fits, seconds since it was put and its bytes.
        stamp: to be given to `put` with the answer to this question; it shows what was made invalid since.
        mine: nothing fresh is there, and this replica is to ask the upstream; else another one is asking.
        lease: what was asked.
    """

    found: tuple[tuple[float, bytes], ...]
    stamp: bytes
    mine: bool
    lease: bytes


class SharedEntries(Protocol):
    """Kept answers that replicas share, as bytes; what they mean is the policy's business.

    What returns nothing and is not awaited happens behind: a store that is lost misses it. Invalidation is made good
    when it is back.
    """

    async def look(
        self,
        uri: bytes,
        fields: Callable[[Sequence[tuple[bytes, ...]]], Sequence[bytes]],
        names: Sequence[tuple[bytes, ...]],
        lease: bytes,
    ) -> Look:
        """Look for answers, and take the lease on asking the upstream where none of them is fresh.

        Args:
            uri: of them.
            fields: tells where answers to this question stand, from the sets of request headers the answers vary by.
            names: those sets as far as they are known here.
            lease: what is asked, for whom others wait; held for a few seconds, looking again renews it.

        Raises:
            StateLost: the store cannot be asked.
        """
        ...

    def put(
        self, uri: bytes, field: bytes, names: tuple[bytes, ...], data: bytes, fresh: float, kept: float, look: Look
    ) -> None:
        """Put an answer, unless something was made invalid since `look`; its lease is given back with that.

        Args:
            uri: of it.
            field: where it stands.
            names: the request headers it varies by.
            data: the answer.
            fresh: seconds for which it is fresh.
            kept: seconds for which it is of use.
            look: before the upstream was asked.
        """
        ...

    def drop(self, uri: bytes, field: bytes) -> None:
        """Forget one answer."""
        ...

    def purge(self, uri: bytes) -> None:
        """Forget every answer of a URI, here and at every replica."""
        ...

    def clear(self, begins: bytes = b"") -> None:
        """Forget every answer whose URI begins so, here and at every replica; more may go than that."""
        ...

    async def renew(self, lease: bytes) -> None:
        """Hold a lease for a few seconds more.

        Raises:
            StateLost: the store cannot be asked.
        """
        ...

    def let_go(self, lease: bytes) -> None:
        """Give a lease back, if it is this replica's."""
        ...
