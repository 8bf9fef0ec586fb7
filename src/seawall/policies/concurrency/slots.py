"""Waiting for a slot: the queue of futures around a `Gate`, kept over a reload."""

import asyncio

from seawall.contracts.call import Call
from seawall.contracts.clock import Clock
from seawall.contracts.errors import Saturated
from seawall.contracts.wheel import Wheel
from seawall.policies.concurrency.adaptive import Gradient
from seawall.policies.concurrency.core import Gate, Ticket

__all__ = ["Slots", "Waiter"]


class Waiter(Ticket):
    """A ticket and the future its call waits on."""

    __slots__ = ("future",)

    def __init__(self, caller: str, future: "asyncio.Future[None]") -> None:
        super().__init__(caller)
        self.future = future


class Slots:
    """The slots of one upstream or route.

    Args:
        gate: the books.
        clock, wheel, loop: time.

    Attributes:
        gradient: finds the limit in adaptive mode, else None.
    """

    __slots__ = ("_loop", "_now", "_wheel", "gate", "gradient")

    def __init__(self, gate: Gate[Waiter], clock: Clock, wheel: Wheel, loop: asyncio.AbstractEventLoop) -> None:
        self.gate = gate
        self._now = clock.now
        self._wheel = wheel
        self._loop = loop
        self.gradient: Gradient | None = None

    async def queue(self, call: Call, wait: float) -> None:
        """Wait for a slot; on return the call has one and must `release` it.

        Args:
            call: who waits; its time in the queue is added to its run.
            wait: the longest time, in seconds; cut to what is left of the call's deadline.

        Raises:
            Saturated: no room, or no slot in time.
        """
        now = self._now()
        until = min(now + wait, call.deadline)
        waiter = Waiter(call.caller, self._loop.create_future())
        if until <= now or not self.gate.join(waiter, now):
            raise _saturated(wait)
        entry = self._wheel.add(until, lambda: self._expire(waiter, wait))
        try:
            await waiter.future
        except asyncio.CancelledError:
            if waiter.granted:  # granted and cancelled in one turn: the slot is not lost
                self.release()
            else:
                self.gate.withdraw(waiter)
            raise
        finally:
            entry.cancel()
            waited = self._now() - now
            call.run.queue_time += waited
            call.run.notes.append(("queue", waited, ""))

    def release(self) -> None:
        """Give a slot back; the next in the queue has it at once."""
        gate = self.gate
        if not gate.waiting:
            gate.taken -= 1
            return
        waiter = gate.leave(self._now())
        if waiter is not None:
            _wake(waiter)

    def resize(self, limit: int, room: int) -> None:
        """Change the limit and the queue's room without touching who is in flight (semantics 2.7)."""
        gate = self.gate
        gate.room = room
        if limit != gate.limit:
            for waiter in gate.resize(limit, self._now()):
                _wake(waiter)

    def fix(self, limit: int, room: int) -> None:
        """Hold a limit from settings."""
        self.gradient = None
        self.resize(limit, room)

    def adapt(self, highest: int, room: int) -> Gradient:
        """Find the limit from latency, between 1 and `highest`; what was found before a reload is kept."""
        if self.gradient is None:
            self.gradient = Gradient(highest, self._now())
        else:
            self.gradient.bound(highest, self._now())
        self.resize(self.gradient.limit, room)
        return self.gradient

    def follow(self, gradient: Gradient) -> None:
        """Take over a limit, unless a reload has put another in force."""
        if gradient is self.gradient:
            self.resize(gradient.limit, self.gate.room)

    def _expire(self, waiter: Waiter, wait: float) -> None:
        if self.gate.withdraw(waiter) and not waiter.future.done():
            waiter.future.set_exception(_saturated(wait))


def _wake(waiter: Waiter) -> None:
    if not waiter.future.done():  # cancelled in this turn: its own task passes the slot on
        waiter.future.set_result(None)


def _saturated(wait: float) -> Saturated:
    # whoever waits now has gone or been refused after `wait`
    return Saturated("No slot to this upstream became free in time", policy="concurrency", retry_after=max(1.0, wait))
