"""A limit that replicas share: waiting, leaving, a store that is lost and comes back; in virtual time."""

import asyncio
import random

import pytest

from seawall.contracts.call import Call, Run
from seawall.contracts.errors import Saturated
from seawall.contracts.policy import Context
from seawall.contracts.reply import Reply
from seawall.contracts.state import StateLost
from seawall.contracts.target import Target, Timeouts
from seawall.contracts.units import Rate
from seawall.contracts.wheel import Wheel
from seawall.pipeline.compose import compose
from seawall.policies.ratelimit import SPEC, RateSettings, Share
from seawall.testing import virtual

TARGET = Target("shop", "shop", "http", "shop.example", 80)


class Store:
    """A `Limits` and `Replicas` in this process, which decides as the script does and may be lost or slow."""

    def __init__(self, count=2):
        self.count = count
        self.lost = False
        self.delay = 0.001
        self.asked = 0
        self.full = {}  # by key, as in the script: when it is full again
        self.granted = lambda: None
        self.now = asyncio.get_running_loop().time

    def clear(self):
        """Forget everything, as a server without a disk does."""
        self.full.clear()

    async def some(self, key, rate, burst, wanted, used=0.0):
        """Take as many as are there."""
        if self.lost:
            raise StateLost
        self.asked += 1
        await asyncio.sleep(self.delay)
        if self.lost:
            raise StateLost
        now = self.now()
        share = Share(rate, burst)
        share.full_at = min(max(self.full.get(key, 0.0), now + used), now + burst * share.interval)
        taken = share.take(1, now, wanted)
        self.full[key] = share.full_at
        self.granted()
        return taken, share.used(now)

    async def charge(self, key, rate, burst, cost):
        """Take, or give back."""
        if self.lost:
            raise StateLost
        self.full[key] += cost * rate.per / rate.calls


class Replica:
    """One gateway's pipeline to an upstream that notes when it was called."""

    def __init__(self, store, settings):
        loop = asyncio.get_running_loop()
        self.now = loop.time
        self.kept = {}
        options = {"limits": store, "replicas": store}
        self.ctx = Context(
            "shop", "", (TARGET,), loop.clock(), Wheel(loop.clock(), loop), loop, random.uniform, print, self.keep,
            options,
        )  # fmt: skip
        self.times = []
        self.build(settings)

    def keep(self, upstream, policy, scope, make):
        """Keep, as the pipeline does."""
        return self.kept.setdefault((upstream, policy, scope), make())

    def build(self, settings):
        """Put settings in force."""
        self.pipeline = compose(SPEC.build(RateSettings.model_validate(settings), self.ctx), self.answer)

    async def answer(self, _):
        """Answer at once."""
        self.times.append(self.now())
        return Reply(200, [], b"ok")

    def start(self, count=1, left=30.0):
        """Begin calls."""
        return [
            asyncio.ensure_future(
                self.pipeline(Call(b"GET", b"/", [], TARGET, Timeouts(), self.now() + left, Run(self.now())))
            )
            for _ in range(count)
        ]

    @property
    def turns(self):
        """The queue."""
        return self.kept["shop", "rate", ""]


def most(times, window):
    """Return the most that happened in any window."""
    times = sorted(times)
    return max((sum(start <= one < start + window for one in times[at:]) for at, start in enumerate(times)), default=0)


def answered(results):
    """Return how many were answered and how many refused."""
    refused = sum(isinstance(one, Saturated) for one in results)
    return sum(isinstance(one, Reply) for one in results), refused


@virtual
async def test_the_burst_passes_at_once_and_the_rest_is_refused_where_nobody_waits():
    """With `wait = 0` what is there is given, all in one question, and the rest is told when its turn would be."""
    store = Store()
    one = Replica(store, {"limit": "100/min", "wait": "0s"})
    results = await asyncio.gather(*one.start(40), return_exceptions=True)
    assert answered(results) == (10, 30)
    assert store.asked == 1
    assert all(result.retry_after > 0.5 for result in results if isinstance(result, Saturated))


@virtual
async def test_two_replicas_pass_the_limit_and_no_more():
    """Both full of callers for three minutes: no window of a minute holds more than limit and burst."""
    store = Store()
    pair = [Replica(store, {"limit": "100/min", "wait": "2s"}) for _ in range(2)]
    began = pair[0].now()

    async def caller(replica):
        while replica.now() < began + 180:
            await asyncio.gather(*replica.start(), return_exceptions=True)
            await asyncio.sleep(0.5)

    await asyncio.gather(*(caller(pair[number % 2]) for number in range(50)))
    times = pair[0].times + pair[1].times
    assert 100 <= most(times, 60) <= 110
    assert len(times) > 300  # and no fewer than the limit
    assert min(len(pair[0].times), len(pair[1].times)) > 60  # neither starves


@virtual
async def test_while_the_store_is_lost_each_decides_from_its_share():
    """Half of the limit each, nothing fails, and neither the loss nor the return gives a burst anew."""
    store = Store()
    pair = [Replica(store, {"limit": "100/s", "wait": "2s"}) for _ in range(2)]
    results = []
    began = pair[0].now()

    async def caller(replica):
        while replica.now() < began + 9:
            results.extend(await asyncio.gather(*replica.start(), return_exceptions=True))

    async def weather():
        await asyncio.sleep(3)
        store.lost = True
        await asyncio.sleep(3)
        store.clear()
        store.lost = False

    await asyncio.gather(weather(), *(caller(pair[number % 2]) for number in range(50)))
    assert answered(results) == (len(results), 0)
    assert most(pair[0].times + pair[1].times, 1.0) <= 112
    for replica in pair:
        alone = [time for time in replica.times if 3.02 < time - began < 6]
        assert 45 <= most(alone, 1.0) <= 56
    assert len(results) > 850


@virtual
async def test_a_store_that_forgot_gives_no_second_burst():
    """A server that was started anew between two questions is told how much is used."""
    store = Store(count=1)
    one = Replica(store, {"limit": "100/min", "wait": "2s"})
    assert answered(await asyncio.gather(*one.start(10), return_exceptions=True)) == (10, 0)
    store.clear()
    began = one.now()
    assert answered(await asyncio.gather(*one.start(10), return_exceptions=True)) == (3, 7)
    assert [time - began for time in one.times[10:]] == pytest.approx([0.6, 1.2, 1.8], abs=0.02)


@virtual
async def test_a_replica_that_is_alone_has_the_whole_limit():
    """Lost, with nobody else last seen, nothing changes."""
    store = Store(count=1)
    store.lost = True
    one = Replica(store, {"limit": "100/s", "wait": "2s"})
    began = one.now()
    assert answered(await asyncio.gather(*one.start(150), return_exceptions=True)) == (150, 0)
    assert 1.3 < one.now() - began < 1.5


@virtual
async def test_who_leaves_the_queue_takes_nothing():
    """Cancelled while waiting or in the turn of its grant, a call's unit goes to the next or back to the store."""
    store = Store()
    one = Replica(store, {"limit": "1/s", "burst": 1, "wait": "10s"})
    [first, second, third] = one.start(3)
    await first
    second.cancel()
    await third
    assert one.times[1] - one.times[0] == pytest.approx(1.0, abs=0.06)


@virtual
async def test_who_leaves_in_the_turn_of_its_grant_gives_the_unit_back():
    """The unit was taken from the store for a call that is not there any more."""
    store = Store()
    one = Replica(store, {"limit": "1/s", "burst": 1, "wait": "10s"})
    [call] = one.start()
    while not one.kept or not one.turns.waiting:
        await asyncio.sleep(0)
    store.granted = lambda: asyncio.get_running_loop().call_soon(call.cancel)
    with pytest.raises(asyncio.CancelledError):
        await call
    assert one.times == []
    await asyncio.sleep(0.01)
    assert store.full["upstream:shop:"] <= one.now()
    store.granted = lambda: None
    assert answered(await asyncio.gather(*one.start())) == (1, 0)


@virtual
async def test_a_slow_store_makes_no_call_fail():
    """`wait = 0` is about the limit, not about the store: a call waits for its answer, and for the share after it."""
    store = Store()
    store.delay = 0.2
    one = Replica(store, {"limit": "100/min", "wait": "0s"})
    assert answered(await asyncio.gather(*one.start(3), return_exceptions=True)) == (3, 0)


@virtual
async def test_a_turn_that_others_took_is_refused_in_time():
    """Where another replica takes what was expected, a call waits no longer than `wait`."""
    store = Store()
    one = Replica(store, {"limit": "60/min", "burst": 1, "wait": "1500ms"})
    await asyncio.gather(*one.start())
    began = one.now()
    [call] = one.start()
    await asyncio.sleep(0.9)
    store.full["upstream:shop:"] += 5.0
    with pytest.raises(Saturated) as refused:
        await call
    assert one.now() - began == pytest.approx(1.5, abs=0.03)
    assert refused.value.retry_after == pytest.approx(0.5, abs=0.03)


@virtual
async def test_a_reload_keeps_what_is_used():
    """A higher limit gives no second burst: what was used is waited for (semantics 2.7)."""
    store = Store(count=1)
    one = Replica(store, {"limit": "100/min", "wait": "0s"})
    await asyncio.gather(*one.start(10))
    one.build({"limit": "200/min", "burst": 10, "wait": "0s"})
    assert answered(await asyncio.gather(*one.start(5), return_exceptions=True)) == (0, 5)
    await asyncio.sleep(3.31)
    assert answered(await asyncio.gather(*one.start(5), return_exceptions=True)) == (1, 4)


@virtual
async def test_the_end_of_the_gateway_refuses_whoever_waits():
    """Closing leaves nobody waiting and no task behind."""
    store = Store()
    one = Replica(store, {"limit": "1/s", "burst": 1, "wait": "10s"})
    calls = one.start(4)
    await asyncio.sleep(0.5)
    await one.turns.close()
    assert answered(await asyncio.gather(*calls, return_exceptions=True)) == (1, 3)


@virtual
async def test_the_time_in_the_queue_is_told():
    """Server-Timing and the log show it."""
    store = Store()
    one = Replica(store, {"limit": "1/s", "burst": 1, "wait": "10s"})
    run = Run(one.now())
    await asyncio.gather(*one.start())
    await one.pipeline(Call(b"GET", b"/", [], TARGET, Timeouts(), one.now() + 30, run))
    assert run.queue_time == pytest.approx(1.0, abs=0.02)
    assert run.notes[0][0] == "queue"


def test_parts_have_together_what_was_left():
    """Three replicas that begin to decide alone take no more than the whole would have given."""
    rate, burst = Rate(60, 60.0), 9
    whole = Share(rate, burst)
    assert whole.take(1, 100.0, 3) == 3
    parts = [Share(rate, burst) for _ in range(3)]
    for part in parts:
        part.learn(whole.used(100.0), 100.0)
    assert sum(part.take(3, 100.0, 100) for part in parts) == 6
    assert sum(part.take(3, 160.0, 100) for part in parts) == 9
