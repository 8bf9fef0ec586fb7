"""The gate in front of one target: nobody passes while the target has asked to be left alone (semantics 2.3)."""

import asyncio
from collections.abc import Mapping
from math import inf

from seawall.contracts.call import Call
from seawall.contracts.errors import Saturated, UpstreamError
from seawall.contracts.events import UpstreamPaused
from seawall.contracts.policy import Context, Proceed
from seawall.contracts.reply import Reply
from seawall.contracts.retry_after import asked
from seawall.contracts.target import Target
from seawall.policies.retry.pause import Pause
from seawall.policies.retry.settings import RetrySettings

__all__ = ["PauseGate"]


class PauseGate:
    """Stands inside the choice of a target and before its queues, so that no slot is held while a call waits."""

    __slots__ = ("_base", "_emit", "_longest", "_loop", "_now", "_pauses", "_uniform", "_wall")

    def __init__(self, settings: RetrySettings, ctx: Context, pauses: Mapping[Target, Pause]) -> None:
        self._base = settings.base
        self._longest = settings.pause_max
        self._pauses = pauses
        self._loop = ctx.loop
        self._emit = ctx.emit
        self._uniform = ctx.uniform
        self._now = ctx.clock.now
        self._wall = ctx.clock.wall

    async def send(self, call: Call, proceed: Proceed) -> Reply:
        """Proceed once the target may be called, and begin a pause when its answer asks for one.

        Raises:
            Saturated: the pause is longer than what is left of the call.
        """
        pause = self._pauses[call.target]
        if pause.until and await self._scouts(call, pause):
            return await self._first(call, proceed, pause)
        reply = await proceed(call)
        if reply.status in (429, 503):
            self._heed(call.target, pause, reply)
        return reply

    async def _scouts(self, call: Call, pause: Pause) -> bool:
        """Wait until the call may go; whether it is the one that goes first."""
        began = self._now()
        while pause.until:
            now = self._now()
            if pause.scout(now):
                call.run.queue_time += now - began
                return True
            left = pause.until - now
            if left <= 0:
                await self._scout_back(pause)
                if not pause.until:  # lifted: those who waited for it do not all go in one turn
                    await asyncio.sleep(self._jitter(pause, (call.deadline - self._now()) / 2))
                continue
            wait = left + self._jitter(pause)
            if now + wait >= call.deadline:
                raise Saturated("The upstream asked to be left alone", policy="retry", retry_after=left)
            await asyncio.sleep(wait)
        call.run.queue_time += self._now() - began
        return False

    def _jitter(self, pause: Pause, most: float = inf) -> float:
        """Return a part of what was asked for as a whole: what is left of it is little for those who came late."""
        return self._uniform(0.0, max(0.0, min(max(self._base, pause.seconds / 10), most)))

    async def _scout_back(self, pause: Pause) -> None:
        waiter = self._loop.create_future()
        pause.waiters.add(waiter)
        try:
            await waiter
        finally:
            pause.waiters.discard(waiter)

    async def _first(self, call: Call, proceed: Proceed, pause: Pause) -> Reply:
        seen = pause.until
        try:
            reply = await proceed(call)
        except UpstreamError:
            pause.lift(seen)  # it failed, but it did not ask for more time: the breaker's business
            raise
        except BaseException:
            pause.recall()
            raise
        if reply.status in (429, 503):
            self._heed(call.target, pause, reply)
        pause.lift(seen)
        return reply

    def _heed(self, target: Target, pause: Pause, reply: Reply) -> None:
        seconds = asked(reply.status, reply.headers, self._wall())
        if seconds:
            seconds = min(seconds, self._longest)
            if pause.begin(self._now(), seconds):
                self._emit(UpstreamPaused(target.upstream, target.label, seconds))
