"""Percentiles of recent answers, and hedge's settings."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.contracts.budget import SPAN, RetryBudget
from seawall.policies.hedge import SPEC, HedgeSettings
from seawall.policies.hedge.core import EVERY, FEWEST, KEPT, Recent, good
from seawall.policies.hedge.race import Race


def test_too_few_answers_give_no_percentile():
    """Fifty are needed."""
    recent = Recent()
    for _ in range(FEWEST - 1):
        recent.add(0.1)
        assert recent.quantile(0.95) is None
    recent.add(0.1)
    assert recent.quantile(0.95) == 0.1


@given(st.lists(st.floats(0.001, 10), min_size=FEWEST, max_size=300), st.sampled_from([0.5, 0.9, 0.95, 0.999]))
def test_the_percentile_is_the_one_of_a_sorted_list(answers, share):
    """Within what came since it was last sorted."""
    recent = Recent()
    for answer in answers:
        recent.add(answer)
    expected = sorted(answers)[min(len(answers) - 1, int(share * len(answers)))]
    assert recent.quantile(share) == max(0.001, expected)


def test_old_answers_are_forgotten():
    """A thousand are kept."""
    recent = Recent()
    for _ in range(KEPT):
        recent.add(9.0)
    for _ in range(KEPT):
        recent.add(0.1)
    assert recent.quantile(0.95) == 0.1


def test_sorted_once_in_a_while():
    """Between two sortings the percentile stays; another share is sorted at once."""
    recent = Recent()
    for _ in range(FEWEST):
        recent.add(0.1)
    assert recent.quantile(0.95) == 0.1
    for _ in range(EVERY - 1):
        recent.add(9.0)
    assert recent.quantile(0.95) == 0.1
    assert recent.quantile(0.9) == 9.0
    recent = Recent()
    for _ in range(FEWEST):
        recent.add(0.0001)
    assert recent.quantile(0.5) == 0.001


@pytest.mark.parametrize(("status", "wins"), [(200, True), (304, True), (404, True), (429, False), (500, False)])
def test_a_good_answer(status, wins):
    """What says neither "not now" nor "I failed"."""
    assert good(status) is wins


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({}, "at most 1 more after the p95 of recent answers, for idempotent calls, within the retry budget"),
        ("200ms", "at most 1 more after 200ms, for idempotent calls, within the retry budget"),
        (
            {"after": "p99.5", "max": 2},
            "at most 2 more after the p99.5 of recent answers, for idempotent calls, within the retry budget",
        ),
    ],
)
def test_explain_says_the_values_in_force(settings, words):
    """One line, in the words of the settings."""
    assert SPEC.explain(HedgeSettings.model_validate(settings)) == words


def test_settings_as_text_again():
    """What was read is written the same way."""
    assert HedgeSettings.model_validate({"after": "0.25s"}).model_dump(mode="json") == {"after": "250ms", "max": 1}
    assert HedgeSettings.model_validate("p90").model_dump(mode="json") == {"after": "p90", "max": 1}


def test_a_race_needs_a_running_task():
    """A callback cannot be cancelled."""
    loop = asyncio.new_event_loop()
    failed = []

    def callback():
        try:
            Race(None, None, None, 0.1)
        except RuntimeError as error:
            failed.append(str(error))
        loop.stop()

    loop.call_soon(callback)
    loop.run_forever()
    loop.close()
    assert failed == ["a hedge needs a running task"]


@given(st.lists(st.tuples(st.floats(0, 4), st.booleans()), max_size=200))
def test_the_budget_holds_over_any_schedule(schedule):
    """In any ten seconds at most a share of the calls plus the floor, give or take one slot of a second."""
    budget, now, calls, taken = RetryBudget(), 100.0, [], []
    for gap, wants in schedule:
        now += gap
        budget.add(now, 0.2)
        calls.append(now)
        if wants and budget.take(now, 3):
            taken.append(now)
            recent = [at for at in taken if now - at < SPAN - 1]
            assert len(recent) <= 3 + 0.2 * len([at for at in calls if now - at <= 2 * SPAN]) + 1e-6
    assert budget.left(now + 100, 3) == 3
