"""Ticks, windows and days, above all where the clock is not what one thinks."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reolink_timelapsed.schedule import (
    Daily,
    Once,
    Ticks,
    Window,
    hours_of,
    local_day,
    tick_from,
    ticks_between,
)

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
ZONES = st.sampled_from(
    [
        "UTC",
        "Europe/Berlin",
        "Europe/London",
        "America/New_York",
        "America/St_Johns",  # -3:30
        "Asia/Kolkata",  # +5:30
        "Asia/Kathmandu",  # +5:45
        "Australia/Lord_Howe",  # half an hour of daylight saving
        "Pacific/Chatham",  # +12:45, with daylight saving
        "Pacific/Kiritimati",  # +14
        "Africa/Casablanca",
        "America/Santiago",  # daylight saving begins at midnight
    ]
).map(ZoneInfo)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1)).map(  # noqa: DTZ001
    lambda moment: moment.replace(tzinfo=UTC)
)
DAYS = st.dates(date(2020, 1, 1), date(2035, 1, 1))
INTERVALS = st.integers(1, 3600).map(lambda seconds: timedelta(seconds=seconds))
STARTS = st.times().map(lambda moment: moment.replace(second=0, microsecond=0, fold=0))
DURATIONS = st.integers(1, 24 * 60).map(lambda minutes: timedelta(minutes=minutes))
DAILIES = st.builds(Daily, STARTS, DURATIONS, ZONES)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# Windows


@pytest.mark.parametrize(
    ("day", "hours"),
    [("2026-03-29", 23), ("2026-10-25", 25), ("2026-11-22", 24)],
)
def test_a_whole_day_has_all_its_hours(day: str, hours: int) -> None:
    window = Daily(time(0), DAY, BERLIN).window(date.fromisoformat(day))
    assert window.end - window.start == hours * HOUR
    assert len(hours_of(window)) == hours
    assert ticks_between(window.start, window.end, timedelta(seconds=15)) == hours * 240


@pytest.mark.parametrize(
    ("start", "day", "begins", "ends"),
    [
        ("04:00", "2026-11-22", "2026-11-22T03:00", "2026-11-22T21:00"),
        ("04:00", "2026-07-01", "2026-07-01T02:00", "2026-07-01T20:00"),
        ("20:00", "2026-11-22", "2026-11-22T19:00", "2026-11-23T13:00"),  # past midnight
        ("02:30", "2026-03-29", "2026-03-29T01:30", "2026-03-29T18:30"),  # there is no 02:30
        ("02:30", "2026-10-25", "2026-10-25T00:30", "2026-10-25T19:30"),  # the first of two
    ],
)
def test_eighteen_hours_in_berlin(start: str, day: str, begins: str, ends: str) -> None:
    daily = Daily(time.fromisoformat(start), 18 * HOUR, BERLIN)
    window = daily.window(date.fromisoformat(day))
    assert (window.start, window.end) == (utc(begins), utc(ends))


@pytest.mark.parametrize(
    ("start", "length"), [(time(2, 15), HOUR / 2), (time(2, 15), HOUR), (time(2, 45), HOUR / 2)]
)
def test_a_short_window_that_the_clock_jumps_over_is_as_long_as_ever(
    start: time, length: timedelta
) -> None:
    window = Daily(start, length, BERLIN).window(date(2026, 3, 29))
    assert window.end - window.start == length


def test_a_window_holds_its_start_and_not_its_end() -> None:
    window = Window(utc("2026-11-22T04:00"), utc("2026-11-22T22:00"), date(2026, 11, 22))
    inside = ("2026-11-22T04:00", "2026-11-22T12:00", "2026-11-22T21:59:59.999")
    outside = ("2026-11-22T03:59:59.999", "2026-11-22T22:00", "2026-11-23T12:00")
    assert all(utc(moment) in window for moment in inside)
    assert not any(utc(moment) in window for moment in outside)


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2026-11-22T12:00", "2026-11-22"),
        ("2026-11-22T23:59", "2026-11-22"),
        ("2026-11-23T00:59", "2026-11-22"),
        ("2026-11-23T01:01", "2026-11-23"),
        ("2026-11-23T04:00", "2026-11-23"),
    ],
)
def test_what_lies_between_two_windows_belongs_to_the_nearer(moment: str, day: str) -> None:
    daily = Daily(time(4), 18 * HOUR, UTC)
    assert daily.nearest(utc(moment)).day == date.fromisoformat(day)


def test_before_the_evening_of_a_window_past_midnight_comes_the_next() -> None:
    daily = Daily(time(23), 2 * HOUR, UTC)
    assert daily.nearest(utc("2026-11-23T11:00")).day == date(2026, 11, 22)
    assert daily.nearest(utc("2026-11-23T13:00")).day == date(2026, 11, 23)
    late = Daily(time(0, 30), HOUR, UTC)
    assert late.nearest(utc("2026-11-23T23:00")).day == date(2026, 11, 24)


@given(DAILIES, DAYS)
def test_a_window_begins_at_its_day_and_lasts_its_duration(daily: Daily, day: date) -> None:
    window = daily.window(day)
    assert window.start < window.end
    assert abs(window.end - window.start - daily.duration) <= HOUR
    assert abs(local_day(window.start, daily.zone) - day) <= (
        timedelta(0) if daily.start < time(23) else DAY
    )


@given(STARTS, ZONES, DAYS)
def test_windows_of_24_hours_follow_each_other_without_gap(
    start: time, zone: ZoneInfo, day: date
) -> None:
    daily = Daily(start, DAY, zone)
    assert daily.window(day).end == daily.window(day + DAY).start


@given(DAILIES, MOMENTS)
def test_the_window_at_a_moment_holds_it_or_is_the_next(daily: Daily, moment: datetime) -> None:
    window = daily.at(moment)
    assert window.end > moment
    before = daily.window(window.day - DAY)
    assert before.end <= moment
    assert window == daily.window(window.day)


@given(DAILIES, MOMENTS)
def test_all_of_a_window_belongs_to_its_day(daily: Daily, moment: datetime) -> None:
    window = daily.at(moment)
    for inside in (window.start, window.start + (window.end - window.start) / 2):
        assert daily.at(inside) == window


def test_a_single_run_is_over_for_good() -> None:
    once = Once.starting(utc("2026-11-22T23:30"), 30 * HOUR, UTC)
    assert once.at(utc("2026-11-22T23:30")) == once.only
    assert once.only.day == date(2026, 11, 22)
    assert once.at(utc("2026-11-24T05:29:59")) == once.only
    assert once.at(utc("2026-11-24T05:30")) is None


@given(MOMENTS, st.integers(1, 10**5).map(lambda seconds: timedelta(seconds=seconds)))
def test_hours_cover_the_window_and_no_more(start: datetime, length: timedelta) -> None:
    window = Window(start, start + length, start.date())
    hours = hours_of(window)
    assert hours[0] <= window.start < hours[0] + HOUR
    assert hours[-1] < window.end <= hours[-1] + HOUR
    assert all(later - earlier == HOUR for earlier, later in pairwise(hours))


# Ticks


@given(MOMENTS, INTERVALS)
def test_ticks_are_multiples_of_the_interval(moment: datetime, interval: timedelta) -> None:
    tick = tick_from(moment, interval)
    assert moment <= tick < moment + interval
    assert (tick - EPOCH) % interval == timedelta(0)


@given(MOMENTS, INTERVALS, st.integers(0, 10**5))
def test_ticks_are_counted_as_they_come(start: datetime, interval: timedelta, seconds: int) -> None:
    end = start + timedelta(seconds=seconds)
    counted, tick = 0, tick_from(start, interval)
    while tick < end:
        counted, tick = counted + 1, tick + interval
        if counted > 500:
            return
    assert ticks_between(start, end, interval) == counted
    assert ticks_between(end, start, interval) == 0


@given(MOMENTS, INTERVALS, st.lists(st.floats(0, 5), min_size=1, max_size=20))
def test_rounds_neither_drift_nor_bunch(
    start: datetime, interval: timedelta, rounds: list[float]
) -> None:
    """Each round takes so many intervals; used and skipped ticks add up to the grid."""
    ticks, now, used, skipped = Ticks(interval, start), start, 0, 0
    first = ticks.due
    for length in rounds:
        assert ticks.look(max(now, ticks.due)) == 0
        now = max(now, ticks.due)
        assert now == tick_from(now, interval)  # the work of a round is not added
        began = ticks.due
        now += length * interval
        used, skipped = used + 1, skipped + ticks.done(now)
        assert ticks.due >= began + interval
        assert now <= ticks.due < now + interval or ticks.due == began + interval
    assert ticks.due == first + (used + skipped) * interval


@given(
    MOMENTS,
    INTERVALS,
    st.lists(st.tuples(st.integers(0, 300), st.integers(-20000, 20000)), min_size=1, max_size=20),
)
def test_a_stepped_clock_neither_stalls_nor_bunches(
    start: datetime, interval: timedelta, events: list[tuple[int, int]]
) -> None:
    """Time passes, then the clock is stepped; the next tick is never more than one away."""
    ticks, now = Ticks(interval, start), start
    for passes, step in events:
        now += timedelta(seconds=passes) + timedelta(seconds=step)
        assert ticks.look(now) >= 0
        assert abs(ticks.due - now) <= interval
        if now >= ticks.due:
            used = ticks.due
            ticks.done(now)
            assert ticks.due > used
        assert timedelta(0) <= ticks.due - now <= interval


def test_ticks_that_passed_in_a_suspended_machine_are_counted() -> None:
    ticks = Ticks(timedelta(minutes=1), utc("2026-11-22T04:00"))
    assert ticks.look(utc("2026-11-22T04:00:59")) == 0
    assert ticks.look(utc("2026-11-22T04:01")) == 1
    assert ticks.look(utc("2026-11-22T06:00")) == 119
    assert ticks.due == utc("2026-11-22T06:00")


def test_a_clock_set_back_means_no_waiting_until_it_has_caught_up() -> None:
    ticks = Ticks(timedelta(minutes=1), utc("2026-11-22T04:00"))
    assert ticks.look(utc("2026-11-22T03:00:30")) == 0
    assert ticks.due == utc("2026-11-22T03:01")
