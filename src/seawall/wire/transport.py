"""The wire: one attempt to one reply, over pooled connections."""

import asyncio
from collections.abc import Collection

from seawall.contracts.body import Source
from seawall.contracts.call import IDEMPOTENT, Attempt
from seawall.contracts.clock import Clock
from seawall.contracts.errors import ConnectError, UpstreamBroken
from seawall.contracts.reply import Reply
from seawall.contracts.target import Target
from seawall.contracts.wheel import Wheel
from seawall.wire.connection import Connection
from seawall.wire.dial import Dialer, Listeners
from seawall.wire.dns import Resolve, Resolver
from seawall.wire.pool import Pool, PoolStats
from seawall.wire.upload import PIECE, Upload

__all__ = ["Wire"]


class Wire:
    """A contracts `Transport` over HTTP/1.1.

    Args:
        clock, wheel, loop: time.
        own: gives the (address, port) pairs we listen on; they are never dialled.
        resolve: names to addresses, the system's resolver by default.
        max_idle: idle connections kept per target.
        idle_for: seconds an idle connection is kept; under the shortest common server timeouts a POST would too often
            meet a connection that is just being closed.
        max_connections: per target; calls above wait within their connect timeout.
    """

    def __init__(
        self,
        clock: Clock,
        wheel: Wheel,
        loop: asyncio.AbstractEventLoop,
        *,
        own: Listeners = tuple,
        resolve: Resolve | None = None,
        max_idle: int = 64,
        idle_for: float = 30.0,
        max_connections: int = 512,
    ) -> None:
        self._loop = loop
        self._wheel = wheel
        self._resolver = Resolver(loop, clock, resolve)
        self._dialer = Dialer(loop, self._resolver, own)
        self._limits = (max_idle, idle_for, max_connections)
        self._pools: dict[Target, Pool] = {}
        self._closed = False

    async def send(self, attempt: Attempt) -> Reply:
        """Make one attempt.

        Raises:
            ConnectError: no connection; nothing was sent.
            UpstreamTimeout: the phase `connect`, `first_byte` or `idle` took too long.
            UpstreamBroken: the connection or the answer broke.
            Refusal: the pool is full, or the request cannot be written as HTTP; nothing was sent.
            RequestBodyError: the body's source broke; the upstream's connection was aborted.
        """
        call = attempt.call
        body = call.body
        pool = self._pools.get(call.target) or self._pool(call.target)
        head = pool.writer.head(attempt)
        idle = pool.idle
        fresh = False
        while True:
            connection = idle.pop() if idle and not fresh else await pool.connect(call.timeouts.connect, fresh)
            waiter = connection.begin(call.method == b"HEAD", call.timeouts, call.run.early)
            attempt.sent = True
            try:
                if type(body) is bytes and len(body) <= PIECE:
                    connection.transport.write(head + body if body else head)
                    connection.written()
                else:
                    connection.transport.write(head)
                    await self._upload(connection, body, call.length)
                reply = await waiter
            except BaseException:
                # A complete answer has freed the connection already, and another call may be on it.
                if connection.waiter is waiter and connection.busy:
                    connection.abort()
                raise
            if reply is not None:
                return reply
            if fresh or not self._may_retry(connection, attempt):
                raise connection.error or UpstreamBroken
            fresh = True

    async def _upload(self, connection: Connection, body: bytes | Source, length: int | None) -> None:
        task = asyncio.current_task()
        if task is not None and await Upload(connection, task).run(body, length):
            connection.written()

    def _may_retry(self, connection: Connection, attempt: Attempt) -> bool:
        """Whether the connection had gone stale, so that a fresh one may be tried (RFC 9112 section 9.3.1)."""
        call = attempt.call
        return (
            connection.used > 1
            and not connection.touched
            and isinstance(connection.error, UpstreamBroken)
            and call.method in IDEMPOTENT
            and isinstance(call.body, bytes)
            and not call.run.once
            and not self._closed
        )

    def _pool(self, target: Target) -> Pool:
        if self._closed:
            raise ConnectError("The wire is closed")
        pool = self._pools[target] = Pool(target, self._dialer, self._wheel, self._loop, self._limits)
        return pool

    def keep(self, targets: Collection[Target]) -> None:
        """Let go of every pool but those of `targets`, after a reload; calls under way on the others end first."""
        for target in self._pools.keys() - set(targets):
            pool = self._pools[target]
            pool.retire()
            if pool.unused:
                del self._pools[target]
        self._resolver.forget(frozenset(target.host for target in targets))

    def stats(self) -> tuple[PoolStats, ...]:
        """Return the connection counts of each target, for metrics."""
        return tuple(pool.stats() for pool in self._pools.values())

    async def close(self) -> None:
        """Close every connection; calls under way fail with UpstreamBroken, later ones with ConnectError."""
        self._closed = True
        pools = list(self._pools.values())
        self._pools.clear()
        for pool in pools:
            pool.close()
        await self._resolver.close()
