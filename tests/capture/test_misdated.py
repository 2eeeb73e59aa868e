"""Frames of a time that has not come, left by a clock that was wrong before a restart."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from reolink_timelapsed.frame import Frame, Video
from reolink_timelapsed.schedule import Window
from reolink_timelapsed.simulator import SimulatedNvr
from reolink_timelapsed.storage.coverage import DayRecord, record_path
from reolink_timelapsed.storage.sidecar import read
from tests.support import DAY, START, Clockwork, Daemon, Journal, at, build

FRONT, YARD = "ch0_Front_Door", "ch1_Yard"
AHEAD = [timedelta(minutes=6), timedelta(hours=7), timedelta(days=3), timedelta(days=3652)]


def put(daemon: Daemon, ahead: timedelta, camera: str = FRONT) -> Frame:
    moment = START + timedelta(minutes=20) + ahead
    return daemon.store.put_frame(camera, moment.date(), moment, b"a picture")


def apart(daemon: Daemon, camera: str = FRONT) -> list[str]:
    home = daemon.store.root / "frames" / camera / "misdated"
    return sorted(path.name for path in home.iterdir()) if home.exists() else []


@pytest.fixture
def daemon(nvr: SimulatedNvr, folder: Path, clock: Clockwork) -> Daemon:
    daemon = build(nvr, folder, clock)
    daemon.store.open()
    return daemon


def test_they_are_set_apart_and_told_of_once_the_clock_is_right(
    daemon: Daemon, nvr: SimulatedNvr, clock: Clockwork, journal: Journal
) -> None:
    """A time server answers at 4:10, when the NVR has not been heard for its clock."""
    old = put(daemon, timedelta(minutes=-40))
    names = sorted(put(daemon, ahead).path.name for ahead in AHEAD)
    other = put(daemon, AHEAD[-1], YARD)
    nvr.device.clock_never_set = True
    clock.right = False
    clock.after(20 * 60.0, lambda: setattr(clock, "right", True))
    seen: list[list[str]] = []
    clock.after(19 * 60.0, lambda: seen.append(apart(daemon)))
    daemon.run(until=at(4, 19.9))
    assert seen == [[]], "nobody knew then"
    assert apart(daemon) == names
    assert apart(daemon, YARD) == [other.path.name]
    assert old.path.exists()
    assert daemon.store.frame_days(FRONT) == [DAY]
    told = [text for text in journal.warnings() if "misdated" in text]
    assert len(told) == 2
    assert "4 frames" in told[0]
    assert str(daemon.store.root / "frames" / FRONT / "misdated") in told[0]
    assert [one.moment for one in daemon.frames() if one.moment > at(4)]


def test_those_of_the_next_minutes_stay(daemon: Daemon, journal: Journal) -> None:
    frame = put(daemon, timedelta(minutes=-7))
    daemon.run(until=at(4, 9.9))
    assert frame.path.exists()
    assert journal.warnings() == []


def test_a_film_of_them_and_the_record_of_their_day_go(daemon: Daemon) -> None:
    """Else the film of that day, when it comes, would seem to be finished."""
    frame = put(daemon, timedelta(days=3))
    day = frame.moment.date()
    sidecar = daemon.store.sidecar_path(FRONT, day)
    film = {"format": 1, "frames": {"captured": 1}, "videos": {}}
    daemon.store.write_json(sidecar, film)
    video = daemon.store.video_path(Video(FRONT, day))
    daemon.store.write(video, b"a film")
    window = Window(frame.moment, frame.moment + timedelta(hours=1), day)
    record = record_path(daemon.store, day)
    daemon.store.write_json(record, DayRecord(window, timedelta(minutes=1)).to_json())
    daemon.run(until=at(4, 4.9))
    assert read(sidecar) is None
    assert not video.exists()
    assert not record.exists()
    assert apart(daemon) == [frame.path.name]


def test_what_cannot_be_moved_keeps_no_other(daemon: Daemon, journal: Journal) -> None:
    """A file is in the place of the folder."""
    stuck = put(daemon, AHEAD[2])
    put(daemon, AHEAD[2], YARD)
    (daemon.store.root / "frames" / FRONT / "misdated").touch()
    daemon.run(until=at(4, 4.9))
    assert stuck.path.exists()
    assert len(apart(daemon, YARD)) == 1
    assert any("misdated" in text and "left out" in text for text in journal.warnings())
    assert len(daemon.frames()) == 5
