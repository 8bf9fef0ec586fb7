"""What Finagle tests of its retry budget: RetryBudgetTest, cases only.

Its ttl is our ten seconds, its minimum our floor.
"""

import pytest

from seawall.contracts.budget import SPAN, RetryBudget
from seawall.policies.retry import RetrySettings


def retried(share: float, floor: int, calls: int = 10_000) -> int:
    """Return how many of so many calls in one moment are tried again where all ask for it."""
    budget = RetryBudget()
    count = 0
    for _ in range(calls):
        budget.add(5.0, share)
        count += budget.take(5.0, floor)
    return count


def test_empty():
    """No share and no floor: never.

    Origin: Empty, apply minRetriesPerSec=0 maxPercentOver=0 should be empty.
    """
    budget = RetryBudget()
    assert not budget.take(0.0, 0)
    budget.add(0.0, 0.0)
    assert (budget.take(0.0, 0), budget.left(0.0, 0)) == (False, 0)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.25, 0.75, 0.99, 0.999, 0.9999, 0.01, 0.001, 0.0001])
def test_a_share_alone(share: float):
    """Every tenth, second, fourth, three of four, and the extremes.

    Origin: apply minRetriesPerSec=0.
    """
    assert retried(share, 0) == pytest.approx(10_000 * share, abs=1)


def test_more_than_one_retry_for_each_call():
    """The books can do it; settings stop at 100 %, since more is a storm.

    Origin: apply minRetries=0 maxPercentOver greater than 1.0.
    """
    budget = RetryBudget()
    for _ in range(10_000):
        budget.add(5.0, 2.0)
    assert budget.left(5.0, 0) == 20_000
    with pytest.raises(ValueError, match="share"):
        RetrySettings.model_validate({"budget": "200%"})


@pytest.mark.parametrize(("share", "floor"), [(0.0, 10), (0.0, 5), (0.1, 10), (0.5, 10)])
def test_a_floor_and_a_share(share: float, floor: int):
    """Both add up.

    Origin: apply with minRetries and maxPercentOver=0, apply with minRetries and maxPercentOver.
    """
    assert retried(share, floor) == pytest.approx(10_000 * share + floor, abs=1)


@pytest.mark.parametrize("settings", [{"budget": "-1%"}, {"budget": -1.0}, {"floor": -1}])
def test_bounds_check(settings: dict[str, object]):
    """Negative ones are refused.

    Origin: apply minRetriesPerSec bounds check, apply maxPercentOver bounds.
    """
    with pytest.raises(ValueError, match=r"share|greater than or equal to 0"):
        RetrySettings.model_validate(settings)


def test_deposits_expire():
    """What was added is forgotten after the span, spent or not.

    Origin: TokenBucketTest, newLeakyBucket expires tokens after ttl.
    """
    budget = RetryBudget()
    for _ in range(100):
        budget.add(0.0, 0.2)
    assert budget.left(SPAN - 1.0, 0) == pytest.approx(20)
    assert budget.left(SPAN + 1.0, 0) == 0
