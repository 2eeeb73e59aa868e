"""Frames on disk: whole or not there, never written over, durable at every moment."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest

from reolink_timelapsed.errors import StoreError
from reolink_timelapsed.frame import Camera, Video
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system.reading import read_state
from reolink_timelapsed.system.writing import beside, saving, write_beside, write_state
from tests.support import DAY, at

YARD = "ch1_Yard"


def test_frames_come_back_in_the_order_of_time(store: Store) -> None:
    for minute in (5, 1, 3):
        store.put_frame(YARD, DAY, at(4, minute), b"picture")
    frames = store.frames(YARD, DAY)
    assert [frame.moment for frame in frames] == [at(4, 1), at(4, 3), at(4, 5)]
    assert frames[0].path == store.root / "frames/ch1_Yard/2026-11-22/20261122T040100.000Z.jpg"
    assert frames[0].path.read_bytes() == b"picture"


def test_a_video_that_another_disk_does_not_take_leaves_nothing_there(
    store: Store, tmp_path: Path
) -> None:
    made = store.work_path("full.mp4")
    made.parent.mkdir(parents=True, exist_ok=True)
    made.write_bytes(b"film")
    if made.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("there is one disk here alone")
    there = tmp_path / "videos" / "full.mp4"
    (there / "in the way").mkdir(parents=True)
    with pytest.raises(StoreError):
        store.publish(made, there)
    assert list(there.parent.iterdir()) == [there]
    there = tmp_path / "other.mp4"
    store.publish(made, there)
    assert there.read_bytes() == b"film"
    assert not made.exists()


def test_a_name_that_is_taken_is_not_written_over(store: Store) -> None:
    for number in range(3):
        store.put_frame(YARD, DAY, at(4), b"%d" % number)
    frames = store.frames(YARD, DAY)
    assert [frame.path.read_bytes() for frame in frames] == [b"0", b"1", b"2"]
    assert frames[2].moment - frames[0].moment == timedelta(milliseconds=2)


def test_the_mode_follows_the_umask(store: Store) -> None:
    before = os.umask(0o027)
    try:
        frame = store.put_frame(YARD, DAY, at(4), b"picture")
    finally:
        os.umask(before)
    assert stat.S_IMODE(frame.path.stat().st_mode) == 0o640


def test_leftovers_are_swept_and_never_seen(store: Store) -> None:
    store.put_frame(YARD, DAY, at(4), b"picture")
    torn = store.work_path("20261122T040100.000Z.jpg")
    torn.write_bytes(b"half a pic")
    assert len(store.frames(YARD, DAY)) == 1
    Store(store.root, "stitch").open()
    assert torn.exists()  # not his
    Store(store.root, "capture").open()
    assert not torn.exists()


def test_foreign_files_are_no_frames(store: Store) -> None:
    store.put_frame(YARD, DAY, at(4), b"picture")
    home = store.frames_home(YARD, DAY)
    for name in ("Thumbs.db", ".20261122T040100.000Z.jpg", "20261122T040100.000Z.jpg.part"):
        (home / name).touch()
    (store.root / "frames" / "lost+found").mkdir()
    (store.root / "frames" / YARD / "notes").mkdir()
    assert len(store.frames(YARD, DAY)) == 1
    assert store.camera_folders() == [YARD]
    assert store.frame_days(YARD) == [DAY]


def test_an_empty_store_has_nothing(store: Store) -> None:
    assert store.camera_folders() == []
    assert store.frames(YARD, DAY) == []
    assert store.frame_days(YARD) == []
    assert store.newest_frame(YARD) is None
    assert store.recent_cameras(DAY) == []


def test_cameras_in_the_order_of_their_channels(store: Store) -> None:
    for folder in ("ch10_A", "ch2_B", "ch2_A"):
        store.put_frame(folder, DAY, at(4), b"picture")
    assert store.camera_folders() == ["ch2_A", "ch2_B", "ch10_A"]


def test_the_latest_camera_of_each_channel(store: Store) -> None:
    yesterday, long_ago = DAY - timedelta(days=1), date(2026, 1, 1)
    store.put_frame("ch0_Old", yesterday, at(-20), b"picture")
    store.put_frame("ch0_New", DAY, at(4), b"picture")
    store.put_frame("ch1_Gone", long_ago, at(4), b"picture")
    assert store.recent_cameras(yesterday) == [Camera(0, "New")]
    newest = store.newest_frame("ch0_New")
    assert newest
    assert newest.moment == at(4)


@pytest.mark.parametrize("place", ["", "frames", "frames/ch1_Yard/2026-11-22"])
def test_faults_are_named_by_the_remedy(folder: Path, place: str) -> None:
    store = Store(folder / "data", "capture")
    (folder / "data" / place).parent.mkdir(parents=True, exist_ok=True)
    (folder / "data" / place).write_text("in the way")

    def use() -> None:
        store.open()
        store.put_frame(YARD, DAY, at(4), b"picture")

    with pytest.raises(StoreError, match="a file is in the place of a folder"):
        use()


def test_a_folder_that_vanishes_is_not_made_again(store: Store) -> None:
    """Its disk may have been pulled out; the bare mount point must not be filled."""
    (store.root / ".work" / "capture").rmdir()
    with pytest.raises(StoreError, match="vanished"):
        store.put_frame(YARD, DAY, at(4), b"picture")
    assert store.frames(YARD, DAY) == []


WRITER = """
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from reolink_timelapsed.storage.store import Store

store = Store(Path(sys.argv[1]), "capture")
store.open()
moment, day = datetime(2026, 11, 22, 4, tzinfo=UTC), date(2026, 11, 22)
print("ready", flush=True)
while True:
    store.put_frame("ch1_Yard", day, moment, bytes([moment.second]) * 300_000)
    moment += timedelta(seconds=1)
"""


def test_a_kill_in_the_middle_of_writing_leaves_whole_frames_only(folder: Path) -> None:
    store = Store(folder / "data", "capture")
    for number in range(8):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(store.root)], stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout
            assert writer.stdout.readline() == b"ready\n"
            while len(store.frames(YARD, DAY)) <= 3 * number:
                pass
            writer.kill()
    frames = store.frames(YARD, DAY)
    assert len(frames) > 20
    assert {frame.path.stat().st_size for frame in frames} == {300_000}
    for frame in frames:
        assert len(set(frame.path.read_bytes())) == 1


@pytest.mark.parametrize("error", [OSError, StoreError, ValueError, KeyboardInterrupt])
@pytest.mark.parametrize("at_once", [False, True])
def test_whatever_ends_the_writing_of_a_file_leaves_what_had_its_name(
    tmp_path: Path, error: type[BaseException], *, at_once: bool
) -> None:
    path = tmp_path / "state.json"
    for there in ([], [path]):
        for one in there:
            one.write_bytes(b"whole")
        part = beside(path)
        part.write_bytes(b"left by a kill, and longer than what comes")
        ends = pytest.raises(StoreError if error is OSError else error)
        with ends, saving(path, part, at_once=at_once) as file:
            file.write(b"half")
            raise error
        assert list(tmp_path.iterdir()) == there
        assert [one.read_bytes() for one in there] == [b"whole"] * len(there)


def test_what_is_written_for_ourselves_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "new" / "state.json"
    for value in ({"since": None, "names": ["Tür"]}, {}):
        write_state(path, value)
        assert read_state(path) == value
        assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_private_files_have_exactly_their_mode(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secret.json"
    for text in (b"1", b"2"):
        write_beside(path, text, 0o600)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.read_bytes() == text
    assert list(path.parent.iterdir()) == [path]


def test_a_video_of_another_camera_is_none_of_this_one(store: Store) -> None:
    """Somebody copied it there: neither is it shown as this camera's, nor does it ever go."""
    for folder in ("ch0_Front", YARD):
        path = store.root / "videos" / YARD / Video(folder, DAY).name
        store.write(path, b"film")
    assert store.videos(YARD) == [Video(YARD, DAY)]


def test_what_is_free_is_counted_in_bytes_and_in_files(store: Store) -> None:
    free = store.free()
    assert free.bytes == store.free_bytes() > 0
    assert free.files is None or free.files > 0


def test_a_trial_leaves_nothing(store: Store) -> None:
    before = store.disk_time()
    store.try_to_write(1000)
    assert store.disk_time() >= before
    assert list((store.root / ".work" / "capture").iterdir()) == []


def test_a_work_folder_that_is_a_link_is_not_emptied(store: Store, tmp_path: Path) -> None:
    (tmp_path / "precious").touch()
    work = store.root / ".work" / "stitch"
    work.symlink_to(tmp_path)
    with pytest.raises(StoreError, match="stitch is a link"):
        Store(store.root, "stitch").open()
    assert (tmp_path / "precious").exists()
