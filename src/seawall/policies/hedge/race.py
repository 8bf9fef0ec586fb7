"""One call and its hedges: the first good answer wins, and nobody else is left running (semantics 6).

The first attempt runs in the call's own task, so that a call that is not hedged costs no task: a timer in the wheel
starts the second one, and a second one that wins cancels the first and takes that cancellation back.
"""

import asyncio
from typing import TYPE_CHECKING

from seawall.contracts.call import Call
from seawall.contracts.errors import CallError
from seawall.contracts.policy import Proceed
from seawall.contracts.reply import Reply
from seawall.contracts.wheel import Entry
from seawall.policies.hedge.core import good

if TYPE_CHECKING:
    from seawall.policies.hedge.policy import Hedge

__all__ = ["Race"]

Outcome = Reply | BaseException


class Race:
    """The attempts of one call.

    Args:
        stage: what all calls share.
        call: what is tried.
        proceed: how.
        delay: seconds until the first hedge, and between two.
    """

    __slots__ = ("_call", "_delay", "_entry", "_leading", "_proceed", "_stage", "_task", "_won", "hedges")

    def __init__(self, stage: "Hedge", call: Call, proceed: Proceed, delay: float) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a hedge needs a running task")
        self._task = task
        self._stage = stage
        self._call = call
        self._proceed = proceed
        self._delay = delay
        self._leading = True  # the first attempt is under way and may be cancelled for a hedge
        self._won: asyncio.Task[Reply] | None = None
        self.hedges: list[asyncio.Task[Reply]] = []
        self._arm()

    async def run(self) -> Reply:
        """Return the first good answer; where there is none, the first attempt's, or else any there is.

        Raises:
            CallError: the first attempt's, where no attempt had an answer.
        """
        before = self._task.cancelling()
        outcome: Outcome
        try:
            outcome = await self._proceed(self._call)
        except (CallError, asyncio.CancelledError) as error:
            outcome = error
        except BaseException:
            self._over(before)
            await self._drop()
            raise
        if self._over(before) or (self._won is None and isinstance(outcome, asyncio.CancelledError)):
            await self._drop(outcome)
            # the same one, since what it says of its cause is read further out (semantics 1.5)
            raise outcome if isinstance(outcome, asyncio.CancelledError) else asyncio.CancelledError
        if self._won is not None:
            return await self._end(outcome, self._won)
        if not self.hedges:
            return _result(outcome)
        if isinstance(outcome, Reply) and good(outcome.status):
            return await self._end(outcome)
        return await self._second_chance(outcome)

    def _over(self, before: int) -> bool:
        """End the first attempt's lead; whether somebody else has cancelled the task beside a hedge that won."""
        self._leading = False
        self._disarm()
        # A hedge's cancellation is taken back; `before` were there when the race began (semantics 1.4)
        return self._won is not None and self._task.uncancel() > before

    def _arm(self) -> None:
        stage = self._stage
        self._entry: Entry | None = stage.wheel.add(stage.now() + self._delay, self._launch)

    def _disarm(self) -> None:
        if self._entry is not None:
            self._entry.cancel()
            self._entry = None  # it holds this race, which would keep itself alive

    def _launch(self) -> None:
        stage = self._stage
        self._entry = None
        if not stage.allowed(self._call):
            return
        task = stage.loop.create_task(self._again())
        self.hedges.append(task)
        task.add_done_callback(self._ended)
        if len(self.hedges) < stage.most:
            self._arm()

    async def _again(self) -> Reply:
        return await self._proceed(self._call.fork())

    def _ended(self, task: "asyncio.Task[Reply]") -> None:
        if self._leading and self._won is None and _is_good(task):
            self._won = task
            self._disarm()
            self._task.cancel()

    async def _second_chance(self, first: Outcome) -> Reply:
        """Wait for the hedges: a fast failure never beats a slow success."""
        pending = set(self.hedges)
        try:
            while pending:
                done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    if _is_good(task):
                        return await self._end(first, task)
        except asyncio.CancelledError:
            await self._drop(first)
            raise
        answered = next((task for task in self.hedges if _answer(task) is not None), None)
        return await self._end(first, None if isinstance(first, Reply) else answered)

    async def _end(self, first: Outcome, winner: "asyncio.Task[Reply] | None" = None) -> Reply:
        """Let everybody but the winner go; the first attempt where none is given."""
        if winner is None:
            kept = first
        else:
            kept = winner.result()
            _close(first)
        self._call.run.notes.append(("hedge", None, "lost" if winner is None else "won"))
        try:
            await self._let_go(winner)
        except BaseException:
            _close(kept)
            raise
        return _result(kept)

    async def _drop(self, first: Outcome | None = None) -> None:
        if first is not None:
            _close(first)
        if self.hedges:
            await self._let_go(None)

    async def _let_go(self, winner: "asyncio.Task[Reply] | None") -> None:
        """Cancel the hedges, wait until they have ended, close what they brought."""
        losers = [task for task in self.hedges if task is not winner]
        for task in losers:
            task.cancel()
        cancelled: asyncio.CancelledError | None = None
        while any(not task.done() for task in losers):
            try:
                await asyncio.wait(losers)
            except asyncio.CancelledError as error:  # a task is not left behind for that; it ends in a moment
                cancelled = error
        for task in losers:
            answer = _answer(task)
            if answer is not None:
                answer.close()
        if cancelled is not None:
            raise cancelled


def _answer(task: "asyncio.Task[Reply]") -> Reply | None:
    if not task.done() or task.cancelled() or task.exception() is not None:
        return None
    return task.result()


def _is_good(task: "asyncio.Task[Reply]") -> bool:
    answer = _answer(task)
    return answer is not None and good(answer.status)


def _close(outcome: Outcome) -> None:
    if isinstance(outcome, Reply):
        outcome.close()


def _result(outcome: Outcome) -> Reply:
    if isinstance(outcome, BaseException):
        raise outcome
    return outcome
