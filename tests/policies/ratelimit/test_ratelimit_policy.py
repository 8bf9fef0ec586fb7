"""Rate as the registry builds it: settings, reload, cancellation, words."""

import asyncio
import random

import pytest

from seawall.contracts.call import Call, Run
from seawall.contracts.errors import Saturated
from seawall.contracts.policy import Context, Position
from seawall.contracts.reply import Reply
from seawall.contracts.target import Target, Timeouts
from seawall.contracts.wheel import Wheel
from seawall.pipeline.compose import compose
from seawall.policies.ratelimit import SPEC, RateSettings
from seawall.testing import virtual

TARGET = Target("shop", "shop", "http", "shop.example", 80)


class Shop:
    """A context with its kept state, and an upstream that notes when it was called."""

    def __init__(self):
        loop = asyncio.get_running_loop()
        self.now = loop.time
        self.kept = {}
        self.ctx = Context(
            "shop", "", (TARGET,), loop.clock(), Wheel(loop.clock(), loop), loop, random.uniform, print, self.keep, {}
        )
        self.times = []

    def keep(self, upstream, policy, scope, make):
        """Keep, as the pipeline does."""
        key = (upstream, policy, scope)
        if key not in self.kept:
            self.kept[key] = make()
        return self.kept[key]

    def build(self, settings):
        """Return stages folded around the upstream."""
        return compose(SPEC.build(RateSettings.model_validate(settings), self.ctx), self.answer)

    async def answer(self, _):
        """Answer at once."""
        self.times.append(self.now())
        return Reply(200, [], b"ok")

    def start(self, pipeline, count=1, left=30.0):
        """Begin calls."""
        return [
            asyncio.ensure_future(
                pipeline(Call(b"GET", b"/", [], TARGET, Timeouts(), self.now() + left, Run(self.now())))
            )
            for _ in range(count)
        ]

    @property
    def line(self):
        """The queue."""
        return self.kept["shop", "rate", ""]


@virtual
async def test_reload_keeps_what_is_used():
    """A reload every moment gives no call more."""
    shop = Shop()
    allowed = 0
    for _ in range(10):
        pipeline = shop.build({"limit": "60/min", "burst": 5, "wait": "0s"})
        found = await asyncio.gather(*shop.start(pipeline, 3), return_exceptions=True)
        allowed += sum(not isinstance(one, Saturated) for one in found)
    assert allowed == 5


@virtual
async def test_reload_with_a_faster_limit_lets_waiters_go_sooner():
    """Their turns are counted anew."""
    shop = Shop()
    tasks = shop.start(shop.build({"limit": "1/s", "wait": "20s"}), 5)
    await asyncio.sleep(0.5)
    shop.build({"limit": "10/s", "burst": 1, "wait": "20s"})
    await asyncio.gather(*tasks)
    assert shop.now() - 1000 <= 1.0


@virtual
async def test_reload_with_a_slower_limit_refuses_who_would_come_too_late():
    """The rest keeps its place."""
    shop = Shop()
    tasks = shop.start(shop.build({"limit": "10/s", "burst": 1, "wait": "2s"}), 8)
    await asyncio.sleep(0.01)
    tasks[3].cancel()
    shop.build({"limit": "1/s", "wait": "2s"})
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(one).__name__ for one in found] == [
        "Reply",
        "Reply",
        "Reply",
        "CancelledError",
        *["Saturated"] * 4,
    ]
    assert len(shop.times) == 3


@virtual
async def test_a_turn_that_comes_late_is_refused_after_wait():
    """A loop that was blocked does not let calls through after the longest wait."""
    shop = Shop()
    pipeline = shop.build({"limit": "1/s", "wait": "1500ms"})
    tasks = shop.start(pipeline, 2)
    await asyncio.sleep(0.5)
    asyncio.get_running_loop().advance(10.0)
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(one).__name__ for one in found] == ["Reply", "Saturated"]
    assert not shop.line.waiting


@virtual
async def test_cancelled_at_its_only_await_leaves_the_queue():
    """And the timer with it."""
    shop = Shop()
    pipeline = shop.build({"limit": "1/h", "wait": "2h"})
    first, second = shop.start(pipeline, 2, left=9000.0)
    await first
    second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second
    assert not shop.line.waiting
    assert len(shop.line._wheel) == 0


@virtual
async def test_a_thousand_a_second_with_a_burst_of_ten_is_reached():
    """The timer's tick costs no throughput where a burst is left."""
    shop = Shop()
    pipeline = shop.build({"limit": "1000/s", "burst": 10, "wait": "9s"})
    await asyncio.gather(*shop.start(pipeline, 2010))
    assert shop.now() - 1000 <= 2.05


@virtual
async def test_stands_at_its_position():
    """One stage."""
    stages = SPEC.build(RateSettings.model_validate("5/s"), Shop().ctx)
    assert [position for position, _ in stages] == [Position.RATE]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("600/h", "600/h, burst 60, wait 2s"),
        ({"limit": "5/s", "burst": 9, "wait": "250ms"}, "5/s, burst 9, wait 250ms"),
    ],
)
def test_explain_says_the_values_in_force(settings, words):
    """One line, in the words of the settings."""
    assert SPEC.explain(RateSettings.model_validate(settings)) == words
