"""Concurrency as the registry builds it: settings, reload, words."""

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
from seawall.policies.concurrency import SPEC, ConcurrencySettings
from seawall.testing import virtual

TARGET = Target("shop", "shop", "http", "shop.example", 80)


class Shop:
    """A context with its kept state, and an upstream that takes a second."""

    def __init__(self):
        loop = asyncio.get_running_loop()
        self.now = loop.time
        self.kept = {}
        self.ctx = Context(
            "shop", "", (TARGET,), loop.clock(), Wheel(loop.clock(), loop), loop, random.uniform, print, self.keep, {}
        )
        self.in_flight = self.peak = 0

    def keep(self, upstream, policy, scope, make):
        """Keep, as the pipeline does."""
        key = (upstream, policy, scope)
        if key not in self.kept:
            self.kept[key] = make()
        return self.kept[key]

    def build(self, settings):
        """Return stages folded around the upstream."""
        return compose(SPEC.build(ConcurrencySettings.model_validate(settings), self.ctx), self.answer)

    async def answer(self, _):
        """Answer after a second."""
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            await asyncio.sleep(1.0)
        finally:
            self.in_flight -= 1
        return Reply(200, [], b"ok")

    def start(self, pipeline, count=1):
        """Begin calls."""
        return [
            asyncio.ensure_future(
                pipeline(Call(b"GET", b"/", [], TARGET, Timeouts(), self.now() + 30, Run(self.now())))
            )
            for _ in range(count)
        ]

    @property
    def gate(self):
        """The books."""
        return self.kept["shop", "concurrency", ""].gate


@virtual
async def test_reload_changes_the_limit_without_doubling_what_is_in_flight():
    """Old calls count against the new limit."""
    shop = Shop()
    old = shop.start(shop.build(4), 4)
    await asyncio.sleep(0.5)
    new = shop.start(shop.build({"limit": 2, "wait": "9s"}), 2)
    await asyncio.sleep(0.1)
    assert (shop.in_flight, len(shop.gate.waiting)) == (4, 2)
    await asyncio.gather(*old, *new)
    assert shop.peak == 4
    assert shop.gate.taken == 0


@virtual
async def test_reload_with_a_higher_limit_lets_waiters_go_at_once():
    """They need not wait for a slot to be given back."""
    shop = Shop()
    tasks = shop.start(shop.build(1), 3)
    await asyncio.sleep(0.5)
    shop.build(3)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert shop.in_flight == 3
    await asyncio.gather(*tasks)


@virtual
async def test_reload_between_fixed_and_adaptive():
    """What was found is forgotten with the mode, kept within it, and an old pipeline no longer moves the limit."""
    shop = Shop()
    adaptive = shop.build({"mode": "adaptive", "max": 50})
    gradient = shop.kept["shop", "concurrency", ""].gradient
    assert shop.gate.limit == 4
    shop.build({"mode": "adaptive", "max": 3})
    assert shop.kept["shop", "concurrency", ""].gradient is gradient
    assert shop.gate.limit == 3
    shop.build(7)
    assert shop.gate.limit == 7
    for _ in range(40):
        await asyncio.gather(*shop.start(adaptive, 7))
    assert gradient.limit != 7
    assert shop.gate.limit == 7


@virtual
async def test_no_wait_refuses_without_a_queue():
    """A wait of 0 and a passed deadline never queue."""
    shop = Shop()
    pipeline = shop.build({"limit": 1, "queue": 5, "wait": "0s"})
    first, second = shop.start(pipeline, 2)
    with pytest.raises(Saturated):
        await second
    assert shop.now() == 1000.0
    await first


@virtual
async def test_a_deadline_and_a_slot_in_one_turn_leak_nothing():
    """Refused and cancelled, or refused and granted, at the same moment."""
    shop = Shop()
    pipeline = shop.build({"limit": 1, "queue": 5, "wait": "1s"})
    tasks = shop.start(pipeline, 3)
    tasks[2].get_loop().call_later(1.0, tasks[2].cancel)
    tasks[2].get_loop().call_later(1.01, tasks[1].cancel)
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(3)
    assert (shop.gate.taken, len(shop.gate.waiting), len(shop.ctx.wheel)) == (0, 0, 0)


@virtual
async def test_adaptive_measures_inside_the_permit():
    """No queue of ours is in what it measures."""
    stages = SPEC.build(ConcurrencySettings.model_validate("adaptive"), Shop().ctx)
    assert [position for position, _ in stages] == [Position.CONCURRENCY, Position.PERMIT]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (8, "8 in flight, queue 128, wait 2s"),
        ({"limit": 8, "queue": 32, "wait": "500ms"}, "8 in flight, queue 32, wait 500ms"),
        ("adaptive", "adaptive, between 1 and 256 in flight, queue 128, wait 2s"),
    ],
)
def test_explain_says_the_values_in_force(settings, words):
    """One line, in the words of the settings."""
    assert SPEC.explain(ConcurrencySettings.model_validate(settings)) == words
