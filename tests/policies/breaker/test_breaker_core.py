"""The breaker's books, window and table: decisions without a clock."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from seawall.policies.breaker.core import REFUSED, Breaker, Change
from seawall.policies.breaker.policy import explain
from seawall.policies.breaker.settings import BreakerSettings
from seawall.policies.breaker.table import TRANSITIONS, State, Trigger
from seawall.policies.breaker.window import BUCKETS, Window

SMALL = BreakerSettings(min_calls=4, window=10, open=5, open_max=20, probes=2, slow_after=1, slow_rate=0.5)


def _half_open(settings: BreakerSettings = SMALL) -> Breaker:
    breaker = Breaker(settings, min, 0.0)
    for _ in range(settings.min_calls):
        breaker.ended(breaker.permit(0.0, 30.0), 0.0, True, False)
    assert breaker.state is State.OPEN
    return breaker


@given(
    st.lists(st.tuples(st.floats(0, 4), st.booleans(), st.booleans()), max_size=60),
    st.floats(0.5, 20),
    st.floats(0, 40),
)
def test_window_holds_the_last_span_give_or_take_one_bucket(
    events: list[tuple[float, bool, bool]], span: float, rest: float
):
    """All of the last nine tenths are counted and nothing older than the whole."""
    window, now = Window(span, 100.0), 100.0
    happened: list[tuple[float, bool, bool]] = []
    for gap, failed, slow in events:
        now += gap
        window.add(now, failed, slow)
        happened.append((now, failed, slow))
    now += rest
    window.roll(now)
    slack = span * 1e-9
    least = [event for event in happened if event[0] > now - span * (1 - 1 / BUCKETS) + slack]
    most = [event for event in happened if event[0] > now - span - slack]
    assert len(least) <= window.calls <= len(most)
    assert sum(event[1] for event in least) <= window.failures <= sum(event[1] for event in most)
    assert sum(event[2] for event in least) <= window.slow <= sum(event[2] for event in most)


@pytest.mark.parametrize(("calls", "failures", "rate"), [(30, 3, 0.1), (10, 3, 0.3), (20, 14, 0.7), (100, 29, 0.29)])
def test_rate_is_reached_exactly(calls: int, failures: int, rate: float):
    """Shares that floats cannot hold trip at the very call that reaches them, and not one before."""
    breaker = Breaker(BreakerSettings(min_calls=calls, failure_rate=rate), min, 0.0)
    for number in range(calls - 1):
        breaker.ended(breaker.permit(0.0, 30.0), 0.0, number < failures, False)
    assert breaker.state is State.CLOSED
    breaker.ended(breaker.permit(0.0, 30.0), 0.0, False, False)
    assert breaker.state is State.OPEN


def test_permits_of_a_closed_time_are_worthless_after_it():
    """Outcomes and breaks with an old number change nothing, in any state."""
    breaker = Breaker(SMALL, min, 0.0)
    old = breaker.permit(0.0, 30.0)
    for _ in range(4):
        breaker.ended(old, 0.0, True, False)
    for now in (0.0, 5.0):
        before = breaker.status(now)
        breaker.ended(old, now, False, False)
        breaker.broke(old, now)
        breaker.give_back(old)
        assert breaker.status(now) == before


def test_probe_counts_once():
    """A probe whose outcome is told twice is one probe."""
    breaker = _half_open()
    probe = breaker.permit(5.0, 30.0)
    breaker.ended(probe, 5.0, False, False)
    breaker.ended(probe, 5.0, False, False)
    assert breaker.state is State.HALF_OPEN


def test_slow_probe_is_a_bad_one():
    """A target that answers probes slowly is not well."""
    breaker = _half_open()
    breaker.ended(breaker.permit(5.0, 30.0), 7.0, False, True)
    assert breaker.state is State.OPEN


def test_probe_stream_that_breaks_in_half_open_opens_again():
    """Good at its headers, broken before the other probe came back."""
    breaker = _half_open()
    probe = breaker.permit(5.0, 30.0)
    breaker.ended(probe, 5.0, False, False)
    breaker.broke(probe, 6.0)
    assert breaker.state is State.OPEN


def test_refused_while_all_probes_are_under_way():
    """Callers are told to come again in a second; a probe given back makes room."""
    breaker = _half_open()
    probes = [breaker.permit(5.0, 30.0), breaker.permit(5.0, 30.0)]
    assert breaker.permit(5.0, 30.0) == REFUSED
    assert breaker.refuses(5.0) == 1.0
    breaker.give_back(probes[0])
    assert breaker.refuses(5.0) == 0.0


def test_hung_probe_opens_again_for_twice_as_long():
    """Not before its limit, and at its limit."""
    breaker = _half_open()
    breaker.permit(5.0, 30.0)
    breaker.permit(6.0, 30.0)
    assert breaker.permit(34.9, 30.0) == REFUSED
    assert breaker.state is State.HALF_OPEN
    assert breaker.refuses(35.0) == 10.0
    assert breaker.changes[-1] == Change(State.HALF_OPEN, State.OPEN, Trigger.HUNG, 10.0)


def test_reload_keeps_state_and_counts_and_a_new_window_starts_afresh():
    """Only a window of another length forgets what is in it."""
    breaker = Breaker(SMALL, min, 0.0)
    breaker.ended(breaker.permit(0.0, 30.0), 0.0, True, False)
    breaker.adapt(SMALL.model_copy(update={"min_calls": 2}), 0.0)
    assert breaker.status(0.0).calls == 1
    breaker.ended(breaker.permit(0.0, 30.0), 0.0, True, False)
    assert breaker.state is State.OPEN
    breaker.adapt(SMALL.model_copy(update={"window": 60.0}), 0.0)
    assert breaker.state is State.OPEN
    assert breaker.status(0.0).calls == 0


def test_forcing_twice_is_one_change():
    """The management API may repeat itself, and release what is not held."""
    breaker = Breaker(SMALL, min, 0.0)
    breaker.force(None, 0.0)
    breaker.force("open", 0.0)
    breaker.force("open", 0.0)
    assert [change.reason for change in breaker.changes] == [Trigger.FORCE_OPEN]
    assert breaker.refuses(1e6) == SMALL.open


class BreakerMachine(RuleBasedStateMachine):
    """Calls that begin, end, break, hang and are forgotten, in any order and at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker(SMALL, max, 0.0)
        self.now = 0.0
        self.held: list[int] = []
        self.probes = 0
        self.told: list[Change] = []

    @rule(seconds=st.floats(0, 8))
    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    @rule()
    def begin(self) -> None:
        """Ask for a permit: given exactly where `refuses` says so."""
        refused = self.breaker.refuses(self.now) > 0
        permit = self.breaker.permit(self.now, 30.0)
        assert (permit == REFUSED) == refused
        if permit != REFUSED:
            self.held.append(permit)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), failed=st.booleans(), slow=st.booleans())
    def end(self, data: st.DataObject, failed: bool, slow: bool) -> None:
        """End any call that was begun, however long ago, perhaps not for the last time."""
        self.breaker.ended(data.draw(st.sampled_from(self.held)), self.now, failed, slow)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        """A call was cancelled."""
        self.breaker.give_back(self.held.pop(data.draw(st.integers(0, len(self.held) - 1))))

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def break_off(self, data: st.DataObject) -> None:
        """A stream broke."""
        self.breaker.broke(data.draw(st.sampled_from(self.held)), self.now)

    @rule(state=st.sampled_from(["open", "closed", None]))
    def force(self, state: str | None) -> None:
        """Somebody uses the switch."""
        self.breaker.force(state, self.now)

    @invariant()
    def moves_only_along_the_table(self) -> None:
        """Each change begins where the last one ended and stands in the table."""
        changes, self.breaker.changes = self.breaker.changes, []
        for change in changes:
            assert change.old is (self.told[-1].new if self.told else State.CLOSED)
            assert (change.old, change.reason, change.new) in TRANSITIONS
            self.told.append(change)
        assert self.breaker.state is (self.told[-1].new if self.told else State.CLOSED)

    @invariant()
    def never_more_probes_than_allowed(self) -> None:
        """Half-open, those under way and those that were good are at most `probes`; elsewhere there are none."""
        books = self.breaker
        assert len(books._out) + len(books._good) <= SMALL.probes
        assert books.state is State.HALF_OPEN or not (books._out or books._good)

    @invariant()
    def status_is_sound(self) -> None:
        """Counts never go below nothing, and waits stay within the longest open time and its jitter."""
        status = self.breaker.status(self.now)
        assert 0 <= status.failures <= status.calls
        assert 0 <= status.slow <= status.calls
        assert 0 <= status.retry_after <= SMALL.open_max * 1.1


test_breaker_machine = BreakerMachine.TestCase


def test_explained_with_values():
    """The line of `seawall explain` names every value that counts."""
    line = explain(SMALL)
    for word in ("50%", "4 calls", "10s", "connect", "50% take longer than 1s", "5s", "20s", "2 probes"):
        assert word in line
    assert "shadow" in explain(BreakerSettings(mode="shadow"))
    assert explain(BreakerSettings(mode="off")) == "off"
