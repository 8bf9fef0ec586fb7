"""Rules, waits, the budget, pauses: decisions without a clock."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from seawall.contracts.budget import SPAN, RetryBudget
from seawall.contracts.errors import ConnectError, UpstreamError
from seawall.contracts.retry_after import LONGEST, asked
from seawall.policies.retry.core import Rules, backoff, padded
from seawall.policies.retry.pause import Pause
from seawall.policies.retry.policy import explain
from seawall.policies.retry.settings import RetrySettings


@given(st.integers(0, 10_000), st.floats(0.001, 10), st.floats(0.001, 600), st.floats(0, 1))
def test_backoff_stays_between_nothing_and_the_longest(retry: int, base: float, longest: float, place: float):
    """Whatever is drawn, and however many retries there were."""
    wait = backoff(retry, base, longest, lambda least, most: least + (most - least) * place)
    assert 0 <= wait <= longest


@given(st.floats(0, 1e6), st.floats(0.001, 10), st.floats(0, 1))
def test_padding_is_only_added(wait: float, base: float, place: float):
    """At least what was asked, at most a tenth or the base more."""
    padding = padded(wait, base, lambda least, most: least + (most - least) * place)
    assert wait <= padding <= wait + max(base, wait / 10)


@given(st.binary(max_size=80), st.floats(0, 4e9))
def test_any_bytes_as_retry_after(value: bytes, wall: float):
    """Nothing a server sends raises, and what is read is never negative or without end."""
    for name in (b"retry-after", b"retry-after-ms"):
        seconds = asked(503, [(name, value)], wall)
        assert seconds is None or 0 <= seconds <= LONGEST


@given(st.text(st.sampled_from("MonTueJan 0123456789:,GMT+-"), max_size=40))
def test_anything_like_a_date_as_retry_after(value: str):
    """Near misses of an HTTP-date raise nothing either."""
    asked(503, [(b"retry-after", value.encode())], 1.7e9)


def test_first_readable_retry_after_counts_and_milliseconds_before_it():
    """A second header of the same name changes nothing; the finer one goes first wherever it stands."""
    assert asked(503, [(b"retry-after", b"x"), (b"retry-after", b"3"), (b"retry-after", b"9")], 0) == 3
    assert asked(503, [(b"retry-after", b"3"), (b"retry-after-ms", b"junk")], 0) == 3
    assert asked(503, [(b"retry-after", b"3"), (b"retry-after-ms", b"1500")], 0) == 1.5
    assert asked(200, [(b"retry-after", b"3")], 0) is None


def test_unknown_upstream_errors_are_not_tried_again():
    """An error whose kind no setting names."""
    assert not Rules(RetrySettings()).error(UpstreamError(), idempotent=True)
    assert Rules(RetrySettings()).error(ConnectError(), idempotent=False)


def test_answers_below_400_are_not_tried_again():
    """Not even where the upstream says so."""
    assert not Rules(RetrySettings()).status(200, [(b"x-should-retry", b"true")], idempotent=True)


class BudgetMachine(RuleBasedStateMachine):
    """The budget beside a list of everything that happened."""

    def __init__(self) -> None:
        super().__init__()
        self.budget = RetryBudget()
        self.now = 1000.0
        self.added: list[tuple[int, float]] = []
        self.taken: list[int] = []
        self.given = 0.0  # by calls, beyond what was taken since
        self.second = int(self.now)

    @rule(seconds=st.one_of(st.floats(0, 3), st.floats(9, 40)))
    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds

    @rule(share=st.sampled_from([0.0, 0.1, 0.2, 1.0]), calls=st.integers(1, 30))
    def call(self, share: float, calls: int) -> None:
        """Count calls."""
        self._left()
        for _ in range(calls):
            self.budget.add(self.now, share)
            self.given += share
            self.added.append((int(self.now), share))

    @rule(floor=st.integers(0, 3))
    def retry(self, floor: int) -> None:
        """Ask for a token: given exactly where the last ten seconds leave one."""
        left = self._left() + floor
        assert self.budget.left(self.now, floor) == pytest.approx(left, abs=1e-6)
        got = self.budget.take(self.now, floor)
        if abs(left - 1) > 1e-6:
            assert got == (left > 1)
        if got:
            self.given -= 1
            self.taken.append(int(self.now))
        oldest = int(self.now) - SPAN + 1
        assert sum(second >= oldest for second in self.taken) <= self._paid(oldest) + 3 + 1e-6

    def _paid(self, oldest: int) -> float:
        return sum(share for second, share in self.added if second >= oldest)

    def _left(self) -> float:
        if int(self.now) != self.second:
            self.second = int(self.now)
            oldest = self.second - SPAN + 1
            spent = sum(second >= oldest for second in self.taken)
            self.given = min(max(self.given, 0.0), self._paid(oldest) - spent)
        return self.given


test_budget_machine = BudgetMachine.TestCase


def test_budget_of_five_calls_is_one_token():
    """Five fifths are one, though their sum as floats is not quite."""
    budget = RetryBudget()
    for _ in range(5):
        budget.add(1000.0, 0.2)
    assert budget.take(1000.0, 0)
    assert not budget.take(1000.0, 0)


def test_budget_spent_comes_back_with_calls_and_not_in_a_lump():
    """Ten seconds after all tokens went, each second has those of its own calls and no more."""
    budget = RetryBudget()
    given = []
    for second in range(1000, 1040):
        for _ in range(10):
            budget.add(float(second), 0.2)
        asks = 20 if second >= 1010 else 0  # from then on the upstream is down
        given.append(sum(budget.take(float(second), 0) for _ in range(asks)))
    assert given[10:20] == [20] + [0] * 9  # any ten seconds hold a fifth of their calls
    assert given[20:] == [2] * 20


def test_clock_that_stands_still_or_jumps_far():
    """A long silence empties every slot once."""
    budget = RetryBudget()
    budget.add(1000.0, 1.0)
    assert budget.left(1009.9, 0) == 1.0
    assert budget.left(1010.0, 0) == 0.0
    budget.add(1e9, 1.0)
    assert budget.left(1e9, 0) == 1.0


def test_pause_lets_one_call_go_first():
    """Nobody before its end, one at its end, everybody once that one is back."""
    pause = Pause()
    assert pause.begin(10.0, 5.0)
    assert not pause.scout(14.9)
    assert pause.scout(15.0)
    assert not pause.scout(15.0)
    pause.lift(15.0)
    assert (pause.until, pause.scouting) == (0.0, False)


def test_pause_is_told_once_and_the_newest_answer_counts():
    """Answers of calls that were under way move its end, earlier too, and are no news."""
    pause = Pause()
    assert pause.begin(10.0, 60.0)
    assert not pause.begin(11.0, 5.0)
    assert pause.until == 16.0
    assert pause.begin(16.0, 5.0)


def test_pause_renewed_by_the_first_call_stays():
    """`lift` does nothing about a pause that began while that call was under way."""
    pause = Pause()
    pause.begin(10.0, 5.0)
    assert pause.scout(15.0)
    pause.begin(16.0, 5.0)
    pause.lift(15.0)
    assert (pause.until, pause.scouting) == (21.0, False)


def test_explained_with_values():
    """The line of `seawall explain` names every value that counts."""
    line = explain(RetrySettings())
    for word in ("3 attempts", "100ms", "2s", "20%", "3 per 10s", "1MiB", "1m", "connect"):
        assert word in line
    assert explain(RetrySettings(attempts=1)) == "never tried again"


@pytest.mark.parametrize(
    ("headers", "again"),
    [
        ([], True),
        ([(b"cache-control", b"no-store, max-age=0")], True),
        ([(b"cache-control", b"public, Max-Age=10")], False),
        ([(b"cache-control", b"s-maxage=10")], False),
        ([(b"cache-control", b"max-age=ten")], True),
        ([(b"date", b"Thu, 01 Jan 2026 00:00:00 GMT"), (b"expires", b"Thu, 01 Jan 2026 00:01:00 GMT")], False),
        ([(b"date", b"Thu, 01 Jan 2026 00:00:00 GMT"), (b"expires", b"Thu, 01 Jan 2026 00:00:00 GMT")], True),
        ([(b"date", b"Thu, 01 Jan 2026 00:00:00 GMT"), (b"expires", b"0")], True),
        ([(b"cache-control", b"max-age=10"), (b"x-should-retry", b"true")], True),
    ],
)
def test_an_error_that_says_how_long_it_holds_is_not_tried_again(headers, again):
    """RFC 9111 section 4.2.1: its maker would say the same a moment later; `x-should-retry` goes before that."""
    assert Rules(RetrySettings()).status(503, headers, idempotent=True) is again
