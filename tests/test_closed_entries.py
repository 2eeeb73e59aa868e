"""What this user may not read or pass costs itself alone: no other camera, no frame, no command."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from reolink_timelapsed.config.settings import StorageConfig
from reolink_timelapsed.errors import StoreError
from reolink_timelapsed.frame import Camera
from reolink_timelapsed.simulator import SimulatedNvr
from reolink_timelapsed.storage import retention
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system.privileges import User, acting_as
from tests.conftest import MEMORY
from tests.films import AFTER, DAY, FOLDER, at, fill, make, minutes, numbers, sidecar, video
from tests.support import Clockwork, Journal, build
from tests.support import at as moment
from tests.test_odd_entries import YARD, pruned, status

SOMEBODY = User(65534, 65534)
OLD = "ch0_Old"
SEGMENT = f"segments/{FOLDER}/{DAY}/20261122T04Z"
FRAME = f"frames/{FOLDER}/{DAY}/20261122T040100.000Z.jpg"


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder of somebody's, who acts here meanwhile: to root nothing is closed."""
    with TemporaryDirectory(dir=MEMORY) as name:
        if os.geteuid() != 0:
            yield Path(name)
            return
        os.chown(name, SOMEBODY.uid, SOMEBODY.gid)
        with acting_as(SOMEBODY):
            yield Path(name)


@contextmanager
def closed(path: Path, mode: int = 0) -> Iterator[None]:
    """Close what is there, or a file in its place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_text("{}")
    before = path.stat().st_mode
    path.chmod(mode)
    try:
        yield
    finally:
        if path.exists():
            path.chmod(before)


@pytest.mark.parametrize(
    ("name", "left"),
    [
        (f"coverage/{DAY}.json", [0, 1, 2, 3]),
        (f"{SEGMENT}.json", [0, 1, 2, 3]),
        (f"{SEGMENT}_full.mp4", [0, 1, 2, 3]),
        (f"frames/{OLD}", [0, 1, 2, 3]),
        (f"frames/{OLD}/{DAY}", [0, 1, 2, 3]),
        (FRAME, [0, 2, 3]),
        (f"frames/{FOLDER}", []),
        (f"videos/{FOLDER}", []),
    ],
)
def test_what_is_closed_costs_no_film_but_its_own(home: Path, name: str, left: list[int]) -> None:
    for folder in (FOLDER, YARD, OLD):
        fill(home, minutes(at(4), 4), folder=folder)
    (home / "videos" / FOLDER).mkdir()
    with closed(home / name):
        failures = make(home).failures
        assert len(numbers(video(home, folder=YARD))) == 4
        assert YARD in status(home)
        assert all(name.rpartition(f"/{DAY}")[0] in text for text in failures)
        if left:
            assert numbers(video(home)) == left
            assert sidecar(home)["frames"]["used"] == len(left)
        is_done = len(left) == 4 and OLD not in name
        with nullcontext() if is_done else pytest.raises(StoreError, match=rf"{home}"):
            pruned(home)
        assert Store(home, "test").frames(YARD, DAY) == []


def test_a_frame_that_nobody_could_read_is_not_removed(home: Path) -> None:
    fill(home, minutes(at(4), 4))
    with closed(home / FRAME):
        make(home)
        with pytest.raises(StoreError, match=rf"(?s){FRAME}.*sudo chown .*stitch --date {DAY}"):
            pruned(home)
        assert len(Store(home, "test").frames(FOLDER, DAY)) == 4
    make(home, day=DAY, force=True)
    assert numbers(video(home)) == [0, 1, 2, 3]
    assert pruned(home).frames == [(FOLDER, DAY)]


def test_nor_is_a_day_of_which_nobody_could_read_any(home: Path) -> None:
    frames = fill(home, minutes(at(4), 4))
    with closed(frames[0].path.parent, 0o400):
        make(home)
    for frame in frames:
        frame.path.chmod(0)
    make(home)
    store = Store(home, "capture")
    retention.make_room(store, StorageConfig(), zone=UTC, enough=lambda: False)
    assert store.frames(FOLDER, DAY) == frames
    for frame in frames:
        frame.path.chmod(0o600)
    make(home, day=DAY, force=True)
    assert numbers(video(home)) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "name", [f"frames/{FOLDER}/{DAY}", f"frames/{FOLDER}", "coverage", f"videos/{FOLDER}"]
)
@pytest.mark.parametrize("mode", [0, 0o400])
def test_status_tells_of_the_rest(home: Path, name: str, mode: int) -> None:
    for folder in (FOLDER, YARD):
        fill(home, minutes(at(4), 4), folder=folder)
    (home / "videos" / FOLDER).mkdir()
    (home / "coverage").mkdir()
    with closed(home / name, mode):
        assert YARD in status(home, AFTER)


def test_a_record_that_is_closed_keeps_no_frame_from_being_taken(
    home: Path, nvr: SimulatedNvr, clock: Clockwork, journal: Journal
) -> None:
    build(nvr, home, clock).run(until=moment(4, 1.5))
    with closed(home / "data" / "coverage" / f"{DAY}.json"):
        daemon = build(nvr, home, clock)
        daemon.run(until=moment(4, 5.5))
        assert len(daemon.frames()) == 6
        (line,) = journal.warnings()
        assert f"coverage/{DAY}.json" in line
    assert daemon.record().cameras[FOLDER].captured == 6


def test_the_newest_frame_and_the_cameras_of_late_are_those_that_can_be_seen(home: Path) -> None:
    tomorrow = DAY + timedelta(days=1)
    store = Store(home, "test")
    for folder, day in ((FOLDER, DAY), (FOLDER, tomorrow), (YARD, DAY)):
        fill(home, minutes(at(4, day=day), 2), folder=folder, day=day)
    with closed(home / "frames" / FOLDER / str(tomorrow)):
        newest = store.newest_frame(FOLDER)
        assert newest
        assert newest.moment == at(4, 1)
    with closed(home / "frames" / FOLDER):
        assert store.newest_frame(FOLDER) is None
        assert store.recent_cameras(DAY) == [Camera(1, "Yard")]
    assert store.recent_cameras(tomorrow) == [Camera(0, "Front_Door")]
