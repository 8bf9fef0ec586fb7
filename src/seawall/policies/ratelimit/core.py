"""How often: the generic cell rate algorithm on a monotonic clock (semantics 5.1).

One number is the whole state: the moment at which the bucket is full again (the "theoretical arrival time" of
ITU-T I.371). Any closed window of the limit's length holds at most limit + burst, whatever the schedule.
"""

from math import inf
from typing import NamedTuple

from seawall.contracts.units import Rate

__all__ = ["SLACK", "Bucket", "Reservation", "Verdict"]

SLACK = 1e-8  # seconds that rounding may make a turn look early


class Verdict(NamedTuple):
    """What a limit that does not wait says.

    Attributes:
        allowed: taken; else nothing changed.
        remaining: whole units that may be taken now.
        reset: seconds until the bucket is full again, or until the next unit while nothing remains.
        retry_after: seconds until the same cost would pass; 0 when allowed, infinite when it never can.
    """

    allowed: bool
    remaining: int
    reset: float
    retry_after: float


class Reservation(NamedTuple):
    """A turn in the future.

    Attributes:
        wait: seconds until it comes.
        at: that moment.
        cost: units taken.
    """

    wait: float
    at: float
    cost: float


class Bucket:
    """A limit of `rate.calls` per `rate.per` seconds with `burst` on top.

    A cost above the burst passes only once the bucket has been full for as long as the rest takes, and what is above
    is paid off afterwards too; a cost above limit + burst never passes.

    Args:
        rate: the limit.
        burst: units at once, at least 1.
    """

    __slots__ = ("_last", "burst", "full_at", "interval", "rate", "span")

    def __init__(self, rate: Rate, burst: int) -> None:
        self.rate = rate
        self.burst = burst
        self.interval = rate.per / rate.calls
        self.span = burst * self.interval + SLACK
        self.full_at = -inf
        self._last = -inf

    def take(self, now: float) -> bool:
        """Take one unit if it is there now."""
        full_at = self.full_at
        if full_at < now:
            full_at = now
        full_at += self.interval
        if full_at - now > self.span:
            return False
        self.full_at = full_at
        return True

    def wait_for(self, cost: float, now: float) -> float:
        """Return the seconds until `cost` units could be taken; infinite when they never can."""
        if cost > self.rate.calls + self.burst:
            return inf
        return max(0.0, self.full_at + cost * self.interval - self.span - now)

    def charge(self, cost: float, now: float) -> None:
        """Take `cost` units whether they are there or not."""
        self.full_at = max(self.full_at, now) + cost * self.interval

    def check(self, cost: float, now: float) -> Verdict:
        """Take `cost` units if they are there now, and say what is left: a limit that refuses and never waits."""
        wait = self.wait_for(cost, now)
        if wait == 0.0:
            self.charge(cost, now)
        used = self.full_at - now
        if used < 0.0:
            used = 0.0
        remaining = int((self.span - used) / self.interval)
        if remaining <= 0:
            remaining = 0
            used += self.interval - self.span
        return Verdict(wait == 0.0, remaining, max(wait, used), wait)

    def remaining(self, now: float) -> int:
        """Return the whole units that may be taken now."""
        return max(0, int((self.span - max(0.0, self.full_at - now)) / self.interval))

    def used(self, now: float) -> float:
        """Return the units that are in use."""
        return max(0.0, self.full_at - now) / self.interval

    def reserve(self, cost: float, now: float, longest: float) -> Reservation | None:
        """Take `cost` units that are there in at most `longest` seconds; None, and nothing taken, if they are not."""
        wait = self.wait_for(cost, now)
        if wait > longest:
            return None
        at = now + wait
        self.charge(cost, at)
        self._last = max(self._last, at)
        return Reservation(wait, at, cost)

    def cancel(self, reservation: Reservation, now: float) -> None:
        """Give a reservation back whose turn has not come, but for what was reserved on top of it.

        Later reservations keep their turns, so what they took after this one is not given out a second time
        (golang.org/x/time/rate, Reservation.CancelAt).
        """
        if reservation.at <= now:
            return
        back = reservation.cost * self.interval - (self._last - reservation.at)
        if back <= 0:
            return
        self.full_at -= back
        if self._last == reservation.at:
            self._last -= reservation.cost * self.interval

    def undo(self, now: float) -> None:
        """Give one unit back that was taken a moment ago and never used."""
        self.full_at = max(now, self.full_at - self.interval)

    def change(self, rate: Rate, burst: int, now: float) -> None:
        """Change the limit; the units in use stay in use (semantics 2.7)."""
        used = self.used(now)
        self.rate = rate
        self.burst = burst
        self.interval = rate.per / rate.calls
        self.span = burst * self.interval + SLACK
        self.full_at = now + used * self.interval
