"""What a call is made of goes when it ends, without the garbage collector."""

import gc
from typing import Any

import pytest

from pipelines import Bench, Places, retrying, target
from seawall.testing import ScriptedTransport, virtual

EVERYTHING: dict[str, Any] = {
    "balance": "least_loaded",
    "breaker": {},
    "concurrency": {},
    "fallback": {"targets": ["spare"]},
    "rate": {"limit": "1000/s", "burst": 1000},
    "retry": retrying(),
}


@virtual
@pytest.mark.parametrize("settings", [{}, EVERYTHING], ids=["nothing", "everything"])
async def test_a_call_leaves_no_cycle(settings: dict[str, Any]) -> None:
    """A hundred calls leave less than one object each: cold memory would cost more than the collector itself."""
    end = ScriptedTransport(then=200)
    bench = Bench(
        Places(a=end, b=end, spare=end), settings, targets=(target("a"), target("b"), target("spare"))
    )  # fmt: skip
    await bench.status()
    end.seen.clear()
    gc.collect()
    gc.disable()
    try:
        for _ in range(100):
            assert await bench.status() == 200
            end.seen.clear()
        assert gc.collect() < 100
    finally:
        gc.enable()
