"""Estimates of the input of cut calls: learned from exact ones, never above what was held, closer than the bytes."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.contracts.errors import UpstreamTimeout
from seawall.contracts.usage import Usage
from seawall.spend.learned import FEWEST, LEAST, Learned
from seawall.testing import ScriptedTransport, answer, fail, virtual
from spending import Spending, TokenBill, reported

WHO = ("kitchen", "openai", "gpt-5-mini")


def taught(*shares: float, bound: int = 1000, times: int = FEWEST) -> Learned:
    """Return what calls with these shares of a bound have told, each so many times."""
    learned = Learned()
    for share in shares:
        for _ in range(times):
            learned.learn(WHO, bound, Usage(input=int(share * bound)))
    return learned


def test_nothing_is_known_of_few_calls_of_another_caller_or_of_what_has_no_bound():
    """Then all the bytes count."""
    assert taught(0.4, times=FEWEST - 1).input(WHO, 500) is None
    assert taught(0.4).input(("lab", *WHO[1:]), 500) is None
    assert taught(0.4).input(WHO, None) is None
    assert taught(0.4).input(WHO, 500) == 200
    learned = Learned()
    for _ in range(FEWEST):
        learned.learn(WHO, None, Usage(5))
        learned.learn(WHO, 1000, Usage(0, 5))
    assert learned.input(WHO, 500) is None


def test_the_dearest_of_the_latest_calls_counts_and_is_forgotten_in_time():
    """One dense call among cheap ones is what the next cut one may have been; a hundred calls later no more."""
    learned = taught(0.3)
    learned.learn(WHO, 1000, Usage(700))
    for _ in range(31):
        learned.learn(WHO, 1000, Usage(300))
    assert learned.input(WHO, 1000) == 700
    for _ in range(64):
        learned.learn(WHO, 1000, Usage(300))
    assert learned.input(WHO, 1000) == 300


def test_cheap_text_teaches_no_less_than_a_quarter():
    """Else a caller could send blanks for a while, and then dense text that it cuts."""
    assert taught(0.01).input(WHO, 1000) == LEAST * 1000


@pytest.mark.parametrize(
    ("usage", "found"),
    [(Usage(400, cache_read=300), 400), (Usage(400, cache_write=200), 600), (Usage(400, audio_input=1), None)],
)
def test_kinds_of_input_count_by_what_they_cost(usage: Usage, found: int | None):
    """Written to a cache up to twice, read from it as plain; after sound only the bound is safe."""
    learned = Learned()
    for _ in range(FEWEST):
        learned.learn(WHO, 1000, usage)
    assert learned.input(WHO, 1000) == found


def test_callers_and_models_are_bounded():
    """The longest unused is forgotten first."""
    learned = taught(0.4)
    for number in range(2000):
        learned.learn((str(number), "", ""), 10, Usage(5))
    assert len(learned._known) == 1024
    assert learned.input(WHO, 1000) is None


@given(st.lists(st.tuples(st.integers(1, 5000), st.integers(0, 6000)), max_size=80), st.integers(1, 5000))
def test_no_estimate_is_above_the_bound(calls: list[tuple[int, int]], bound: int):
    """Whatever providers reported."""
    learned = Learned()
    for size, tokens in calls:
        learned.learn(WHO, size, Usage(tokens))
    assert (learned.input(WHO, bound) or 0) <= bound


@virtual
async def test_a_cut_call_costs_what_calls_like_it_did():
    """The first ones all their bytes; after eight exact ones of this caller its share, another caller's all of them."""
    spending = Spending()
    steps = [fail(UpstreamTimeout("first_byte")), *[answer(body=reported(400, 0))] * FEWEST]
    bench = spending.bench(ScriptedTransport(steps, then=fail(UpstreamTimeout("first_byte"))))
    for caller in ("kitchen",) * (FEWEST + 2) + ("lab",):
        try:
            await bench.send(spending.call(bench, caller=caller))
        except UpstreamTimeout:
            continue
    assert spending.costs == [("0.001", True), *[("0.0004", False)] * FEWEST, ("0.0004", True), ("0.001", True)]


@virtual
async def test_where_the_provider_runs_tools_the_whole_bound_counts():
    """Each use asks the model again with more than the request has."""
    spending = Spending()
    steps = [answer(body=reported(400, 0))] * FEWEST
    bench = spending.bench(ScriptedTransport(steps, then=fail(UpstreamTimeout("first_byte"))))
    for number in range(FEWEST + 1):
        bill = TokenBill(tools_bound=int(number == FEWEST))
        try:
            await bench.send(spending.call(bench, bill))
        except UpstreamTimeout:
            continue
    assert spending.rows[-1].cost == Decimal("0.001")
