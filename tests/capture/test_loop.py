"""The daemon's loop on a jumping clock against the simulated NVR: days, ticks, faults, stopping."""

from __future__ import annotations

import logging
import os
import re
import socket
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reolink_timelapsed.capture.parts import SLICE_SECONDS
from reolink_timelapsed.config.settings import CaptureConfig, StorageConfig
from reolink_timelapsed.nvr.transport import Transport
from reolink_timelapsed.schedule import Daily
from reolink_timelapsed.simulator import Kind, Misbehaviour, SimulatedNvr, make_certificate
from reolink_timelapsed.simulator.device.codes import DETAILS
from reolink_timelapsed.storage.coverage import STOPPED
from tests.conftest import MEMORY
from tests.support import (
    DAY,
    MINUTELY,
    START,
    Clockwork,
    Daemon,
    Journal,
    ServiceManager,
    at,
    build,
    build_session,
    simulated,
)

FRONT, YARD = "ch0_Front_Door", "ch1_Yard"
BERLIN = ZoneInfo("Europe/Berlin")
TEN_MINUTES = CaptureConfig(interval=timedelta(minutes=10))
ONE_DAY = timedelta(days=1)


def moments(daemon: Daemon, day: date = DAY, camera: str = FRONT) -> list[datetime]:
    return [frame.moment for frame in daemon.frames(camera, day)]


def logins(nvr: SimulatedNvr) -> list[float]:
    return [request.started for request in nvr.log if request.cmd == "Login"]


def accounted(daemon: Daemon, now: datetime, camera: str = FRONT) -> int:
    """Return the frames on disk and the missing ones that have a reason."""
    day = daemon.record()
    return len(daemon.frames(camera)) + sum(day.missing(camera, now).values())


# Days


def test_a_day(nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal) -> None:
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(22, 5))
    assert len(daemon.frames()) == len(daemon.frames(YARD)) == 18 * 60
    assert journal.texts[0].startswith("waiting for the next start at 2026-11-22 ")
    assert journal.texts[1:4] == [
        f"cameras: {FRONT}, {YARD}",
        f"{FRONT}, {YARD}: pictures of 256x144",
        f"2026-11-22: frames: {FRONT} 1080 of 1080; {YARD} 1080 of 1080",
    ]
    assert [text[:38] for text in journal.texts[4:]] == ["waiting for the next start at 2026-11-"]
    assert nvr.live_sessions == []


def test_ticks_lie_on_the_grid_and_do_not_drift(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    for camera in nvr.cameras:
        camera.latency = 4.2
    daemon = build(nvr, folder, clock, CaptureConfig(interval=timedelta(seconds=15)))
    daemon.run(until=at(4, 29.9))
    taken = moments(daemon)
    assert len(taken) == 120
    assert all(one.second % 15 == 0 for one in taken[1:])


def test_a_window_of_24_hours_goes_on_and_on(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    plan = Daily(time(0), ONE_DAY, UTC)
    daemon = build(nvr, folder, clock, TEN_MINUTES, plan)
    daemon.run(until=at(74))
    assert [len(moments(daemon, DAY + days * ONE_DAY)) for days in range(4)] == [121, 144, 144, 12]
    for days in range(1, 4):
        for moment in moments(daemon, DAY + days * ONE_DAY):
            assert moment.date() == DAY + days * ONE_DAY


def test_a_window_past_midnight_belongs_to_the_day_it_began_on(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    plan = Daily(time(20), timedelta(hours=8), UTC)
    daemon = build(nvr, folder, clock, TEN_MINUTES, plan)
    daemon.run(until=at(30))
    # The eve's window was open for ten more minutes when the daemon started.
    assert len(moments(daemon, DAY - ONE_DAY)) == 1
    assert len(moments(daemon)) == 48
    assert moments(daemon)[-1].date() == DAY + ONE_DAY


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 7, 1), 24)]
)
def test_days_of_23_and_25_hours_are_whole(folder: Path, day: date, hours: int) -> None:
    plan = Daily(time(0), ONE_DAY, BERLIN)
    window = plan.window(day)
    clock = Clockwork(window.start - timedelta(minutes=5))
    with simulated(clock) as nvr:
        daemon = build(nvr, folder, clock, TEN_MINUTES, plan)
        daemon.run(until=window.end + timedelta(minutes=15))
        taken = moments(daemon, day)
        assert len(taken) == hours * 6
        assert all(
            timedelta(minutes=9) < after - before < timedelta(minutes=11)
            for before, after in pairwise(taken)
        )
        assert len(moments(daemon, day + ONE_DAY)) == 2


@pytest.mark.parametrize("zone", ["Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns"])
def test_zones_that_are_off_by_minutes(folder: Path, zone: str) -> None:
    there: tzinfo = ZoneInfo(zone)
    plan = Daily(time(4), timedelta(hours=18), there)
    clock = Clockwork(plan.window(DAY).start - timedelta(minutes=1))
    with simulated(clock) as nvr:
        daemon = build(nvr, folder, clock, TEN_MINUTES, plan)
        daemon.run(until=plan.window(DAY).end + timedelta(hours=1))
        taken = moments(daemon)
        assert len(taken) == 108
        assert {one.astimezone(there).date() for one in taken} == {DAY}


def test_a_start_inside_the_window(nvr: SimulatedNvr, folder: Path, clock: Clockwork) -> None:
    clock.step(6 * 3600 + 30)
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(10, 0.9))
    assert [one.minute for one in moments(daemon)] == [51, 52, 53, 54, 55, 56, 57, 58, 59, 0]
    assert daemon.record().missing(FRONT, at(10, 0.9)) == {}
    assert daemon.record().expected(at(10, 0.9)) == 10


def test_a_start_outside_the_window_waits_without_a_slot_and_says_so(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    clock.step(19 * 3600)
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(27, 59))
    assert "waiting for the next start at 2026-11-23 04:00" in daemon.state()
    assert nvr.log == []
    assert clock.longest_sleep <= SLICE_SECONDS


def test_a_restart_goes_on_with_the_day(nvr: SimulatedNvr, folder: Path, clock: Clockwork) -> None:
    for until in (at(5), at(6)):
        daemon = build(nvr, folder, clock)
        daemon.run(until=until - timedelta(seconds=1))
        clock.suspend(600)
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(7, -0.1))
    assert len(daemon.frames()) == 180 - 20
    assert daemon.record().missing(FRONT, at(7, -0.1)) == {STOPPED: 20}


# The slot is for people, too


def test_the_slot_is_free_between_rounds_that_are_far_apart(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    build(nvr, folder, clock, CaptureConfig(interval=timedelta(minutes=5))).run(until=at(5))
    counts = Counter(request.cmd for request in nvr.log)
    assert counts["Login"] == counts["Logout"] == 12


def test_the_slot_is_free_outside_the_window(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    live: list[int] = []
    clock.at(at(21, 59.5), lambda: live.append(len(nvr.live_sessions)))
    clock.at(at(22, 1), lambda: live.append(len(nvr.live_sessions)))
    build(nvr, folder, clock, CaptureConfig(interval=timedelta(minutes=2))).run(until=at(23))
    assert live == [1, 0]


# Faults of the whole NVR


def test_capture_is_back_within_a_tick_of_a_reboot_by_one_login(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal
) -> None:
    clock.at(at(5, 0.3), lambda: nvr.reboot(down_seconds=300, starting_seconds=60))
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(6, 0.3))
    back = min(one for one in moments(daemon) if one > at(5, 0.5))
    assert back - at(5, 6.3) <= timedelta(minutes=1)
    assert len(logins(nvr)) == 3  # start, reboot, renewal
    tries = [*nvr.turned_away, *(one.started for one in nvr.log if "http" in str(one.outcome))]
    assert 6 <= len(tries) <= 6 * 10  # no storm
    assert max(after - before for before, after in pairwise(sorted(tries))) <= 60
    missing = daemon.record().missing(FRONT, at(6, 0.3))
    assert missing == {"NVR unreachable": 5}  # the sixth tick's round was made up for in time
    assert len(journal.warnings()) == 1
    assert "the NVR gives pictures again after 5 min" in journal.texts[-1]


@pytest.mark.parametrize("down", [37, 98, 233])
def test_no_tick_is_lost_once_the_nvr_is_back(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, down: float
) -> None:
    """At the usual interval of 15 s."""
    for camera in nvr.cameras:
        camera.latency = 1.0
    clock.at(at(5, 0.3), lambda: nvr.reboot(down_seconds=down, starting_seconds=60))
    daemon = build(nvr, folder, clock, CaptureConfig(interval=timedelta(seconds=15)))
    daemon.run(until=at(5, 14.9))
    back = at(5, 0.3) + timedelta(seconds=down + 60)
    due = [at(5) + n * timedelta(seconds=15) for n in range(60)]
    due = [tick for tick in due if tick >= back]
    both = [[one for one in moments(daemon, DAY, which) if one >= back] for which in (FRONT, YARD)]
    assert min(taken[0] for taken in both) - back <= timedelta(seconds=16)
    for taken in both:
        assert len(taken) >= len(due)
        assert taken[0] - back <= timedelta(seconds=19)  # the second has its turn after the first
        assert all(after - before < timedelta(seconds=30) for before, after in pairwise(taken))


def test_a_network_that_swallows_everything(folder: Path, clock: Clockwork) -> None:
    """Not even a refusal comes: connections hang until they are given up."""
    with socket.create_server(("127.0.0.1", 0), backlog=1) as hole, ExitStack() as held:
        port = hole.getsockname()[1]
        for _ in range(3):  # nobody accepts them; now there is no room for more
            one = held.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
        with simulated(clock) as nvr:
            session = build_session(
                nvr, folder / "state", clock, timeout=2.0, host=f"http://127.0.0.1:{port}"
            )
            daemon = build(nvr, folder, clock, session=session)
            daemon.run(until=at(4, 0.4))
            assert nvr.log == []
        assert accounted(daemon, at(4, 0.4)) == 1
        assert "does not answer" in daemon.state()
        assert "look whether it is on" in daemon.state()
        assert "next try in" in daemon.state()
        assert clock.longest_sleep <= SLICE_SECONDS
    with simulated(clock, port=port) as nvr:
        daemon = build(nvr, folder, clock)
        daemon.run(until=at(4, 3.9))
        assert len(daemon.frames()) == 4  # that of 4:00 was made up for


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
@pytest.mark.parametrize("is_pinned", [False, True])
def test_a_certificate_that_changes_while_it_runs(
    folder: Path, clock: Clockwork, journal: Journal, tmp_path: Path, is_pinned: bool
) -> None:
    """Nobody minds it unless it is pinned; then the new one gets neither token nor password."""
    old, new = make_certificate(tmp_path, "old"), make_certificate(tmp_path, "new")
    with simulated(clock, tls=old) as nvr:
        pin = Transport(nvr.url, clock).fingerprint(5.0) if is_pinned else ""
        session = build_session(nvr, folder / "state", clock, fingerprint=pin)
        daemon = build(nvr, folder, clock, session=session)
        asked: list[int] = []
        states: list[str] = []

        def change(certificate: Path) -> None:
            nvr.change_certificate(certificate)
            nvr.unplug()  # connections that are open keep the old one
            nvr.plug_in()
            asked.append(len(nvr.log))

        clock.at(at(4, 9.5), lambda: change(new))
        clock.at(at(4, 19), lambda: states.append(daemon.state()))
        clock.at(at(4, 19.5), lambda: change(old))
        daemon.run(until=at(4, 29.9))
    if not is_pinned:
        assert len(daemon.frames()) == 30
        assert journal.warnings() == []
        return
    assert asked[0] == asked[1]
    assert len(daemon.frames()) == 21  # the round of 4:19 was made up for
    assert accounted(daemon, at(4, 29.9)) == 30
    (warning,) = journal.warnings()
    assert "not the one in nvr.tls_fingerprint" in warning
    assert "run `reolink-timelapse test`" in warning
    assert "not the one in nvr.tls_fingerprint" in states[0]
    assert len(logins(nvr)) == 1  # the token was kept


@pytest.mark.parametrize("status", [302, 300, 404, 502])
def test_pages_instead_of_the_api(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal, status: int
) -> None:
    fault = Misbehaviour(Kind.STATUS, status=status, lasts=600)
    clock.at(at(4, 29.5), lambda: nvr.misbehave(fault))
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(5, -0.1))
    assert len(daemon.frames()) == 51
    assert accounted(daemon, at(5, -0.1)) == 60
    (warning,) = journal.warnings()
    assert "nvr.host" in warning  # what to do


def test_a_hiccup_is_not_worth_a_line(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal
) -> None:
    for minute in range(1, 50):
        clock.at(at(4, minute + 0.5), lambda: nvr.misbehave(Kind.RESET, cmd="Snap", times=1))
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(5, -0.1))
    assert len(daemon.frames()) == 60
    assert journal.warnings() == []


def test_an_nvr_that_is_gone_from_the_start(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal
) -> None:
    nvr.unplug()
    clock.at(at(7, 0.5), nvr.plug_in)
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(7, 9.9))
    assert len(daemon.frames()) == 10
    assert daemon.record().missing(FRONT, at(7, 9.9)) == {"NVR unreachable": 180}
    assert len(journal.warnings()) == 1
    assert "refuses connections" in journal.warnings()[0]
    assert clock.longest_sleep <= SLICE_SECONDS


def test_slots_that_are_taken_for_an_hour(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal
) -> None:
    states: list[str] = []
    nvr.take_slots(2, 3600)
    daemon = build(nvr, folder, clock)
    clock.at(at(4, 30), lambda: states.append(daemon.state()))
    daemon.run(until=at(5, 9.9))
    assert "all session slots of the NVR are taken" in states[0]
    assert "next try in" in states[0]
    tries = [after - before for before, after in pairwise(logins(nvr))]
    assert [round(one) for one in tries[:4]] == [30] * 4
    assert all(30 <= round(one) <= 305 for one in tries)
    assert len(tries) < 25
    freed = START + timedelta(seconds=3600)
    assert min(moments(daemon)) - freed <= timedelta(seconds=305)
    assert accounted(daemon, at(5, 9.9)) == 70
    assert len(journal.warnings()) == 1
    assert clock.longest_sleep <= SLICE_SECONDS


def test_a_wrong_password_for_a_day(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal
) -> None:
    session = build_session(nvr, folder / "state", clock, password="wrong")
    daemon = build(nvr, folder, clock, TEN_MINUTES, session=session)
    states: list[str] = []
    clock.at(at(21), lambda: states.append(daemon.state()))
    daemon.run(until=at(22, 5))
    tries = [round((after - before) / 60) for before, after in pairwise(logins(nvr))]
    assert tries[:2] == [1, 10]
    assert set(tries[2:]) == {60}
    errors = [line.text for line in journal.lines if line.level >= logging.ERROR]
    assert len(errors) == 1
    assert "refuses user name or password" in errors[0]
    assert "sudo reolink-timelapse setup" in errors[0]
    assert "sudo reolink-timelapse setup" in states[0]
    assert daemon.record().missing("", at(22)) == {"login refused": 108}


def test_a_restart_does_not_try_a_wrong_password_again_before_its_time(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    clock.step(3600)
    for restart in range(60):
        session = build_session(nvr, folder / "state", clock, password="wrong")
        build(nvr, folder, clock, session=session).run(until=at(4, 50 + restart))
    assert len(logins(nvr)) == 3


def test_an_nvr_that_lists_no_camera(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal
) -> None:
    nvr.cameras = []
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(6))
    assert journal.texts[1:] == [
        "the NVR lists no camera to capture: see `reolink-timelapse test`",
    ]
    assert "0 frames of 0 cameras" in daemon.state()


CODES = [
    *(-1, -2, -4, -5, -6, -7, -8, -9, -12, -17, -21, -26, -27, -31, -46, -49, -99, -101, -105),
    *(-500, -503, -506, -9999),
]
"""Of each remedy in the table of codes some."""

WHAT_TO_DO = re.compile(
    r"\b(restart|close|look|check|set|run|correct|give the|mount|free|leave|update|let|see) "
)
"""Words of advice."""

PERMANENT = [
    Misbehaviour(Kind.RESET),
    Misbehaviour(Kind.STATUS, status=502),
    Misbehaviour(Kind.RESET, cmd="Snap"),
    Misbehaviour(Kind.EMPTY),
    Misbehaviour(Kind.GARBLED, cmd="Snap"),
    Misbehaviour(Kind.GARBLED, cmd="Login"),
    Misbehaviour(Kind.GARBLED, cmd="GetChannelstatus"),
    Misbehaviour(Kind.GARBLED, cmd="GetBatteryInfo"),
    Misbehaviour(Kind.OFFLINE),
    Misbehaviour(Kind.PRIVACY, lasts=1e9),
    Misbehaviour(Kind.SLOTS_TAKEN, lasts=1e9),
    *(
        Misbehaviour(Kind.RSP_CODE, cmd=cmd, code=code)
        for cmd, codes in {
            "Snap": (-5, -6, -9, -12, -17, -31, -99, -105),
            "Login": (-5, -7, -12, -46, -105, -503, -506),
            "Logout": (-12,),
            "GetChannelstatus": (-6, -12, -26),
            "GetBatteryInfo": (-12,),
        }.items()
        for code in codes
    ),
]


@pytest.mark.parametrize(
    "fault", PERMANENT, ids=lambda fault: "-".join(map(str, fault.to_json().values()))
)
def test_a_permanent_fault_makes_few_lines_few_logins_and_no_storm(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal, fault: Misbehaviour
) -> None:
    nvr.misbehave(fault)
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(5, -0.1))
    assert_bearable(nvr, daemon, journal)


def assert_bearable(nvr: SimulatedNvr, daemon: Daemon, journal: Journal) -> None:
    """Check an hour of a fault: few lines, of which the first tells what to do, and no storm."""
    assert journal.most_in_an_hour() <= 20
    for warning in journal.warnings()[:1]:
        assert WHAT_TO_DO.search(warning), warning
    assert len(logins(nvr)) + len(nvr.turned_away) <= 60 * 4.5
    assert daemon.clock.longest_sleep <= SLICE_SECONDS
    assert accounted(daemon, at(5, -0.1)) == 60


COMMANDS = ["Login", "Logout", "GetDevInfo", "GetChannelstatus", "GetTime", "GetOsd"]


@settings(max_examples=int(os.environ.get("SOAK_EXAMPLES", "8")))
@given(
    cmd=st.sampled_from([*COMMANDS, "GetBatteryInfo", "Snap"]),
    code=st.sampled_from(sorted(DETAILS)),
    channel=st.sampled_from([None, 0]),
    form=st.sampled_from(["newer", "guide", "oldest", "missing"]),
    right=st.booleans(),
)
def test_any_code_in_answer_to_any_command_may_last(
    cmd: str, code: int, channel: int | None, form: str, right: bool
) -> None:
    clock = Clockwork()
    clock.right = right
    journal = Journal(clock)
    log = logging.getLogger("reolink_timelapsed")
    log.addHandler(journal)
    try:
        with TemporaryDirectory(dir=MEMORY) as name, simulated(clock) as nvr:
            nvr.device.status_form = form  # type: ignore[assignment]
            nvr.device.slots_for_cameras = 2
            of_channel = channel if cmd in {"Snap", "GetOsd", "GetBatteryInfo"} else None
            nvr.misbehave(Kind.RSP_CODE, cmd=cmd, code=code, channel=of_channel)
            daemon = build(nvr, Path(name), clock)
            daemon.run(until=at(5, -0.1))
            if len(daemon.frames(FRONT)):
                assert_bearable(nvr, daemon, journal)
            assert journal.most_in_an_hour() <= 20
            assert len(nvr.live_sessions) <= 1
    finally:
        log.removeHandler(journal)


@pytest.mark.parametrize("cmd", ["Login", "Logout", "GetChannelstatus", "GetBatteryInfo", "GetOsd"])
@pytest.mark.parametrize("code", CODES)
def test_any_code_in_answer_to_any_command_passes(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, cmd: str, code: int
) -> None:
    """Twice in a row. Rounds that are far apart log in and out each time."""
    nvr.device.status_form = "oldest" if cmd == "GetOsd" else "newer"
    nvr.misbehave(Kind.RSP_CODE, cmd=cmd, code=code, times=2)
    daemon = build(nvr, folder, clock, TEN_MINUTES)
    daemon.run(until=at(5, 5))
    assert moments(daemon)[-1] > at(4, 59)
    assert len(moments(daemon)) >= (1 if cmd == "GetOsd" else 4)  # it may have no name for an hour
    assert accounted(daemon, at(5, 5)) == 7
    assert len(nvr.live_sessions) <= (cmd == "Logout")


def test_a_fault_that_comes_and_goes_makes_few_lines(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal
) -> None:
    for minute in range(0, 240, 4):
        clock.at(at(4, minute), lambda: nvr.misbehave(Kind.OFFLINE, channel=0, lasts=120))
        clock.at(at(4, minute), lambda: nvr.misbehave(Kind.STATUS, lasts=70))
    build(nvr, folder, clock).run(until=at(8))
    assert journal.most_in_an_hour() <= 20


# Time that does odd things


@pytest.mark.parametrize("hours", [-1, 1, -3, 3])
def test_a_clock_that_jumps(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal, hours: int
) -> None:
    """No burst, no stall: before and after the jump there is a frame each minute."""
    clock.at(at(8, 0.5), lambda: clock.step(hours * 3600))
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(9))
    way = f"{'forward' if hours > 0 else 'back'} by {abs(hours)} h"
    assert journal.texts.count(f"this machine's clock was set {way}") == 1
    snaps = [one.started for one in nvr.log if one.cmd == "Snap" and one.channel == 0]
    assert len(snaps) == pytest.approx(300, abs=2)
    assert max(after - before for before, after in pairwise(snaps)) <= 120
    assert min(after - before for before, after in pairwise(snaps)) >= 1
    assert len(daemon.frames()) == len(snaps)
    if hours > 0:
        missing = daemon.record().missing(FRONT, clock.now())
        assert missing["clock stepped"] == pytest.approx(hours * 60, abs=1)


def test_a_clock_that_jumps_out_of_the_window_and_back(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    clock.at(at(5), lambda: clock.step(-7200))
    clock.at(at(5, 10), lambda: clock.step(7200))
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(6))
    assert moments(daemon, DAY - ONE_DAY) == []
    assert len(moments(daemon)) == 120


def test_a_machine_that_sleeps(nvr: SimulatedNvr, folder: Path, clock: Clockwork) -> None:
    clock.at(at(5, 0.5), lambda: clock.suspend(3 * 3600))
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(9, -0.1))
    assert len(daemon.frames()) == pytest.approx(120, abs=1)
    assert accounted(daemon, at(9, -0.1)) == 300
    assert daemon.record().missing_rounds == {"machine asleep": pytest.approx(180, abs=1)}
    snaps = [one.started for one in nvr.log if one.cmd == "Snap" and one.channel == 0]
    assert min(after - before for before, after in pairwise(snaps)) >= 1


def test_a_machine_that_sleeps_over_the_days_end(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    clock.at(at(21), lambda: clock.suspend(12 * 3600))
    daemon = build(nvr, folder, clock, TEN_MINUTES)
    daemon.run(until=at(34, -1))
    assert len(moments(daemon)) == pytest.approx(17 * 6, abs=1)
    assert len(moments(daemon, DAY + ONE_DAY)) == pytest.approx(6, abs=1)


def test_a_clock_that_is_slewed(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal
) -> None:
    for minute in range(0, 60, 3):
        clock.at(at(4, minute), lambda: clock.step(0.5))
        clock.at(at(5, minute), lambda: clock.step(-0.5))
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(6, -0.1))
    assert len(daemon.frames()) == 120
    assert not any("clock" in text for text in journal.texts)


# What systemd hears


def test_pings_go_on_while_nothing_is_due(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.step(19 * 3600)
    with ServiceManager(folder / "notify") as systemd:
        monkeypatch.setenv("NOTIFY_SOCKET", str(systemd.path))
        build(nvr, folder, clock).run(until=at(27))
    assert nvr.log == []
    assert "STATUS=waiting for the next start at 2026-11-23 04:00" in systemd.messages
    assert systemd.messages.count("WATCHDOG=1") >= 4 * 3600 / SLICE_SECONDS


def test_what_systemd_hears(
    nvr: SimulatedNvr,
    folder: Path,
    clock: Clockwork,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nvr.cameras[0].name = "前門"
    with ServiceManager(folder / "notify") as systemd:
        monkeypatch.setenv("NOTIFY_SOCKET", str(systemd.path))
        build(nvr, folder, clock).run(until=at(5, -0.1))
    assert systemd.messages[0] == "READY=1"
    assert systemd.messages[-1] == "STOPPING=1"
    statuses = [one for one in systemd.messages if one.startswith("STATUS=")]
    assert len(statuses) >= 60
    assert "120 frames of 2 cameras, 0 missed" in statuses[-1]
    assert all(one.isascii() for one in systemd.messages)
    assert systemd.messages.count("WATCHDOG=1") >= 120 + 3600 / SLICE_SECONDS


def test_pings_go_on_while_the_nvr_is_away(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    nvr.unplug()
    with ServiceManager(folder / "notify") as systemd:
        monkeypatch.setenv("NOTIFY_SOCKET", str(systemd.path))
        build(nvr, folder, clock).run(until=at(5))
    assert systemd.messages.count("WATCHDOG=1") >= 3600 / SLICE_SECONDS
    assert clock.longest_sleep <= SLICE_SECONDS


def test_the_storage_estimate(nvr: SimulatedNvr, folder: Path, clock: Clockwork) -> None:
    for camera in nvr.cameras:
        camera.min_bytes = 1_000_000
    daemon = build(nvr, folder, clock, replace(TEN_MINUTES, interval=timedelta(minutes=30)))
    daemon.run(until=at(4, 31))
    assert "the rest of the day needs 0.1 GB" in daemon.state()


def test_stopping_in_the_middle_of_a_round_leaves_nothing_behind(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    nvr.cameras[0].latency = 5
    clock.at(at(4, 0.05), clock.stop)
    daemon = build(nvr, folder, clock, MINUTELY)
    daemon.run()
    assert nvr.log[-1].cmd == "Logout"
    assert nvr.live_sessions == []
    assert list((folder / "data" / ".work" / "capture").iterdir()) == []


def test_a_disk_too_small_for_the_days_to_keep_is_told_once_at_the_start(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal
) -> None:
    storage = StorageConfig(min_free_gb=0, keep_frames_days=10_000_000)
    build(nvr, folder, clock, storage=storage).run(until=at(4, 5))
    told = [text for text in journal.warnings() if text.startswith("the disk is small")]
    assert len(told) == 1
    assert "storage.keep_frames_days: 10000000 and today need" in told[0]
