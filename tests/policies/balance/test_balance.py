"""Which target an attempt goes to."""

import asyncio
import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.contracts.call import Call, Run
from seawall.contracts.errors import BreakerOpen, ConnectError, Saturated
from seawall.contracts.policy import Context, Position
from seawall.contracts.reply import Reply
from seawall.contracts.target import Target, Timeouts
from seawall.contracts.wheel import Wheel
from seawall.pipeline.compose import compose
from seawall.policies import breaker, retry
from seawall.policies.balance import SPEC, BalanceSettings
from seawall.policies.balance.core import DECAY, Load, by_load, by_weight, ranking
from seawall.testing import ScriptedSource, virtual


def target(label, weight=1.0):
    """Return one."""
    return Target("orders", label, "http", f"{label}.example", 80, weight=weight)


EU, US, ASIA = target("eu", 90), target("us", 10), target("asia", 50)


class Orders:
    """A context with its kept state, and an upstream whose targets answer as told."""

    def __init__(self, targets=(EU, US), **options):
        loop = asyncio.get_running_loop()
        self.now = loop.time
        self.kept = {}
        self.options = options
        self.ctx = Context(
            "orders", "", targets, loop.clock(), Wheel(loop.clock(), loop), loop, random.Random(3).uniform,
            lambda _: None, self.keep, options,
        )  # fmt: skip
        self.seen = []
        self.answers = {}
        self.seconds = {}

    def keep(self, upstream, policy, scope, make):
        """Keep, as the pipeline does."""
        key = (upstream, policy, scope)
        if key not in self.kept:
            self.kept[key] = make()
        return self.kept[key]

    def stages(self, settings, spec=SPEC):
        """Return the stages."""
        return list(spec.build(spec.settings.model_validate(settings), self.ctx))

    def build(self, settings, *more):
        """Return stages folded around the upstream."""
        return compose([*self.stages(settings), *more], self.answer)

    async def answer(self, call):
        """Answer as told for the target."""
        self.seen.append(call.target.label)
        call.run.attempts += 1
        await asyncio.sleep(self.seconds.get(call.target.label, 0.01))
        found = self.answers.get(call.target.label, 200)
        if isinstance(found, Exception):
            raise found
        return found() if callable(found) else Reply(found, [], b"ok")

    def call(self, caller="", bound=EU):
        """Return a call."""
        run = Run(self.now(), 3)
        return Call(b"GET", b"/", [], bound, Timeouts(), self.now() + 30, run, caller=caller, idempotent=True)


@virtual
async def test_weighted_gives_each_its_share():
    """90 to 10, and the reply says where it came from."""
    orders = Orders()
    pipeline = orders.build("weighted")
    replies = await asyncio.gather(*(pipeline(orders.call()) for _ in range(2000)))
    counted = Counter(orders.seen)
    assert counted["us"] == pytest.approx(200, abs=45)
    told = Counter(dict(reply.marks)[b"x-seawall-target"] for reply in replies)
    assert told == {b"eu": counted["eu"], b"us": counted["us"]}


@virtual
async def test_failover_takes_them_in_order():
    """The second serves only what the first failed."""
    orders = Orders((EU, US, ASIA))
    pipeline = orders.build("failover", *orders.stages({"base": "1ms"}, retry.SPEC))
    await pipeline(orders.call())
    orders.answers["eu"] = ConnectError()
    reply = await pipeline(orders.call())
    assert orders.seen == ["eu", "eu", "us"]
    assert dict(reply.marks)[b"x-seawall-target"] == b"us"


@virtual
@pytest.mark.parametrize("mode", ["weighted", "failover", "least_loaded"])
async def test_the_next_attempt_goes_elsewhere(mode):
    """Not to the target that has just failed, where another is left."""
    for _ in range(20):
        orders = Orders((EU, US))
        orders.answers = {"eu": 503, "us": 503}
        pipeline = orders.build(mode, *orders.stages({"base": "1ms", "attempts": 3}, retry.SPEC))
        reply = await pipeline(orders.call())
        assert reply.status == 503
        assert orders.seen[0] != orders.seen[1] != orders.seen[2]


@virtual
async def test_a_target_whose_breaker_is_open_is_passed_over():
    """At once, for every call, and without an attempt; where all are open the soonest is told."""
    orders = Orders((EU, US))
    pipeline = orders.build("failover", *orders.stages({}, breaker.SPEC))
    orders.kept["orders", "breaker", "eu"].force("open")
    for _ in range(5):
        call = orders.call()
        assert (await pipeline(call)).status == 200
        assert call.run.attempts == 1
    assert orders.seen == ["us"] * 5
    orders.kept["orders", "breaker", "us"].force("open")
    call = orders.call()
    with pytest.raises(BreakerOpen):
        await pipeline(call)
    assert call.run.tried is None


@virtual
async def test_the_soonest_of_all_refusals_is_told():
    """Whichever target came first."""
    orders = Orders((EU, US))
    orders.answers = {
        "eu": Saturated(policy="retry", retry_after=5.0),
        "us": BreakerOpen(retry_after=9.0),
    }
    with pytest.raises(Saturated) as caught:
        await orders.build("failover")(orders.call())
    assert caught.value.retry_after == 5.0
    orders.answers["eu"] = BreakerOpen(retry_after=20.0)
    with pytest.raises(BreakerOpen) as caught:
        await orders.build("failover")(orders.call())
    assert caught.value.retry_after == 9.0


@virtual
async def test_a_refusal_of_the_upstream_as_a_whole_is_passed_on():
    """Its queue is full whatever the target."""
    orders = Orders()
    orders.answers = {"eu": Saturated(policy="concurrency"), "us": Saturated(policy="concurrency")}
    with pytest.raises(Saturated):
        await orders.build("failover")(orders.call())
    assert orders.seen == ["eu"]


@virtual
async def test_sticky_keeps_a_caller_on_one_target():
    """As long as it serves, and with the weights' shares over many callers; who has no name is not kept."""
    orders = Orders()
    pipeline = orders.build({"mode": "weighted", "sticky": "caller"})
    for number in range(300):
        await asyncio.gather(*(pipeline(orders.call(f"caller{number}")) for _ in range(3)))
    groups = [set(orders.seen[start : start + 3]) for start in range(0, 900, 3)]
    assert all(len(group) == 1 for group in groups)
    assert Counter(label for group in groups for label in group)["us"] == pytest.approx(30, abs=20)
    orders.seen.clear()
    await asyncio.gather(*(pipeline(orders.call()) for _ in range(200)))
    assert set(orders.seen) == {"eu", "us"}


@virtual
async def test_sticky_moves_on_when_its_target_fails():
    """To the caller's second, for this call."""
    orders = Orders((EU, US, ASIA))
    pipeline = orders.build({"sticky": "caller"}, *orders.stages({"base": "1ms"}, retry.SPEC))
    order = [one.label for one in ranking((EU, US, ASIA), "kitchen")]
    orders.answers[order[0]] = 503
    await pipeline(orders.call("kitchen"))
    assert orders.seen == order[:2]


@virtual
async def test_orders_of_callers_are_bounded():
    """A thousand callers and more."""
    orders = Orders()
    ((_, stage),) = orders.stages({"sticky": "caller"})
    for number in range(3000):
        stage._order(str(number))
    assert len(stage._orders) <= 1024


@virtual
async def test_least_loaded_prefers_the_fast_target():
    """One ten times slower gets little; streams count as long as they last."""
    orders = Orders((target("fast"), target("slow")))
    orders.seconds = {"fast": 0.01, "slow": 0.1}
    pipeline = orders.build("least_loaded")
    for _ in range(20):
        await asyncio.gather(*(pipeline(orders.call(bound=orders.ctx.targets[0])) for _ in range(10)))
    counted = Counter(orders.seen)
    assert counted["fast"] > 4 * counted["slow"]
    loads = [orders.kept["orders", "balance", label] for label in ("fast", "slow")]
    assert [load.pending for load in loads] == [0, 0]


@virtual
async def test_a_stream_is_under_way_until_it_is_closed():
    """And a failure or cancellation no longer than it lasts."""
    orders = Orders()
    orders.answers["eu"] = lambda: Reply(200, [], ScriptedSource((b"x",)), None, streamed=True)
    pipeline = orders.build("failover")
    load = orders.kept["orders", "balance", "eu"]
    reply = await pipeline(orders.call())
    assert load.pending == 1
    reply.close()
    assert load.pending == 0
    orders.answers["eu"] = ConnectError()
    with pytest.raises(ConnectError):
        await pipeline(orders.call())
    task = asyncio.ensure_future(pipeline(orders.call()))
    await asyncio.sleep(0.001)
    assert load.pending == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert load.pending == 0


@pytest.mark.parametrize("bound", [EU, ASIA], ids=["chosen", "bound"])
@pytest.mark.parametrize("kind", ["weighted", "failover", "least_loaded"])
@pytest.mark.parametrize("moment", [0.0, 0.001, 0.005])
@virtual
async def test_cancelled_at_any_await_nothing_stays_under_way(moment: float, kind: str, bound: Target):
    """While the first target is asked, while the next one is, and where nothing is chosen."""
    orders = Orders()
    orders.answers = {"eu": BreakerOpen(retry_after=9.0), "us": BreakerOpen(retry_after=5.0)}
    orders.seconds = {"eu": 0.004, "us": 0.004, "asia": 0.008}
    pipeline = orders.build(kind)
    task = asyncio.ensure_future(pipeline(orders.call(bound=bound)))
    await asyncio.sleep(moment)
    assert sum(load.pending for load in orders.kept.values()) == (bound is EU)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sum(load.pending for load in orders.kept.values()) == 0


@virtual
async def test_a_bound_call_goes_where_it_is_bound():
    """Backups are not chosen, but a call may be bound to one."""
    orders = Orders((EU, US, ASIA), backups=("asia",))
    pipeline = orders.build("weighted")
    await asyncio.gather(*(pipeline(orders.call()) for _ in range(300)))
    assert set(orders.seen) == {"eu", "us"}
    orders.seen.clear()
    await pipeline(orders.call(bound=ASIA))
    assert orders.seen == ["asia"]


@virtual
async def test_one_target_needs_no_choice():
    """No stage at all."""
    assert Orders((EU,)).stages("weighted") == []
    assert Orders((EU, US), backups=("us",)).stages("weighted") == []
    assert [position for position, _ in Orders().stages("weighted")] == [Position.BALANCE]


@given(st.integers(0, 10_000))
def test_a_target_that_goes_moves_only_its_own(number):
    """The rest of the callers stay where they were."""
    key = str(number)
    whole, without = ranking((EU, US, ASIA), key), ranking((EU, US), key)
    assert without == tuple(one for one in whole if one is not ASIA)


def test_every_weight_can_be_drawn_to_its_end():
    """Rounding never leaves the list."""
    assert by_weight((EU, US), lambda _, high: high) is US
    assert by_weight((EU, US), lambda low, _: low) is EU


def test_two_choices_are_two_targets():
    """Whatever is drawn."""
    targets = tuple(target(str(number)) for number in range(4))
    loads = {one: Load() for one in targets}
    for one in targets[1:]:
        loads[one].pending = 5
    rng, found = random.Random(1), Counter()
    for _ in range(4000):
        found[by_load(targets, loads, 0.0, rng.uniform).label] += 1
    assert found["0"] == pytest.approx(2000, abs=150)
    assert by_load(targets[:1], loads, 0.0, rng.uniform) is targets[0]
    assert by_load(targets, loads, 0.0, lambda _, high: high) in targets


def test_peaks_count_at_once_and_fade():
    """A failure that came fast does not make a target look fast."""
    load = Load()
    load.end(0.0, 0.1, good=True)
    load.end(0.1, 0.001, good=False)
    assert load.cost == 0.1
    load.end(0.2, 2.0, good=True)
    assert load.cost == 2.0
    load.end(0.2 + DECAY, 0.1, good=True)
    assert load.cost == pytest.approx(0.8, abs=0.05)
    assert load.score(100.0, 1.0) < load.score(11.0, 1.0)
    load.pending = 3
    assert load.score(11.0, 2.0) == pytest.approx(2 * load.score(11.0, 4.0))
    fresh = Load()
    assert fresh.score(0.0, 1.0) == 0.0
    fresh.pending = 1
    assert fresh.score(0.0, 1.0) == 2.0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ("weighted", "by weight"),
        ("failover", "the first that may be called"),
        ({"mode": "least_loaded", "sticky": "caller"}, "the less loaded of two; each caller keeps its target"),
    ],
)
def test_explain_says_the_values_in_force(settings, words):
    """One line, in plain words."""
    assert SPEC.explain(BalanceSettings.model_validate(settings)) == words
