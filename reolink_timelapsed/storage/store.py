"""Frames, segments and videos on disk: the only module that writes or deletes them.

    <root>/frames/<camera>/<day>/20261122T061500.123Z.jpg       UTC in the name, local day as folder
    <root>/frames/<camera>/.transit/                            frames on their way to another time
    <root>/frames/<camera>/misdated/20360101T000000.000Z.jpg    of a time that has not come
    <root>/segments/<camera>/<day>/20261122T06Z_full.mp4        gone once the video is published
    <root>/videos/<camera>/timelapse_<camera>_<day>[_720p].mp4
    <root>/videos/<camera>/timelapse_<camera>_<day>.json        what the videos hold
    <root>/.work/<owner>/                                       files in the making

A name outside `.work` means that the file is complete: it is written there, synced, renamed and
its folder synced. `.work` is swept when its owner opens the store, so that finding leftovers
costs the same after years of frames as on the first day.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Collection
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from reolink_timelapsed.errors import StoreError
from reolink_timelapsed.frame import (
    LATEST,
    Camera,
    Frame,
    SegmentFile,
    Video,
    frame_name,
    parse_day,
    parse_frame_name,
)
from reolink_timelapsed.system.disk_errors import left_out, tell_once, translated
from reolink_timelapsed.system.reading import entry, files_in, is_folder, names_in
from reolink_timelapsed.system.writing import (
    beside,
    delete,
    link,
    make_folder,
    make_new,
    put,
    remove,
    saving,
    set_time,
    sync,
)

_TRIAL = b"probe"
_CHUNK = 2**20


class Free(NamedTuple):
    """What an ordinary user may still write: bytes, and files, None where these are not counted."""

    bytes: int
    files: int | None


class Store:
    """The data folder. `owner` names the process that writes: two owners may write at once.

    Every method may raise `StoreError`, worded by the remedy.
    """

    def __init__(self, root: Path, owner: str) -> None:
        self.root = root.absolute()
        self._work = self.root / ".work" / owner

    def open(self, *, probe: bool = True) -> None:
        """Make the folders that are missing, sweep leftovers, prove that files can be written.

        Without `probe`, a full disk does: something may be removed from it.
        """
        with translated(self.root):
            for folder in ("frames", "segments", "videos"):
                make_folder(self.root / folder)
            make_folder(self._work)
        self.sweep()
        if probe:
            self.try_to_write()

    def try_to_write(self, size: int = len(_TRIAL)) -> None:
        """Prove that a file of so many bytes can be written."""
        trial = self.work_path("probe")
        with translated(trial):
            try:
                with make_new(trial) as file:
                    file.write(_TRIAL.ljust(size))
            finally:
                delete(trial)

    def sweep(self) -> None:
        """Delete the files in the making; what cannot be deleted is told of, and stays."""
        if self._work.is_symlink():
            raise StoreError(f"{self._work} is a link: remove it, nothing is lost by that")
        for name in names_in(self._work):
            with left_out():
                remove(self._work / name)

    def free(self) -> Free:
        """Return what an ordinary user may still write."""
        with translated(self.root):
            disk = os.statvfs(self.root)
            return Free(disk.f_bavail * disk.f_frsize, disk.f_favail if disk.f_files else None)

    def free_bytes(self) -> int:
        """Return the bytes that an ordinary user may still write."""
        return self.free().bytes

    def disk_time(self) -> int:
        """Return what time it is (ns) by the clock of the disk: a file server has its own."""
        self.try_to_write()
        return self.changed(self._work)

    # Frames

    def put_frame(self, folder: str, day: date, moment: datetime, picture: bytes) -> Frame:
        """Store `picture`, taken at `moment`; a name that is taken is never written over."""
        home = self.frames_home(folder, day)
        with translated(home):
            frame = free_place(home, moment)
        self.write(frame.path, picture)
        return frame

    def frames_home(self, folder: str, day: date) -> Path:
        return self.root / "frames" / folder / str(day)

    def frames(self, folder: str, day: date) -> list[Frame]:
        """Return the frames of a day in the order of time."""
        home = self.frames_home(folder, day)
        found = {name: parse_frame_name(name) for name in self._frame_files(home)}
        return sorted(Frame(moment, home / name) for name, moment in found.items() if moment)

    def _frame_files(self, home: Path) -> list[str]:
        """Return the files in a day's folder; tell of what only has a frame's name."""
        found = files_in(home)
        for name, regular in found.items():
            if not regular and parse_frame_name(name):
                tell_once(f"{home / name} is no file, though its name is a frame's: it is left out")
        return [name for name, regular in found.items() if regular]

    def frames_changed(self, folder: str, day: date) -> int:
        """Return when a frame last came or went (ns), 0 without any: cheaper than to list them."""
        return self.changed(self.frames_home(folder, day))

    def changed(self, path: Path) -> int:
        """Return the modification time (ns) of a file or a folder, 0 without one."""
        found = entry(path)
        return found.st_mtime_ns if found else 0

    def newest_frame(self, folder: str, since: date = date.min) -> Frame | None:
        """Return the last frame of a camera, None if none can be seen of `since` or later."""
        with left_out():
            for day in reversed(self.frame_days(folder)):
                with left_out():
                    if day >= since and (frames := self.frames(folder, day)):
                        return frames[-1]
        return None

    def camera_folders(self) -> list[str]:
        """Return the folders of all cameras that have or had frames, in channel order."""
        cameras = ((Camera.from_folder(name), name) for name in names_in(self.root / "frames"))
        return [name for _, name in sorted((camera, name) for camera, name in cameras if camera)]

    def recent_cameras(self, since: date) -> list[Camera]:
        """Return the latest camera of each channel that has frames of `since` or later."""
        newest: dict[int, tuple[datetime, Camera]] = {}
        for folder in self.camera_folders():
            frame = self.newest_frame(folder, since)
            if frame and (camera := Camera.from_folder(folder)):
                found = (frame.moment, camera)
                newest[camera.channel] = max(found, newest.get(camera.channel, found))
        return sorted(camera for _, camera in newest.values())

    def frame_days(self, folder: str) -> list[date]:
        """Return the days that have a frames folder, oldest first."""
        return _days(self.root / "frames" / folder)

    def remove_frames(self, folder: str, day: date, keep: Frame | None = None) -> None:
        """Delete a day's frames and its folder, or all frames but `keep`.

        One that cannot be deleted does not keep the others.
        """
        home = self.frames_home(folder, day)
        if keep is None:
            self.remove(home)
            return
        failed: list[StoreError] = []
        for frame in self.frames(folder, day):
            if frame != keep:
                try:
                    remove(frame.path)
                except StoreError as error:
                    failed.append(error)
        with translated(home):
            sync(home)
        if failed:
            raise failed[0]

    # Segments and videos

    def segments_home(self, folder: str, day: date | str) -> Path:
        return self.root / "segments" / folder / str(day)

    def segment_homes(self, folder: str) -> list[Path]:
        """Return all folders of segments of a camera, those of days and those of other films."""
        home = self.root / "segments" / folder
        return sorted(home / name for name in names_in(home))

    def segment_days(self, folder: str) -> list[date]:
        """Return the days that have a segments folder, oldest first."""
        return _days(self.root / "segments" / folder)

    def segments(self, folder: str, day: date) -> list[SegmentFile]:
        """Return the finished segments of a day in the order of time."""
        named = (SegmentFile.from_name(name) for name in names_in(self.segments_home(folder, day)))
        return sorted(segment for segment in named if segment)

    def video_path(self, video: Video) -> Path:
        return self.root / "videos" / video.folder / video.name

    def sidecar_path(self, folder: str, day: date) -> Path:
        """Where a day's coverage lies; it is published last, so its presence means: finished."""
        return self.video_path(Video(folder, day)).with_suffix(".json")

    def video_files(self, folder: str) -> frozenset[str]:
        """Return the names of all files beside a camera's videos, themselves included."""
        return frozenset(names_in(self.root / "videos" / folder))

    def latest_links(self, folder: str) -> dict[Path, str]:
        """Return the links to a camera's newest videos, each with the name it leads to."""
        home = self.root / "videos" / folder
        paths = [home / name for name in names_in(home) if name.startswith(LATEST)]
        with translated(home):
            return {path: str(path.readlink()) for path in paths if path.is_symlink()}

    def remove_latest(self, folder: str, names: Collection[str]) -> None:
        """Delete the links that lead to videos of these names, before they would lead nowhere."""
        for path, target in self.latest_links(folder).items():
            if target in names or not os.path.lexists(path.parent / target):
                self.remove_file(path)

    def videos(self, folder: str) -> list[Video]:
        """Return the published videos of a camera, oldest first."""
        named = (Video.from_name(name) for name in names_in(self.root / "videos" / folder))
        return sorted(video for video in named if video and video.folder == folder)

    # Any file

    def work_path(self, name: str) -> Path:
        """Return where to make the file that will be `name`; `publish` moves it."""
        return self._work / name

    def scratch(self, name: str, text: str) -> Path:
        """Write a text that is of use only until the next one of that name; not durable."""
        path = self.work_path(name)
        with translated(path), make_new(path) as file:
            file.write(text.encode())
        return path

    def link(self, path: Path, target: Path) -> None:
        """Let `path` be a symbolic link to its neighbour `target`, where the disk takes links."""
        link(path, target.name)

    def write(self, path: Path, data: bytes, mode: int = 0o666) -> None:
        """Write a whole file under its final name, durably; `mode` is subject to the umask."""
        with saving(path, self.work_path(path.name), mode) as file:
            file.write(data)

    def write_json(self, path: Path, value: Any, mode: int = 0o666) -> None:
        """Write `value` as JSON for people: indented, UTF-8."""
        text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
        self.write(path, text.encode() + b"\n", mode)

    def date(self, path: Path, time_ns: int) -> None:
        """Give a file the modification time (ns) of what it tells of."""
        set_time(path, time_ns)

    def publish(self, made: Path, path: Path) -> None:
        """Move a finished file to its final name, durably, in place of what was there."""
        with translated(path):
            make_folder(path.parent)
            if made.stat().st_dev == path.parent.stat().st_dev:
                put(made, path)
            else:  # another disk: a rename cannot cross disks
                with made.open("rb") as source, saving(path, beside(path)) as copy:
                    shutil.copyfileobj(source, copy, _CHUNK)
                made.unlink()

    def see_folder(self, folder: Path) -> None:
        """Make a folder, if need be, and see that it takes files."""
        with translated(folder):
            make_folder(folder)
            with tempfile.TemporaryFile(dir=folder):
                pass

    def remove_file(self, path: Path) -> None:
        """Delete a file, or what else has its name but for a folder; gone already is fine."""
        if is_folder(path) and not path.is_symlink():
            raise StoreError(f"{path} is a folder and no file: move it away")
        self.remove(path)

    def remove(self, path: Path) -> None:
        """Delete a file or a folder with all that is in it; gone already is fine."""
        with translated(path):
            delete(path)
            if is_folder(path.parent):
                sync(path.parent)


def free_place(home: Path, moment: datetime) -> Frame:
    """Return a frame that its folder does not have, of `moment` or as soon after as may be."""
    while os.path.lexists(path := home / frame_name(moment)):
        moment += timedelta(milliseconds=1)
    return Frame(moment, path)


def _days(folder: Path) -> list[date]:
    return sorted(day for day in map(parse_day, names_in(folder)) if day)
