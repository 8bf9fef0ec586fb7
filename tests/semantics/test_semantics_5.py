"""Semantics 5, line by line: how often an upstream may be called."""

import asyncio
import random

import http_sf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from limits_rig import Rig, Upstream, turns

from redis_links import QUICK, Links
from seawall.callers import Callers, Rules, SharedLimits, Strangers, digest
from seawall.callers.entry import Entry
from seawall.callers.fields import Fields, headers, model_headers, retry_after
from seawall.callers.keyed import Keyed
from seawall.callers.tokens import Tokens
from seawall.contracts.errors import Saturated
from seawall.contracts.peer import address_key, client_address
from seawall.contracts.request import Request
from seawall.contracts.units import Rate
from seawall.pipeline.compose import compose
from seawall.policies import ratelimit
from seawall.policies.ratelimit.core import SLACK, Bucket, Verdict
from seawall.stores.redis import RedisLimits
from seawall.testing import virtual
from valkey_server import ValkeyServer

SPEC = ratelimit.SPEC


def most_in_a_window(taken, length):
    """Return the largest sum of costs in any closed window; `taken` is (moment, cost) in order."""
    most = 0
    for first, (begin, _) in enumerate(taken):
        most = max(most, sum(cost for at, cost in taken[first:] if at - begin <= length + 100 * SLACK))
    return most


def start(pipeline, rig, count, **more):
    """Begin `count` calls at once."""
    return [asyncio.ensure_future(pipeline(rig.call(**more))) for _ in range(count)]


@given(
    calls=st.integers(1, 20),
    per=st.sampled_from([1.0, 60.0, 3600.0]),
    burst=st.integers(1, 8),
    gaps=st.lists(st.none() | st.floats(0, 0.3), min_size=1, max_size=120),
    start_at=st.sampled_from([0.0, 1000.0, 5e6]),
)
def test_5_1_never_more_than_limit_and_burst_in_any_window(calls, per, burst, gaps, start_at):
    """Whatever the schedule; None comes as soon as there is a turn."""
    bucket, now, taken = Bucket(Rate(calls, per), burst), start_at, []
    for gap in [None] * 25 + gaps:
        now += bucket.wait_for(1, now) if gap is None else gap * per
        while bucket.take(now):
            taken.append((now, 1))
    assert most_in_a_window(taken, per) <= calls + burst


@given(
    calls=st.integers(1, 20),
    burst=st.integers(1, 8),
    schedule=st.lists(st.tuples(st.floats(0, 3), st.integers(1, 30), st.booleans()), min_size=1, max_size=60),
)
def test_5_1_reservations_of_any_cost_keep_to_the_limit(calls, burst, schedule):
    """Each acts at its own moment, cancelled ones not at all; cancelled ones free no turn twice."""
    bucket, now, open_, taken = Bucket(Rate(calls, 10.0), burst), 0.0, [], []
    for gap, cost, cancel in schedule:
        now += gap
        reserved = bucket.reserve(cost, now, 100.0)
        if reserved is None:
            assert cost > calls + burst or bucket.wait_for(cost, now) > 100
            continue
        open_.append(reserved)
        if cancel:
            victim = open_.pop(len(open_) // 2)
            bucket.cancel(victim, now)
            if victim.at <= now:
                taken.append((victim.at, victim.cost))
    taken += [(one.at, one.cost) for one in open_]
    assert most_in_a_window(sorted(taken), 10.0) <= calls + burst + 1e-6


def test_5_1_default_burst_is_a_tenth_and_at_least_1():
    """600/h has 60, 5/s has 1."""
    assert SPEC.settings.model_validate("600/h").burst_size == 60
    assert SPEC.settings.model_validate("5/s").burst_size == 1
    assert SPEC.settings.model_validate({"limit": "600/h", "burst": 7}).burst_size == 7


def test_5_1_reserve_returns_a_wait_and_refuses_a_longer_one():
    """Nothing is taken by a refused one."""
    bucket = Bucket(Rate(1, 1.0), 1)
    assert bucket.reserve(1, 0.0, 9.0).wait == 0
    assert bucket.reserve(1, 0.0, 9.0).wait == pytest.approx(1.0)
    assert bucket.reserve(1, 0.0, 1.5) is None
    assert bucket.reserve(1, 0.0, 2.5).wait == pytest.approx(2.0)


def test_5_1_a_cancelled_reservation_is_given_back_where_nothing_stands_on_it():
    """The last one gives its turn back, and then the one before it."""
    bucket = Bucket(Rate(1, 1.0), 1)
    bucket.reserve(1, 0.0, 9.0)
    second, third = bucket.reserve(1, 0.0, 9.0), bucket.reserve(1, 0.0, 9.0)
    bucket.cancel(third, 0.0)
    bucket.cancel(second, 0.0)
    assert bucket.reserve(1, 0.0, 9.0).wait == pytest.approx(1.0)


def test_5_1_a_cancelled_reservation_keeps_what_was_reserved_on_top():
    """The later one has its turn already: giving the earlier back would give that turn out twice."""
    bucket = Bucket(Rate(1, 1.0), 1)
    bucket.reserve(1, 0.0, 9.0)
    second, _ = bucket.reserve(1, 0.0, 9.0), bucket.reserve(1, 0.0, 9.0)
    bucket.cancel(second, 0.0)
    assert bucket.reserve(1, 0.0, 9.0).wait == pytest.approx(3.0)


def test_5_1_a_cancelled_reservation_is_given_back_in_part():
    """3 units with 1 reserved on top: 2 come back."""
    bucket = Bucket(Rate(1, 1.0), 3)
    bucket.charge(3, 0.0)
    three = bucket.reserve(3, 0.0, 9.0)
    assert (three.wait, bucket.reserve(1, 0.0, 9.0).wait) == (pytest.approx(3.0), pytest.approx(4.0))
    bucket.cancel(three, 0.0)
    assert bucket.wait_for(1, 0.0) == pytest.approx(3.0)


def test_5_1_a_reservation_whose_turn_has_come_is_not_given_back():
    """It may have been used."""
    bucket = Bucket(Rate(1, 1.0), 1)
    first = bucket.reserve(1, 0.0, 9.0)
    bucket.cancel(first, 0.0)
    assert not bucket.take(0.5)


@virtual
async def test_5_1_outbound_limits_wait_for_their_turn():
    """5/s: five after the first second's burst, in the order they came."""
    rig, upstream = Rig(), Upstream(0.0)
    pipeline = rig.build(SPEC, {"limit": "5/s", "burst": 2, "wait": "9s"}, upstream)
    began = rig.now()
    calls = [rig.call() for _ in range(7)]
    await asyncio.gather(*map(pipeline, calls))
    assert upstream.calls == calls
    assert [at - began for at in upstream.times] == pytest.approx([0, 0, 0.2, 0.4, 0.6, 0.8, 1.0], abs=0.02)
    assert calls[6].run.queue_time == pytest.approx(1.0, abs=0.02)
    assert calls[6].run.notes[0][0] == "queue"
    assert calls[0].run.notes == []


@virtual
async def test_5_1_refuses_when_the_turn_comes_after_wait_or_deadline():
    """At once, with the moment of the turn as Retry-After, and without using it up."""
    rig, upstream = Rig(), Upstream(0.0)
    pipeline = rig.build(SPEC, {"limit": "1/s", "wait": "2s"}, upstream)
    await pipeline(rig.call())
    began = rig.now()
    with pytest.raises(Saturated) as caught:
        await pipeline(rig.call(left=0.5))
    assert rig.now() == began
    assert caught.value.policy == "rate"
    assert caught.value.retry_after == pytest.approx(1.0)
    tasks = start(pipeline, rig, 3)
    await turns()
    assert [task.done() for task in tasks] == [False, False, True]
    assert tasks[2].exception().retry_after == pytest.approx(3.0)
    await asyncio.gather(*tasks[:2])
    assert rig.now() - began <= 2.02


@virtual
async def test_5_1_the_next_waiter_takes_the_freed_turn():
    """A waiter that leaves lets everybody behind it move up."""
    rig, upstream = Rig(), Upstream(0.0)
    pipeline = rig.build(SPEC, {"limit": "1/s", "wait": "9s"}, upstream)
    await pipeline(rig.call())
    began = rig.now()
    first, second, third = start(pipeline, rig, 3)
    await asyncio.sleep(0.5)
    first.cancel()
    await asyncio.gather(second, third)
    assert [at - began for at in upstream.times[1:]] == pytest.approx([1.0, 2.0], abs=0.02)


@virtual
async def test_5_1_cancelled_in_the_turn_it_was_granted_gives_the_turn_on():
    """Cancelled before it ran: its unit is free for the next at the same moment."""
    rig, upstream = Rig(), Upstream(0.0)
    pipeline = rig.build(SPEC, {"limit": "1/s", "wait": "9s"}, upstream)
    await pipeline(rig.call())
    line = rig.kept["shop", "rate", ""]
    first, second = start(pipeline, rig, 2)
    await turns()
    rig.loop.advance(1.1)
    line._turn()  # the timer's own callback, in a turn of our choice
    assert len(line.waiting) == 1
    first.cancel()
    now = rig.now()
    await second
    assert rig.now() - now <= 0.01
    assert len(upstream.calls) == 2


@virtual
async def test_5_1_a_routes_own_rate_stands_beside_the_upstreams():
    """Both apply."""
    rig, upstream = Rig(), Upstream(0.0)
    shared = rig.stages(SPEC, {"limit": "100/s", "burst": 3, "wait": "0s"})
    routed = compose(rig.stages(SPEC, {"limit": "100/s", "burst": 2, "wait": "0s"}, "archive") + shared, upstream)
    other = compose(shared, upstream)

    async def count(pipeline):
        found = await asyncio.gather(*start(pipeline, rig, 5), return_exceptions=True)
        return sum(not isinstance(one, Saturated) for one in found)

    assert await count(routed) == 2
    assert await count(other) == 1


@virtual
async def test_5_1_ten_thousand_random_cancellations_leak_no_turn():
    """The queue is empty at the end, the rate was kept, and turns of those who left were used by others."""
    rig, dice, upstream = Rig(), random.Random(5), Upstream(0.0)
    pipeline = rig.build(SPEC, {"limit": "1000/s", "burst": 10, "wait": "100ms"}, upstream)
    line = rig.kept["shop", "rate", ""]
    cancelled = 0
    while cancelled < 10_000:
        tasks = start(pipeline, rig, 60)
        for _ in range(dice.randrange(4)):
            await asyncio.sleep(dice.choice((0, 0, 0.001, 0.005)))
        for task in dice.sample(tasks, 45):
            cancelled += task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert not line.waiting
        assert line._entry is None
    times = upstream.times
    for first in range(0, len(times) - 1010, 97):
        assert times[first + 1010] - times[first] >= 1.0 - 1e-6
    await asyncio.sleep(1)
    assert line.bucket.remaining(rig.now()) == 10


def test_5_2_fields_as_the_draft_writes_them():
    """Names quoted, `t` seconds from now, valid structured fields."""
    fields = Fields("rate", Rate(60, 60.0))
    found = dict(headers([(fields, Verdict(True, 12, 29.5, 0.0))]))
    assert found == {b"ratelimit-policy": b'"rate";q=60;w=60', b"ratelimit": b'"rate";r=12;t=30'}
    tokens = Fields("tokens", Rate(20000, 60.0), "tokens")
    both = dict(headers([(fields, Verdict(True, 12, 29.5, 0.0)), (tokens, Verdict(True, 5, 0.0, 0.0))]))
    parsed = http_sf.parse(both[b"ratelimit"], tltype="list")
    assert parsed == [("rate", {"r": 12, "t": 30}), ("tokens", {"r": 5, "t": 0})]
    assert http_sf.parse(both[b"ratelimit-policy"], tltype="list")[1] == (
        "tokens",
        {"q": 20000, "qu": "tokens", "w": 60},
    )


@given(calls=st.integers(1, 50), burst=st.integers(1, 9), gaps=st.lists(st.floats(0, 2), min_size=1, max_size=40))
def test_5_2_retry_after_is_never_earlier_than_t_nor_too_early(calls, burst, gaps):
    """Who comes back after Retry-After passes."""
    fields, bucket, now = Fields("rate", Rate(calls, 10.0)), Bucket(Rate(calls, 10.0), burst), 0.0
    for gap in gaps:
        now += gap
        verdict = bucket.check(1, now)
        found, after = dict(headers([(fields, verdict)])), retry_after([(fields, verdict)])
        state = http_sf.parse(found[b"ratelimit"], tltype="list")[0][1]
        assert state["r"] == bucket.remaining(now)
        assert bool(after) == (not verdict.allowed)
        if not verdict.allowed:
            assert after >= state["t"]
            assert bucket.wait_for(1, now + after) == 0


def test_5_2_what_language_model_sdks_read():
    """Numbers, and the reset as a duration."""
    assert model_headers("requests", Rate(60, 60.0), Verdict(True, 12, 0.12, 0.0)) == [
        (b"x-ratelimit-limit-requests", b"60"),
        (b"x-ratelimit-remaining-requests", b"12"),
        (b"x-ratelimit-reset-requests", b"120ms"),
    ]
    resets = [model_headers("tokens", Rate(60, 60.0), Verdict(True, 0, wait, 0.0))[2][1] for wait in (30, 361.2, 7322)]
    assert resets == [b"30s", b"6m2s", b"2h2m2s"]


def test_5_3_parallel_calls_never_pass_the_token_limit():
    """100 at once against a limit worth 10: 10 pass, whatever they report."""
    limit = Tokens(Rate(1000, 60.0), 1000)
    assert sum(limit.hold(100, 5.0).allowed for _ in range(100)) == 10
    assert limit.remaining(5.0) == 0
    for _ in range(10):
        limit.settle(100, 30, 6.0)
    assert limit.held == 0
    assert limit.remaining(6.0) == 700


@given(
    st.lists(st.tuples(st.floats(0, 4), st.integers(1, 150), st.floats(0, 1), st.booleans()), min_size=1, max_size=60)
)
def test_5_3_tokens_used_in_any_window_stay_within_limit_and_burst(schedule):
    """Calls of any length that use no more than they held."""
    limit, now, open_, used = Tokens(Rate(60, 10.0), 40), 0.0, [], []
    for gap, estimate, share, settle in schedule:
        now += gap
        if limit.hold(estimate, now).allowed:
            open_.append((estimate, share))
        if settle and open_:
            held, part = open_.pop(len(open_) // 2)
            limit.settle(held, held * part, now)
            used.append((now, held * part))
    assert most_in_a_window(used, 10.0) <= 60 + 40 + 1e-6
    assert limit.held == pytest.approx(sum(estimate for estimate, _ in open_))


def test_5_3_a_call_that_used_more_than_it_held_is_charged_in_full():
    """The next wait for it."""
    limit = Tokens(Rate(10, 10.0), 10)
    assert limit.hold(5, 0.0).allowed
    limit.settle(5, 25, 0.0)
    verdict = limit.hold(1, 0.0)
    assert not verdict.allowed
    assert verdict.retry_after == pytest.approx(16.0)
    assert limit.hold(1, 16.1).allowed


def test_5_3_a_released_hold_uses_nothing():
    """The request was not sent."""
    limit = Tokens(Rate(10, 10.0), 10)
    assert limit.hold(10, 0.0).allowed
    assert not limit.hold(1, 0.0).allowed
    limit.release(10)
    assert limit.hold(10, 0.0).allowed


def test_5_4_keyed_state_is_bounded_and_being_forgotten_is_worth_nothing():
    """A used-up limit is kept; who finds no room shares one limit with all others that find none."""

    class Limit:
        def __init__(self):
            self.bucket = Bucket(Rate(1, 60.0), 1)
            self.take = self.bucket.take

        def fresh(self, now):
            return self.bucket.full_at <= now

        def inherit(self, other, now):
            self.bucket.charge(other.bucket.used(now), now)
            return True

    limits = Keyed(3, lambda key: Limit())
    assert all(limits.get(key, 0.0).take(0.0) for key in "abc")
    assert sum(limits.get(str(number), 1.0).take(1.0) for number in range(1000)) == 1
    assert len(limits) == 3
    assert not any(limits.get(key, 2.0).take(2.0) for key in "abc")
    assert limits.get("new", 61.0).take(61.0)
    assert len(limits) == 3


@pytest.mark.parametrize(
    ("peer", "key"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::ffff", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("garbage", ""),
    ],
)
def test_5_4_unauthenticated_callers_are_keyed_by_address(peer, key):
    """IPv6 by its /64."""
    assert address_key(peer) == key


@pytest.mark.parametrize(
    ("forwarded", "hops", "client"),
    [
        ([b"1.1.1.1"], 0, "9.9.9.9"),
        ([b"1.1.1.1"], 1, "1.1.1.1"),
        ([b"6.6.6.6, 1.1.1.1"], 1, "1.1.1.1"),
        ([b"6.6.6.6", b"1.1.1.1, 2.2.2.2"], 2, "1.1.1.1"),
        ([b"1.1.1.1"], 2, "9.9.9.9"),
        ([b"nonsense"], 1, "9.9.9.9"),
        ([b"[2001:db8::1]:443"], 1, "2001:db8::1"),
        ([b"1.1.1.1:5555"], 1, "1.1.1.1"),
        ([], 1, "9.9.9.9"),
        ([b"\xff\xfe"], 1, "9.9.9.9"),
    ],
)
def test_5_4_forwarded_addresses_only_from_configured_hops(forwarded, hops, client):
    """What a client writes itself counts for nothing."""
    assert client_address("9.9.9.9", forwarded, hops) == client


async def test_5_5_the_limit_of_a_caller_is_the_limit_of_all_replicas_together():
    """A hundred calls at each of three replicas on one real server: the burst passes once, and so do the tokens."""
    caller = Rules("app", (digest(b"sw-app"),), Rate(100, 86400.0), Rate(1000, 86400.0))
    with ValkeyServer() as server:
        links, replicas = Links(), []
        for _ in range(3):
            link = await links(server.url, QUICK._replace(command=10.0, connect=10.0))
            replicas.append(Callers(lambda: 0.0, SharedLimits(RedisLimits(link), link)))
            replicas[-1].configure([caller], Strangers())
        request = Request(b"GET", b"/", [(b"x-seawall-key", b"sw-app")])
        asked = [one.admit(request, model_route=True) for _ in range(100) for one in replicas]
        entries = [one for one in await asyncio.gather(*asked, return_exceptions=True) if isinstance(one, Entry)]
        held = await asyncio.gather(*(one.hold_tokens(300) for one in entries), return_exceptions=True)
        await links.close()
    assert len(entries) == 10
    assert held.count(None) == 3
