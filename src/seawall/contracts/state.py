"""State that replicas share (`state.url`), as the layers above see it; in memory these are decided in the process.

Every method raises `StateLost` at once, or after its own short timeout, when the store cannot be asked; whoever calls
then decides alone with its fair share (architecture, "Scale"). None of them ever makes a call fail.
"""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple, Protocol

from seawall.contracts.units import Rate

__all__ = ["Leases", "Limits", "Listening", "Message", "Messages", "Replicas", "StateLost", "Taken"]


class StateLost(Exception):
    """The shared store cannot be asked now."""


class Taken(NamedTuple):
    """What a shared limit says.

    Attributes:
        allowed: taken; else nothing changed.
        remaining: whole units that may be taken now.
        reset: seconds until it is full again.
        retry_after: seconds until the same cost would pass; 0 when allowed, infinite when it never can.
    """

    allowed: bool
    remaining: int
    reset: float
    retry_after: float


class Limits(Protocol):
    """Rate and token limits that all replicas share: one script decides and takes (semantics 5.5)."""

    async def take(self, key: str, rate: Rate, burst: int, cost: float = 1.0) -> Taken:
        """Take `cost` units where they are there now (GCRA, semantics 5.1)."""
        ...

    async def some(self, key: str, rate: Rate, burst: int, wanted: int, used: float = 0.0) -> tuple[int, float]:
        """Take up to `wanted` whole units, as many as are there now, for calls that stand in a queue here.

        Args:
            key: of the limit.
            rate: of it.
            burst: of it.
            wanted: units, at least 1.
            used: seconds until the limit would be full again as far as this replica knows. The store takes it to be
                no fuller than that: a replica that has decided alone, or a store that lost its memory, doubles nothing.

        Returns: units taken, and seconds until the limit is full again.
        """
        ...

    async def charge(self, key: str, rate: Rate, burst: int, cost: float) -> None:
        """Take units whether they are there or not; negative ones give back what was taken too much."""
        ...


class Leases(Protocol):
    """At most one replica holds a name at a time."""

    async def hold(self, name: str, seconds: float) -> bool:
        """Take or renew a lease for `seconds`; whether it is this replica's now."""
        ...

    async def let_go(self, name: str) -> None:
        """Give a lease back, if it is this replica's."""
        ...


class Replicas(Protocol):
    """Who shares the store."""

    @property
    def count(self) -> int:
        """Replicas last seen, this one included; at least 1."""
        ...

    @property
    def lost(self) -> bool:
        """Whether the store cannot be asked now."""
        ...


class Message(NamedTuple):
    """One published message.

    Attributes:
        id: sorts by time, unique over replicas; a client that comes back tells the last one it has seen.
        channel: name from settings.
        data: one JSON text without line ends, 8 KiB at most.
    """

    id: str
    channel: str
    data: bytes


class Listening(Protocol):
    """Messages as they come; an asynchronous generator is one."""

    def __aiter__(self) -> AsyncIterator[Message]:
        """Return itself."""
        ...

    async def __anext__(self) -> Message:
        """Return the next message, waiting for it.

        Raises:
            StateLost: the shared store cannot be asked any more.
            StopAsyncIteration: it is closed.
        """
        ...

    async def aclose(self) -> None:
        """Listen no more."""
        ...


class Messages(Protocol):
    """Small messages to subscribers, over a bounded ring; over all replicas where the state is shared."""

    @property
    def lost(self) -> int:
        """How many messages listeners here lost because they were too slow."""
        ...

    async def publish(self, channel: str, data: bytes) -> None:
        """Give a message to everybody who listens, at once or as soon as the store is back.

        Raises:
            ValueError: it is longer than 8 KiB or not one line.
        """
        ...

    def listen(self, channels: Sequence[str] = (), after: str | None = None) -> Listening:
        """Return messages as they come, of some channels or all; first those after the id `after` that are still kept.

        A listener that is too slow loses the oldest and goes on; close the iterator when done.
        """
        ...
