"""What is due next: however much time went by, one run makes up for it."""

from seawall.schedule.agenda import Agenda
from seawall.schedule.rhythm import Every


def most(low: float, high: float) -> float:
    """Draw the largest jitter."""
    return high


def agenda(*, spread: float = 0.0, now: float = 1000.0, at_once: bool = False) -> Agenda:
    """Return the agenda of something that is due every 60 seconds from 1000 on."""
    return Agenda(Every(60.0, 1000.0), spread, most, now, at_once)


def test_the_first_run_comes_at_once_or_at_the_next_moment() -> None:
    """A period starts with a run, so that a restart misses nothing; wall times wait for theirs."""
    assert (agenda(at_once=True).due, agenda(at_once=True).next) == (1000.0, 1060.0)
    assert (agenda().due, agenda().next) == (None, 1060.0)


def test_jitter_puts_a_run_off_and_not_its_moment() -> None:
    """Up to the spread; the run after it is reckoned from the moment, so that delays do not add up."""
    one = agenda(spread=6.0)
    one.look(1065.9)
    assert one.due is None
    one.look(1066.0)
    assert (one.due, one.since, one.next) == (1060.0, 1066.0, 1126.0)


def test_moments_that_were_missed_are_one() -> None:
    """A day asleep is one run, the latest, and then the usual ones."""
    one = agenda()
    one.look(1000.0 + 86_400 + 5)
    assert one.due == 1000.0 + 86_400
    one.done()
    one.look(1000.0 + 86_400 + 59)
    assert one.due is None
    assert one.next == 1000.0 + 86_460


def test_late_is_how_long_a_run_waits() -> None:
    """From when it should have started, jitter and all, until it is done."""
    one = agenda(spread=6.0)
    one.look(1070.0)
    assert one.late(1076.0) == 10.0
    one.done()
    assert one.late(1076.0) == 0.0


def test_a_clock_that_is_set_back_does_not_stop_it() -> None:
    """What lay ahead was reckoned from a time that never was; the next run is again one period away at most."""
    one = agenda(now=1000.0 + 36_000)
    one.look(1010.0)
    assert one.next == 1060.0
    one.look(1060.0)
    assert one.due == 1060.0


def test_a_clock_that_is_corrected_runs_nothing_twice() -> None:
    """Some seconds back, past a moment that was run: it is not run again."""
    one = agenda()
    one.look(1060.5)
    assert one.due == 1060.0
    one.done()
    one.look(1055.0)
    one.look(1061.0)
    assert (one.due, one.next) == (None, 1120.0)
