"""Counters that replicas share, on a real Valkey: caps that nobody passes together, a lost store, a dead replica."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from redis_links import Links, until
from seawall.contracts.errors import SpendCapReached
from seawall.contracts.events import CapUsed, Notice
from seawall.spend.account import Full, Standing
from seawall.spend.calendar import Calendar
from seawall.spend.caps import CapSet, Rules, Want
from seawall.spend.counters import Counters
from seawall.spend.shared import SharedAccounts, Times
from seawall.spend.tally import Settled, Tally
from seawall.testing import ScriptedTransport, answer, hang, stream
from spend_rows import row
from spending import Spending, caller_caps, caps, reported
from valkey_server import ValkeyServer

NUMBERS = itertools.count()
QUICK = Times(beat=0.05, dead=0.5, again=0.01)
DAY = Calendar().at(1_800_000_000.0)
FULL = reported(1000, 100)  # all that is reserved: 0.0012 USD


@pytest.fixture(scope="module")
def steady() -> Iterator[ValkeyServer]:
    """Return a server that no test breaks."""
    with ValkeyServer() as running:
        yield running


@pytest.fixture
def fragile() -> Iterator[ValkeyServer]:
    """Return a server that may be killed."""
    with ValkeyServer() as running:
        yield running


@pytest.fixture
async def links() -> AsyncIterator[Links]:
    """Return what starts links; they are closed in the end."""
    made = Links()
    yield made
    await made.close()


class Replicas:
    """Replicas with a book each over one server; closed in the end."""

    def __init__(self, links, url):
        self.links, self.url = links, url
        self.all = []

    async def __call__(self, rules):
        """Return a replica's spending, its counters at `.shared`."""
        link = await self.links(self.url)
        spending = None
        shared = SharedAccounts(
            link, self.links.told, lambda: spending.book.rules, lambda: spending.book.today,
            lambda row: spending.book.bury(row), QUICK,
        )  # fmt: skip
        spending = Spending(rules, accounts=shared)
        shared.tell = spending.book.spent_in
        spending.shared, spending.link = shared, link
        await shared.start()
        self.all.append(spending)
        return spending

    async def close(self):
        """End them."""
        for spending in self.all:
            await spending.shared.close()


@pytest.fixture
async def replicas(links, steady) -> AsyncIterator[Replicas]:
    """Return replicas over a steady server."""
    made = Replicas(links, steady.url)
    yield made
    await made.close()


def unique():
    """Return a caller of this test alone."""
    return f"caller-{next(NUMBERS)}"


async def outcome(bench, call):
    """Return the reply or the refusal of a call, its body read and closed."""
    try:
        reply = await bench.send(call)
    except SpendCapReached as error:
        return error
    if not isinstance(reply.body, bytes):
        while await reply.body.read():
            pass
    reply.close()
    return reply


def passed(outcomes):
    """Return how many calls had an answer."""
    return sum(not isinstance(one, Exception) for one in outcomes)


@pytest.mark.parametrize("streamed", [False, True])
async def test_of_100_parallel_calls_over_two_replicas_at_most_10_pass_a_cap_worth_10(replicas, streamed):
    """Whole and streamed; nothing is overshot, and both know it afterwards."""
    caller = unique()
    rules = Rules(callers={caller: caller_caps(day="0.012")})
    both = [await replicas(rules) for _ in range(2)]
    step = stream(b"t" * 100, FULL, after=0.01) if streamed else answer(body=FULL, after=0.01)
    transports = [ScriptedTransport(then=step) for _ in both]
    benches = [
        one.bench(transport, {"concurrency": {"limit": 200}}) for one, transport in zip(both, transports, strict=True)
    ]
    outcomes = await asyncio.gather(
        *(outcome(benches[n % 2], both[n % 2].call(benches[n % 2], caller=caller)) for n in range(100))
    )
    assert passed(outcomes) == sum(len(one.seen) for one in transports) == 10
    assert sum(row.cost for one in both for row in one.rows) == Decimal("0.012")
    await until(lambda: not any(one.shared.waiting for one in both))
    for one, bench in zip(both, benches, strict=True):
        refusal = await outcome(bench, one.call(bench, caller=caller))
        assert dict(refusal.headers) == {b"x-should-retry": b"false", b"x-seawall-left-cap": b"caller day"}
        assert refusal.cap == "caller day"
        assert one.book.share_used(caller, "", "") == 1.0


async def test_what_was_reserved_too_much_is_free_again_for_the_other_replica(replicas):
    """Calls one after another, turn by turn, that use a tenth of what they reserve: of a cap worth 100 over 80 pass."""
    caller = unique()
    both = [await replicas(Rules(callers={caller: caller_caps(day="0.012")})) for _ in range(2)]
    benches = [one.bench(ScriptedTransport(then=answer(body=reported(100, 10)))) for one in both]
    outcomes = [await outcome(benches[n % 2], both[n % 2].call(benches[n % 2], caller=caller)) for n in range(110)]
    assert 80 <= passed(outcomes) <= 100
    assert sum(row.cost for one in both for row in one.rows) <= Decimal("0.012")


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("hsr"), st.integers(0, 12), st.integers(0, 10**17)), max_size=25))
def test_redis_decides_as_this_process_does(steps):
    """The same reservations, settlements and releases against both, amounts beyond what a double holds exactly."""

    async def run():
        with_caps = [
            Want(("gateway", "", unique()), CapSet(day=3 * 10**17, month=9 * 10**17)),
            Want(("caller", "a", unique()), CapSet(total=5 * 10**17 + 1)),
        ]
        local = Counters()
        links = Links()
        tally = Tally(await links(RUNNING[0].url), Counters())
        mark = row(1)
        try:
            for step, number, amount in steps:
                name = f"{with_caps[0].key[2]}-{number}"
                if step == "h" and name not in local._held:
                    try:
                        told = await tally.hold(name, amount, with_caps, DAY, mark)
                    except Exception:
                        continue
                    assert told == local.hold(name, amount, with_caps, DAY)
                elif step != "h" and name in local._held:
                    cost = min(amount, local._held[name].amount) if step == "s" else 0
                    found = await tally.settle(Settled(name, cost, with_caps, DAY))
                    assert await tally.settle(Settled(name, cost, with_caps, DAY)) is None
                    local.settle(name, cost, DAY)
                    for want, account in found:
                        mine = local.account(want, DAY)
                        assert (account.held, account.day_spent, account.total) == (
                            mine.held,
                            mine.day_spent,
                            mine.total,
                        )
        finally:
            await links.close()

    asyncio.run(run())


RUNNING: list[ValkeyServer] = []


@pytest.fixture(autouse=True, scope="module")
def running(steady) -> None:
    """Let tests that Hypothesis repeats reach the server."""
    RUNNING[:] = [steady]


async def test_days_turn_on_redis_as_well(links, steady):
    """And a clock that is late begins none anew."""
    want = [Want(("caller", unique(), ""), CapSet(day=100, month=1000))]
    tally = Tally(await links(steady.url), Counters())
    tomorrow = Calendar().at(DAY.ends)
    assert await tally.hold("d1" + want[0].key[1], 90, want, DAY, row()) == Standing(100, want[0].key, "day")
    await tally.settle(Settled("d1" + want[0].key[1], 90, want, DAY))
    assert isinstance(await tally.hold("d2" + want[0].key[1], 11, want, DAY, row()), Full)
    assert isinstance(await tally.hold("d3" + want[0].key[1], 100, want, tomorrow, row()), Standing)
    ((_, account),) = await tally.settle(Settled("d3" + want[0].key[1], 100, want, tomorrow))
    assert (account.day_spent, account.month_spent) == (100, 190)
    assert isinstance(await tally.hold("d4" + want[0].key[1], 1, want, DAY, row()), Full)


async def test_a_call_that_is_cancelled_while_it_reserves_holds_nothing(replicas):
    """Whether or not Redis had held it."""
    caller = unique()
    one = await replicas(Rules(callers={caller: caller_caps(day="0.0012")}))
    bench = one.bench(ScriptedTransport(then=answer(body=reported(0, 0))))
    for turns in range(6):
        task = bench.start(one.call(bench, caller=caller))
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await until(lambda: not one.shared.waiting)
    assert passed([await outcome(bench, one.call(bench, caller=caller))]) == 1
    assert one.shared.held == 0


async def test_a_dead_replicas_reservations_are_settled_as_estimated_by_another(replicas):
    """Once, at all that was held."""
    caller = unique()
    rules = Rules(callers={caller: caller_caps(day="0.012")})
    dead, heir, other = [await replicas(rules) for _ in range(3)]
    bench = dead.bench(ScriptedTransport(then=hang()))
    tasks = [bench.start(dead.call(bench, caller=caller)) for _ in range(3)]
    await until(lambda: dead.shared.held == 3_600_000_000)
    for task in dead.shared._tasks:  # no sign of life any more
        task.cancel()
    await until(lambda: len(heir.rows) + len(other.rows) == 3)
    assert {(row.cost, row.estimated, row.source) for row in heir.rows + other.rows} == {
        (Decimal("0.0012"), True, "reserved")
    }
    again = heir.bench(ScriptedTransport(then=answer(body=FULL)))
    outcomes = [await outcome(again, heir.call(again, caller=caller)) for _ in range(9)]
    assert passed(outcomes) == 7
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("on_loss", ["share", "refuse"])
async def test_while_redis_is_lost_each_replica_has_its_share_or_nobody_spends(links, fragile, on_loss):
    """Together they pass no cap; what they spent is known to all once it is back."""
    caller, made = unique(), Replicas(links, fragile.url)
    rules = Rules(callers={caller: caller_caps(day="0.012")}, on_loss=on_loss)
    both = [await made(rules) for _ in range(2)]
    await until(lambda: all(one.link.count == 2 for one in both))
    steps = [answer(body=FULL), answer(body=reported(0, 0))]
    benches = [one.bench(ScriptedTransport(steps, then=answer(body=FULL))) for one in both]
    for one, bench in zip(both, benches, strict=True):
        assert passed([await outcome(bench, one.call(bench, caller=caller))]) == 1
    await until(lambda: not any(one.shared.waiting for one in both))
    for one, bench in zip(both, benches, strict=True):  # each sees what both have spent
        assert passed([await outcome(bench, one.call(bench, caller=caller))]) == 1
        await until(lambda one=one: not one.shared.waiting)
    fragile.kill()
    await until(lambda: all(one.link.lost for one in both))
    outcomes = [
        await outcome(bench, one.call(bench, caller=caller))
        for one, bench in zip(both, benches, strict=True)
        for _ in range(8)
    ]
    if on_loss == "refuse":
        assert passed(outcomes) == 0
        assert {(one.cap, one.retry_after) for one in outcomes} == {("state", 1.0)}
    else:
        assert passed(outcomes) == 8  # four each: half of what was left
        assert all(one.retry_after == 1 for one in outcomes if isinstance(one, Exception))
        fragile.start()
        await until(
            lambda: all(not one.link.lost and not one.shared.waiting and one.shared._alone is None for one in both)
        )
        outcomes = [await outcome(benches[0], both[0].call(benches[0], caller=caller)) for _ in range(3)]
        assert passed(outcomes) == 0  # Redis began empty, and knows all the same
        assert outcomes[0].headers
    await made.close()


async def test_what_is_held_alone_is_known_to_redis_once_it_is_back(links, fragile):
    """A call that began while it was lost and goes on holds its money there."""
    caller, made = unique(), Replicas(links, fragile.url)
    one = await made(Rules(callers={caller: caller_caps(day="0.0012")}))
    fragile.kill()
    await until(lambda: one.link.lost)
    bench = one.bench(ScriptedTransport([hang()], then=answer(body=FULL)))
    task = bench.start(one.call(bench, caller=caller))
    await until(lambda: one.shared.held > 0)
    fragile.start()
    await until(lambda: not one.link.lost and one.shared._alone is None)
    other = await made(Rules(callers={caller: caller_caps(day="0.0012")}))
    second = other.bench(ScriptedTransport(then=answer(body=FULL)))
    assert isinstance(await outcome(second, other.call(second, caller=caller)), SpendCapReached)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await made.close()


async def test_a_step_of_alert_at_is_told_by_one_replica(replicas):
    """The one whose settlement passed it."""
    caller = unique()
    rules = Rules(callers={caller: caller_caps(day="0.0024")}, whole=caps())
    both = [await replicas(rules) for _ in range(2)]
    for one in both:
        bench = one.bench(ScriptedTransport(then=answer(body=FULL)))
        assert passed([await outcome(bench, one.call(bench, caller=caller))]) == 1
        await until(lambda one=one: not one.shared.waiting)
    assert [[event.share for event in one.events.of(CapUsed)] for one in both] == [[0.5], [1.0]]


async def test_settlements_that_find_no_room_are_told_once(links, fragile, monkeypatch):
    """Memory is bounded however long Redis is away; the ledger has every row."""
    monkeypatch.setattr("seawall.spend.shared._WAITING", 3)
    made = Replicas(links, fragile.url)
    one = await made(Rules())
    fragile.kill()
    await until(lambda: one.link.lost)
    bench = one.bench(ScriptedTransport(then=answer(body=FULL)))
    for _ in range(6):
        await outcome(bench, one.call(bench))
    assert one.shared.waiting == 3
    assert len(links.told.of(Notice, event="spend_unsettled")) == 1
    assert len(one.rows) == 6
    await made.close()
