"""Counters: tables for what fits, and a state machine in which no cap is ever passed and no picodollar is lost."""

from collections import defaultdict

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from seawall.spend.account import Full, Standing
from seawall.spend.calendar import Calendar
from seawall.spend.caps import NO_CAPS, CallerCaps, CapSet, Rules, Want, Wanted, wants
from seawall.spend.counters import Counters

DAY = Calendar().at(1_800_000_000.0)
KEY = ("caller", "kitchen", "")


def want(**caps):
    """Return an account of the caller with caps."""
    return Want(KEY, CapSet(**caps))


def full(answer, period, *, spent):
    """Whether an answer is the refusal of a cap."""
    return isinstance(answer, Full) and (answer.period, answer.spent) == (period, spent)


def test_what_is_spent_held_and_asked_for_together_never_exceeds_a_cap():
    """To the picodollar; one more is refused, as held while money may come back, as spent when none will."""
    counters, day = Counters(), want(day=100)
    assert counters.hold("a", 60, [day], DAY) == Standing(100, KEY, "day")
    assert full(counters.hold("b", 41, [day], DAY), "day", spent=False)
    assert counters.hold("b", 40, [day], DAY) == Standing(40, KEY, "day")
    assert counters.settle("a", 60, DAY) == Standing(0, KEY, "day")
    assert full(counters.hold("c", 41, [day], DAY), "day", spent=True)
    assert full(counters.hold("c", 1, [day], DAY), "day", spent=False)
    counters.release("b")
    assert counters.hold("c", 40, [day], DAY) == Standing(40, KEY, "day")


def test_settling_and_releasing_twice_changes_nothing():
    """Whoever comes second finds nothing held."""
    counters, day = Counters(), want(day=100)
    counters.hold("a", 60, [day], DAY)
    counters.settle("a", 10, DAY)
    counters.settle("a", 10, DAY)
    counters.release("a")
    account = counters.account(day, DAY)
    assert (account.held, account.day_spent, counters.held) == (0, 10, 0)


def test_a_refused_reservation_holds_nothing_anywhere():
    """All accounts or none."""
    counters = Counters()
    wide, narrow = Want(("gateway", "", ""), CapSet(day=1000)), want(day=10)
    assert full(counters.hold("a", 11, [wide, narrow], DAY), "day", spent=True)
    assert counters.account(wide, DAY).held == 0
    assert len(counters) == 0


def test_of_several_caps_the_one_that_lasts_longest_is_told():
    """Spent before held, prepaid before month before day."""
    counters = Counters()
    caps = want(day=10, month=20, total=30)
    assert full(counters.hold("a", 31, [caps], DAY), "total", spent=True)
    assert full(counters.hold("a", 21, [caps], DAY), "month", spent=True)
    assert full(counters.hold("a", 11, [caps], DAY), "day", spent=True)
    counters.hold("a", 10, [caps], DAY)
    counters.settle("a", 9, DAY)
    counters.hold("b", 1, [caps], DAY)
    assert full(counters.hold("c", 1, [caps], DAY), "day", spent=False)
    assert full(counters.hold("c", 2, [caps], DAY), "day", spent=True)


def test_a_cap_for_one_call_looks_at_nothing_else():
    """However little was spent."""
    counters = Counters()
    assert full(counters.hold("a", 6, [want(call=5)], DAY), "call", spent=True)
    assert counters.hold("a", 5, [want(call=5)], DAY) == Standing()


def test_free_calls_pass_a_cap_that_is_spent():
    """What costs nothing needs no room."""
    counters = Counters()
    counters.hold("a", 5, [want(day=5)], DAY)
    counters.settle("a", 5, DAY)
    assert isinstance(counters.hold("b", 0, [want(day=5)], DAY), Standing)


def test_midnight_begins_a_new_day_but_frees_nothing_that_is_held():
    """What is held may be settled tomorrow, and counts there."""
    calendar, counters, day = Calendar(), Counters(), want(day=100, total=1000)
    tomorrow = calendar.at(DAY.ends)
    counters.hold("a", 50, [day], DAY)
    counters.settle("a", 50, DAY)
    counters.hold("b", 50, [day], DAY)
    assert full(counters.hold("c", 51, [day], tomorrow), "day", spent=False)
    assert counters.hold("c", 50, [day], tomorrow) == Standing(50, KEY, "day")
    counters.settle("b", 50, tomorrow)
    account = counters.account(day, tomorrow)
    assert (account.day_spent, account.total, account.held) == (50, 100, 50)
    counters.settle("c", 1, DAY)  # a clock that went back begins no day anew
    assert counters.account(day, DAY).day_spent == 51


def test_end_users_are_bounded_and_one_who_counts_is_never_forgotten():
    """A new one takes the place of who spent nothing today; where all did, it is refused."""
    rules = Rules(callers={"kitchen": CallerCaps(user=CapSet(day=100), users=3)})
    counters = Counters()

    def spend(user, today, cost=1):
        found = wants(rules, "kitchen", user, "")
        answer = counters.hold(user, 1, found, today)
        if isinstance(answer, Standing):
            counters.settle(user, cost, today)
        return answer

    assert isinstance(spend("idle", DAY, cost=0), Standing)
    assert isinstance(spend("ann", DAY), Standing)
    assert isinstance(spend("bob", DAY), Standing)
    assert isinstance(spend("cid", DAY), Standing)  # idle is forgotten
    assert full(spend("dan", DAY), "users", spent=True)
    assert counters.account(wants(rules, "kitchen", "ann", "")[2], DAY).day_spent == 1
    assert isinstance(spend("dan", Calendar().at(DAY.ends)), Standing)
    assert len(counters._users["kitchen"]) == 3


@pytest.mark.parametrize(
    ("zone", "moment", "day", "hours"),
    [
        ("UTC", 1_800_000_000, "2027-01-15", 24),
        ("Europe/Berlin", 1_774_738_800, "2026-03-29", 23),  # summer time begins
        ("Europe/Berlin", 1_792_900_000, "2026-10-25", 25),  # and ends
        ("Asia/Beirut", 1_774_735_200, "2026-03-29", 23),  # at midnight: there is no 00:00
        ("America/Havana", 1_793_505_600, "2026-11-01", 25),  # 00:00 to 01:00 comes twice
        ("Pacific/Kiritimati", 1_800_000_000, "2027-01-15", 24),
    ],
)
def test_a_day_is_the_time_zones(zone, moment, day, hours):
    """With 23 and 25 hours where summer time begins and ends."""
    today = Calendar(zone).at(moment)
    assert (today.day, today.month) == (day, day[:7])
    assert today.ends - today.began == hours * 3600
    assert Calendar(zone).at(today.ends).day > day
    assert Calendar(zone).at(today.ends - 0.001).day == Calendar(zone).at(today.began).day == day
    assert today.month_began <= today.began < today.ends <= today.month_ends


class Money(RuleBasedStateMachine):
    """Everything that can happen to reservations, in any order, over days; a plain model of it beside."""

    def __init__(self):
        super().__init__()
        self.calendar, self.wall = Calendar("Europe/Berlin"), 1_774_600_000.0
        self.counters = Counters()
        self.rules = Rules(
            whole=CapSet(day=500, month=2000),
            callers={"a": CallerCaps(CapSet(day=120, total=900), CapSet(day=50), 2), "b": CallerCaps(CapSet(call=30))},
            models={"fast": CapSet(day=200)},
        )
        self.open = {}
        self.rows = []
        self.number = 0

    @property
    def today(self):
        """The day it is."""
        return self.calendar.at(self.wall)

    @rule(
        caller=st.sampled_from(["a", "b", ""]),
        user=st.sampled_from(["", "u", "v", "w"]),
        alias=st.sampled_from(["", "fast"]),
        amount=st.integers(0, 60),
    )
    def reserve(self, caller, user, alias, amount):
        """Hold, or be refused rightly."""
        self.number += 1
        found = wants(self.rules, caller, user, alias)
        before = {one.key: self.used(one.key) for one in found}
        answer = self.counters.hold(str(self.number), amount, found, self.today)
        if isinstance(answer, Standing):
            self.open[str(self.number)] = (amount, found)
        elif answer.period not in ("users", "call"):
            held, day, month, total = before[answer.key]
            spent = {"day": day, "month": month, "total": total}[answer.period]
            assert spent + held + amount > answer.cap

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def settle(self, data):
        """Spend a part or all of it."""
        number = data.draw(st.sampled_from(sorted(self.open)))
        amount, found = self.open.pop(number)
        cost = data.draw(st.integers(0, amount))
        self.counters.settle(number, cost, self.today)
        self.rows.append((found, cost, self.today))

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def release(self, data):
        """Free it."""
        number = data.draw(st.sampled_from(sorted(self.open)))
        del self.open[number]
        self.counters.release(number)

    @precondition(lambda self: self.number)
    @rule(number=st.integers(1, 200))
    def again(self, number):
        """Settle or release what is not open."""
        if str(number) not in self.open:
            self.counters.settle(str(number), 7, self.today)
            self.counters.release(str(number))

    @rule(hours=st.integers(1, 40))
    def pass_time(self, hours):
        """Let days and months end."""
        self.wall += hours * 3600

    def used(self, key):
        """Return what the model holds of an account: held, and spent by period."""
        sums = defaultdict(int)
        for amount, found in self.open.values():
            sums["held"] += amount * any(one.key == key for one in found)
        for found, cost, today in self.rows:
            if any(one.key == key for one in found):
                sums["total"] += cost
                sums["month"] += cost * (today.month == self.today.month)
                sums["day"] += cost * (today.day == self.today.day)
        return sums["held"], sums["day"], sums["month"], sums["total"]

    @invariant()
    def counters_are_the_sum_of_rows(self):
        """And no cap is ever passed."""
        for caller in ("a", "b", ""):
            for user in ("", "u", "v", "w"):
                for one in wants(self.rules, caller, user, "fast"):
                    account = self.counters.account(one, self.today)
                    held, day, month, total = self.used(one.key)
                    if account is None:
                        assert not held
                        assert not day
                        continue
                    assert (account.held, account.day_spent) == (held, day)
                    if one.key[0] != "user":  # a user's total and month are forgotten once they stand under no cap
                        assert (account.month_spent, account.total) == (month, total)
                    for cap, spent in ((one.caps.day, day), (one.caps.month, month), (one.caps.total, total)):
                        assert cap is None or spent + held <= cap
        assert len(self.counters._users.get("a", ())) <= 2


TestMoney = Money.TestCase
TestMoney.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


def test_accounts_worked_out_once_are_those_worked_out_anew():
    """For each caller, model and user; under other rules they are others."""
    ann = CallerCaps(NO_CAPS, CapSet(day=1), 3)
    some = Rules(callers={"kitchen": ann}, models={"fast": CapSet(day=2)})
    for rules in (some, Rules()):
        wanted = Wanted(rules)
        for caller in ("", "kitchen", "app"):
            for user in ("", "ann", "bob"):
                for alias in ("", "fast", "a/b"):
                    for _ in range(2):
                        assert list(wanted.of(caller, user, alias)) == wants(rules, caller, user, alias)
