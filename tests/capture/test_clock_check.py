"""A clock that is not set yet: frames are filed once it can be trusted, and not before."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reolink_timelapsed.capture.clock_check import PATIENCE_SECONDS, agrees, doubt
from reolink_timelapsed.capture.parts import SLICE_SECONDS
from reolink_timelapsed.simulator import SimulatedNvr
from reolink_timelapsed.system.lock import NVR, Turn
from tests.support import DAY, START, Clockwork, Journal, at, build

FRONT = "ch0_Front_Door"
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001
    lambda moment: moment.replace(tzinfo=UTC)
)
HOUR = 3600.0


@pytest.fixture
def unset(clock: Clockwork) -> Clockwork:
    """The clock of a machine without a clock chip: it says the time of the last shutdown."""
    clock.step(10 * 60 - 20 * HOUR)  # in truth it is 4:00
    clock.right = False
    return clock


def test_nothing_is_filed_before_the_time_is_synchronised(
    nvr: SimulatedNvr, folder: Path, unset: Clockwork, journal: Journal
) -> None:
    nvr.device.clock_never_set = True

    def synchronise() -> None:
        unset.step(20 * HOUR)
        unset.right = True

    unset.after(120, synchronise)
    daemon = build(nvr, folder, unset)
    daemon.run(until=unset.now() + timedelta(minutes=9.9))
    assert daemon.store.frame_days(FRONT) == [DAY]
    assert min(one.moment for one in daemon.frames()) >= at(4, 2)
    assert len(daemon.frames()) == 7
    assert journal.warnings() == []
    assert unset.longest_sleep <= SLICE_SECONDS


def test_without_a_time_server_the_nvr_is_asked_and_what_it_says_is_held_against_us(
    nvr: SimulatedNvr, folder: Path, unset: Clockwork, journal: Journal
) -> None:
    """Two days off; nobody sets the clock until somebody reads what to do."""
    unset.step(-2 * 24 * HOUR)
    nvr.device.clock_error = timedelta(hours=20 + 48)
    daemon = build(nvr, folder, unset)
    states: list[str] = []
    unset.after(1800, lambda: states.append(daemon.state()))
    unset.after(3600, lambda: unset.step(68 * HOUR))
    unset.after(3600, lambda: setattr(nvr.device, "clock_error", timedelta(0)))
    unset.after(5400, unset.stop)
    daemon.run()
    assert daemon.store.frame_days(FRONT) == [DAY]
    assert min(one.moment for one in daemon.frames()) >= at(5)
    (warning,) = journal.warnings()
    assert "this machine's clock cannot be trusted" in warning
    assert "timedatectl" in warning
    assert "timedatectl" in states[0]
    assert "the clock is right after" in " ".join(journal.texts)


def test_after_a_power_cut_of_hours_the_nvr_makes_us_wait_longer_for_a_time_server(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal
) -> None:
    """The clock goes on where it stopped, hours ago; the router takes 20 minutes to start."""
    behind = 7 * HOUR + 23 * 60
    clock.step(4 * HOUR - behind)  # in truth it is 7:50
    clock.right = False
    nvr.device.clock_error = timedelta(seconds=behind)

    def synchronise() -> None:
        clock.step(behind)
        clock.right = True
        nvr.device.clock_error = timedelta(0)

    clock.after(20 * 60, synchronise)
    clock.after(40 * 60 - 1, clock.stop)
    daemon = build(nvr, folder, clock)
    daemon.run()
    assert daemon.store.frame_days(FRONT) == [DAY]
    assert min(one.moment for one in daemon.frames()) >= at(8, 10)
    assert len(daemon.frames()) == 19
    assert journal.warnings() == []


@pytest.mark.parametrize(
    ("ahead", "minutes"),
    [
        (timedelta(0), 0),
        (timedelta(minutes=4), 0),
        (timedelta(minutes=7, seconds=30), 30),
        (timedelta(hours=1), 5),  # it may be in another time zone
        (timedelta(hours=5, minutes=45, seconds=20), 5),
        (timedelta(hours=5, minutes=50), 30),
        (-timedelta(hours=5, minutes=50), 5),  # behind us: its own clock is not right
    ],
)
def test_how_long_an_nvr_that_says_otherwise_makes_us_wait(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, ahead: timedelta, minutes: int
) -> None:
    clock.step(600)  # it is 4:00
    clock.right = False
    nvr.device.clock_error = ahead
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(4, 39.9))
    assert len(daemon.frames()) == 40 - minutes - bool(minutes)


def test_a_clock_behind_the_newest_frame_is_wrong(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    build(nvr, folder, clock).run(until=at(5))
    nvr.device.clock_never_set = True
    clock.step(-0.5 * HOUR)
    clock.right = False
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(4, 50))
    assert len(daemon.frames()) == 60
    assert "the newest frame is of" in daemon.state()


def test_the_newest_frame_of_any_camera_counts(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    clock.right = False
    nvr.device.clock_never_set = True
    daemon = build(nvr, folder, clock)
    daemon.store.open()
    for camera, ahead in (("ch0_Front_Door", 600), ("ch1_Yard", -600)):
        moment = START + timedelta(seconds=ahead)
        daemon.store.put_frame(camera, DAY, moment, b"a picture")
    daemon.run(until=at(3, 55))
    assert "the newest frame is of 2026-11-22 04:00" in daemon.state()


def test_a_camera_that_cannot_be_read_leaves_the_others_as_witnesses(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    """A loop of links is closed to root, too."""
    clock.right = False
    nvr.device.clock_never_set = True
    daemon = build(nvr, folder, clock)
    daemon.store.open()
    daemon.store.put_frame("ch1_Yard", DAY, START + timedelta(seconds=600), b"a picture")
    loop = daemon.store.root / "frames" / "ch2_Loop"
    loop.symlink_to(loop)
    late = daemon.store.frames_home("ch1_Yard", DAY + timedelta(days=1))
    late.symlink_to(late)
    daemon.run(until=at(3, 55))
    assert "the newest frame is of 2026-11-22 04:00" in daemon.state()


def test_a_frame_from_the_future_does_not_stop_capture_if_the_nvr_agrees_with_us(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    daemon = build(nvr, folder, clock)
    daemon.store.open()
    future = START + timedelta(days=4000)
    daemon.store.put_frame(FRONT, future.date(), future, b"a picture")
    clock.right = False
    daemon.run(until=at(4, 9.9))
    assert len(daemon.frames()) == 10


def test_where_the_nvr_agrees_there_is_nothing_to_wait_for(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    """Machines with a clock chip and a time service that leaves no sign."""
    clock.right = False
    clock.step(600)
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(4, 9.9))
    assert len(daemon.frames()) == 10
    assert [one.cmd for one in nvr.log].count("GetTime") == 1


def test_a_restart_long_after_the_machines_start_waits_for_nobody(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    """The NVR's clock is an hour off, as it is half of the year; ours may be right."""
    clock.suspend(PATIENCE_SECONDS * 2)
    clock.right = False
    nvr.device.clock_error = timedelta(hours=1)
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(4, 9.9))
    assert len(daemon.frames()) == 10


def test_an_nvr_that_is_away_does_not_keep_us_waiting_for_long(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    clock.step(600)
    clock.right = False
    nvr.unplug()
    clock.after(PATIENCE_SECONDS + 30, nvr.plug_in)
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(4, 19.9))
    assert len(daemon.frames()) >= 13


def test_a_guest_may_not_ask_for_the_time_and_gets_along_without(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    nvr.misbehave("rsp_code", cmd="GetTime", code=-26)
    clock.step(600)
    clock.right = False
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(4, 19.9))
    assert len(daemon.frames()) == 14


@pytest.mark.parametrize("code", [-8, -12, -17, -99])
def test_an_nvr_that_does_not_tell_the_time_just_now_is_asked_again(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal, code: int
) -> None:
    """And it is no fault of its pictures."""
    nvr.misbehave("rsp_code", cmd="GetTime", code=code, times=2)
    clock.step(600)
    clock.right = False
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(4, 9.9))
    assert 8 <= len(daemon.frames()) <= 9
    assert journal.warnings() == []


def test_the_slot_is_free_while_the_clock_is_waited_for(
    nvr: SimulatedNvr, folder: Path, unset: Clockwork
) -> None:
    unset.step(-2 * 24 * HOUR)
    nvr.device.clock_error = timedelta(hours=68)
    live: list[int] = []
    for minutes in range(1, 30):
        unset.after(60 * minutes, lambda: live.append(len(nvr.live_sessions)))
    daemon = build(nvr, folder, unset)
    daemon.run(until=unset.now() + timedelta(minutes=30))
    assert set(live) == {0}
    assert 2 <= sum(one.cmd == "GetTime" for one in nvr.log) <= 4


def test_the_nvr_is_not_asked_for_the_time_while_somebody_else_speaks_to_it(
    nvr: SimulatedNvr, folder: Path, unset: Clockwork
) -> None:
    """Two logins side by side would count their refusals past each other."""
    unset.step(-2 * 24 * HOUR)
    nvr.device.clock_error = timedelta(hours=68)
    by_hand = Turn(folder / "state", NVR)
    assert by_hand.take()
    seen: list[int] = []
    unset.after(290, lambda: seen.append(len(nvr.log)))
    unset.after(300, by_hand.give)
    build(nvr, folder, unset).run(until=unset.now() + timedelta(minutes=30))
    assert seen == [0]
    assert sum(one.cmd == "GetTime" for one in nvr.log) >= 1


# The judgement


@given(MOMENTS, st.none() | MOMENTS, st.lists(MOMENTS, max_size=2))
def test_an_nvr_that_agrees_dispels_every_doubt(
    now: datetime, newest: datetime | None, nvr: list[datetime]
) -> None:
    if agrees(now, nvr):
        assert doubt(now, newest, nvr) == ""
    assert not agrees(now, [])


@given(MOMENTS, MOMENTS)
def test_a_clock_that_is_behind_the_newest_frame_is_wrong(now: datetime, newest: datetime) -> None:
    reason = doubt(now, newest, [])
    assert bool(reason) == (
        now < newest - timedelta(minutes=5) or now < datetime(2025, 1, 1, tzinfo=UTC)
    )


@given(st.timedeltas(timedelta(hours=-24), timedelta(hours=24)))
def test_a_mistake_in_the_nvrs_time_zone_never_stops_capture(error: timedelta) -> None:
    assert doubt(START, START - timedelta(days=1), [START + error]) == ""


def test_an_nvr_whose_clock_was_never_set_never_stops_capture() -> None:
    assert doubt(START, None, [datetime(2021, 1, 1, tzinfo=UTC)]) == ""
    assert doubt(START, None, []) == ""


def test_years_before_this_program() -> None:
    old = datetime(1970, 1, 1, 0, 5, tzinfo=UTC)
    assert "1970-01-01" in doubt(old, None, [])
    assert "1970-01-01" in doubt(old, None, [old])
    assert date(1970, 1, 1) == old.date()
