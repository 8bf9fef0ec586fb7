"""Several addresses of one name, tried in order without waiting long for a dead one (RFC 8305, the short form)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from seawall.contracts.errors import ConnectError
from seawall.wire.connection import Connection

__all__ = ["race"]

# RFC 8305 section 5, "Connection Attempt Delay"
STAGGER = 0.25


async def race(
    loop: asyncio.AbstractEventLoop, addresses: Sequence[str], connect: Callable[[str], Awaitable[Connection]]
) -> Connection:
    """Return the first connection made; the next address is tried when one failed or is silent for `STAGGER` seconds.

    Raises:
        ConnectError: every address failed; the first one's error.
    """
    if len(addresses) == 1:
        return await connect(addresses[0])
    tasks: list[asyncio.Task[Connection]] = []
    winner: asyncio.Task[Connection] | None = None
    try:
        for ip in addresses:
            tasks.append(loop.create_task(_attempt(connect, ip)))
            winner = await _first(tasks, STAGGER if len(tasks) < len(addresses) else None)
            if winner is not None:
                return winner.result()
    finally:
        losers = [task for task in tasks if task is not winner]
        for task in losers:
            task.cancel()
            task.add_done_callback(_discard)
        await asyncio.gather(*losers, return_exceptions=True)
    raise _why(tasks)


async def _attempt(connect: Callable[[str], Awaitable[Connection]], ip: str) -> Connection:
    return await connect(ip)


async def _first(tasks: list[asyncio.Task[Connection]], seconds: float | None) -> asyncio.Task[Connection] | None:
    """Return a task that made a connection, or None once all failed or `seconds` have passed."""
    pending = {task for task in tasks if not task.done()}
    while pending:
        done, pending = await asyncio.wait(pending, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        if not done:
            return None
        for task in done:
            if not task.cancelled() and task.exception() is None:
                return task
        if seconds is not None:
            return None  # one failed: the next address need not wait
    return None


def _discard(task: asyncio.Task[Connection]) -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().abort()


def _why(tasks: list[asyncio.Task[Connection]]) -> BaseException:
    for task in tasks:
        error = task.exception()
        if error is not None:
            return error
    return ConnectError()
