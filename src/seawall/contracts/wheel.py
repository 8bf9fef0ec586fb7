"""A coarse timer wheel: one loop timer serves every deadline of the same few milliseconds."""

import asyncio
import math
from collections.abc import Callable
from types import TracebackType
from typing import Self

from seawall.contracts.clock import Clock

__all__ = ["Entry", "TimeLimit", "Wheel"]


_SPARE = 256  # limits kept for the next block: making one costs as much as using it


class Entry:
    """A registered moment; `cancel` it when it is no longer wanted."""

    __slots__ = ("at", "bucket", "call")

    bucket: "set[Entry]"

    def __init__(self, at: float, call: Callable[[], None]) -> None:
        self.at = at
        self.call = call

    def fire(self) -> None:
        """Do what was registered."""
        self.call()

    def cancel(self) -> None:
        """Take it out; does nothing when it has fired."""
        self.bucket.discard(self)


class Wheel:
    """Fires callbacks at or up to one tick after their moment, never before.

    A loop timer per call costs more than the call's policies together; here a call costs one set entry, and the
    loop has at most one timer per tick in use.

    Args:
        clock: gives `now`.
        loop: runs the callbacks.
        tick: seconds; how late a callback may be.
    """

    def __init__(self, clock: Clock, loop: asyncio.AbstractEventLoop, tick: float = 0.01) -> None:
        self.now = clock.now
        self.loop = loop
        self.tick = tick
        self.buckets: dict[int, set[Entry]] = {}
        self.spare: list[TimeLimit] = []

    def add(self, at: float, fire: Callable[[], None]) -> Entry:
        """Call `fire` once `at` (monotonic seconds) has passed; it must not raise."""
        entry = Entry(at, fire)
        self.put(entry)
        return entry

    def limit(self, at: float) -> "TimeLimit":
        """Begin a block of the current task that is cancelled once `at` has passed; end it with the limit's `stop`.

        Raises:
            RuntimeError: no task is running.
        """
        spare = self.spare
        limit = spare.pop() if spare else TimeLimit(self, at)
        limit.start(at)
        return limit

    def put(self, entry: Entry) -> None:
        """Register an entry under its `at`."""
        number = int(entry.at / self.tick) + 1
        bucket = self.buckets.get(number)
        if bucket is None:
            bucket = self.buckets[number] = set()
            self.loop.call_later(max(0.0, number * self.tick - self.now()), self._turn, number)
        entry.bucket = bucket
        bucket.add(entry)

    def _turn(self, number: int) -> None:
        late = number * self.tick - self.now()
        if late > 0:  # loops round timers to the millisecond; firing early would break "never before"
            self.loop.call_later(math.ceil(late * 1000) / 1000, self._turn, number)
            return
        bucket = self.buckets.pop(number)
        for entry in sorted(bucket, key=_moment):
            if entry in bucket:  # an earlier one may have cancelled it
                bucket.discard(entry)
                entry.fire()

    def __len__(self) -> int:
        return sum(map(len, self.buckets.values()))


def _moment(entry: Entry) -> float:
    return entry.at


class TimeLimit(Entry):
    """Cancels the current task's block at a moment and turns that cancellation, and no other, into `error()`.

    A synchronous context manager around awaits:

        with TimeLimit(wheel, at, lambda: DeadlineExceeded()):
            await something()

    A cancellation that comes from outside stays a `CancelledError`, even in the same turn (semantics 1.4). It is its
    own entry in the wheel. What is limited for every call asks for one with `Wheel.limit` and ends it with `stop`.
    """

    __slots__ = ("_cancelling", "_error", "_task", "_wheel", "fired")

    def __init__(self, wheel: Wheel, at: float, error: Callable[[], BaseException] | None = None) -> None:
        self._wheel = wheel
        self.at = at
        self._error = error
        self.fired = False

    def __enter__(self) -> Self:
        self.start(self.at)
        return self

    def start(self, at: float) -> None:
        """Begin the current task's block, which may last until `at`.

        Raises:
            RuntimeError: no task is running.
        """
        self.at = at
        wheel = self._wheel
        task = asyncio.current_task(wheel.loop)
        if task is None:
            raise RuntimeError("a TimeLimit needs a running task")
        self._task = task
        self._cancelling = task.cancelling()
        bucket = wheel.buckets.get(int(at / wheel.tick) + 1)
        if bucket is None:
            wheel.put(self)
        else:
            self.bucket = bucket
            bucket.add(self)

    def fire(self) -> None:
        """Cancel the block."""
        self.fired = True
        self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bucket.discard(self)
        if self.fired and self._ended(error) and self._error is not None:
            raise self._error() from error

    def _ended(self, error: BaseException | None) -> bool:
        return self._task.uncancel() <= self._cancelling and isinstance(error, asyncio.CancelledError)

    def stop(self, error: BaseException | None = None) -> bool:
        """End the block, which `error` has left, or nothing has; whether this limit and no other cancellation did that.

        Once, and only for what `Wheel.limit` gave: the limit serves another block afterwards.
        """
        self.bucket.discard(self)
        if self.fired:
            return self._ended(error)
        spare = self._wheel.spare
        if len(spare) < _SPARE:
            spare.append(self)
        return False
