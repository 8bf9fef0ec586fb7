"""A mixed load through the gateway, and what its callers saw of it."""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from seawall.contracts.call import Attempt, Call, Run
from seawall.contracts.clock import Clock
from seawall.contracts.errors import CallError
from seawall.contracts.policy import Transport
from seawall.contracts.reply import Reply
from seawall.contracts.target import Target, Timeouts

__all__ = ["MIX", "Load", "Tally", "percentile"]

PATIENCE = 20.0  # seconds a caller waits for one answer
KEPT = 2000  # latencies that percentiles are taken of


class Kind(NamedTuple):
    """One kind of call: its share of the load, and what is sent."""

    share: float
    method: bytes
    path: bytes
    body: bytes = b""


MIX = (
    Kind(0.60, b"GET", b"/sandbox/flaky?rate=0.24"),
    Kind(0.12, b"GET", b"/sandbox/hello"),
    Kind(0.08, b"GET", b"/sandbox/json"),
    Kind(0.08, b"POST", b"/sandbox/echo", b'{"some":"words"}'),
    Kind(0.06, b"GET", b"/sandbox/slow?ms=60"),
    Kind(0.06, b"GET", b"/sandbox/stream?events=5&gap=30"),
)


class Tally:
    """What callers saw so far.

    Attributes:
        calls: that ended.
        failed: answers of 500 and above, and calls without an answer.
        latencies: seconds of the last calls that were no streams, to the end of their body.
    """

    def __init__(self) -> None:
        self.calls = 0
        self.failed = 0
        self.latencies: deque[float] = deque(maxlen=KEPT)

    def add(self, good: bool, seconds: float | None) -> None:
        """Count a call that ended; no seconds for a stream, which takes the time it takes."""
        self.calls += 1
        self.failed += not good
        if seconds is not None:
            self.latencies.append(seconds)


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that `share` of all are at or below, by nearest rank; 0 of none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0.0


class Load:
    """Callers that call one after the other, each with a pause at random between its calls.

    Args:
        transport: makes the calls.
        host: of the gateway.
        port: of the gateway.
        clock: time.
        uniform: chooses what is called and how long pauses are.
        callers: how many at a time.
        pause: the longest pause of a caller, in seconds.

    Attributes:
        tally: what they saw.
    """

    def __init__(
        self,
        transport: Transport,
        host: str,
        port: int,
        clock: Clock,
        uniform: Callable[[float, float], float],
        *,
        callers: int = 24,
        pause: float = 0.25,
    ) -> None:
        self._transport = transport
        self._target = Target("gateway", "gateway", "http", host, port, allow_private=True)
        self._now = clock.now
        self._uniform = uniform
        self._callers = callers
        self._pause = pause
        self.tally = Tally()

    async def run(self) -> None:
        """Call until cancelled."""
        async with asyncio.TaskGroup() as group:
            for number in range(self._callers):
                group.create_task(self._caller(), name=f"caller {number + 1}")

    async def _caller(self) -> None:
        while True:
            await asyncio.sleep(self._uniform(0.0, self._pause))
            await self.call(self._choose())

    def _choose(self) -> Kind:
        left = self._uniform(0.0, sum(kind.share for kind in MIX))
        for kind in MIX:
            left -= kind.share
            if left <= 0:
                return kind
        return MIX[-1]

    async def call(self, kind: Kind) -> bool:
        """Make one call and count it; return whether its answer was good and came whole."""
        began = self._now()
        try:
            reply = await self._transport.send(self._attempt(kind, began))
        except CallError:
            self.tally.add(good=False, seconds=self._now() - began)
            return False
        streamed = reply.streamed
        good = await _whole(reply) and reply.status < 500
        self.tally.add(good, None if streamed else self._now() - began)
        return good

    def _attempt(self, kind: Kind, began: float) -> Attempt:
        timeouts = Timeouts(total=PATIENCE, attempt=PATIENCE, first_byte=PATIENCE, idle=PATIENCE)
        call = Call(
            kind.method,
            kind.path,
            [(b"user-agent", b"seawall-demo")],
            self._target,
            timeouts,
            began + PATIENCE,
            Run(began),
            kind.body,
            len(kind.body),
        )
        return Attempt(call, 1, [], began + PATIENCE)


async def _whole(reply: Reply) -> bool:
    """Read a reply to its end and close it; return whether the end came."""
    try:
        body = reply.body
        if not isinstance(body, bytes):
            while await body.read():
                continue
    except CallError:
        return False
    else:
        return True
    finally:
        reply.close()
