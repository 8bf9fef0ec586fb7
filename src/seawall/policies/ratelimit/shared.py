"""Waiting for a turn where the limit is all replicas' together: one queue here, the decision in the shared store.

One task asks for everybody who waits, so that a crowd costs the store one question at a time. While the store is lost
it decides from this replica's share (semantics 5.5); what was used either way is known when that changes.
"""

import asyncio
from collections import OrderedDict
from functools import partial

from seawall.contracts.call import Call
from seawall.contracts.clock import Clock
from seawall.contracts.errors import Saturated
from seawall.contracts.state import Limits, Replicas, StateLost
from seawall.contracts.units import Rate
from seawall.contracts.wheel import Wheel
from seawall.policies.ratelimit.share import Share

__all__ = ["SharedTurns"]

_LEAST = 0.001  # seconds between two questions; more units than one are asked for at once where that is not enough
_YIELD = 0.05  # of an interval: how much later one asks that got a unit, where the burst leaves nothing to add up
_LAST = 0.02  # seconds before a call would be refused at which it is asked for once more


class _Waiter:
    """One waiting call."""

    __slots__ = ("future", "granted", "late", "until")

    def __init__(self, until: float, future: "asyncio.Future[None]") -> None:
        self.until = until
        self.future = future
        self.granted = False
        self.late = False


class SharedTurns:
    """The turns of one upstream or route, in the order calls came to this replica.

    Args:
        key: of the limit in the store.
        share: the limit.
        limits: the store.
        replicas: who else shares it.
        clock: time.
        wheel: its loop runs the task; ends waits.

    Attributes:
        waiting: in order.
    """

    __slots__ = (
        "_asking", "_key", "_limits", "_loop", "_now", "_parts", "_pause", "_replicas", "_spare", "_task", "_wheel",
        "share", "waiting",
    )  # fmt: skip

    def __init__(self, key: str, share: Share, limits: Limits, replicas: Replicas, clock: Clock, wheel: Wheel) -> None:
        self.share = share
        self.waiting: OrderedDict[_Waiter, None] = OrderedDict()
        self._key = key
        self._limits = limits
        self._replicas = replicas
        self._now = clock.now
        self._wheel = wheel
        self._loop = wheel.loop
        self._parts = 1  # of which this replica has one: 1 while the store decides
        self._spare = 0  # units that were taken for calls that have left since
        self._asking = False
        self._task: asyncio.Task[None] | None = None
        self._pause: asyncio.Future[None] | None = None

    async def turn(self, call: Call, wait: float) -> None:
        """Wait for a turn; on return one unit is taken.

        Args:
            call: who waits; its time in the queue is added to its run.
            wait: the longest time, in seconds; cut to what is left of the call's deadline.

        Raises:
            Saturated: its turn comes too late; `retry_after` says when it would have come.
        """
        now = self._now()
        until = min(now + wait, call.deadline)
        turn = self._turn_of(len(self.waiting), now)
        if now + turn > until:
            raise _saturated(turn)
        waiter = _Waiter(until, self._loop.create_future())
        self.waiting[waiter] = None
        entry = self._wheel.add(until, partial(self._too_late, waiter))
        self._begin()
        try:
            await waiter.future
        except asyncio.CancelledError:
            self._leave(waiter)
            raise
        finally:
            entry.cancel()
            waited = self._now() - now
            call.run.queue_time += waited
            call.run.notes.append(("queue", waited, ""))

    def change(self, rate: Rate, burst: int) -> None:
        """Change the limit (semantics 2.7)."""
        share = self.share
        if (rate, burst) != (share.rate, share.burst):
            share.change(rate, burst, self._now())
            self._go_on()

    async def close(self) -> None:
        """Let nobody have a turn any more, and end the task."""
        while self.waiting:
            self._refuse(next(iter(self.waiting)))
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def _begin(self) -> None:
        if self._task is None:
            self._task = self._loop.create_task(self._serve(), name="shared rate")
            self._task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._task = None
        if task.cancelled():
            return
        if task.exception() is not None:
            while self.waiting:  # nobody waits for ever for a task that is gone
                self._refuse(next(iter(self.waiting)))
            self._loop.call_exception_handler({"message": "a shared rate limit failed", "exception": task.exception()})
        elif self.waiting or self._spare:
            self._begin()

    async def _serve(self) -> None:
        """Give turns until nobody waits."""
        while self.waiting or self._spare:
            self._use_spare()
            if not self.waiting:
                await self._give_back()
                continue
            granted = await self._ask()
            if self.waiting and not self._spare:
                await self._rest(self._pause_after(granted))

    def _pause_after(self, granted: int) -> float:
        """Return the seconds until it makes sense to ask again.

        Whoever is nearest to the store would else win every unit. So one that got some leaves the next ones to the
        others, and where they want none, takes all at once a little later; but never so late that a call is refused.
        """
        share, now = self.share, self._now()
        wait = share.wait(self._parts, now)
        others = min(self._replicas.count, share.burst) - 1
        if not granted or self._parts > 1 or self._replicas.count == 1:
            return wait
        polite = wait + max(others, _YIELD) * share.interval
        return max(wait, min(polite, next(iter(self.waiting)).until - now - _LAST))

    async def _ask(self) -> int:
        """Take what is there for those who wait, of the whole limit or of this replica's share; return how many."""
        share, now = self.share, self._now()
        self._asking = True
        try:
            granted, used = await self._limits.some(
                self._key, share.rate, share.burst, len(self.waiting), share.used(now)
            )
        except StateLost:
            self._parts = self._replicas.count
            granted = share.take(self._parts, self._now(), len(self.waiting))
        else:
            self._parts = 1
            share.learn(used, self._now())
        finally:
            self._asking = False
        self._spare += granted
        self._use_spare()
        for waiter in [waiter for waiter in self.waiting if waiter.late]:
            self._refuse(waiter)
        return granted

    def _use_spare(self) -> None:
        while self._spare and self.waiting:
            waiter, _ = self.waiting.popitem(last=False)
            if not waiter.future.done():  # one cancelled in this turn has no need of it
                self._spare -= 1
                waiter.granted = True
                waiter.future.set_result(None)

    async def _give_back(self) -> None:
        units, self._spare = self._spare, 0
        share = self.share
        share.give_back(units, self._parts)
        if self._parts == 1:
            try:
                await self._limits.charge(self._key, share.rate, share.burst, -units)
            except StateLost:
                return  # it stays taken: too little rather than too much

    async def _rest(self, seconds: float) -> None:
        if seconds <= 0.0:
            return
        self._pause = self._loop.create_future()
        timer = self._loop.call_later(max(seconds, _LEAST), self._go_on)
        try:
            await self._pause
        finally:
            timer.cancel()
            self._pause = None

    def _go_on(self) -> None:
        if self._pause is not None and not self._pause.done():
            self._pause.set_result(None)

    def _turn_of(self, place: int, now: float) -> float:
        """Return the seconds until the turn of the call at that place in the queue, should nobody else take any."""
        return self.share.wait(self._parts, now, place + 1)

    def _too_late(self, waiter: _Waiter) -> None:
        if self._asking:  # an answer is on its way, and the store's slowness is no fault of the call
            waiter.late = True
        elif waiter in self.waiting:
            self._refuse(waiter)

    def _refuse(self, waiter: _Waiter) -> None:
        del self.waiting[waiter]
        if not waiter.future.done():
            waiter.future.set_exception(_saturated(self._turn_of(len(self.waiting), self._now())))
        self._ease()

    def _leave(self, waiter: _Waiter) -> None:
        if waiter.granted:
            self._spare += 1
            self._begin()
            self._go_on()
        elif waiter in self.waiting:
            del self.waiting[waiter]
            self._ease()

    def _ease(self) -> None:
        if not self.waiting:  # the task has nothing more to wait for
            self._go_on()


def _saturated(wait: float) -> Saturated:
    return Saturated("The rate limit of this upstream leaves no turn in time", policy="rate", retry_after=wait)
