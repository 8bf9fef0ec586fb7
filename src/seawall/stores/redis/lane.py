"""Scripts on their way: what is asked while an answer is awaited goes out together in the next write.

A caller waits on a future and owns no connection, so that one that leaves breaks none: an answer nobody waits for is
read all the same (redis/redis-py#2624 is what happens else).
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from redis.asyncio.connection import AbstractConnection, ConnectionPool
from redis.exceptions import NoScriptError, ResponseError

from seawall.contracts.state import StateLost
from seawall.stores.redis.dial import borrowed
from seawall.stores.redis.script import Script

__all__ = ["Ask", "Lane"]

_TOGETHER = 64  # scripts in one write
_WAITING = 4096  # scripts of one lane that wait for theirs

Word = str | bytes | int | float


class Ask:
    """One script to run, and the future of its answer."""

    __slots__ = ("args", "asked_at", "future", "keys", "script")

    def __init__(
        self, script: Script, keys: Sequence[Word], args: Sequence[Word], future: "asyncio.Future[Any]", at: float
    ) -> None:
        self.script = script
        self.keys = keys
        self.args = args
        self.future = future
        self.asked_at = at

    def command(self, whole: bool) -> tuple[Word, ...]:
        """Return the command, by digest or with the script's whole text."""
        if whole:
            return ("EVAL", self.script.text, len(self.keys), *self.keys, *self.args)
        return ("EVALSHA", self.script.digest, len(self.keys), *self.keys, *self.args)


class Lane:
    """One connection's worth of scripts, in order.

    Args:
        pool: connections.
        timeout: seconds for one write and its answers, dialling included.
        answered: told of each answer: what was asked, and the answer or the server's error.
        failed: told of an error that is not one script's own, and of the generation the lane was in when it sent.
        generation: counts how often the link was up; what fails late must not end a newer one.
    """

    def __init__(
        self,
        pool: ConnectionPool,
        timeout: float,
        answered: Callable[[Ask, Any], None],
        failed: Callable[[Exception, int], None],
        generation: Callable[[], int],
    ) -> None:
        self._pool = pool
        self._timeout = timeout
        self._answered = answered
        self._failed = failed
        self._generation = generation
        self._waiting: deque[Ask] = deque()
        self._more = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, ask: Ask) -> None:
        """Take a script to be run.

        Raises:
            StateLost: too many are waiting.
        """
        if len(self._waiting) >= _WAITING:
            raise StateLost("Too many scripts are waiting for Redis")
        self._waiting.append(ask)
        self._more.set()

    def drop(self) -> None:
        """Let everybody go who waits."""
        while self._waiting:
            _let_go(self._waiting.popleft())

    async def serve(self) -> None:
        """Send and read until cancelled."""
        while True:
            await self._more.wait()
            asks = [self._waiting.popleft() for _ in range(min(_TOGETHER, len(self._waiting)))]
            if not self._waiting:
                self._more.clear()
            asks = [ask for ask in asks if not ask.future.done()]  # nobody waits: not sent
            if asks:
                await self._exchange(asks)

    async def _exchange(self, asks: list[Ask]) -> None:
        generation = self._generation()
        try:
            async with asyncio.timeout(self._timeout):
                async with borrowed(self._pool) as connection:
                    await self._ask(connection, asks, whole=False)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is no caller's: the link tells of it
            self._failed(error, generation)
        finally:
            for ask in asks:
                _let_go(ask)

    async def _ask(self, connection: AbstractConnection, asks: list[Ask], whole: bool) -> None:
        packed = connection.pack_commands([ask.command(whole) for ask in asks])
        await connection.send_packed_command(packed)
        unknown = []
        for ask in asks:
            try:
                answer = await connection.read_response()
            except NoScriptError:
                unknown.append(ask)
            except ResponseError as error:
                self._answered(ask, error)
            else:
                self._answered(ask, answer)
        if unknown and not whole:  # a server that was started anew knows no scripts
            await self._ask(connection, unknown, whole=True)


def _let_go(ask: Ask) -> None:
    if not ask.future.done():
        ask.future.set_exception(StateLost("Redis did not answer"))
