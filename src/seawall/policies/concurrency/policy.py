"""Holding a slot from before the attempt until its body is closed (semantics 4.2)."""

import asyncio
from collections.abc import Callable

from seawall.contracts.call import Call
from seawall.contracts.errors import UpstreamTimeout
from seawall.contracts.policy import Proceed
from seawall.contracts.reply import Reply
from seawall.policies.concurrency.adaptive import Gradient
from seawall.policies.concurrency.slots import Slots

__all__ = ["ConcurrencyStage", "MeasureStage"]


class ConcurrencyStage:
    """Lets at most the limit's number of calls through at once.

    Args:
        slots: shared by every call of the upstream or route, kept over a reload.
        wait: the longest time in the queue, in seconds.
    """

    __slots__ = ("_gate", "_slots", "_wait")

    def __init__(self, slots: Slots, wait: float) -> None:
        self._slots = slots
        self._gate = slots.gate
        self._wait = wait

    async def send(self, call: Call, proceed: Proceed) -> Reply:
        """Proceed with a slot.

        Raises:
            Saturated: none became free in time.
        """
        gate = self._gate
        if gate.taken < gate.limit:
            gate.taken += 1
        else:
            await self._slots.queue(call, self._wait)
        try:
            reply = await proceed(call)
        except BaseException:
            self._slots.release()
            raise
        if type(reply.body) is not bytes:
            reply.on_close(self._slots.release)
        elif gate.waiting:
            self._slots.release()
        else:
            gate.taken -= 1
        return reply


class MeasureStage:
    """Finds the limit from the time to headers (semantics 4.5).

    Stands inside every slot the call holds, so that no queue of ours is in what it measures.

    Args:
        slots: whose limit follows.
        gradient: finds it.
        now: monotonic seconds.
    """

    __slots__ = ("_gradient", "_now", "_slots")

    def __init__(self, slots: Slots, gradient: Gradient, now: Callable[[], float]) -> None:
        self._slots = slots
        self._gradient = gradient
        self._now = now

    async def send(self, call: Call, proceed: Proceed) -> Reply:
        """Proceed, and learn from how long the answer took."""
        gradient = self._gradient
        began = self._now()
        try:
            reply = await proceed(call)
        except (UpstreamTimeout, asyncio.CancelledError) as error:
            now = self._now()
            # The deadline stage ends an attempt by cancelling it; a caller that left says nothing about load
            if isinstance(error, UpstreamTimeout) or call.timed_out(now):
                gradient.cut(began, now)
                self._slots.follow(gradient)
            raise
        if reply.status < 400:  # an error's latency says nothing about load
            gradient.sample(began, self._now(), self._slots.gate.taken)
            if gradient.limit != self._slots.gate.limit:
                self._slots.follow(gradient)
        return reply
