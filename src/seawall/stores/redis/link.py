"""The way to Redis: up or lost, and a lost one costs a call nothing.

While it is lost `run` raises at once; one task tries to get it back, with backoff, and is the only one that waits.
"""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from math import inf
from typing import Any

from redis.asyncio.connection import ConnectionPool
from redis.exceptions import RedisError

from seawall.contracts.clock import Clock
from seawall.contracts.events import Emit, Notice
from seawall.contracts.state import StateLost
from seawall.stores.address import Address
from seawall.stores.redis.dial import pool_of, probe
from seawall.stores.redis.lane import Ask, Lane, Word
from seawall.stores.redis.presence import BEAT, LEAVE, REPLICAS
from seawall.stores.redis.reason import fatal, reason
from seawall.stores.redis.script import Script
from seawall.stores.redis.times import Times

__all__ = ["Link"]

_LANES = 2  # of decisions; as many more carry what is large, so that a large answer holds up no decision
_REFUSED = 64  # kinds of refusal that are told of once each


class Link:
    """Scripts on one Redis or Valkey, for everybody in this process; a `Replicas`.

    `start` it, and `close` it: its tasks end there.

    Args:
        address: of the primary.
        clock: time.
        emit: told when it is there at the start (`state_connected`), lost (`state_lost`) or back (`state_back`), and
            when it refuses a script (`state_refused`).
        uniform: `random.uniform`, for the jitter of the backoff.
        times: how long things may take.

    Attributes:
        replica: this process's name among the replicas, new at each start.
        generation: how often it has been up so far.
        losses: how often it was lost.
        answers, seconds: scripts answered so far, and how long they took together, waiting included.
    """

    def __init__(
        self,
        address: Address,
        clock: Clock,
        emit: Emit,
        uniform: Callable[[float, float], float],
        times: Times | None = None,
    ) -> None:
        self.address = address
        self.times = times or Times()
        self.replica = secrets.token_hex(6)
        self.generation = 0
        self.losses = 0
        self.answers = 0
        self.seconds = 0.0
        self._gone = int(self.times.gone * 1000)
        self._now = clock.now
        self._emit = emit
        self._uniform = uniform
        self._up = False
        self._count = 1
        self._told: set[tuple[str, str]] = set()
        self._turned = asyncio.Event()
        self._hooks: list[Callable[[bool], None]] = []
        self._tasks: list[asyncio.Task[None]] = []
        self.pool: ConnectionPool = pool_of(address)
        generation = partial(getattr, self, "generation")
        self._lanes = [
            Lane(self.pool, seconds, self._answered, self._failed, generation)
            for seconds in (self.times.command, self.times.bulk)
            for _ in range(_LANES)
        ]

    @property
    def lost(self) -> bool:
        """Whether it cannot be asked now."""
        return not self._up

    @property
    def count(self) -> int:
        """Replicas last seen, this one included; at least 1."""
        return self._count

    @property
    def waiting(self) -> int:
        """Scripts not sent yet."""
        return sum(map(len, self._lanes))

    def watch(self, turned: Callable[[bool], None]) -> None:
        """Call `turned(up)` whenever it is lost or back, before anybody who waits for an answer learns of it."""
        self._hooks.append(turned)

    async def start(self) -> None:
        """Connect, or go on without within `times.connect`; keep trying from then on."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(lane.serve(), name="state lane") for lane in self._lanes]
        tried = loop.create_future()
        self._tasks.append(loop.create_task(self._keep(tried), name="state link"))
        for task in self._tasks:
            task.add_done_callback(self._ended)
        await tried

    async def close(self) -> None:
        """Say goodbye where that is possible, end the tasks and close the connections."""
        if self._up:
            with suppress(StateLost):  # it is forgotten soon by itself
                await self.run(LEAVE, [REPLICAS], [self.replica])
        self._up = False
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        for lane in self._lanes:
            lane.drop()
        await self._hang_up()

    async def run(
        self, script: Script, keys: Sequence[Word] = (), args: Sequence[Word] = (), *, bulk: bool = False
    ) -> Any:
        """Run a script and return its answer: ints, bytes, lists of them, or None.

        Args:
            script: what to run.
            keys: every key it touches, each starting with `seawall:`.
            args: values.
            bulk: it carries a body, so it must not hold up decisions, and may take longer.

        Raises:
            StateLost: at once while Redis is lost, or when it is lost before it answered, or refused the script.
        """
        return await self._put(script, keys, args, bulk)

    def post(
        self,
        script: Script,
        keys: Sequence[Word],
        args: Sequence[Word],
        done: Callable[[], None] | None = None,
        *,
        bulk: bool = False,
    ) -> None:
        """Run a script behind; nothing is told where it could not be.

        Args:
            script: what to run.
            keys: as for `run`.
            args: values.
            done: called once it has run.
            bulk: it carries a body.
        """
        try:
            future = self._put(script, keys, args, bulk)
        except StateLost:
            return
        future.add_done_callback(partial(_ran, done))

    def _put(self, script: Script, keys: Sequence[Word], args: Sequence[Word], bulk: bool) -> "asyncio.Future[Any]":
        if not self._up:
            raise StateLost("Redis is lost")
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        lanes = self._lanes[_LANES:] if bulk else self._lanes[:_LANES]
        min(lanes, key=len).put(Ask(script, keys, args, future, self._now()))
        return future

    def _answered(self, ask: Ask, answer: Any) -> None:
        self.answers += 1
        self.seconds += self._now() - ask.asked_at
        if isinstance(answer, Exception):
            self._refused(ask, answer)
        elif not ask.future.done():
            ask.future.set_result(answer)

    def _refused(self, ask: Ask, error: Exception) -> None:
        if not ask.future.done():
            ask.future.set_exception(StateLost(f"Redis refused a script: {reason(error)}"))
        if fatal(error):
            self._failed(error, self.generation)
            return
        kind = (ask.script.name, reason(error))
        if kind not in self._told and len(self._told) < _REFUSED:
            self._told.add(kind)
            fields = (("script", kind[0]), ("reason", kind[1]))
            self._emit(Notice("error", "state_refused", f"Redis refused a script: {kind[1]}", fields))

    def _failed(self, error: Exception, generation: int) -> None:
        if self._up and generation == self.generation:
            self._lose(reason(error))
            if not isinstance(error, RedisError | OSError):
                self._report("a script could not be sent", error)

    def _lose(self, why: str) -> None:
        self._up = False
        self.losses += 1
        self._turned.set()
        fields = (("url", self.address.place), ("reason", why), ("replicas", self._count))
        message = f"Shared state is lost: {why}; each replica goes on with its share of the limits"
        self._emit(Notice("warning", "state_lost", message, fields))
        self._tell(up=False)
        for lane in self._lanes:
            lane.drop()

    def _tell(self, *, up: bool) -> None:
        for hook in self._hooks:
            hook(up)

    async def _keep(self, tried: "asyncio.Future[None]") -> None:
        """Get it back while it is lost, give signs of life while it is up."""
        times, now = self.times, self._now
        pause, gathering = times.again, inf
        while True:
            count, why = await self._try(times.longest if tried.done() else times.connect)
            if not count and not tried.done():  # it was not there at the start
                self._lose(why)
            gathering = min(gathering, now() + times.gather) if count else inf
            up_for = 0.0
            if count and self._all_there(count, gathering):
                self._back(count)
                _done(tried)
                began, gathering = now(), inf
                await self._live()
                up_for = now() - began
            _done(tried)
            if up_for >= times.gone or gathering < inf:
                pause = times.again
            await asyncio.sleep(self._uniform(pause / 2, pause))
            pause = min(times.longest, pause * 2)  # one that is lost again and again is tried ever more rarely too

    async def _try(self, limit: float) -> tuple[int, str]:
        """Try to get it; return how many replicas are there, or 0 and why it cannot be had."""
        try:
            async with asyncio.timeout(limit):
                await self._hang_up()
                return await probe(self.pool, self.replica, self._gone), ""
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told of and tried again
            return 0, reason(error)

    def _all_there(self, count: int, gathering: float) -> bool:
        """Whether the replicas that were there before have found Redis again, or had the time to."""
        return not self.losses or count >= self._count or self._now() >= gathering

    def _back(self, count: int) -> None:
        self._up = True
        self.generation += 1
        self._told.clear()
        self._turned.clear()
        self._count = max(1, count)
        fields = (("url", self.address.place), ("replicas", self._count))
        known = ("state_back", "Shared state is back") if self.losses else ("state_connected", "Shared state is there")
        self._emit(Notice("info", *known, fields))
        self._tell(up=True)

    async def _live(self) -> None:
        while self._up:
            try:
                async with asyncio.timeout(self.times.beat):
                    await self._turned.wait()
            except TimeoutError:
                pass
            if self._up:
                try:
                    self._count = max(1, await self.run(BEAT, [REPLICAS], [self.replica, self._gone]))
                except StateLost:
                    continue

    async def _hang_up(self) -> None:
        with suppress(RedisError, OSError):  # broken already
            await self.pool.disconnect()

    def _ended(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and task.exception() is not None:
            self._up = False
            self._report("the link to shared state ended", task.exception())

    def _report(self, message: str, error: BaseException | None) -> None:
        asyncio.get_running_loop().call_exception_handler({"message": message, "exception": error})


def _done(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)


def _ran(done: Callable[[], None] | None, future: "asyncio.Future[Any]") -> None:
    if not future.cancelled() and future.exception() is None and done is not None:
        done()
