"""Spend beside every other policy: one property each, named after the pair."""

import asyncio

import pytest

from pipelines import Places, retrying, target
from seawall.contracts.errors import BreakerOpen, ConnectError, DeadlineExceeded, Saturated, SpendCapReached
from seawall.contracts.target import Timeouts
from seawall.spend.caps import Rules
from seawall.testing import ScriptedTransport, answer, fail, hang, stream, virtual
from spending import Spending, caller_caps, reported

FULL = reported(1000, 100)  # all that is reserved: 0.0012 USD
SOME = reported(500, 10)  # 0.00052 USD
ONE = Rules(callers={"kitchen": caller_caps(day="0.0012")})  # a cap worth one call


@virtual
async def test_spend_and_deadline_a_call_it_ends_is_estimated():
    """Sent and never answered: all of the input there may have been; what no attempt was made for costs nothing."""
    spending = Spending()
    bench = spending.bench(ScriptedTransport([hang()], obey=False), timeouts=Timeouts(total=2))
    with pytest.raises(DeadlineExceeded):
        await bench.send(spending.call(bench))
    assert spending.costs == [("0.001", True)]
    with pytest.raises(DeadlineExceeded):
        await bench.send(spending.call(bench, deadline=bench.loop.time() - 1))
    assert len(spending.rows) == 1
    assert spending.held == 0


@virtual
async def test_spend_and_fallback_a_spent_cap_is_answered_and_costs_nothing():
    """The fixed answer stands for a call that a cap refuses; a backup's attempt is reserved as any other."""
    spending = Spending(ONE)
    transport = ScriptedTransport(then=answer(body=FULL))
    bench = spending.bench(transport, {"fallback": {"status": 200, "json": {"stale": True}}})
    assert await bench.status(spending.call(bench)) == 200
    reply = await bench.send(spending.call(bench))
    assert (reply.status, len(transport.seen)) == (200, 1)
    assert b"x-seawall-cost" not in dict(reply.marks or ())
    assert spending.costs == [("0.0012", False)]

    spending = Spending()
    places = Places(a=ScriptedTransport(then=answer(503, SOME)), b=ScriptedTransport(then=answer(body=SOME)))
    bench = spending.bench(places, {"fallback": {"targets": ["b"]}}, targets=(target("a"), target("b")))
    assert await bench.status(spending.call(bench)) == 200
    assert spending.costs == [("0.00052", False)] * 2


@virtual
async def test_spend_and_hedge_each_attempt_is_held_and_a_refused_hedge_does_not_end_the_call():
    """With room for one attempt there is no hedge; with room for two the one that lost is paid as estimated."""
    spending = Spending(ONE)
    transport = ScriptedTransport([answer(body=FULL, after=3)])
    bench = spending.bench(transport, {"hedge": {"after": 1.0}})
    assert await bench.status(spending.call(bench)) == 200
    assert len(transport.seen) == 1

    spending = Spending()
    bench = spending.bench(ScriptedTransport([hang(), answer(body=SOME)]), {"hedge": {"after": 1.0}})
    assert await bench.status(spending.call(bench)) == 200
    assert sorted(spending.costs) == [("0.00052", False), ("0.001", True)]
    assert spending.held == 0


@virtual
async def test_spend_and_retry_each_attempt_is_settled_before_the_next_and_a_cap_is_no_reason_to_try_again():
    """A failed attempt that was not sent frees its money for the next; a refusal is passed on at once."""
    spending = Spending(ONE)
    transport = ScriptedTransport([fail(ConnectError()), answer(503, reported(0, 0)), answer(body=FULL)])
    bench = spending.bench(transport, {"retry": retrying()})
    assert await bench.status(spending.call(bench)) == 200
    assert spending.costs == [("0.0012", False)]  # an error that cost nothing leaves no row, and holds nothing
    began = bench.loop.time()
    with pytest.raises(SpendCapReached):
        await bench.send(spending.call(bench))
    assert bench.loop.time() == began
    assert len(transport.seen) == 3


@virtual
async def test_spend_and_balance_a_cap_is_no_reason_to_try_another_target():
    """It is one for all targets, and none of them looks slower for it."""
    spending = Spending(ONE)
    places = Places(a=ScriptedTransport(then=answer(body=FULL)), b=ScriptedTransport(then=answer(body=FULL)))
    bench = spending.bench(places, {"balance": {"mode": "failover"}}, targets=(target("a"), target("b")))
    assert await bench.status(spending.call(bench)) == 200
    with pytest.raises(SpendCapReached):
        await bench.send(spending.call(bench))
    assert places.seen == ["a"]
    assert bench.kept("balance", "a").pending == 0


@virtual
async def test_spend_and_breaker_a_spent_cap_is_not_the_upstreams_failure_nor_its_probe():
    """It neither opens nor closes one, and keeps no permit; what an open breaker refuses is not reserved."""
    spending = Spending(ONE)
    trips = {"min_calls": 2, "window": 60.0, "open": 5.0, "probes": 1}
    transport = ScriptedTransport([answer(body=FULL), answer(500)], then=answer(body=reported(0, 0)))
    bench = spending.bench(transport, {"breaker": trips, "retry": {"attempts": 1}})
    assert await bench.status(spending.call(bench)) == 200
    for _ in range(5):
        with pytest.raises(SpendCapReached):
            await bench.send(spending.call(bench))
    assert bench.kept("breaker").status().state == "closed"
    await bench.status(spending.call(bench, caller="other"))
    assert bench.kept("breaker").status().state == "open"
    with pytest.raises(BreakerOpen):
        await bench.send(spending.call(bench, caller="other"))
    assert spending.held == 0
    await asyncio.sleep(6)
    with pytest.raises(SpendCapReached):
        await bench.send(spending.call(bench))
    assert await bench.status(spending.call(bench, caller="other")) == 200
    assert bench.kept("breaker").status().state == "closed"


@virtual
async def test_spend_and_rate_nothing_is_held_while_a_call_waits_for_its_turn():
    """Money is held only for what is about to be sent."""
    spending = Spending(Rules(callers={"kitchen": caller_caps(day="0.0024")}))
    bench = spending.bench(
        ScriptedTransport(then=answer(body=FULL)), {"rate": {"limit": "1/s", "burst": 1, "wait": 5.0}}
    )
    first = bench.start(spending.call(bench))
    second = bench.start(spending.call(bench))
    await asyncio.sleep(0.5)
    assert first.done()
    assert not second.done()
    assert spending.held == 0
    await second
    assert len(spending.rows) == 2


@virtual
async def test_spend_and_concurrency_nothing_is_held_in_the_queue_and_a_refused_call_gives_its_slot_back():
    """A queue of calls holds no money; a slot outlives no refusal."""
    spending = Spending(ONE)
    transport = ScriptedTransport([answer(body=FULL, after=1)], then=answer(body=reported(0, 0)))
    bench = spending.bench(transport, {"concurrency": {"limit": 1, "queue": 1, "wait": 9.0}})
    calls = [bench.start(spending.call(bench)) for _ in range(3)]
    await asyncio.sleep(0.5)
    assert spending.held == 1_200_000_000
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(one) for one in outcomes[1:]] == [SpendCapReached, Saturated]
    assert await bench.status(spending.call(bench, caller="other")) == 200
    assert bench.kept("concurrency", "").gate.taken == 0


@virtual
async def test_spend_and_adaptive_a_refusal_is_no_sample_and_a_stream_is_settled_before_its_slot_is_free():
    """The limit learns nothing from a spent cap."""
    spending = Spending(ONE)
    bench = spending.bench(
        ScriptedTransport([stream(b"t", FULL, gap=1)], then=answer(body=FULL)), {"concurrency": "adaptive"}
    )
    reply = await bench.send(spending.call(bench))
    slots = bench.kept("concurrency", "")
    before = slots.gate.limit
    while await reply.body.read():
        assert spending.rows == []
    taken = []
    spending.book.emit = lambda event: taken.append(slots.gate.taken)
    reply.close()
    assert set(taken) == {1}
    for _ in range(20):
        with pytest.raises(SpendCapReached):
            await bench.send(spending.call(bench))
    assert spending.costs == [("0.0012", False)]
    assert slots.gate.limit == before
    assert slots.gate.taken == 0
