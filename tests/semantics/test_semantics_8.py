"""Semantics 8, line by line: money and tokens."""

import asyncio
import contextlib
import re
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.contracts.errors import (
    ConnectError,
    DeadlineExceeded,
    PriceUnknown,
    SpendCapReached,
    UpstreamBroken,
    UpstreamError,
    UpstreamTimeout,
)
from seawall.contracts.events import AttemptPaid, CapUsed, Notice
from seawall.contracts.problem import problem_of
from seawall.contracts.usage import Usage
from seawall.pipeline.attempt import Attempts
from seawall.policies.spend import Spend
from seawall.spend.caps import Rules
from seawall.spend.counters import Counters
from seawall.spend.memory import MemoryLedger
from seawall.spend.plain import PlainBill
from seawall.spend.prices.bound import FREE, Prices, settings_price
from seawall.spend.rebuild import rebuild
from seawall.spend.spool import Spool
from seawall.spend.undertaker import EVERY, Undertaker
from seawall.testing import ScriptedTransport, answer, fail, hang, stream, virtual
from spending import FAST, Spending, TokenBill, caller_caps, caps, reported

ZoneInfo("Europe/Berlin")  # read before a loop runs, as settings are
ANSWER = b"tttttttttt" + reported(500, 10)  # 0.00052 USD
TEN = "0.012"  # a cap worth ten calls of 0.0012 USD


async def collect(reply):
    """Read a reply to its end and close it, as the door does."""
    try:
        if not isinstance(reply.body, bytes):
            while await reply.body.read():
                pass
        reply.finished = True
    finally:
        reply.close()


async def outcome(bench, call):
    """Return the cost that a call's answer tells, or the error it met."""
    try:
        reply = await bench.send(call)
        await collect(reply)
    except (SpendCapReached, UpstreamBroken, UpstreamTimeout) as error:
        return error
    return reply


def passed(outcomes):
    """Return how many calls had an answer."""
    return sum(not isinstance(one, Exception) for one in outcomes)


@pytest.mark.parametrize("streamed", [False, True])
@virtual
async def test_8_1_of_100_parallel_calls_against_a_cap_worth_10_at_most_10_pass(streamed):
    """Whole and streamed: none is sent that the cap does not cover, and nothing is overshot."""
    spending = Spending(Rules(callers={"kitchen": caller_caps(day=TEN)}))
    full = reported(1000, 100)
    step = stream(b"t" * 100, full, after=1) if streamed else answer(body=full, after=1)
    transport = ScriptedTransport(then=step)
    bench = spending.bench(transport, {"concurrency": {"limit": 200}})
    outcomes = await asyncio.gather(*(outcome(bench, spending.call(bench)) for _ in range(100)))
    assert passed(outcomes) == len(transport.seen) == 10
    assert sum(row.cost for row in spending.rows) == Decimal(TEN)
    assert all(one.retry_after == 1 for one in outcomes if isinstance(one, Exception))
    assert spending.held == 0


@virtual
async def test_8_1_what_was_reserved_too_much_is_free_again():
    """Calls one after another that use a tenth of what they reserve: of a cap worth 100 at least 80 pass."""
    spending = Spending(Rules(callers={"kitchen": caller_caps(day="0.012")}))  # worth 100 calls of 0.00012 USD
    bench = spending.bench(ScriptedTransport(then=answer(body=reported(100, 10))))
    outcomes = [await outcome(bench, spending.call(bench)) for _ in range(110)]
    assert 80 <= passed(outcomes) <= 100
    assert sum(row.cost for row in spending.rows) <= Decimal("0.012")


@virtual
async def test_8_1_each_attempt_is_reserved_and_settled_hedges_and_retries_included():
    """A retry is a row of its own, and so is the hedge that lost; the call's cost is all of them."""
    spending = Spending()
    bench = spending.bench(
        ScriptedTransport([answer(503, reported(500, 0)), answer(body=ANSWER)]), {"retry": {"base": 0.001}}
    )
    reply = await bench.send(spending.call(bench))
    assert [row.attempt for row in spending.rows] == [1, 2]
    assert spending.costs == [("0.0005", False), ("0.00052", False)]
    assert dict(reply.marks)[b"x-seawall-cost"] == b"0.00102"

    spending = Spending()
    bench = spending.bench(
        ScriptedTransport([stream(b"t", after=5), answer(body=ANSWER, after=0.1)]), {"hedge": {"after": 1.0}}
    )
    call = spending.call(bench)
    await collect(await bench.send(call))
    assert sorted(spending.costs) == [("0.00052", False), ("0.001", True)]  # the lost one: sent, nothing came
    assert call.run.cost == Decimal("0.00152")
    assert spending.held == 0


@virtual
async def test_8_1_nothing_is_sent_that_a_cap_does_not_cover():
    """Refused before the wire, and the upstream is not to blame: its breaker hears nothing of it."""
    spending = Spending(Rules(whole=caps(day="0.0011")))
    transport = ScriptedTransport(then=answer(body=ANSWER))
    bench = spending.bench(transport, {"breaker": {"min_calls": 1}, "retry": {"base": 0.001}})
    with pytest.raises(SpendCapReached) as caught:
        await bench.send(spending.call(bench))
    assert transport.seen == []
    assert caught.value.cap == "gateway day"
    assert bench.kept("breaker").status().state == "closed"
    assert "0.0011 USD" in caught.value.detail
    assert "0.0012 USD" in caught.value.detail


@pytest.mark.parametrize(
    ("step", "cost"),
    [
        (fail(UpstreamTimeout("first_byte")), "0.001"),
        (fail(UpstreamBroken(answered=True)), "0.001"),
        (hang(), "0.001"),
        (stream(b"tt", b"ttt", b"tttt", cut=5), "0.001012"),
        (stream(b"tt", b"ttt", error=UpstreamTimeout("idle")), "0.001012"),
        (answer(body=b"ttt"), "0.001006"),
    ],
    ids=["timeout", "reset", "deadline", "cut", "idle", "nothing reported"],
)
@virtual
async def test_8_1_after_bytes_were_sent_an_estimate_is_settled(step, cost):
    """All of the input there may have been and the tokens seen, marked as estimated."""
    spending = Spending()
    bench = spending.bench(ScriptedTransport([step]))
    with contextlib.suppress(UpstreamError, DeadlineExceeded):  # which one is not the question here
        await collect(await bench.send(spending.call(bench)))
    assert spending.costs == [(cost, True)]
    assert spending.held == 0


@virtual
async def test_8_1_a_client_that_leaves_pays_for_what_was_seen():
    """Before the head and in the middle of a stream; settled once, though cancelled, closed and closed again."""
    spending = Spending()
    bench = spending.bench(ScriptedTransport([hang(), stream(b"tt", b"t", hanging=True)]))
    task = bench.start(spending.call(bench))
    await asyncio.sleep(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    reply = await bench.send(spending.call(bench))
    await reply.body.read()
    await reply.body.read()
    reply.close()
    reply.close()
    assert spending.costs == [("0.001", True), ("0.001008", True)]
    assert spending.held == 0


@pytest.mark.parametrize(
    "step",
    [fail(ConnectError()), fail(UpstreamBroken(sent=False)), hang(sent=False)],
    ids=["connect", "stale", "early"],
)
@virtual
async def test_8_1_only_what_provably_was_not_sent_is_released(step):
    """No row, nothing held, nothing spent."""
    spending = Spending()
    bench = spending.bench(ScriptedTransport([step]), {"retry": {"attempts": 1}})
    with pytest.raises(Exception):  # noqa: B017 - which one is not the question here
        await bench.send(spending.call(bench))
    assert spending.rows == []
    assert spending.held == 0
    assert spending.book.share_used("kitchen", "", "fast") == 0


@virtual
async def test_8_1_a_reservation_is_settled_once():
    """Whoever comes second writes no row: neither a second close nor a failure behind it."""
    spending = Spending()
    bench = spending.bench(ScriptedTransport([answer(body=ANSWER)]))
    call, meter = spending.call(bench), TokenBill().meter()
    held = await spending.book.reserve(call, call.bill)
    meter.feed(ANSWER)
    held.settle(meter, 200, ended=True)
    held.settle(meter, 200, ended=True)
    held.failed(meter, UpstreamBroken())
    assert spending.costs == [("0.00052", False)]
    assert call.run.cost == Decimal("0.00052")


@virtual
async def test_8_1_an_attempt_refused_before_the_wire_is_not_taken_for_the_one_before():
    """A retry that meets the deadline before it begins is released, though the attempt before it was sent."""
    spending = Spending()
    transport = ScriptedTransport([answer(body=reported(1, 0))])
    bench = spending.bench(transport)
    call = spending.call(bench)
    await collect(await bench.send(call))
    assert [seen.attempt.sent for seen in transport.seen] == [True]
    call.deadline = bench.loop.time()  # no further attempt can begin
    with pytest.raises(DeadlineExceeded):
        await Spend(spending.book).send(call, Attempts(bench.ctx, ScriptedTransport()))
    assert len(spending.rows) == 1
    assert spending.held == 0


@virtual
async def test_8_1_an_error_that_reports_nothing_costs_nothing():
    """Providers charge no tokens for an error."""
    spending = Spending()
    bench = spending.bench(ScriptedTransport([answer(400, b"{}")]))
    await collect(await bench.send(spending.call(bench)))
    assert spending.rows == []
    assert spending.held == 0


@virtual
async def test_8_1_an_input_without_a_bound_is_refused_under_a_cap_only():
    """A picture that the provider fetches may cost anything."""
    spending = Spending(Rules(callers={"capped": caller_caps(month="1")}))
    bench = spending.bench(ScriptedTransport(then=answer(body=ANSWER)))
    with pytest.raises(PriceUnknown, match="no bound"):
        await bench.send(spending.call(bench, TokenBill(input_bound=None), caller="capped"))
    await collect(await bench.send(spending.call(bench, TokenBill(input_bound=None), caller="free")))
    assert spending.costs == [("0.00052", False)]


@virtual
async def test_8_1_a_meter_that_fails_keeps_no_money_held():
    """The call goes on; what it used is estimated and the fault is told."""

    class Broken(TokenBill):
        def meter(self):
            meter = super().meter()
            meter.usage = lambda: 1 / 0
            return meter

    spending = Spending()
    bench = spending.bench(ScriptedTransport([answer(body=ANSWER)]))
    await collect(await bench.send(spending.call(bench, Broken())))
    assert spending.costs == [("0.001", True)]
    assert spending.events.one(Notice, event="meter_failed").level == "error"


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 9), min_size=1, max_size=30), st.integers(0, 3))
def test_8_1_whatever_happens_rows_are_the_counters_and_no_cap_is_passed(kinds, hedges):
    """Retries, hedges, cuts, errors and leaving clients together."""
    steps = [
        lambda: answer(body=ANSWER, after=0.2), lambda: stream(b"tt", ANSWER, gap=0.1), lambda: hang(),
        lambda: stream(b"tt", b"tt", cut=3), lambda: fail(ConnectError()), lambda: fail(UpstreamBroken()),
        lambda: answer(503, reported(10, 0)), lambda: answer(500), lambda: hang(sent=False),
        lambda: stream(b"t", hanging=True),
    ]  # fmt: skip

    @virtual
    async def run():
        spending = Spending(Rules(whole=caps(day="0.02"), callers={"kitchen": caller_caps(day="0.015")}))
        transport = ScriptedTransport((steps[kind]() for kind in kinds), then=answer(body=ANSWER))
        bench = spending.bench(
            transport, {"retry": {"base": 0.01}, "hedge": {"after": 0.15, "max": 2}} if hedges else {}
        )

        async def one(number):
            task = asyncio.ensure_future(outcome(bench, spending.call(bench)))
            if number % 4 == 3:
                await asyncio.sleep(0.1)
                task.cancel()
            return (await asyncio.gather(task, return_exceptions=True))[0]

        await asyncio.gather(*(one(number) for number in range(20)))
        assert spending.held == 0
        spent = sum(row.cost for row in spending.rows)
        assert spent == sum(event.cost for event in spending.events.of(AttemptPaid))
        assert spending.book.share_used("kitchen", "", "fast") == float(spent / Decimal("0.015"))
        assert spent <= Decimal("0.015")
        assert all(row.cost <= row.reserved for row in spending.rows)

    run()


@virtual
async def test_8_2_usage_is_read_from_whichever_chunk_carries_it():
    """Also from the first one, and from a chunk that is cut off before the end of the stream."""
    spending = Spending()
    bench = spending.bench(
        ScriptedTransport(
            [stream(reported(500, 10), b"ttt"), stream(b"t", reported(500, 10), b"", error=UpstreamBroken())]
        )
    )
    await outcome(bench, spending.call(bench))
    reply = await bench.send(spending.call(bench))
    await reply.body.read()
    await reply.body.read()
    reply.close()
    assert spending.costs == [("0.00052", False), ("0.00052", False)]


@virtual
async def test_8_2_a_stream_passes_piece_by_piece_and_costs_at_its_end():
    """Nothing is held back, nothing is counted before the last byte."""
    spending = Spending()
    bench = spending.bench(ScriptedTransport([stream(b"t", b"t", reported(500, 2), gap=1)]))
    reply = await bench.send(spending.call(bench))
    start = asyncio.get_running_loop().time()
    for number, chunk in enumerate((b"t", b"t", reported(500, 2), b""), 1):
        assert await reply.body.read() == chunk
        assert asyncio.get_running_loop().time() - start == pytest.approx(min(number, 3))
        assert spending.rows == []
    reply.close()
    assert spending.costs == [("0.000504", False)]


@virtual
async def test_8_2_tokens_with_zero_cost_on_a_priced_model_are_an_alert():
    """And an error metric, which counts `suspicious`."""

    class Told(TokenBill):
        def meter(self):
            meter = super().meter()
            meter.price = lambda: Decimal(0)
            return meter

    spending = Spending()
    bench = spending.bench(ScriptedTransport(then=answer(body=ANSWER)))
    await collect(await bench.send(spending.call(bench, Told())))
    notice = spending.events.one(Notice, event="tokens_without_cost")
    assert (notice.level, dict(notice.fields)["tokens"]) == ("error", 510)
    assert spending.events.one(AttemptPaid).suspicious
    spending.events.clear()
    await collect(await bench.send(spending.call(bench)))
    assert not spending.events.of(Notice)


@virtual
async def test_8_3_a_row_keeps_what_its_cost_was_made_of():
    """Model, tokens by kind, unit prices, source and version, to the last digit."""
    spending = Spending()
    kinds = {"cache_read": Decimal("0.025"), "reasoning": Decimal(4)}
    spending.book.configure(
        Rules(), Prices({"fast": settings_price(Decimal("0.25"), Decimal(2), kinds)}), spending.book._calendar
    )
    report = b"U1000,100,400,0,0,60;"
    bench = spending.bench(ScriptedTransport([answer(body=report)]))
    await collect(await bench.send(spending.call(bench, user="ann", request_id="r-1")))
    (row,) = spending.rows
    assert row.cost == Decimal("0.00048")  # 600 x 0.25 + 400 x 0.025 + 40 x 2 + 60 x 4 per million
    assert row.usage == Usage(1000, 100, 400, 0, 0, 60)
    assert dict(row.prices) == {
        "input": "0.00000025", "output": "0.000002", "cache_read": "0.000000025", "reasoning": "0.000004",
    }  # fmt: skip
    assert (row.source, row.model, row.alias, row.upstream) == ("settings", "small", "fast", "api")
    assert (row.caller, row.user, row.request_id, row.status) == ("kitchen", "ann", "r-1", 200)
    assert re.fullmatch(r"[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}", row.id)


@virtual
async def test_8_3_rows_sort_by_time():
    """Ids rise, also within a millisecond."""
    spending = Spending()
    bench = spending.bench(ScriptedTransport(then=answer(body=ANSWER)))
    for _ in range(20):
        await collect(await bench.send(spending.call(bench)))
    ids = [row.id for row in spending.rows]
    assert ids == sorted(set(ids))


@virtual
async def test_8_3_a_model_without_a_price_is_refused_under_a_cap_free_or_at_a_price():
    """As `unknown_price` says; without any cap it passes, and is counted."""
    unknown = TokenBill(alias="", model="new")
    for price, cost in ((None, None), (FREE, "0"), (FAST, "0.00052")):
        spending = Spending(Rules(whole=caps(day="1")), unknown=price)
        bench = spending.bench(ScriptedTransport(then=answer(body=ANSWER)))
        if cost is None:
            with pytest.raises(PriceUnknown, match="new of api"):
                await bench.send(spending.call(bench, unknown))
        else:
            await collect(await bench.send(spending.call(bench, unknown)))
            assert spending.costs == [(cost, False)]
        assert spending.book.unpriced == {"api": 1}
    spending = Spending()
    bench = spending.bench(ScriptedTransport(then=answer(body=ANSWER)))
    await collect(await bench.send(spending.call(bench, unknown)))
    assert (spending.rows[0].source, spending.rows[0].usage) == ("free", Usage(500, 10))


@virtual
async def test_8_4_a_plain_call_has_a_price_and_counts_against_the_same_caps():
    """Per call, whatever its status; what never reached the upstream is free."""
    spending = Spending(Rules(callers={"kitchen": caller_caps(day="0.3")}))
    bill = PlainBill("api", Decimal("0.1"))
    bench = spending.bench(
        ScriptedTransport([answer(), fail(ConnectError()), answer(404), fail(UpstreamBroken())], then=answer()),
        {"retry": {"attempts": 1}},
    )
    results = []
    for _ in range(5):
        try:
            results.append((await bench.send(spending.call(bench, bill))).status)
        except Exception as error:
            results.append(type(error))
    assert results == [200, ConnectError, 404, UpstreamBroken, SpendCapReached]
    assert spending.costs == [("0.1", False), ("0.1", False), ("0.1", True)]
    assert {row.source for row in spending.rows} == {"fixed"}


@virtual
async def test_8_4_a_price_that_the_answer_tells_is_what_counts():
    """In a header or at a JSON pointer; where only the answer tells it, a cap that is spent refuses the next call."""
    spending = Spending(Rules(whole=caps(day="0.05")))
    told = PlainBill("api", Decimal(0), "X-Cost")
    deep = PlainBill("api", Decimal("0.01"), None, "/cost")
    transport = ScriptedTransport(
        [
            answer(headers=[(b"x-cost", b"0.02")]),
            answer(body=b'{"cost": 0.0001}'),
            answer(headers=[(b"x-cost", b"0.0299")]),
        ],
        then=answer(),
    )
    bench = spending.bench(transport)
    for bill in (told, deep, told):
        await collect(await bench.send(spending.call(bench, bill)))
    assert spending.costs == [("0.02", False), ("0.0001", False), ("0.0299", False)]
    assert {row.source for row in spending.rows} == {"response"}
    with pytest.raises(SpendCapReached):
        await bench.send(spending.call(bench, told))


@pytest.mark.parametrize(
    ("rules", "cap"),
    [
        (Rules(whole=caps(day=TEN)), "gateway day"),
        (Rules(whole=caps(month=TEN)), "gateway month"),
        (Rules(callers={"kitchen": caller_caps(day=TEN)}), "caller day"),
        (Rules(callers={"kitchen": caller_caps(month=TEN)}), "caller month"),
        (Rules(callers={"kitchen": caller_caps(total=TEN)}), "caller total"),
        (Rules(callers={"kitchen": caller_caps(user=caps(day=TEN))}), "user day"),
        (Rules(models={"fast": caps(day=TEN)}), "model day"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@virtual
async def test_8_5_caps_stand_per_user_caller_model_and_whole_by_day_month_and_total(rules, cap):
    """Each is kept by itself; who is not meant goes on."""
    spending = Spending(rules)
    bench = spending.bench(ScriptedTransport(then=answer(body=reported(1000, 100))))
    for _ in range(10):
        await collect(await bench.send(spending.call(bench, user="ann")))
    with pytest.raises(SpendCapReached) as caught:
        await bench.send(spending.call(bench, user="ann"))
    assert caught.value.cap == cap
    assert (b"x-seawall-left-cap", cap.encode()) in problem_of(caught.value).headers
    other = {
        "caller": spending.call(bench, caller="other"), "user": spending.call(bench, user="bob"),
        "model": spending.call(bench, TokenBill(alias="smart")),
    }.get(cap.split()[0])  # fmt: skip
    if other is not None:
        spending.book.configure(rules, Prices({"fast": FAST, "smart": FAST}), spending.book._calendar)
        await collect(await bench.send(other))


@virtual
async def test_8_5_a_cap_for_one_call_refuses_what_may_cost_more():
    """Whatever was spent before."""
    spending = Spending(Rules(callers={"kitchen": caller_caps(call="0.0012")}))
    bench = spending.bench(ScriptedTransport(then=answer(body=ANSWER)))
    await collect(await bench.send(spending.call(bench)))
    with pytest.raises(SpendCapReached) as caught:
        await bench.send(spending.call(bench, TokenBill(output_bound=101)))
    assert (caught.value.cap, caught.value.status_hint) == ("caller call", 429)


@pytest.mark.parametrize(
    ("cap", "status", "again"),
    [("day", 429, "day"), ("month", 429, "month"), ("total", 402, None)],
)
@virtual
async def test_8_5_a_cap_that_is_spent_says_when_to_come_again_and_not_before(cap, status, again):
    """429 and Retry-After to the reset, `x-should-retry: false`; prepaid and spent is 402."""
    spending = Spending(Rules(callers={"kitchen": caller_caps(**{cap: "0.0012"})}), timezone="Europe/Berlin")
    bench = spending.bench(ScriptedTransport(then=answer(body=reported(1000, 100))))
    await collect(await bench.send(spending.call(bench)))
    with pytest.raises(SpendCapReached) as caught:
        await bench.send(spending.call(bench))
    headers = dict(problem_of(caught.value).headers)
    assert caught.value.status_hint == status
    assert headers[b"x-should-retry"] == b"false"
    today = spending.book.today
    ends = {"day": today.ends, "month": today.month_ends, None: None}[again]
    if ends is None:
        assert b"retry-after" not in headers
        return
    left = ends - spending.clock.wall()
    assert left <= int(headers[b"retry-after"]) < left + 1
    await asyncio.sleep(left)
    await collect(await bench.send(spending.call(bench)))


@virtual
async def test_8_5_a_cap_that_is_only_held_may_be_asked_again_in_a_second():
    """429, Retry-After 1, and no word against trying again."""
    spending = Spending(Rules(callers={"kitchen": caller_caps(day="0.0012")}))
    bench = spending.bench(ScriptedTransport([answer(body=ANSWER, after=5)], then=answer(body=ANSWER)))
    first = bench.start(spending.call(bench))
    await asyncio.sleep(1)
    with pytest.raises(SpendCapReached) as caught:
        await bench.send(spending.call(bench, TokenBill(input_bound=10)))
    headers = dict(problem_of(caught.value).headers)
    assert headers[b"retry-after"] == b"1"
    assert b"x-should-retry" not in headers
    await collect(await first)
    await collect(await bench.send(spending.call(bench, TokenBill(input_bound=10))))


@virtual
async def test_8_5_counters_are_rebuilt_from_the_ledger_at_start():
    """A restart forgets no cent of today, this month or ever; a rebuilding that comes late counts nothing twice."""
    rules = Rules(
        whole=caps(day="1", month="1"), models={"fast": caps(day="1")},
        callers={"kitchen": caller_caps(total="1", user=caps(day="1"))},
    )  # fmt: skip
    before = Spending(rules)
    bench = before.bench(ScriptedTransport(then=answer(body=ANSWER)))
    await collect(await bench.send(before.call(bench, user="ann")))
    await asyncio.sleep(86400)
    await collect(await bench.send(before.call(bench, user="ann")))
    await asyncio.sleep(60)

    started = before.clock.wall()
    after = Spending(rules, ledger=before.ledger)
    again = after.bench(ScriptedTransport(then=answer(body=ANSWER)))
    await collect(await again.send(after.call(again, user="ann")))  # before the database was there
    await rebuild(after.book, after.counters, after.ledger, started)
    for key, spent in {
        ("gateway", "", ""): (2, 3, 3), ("caller", "kitchen", ""): (2, 3, 3), ("user", "kitchen", "ann"): (2, 3, 3),
        ("model", "fast", ""): (2, 3, 3),
    }.items():  # fmt: skip
        account = after.counters._accounts[key]
        assert (account.day_spent, account.month_spent, account.total) == tuple(520_000_000 * count for count in spent)


@virtual
async def test_8_5_warnings_come_once_at_each_step():
    """At 50, 80 and 100 % of each cap, the highest step that one settlement passed; end users are not named."""
    rules = Rules(
        whole=caps(day="0.012"), callers={"kitchen": caller_caps(user=caps(day="0.0024"))}, alert_at=(0.5, 0.8, 1.0)
    )
    spending = Spending(rules)
    bench = spending.bench(ScriptedTransport(then=answer(body=reported(1000, 100))))
    for number in range(10):
        await collect(await bench.send(spending.call(bench, user=f"u{number // 2}")))
    whole = [(event.share, event.spent) for event in spending.events.of(CapUsed, scope="gateway")]
    assert whole == [(0.5, Decimal("0.006")), (0.8, Decimal("0.0096")), (1.0, Decimal("0.012"))]
    users = spending.events.of(CapUsed, scope="user")
    assert [event.share for event in users] == [0.5, 1.0] * 5
    assert {event.name for event in users} == {"kitchen"}


@virtual
async def test_8_5_cheaper_knows_the_share_that_is_used_before_a_cap_is_reached():
    """The fullest of the caps that apply, with what is held."""
    spending = Spending(Rules(whole=caps(day="1.2"), callers={"kitchen": caller_caps(day="0.012", total="0.12")}))
    bench = spending.bench(ScriptedTransport([answer(body=reported(1000, 100)), answer(body=ANSWER, after=5)]))
    assert spending.book.share_used("kitchen", "", "fast") == 0
    await collect(await bench.send(spending.call(bench)))
    task = bench.start(spending.call(bench))
    await asyncio.sleep(1)
    assert spending.book.share_used("kitchen", "", "fast") == 0.2
    assert spending.book.share_used("", "", "fast") == 0.002
    await collect(await task)


@virtual
async def test_8_5_the_answer_carries_its_cost_and_what_is_left():
    """Whole ones exactly; a streamed one what was left before it."""
    spending = Spending(Rules(whole=caps(day="1"), callers={"kitchen": caller_caps(day="0.5", month="0.4")}))
    bench = spending.bench(ScriptedTransport([answer(body=ANSWER), stream(b"t", reported(500, 1))]))
    reply = await bench.send(spending.call(bench))
    assert dict(reply.marks) == {
        b"x-seawall-cost": b"0.00052", b"x-seawall-left": b"0.39948", b"x-seawall-left-cap": b"caller month",
    }  # fmt: skip
    streamed = await bench.send(spending.call(bench))
    assert dict(streamed.marks) == {b"x-seawall-left": b"0.39948", b"x-seawall-left-cap": b"caller month"}
    await collect(streamed)


@virtual
async def test_8_6_a_call_without_a_bill_spends_nothing():
    """Health checks and calls of upstreams without a price pass the stage by."""
    spending = Spending(Rules(whole=caps(day="0")))
    bench = spending.bench(ScriptedTransport([answer()]))
    reply = await bench.send(bench.call())
    assert (reply.status, reply.marks, spending.rows, len(spending.counters)) == (200, None, [], 0)


class Wired:
    """A ledger whose rows go through a spool, as a database writer's do."""

    def __init__(self, spool):
        self.spool = spool
        self.memory = MemoryLedger()
        self.rows = []

    def write(self, row):
        """Spool it."""
        self.rows.append(row)
        self.spool.write(row)

    async def spent(self, by, *, since=None, until=None):
        """Drain, then read."""
        batch = self.spool.batch(1000)
        for row in batch:
            self.memory.write(row)
        self.spool.done(len(batch))
        return await self.memory.spent(by, since=since, until=until)


async def test_8_7_a_dead_processs_reservations_are_settled_as_estimated_within_a_minute(tmp_path):
    """At all that was held, by the next process at its start or by one beside it; its settled rows are drained once."""
    assert EVERY < 60
    path, loop = str(tmp_path / "spool"), asyncio.get_running_loop()
    rules = Rules(callers={"kitchen": caller_caps(day="1")})
    spool = await loop.run_in_executor(None, Spool, path)
    dead = Spending(rules, marks=spool, ledger=Wired(spool))
    transport = ScriptedTransport([answer(body=ANSWER), hang(), hang(), fail(ConnectError())])
    bench = dead.bench(transport, {"retry": {"attempts": 1}})
    await collect(await bench.send(dead.call(bench)))
    tasks = [bench.start(dead.call(bench)) for _ in range(2)]
    while len(transport.seen) < 3:
        await asyncio.sleep(0)
    with pytest.raises(ConnectError):
        await bench.send(dead.call(bench))
    left = (tmp_path / "spool").read_bytes()  # as kill -9 leaves it
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

    (tmp_path / "live").write_bytes(left)
    own = await loop.run_in_executor(None, Spool, str(tmp_path / "live"))
    live = Spending(rules, marks=own, ledger=Wired(own))
    undertaker = Undertaker(own, live.book, every=0.01)
    await undertaker.start()
    buried = [(row.cost, row.estimated, row.source) for row in live.ledger.rows]
    assert buried == [(Decimal("0.0012"), True, "reserved")] * 2
    (spent,) = await live.ledger.spent(["caller"])
    assert (spent.calls, spent.cost, spent.estimated) == (3, Decimal("0.00292"), Decimal("0.0024"))
    assert live.book.share_used("kitchen", "", "") == pytest.approx(0.0024)

    (tmp_path / "live.3").write_bytes(left)  # one beside it dies later
    while len(live.ledger.rows) < 4 or (tmp_path / "live.3").exists():
        await asyncio.sleep(0)
    assert len(own) == 3
    await undertaker.close()


@virtual
async def test_8_7_unit_prices_are_bound_at_load_and_only_settling_asks_the_library():
    """No look-up on the way of a call; the date decides when it is settled."""
    asked = []

    class Dear:
        def find(self, api, url, model):
            asked.append(model)
            return FAST

    spending = Spending()
    prices = Prices({}, {"api": ("openai", "")}, Dear())
    assert prices.load([("api", "small")]) == []
    spending.book.configure(Rules(), prices, spending.book._calendar)
    bench = spending.bench(ScriptedTransport(then=answer(body=ANSWER)))
    for _ in range(3):
        await collect(await bench.send(spending.call(bench)))
    assert asked == ["small"]
    assert isinstance(spending.counters, Counters)


@virtual
async def test_8_1_the_leader_of_a_flight_pays():
    """Of calls that wait for one answer only the first is told a cost, and what is kept costs nothing again."""
    spending = Spending()
    headers = [(b"cache-control", b"max-age=60")]
    transport = ScriptedTransport([answer(body=ANSWER, headers=headers, after=1)])
    bench = spending.bench(transport, {"cache": {}})
    calls = [spending.call(bench, caller="") for _ in range(3)]
    replies = await asyncio.gather(*(bench.send(call) for call in calls))
    kept = spending.call(bench, caller="")
    replies.append(await bench.send(kept))
    for reply in replies:
        await collect(reply)
    assert len(spending.rows) == 1
    assert [b"x-seawall-cost" in dict(reply.marks or ()) for reply in replies] == [True, False, False, False]
    assert [call.run.paid() for call in (*calls, kept)] == [(510, Decimal("0.00052")), *[(None, None)] * 3]
