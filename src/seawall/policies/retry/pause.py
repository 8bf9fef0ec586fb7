"""The pause of a target that asked to be left alone, and who goes first after it (semantics 2.3)."""

import asyncio

__all__ = ["Pause"]


class Pause:
    """Shared by every call to one target.

    Attributes:
        until: when it ends, seconds on the monotonic clock; 0.0 when there is none. It stays set past its end until
            one call has gone first and come back.
        seconds: how long it was asked to be.
        scouting: whether that call is under way.
        waiters: calls that wait for it to come back.
    """

    __slots__ = ("scouting", "seconds", "until", "waiters")

    def __init__(self) -> None:
        self.until = 0.0
        self.seconds = 0.0
        self.scouting = False
        self.waiters: set[asyncio.Future[None]] = set()

    def begin(self, now: float, seconds: float) -> bool:
        """Pause for `seconds` from `now`; the newest answer counts. Returns whether nobody had paused it before."""
        fresh = now >= self.until
        self.until = now + seconds
        self.seconds = seconds
        return fresh

    def scout(self, now: float) -> bool:
        """Whether this call is the one that goes first; it must then call `lift` or `recall`."""
        if self.scouting or now < self.until:
            return False
        self.scouting = True
        return True

    def lift(self, seen: float) -> None:
        """The first call came back well: everybody goes, unless the pause was renewed since `seen`."""
        if self.until == seen:
            self.until = 0.0
        self.recall()

    def recall(self) -> None:
        """The first call is over: the waiters look again, and one of them may go first."""
        self.scouting = False
        waiters, self.waiters = self.waiters, set()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
