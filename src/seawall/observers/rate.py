"""How many lines a second may be written, and the count of those that were not."""

from collections.abc import Callable

from seawall.contracts.units import Rate
from seawall.contracts.wheel import Wheel

__all__ = ["LineRate"]


class LineRate:
    """A token bucket that holds one second's worth and tells once a second how many found it empty.

    Args:
        rate: lines per seconds.
        wheel: calls back a second after the first line that found the bucket empty.
        now: seconds, monotonic.
        tell: given the count; its own line is not counted.

    Attributes:
        total: how many found it empty, ever.
    """

    __slots__ = ("_last", "_left", "_most", "_now", "_per_second", "_tell", "_untold", "_wheel", "total")

    def __init__(self, rate: Rate, wheel: Wheel, now: Callable[[], float], tell: Callable[[int], None]) -> None:
        self._per_second = rate.calls / rate.per
        self._most = max(1.0, self._per_second)
        self._left = self._most
        self._last = now()
        self._wheel = wheel
        self._now = now
        self._tell = tell
        self._untold = 0
        self.total = 0

    def take(self) -> bool:
        """Return whether one more line may be written now."""
        now = self._now()
        left = self._left + (now - self._last) * self._per_second
        self._last = now
        if left >= 1.0:
            self._left = min(left, self._most) - 1.0
            return True
        self._left = left
        if not self._untold:
            self._wheel.add(now + 1.0, self._told)
        self._untold += 1
        self.total += 1
        return False

    def _told(self) -> None:
        count, self._untold = self._untold, 0
        self._tell(count)
