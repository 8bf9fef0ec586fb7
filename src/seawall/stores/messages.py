"""Small messages of a process that shares its state with nobody: a ring of the latest, and whoever listens."""

from collections.abc import Callable, Sequence

from seawall.contracts.state import Listening
from seawall.stores.ring import Ring, check

__all__ = ["KEPT", "MemoryMessages"]

KEPT = 256  # messages a client that comes back can still be given: with the largest, 2 MiB for all


class MemoryMessages:
    """`Messages` in memory.

    Args:
        wall: seconds since the epoch.
        kept: how many are kept for those who come back.
    """

    def __init__(self, wall: Callable[[], float], kept: int = KEPT) -> None:
        self._ring = Ring(wall, "", kept)

    @property
    def lost(self) -> int:
        """How many messages listeners lost because they were too slow."""
        return self._ring.lost

    async def publish(self, channel: str, data: bytes) -> None:
        """Give a message to everybody who listens.

        Raises:
            ValueError: it is longer than 8 KiB or not one line.
        """
        check(data)
        self._ring.make(channel, data)

    def listen(self, channels: Sequence[str] = (), after: str | None = None) -> Listening:
        """Return messages as they come, of some channels or all; first those after the id `after` that are still kept.

        A listener that is too slow loses the oldest and goes on; close the iterator when done.
        """
        return self._ring.listen(channels, after)
