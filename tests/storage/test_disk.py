"""Disks that are full, read-only or not mounted: on real ones, where this user may mount any."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from reolink_timelapsed.config.settings import StorageConfig
from reolink_timelapsed.media.jpeg import picture_size
from reolink_timelapsed.simulator import SimulatedNvr
from reolink_timelapsed.storage.disk import FEW_FILES, MARKER, RESUME_BYTES, RESUME_FILES
from tests.support import Clockwork, Daemon, Journal, at, build

FRONT = "ch0_Front_Door"
MB = 1_000_000
LARGE = 600 * MB
FREE_50_MB = StorageConfig(min_free_gb=0.05, keep_frames_days=0)


class Disk:
    """A disk in memory, mounted at the daemon's data folder."""

    def __init__(self, point: Path, size: str) -> None:
        self.point = point
        self._size = size
        point.mkdir()

    def mount(self) -> None:
        options = f"size={self._size},mode=755"
        command = ["mount", "-t", "tmpfs", "-o", options, "test", str(self.point)]
        if os.geteuid() or subprocess.run(command, check=False, capture_output=True).returncode:
            pytest.skip("only root can mount a small disk")

    def remount(self, how: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{how}", str(self.point)], check=True)

    def unmount(self) -> None:
        subprocess.run(["umount", "--lazy", str(self.point)], check=True)

    def leave(self, free: int) -> None:
        """Shrink or grow it so that so many bytes are free."""
        self.remount(f"size={shutil.disk_usage(self.point).used + max(free, 4096)}")

    def leave_files(self, free: int) -> None:
        """Let so many more files be made."""
        found = os.statvfs(self.point)
        self.remount(f"nr_inodes={found.f_files - found.f_ffree + free}")


@pytest.fixture
def disk(folder: Path) -> Iterator[Disk]:
    disk = Disk(folder / "data", "600m")
    disk.mount()
    yield disk
    if os.path.ismount(disk.point):
        disk.unmount()


def accounted(daemon: Daemon, minute: float) -> int:
    now = at(4, minute)
    return len(daemon.frames()) + sum(daemon.record().missing(FRONT, now).values())


def assert_nothing_torn(daemon: Daemon) -> None:
    for frame in daemon.frames():
        assert picture_size(frame.path.read_bytes())


def test_a_disk_that_is_full_in_the_middle_of_a_write_and_then_is_not(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal, disk: Disk
) -> None:
    for camera in nvr.cameras:
        camera.min_bytes = MB
    daemon = build(nvr, folder, clock)
    clock.at(at(4, 5.5), lambda: disk.leave(MB // 2))
    clock.at(at(4, 20.5), lambda: disk.leave(LARGE))
    daemon.run(until=at(4, 23.5))
    assert_nothing_torn(daemon)
    taken = [round((one.moment - at(4)).total_seconds() / 60) for one in daemon.frames()]
    assert taken[:6] == [0, 1, 2, 3, 4, 5]
    assert taken[6] in (21, 22)
    assert accounted(daemon, 23.5) == 24
    assert daemon.record().missing(FRONT, at(4, 23.5))["disk"] >= 15
    (told,) = (text for text in journal.warnings() if "the disk is small" not in text)
    assert "the disk is full: free some space" in told
    assert any("the disk takes frames again after" in text for text in journal.texts)
    assert clock.longest_sleep <= 5


def test_a_full_disk_at_the_start_does_not_end_the_daemon(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal, disk: Disk
) -> None:
    disk.leave(0)
    clock.at(at(4, 10.5), lambda: disk.leave(LARGE))
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(4, 19.5))
    assert 8 <= len(daemon.frames()) <= 10
    assert len(journal.warnings()) == 1


def test_a_disk_that_becomes_read_only(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal, disk: Disk
) -> None:
    daemon = build(nvr, folder, clock)
    clock.at(at(4, 5.5), lambda: disk.remount("ro"))
    clock.at(at(4, 20.5), lambda: disk.remount("rw"))
    daemon.run(until=at(4, 29.5))
    assert_nothing_torn(daemon)
    assert 14 <= len(daemon.frames()) <= 16
    assert accounted(daemon, 29.5) == 30
    assert len(journal.warnings()) == 1
    assert "mounted read-only" in journal.warnings()[0]


def test_space_runs_short_and_capture_resumes_with_hysteresis(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal, disk: Disk
) -> None:
    asked: list[float] = []
    limit = FREE_50_MB.min_free_bytes
    daemon = build(
        nvr,
        folder,
        clock,
        storage=FREE_50_MB,
        make_room=lambda _: asked.append(clock.monotonic()),
    )
    clock.at(at(4, 5.5), lambda: disk.leave(limit - MB))
    clock.at(at(4, 10.5), lambda: disk.leave(limit + 2 * MB))  # above the limit: not enough
    states: list[str] = []
    clock.at(at(4, 15), lambda: states.append(daemon.state()))
    clock.at(at(4, 20.5), lambda: disk.leave(LARGE))
    daemon.run(until=at(4, 29.5))
    assert RESUME_BYTES + limit < LARGE
    taken = [round((one.moment - at(4)).total_seconds() / 60) for one in daemon.frames()]
    assert taken[:6] == [0, 1, 2, 3, 4, 5]
    assert taken[6] in (20, 21, 22)
    assert asked[0] < (at(4, 6.1) - at(3, 50)).total_seconds()  # before capture was paused
    assert "storage.min_free_gb keeps 0.05 GB" in states[0]
    assert "capture goes on by itself at 0.6 GB" in states[0]
    assert len(journal.warnings()) == 1
    assert accounted(daemon, 29.5) == 30
    assert all(later - earlier >= 60 for earlier, later in pairwise(asked)), "once a minute"


def test_files_run_short_before_bytes_do(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal, disk: Disk
) -> None:
    daemon = build(nvr, folder, clock)
    clock.at(at(4, 5.5), lambda: disk.leave_files(FEW_FILES - 1))
    clock.at(at(4, 10.5), lambda: disk.leave_files(FEW_FILES + 100))  # not yet enough
    clock.at(at(4, 20.5), lambda: disk.leave_files(FEW_FILES + 2 * RESUME_FILES))
    daemon.run(until=at(4, 29.5))
    taken = [round((one.moment - at(4)).total_seconds() / 60) for one in daemon.frames()]
    assert taken[:6] == [0, 1, 2, 3, 4, 5]
    assert taken[6] in (20, 21, 22)
    assert accounted(daemon, 29.5) == 30
    (line,) = journal.warnings()
    assert "more files can be made on the disk" in line


def test_room_is_made_where_only_a_write_tells_that_there_is_none(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal, disk: Disk
) -> None:
    """As under a quota: what the disk says to be free is not to be had."""
    for camera in nvr.cameras:
        camera.min_bytes = MB
    told: list[bool] = []

    def make_room(enough: Callable[[], bool]) -> None:
        told.append(enough())
        disk.leave(LARGE)
        told.append(enough())

    daemon = build(nvr, folder, clock, make_room=make_room)
    clock.at(at(4, 5.5), lambda: disk.leave(MB // 2))
    daemon.run(until=at(4, 19.5))
    assert told == [False, True]
    assert len(daemon.frames()) >= 18
    assert_nothing_torn(daemon)
    assert len([text for text in journal.warnings() if "capture pauses" in text]) == 1


def test_the_slot_is_free_while_the_disk_takes_no_frames(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, disk: Disk
) -> None:
    live: list[int] = []
    daemon = build(nvr, folder, clock, storage=FREE_50_MB)
    clock.at(at(4, 5.5), lambda: disk.leave(40 * MB))
    for minutes in (5, 12, 30, 60, 119):
        clock.at(at(4, minutes), lambda: live.append(len(nvr.live_sessions)))
    clock.at(at(6), lambda: disk.leave(LARGE))
    daemon.run(until=at(6, 9.5))
    assert live == [1, 0, 0, 0, 0]
    assert sum(one.cmd == "Login" for one in nvr.log) == 2
    assert daemon.frames()[-1].moment > at(6, 8)


def test_filmed_frames_are_pruned_before_capture_pauses(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal, disk: Disk
) -> None:
    """Pruning is a disk that grows, here."""

    def make_room(_: object) -> None:
        disk.leave(LARGE)

    daemon = build(nvr, folder, clock, storage=FREE_50_MB, make_room=make_room)
    clock.at(at(4, 5.5), lambda: disk.leave(40 * MB))
    daemon.run(until=at(4, 9.5))
    assert len(daemon.frames()) == 10
    assert journal.warnings() == []


def test_a_disk_that_is_not_mounted_is_refused_rather_than_filled(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal, disk: Disk
) -> None:
    build(nvr, folder, clock).run(until=at(4, 1.5))
    disk.unmount()
    clock.at(at(4, 10.5), disk.mount)
    clock.at(at(4, 10.5), (disk.point / MARKER).touch)
    daemon = build(nvr, folder, clock)
    before: list[list[Path]] = []
    clock.at(at(4, 10), lambda: before.append(list(disk.point.iterdir())))
    daemon.run(until=at(4, 19.5))
    assert before == [[]]
    assert 8 <= len(daemon.frames()) <= 10
    (warning,) = journal.warnings()
    assert "mount its disk" in warning
    assert f"sudo touch {disk.point / MARKER}" in warning


def test_a_disk_that_is_unplugged_while_it_is_in_use(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal, disk: Disk
) -> None:
    daemon = build(nvr, folder, clock)
    clock.at(at(4, 5.5), disk.unmount)
    daemon.run(until=at(4, 30))
    assert list(disk.point.iterdir()) == []
    assert len(journal.warnings()) == 1


def test_a_folder_that_was_emptied_on_purpose_is_used_after_the_remedy(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    build(nvr, folder, clock).run(until=at(4, 4.5))
    shutil.rmtree(folder / "data")
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(4, 9.5))
    assert not (folder / "data").exists()
    (folder / "data").mkdir()
    (folder / "data" / MARKER).touch()
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(4, 14.5))
    assert len(daemon.frames()) == 5


def test_another_data_folder_is_used_without_ado(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal
) -> None:
    build(nvr, folder, clock).run(until=at(4, 4.5))
    daemon = build(nvr, folder / "new", clock)
    daemon.run(until=at(4, 9.5))
    assert len(daemon.frames()) == 5
    assert journal.warnings() == []


@pytest.mark.parametrize("place", ["data", "data/frames", "data/frames/ch0_Front_Door"])
def test_a_file_in_the_place_of_a_folder(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal, place: str
) -> None:
    (folder / place).parent.mkdir(parents=True, exist_ok=True)
    (folder / place).write_text("in the way")
    clock.at(at(4, 10.5), (folder / place).unlink)
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(4, 19.5))
    assert 8 <= len(daemon.frames()) <= 10
    assert 1 <= len(journal.warnings()) <= 2
    assert "in the place of a folder" in journal.warnings()[0]
    assert accounted(daemon, 19.5) == 20


def test_what_is_on_disk_of_a_day_counts_once_the_disk_is_there(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, disk: Disk
) -> None:
    build(nvr, folder, clock).run(until=at(4, 9.5))
    saved = folder / "saved"
    shutil.copytree(disk.point, saved)
    disk.unmount()

    def plug_in() -> None:
        disk.mount()
        shutil.copytree(saved, disk.point, dirs_exist_ok=True)

    clock.at(at(4, 19.5), plug_in)
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(4, 29.5))
    assert len(daemon.frames()) == pytest.approx(20, abs=1)
    assert daemon.record().camera(FRONT).captured == len(daemon.frames())
    assert accounted(daemon, 29.5) == 30
