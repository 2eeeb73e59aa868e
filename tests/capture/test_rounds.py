"""Rounds over the cameras: what becomes of every answer to Snap, and who pays for a bad channel."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from reolink_timelapsed.config.settings import CaptureConfig
from reolink_timelapsed.media.jpeg import picture_size
from reolink_timelapsed.simulator import Kind, Misbehaviour, SimulatedCamera, SimulatedNvr
from reolink_timelapsed.simulator.device.codes import DETAILS
from tests.support import Clockwork, Daemon, Journal, at, build, build_session, cameras

FRONT, YARD = "ch0_Front_Door", "ch1_Yard"
SHORT = 1.0
"""Seconds of real time for answers that never come; the others must come sooner."""

REFUSED = [
    Misbehaviour(Kind.EMPTY),
    Misbehaviour(Kind.TINY),
    Misbehaviour(Kind.NO_END),
    Misbehaviour(Kind.CUT),
    Misbehaviour(Kind.CHUNKED_CUT),
    Misbehaviour(Kind.UNTIL_CLOSE_CUT),
    Misbehaviour(Kind.NOISE),
    Misbehaviour(Kind.GARBLED, cmd="Snap"),
    Misbehaviour(Kind.ENDLESS),
    Misbehaviour(Kind.RESET_HALF, cmd="Snap"),
    *(
        Misbehaviour(kind, content_type=label)
        for kind in (Kind.JSON_LABELLED, Kind.HTML_LABELLED)
        for label in ("image/jpeg", "application/json", "text/html", None)
    ),
]
TAKEN = [
    Misbehaviour(Kind.PADDED),
    Misbehaviour(Kind.CHUNKED),
    Misbehaviour(Kind.UNTIL_CLOSE),
    Misbehaviour(Kind.RELABELLED, content_type="text/html"),
    Misbehaviour(Kind.RELABELLED, content_type=None),
    Misbehaviour(Kind.SIZE, width=640, height=352),
    Misbehaviour(Kind.DELAY, cmd="Snap", seconds=5),
]
HANGING = [
    Misbehaviour(Kind.SILENCE, cmd="Snap"),
    Misbehaviour(Kind.HANG, cmd="Snap"),
    Misbehaviour(Kind.HANG_HALF, cmd="Snap"),
    Misbehaviour(Kind.DEAD),
]


OF_NO_CONCERN = (
    -28,
    -29,
    -30,
    -32,
    *range(-45, -33),
    -221,
    -222,
    *range(-454, -450),
    *range(-485, -479),
)
"""Codes about users, cloud, mail and the like: one stands for all."""

LOST = {
    **dict.fromkeys([-1, -3, -4, -9, -22, -23, -24, -26, -49], 30),  # asked again after an hour
    -99: 3,  # asked again after minutes
}
"""Frames that two of these codes cost at one in two minutes; all others cost one or none."""


def on(fault: Misbehaviour, channel: int, times: int | None = None) -> Misbehaviour:
    return Misbehaviour(**fault.__dict__ | {"channel": channel, "times": times})


def name(fault: Misbehaviour) -> str:
    return "-".join(str(value) for value in fault.to_json().values())


def moments(daemon: Daemon, camera: str) -> list[datetime]:
    return [frame.moment for frame in daemon.frames(camera)]


def assert_all_whole(daemon: Daemon) -> None:
    for camera in daemon.store.camera_folders():
        for frame in daemon.frames(camera):
            assert picture_size(frame.path.read_bytes())


# Whatever Snap answers


@pytest.mark.parametrize("fault", REFUSED, ids=name)
def test_what_is_no_whole_picture_is_not_stored_and_asked_for_again(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, fault: Misbehaviour
) -> None:
    daemon = build(nvr, folder, clock)
    clock.at(at(4, 1.5), lambda: nvr.misbehave(on(fault, 0, times=1)))
    daemon.run(until=at(4, 4.5))
    assert len(daemon.frames(FRONT)) == len(daemon.frames(YARD)) == 5
    assert len([one for one in nvr.log if one.cmd == "Snap"]) == 11
    assert_all_whole(daemon)


@pytest.mark.parametrize("fault", [one for one in REFUSED if one.kind != Kind.ENDLESS], ids=name)
def test_a_camera_that_never_gives_a_whole_picture_leaves_the_others_theirs(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal, fault: Misbehaviour
) -> None:
    nvr.misbehave(on(fault, 0))
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(4, 29.5))
    assert daemon.frames(FRONT) == []
    assert len(daemon.frames(YARD)) == 30
    assert daemon.record().missing(FRONT, at(4, 29.5)) in (
        {"damaged picture": 30},
        {"no picture": 30},
    )
    assert len(journal.warnings()) == 1
    assert f"{FRONT} gives no pictures" in journal.warnings()[0]


@pytest.mark.parametrize("fault", TAKEN, ids=name)
def test_whole_pictures_are_stored_however_they_come(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, fault: Misbehaviour
) -> None:
    nvr.misbehave(on(fault, 0))
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(4, 4.5))
    assert len(daemon.frames(FRONT)) == len(daemon.frames(YARD)) == 5
    assert_all_whole(daemon)


@pytest.mark.parametrize("fault", HANGING, ids=name)
def test_a_camera_that_hangs_costs_the_others_nothing_but_once(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal, fault: Misbehaviour
) -> None:
    session = build_session(nvr, folder / "state", clock, timeout=SHORT)
    daemon = build(nvr, folder, clock, session=session)
    clock.at(at(4, 2.5), lambda: nvr.misbehave(on(fault, 0)))
    daemon.run(until=at(4, 19.5))
    assert len(daemon.frames(FRONT)) == 3
    assert len(daemon.frames(YARD)) == 20
    # A probe after 1, 2, 4, 8 minutes, and then each 10: none of them before the others' turn.
    assert sum(one.cmd == "Snap" and one.channel == 0 for one in nvr.log) <= 3 + 5
    assert len(journal.warnings()) == 1


def test_a_fault_that_hits_every_camera_is_told_in_one_line(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal
) -> None:
    nvr.cameras = cameras(*(f"Camera {number}" for number in range(16)))
    clock.at(at(5), lambda: nvr.misbehave(Kind.OFFLINE, lasts=7200))
    daemon = build(nvr, folder, clock, CaptureConfig(interval=timedelta(minutes=2)))
    daemon.run(until=at(8))
    assert len(journal.warnings()) == 1
    assert "ch15_Camera_15 give no pictures" in journal.warnings()[0]
    assert "other cameras" not in journal.warnings()[0], "there may be none that give any"
    assert sum("give pictures again after 2 h" in text for text in journal.texts) <= 2


@pytest.mark.parametrize("code", sorted({*DETAILS} - {*OF_NO_CONCERN[1:]}))
def test_any_code_in_answer_to_a_snapshot(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, code: int
) -> None:
    """Two of them pass and leave no harm behind, whatever they mean."""
    daemon = build(nvr, folder, clock, CaptureConfig(interval=timedelta(minutes=2)))
    fault = Misbehaviour(Kind.RSP_CODE, cmd="Snap", code=code, times=2)
    clock.at(at(4, 1), lambda: nvr.misbehave(fault))
    daemon.run(until=at(5, 19))
    frames = daemon.frames(FRONT), daemon.frames(YARD)
    assert min(moments[-1].moment for moments in frames) > at(5, 17)
    assert 40 - min(map(len, frames)) <= LOST.get(code, 1)
    assert sum(one.cmd == "Login" for one in nvr.log) <= 5
    for camera in (FRONT, YARD):
        missing = daemon.record().missing(camera, at(5, 19))
        assert len(daemon.frames(camera)) + sum(missing.values()) == 40


# Retries and fairness


def test_a_busy_nvr_is_asked_again_within_the_tick(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    nvr.misbehave(Kind.RSP_CODE, cmd="Snap", code=-12, times=2)
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(4, 0.5))
    assert len(daemon.frames(FRONT)) == len(daemon.frames(YARD)) == 1
    assert sum(one.cmd == "Login" for one in nvr.log) == 1


def test_no_retry_where_the_tick_has_no_room_for_it(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    config = CaptureConfig(interval=timedelta(seconds=2))
    nvr.misbehave(Kind.RSP_CODE, cmd="Snap", channel=0, code=-12)
    daemon = build(nvr, folder, clock, config)
    daemon.run(until=at(4, 1))
    assert len(daemon.frames(YARD)) >= 28


def thirty_six_slow_ones() -> list[SimulatedCamera]:
    """Return cameras whose round takes 26 s."""
    made = cameras(*(f"Camera {number}" for number in range(36)))
    for camera in made:
        camera.latency = 0.25
    return made


def test_rounds_longer_than_the_interval_are_fair_and_told_once(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal
) -> None:
    nvr.cameras = thirty_six_slow_ones()
    config = CaptureConfig(interval=timedelta(seconds=15))
    daemon = build(nvr, folder, clock, config)
    daemon.run(until=at(4, 20))
    counts = {len(daemon.frames(folder)) for folder in daemon.store.camera_folders()}
    assert len(daemon.store.camera_folders()) == 36
    assert max(counts) - min(counts) <= 1
    assert min(counts) == 40
    (warning,) = journal.warnings()
    assert "takes 26 s, longer than the interval of 15 s: every camera gets a frame each 30 s" in (
        warning
    )
    ticks = [frame.moment.timestamp() for frame in daemon.frames("ch0_Camera_0")][1:]
    assert all(moment % 15 < 1 for moment in ticks)
    missing = daemon.record().missing("ch0_Camera_0", at(4, 20))
    assert missing["round too long"] == pytest.approx(40, abs=1)


def test_rounds_that_are_too_long_are_told_though_a_camera_is_off(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal
) -> None:
    nvr.cameras = thirty_six_slow_ones()
    nvr.cameras[7].snap_code = -17
    build(nvr, folder, clock, CaptureConfig(interval=timedelta(seconds=15))).run(until=at(4, 20))
    assert sum("longer than the interval of 15 s" in text for text in journal.warnings()) == 1


def test_a_hanging_nvr_does_not_make_one_camera_the_first_of_every_round(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    """A camera that takes the NVR down with it, as it seems, each time it is asked."""
    session = build_session(nvr, folder / "state", clock, timeout=SHORT)
    daemon = build(nvr, folder, clock, session=session)
    nvr.misbehave(Kind.SILENCE, cmd="Snap", channel=0)
    nvr.misbehave(Kind.SILENCE, cmd="GetDevInfo")
    daemon.run(until=at(4, 1.5))
    assert len(daemon.frames(YARD)) == 2


def test_snapshots_are_half_a_second_apart_in_every_round(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    nvr.cameras = cameras(*(f"Camera {number}" for number in range(8)))
    build(nvr, folder, clock).run(until=at(4, 10))
    starts = [request.started for request in nvr.log if request.cmd == "Snap"]
    assert min(after - before for before, after in pairwise(starts)) == pytest.approx(0.5)


def test_the_size_of_the_pictures_is_told_when_it_changes(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal
) -> None:
    change = Misbehaviour(Kind.SIZE, width=640, height=352)
    clock.at(at(4, 4.5), lambda: nvr.misbehave(on(change, 0)))
    build(nvr, folder, clock).run(until=at(4, 9.5))
    assert journal.texts[2:] == [
        f"{FRONT}, {YARD}: pictures of 256x144",
        f"{FRONT}: pictures of 640x352, before 256x144",
    ]


# A clock that is set back


def test_frames_stay_in_order_and_none_is_overwritten(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    daemon = build(nvr, folder, clock)
    clock.at(at(5, 0.5), lambda: clock.step(-1800))
    daemon.run(until=at(6))
    frames = daemon.frames(FRONT)
    taken = sorted(frames, key=lambda frame: frame.path.stat().st_mtime_ns)
    assert taken == frames
    assert len(frames) == len([one for one in nvr.log if one.cmd == "Snap" and one.channel == 0])
