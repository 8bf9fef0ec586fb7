"""Counters that replicas share: reserved on Redis, settled there behind the calls; a share each while it is lost."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from seawall.contracts.errors import SpendCapReached
from seawall.contracts.events import Emit, Notice
from seawall.contracts.ledger import Row
from seawall.contracts.state import StateLost
from seawall.spend.account import Account, Full, Standing, longer, over_one_call, refusal
from seawall.spend.calendar import Today
from seawall.spend.caps import Rules, Want
from seawall.spend.caps import wants as wants_of
from seawall.spend.counters import Counters
from seawall.spend.money import picos
from seawall.spend.share import shares
from seawall.spend.tally import Settled, Tally

if TYPE_CHECKING:
    from seawall.stores.redis import Link

__all__ = ["SharedAccounts", "Times"]

_WAITING = 100_000  # settlements that wait for Redis
_TOGETHER = 64


class Times(NamedTuple):
    """Seconds.

    Attributes:
        beat: between two signs of life, and looks for the dead.
        dead: without one after which a replica's reservations are settled as estimated.
        again: between two tries to write settlements down.
    """

    beat: float = 5.0
    dead: float = 30.0
    again: float = 0.1


class _Held(NamedTuple):
    number: str  # in Redis: one that may or may not have been held there is held again under another name
    amount: int
    wants: Sequence[Want]
    standing: Standing
    mark: Row
    alone: bool


class SharedAccounts:
    """An `Accounts` on Redis.

    `start` it, and `close` it: its tasks end there.

    Args:
        link: to Redis.
        emit: told when settlements find no room.
        rules: asked for the caps in force.
        today: asked for the day it is.
        bury: told of each reservation that a dead replica left: the row that stands for it.
        times: how often things happen.

    Attributes:
        known: accounts as last seen.
        tell: told of each account in which money was spent: its caps, the account then, picodollars.
        marked: True: reservations are kept with the rows that stand for them.
    """

    def __init__(
        self,
        link: "Link",
        emit: Emit,
        rules: Callable[[], Rules],
        today: Callable[[], Today],
        bury: Callable[[Row], None],
        times: Times | None = None,
    ) -> None:
        self._link = link
        self._emit = emit
        self._rules = rules
        self._today = today
        self._bury = bury
        self._times = times or Times()
        self.known = Counters()
        self._tally = Tally(link, self.known)
        self.tell: Callable[[Want, Account, int], None] | None = None
        self._alone: Counters | None = None
        self._open: dict[str, _Held] = {}
        self._queue: deque[Settled] = deque()
        self._more = asyncio.Event()
        self.marked = True
        self._told = False
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def held(self) -> int:
        """Picodollars held by this replica's attempts under way."""
        return sum(one.amount for one in self._open.values())

    @property
    def waiting(self) -> int:
        """Settlements that Redis does not know yet."""
        return len(self._queue)

    def account(self, want: Want, today: Today) -> Account | None:
        """Return an account as it was last seen."""
        return self.known.account(want, today)

    async def start(self) -> None:
        """Give signs of life and write settlements down from now on."""
        loop = asyncio.get_running_loop()
        if not self._link.lost:
            await self._beat()
        for work, name in ((self._write(), "spend writer"), (self._live(), "spend beat")):
            task = loop.create_task(work, name=name)
            task.add_done_callback(_ended)
            self._tasks.append(task)

    async def close(self) -> None:
        """End, and write down what is left where Redis is there."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._drain()

    async def reserve(
        self, number: str, amount: int, wants: Sequence[Want], today: Today, mark: Row | None
    ) -> Standing | Full:
        """Hold an amount in every account or in none.

        Raises:
            SpendCapReached: Redis is lost, and nobody may spend meanwhile.
        """
        if mark is None:
            raise ValueError("a reservation that replicas share has a row that stands for it")
        over = over_one_call(wants, amount)
        if over is not None:
            return over
        key = number
        if self._alone is None and not self._link.lost:
            try:
                answer = await self._tally.hold(key, amount, wants, today, mark)
            except StateLost:
                self._put(Settled(key, 0, wants, today))  # it may have been held there
                key = f"{number}+"
            except asyncio.CancelledError:
                self._put(Settled(key, 0, wants, today))
                raise
            else:
                if isinstance(answer, Standing):
                    self._open[number] = _Held(key, amount, wants, answer, mark, False)
                return answer
        return self._hold_alone(number, key, amount, wants, today, mark)

    def settle(self, number: str, cost: int, today: Today) -> Standing:
        """Spend part of what is held, free the rest; Redis learns of it behind the call."""
        held = self._open.pop(number, None)
        if held is None:
            return Standing()
        if held.alone and self._alone is not None:
            self._alone.settle(number, cost, today)
        self._put(Settled(held.number, cost, held.wants, today))
        left = held.standing.left
        return held.standing if left is None else held.standing._replace(left=max(0, left - cost))

    def release(self, number: str) -> None:
        """Free what is held; Redis learns of it behind the call."""
        held = self._open.pop(number, None)
        if held is not None:
            if self._alone is not None:
                self._alone.release(number)
            self._put(Settled(held.number, 0, held.wants, self._today()))

    def bury(self, number: str, cost: int, wants: Sequence[Want], today: Today) -> None:
        """Spend what a dead process held, unless another replica has done so."""
        self._put(Settled(number, cost, wants, today))

    def _hold_alone(
        self, number: str, key: str, amount: int, wants: Sequence[Want], today: Today, mark: Row
    ) -> Standing | Full:
        if self._rules().on_loss == "refuse" and any(want.caps.any for want in wants):
            raise SpendCapReached(_REFUSED, cap="state", retry_after=1.0)
        if self._alone is None:
            self._alone = Counters()
            self._more.set()
        full = None
        for want in wants:
            account = self.known.account(want, today) or Account()
            full = longer(full, refusal(want.key, want.caps, account, amount))
        if full is not None:
            return full
        answer = self._alone.hold(number, amount, shares(wants, self.known, today, self._link.count), today)
        if isinstance(answer, Full):  # a share that is used up is no cap that is spent
            cap = next(getattr(want.caps, answer.period, want.most) for want in wants if want.key == answer.key)
            return answer._replace(cap=cap, spent=False)
        self._open[number] = _Held(key, amount, wants, answer, mark, True)
        return answer

    def _put(self, settled: Settled) -> None:
        if len(self._queue) >= _WAITING:
            if not self._told:
                self._told = True
                message = "Settlements find no room while Redis is lost; its counters will be too low by them"
                self._emit(Notice("error", "spend_unsettled", message, (("waiting", len(self._queue)),)))
            return
        self._queue.append(settled)
        self._more.set()

    async def _write(self) -> None:
        """Write settlements down, in order, until cancelled."""
        while True:
            await self._more.wait()
            if not await self._drain() or not await self._rejoin():
                await asyncio.sleep(self._times.again)

    async def _drain(self) -> bool:
        """Write down what waits; whether all of it was."""
        queue = self._queue
        while queue:
            some = [queue[place] for place in range(min(len(queue), _TOGETHER))]
            done = await asyncio.gather(*map(self._settle, some))
            for _ in some:
                queue.popleft()
            queue.extendleft(reversed([one for one, well in zip(some, done, strict=True) if not well]))
            if not all(done):
                return False
        self._told = False
        return True

    async def _settle(self, settled: Settled) -> bool:
        try:
            found = await self._tally.settle(settled)
        except StateLost:
            return False
        self._tell(settled, found)
        return True

    def _tell(self, settled: Settled, found: Sequence[tuple[Want, Account]] | None) -> None:
        if self.tell is not None and settled.cost:
            for want, account in found or ():
                self.tell(want, account, settled.cost)

    async def _rejoin(self) -> bool:
        """Tell Redis what is held here alone, and be alone no more; whether nothing is left to do."""
        while self._alone is not None:
            if self._link.lost or self._queue:
                return False
            number, held = next(((number, held) for number, held in self._open.items() if held.alone), ("", None))
            if held is None:
                self._alone = None
                break
            try:
                await self._tally.hold(held.number, held.amount, held.wants, _day_of(held.mark), held.mark, force=True)
            except StateLost:
                return False
            if self._open.get(number) is held:
                self._open[number] = held._replace(alone=False)
        self._more.clear()
        if self._queue:
            self._more.set()
        return True

    async def _live(self) -> None:
        while True:
            await asyncio.sleep(self._times.beat)
            await self._beat()

    async def _beat(self) -> None:
        """Give a sign of life, and settle what a dead replica had reserved."""
        try:
            for replica in await self._tally.dead(self._times.dead):
                for number, row in await self._tally.left(replica):
                    wants = wants_of(self._rules(), row.caller, row.user, row.alias)
                    settled = Settled(number, picos(row.cost), wants, self._today())
                    found = await self._tally.settle(settled, replica)
                    if found is not None:  # nobody was first
                        self._tell(settled, found)
                        self._bury(row)
        except StateLost:
            return  # later, or somebody else


_REFUSED = "The shared state is lost, and spend.on_state_loss says that nobody may spend until it is back"


def _day_of(row: Row) -> Today:
    return Today(row.day, row.month, 0.0, 0.0, 0.0, 0.0)


def _ended(task: "asyncio.Task[None]") -> None:
    """Report a task that ended by an error, which nobody awaits before the gateway ends."""
    if not task.cancelled() and task.exception() is not None:
        context = {"message": f"{task.get_name()} ended", "exception": task.exception()}
        task.get_loop().call_exception_handler(context)
