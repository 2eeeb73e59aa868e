"""Whatever one camera does is that camera's: the others have every tick, the NVR is not blamed."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reolink_timelapsed.config.settings import CaptureConfig
from reolink_timelapsed.simulator import Kind, Misbehaviour, SimulatedNvr
from reolink_timelapsed.simulator.device.codes import DETAILS
from tests.conftest import MEMORY
from tests.support import (
    Clockwork,
    Daemon,
    Journal,
    at,
    build,
    build_session,
    cameras,
    simulated,
)

NAMES = ("A", "B", "C", "D")
LATENCY_SECONDS = 0.24
DEFAULT = CaptureConfig(interval=timedelta(seconds=15))
OWN_TIME = CaptureConfig(interval=timedelta(seconds=3))
"""What four such cameras take the NVR, 2.96 s: 4 times 0.24 s, with a gap of 0.5 s after each.

The first round takes more, for it logs in, so that the second tick is nobody's.
"""

STATUSES = (300, 302, 400, 401, 403, 404, 408, 429, 500, 501, 502, 503, 504)
CUTS = (Kind.CLOSE, Kind.RESET, Kind.RESET_HALF, Kind.CUT, Kind.CHUNKED_CUT, Kind.UNTIL_CLOSE_CUT)
CONTENTS = (Kind.EMPTY, Kind.TINY, Kind.GARBLED, Kind.NOISE, Kind.HTML_LABELLED)
HANGS = (Kind.SILENCE, Kind.HANG, Kind.HANG_HALF)
CODES = (-2, -5, -6, -7, -12, -14, -21, -27, -31, -46, -105, -503, -506, -507)
FAULTS = [
    *(Misbehaviour(Kind.STATUS, cmd="Snap", status=status) for status in STATUSES),
    *(Misbehaviour(kind, cmd="Snap") for kind in (*CUTS, *CONTENTS)),
    *(Misbehaviour(Kind.RSP_CODE, cmd="Snap", code=code) for code in CODES),
    *(Misbehaviour(Kind.JSON_LABELLED, code=code) for code in (-6, -7)),
]


def folder_of(channel: int) -> str:
    return f"ch{channel}_{NAMES[channel]}"


def on(fault: Misbehaviour, channel: int) -> Misbehaviour:
    return Misbehaviour(**fault.__dict__ | {"channel": channel})


def name(fault: Misbehaviour) -> str:
    return "-".join(str(value) for value in fault.to_json().values())


def furnish(nvr: SimulatedNvr) -> None:
    nvr.cameras = cameras(*NAMES)
    for camera in nvr.cameras:
        camera.latency = LATENCY_SECONDS


def run(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, config: CaptureConfig, ticks: int
) -> Daemon:
    session = build_session(nvr, folder / "state", clock, timeout=15.0)
    daemon = build(nvr, folder, clock, config, session=session)
    daemon.run(until=end(config, ticks))
    return daemon


def end(config: CaptureConfig, ticks: int) -> datetime:
    return at(4) + ticks * config.interval - timedelta(seconds=0.05)


def assert_others_have_all(daemon: Daemon, bad: set[int], ticks: int) -> None:
    counts = {n: len(daemon.frames(folder_of(n))) for n in range(len(NAMES)) if n not in bad}
    assert min(counts.values()) == max(counts.values()) >= ticks


def assert_blamed(nvr: SimulatedNvr, journal: Journal, bad: set[int], logins: int = 1) -> None:
    """The journal names these cameras and nobody else, and there was one login."""
    assert sum(one.cmd == "Login" for one in nvr.log) == logins
    for text in journal.warnings():
        told = text.partition(" no pictures (")[0]
        assert {n for n in range(len(NAMES)) if folder_of(n) in told} <= bad, text
        assert "refuses user name" not in text
    named = " ".join(journal.warnings())
    assert all(folder_of(channel) in named for channel in bad)


# One camera, whatever it answers


@pytest.mark.parametrize("fault", FAULTS, ids=name)
def test_whatever_one_camera_answers_costs_no_other_a_tick(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal, fault: Misbehaviour
) -> None:
    furnish(nvr)
    nvr.misbehave(on(fault, 1))
    daemon = run(nvr, folder, clock, DEFAULT, 5)
    assert_others_have_all(daemon, {1}, 5)
    assert_blamed(nvr, journal, {1})


@pytest.mark.parametrize("bad", [{0}, {3}, {0, 1}, {0, 2, 3}])
@pytest.mark.parametrize(
    "fault",
    [
        Misbehaviour(Kind.CLOSE, cmd="Snap"),
        Misbehaviour(Kind.STATUS, cmd="Snap", status=404),
        Misbehaviour(Kind.RSP_CODE, cmd="Snap", code=-6),
        Misbehaviour(Kind.RSP_CODE, cmd="Snap", code=-17),
    ],
    ids=name,
)
def test_nor_at_an_interval_that_leaves_no_room(  # noqa: PLR0917
    nvr: SimulatedNvr,
    folder: Path,
    clock: Clockwork,
    journal: Journal,
    fault: Misbehaviour,
    bad: set[int],
) -> None:
    furnish(nvr)
    for channel in bad:
        nvr.misbehave(on(fault, channel))
    daemon = run(nvr, folder, clock, OWN_TIME, 9)
    assert_others_have_all(daemon, bad, 8)
    assert_blamed(nvr, journal, bad)


@pytest.mark.parametrize(
    ("kind", "bad"), [*((kind, {0}) for kind in HANGS), (Kind.SILENCE, {1, 3})]
)
def test_a_camera_that_hangs_costs_no_other_a_tick(  # noqa: PLR0917
    nvr: SimulatedNvr,
    folder: Path,
    clock: Clockwork,
    journal: Journal,
    kind: Kind,
    bad: set[int],
) -> None:
    clock.hang_seconds = 1.0
    furnish(nvr)
    for channel in bad:
        fault = Misbehaviour(kind, cmd="Snap", channel=channel)
        clock.at(at(4, 0.6), lambda fault=fault: nvr.misbehave(fault))  # type: ignore[misc]
    daemon = run(nvr, folder, clock, DEFAULT, 12)
    assert_others_have_all(daemon, bad, 12)
    assert_blamed(nvr, journal, bad)


EVERYTHING = [
    *FAULTS,
    *(Misbehaviour(Kind.RSP_CODE, cmd="Snap", code=code) for code in DETAILS),
    *(Misbehaviour(Kind.STATUS, cmd="Snap", status=status) for status in range(300, 600, 7)),
]


@settings(max_examples=int(os.environ.get("SOAK_EXAMPLES", "10")))
@given(
    faults=st.dictionaries(st.integers(0, 3), st.sampled_from(EVERYTHING), min_size=1, max_size=3),
    config=st.sampled_from([DEFAULT, OWN_TIME]),
    begins=st.sampled_from([0, 600.0, 610.0, 617.3]),
    info=st.sampled_from([None, -26, -9, -7]),
)
@example({0: FAULTS[0]}, OWN_TIME, 0, -26)
@example({0: Misbehaviour(Kind.RESET_HALF, cmd="Snap")}, OWN_TIME, 610.0, None)
def test_any_faults_of_any_cameras_but_one(
    faults: dict[int, Misbehaviour], config: CaptureConfig, begins: float, info: int | None
) -> None:
    clock = Clockwork()
    with TemporaryDirectory(dir=MEMORY) as place, simulated(clock) as nvr:
        furnish(nvr)
        for channel, fault in faults.items():
            nvr.misbehave(Misbehaviour(**on(fault, channel).__dict__ | {"begins": begins}))
        if info:
            nvr.misbehave(Kind.RSP_CODE, cmd="GetDevInfo", code=info)
        ticks = 20 if config is OWN_TIME else 6
        daemon = run(nvr, Path(place), clock, config, ticks)
        # A login, and the first answers that break off, take time of the NVR's own beyond a tick.
        lost = 2 if config is OWN_TIME else 0
        assert_others_have_all(daemon, set(faults), ticks - lost)
        assert sum(one.cmd == "Login" for one in nvr.log) == 1


def test_a_camera_that_recovers_is_back_within_minutes(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal
) -> None:
    furnish(nvr)
    fault = Misbehaviour(Kind.RSP_CODE, cmd="Snap", channel=0, code=-7)
    clock.at(at(4, 1), lambda: nvr.misbehave(fault))
    clock.at(at(4, 4), lambda: nvr.behave(fault))
    daemon = run(nvr, folder, clock, DEFAULT, 40)
    assert_others_have_all(daemon, {0}, 40)
    assert daemon.frames(folder_of(0))[-1].moment > at(4, 9)
    back = next(frame.moment for frame in daemon.frames(folder_of(0)) if frame.moment > at(4, 2))
    assert back <= at(4, 9)
    assert "ch0_A gives pictures again after" in journal.texts[-1]


def test_a_fault_of_a_moment_costs_nobody_a_frame(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal
) -> None:
    furnish(nvr)
    for number, fault in enumerate(FAULTS):
        once = Misbehaviour(**on(fault, number % 4).__dict__ | {"times": 1})
        clock.at(at(4, number + 0.5), lambda once=once: nvr.misbehave(once))  # type: ignore[misc]
    config = CaptureConfig(interval=timedelta(minutes=1))
    daemon = run(nvr, folder, clock, config, len(FAULTS))
    assert_others_have_all(daemon, set(), len(FAULTS))
    assert journal.warnings() == []


def test_a_bad_camera_costs_no_question_to_the_nvr_in_each_round(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    furnish(nvr)
    nvr.misbehave(Kind.STATUS, cmd="Snap", channel=1)
    run(nvr, folder, clock, DEFAULT, 240)
    assert sum(one.cmd == "GetDevInfo" for one in nvr.log) <= 3
    assert sum(one.cmd == "Snap" and one.channel == 1 for one in nvr.log) <= 9 + 10


# While the NVR does not answer the other question, but the other cameras


@pytest.mark.parametrize(
    "mute",
    [
        Misbehaviour(Kind.STATUS, cmd="GetDevInfo"),
        Misbehaviour(Kind.RSP_CODE, cmd="GetDevInfo", code=-12),
        Misbehaviour(Kind.GARBLED, cmd="GetDevInfo"),
    ],
    ids=name,
)
@pytest.mark.parametrize(
    "fault",
    [
        Misbehaviour(Kind.CLOSE, cmd="Snap"),
        Misbehaviour(Kind.STATUS, cmd="Snap", status=500),
        Misbehaviour(Kind.RSP_CODE, cmd="Snap", code=-6),
        Misbehaviour(Kind.RSP_CODE, cmd="Snap", code=-7),
    ],
    ids=name,
)
def test_another_camera_that_gives_pictures_is_witness_enough(  # noqa: PLR0917
    nvr: SimulatedNvr,
    folder: Path,
    clock: Clockwork,
    journal: Journal,
    fault: Misbehaviour,
    mute: Misbehaviour,
) -> None:
    furnish(nvr)
    nvr.misbehave(mute)
    nvr.misbehave(on(fault, 0))
    daemon = run(nvr, folder, clock, DEFAULT, 5)
    assert_others_have_all(daemon, {0}, 5)
    assert_blamed(nvr, journal, {0})


# While the NVR refuses the other question, too, but another camera gives pictures

REFUSALS = (-5, -6, -7, -506)


@pytest.mark.parametrize("info", REFUSALS)
@pytest.mark.parametrize(
    ("code", "bad"), [(None, {1}), (None, {0, 1, 2}), (-31, {0, 1}), (-7, {3})]
)
def test_an_nvr_that_refuses_to_be_asked_costs_no_other_camera_a_tick(  # noqa: PLR0917
    nvr: SimulatedNvr,
    folder: Path,
    clock: Clockwork,
    journal: Journal,
    info: int,
    code: int | None,
    bad: set[int],
) -> None:
    """Nor is it a wrong password. With -6 the question even costs the session, once."""
    furnish(nvr)
    nvr.misbehave(Kind.RSP_CODE, cmd="GetDevInfo", code=info)
    for channel in bad:
        nvr.misbehave(Kind.RSP_CODE, cmd="Snap", channel=channel, code=code or info)
    daemon = run(nvr, folder, clock, DEFAULT, 6)
    assert_others_have_all(daemon, bad, 6)
    assert_blamed(nvr, journal, bad, logins=1 + (info == -6))
    assert not (folder / "state/refusals.json").exists()


@pytest.mark.parametrize(("code", "counted"), [(-5, False), (-6, False), (-7, True), (-506, True)])
def test_a_refusal_of_everything_is_the_nvrs_and_counted_as_ever(  # noqa: PLR0917
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal, code: int, counted: bool
) -> None:
    furnish(nvr)
    for cmd in ("Snap", "GetDevInfo"):
        clock.at(at(4, 0.9), lambda cmd=cmd: nvr.misbehave(Kind.RSP_CODE, cmd=cmd, code=code))  # type: ignore[misc]
    daemon = run(nvr, folder, clock, DEFAULT, 8)
    assert {len(daemon.frames(folder_of(n))) for n in range(4)} == {4}
    (warning,) = journal.warnings()
    assert f"answered {code} " in warning
    assert (folder / "state/refusals.json").exists() == counted
    assert sum(one.cmd == "Login" for one in nvr.log) <= (5 if code == -6 else 2)


@pytest.mark.parametrize("code", [-6, -7])
def test_nor_is_it_asked_for_a_login_by_what_is_said_about_one_camera(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, code: int
) -> None:
    furnish(nvr)
    for cmd, channel in (("GetDevInfo", None), ("GetBatteryInfo", 1), ("GetEnc", 1), ("Snap", 1)):
        nvr.misbehave(Kind.RSP_CODE, cmd=cmd, channel=channel, code=code)
    daemon = run(nvr, folder, clock, DEFAULT, 6)
    assert_others_have_all(daemon, {1}, 6)
    assert sum(one.cmd == "Login" for one in nvr.log) <= (1 if code == -7 else 3)
    assert not (folder / "state/refusals.json").exists()


# Details about one camera


@pytest.mark.parametrize("cmd", ["GetBatteryInfo", "GetOsd"])
@pytest.mark.parametrize(
    "fault",
    [
        Misbehaviour(Kind.STATUS, status=404),
        Misbehaviour(Kind.CLOSE),
        Misbehaviour(Kind.GARBLED),
        *(Misbehaviour(Kind.RSP_CODE, code=code) for code in (-2, -5, -6, -7)),
    ],
    ids=name,
)
def test_whatever_is_answered_about_one_camera_keeps_no_other_from_starting(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, cmd: str, fault: Misbehaviour
) -> None:
    furnish(nvr)
    nvr.device.status_form = "oldest" if cmd == "GetOsd" else "newer"
    nvr.misbehave(Misbehaviour(**on(fault, 1).__dict__ | {"cmd": cmd}))
    daemon = run(nvr, folder, clock, DEFAULT, 5)
    assert_others_have_all(daemon, {1}, 5)
    assert sum(one.cmd == "Login" for one in nvr.log) == 1


# Faults of all cameras are the NVR's


OF_EVERY_SNAP = [
    Misbehaviour(Kind.STATUS, cmd="Snap", status=500),
    Misbehaviour(Kind.CLOSE, cmd="Snap"),
    Misbehaviour(Kind.RSP_CODE, cmd="Snap", code=-7),
    Misbehaviour(Kind.RSP_CODE, cmd="Snap", code=-2),
]


@pytest.mark.parametrize("fault", OF_EVERY_SNAP, ids=name)
def test_what_befalls_all_cameras_is_the_nvrs_and_capture_is_back_at_once(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal, fault: Misbehaviour
) -> None:
    furnish(nvr)
    clock.at(at(4, 0.9), lambda: nvr.misbehave(fault))
    clock.at(at(4, 10.1), lambda: nvr.behave(fault))
    daemon = run(nvr, folder, clock, DEFAULT, 44)
    for channel in range(4):
        after = [one.moment for one in daemon.frames(folder_of(channel)) if one.moment > at(4, 2)]
        assert after[0] <= at(4, 10.6)
    (warning,) = journal.warnings()
    assert "the NVR answers, but gives no picture of any camera" in warning
    assert "password" not in warning
    assert sum(one.cmd == "Login" for one in nvr.log) == 1


@pytest.mark.parametrize("fault", OF_EVERY_SNAP, ids=name)
def test_the_only_camera_is_named_while_the_nvr_answers_and_is_back_at_once(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal, fault: Misbehaviour
) -> None:
    furnish(nvr)
    clock.at(at(4, 0.9), lambda: nvr.misbehave(fault))
    clock.at(at(4, 10.1), lambda: nvr.behave(fault))
    config = CaptureConfig(interval=timedelta(seconds=15), channels=(2,))
    daemon = run(nvr, folder, clock, config, 44)
    after = [one.moment for one in daemon.frames(folder_of(2)) if one.moment > at(4, 2)]
    assert after[0] <= at(4, 10.6)
    assert_blamed(nvr, journal, {2})
    (warning,) = journal.warnings()
    assert "is at fault: " in warning
    assert "restart the camera" in warning
    missing = daemon.record().missing(folder_of(2), at(4, 10))
    assert set(missing) <= {"no picture", "not running"}
    assert missing["no picture"] >= 30


@pytest.mark.parametrize("channels", [(), (2,)])
def test_a_session_that_ends_in_the_middle_of_a_round_costs_no_frame(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, channels: tuple[int, ...]
) -> None:
    furnish(nvr)
    for seconds in (30.4, 75.9, 121.4, 167.0):
        clock.at(at(4) + timedelta(seconds=seconds), lambda: nvr.reboot(down_seconds=0))
    config = CaptureConfig(interval=timedelta(seconds=15), channels=channels)
    daemon = run(nvr, folder, clock, config, 16)
    assert_others_have_all(daemon, set(range(4)) - set(channels or range(4)), 16)
    assert sum(one.cmd == "Login" for one in nvr.log) == 5


def test_firmware_that_answers_getdevinfo_to_anybody_is_logged_in_to_anew(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    """So a lost token does not show there, but in that all snapshots are refused."""
    furnish(nvr)
    faults = [Misbehaviour(Kind.RSP_CODE, cmd="Snap", channel=n, code=-6) for n in range(4)]
    for fault in faults:
        clock.at(at(4, 0.9), lambda fault=fault: nvr.misbehave(fault))  # type: ignore[misc]

    def heal() -> None:
        if sum(one.cmd == "Login" for one in nvr.log) == 2:
            for fault in faults:
                nvr.behave(fault)

    for second in range(60, 300):
        clock.at(at(4) + timedelta(seconds=second), heal)
    daemon = run(nvr, folder, clock, DEFAULT, 20)
    assert min(len(daemon.frames(folder_of(n))) for n in range(4)) >= 16
    assert sum(one.cmd == "Login" for one in nvr.log) == 2


def test_a_lost_session_is_replaced_though_nothing_else_is_answered(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    furnish(nvr)
    nvr.misbehave(Kind.STATUS, cmd="GetDevInfo")
    clock.at(at(4, 1.1), lambda: nvr.reboot(down_seconds=0))
    daemon = run(nvr, folder, clock, DEFAULT, 20)
    assert min(len(daemon.frames(folder_of(n))) for n in range(4)) >= 17
    assert sum(one.cmd == "Login" for one in nvr.log) == 2


def test_a_camera_that_takes_the_nvr_down_each_time_is_found_out(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    """Nobody is answered for 3 s after its Snap."""
    furnish(nvr)
    crash = Misbehaviour(Kind.CLOSE, lasts=3)
    nvr.misbehave(Kind.CLOSE, cmd="Snap", channel=0)
    nvr.observer = lambda one: nvr._recorder.misbehave(crash) if one.channel == 0 else None
    daemon = run(nvr, folder, clock, DEFAULT, 60)
    counts = [len(daemon.frames(folder_of(n))) for n in range(1, 4)]
    assert min(counts) >= 56
    assert sum(one.cmd == "Login" for one in nvr.log) == 1
