"""The bucket against a model that counts tokens."""

from math import inf

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from seawall.callers.tokens import Tokens
from seawall.contracts.units import Rate
from seawall.policies.ratelimit.core import Bucket


class BucketMachine(RuleBasedStateMachine):
    """A token bucket that is filled a little at a time, beside ours."""

    def __init__(self):
        super().__init__()
        self.rate, self.burst = Rate(10, 5.0), 4
        self.bucket = Bucket(self.rate, self.burst)
        self.now = 1000.0
        self.tokens = 4.0

    def pass_time(self, seconds):
        """Fill the model."""
        self.now += seconds
        self.tokens = min(self.burst, self.tokens + seconds * self.rate.calls / self.rate.per)

    @rule(seconds=st.sampled_from([0.0, 0.125, 0.5, 0.75, 3.0]))
    def wait(self, seconds):
        """Time passes."""
        self.pass_time(seconds)

    @rule()
    def take(self):
        """One unit, if the model has one."""
        assert self.bucket.take(self.now) == (self.tokens >= 1 - 1e-6)
        if self.tokens >= 1 - 1e-6:
            self.tokens -= 1

    @rule(cost=st.integers(1, 4))
    def check(self, cost):
        """Several, or none; and what is said about it is true."""
        verdict = self.bucket.check(cost, self.now)
        assert verdict.allowed == (self.tokens >= cost - 1e-6)
        if verdict.allowed:
            self.tokens -= cost
            assert verdict.retry_after == 0
        else:
            assert verdict.retry_after == pytest.approx((cost - self.tokens) * 0.5, abs=1e-6)
            assert verdict.reset >= verdict.retry_after

    @rule(cost=st.integers(1, 4), longest=st.sampled_from([0.0, 1.0, 9.0]))
    def reserve(self, cost, longest):
        """In the future too: the model goes into debt."""
        wait = max(0.0, (cost - self.tokens) * 0.5)
        if abs(wait - longest) < 1e-6:
            return
        found = self.bucket.reserve(cost, self.now, longest)
        assert (found is None) == (wait > longest)
        if found is not None:
            assert found.wait == pytest.approx(wait, abs=1e-6)
            self.tokens -= cost

    @rule(rate=st.sampled_from([Rate(10, 5.0), Rate(2, 1.0)]), burst=st.just(4))
    def reload_with_the_same_limit(self, rate, burst):
        """The same limit in other words changes nothing."""
        self.bucket.change(rate, burst, self.now)

    @invariant()
    def remaining_is_what_the_model_has(self):
        """Whole units, never below zero."""
        remaining = self.bucket.remaining(self.now)
        assert remaining in (max(0, int(self.tokens + 1e-6)), max(0, int(self.tokens - 1e-6)))


TestBucket = BucketMachine.TestCase
TestBucket.settings = settings(max_examples=80, stateful_step_count=40)


def test_a_cost_that_can_never_pass_is_told_so():
    """Above limit + burst there is no wait that helps."""
    bucket = Bucket(Rate(10, 1.0), 5)
    assert bucket.wait_for(16, 0.0) == inf
    assert bucket.reserve(16, 0.0, 1e9) is None
    verdict = bucket.check(16, 0.0)
    assert (verdict.allowed, verdict.retry_after) == (False, inf)


def test_a_cost_above_the_burst_waits_and_is_paid_off():
    """8 with a burst of 5: 3 more must have come before, and again after."""
    bucket = Bucket(Rate(10, 1.0), 5)
    assert bucket.take(0.0)
    found = bucket.reserve(8, 0.0, 9.0)
    assert found.wait == pytest.approx(0.4)
    assert bucket.wait_for(1, 0.4) == pytest.approx(0.4)


def test_change_keeps_the_units_in_use():
    """Half used is as many units used under the new limit (semantics 2.7)."""
    bucket = Bucket(Rate(10, 1.0), 10)
    bucket.charge(8, 0.0)
    bucket.change(Rate(10, 60.0), 9, 0.0)
    assert bucket.remaining(0.0) == 1
    bucket.change(Rate(10, 60.0), 4, 0.0)
    assert bucket.remaining(0.0) == 0
    assert bucket.wait_for(1, 0.0) == pytest.approx(30.0)


def test_an_estimate_above_limit_and_burst_never_passes():
    """Whether something is held or not."""
    limit = Tokens(Rate(10, 1.0), 5)
    assert limit.hold(16, 0.0).retry_after == inf
    assert limit.hold(1, 0.0).allowed
    assert limit.hold(16, 0.0).retry_after == inf


def test_holds_in_the_way_are_no_promise_of_time():
    """A hold that blocks is told as at least one interval."""
    limit = Tokens(Rate(10, 10.0), 10)
    assert limit.hold(10, 0.0).allowed
    verdict = limit.hold(1, 0.0)
    assert (verdict.allowed, verdict.remaining) == (False, 0)
    assert verdict.retry_after >= 1.0


def test_tokens_change_their_limit():
    """A reload keeps what is held."""
    limit = Tokens(Rate(10, 10.0), 10)
    assert limit.hold(10, 0.0).allowed
    limit.change(Rate(20, 10.0), 20, 0.0)
    assert limit.remaining(0.0) == 10
