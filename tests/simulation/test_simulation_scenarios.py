"""Outage, brown-out, storm and recovery at a tenth of their size: what each policy is there for shows."""

from functools import cache

import pytest
from bench.simulate.scenarios import SCENARIOS, VARIANTS, Outcome, measured, run

pytestmark = pytest.mark.pure("its clients share a wheel derived from ours")

NAMES = {one.name: one for one in SCENARIOS}
POLICIES = {one.name: one for one in VARIANTS}


@cache
def outcome(scenario: str, variant: str) -> Outcome:
    """Run one cell of a table, once."""
    upstream, world = run(NAMES[scenario], POLICIES[variant], scale=0.1)
    return measured(NAMES[scenario], upstream, world)


def test_a_storm_outlives_its_cause_without_policies_and_with_retries_alone():
    """The load fits twice, yet the clients' own retries keep the upstream down to the end of the run."""
    for variant in ("none", "retry"):
        assert outcome("retry storm", variant).recovery == float("inf")
        assert outcome("retry storm", variant).amplification > 2


def test_a_storm_ends_with_the_breaker_or_with_adaptive_concurrency():
    """Refusing costs nothing, so the circle breaks."""
    for variant in ("breaker", "concurrency", "all"):
        assert outcome("retry storm", variant).recovery <= 15


def test_an_outage_is_asked_a_fifth_more_by_retries_and_far_less_with_a_breaker():
    """The budget bounds what retries add; the breaker stops asking."""
    assert outcome("outage", "none").amplification == pytest.approx(1.0, abs=0.05)
    assert 1.1 < outcome("outage", "retry").amplification <= 1.25
    assert outcome("outage", "breaker").amplification < 0.5
    assert outcome("outage", "all").amplification < 0.6


def test_another_target_answers_through_an_outage():
    """Nothing else does."""
    assert outcome("outage", "fallback").success > 0.99
    assert outcome("outage", "all, and a spare").success > 0.99
    assert outcome("outage", "all").success < 0.05


def test_a_brown_out_under_adaptive_concurrency_leaves_nothing_to_work_off():
    """Without a limit the upstream works for callers that have gone, long after it is well."""
    assert outcome("brown-out", "concurrency").success > outcome("brown-out", "none").success
    assert outcome("brown-out", "concurrency").recovery < outcome("brown-out", "none").recovery


@pytest.mark.parametrize("name", ["outage", "brown-out"])
def test_the_same_seed_is_the_same_run(name: str):
    """Every figure of the docs can be had again."""
    scenario, variant = NAMES[name], POLICIES["all, long queues"]
    runs = [measured(scenario, *run(scenario, variant, scale=0.05, seed=5)) for _ in range(2)]
    assert runs[0] == runs[1]
    assert measured(scenario, *run(scenario, variant, scale=0.05, seed=6)) != runs[0]
