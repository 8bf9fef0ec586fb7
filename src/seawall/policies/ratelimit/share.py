"""A limit that is everybody's, as one replica knows it: how used it is, and its own share while it decides alone."""

from math import inf

from seawall.contracts.units import Rate
from seawall.policies.ratelimit.core import SLACK

__all__ = ["Share"]


class Share:
    """The generic cell rate algorithm, of the whole limit or of one part of several.

    A part of `n` pays `n` intervals for a unit and has the same span, so what is used counts the same for both: when
    n replicas that knew the same begin to decide alone, they have together what was left. Where the burst is smaller
    than n, a part still has one unit at once.

    Args:
        rate: of the whole limit.
        burst: of it.

    Attributes:
        full_at: the moment at which it is full again, monotonic seconds.
    """

    __slots__ = ("burst", "full_at", "interval", "rate")

    def __init__(self, rate: Rate, burst: int) -> None:
        self.rate = rate
        self.burst = burst
        self.interval = rate.per / rate.calls
        self.full_at = -inf

    def used(self, now: float) -> float:
        """Return the seconds until it is full again."""
        return max(0.0, self.full_at - now)

    def learn(self, used: float, now: float) -> None:
        """Take over what the shared store says: seconds until it is full again."""
        self.full_at = now + used

    def wait(self, parts: int, now: float, units: int = 1) -> float:
        """Return the seconds until the last of the next `units` is there."""
        step = self.interval * parts
        span = max(self.burst * self.interval, step) + SLACK
        return max(0.0, max(self.full_at - now, 0.0) + units * step - span)

    def take(self, parts: int, now: float, most: int) -> int:
        """Take up to `most` units that are there now, and return how many."""
        taken = 0
        while taken < most and self.wait(parts, now) == 0.0:
            self.full_at = max(self.full_at, now) + self.interval * parts
            taken += 1
        return taken

    def give_back(self, units: int, parts: int) -> None:
        """Give back what nobody used."""
        self.full_at -= units * self.interval * parts

    def change(self, rate: Rate, burst: int, now: float) -> None:
        """Change the limit; the units in use stay in use (semantics 2.7)."""
        units = self.used(now) / self.interval
        self.rate = rate
        self.burst = burst
        self.interval = rate.per / rate.calls
        self.full_at = now + units * self.interval
