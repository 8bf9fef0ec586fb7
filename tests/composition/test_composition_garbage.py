"""What a call is made of goes when it ends, without the garbage collector."""

from typing import Any

import pytest

from garbage import left_by
from pipelines import Bench, Places, retrying, target
from seawall.testing import ScriptedTransport, answer, virtual
from spending import Spending, reported

EVERYTHING: dict[str, Any] = {
    "balance": "least_loaded",
    "breaker": {},
    "concurrency": {},
    "fallback": {"targets": ["spare"]},
    "rate": {"limit": "1000/s", "burst": 1000},
    "retry": retrying(),
}


@virtual
async def test_a_metered_call_leaves_no_cycle() -> None:
    """The attempt that it paid for is taken off it, or all of the request would wait for the collector."""
    spending, end = Spending(), ScriptedTransport(then=answer(body=reported(1, 1)))
    bench = spending.bench(end)

    async def call() -> None:
        (await bench.send(spending.call(bench))).close()
        end.seen.clear()

    assert await left_by(call, 100) < 100


@virtual
@pytest.mark.parametrize("settings", [{}, EVERYTHING], ids=["nothing", "everything"])
async def test_a_call_leaves_no_cycle(settings: dict[str, Any]) -> None:
    """A hundred calls leave less than one object each: cold memory would cost more than the collector itself."""
    end = ScriptedTransport(then=200)
    bench = Bench(
        Places(a=end, b=end, spare=end), settings, targets=(target("a"), target("b"), target("spare"))
    )  # fmt: skip

    async def call() -> None:
        assert await bench.status() == 200
        end.seen.clear()

    assert await left_by(call, 100) < 100
