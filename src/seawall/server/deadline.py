"""A moment that moves with every request and costs an attribute write to move."""

from collections.abc import Callable
from math import inf

from seawall.contracts.wheel import Entry, Wheel

__all__ = ["Deadline"]


class Deadline:
    """One moment in the wheel, re-armed lazily: an entry that fires early is put in again for the later moment.

    Attributes:
        due: seconds on the monotonic clock; `inf` for never. May be written directly to move it later.
    """

    __slots__ = ("_entry", "_expired", "_wheel", "due")

    def __init__(self, wheel: Wheel, expired: Callable[[], None]) -> None:
        self._wheel = wheel
        self._expired = expired
        self._entry: Entry | None = None
        self.due = inf

    def set(self, due: float) -> None:
        """Move it to `due`, earlier or later."""
        self.due = due
        entry = self._entry
        if entry is None:
            self._entry = self._wheel.add(due, self._fire)
        elif due < entry.at:
            entry.cancel()
            self._entry = self._wheel.add(due, self._fire)

    def stop(self) -> None:
        """Take it out of the wheel."""
        self.due = inf
        if self._entry is not None:
            self._entry.cancel()
            self._entry = None

    def forget(self) -> None:
        """Take it out for good; whoever was to be told refers to it, which only the collector would undo."""
        self.stop()
        self._expired = _nobody

    def _fire(self) -> None:
        self._entry = None
        if self._wheel.now() >= self.due:
            self.due = inf
            self._expired()
        elif self.due != inf:
            self._entry = self._wheel.add(self.due, self._fire)


def _nobody() -> None:
    """Nobody is told."""
