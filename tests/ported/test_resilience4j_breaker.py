"""What resilience4j tests of its circuit breaker: CircuitBreakerStateMachineTest, cases only, against our core.

Where we differ on purpose the docstring says so; semantics 3 is the reason.
"""

import pytest

from seawall.policies.breaker import BreakerSettings
from seawall.policies.breaker.core import REFUSED, Breaker
from seawall.policies.breaker.table import State

USUAL = {"min_calls": 5, "window": 5.0, "open": 5.0, "open_max": 60.0, "probes": 4, "slow_after": 4.0, "slow_rate": 0.5}
LIMIT = 30.0


class Mock:
    """A breaker with the settings of the original's `setUp`, and its clock."""

    def __init__(self, **changes: object) -> None:
        self.now = 0.0
        self.core = Breaker(BreakerSettings.model_validate({**USUAL, **changes}), lambda least, _most: least, 0.0)

    def permit(self) -> int:
        """Ask for a permit."""
        return self.core.permit(self.now, LIMIT)

    def call(self, failed: bool = False, seconds: float = 0.0) -> None:
        """Make a call that takes no time on the clock."""
        permit = self.permit()
        assert permit != REFUSED
        self.core.ended(permit, self.now, failed, seconds > 4.0)

    def half_open(self) -> None:
        """Let it open, and the open time pass; the first probe's permit is given back."""
        self.trip()
        self.now += 5.0
        self.core.give_back(self.permit())
        assert self.core.state is State.HALF_OPEN

    def trip(self) -> None:
        """Let it open by failures."""
        for _ in range(5):
            self.call(failed=True)
        assert self.core.state is State.OPEN


def test_should_open_after_failure_rate_threshold_exceeded():
    """Three failures, two successes; the fifth call, a good one, opens it.

    Origin: shouldOpenAfterFailureRateThresholdExceeded.
    """
    mock = Mock()
    for failed in (True, True, True, False):
        mock.call(failed)
        assert mock.core.state is State.CLOSED
    mock.call(False)
    assert mock.core.state is State.OPEN
    assert mock.permit() == REFUSED


def test_should_open_after_slow_call_rate_threshold_exceeded():
    """shouldOpenAfterSlowCallRateThresholdExceeded: three slow of five, failures among them below their own rate."""
    mock = Mock(failure_rate=0.9)
    for failed, seconds in ((True, 5.0), (False, 5.0), (True, 0.1), (False, 0.1)):
        mock.call(failed, seconds)
        assert mock.core.state is State.CLOSED
    mock.call(False, 5.0)
    assert mock.core.state is State.OPEN
    assert mock.core.changes[-1].reason.value == "slow rate reached"


def test_should_transition_to_half_open_after_wait_duration():
    """shouldTransitionToHalfOpenAfterWaitDuration: three of five seconds are too early, six are not."""
    mock = Mock()
    mock.trip()
    mock.now += 3
    assert mock.permit() == REFUSED
    mock.now += 3
    assert mock.permit() != REFUSED
    assert mock.core.state is State.HALF_OPEN


def test_should_transition_to_half_open_after_wait_interval():
    """shouldTransitionToHalfOpenAfterWaitInterval: the next open time is twice as long."""
    mock = Mock()
    mock.half_open()
    mock.call(failed=True)
    mock.now += 6
    assert mock.permit() == REFUSED
    mock.now += 5
    assert mock.permit() != REFUSED


def test_should_only_permit_four_calls_in_half_open_state():
    """shouldOnlyPermitFourCallsInHalfOpenState: four and no fifth; after opening again four anew."""
    mock = Mock()
    mock.half_open()
    permits = [mock.permit() for _ in range(4)]
    assert REFUSED not in permits
    assert [mock.permit(), mock.permit()] == [REFUSED, REFUSED]
    mock.core.ended(permits[0], mock.now, True, False)
    mock.now += 10
    assert REFUSED not in [mock.permit() for _ in range(4)]
    assert mock.permit() == REFUSED


def test_should_increase_counter_on_release_permission():
    """shouldIncreaseCounterOnReleasePermission: a permit given back may be taken again."""
    mock = Mock()
    mock.half_open()
    permits = [mock.permit() for _ in range(4)]
    assert mock.permit() == REFUSED
    mock.core.give_back(permits[1])
    assert mock.permit() != REFUSED


def test_should_transition_back_to_open_state_on_a_failure():
    """shouldTransitionBackToOpenStateWhenFailureRateIsAboveThreshold: ours opens at the first bad probe, not at a rate.

    What a probe shows of an upstream that was down is shown by one (semantics 3.1); the other probes' outcomes then
    belong to an older generation.
    """
    mock = Mock()
    mock.half_open()
    permits = [mock.permit() for _ in range(4)]
    mock.core.ended(permits[0], mock.now, True, False)
    assert mock.core.state is State.OPEN
    for late in permits[1:]:
        mock.core.ended(late, mock.now, False, False)
    assert mock.core.state is State.OPEN


def test_should_transition_back_to_open_state_when_slow():
    """shouldTransitionBackToOpenStateWhenSlowCallRateIsAboveThreshold: a slow probe is a bad one."""
    mock = Mock()
    mock.half_open()
    mock.call(seconds=5.0)
    assert mock.core.state is State.OPEN


def test_should_transition_back_to_closed_state():
    """shouldTransitionBackToClosedStateWhenFailureIsBelowThreshold: all four good; the window begins anew."""
    mock = Mock()
    mock.half_open()
    for _ in range(4):
        assert mock.core.state is State.HALF_OPEN
        mock.call()
    assert mock.core.state is State.CLOSED
    assert mock.core.status(mock.now).calls == 0
    mock.call()
    assert mock.core.status(mock.now)[1:3] == (1, 0)


def test_should_release_permission_when_exception_ignored():
    """Four say nothing.

    Origin: shouldReleasePermissionWhenExceptionIgnored, shouldIgnoreExceptionsAndThenTransitionToClosed.
    """
    mock = Mock()
    mock.half_open()
    for _ in range(4):
        mock.core.give_back(mock.permit())
        assert mock.core.state is State.HALF_OPEN
    for _ in range(4):
        mock.call()
    assert mock.core.state is State.CLOSED


def test_should_force_open_circuit_breaker():
    """shouldForceOpenCircuitBreaker: no open time ends it."""
    mock = Mock()
    mock.core.force("open", mock.now)
    assert mock.permit() == REFUSED
    mock.now += 6000
    assert (mock.permit(), mock.core.state) == (REFUSED, State.FORCED_OPEN)


def test_should_force_close_circuit_breaker():
    """shouldForceCloseCircuitBreaker: failures are counted and change nothing."""
    mock = Mock()
    mock.core.force("closed", mock.now)
    for failed in (False, True, True, True, True, True, True):
        mock.call(failed)
    assert mock.core.state is State.FORCED_CLOSED
    assert mock.core.status(mock.now)[1:3] == (7, 6)


@pytest.mark.parametrize("begin", ["closed", "open", "half_open"])
def test_should_reset_to_closed_state(begin: str):
    """shouldResetToClosedState, shouldResetClosedState: held closed and let go is our reset; counts begin anew."""
    mock = Mock()
    {"closed": lambda: mock.call(True), "open": mock.trip, "half_open": mock.half_open}[begin]()
    mock.core.force("closed", mock.now)
    mock.core.force(None, mock.now)
    assert mock.core.state is State.CLOSED
    assert mock.core.status(mock.now).calls == 0


def test_should_not_allow_transition_from_closed_to_half_open():
    """Nothing leads there; letting go of nothing is none.

    Origin: shouldNotAllowTransitionFromClosedToHalfOpen, …ClosedToClosed.
    """
    mock = Mock()
    mock.core.force(None, mock.now)
    assert (mock.core.state, mock.core.changes) == (State.CLOSED, [])


def test_a_late_outcome_of_a_call_begun_while_closed_closes_nothing():
    """Issue 1432 there: calls that began before it opened end in half-open; they are no probes."""
    mock = Mock()
    before = mock.permit()
    mock.half_open()
    for _ in range(4):
        mock.core.ended(before, mock.now, False, False)
    assert mock.core.state is State.HALF_OPEN
