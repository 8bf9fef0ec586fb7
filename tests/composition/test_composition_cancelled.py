"""Every await of every policy's shell: a call cancelled there leaves nothing held, and the next call gets through.

Permits of a half-open breaker: tests/semantics/test_semantics_3.py; holds of the ledger: tests/spend.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from pipelines import Bench, Places, retrying, target
from seawall.contracts.errors import ConnectError
from seawall.contracts.reply import Reply
from seawall.testing import ScriptedTransport, answer, run_virtual

SLOW = answer(200, after=0.01)
ILL = answer(503, after=0.01)
LATE = answer(200, after=0.1)
ONE = {"limit": 1, "queue": 1, "wait": 2.0}
# name: settings, then for each attempt in turn what it meets, and how often such a call awaits at the least
CASES: dict[str, tuple[dict[str, Any], list[Any], int]] = {
    "deadline": ({}, [SLOW], 1),
    "retry": ({"retry": retrying(base=0.01)}, [ILL, ConnectError(), SLOW], 4),
    "breaker": ({"breaker": {"min_calls": 2, "probes": 1}}, [SLOW], 1),
    "rate": ({"rate": {"limit": "10/s", "burst": 1, "wait": 2.0}}, [SLOW, SLOW], 2),
    "concurrency": ({"concurrency": ONE}, [SLOW, SLOW], 2),
    "adaptive": ({"concurrency": {"limit": 1, "queue": 1, "wait": 2.0, "max": 1, "mode": "adaptive"}}, [SLOW, SLOW], 2),
    "hedge": ({"hedge": "20ms"}, [LATE, LATE], 2),
    "balance": ({"balance": "failover"}, [SLOW], 1),
    "balance least loaded": ({"balance": "least_loaded", "retry": retrying(base=0.01)}, [ILL, SLOW], 3),
    "fallback": ({"fallback": {"targets": ["spare"]}}, [ILL, SLOW], 2),
    "fixed fallback": ({"fallback": {"status": 200, "body": "kept"}}, [ILL], 1),
    "keys": ({"keys": {"count": 3}, "balance": "failover"}, [answer(401, after=0.01), SLOW], 2),
    "all": (
        {
            "balance": "failover",
            "breaker": {"min_calls": 2},
            "concurrency": {"limit": 1, "queue": 1, "wait": 2.0},
            "fallback": {"targets": ["spare"]},
            "hedge": "20ms",
            "rate": {"limit": "10/s", "burst": 1, "wait": 2.0},
            "retry": retrying(base=0.01),
        },
        [SLOW, ILL, LATE, SLOW, SLOW],
        4,
    ),
}
RIVALS = frozenset(("rate", "concurrency", "adaptive", "all"))  # whose queue is met only behind another call


class Steps(Coroutine[Any, Any, Reply]):
    """A coroutine that cancels its task at one of its awaits, counted from 1; 0 for none.

    The task is cancelled inside its own step, so the cancellation arrives at exactly what it is about to await.
    """

    def __init__(self, inner: Coroutine[Any, Any, Reply], at: int) -> None:
        self._inner = inner
        self._at = at
        self.awaits = 0

    def _counted(self, awaited: object) -> object:
        self.awaits += 1
        task = asyncio.current_task()
        if self.awaits == self._at and task is not None:
            task.cancel()
        return awaited

    def send(self, value: Any) -> Any:
        """Go on to the next await."""
        return self._counted(self._inner.send(value))

    def throw(self, *error: Any) -> Any:
        """Go on to the next await, from an error."""
        return self._counted(self._inner.throw(*error))

    def close(self) -> None:
        """End it."""
        self._inner.close()

    def __await__(self) -> Any:
        """Be a coroutine."""
        raise TypeError("made for a task")


class Scene:
    """One call of a case, behind another one where the case needs a rival."""

    def __init__(self, name: str) -> None:
        settings, script, _ = CASES[name]
        self.end = ScriptedTransport(script, then=200)
        end = Places(a=self.end, b=self.end, spare=self.end)
        self.bench = Bench(end, settings, targets=(target("a"), target("b"), target("spare")))
        self.rival = name in RIVALS

    async def run(self, at: int) -> int:
        """Cancel a call at its await number `at`; return how many awaits it made."""
        bench = self.bench
        rival = bench.start() if self.rival else None
        await asyncio.sleep(0)
        steps = Steps(bench.proceed(bench.call()), at)
        task: asyncio.Task[Reply] = bench.loop.create_task(steps)
        await asyncio.wait([task])
        if at:
            assert task.cancelled()
        elif task.exception() is None:
            task.result().close()
        if rival is not None:
            (await rival).close()
        return steps.awaits

    async def nothing_is_left(self) -> None:
        """Nobody runs, no reply is open, no deadline waits, and the next call is answered."""
        assert (self.end.waiting, self.end.open) == (0, 0)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        await asyncio.sleep(1.0)  # a rate gives its next turn, a key's rest ends
        assert await self.bench.status() < 500
        for label in ("a", "b"):
            load = self.bench.states.get("api", "balance", label)
            assert load is None or load.pending == 0


def awaits(name: str, at: int) -> int:
    """Play a case in virtual time and look at what is left."""

    async def play() -> int:
        scene = Scene(name)
        count = await scene.run(at)
        assert len(scene.bench.wheel) == 0
        await scene.nothing_is_left()
        return count

    return run_virtual(play())


@pytest.mark.parametrize("name", CASES)
def test_a_call_cancelled_at_any_await_leaves_nothing_behind(name: str) -> None:
    """Once for each await the call makes when it is left alone."""
    count = awaits(name, 0)
    assert count >= CASES[name][2]
    for at in range(1, count + 1):
        awaits(name, at)
