"""The connections to one target: newest idle first, bounded, nobody's slot lost."""

import asyncio
from collections import deque
from typing import NamedTuple

from seawall.contracts.errors import CallError, ConnectError, Saturated, UpstreamTimeout
from seawall.contracts.target import Target
from seawall.contracts.wheel import TimeLimit, Wheel
from seawall.wire.connection import Connection
from seawall.wire.dial import Dialer
from seawall.wire.parser import MAX_FIELDS, SMALL
from seawall.wire.plain import PlainAnswers
from seawall.wire.request import RequestWriter

__all__ = ["Pool", "PoolStats"]


class PoolStats(NamedTuple):
    """What one target's pool holds.

    Attributes:
        upstream, target: names from settings.
        open: connections that stand, idle ones included.
        idle: those without a call.
        connecting: being made.
        waiting: calls that wait because the pool is full.
    """

    upstream: str
    target: str
    open: int
    idle: int
    connecting: int
    waiting: int


class Pool:
    """Connections to one target.

    Args:
        target: where they go.
        dialer: makes them.
        wheel, loop: time.
        limits: `max_idle`, `idle_for` and `max_connections` of `Wire`.
        max_idle: how many are kept without a call; the oldest goes.
        max_connections: open and connecting together; above, calls wait within their connect timeout.
    """

    def __init__(
        self,
        target: Target,
        dialer: Dialer,
        wheel: Wheel,
        loop: asyncio.AbstractEventLoop,
        limits: tuple[int, float, int],
    ) -> None:
        self.target = target
        self.writer = RequestWriter(target, absolute=target.proxy is not None and target.scheme == "http")
        self.idle: list[Connection] = []
        self.open: set[Connection] = set()
        self.retired = False
        self._closed = False
        self._plain = PlainAnswers(SMALL, MAX_FIELDS)
        self._dialer = dialer
        self._wheel = wheel
        self._loop = loop
        self._max_idle, self._idle_for, self._most = limits
        self._connecting = 0
        self._waiters: deque[asyncio.Future[None]] = deque()

    def stats(self) -> PoolStats:
        """Return the counts of this moment."""
        target = self.target
        return PoolStats(
            target.upstream, target.label, len(self.open), len(self.idle), self._connecting, len(self._waiters)
        )

    def put(self, connection: Connection) -> None:
        """Take a free connection back."""
        if self.retired:
            connection.abort()
            return
        idle = self.idle
        idle.append(connection)
        if len(idle) > self._max_idle:
            idle[0].abort()
        if self._waiters:
            self._wake()

    def forget(self, connection: Connection) -> None:
        """Take a closed connection off the books."""
        self.open.discard(connection)
        if connection in self.idle:
            self.idle.remove(connection)
        self._wake()

    def _wake(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    async def connect(self, seconds: float, fresh: bool = False) -> Connection:
        """Return a connection nobody else has: a new one, or one that became free while this call waited.

        Args:
            seconds: how long waiting, resolving, connecting and the TLS handshake may take together.
            fresh: take no connection that was used before.

        Raises:
            ConnectError: none could be made.
            UpstreamTimeout: it took too long.
            Saturated: the pool was full all the time.
        """
        waiting = False

        def too_slow() -> CallError:
            if waiting:
                return Saturated("All connections to the upstream are in use")
            return UpstreamTimeout("connect", sent=False)

        with TimeLimit(self._wheel, self._wheel.now() + seconds, too_slow):
            while len(self.open) + self._connecting >= self._most:
                if self.idle and not fresh:
                    return self.idle.pop()
                if self.idle:
                    self.idle[0].abort()
                    continue
                waiting = True
                await self._turn()
                waiting = False
            return await self._dial()

    async def _turn(self) -> None:
        """Wait until a connection is free or a slot is; a turn that is not taken goes on to the next."""
        waiter = self._loop.create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        except BaseException:
            if waiter.done() and not waiter.cancelled():
                self._wake()
            else:
                self._waiters.remove(waiter)
            raise

    async def _dial(self) -> Connection:
        self._connecting += 1
        try:
            connection = await self._dialer.dial(self.target, self._new)
        except BaseException:
            self._connecting -= 1
            self._wake()
            raise
        self._connecting -= 1
        if connection.closed:
            raise ConnectError("The upstream closes connections at once")
        if self._closed:
            connection.abort()
            raise ConnectError("The wire is closed")
        self.open.add(connection)
        return connection

    def _new(self) -> Connection:
        return Connection(self, self._loop, self._wheel, self._idle_for, self._plain)

    def retire(self) -> None:
        """Keep no connection from now on; those in use end with their call."""
        self.retired = True
        for connection in self.idle.copy():
            connection.abort()

    @property
    def unused(self) -> bool:
        """Whether it holds nothing and nobody waits for it."""
        return not (self.open or self._connecting or self._waiters)

    def close(self) -> None:
        """Close every connection; calls under way break."""
        self.retired = self._closed = True
        for connection in list(self.open):
            connection.abort()
