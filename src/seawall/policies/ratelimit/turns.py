"""Waiting for a turn: one queue before a bucket, with one timer for its head."""

import asyncio
from collections import OrderedDict

from seawall.contracts.call import Call
from seawall.contracts.clock import Clock
from seawall.contracts.errors import Saturated
from seawall.contracts.units import Rate
from seawall.contracts.wheel import Entry, Wheel
from seawall.policies.ratelimit.core import Bucket

__all__ = ["Turns", "Waiter"]


class Waiter:
    """One waiting call: the future it waits on, the moment after which it is not worth it, whether its turn came."""

    __slots__ = ("future", "granted", "until")

    def __init__(self, until: float, future: "asyncio.Future[None]") -> None:
        self.until = until
        self.future = future
        self.granted = False


class Turns:
    """The turns of one upstream or route, in the order calls came.

    Nothing is taken from the bucket before a turn comes, so a call that leaves the queue frees its place for the next
    and there is nothing to give back. Only a turn granted to a call that is cancelled in the same turn of the loop is.

    Args:
        bucket: the limit.
        clock, loop: time; a wheel with a fine tick is made for the head of the queue, so that a burst of 1 at many
            calls a second is not slowed by coarse timers.
    """

    __slots__ = ("_entry", "_loop", "_now", "_wheel", "bucket", "waiting")

    def __init__(self, bucket: Bucket, clock: Clock, loop: asyncio.AbstractEventLoop) -> None:
        self.bucket = bucket
        self.waiting: OrderedDict[Waiter, None] = OrderedDict()
        self._now = clock.now
        self._wheel = Wheel(clock, loop, tick=0.001)
        self._loop = loop
        self._entry: Entry | None = None

    async def queue(self, call: Call, wait: float, now: float) -> None:
        """Wait for a turn; on return one unit is taken.

        Args:
            call: who waits; its time in the queue is added to its run.
            wait: the longest time, in seconds; cut to what is left of the call's deadline.
            now: the current moment.

        Raises:
            Saturated: its turn would come too late; `retry_after` says when it would have come.
        """
        until = min(now + wait, call.deadline)
        turn = self._turn_of(len(self.waiting), now)
        if now + turn > until:
            raise _saturated(turn)
        waiter = Waiter(until, self._loop.create_future())
        self.waiting[waiter] = None
        self._arm(now)
        try:
            await waiter.future
        except asyncio.CancelledError:
            self._leave(waiter)
            raise
        finally:
            waited = self._now() - now
            call.run.queue_time += waited
            call.run.notes.append(("queue", waited, ""))

    def change(self, rate: Rate, burst: int) -> None:
        """Change the limit (semantics 2.7); who could not have a turn in time any more is refused at once."""
        bucket, now = self.bucket, self._now()
        if (rate, burst) == (bucket.rate, bucket.burst):
            return
        bucket.change(rate, burst, now)
        turn = bucket.wait_for(1, now)
        for waiter in list(self.waiting):
            if now + turn > waiter.until:
                del self.waiting[waiter]
                self._refuse(waiter, now)
            else:
                turn += bucket.interval
        self._disarm()
        self._arm(now)

    def _leave(self, waiter: Waiter) -> None:
        now = self._now()
        if waiter.granted:
            self.bucket.undo(now)
        elif waiter in self.waiting:
            del self.waiting[waiter]
        self._disarm()
        self._arm(now)

    def _refuse(self, waiter: Waiter, now: float) -> None:
        if not waiter.future.done():
            waiter.future.set_exception(_saturated(self._turn_of(len(self.waiting), now)))

    def _turn_of(self, place: int, now: float) -> float:
        return self.bucket.wait_for(1, now) + place * self.bucket.interval

    def _arm(self, now: float) -> None:
        if self._entry is None and self.waiting:
            self._entry = self._wheel.add(now + self.bucket.wait_for(1, now), self._turn)

    def _disarm(self) -> None:
        if self._entry is not None:
            self._entry.cancel()
            self._entry = None

    def _turn(self) -> None:
        self._entry = None
        now = self._now()
        while self.waiting:
            waiter = next(iter(self.waiting))
            if waiter.until < now:  # timers came late, once for each turn before this one
                del self.waiting[waiter]
                self._refuse(waiter, now)
                continue
            if not self.bucket.take(now):
                break
            del self.waiting[waiter]
            waiter.granted = True
            if not waiter.future.done():  # cancelled in this turn: its own task gives the unit back
                waiter.future.set_result(None)
        self._arm(now)


def _saturated(wait: float) -> Saturated:
    return Saturated("The rate limit of this upstream leaves no turn in time", policy="rate", retry_after=wait)
