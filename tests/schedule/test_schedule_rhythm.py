"""When a schedule is due: by period, by cron, and where the clocks change."""

import itertools
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.config.cron import parse_cron
from seawall.schedule.rhythm import Crontab, Every, Rhythm


def moment(text: str) -> float:
    """Return seconds since the epoch of a UTC time."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def cron(text: str, zone: str = "UTC") -> Crontab:
    """Return the rhythm of an expression."""
    return Crontab(parse_cron(text), ZoneInfo(zone))


def some(rhythm: Rhythm, after: str, count: int) -> list[str]:
    """Return the next moments after one, as UTC times."""
    found, at = [], moment(after)
    for _ in range(count):
        following = rhythm.following(at)
        assert following is not None
        at = following
        found.append(datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M"))
    return found


@given(period=st.floats(1, 1e6), origin=st.floats(0, 2e9), at=st.floats(0, 2e9))
def test_a_period_has_one_moment_in_each_stretch_of_its_length(period: float, origin: float, at: float) -> None:
    """Whatever rounding does: the next is after, the last is not, and they are one period apart."""
    every = Every(period, origin)
    before, after = every.preceding(at), every.following(at)
    assert before <= at < after
    assert after - before == pytest.approx(period, rel=1e-6)


@pytest.mark.parametrize(
    ("text", "after", "next_ones"),
    [
        ("*/15 * * * *", "2026-01-01 00:07", ["2026-01-01 00:15", "2026-01-01 00:30"]),
        ("0 6 * * 1-5", "2026-01-02 07:00", ["2026-01-05 06:00", "2026-01-06 06:00"]),
        ("0 0 29 2 *", "2026-01-01 00:00", ["2028-02-29 00:00", "2032-02-29 00:00"]),
        ("0 0 29 2 *", "2096-03-01 00:00", ["2104-02-29 00:00"]),
        ("0 12 13 * 5", "2026-01-01 13:00", ["2026-01-02 12:00", "2026-01-09 12:00", "2026-01-13 12:00"]),
        ("30 23 31 12 *", "2026-12-31 23:30", ["2027-12-31 23:30"]),
        ("0 8 * * 0", "2026-01-01 00:00", ["2026-01-04 08:00"]),
        ("0 8 * * 7", "2026-01-01 00:00", ["2026-01-04 08:00"]),
    ],
)
def test_cron_names_moments(text: str, after: str, next_ones: list[str]) -> None:
    """Steps, working days, leap days, either of day and weekday where both are named, Sunday as 0 and 7."""
    assert some(cron(text), after, len(next_ones)) == next_ones


def test_cron_goes_by_the_wall_of_its_zone() -> None:
    """Six in the morning in Berlin is five by UTC in winter and four in summer."""
    six = cron("0 6 * * *", "Europe/Berlin")
    assert some(six, "2026-03-27 12:00", 3) == ["2026-03-28 05:00", "2026-03-29 04:00", "2026-03-30 04:00"]


def test_a_wall_time_that_does_not_exist_comes_as_much_later_as_the_clocks_jump() -> None:
    """At 2:00 Berlin goes to 3:00, so 2:30 is run at 3:30, once, and on the next day at 2:30 again."""
    night = cron("30 2 * * *", "Europe/Berlin")
    assert some(night, "2026-03-28 02:00", 2) == ["2026-03-29 01:30", "2026-03-30 00:30"]
    both = cron("30 2,3 * * *", "Europe/Berlin")
    assert some(both, "2026-03-28 12:00", 2) == ["2026-03-29 01:30", "2026-03-30 00:30"]


def test_a_wall_time_that_comes_twice_is_run_the_first_time_only() -> None:
    """At 3:00 Berlin goes back to 2:00; 2:30 summer time is 0:30 by UTC."""
    night = cron("30 2 * * *", "Europe/Berlin")
    assert some(night, "2026-10-24 12:00", 2) == ["2026-10-25 00:30", "2026-10-26 01:30"]


def test_every_hour_is_every_hour_where_the_clocks_change() -> None:
    """An expression for all hours goes by real time: no hour is left out and none comes double at once."""
    half_past = cron("30 * * * *", "Europe/Berlin")
    for begin in ("2026-03-28 22:00", "2026-10-24 22:00"):
        found = [datetime.fromisoformat(text) for text in some(half_past, begin, 8)]
        assert {later - earlier for earlier, later in itertools.pairwise(found)} == {timedelta(hours=1)}


def test_a_zone_that_jumps_at_midnight_has_its_first_moment_after_it() -> None:
    """Beirut goes from 0:00 to 1:00: the daily run at 0:15 comes at 1:15."""
    assert some(cron("15 0 * * *", "Asia/Beirut"), "2026-03-28 12:00", 2) == ["2026-03-28 22:15", "2026-03-29 21:15"]


def test_days_that_overlap_are_kept_in_order() -> None:
    """Until 2011 St. John's went back at 0:01, so that midnight of the new day came before the old day's 23:30."""
    found = some(cron("0,30 * * * *", "America/St_Johns"), "2010-11-07 01:00", 6)
    assert found == sorted(found)
    assert len(set(found)) == 6


def test_an_expression_whose_day_never_comes_has_no_moment() -> None:
    """Both ways the search ends; the settings refuse it as far as they can."""
    never = Crontab(parse_cron("0 0 1 2 *")._replace(days=frozenset((30,))), ZoneInfo("UTC"))
    assert (never.following(moment("2026-01-01")), never.preceding(moment("2026-01-01"))) == (None, None)


@given(
    text=st.sampled_from(["*/7 * * * *", "30 2 * * *", "0 0,12 1 * *", "5 1 * * 0"]),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe"]),
    at=st.integers(1_262_304_000, 1_893_456_000),
)
def test_looking_back_and_ahead_agree(text: str, zone: str, at: int) -> None:
    """What precedes the moment after the last is the last: nothing lies in between."""
    rhythm = cron(text, zone)
    before, after = rhythm.preceding(at), rhythm.following(at)
    assert before is not None
    assert after is not None
    assert before <= at < after
    assert rhythm.following(before) == after
    assert rhythm.preceding(after - 0.5) == before
