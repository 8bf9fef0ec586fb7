"""An upstream for tests of the cache stage, and one call through it."""

import asyncio

from cache_exchange import body_of, make_call

from seawall.contracts.body import Body, Headers
from seawall.contracts.call import Call
from seawall.contracts.reply import Reply

__all__ = ["FRESH", "Upstream", "get", "settle"]

FRESH: Headers = [(b"cache-control", b"max-age=60")]


class Upstream:
    """Answers each call after `after` seconds with what `make` gives; counts."""

    def __init__(self, make=None, after: float = 1.0, headers: Headers = FRESH, status: int = 200, body: Body = b"x"):
        self.make = make or (lambda call: Reply(status, list(headers), body))
        self.after = after
        self.calls: list[Call] = []
        self.cancelled = 0
        self.closed = 0

    async def __call__(self, call: Call) -> Reply:
        self.calls.append(call)
        try:
            await asyncio.sleep(self.after)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        reply = self.make(call)
        reply.on_close(self._closed)
        return reply

    def _closed(self) -> None:
        self.closed += 1


async def get(stage, upstream, call: Call | None = None) -> tuple[int, bytes, Reply]:
    """Send a call and read its answer."""
    reply = await stage.send(call or make_call(), upstream)
    return reply.status, await body_of(reply), reply


async def settle() -> None:
    """Let tasks run until nothing but time could change anything."""
    for _ in range(30):
        await asyncio.sleep(0)
