"""Ids of rows: unique over all replicas, and in the order of time (RFC 9562 section 5.7, UUIDv7)."""

from collections.abc import Callable

__all__ = ["Ids"]

_VERSION = 7 << 76 | 1 << 63  # and the variant (RFC 9562 sections 4.1 and 4.2)


class Ids:
    """Makes ids that rise, also within a millisecond and when the clock goes back.

    Args:
        wall: seconds since the epoch.
        random_bits: `random.getrandbits`; ids need to be unique, not secret.
    """

    __slots__ = ("_last", "_random", "_wall")

    def __init__(self, wall: Callable[[], float], random_bits: Callable[[int], int]) -> None:
        self._wall = wall
        self._random = random_bits
        self._last = 0

    def __call__(self) -> str:
        """Return 32 hex digits."""
        # 48 bits of milliseconds and 12 of a fraction that counts on (RFC 9562 section 6.2, method 3)
        self._last = stamp = max(int(self._wall() * 1000) << 12, self._last + 1)
        return f"{stamp >> 12 << 80 | (stamp & 0xFFF) << 64 | _VERSION | self._random(62):032x}"
