"""An entry that is not what its name says costs itself alone: no film, no camera, no command."""

from __future__ import annotations

import io
import json
import os
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reolink_timelapsed.capture import day_log
from reolink_timelapsed.config.settings import StorageConfig
from reolink_timelapsed.errors import StoreError
from reolink_timelapsed.schedule import Window
from reolink_timelapsed.simulator import SimulatedNvr
from reolink_timelapsed.status import command
from reolink_timelapsed.storage import retention
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system.clock import JumpingClock
from tests.films import AFTER, CONFIG, DAY, FOLDER, at, fill, make, minutes, numbers, sidecar, video
from tests.odd import KINDS, Make, a_folder, a_link_out, a_pipe, a_terabyte, immutable, plant
from tests.support import Clockwork, Journal, build
from tests.support import at as moment

YARD = "ch1_Yard"
WINDOW = Window(at(4), at(22), DAY)
STORAGE = StorageConfig(keep_daily_frame=None)


def fill_both(root: Path, count: int = 4) -> None:
    for folder in (FOLDER, YARD):
        fill(root, minutes(at(4), count), folder=folder)


def status(root: Path, now: Any = AFTER) -> str:
    out = io.StringIO()
    command.run(
        CONFIG,
        Store(root, "status"),
        JumpingClock(now),
        zone=UTC,
        runtime=root / "run",
        by_hand=root / ".state",
        as_json=False,
        out=out,
    )
    return out.getvalue()


def pruned(root: Path) -> retention.PruneReport:
    clock = JumpingClock(AFTER + timedelta(days=3))
    return retention.run(Store(root, "prune"), STORAGE, clock, zone=UTC)


def test_odd_frames_are_left_out_of_the_film_and_told_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    frames = fill(tmp_path, minutes(at(4), 12))
    for kind, frame in zip(KINDS, frames[1:], strict=False):
        plant(kind, frame.path)
    home = frames[0].path.parent
    for name in ("00010101T000000.000Z.jpg", "99991231T235959.999Z.jpg"):
        (home / name).write_bytes(frames[0].path.read_bytes())
    left = [number for number in range(12) if number not in range(1, 1 + len(KINDS))]
    assert make(tmp_path).failures == []
    assert numbers(video(tmp_path)) == left
    for frame in frames[1 : 1 + len(KINDS)]:
        assert [text for text in caplog.messages if frame.path.name in text]
    assert FOLDER in status(tmp_path)
    pruned(tmp_path)
    assert video(tmp_path).exists()


def places(root: Path) -> list[Path]:
    """Return what else may be another thing than it is called, of one camera and of its day."""
    segment = Store(root, "test").segments_home(FOLDER, DAY) / "20261122T04Z"
    return [
        root / "coverage" / f"{DAY}.json",
        segment.with_suffix(".json"),
        segment.with_name(f"{segment.name}_full.mp4"),
        video(root),
        video(root).with_suffix(".json"),
        video(root).with_name("latest.mp4"),
        root / "videos" / FOLDER / f"timelapse_{FOLDER}_9999-12-31.mp4",
        root / "frames" / FOLDER / "0001-01-01",
        root / "frames" / "ch7_Odd",
        root / "run" / "status.json",
    ]


@pytest.mark.parametrize("kind", [a_pipe, a_folder, a_link_out, a_terabyte])
def test_whatever_stands_in_a_place_of_one_camera_the_other_has_its_film(
    tmp_path: Path, kind: Make
) -> None:
    fill_both(tmp_path)
    for path in places(tmp_path):
        plant(kind, path)
    made = make(tmp_path)
    assert len(numbers(video(tmp_path, folder=YARD))) == 4
    if kind is a_folder:  # what is inside may be somebody's
        assert made.failures
        assert all("move it away" in text for text in made.failures)
        assert (video(tmp_path) / "inside").is_dir()
    else:
        assert made.failures == []
        assert len(numbers(video(tmp_path))) == 4
        assert sidecar(tmp_path)["frames"]["used"] == 4
    assert YARD in status(tmp_path)
    assert (YARD, DAY) in pruned(tmp_path).frames
    assert Path("/etc/passwd").stat().st_size > 10


def test_frames_that_cannot_be_deleted_keep_no_other(tmp_path: Path) -> None:
    fill_both(tmp_path, 12)
    make(tmp_path)
    store = Store(tmp_path, "capture")
    stuck = store.frames(FOLDER, DAY)[3].path
    with immutable(stuck):
        with pytest.raises(StoreError, match=r"040300.*immutable.*all the rest was removed"):
            pruned(tmp_path)
        assert [frame.path for frame in store.frames(FOLDER, DAY)] == [stuck]
        assert store.frames(YARD, DAY) == []
        retention.make_room(store, STORAGE, zone=UTC, enough=lambda: False)
    assert pruned(tmp_path).frames == [(FOLDER, DAY)]


def test_a_leftover_that_cannot_be_deleted_keeps_no_store_closed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(tmp_path, "capture")
    store.open()
    stuck = store.work_path("stuck")
    stuck.touch()
    with immutable(stuck):
        for _ in range(3):
            store.open()
        fill(tmp_path, [at(4)])
    assert len([text for text in caplog.messages if str(stuck) in text]) == 1


@pytest.mark.parametrize("kind", [a_pipe, a_link_out])
def test_one_cameras_folder_costs_the_others_no_frame(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal, kind: Make
) -> None:
    daemon = build(nvr, folder, clock)
    blocked = folder / "data" / "frames" / "ch0_Front_Door"
    plant(kind, blocked)
    clock.at(moment(4, 5.5), blocked.unlink)
    daemon.run(until=moment(4, 9.5))
    assert len(daemon.frames(YARD)) == 10
    assert len(daemon.frames()) == 4
    assert daemon.record().missing("ch0_Front_Door", moment(4, 9.5))["disk"] == 6
    (line,) = journal.warnings()
    assert "the pictures of ch0_Front_Door are lost" in line
    assert "a file is in the place of a folder; the other cameras go on" in line
    again = "the pictures of ch0_Front_Door are stored again after"
    assert [text for text in journal.texts if text.startswith(again)]


def test_the_daemons_state_files_are_made_anew_whatever_they_were(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    build(nvr, folder, clock).run(until=moment(4, 1.5))
    for kind in (a_pipe, a_terabyte, a_link_out):
        for name in ("session.json", "refusals.json", "data-folder.json", ".session.json.part"):
            plant(kind, folder / "state" / name)
        plant(kind, folder / "data" / "coverage" / f"{moment(4).date()}.json")
        daemon = build(nvr, folder, clock)
        daemon.run(until=clock.now() + timedelta(minutes=3))
    assert len(daemon.frames()) >= 9
    for path in (folder / "state").glob("session.json"):
        assert not path.is_symlink()


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**400), 10**400)
    | st.floats()
    | st.sampled_from(["", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "../x", "\0"])
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def damaged(data: st.DataObject, value: Any) -> Any:
    """Return a JSON value in which one thing, at any depth, is another."""
    keys = list(value) if isinstance(value, dict) else list(range(len(value)))
    key = data.draw(st.sampled_from(keys))
    inner = value[key]
    deeper = isinstance(inner, dict | list) and inner and data.draw(st.booleans())
    copy = value.copy()
    copy[key] = damaged(data, inner) if deeper else data.draw(JUNK)
    return copy


@pytest.fixture(scope="module")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a published day, one under way with a segment, and a daemon's state."""
    root = tmp_path_factory.mktemp("filmed")
    fill(root, minutes(at(10), 3))
    today = AFTER.date()
    fill(root, minutes(at(10, day=today), 3), day=today, first=4)
    store = Store(root, "stitch")
    keeper = day_log.Ledger(store)
    day = keeper.open(WINDOW, CONFIG.capture.interval, at(10))
    keeper.join(at(10))
    day.miss_rounds("NVR unreachable", 3)
    day.camera(FOLDER).miss("offline")
    keeper.save()
    make(root)
    state = {"state": "well", "since": AFTER.isoformat(), "logged_in": True, "pause": ""}
    (root / "run").mkdir()
    (root / "run" / "status.json").write_text(json.dumps(state | {"day": day.to_json()}))
    return root


@settings(max_examples=25)
@given(st.data())
def test_no_json_of_ours_can_end_a_command_in_a_traceback(
    filmed: Path, data: st.DataObject
) -> None:
    paths = sorted(path for path in filmed.rglob("*.json") if ".work" not in path.parts)
    path = data.draw(st.sampled_from(paths))
    whole = path.read_bytes()
    try:
        path.write_text(json.dumps(damaged(data, json.loads(whole))))
        status(filmed)
        make(filmed, dry_run=True, force=True)
        clock = JumpingClock(AFTER + timedelta(days=3))
        retention.run(Store(filmed, "prune"), STORAGE, clock, zone=UTC, dry_run=True)
    finally:
        path.unlink()
        path.write_bytes(whole)


def test_a_time_out_of_all_time_is_no_reason_to_stop(tmp_path: Path) -> None:
    fill_both(tmp_path)
    abandoned = tmp_path / "segments" / FOLDER / f"{DAY}_0123abcd"
    abandoned.mkdir(parents=True)
    frames = Store(tmp_path, "test").frames(FOLDER, DAY)
    for path in (abandoned, *(frame.path for frame in frames)):
        for year in (-1, 9999):
            os.utime(path, (0, (year - 1970) * 31_556_952))
    assert FOLDER in status(tmp_path)
    assert make(tmp_path).failures == []
    assert len(pruned(tmp_path).frames) == 2
