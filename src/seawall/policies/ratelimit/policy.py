"""Keeping an upstream's calls under its rate: a call waits for its turn, or is refused (semantics 5.1)."""

from collections.abc import Callable

from seawall.contracts.call import Call
from seawall.contracts.policy import Proceed
from seawall.contracts.reply import Reply
from seawall.policies.ratelimit.shared import SharedTurns
from seawall.policies.ratelimit.turns import Turns

__all__ = ["RateStage", "SharedRateStage"]


class RateStage:
    """Takes one unit per attempt.

    Args:
        turns: shared by every call of the upstream or route, kept over a reload.
        wait: the longest wait for a turn, in seconds.
        now: monotonic seconds.
    """

    __slots__ = ("_now", "_turns", "_wait")

    def __init__(self, turns: Turns, wait: float, now: Callable[[], float]) -> None:
        self._turns = turns
        self._wait = wait
        self._now = now

    async def send(self, call: Call, proceed: Proceed) -> Reply:
        """Proceed once it is this call's turn.

        Raises:
            Saturated: its turn would come after the longest wait or the call's deadline.
        """
        turns = self._turns
        now = self._now()
        if turns.waiting or not turns.bucket.take(now):
            await turns.queue(call, self._wait, now)
        return await proceed(call)


class SharedRateStage:
    """Takes one unit per attempt of a limit that all replicas share.

    Args:
        turns: shared by every call of the upstream or route, kept over a reload.
        wait: the longest wait for a turn, in seconds.
    """

    __slots__ = ("_turns", "_wait")

    def __init__(self, turns: SharedTurns, wait: float) -> None:
        self._turns = turns
        self._wait = wait

    async def send(self, call: Call, proceed: Proceed) -> Reply:
        """Proceed once it is this call's turn.

        Raises:
            Saturated: its turn would come after the longest wait or the call's deadline.
        """
        await self._turns.turn(call, self._wait)
        return await proceed(call)
