"""Frames, segments and videos on disk: the only module that writes or deletes.

    <root>/frames/<camera>/<day>/20261122T061500.123Z.jpg       UTC in the name, local day as folder
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
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from reolink_timelapsed.files import delete, make_folder, names_in, put, sync, translated
from reolink_timelapsed.frame import (
    Camera,
    Frame,
    Segment,
    Video,
    frame_name,
    parse_day,
    parse_frame_name,
)


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
                trial = self._work / "probe"
                trial.write_bytes(b"probe")
                trial.unlink()

    def sweep(self) -> None:
        """Delete the files in the making."""
        with translated(self._work):
            for leftover in self._work.iterdir():
                delete(leftover)

    def free_bytes(self) -> int:
        """Return the bytes that an ordinary user may still write."""
        with translated(self.root):
            disk = os.statvfs(self.root)
            return disk.f_bavail * disk.f_frsize

    # Frames

    def put_frame(self, folder: str, day: date, moment: datetime, picture: bytes) -> Frame:
        """Store `picture`, taken at `moment`; a name that is taken is never written over."""
        home = self.frames_home(folder, day)
        with translated(home):
            while (path := home / frame_name(moment)).exists():
                moment += timedelta(milliseconds=1)
        self.write(path, picture)
        return Frame(moment, path)

    def frames_home(self, folder: str, day: date) -> Path:
        return self.root / "frames" / folder / str(day)

    def frames(self, folder: str, day: date) -> list[Frame]:
        """Return the frames of a day in the order of time."""
        home = self.frames_home(folder, day)
        moments = ((parse_frame_name(name), name) for name in names_in(home))
        return sorted(Frame(moment, home / name) for moment, name in moments if moment)

    def frames_changed(self, folder: str, day: date) -> int:
        """Return when a frame last came or went (ns), 0 without any: cheaper than to list them."""
        try:
            return self.frames_home(folder, day).stat().st_mtime_ns
        except FileNotFoundError:
            return 0

    def newest_frame(self, folder: str) -> Frame | None:
        """Return the last frame of a camera, None if it has none."""
        newest = (self.frames(folder, day)[-1:] for day in reversed(self.frame_days(folder)))
        return next((frames[0] for frames in newest if frames), None)

    def camera_folders(self) -> list[str]:
        """Return the folders of all cameras that have or had frames, in channel order."""
        cameras = ((Camera.from_folder(name), name) for name in names_in(self.root / "frames"))
        return [name for _, name in sorted((camera, name) for camera, name in cameras if camera)]

    def recent_cameras(self, since: date) -> list[Camera]:
        """Return the latest camera of each channel that has frames of `since` or later."""
        newest: dict[int, tuple[datetime, Camera]] = {}
        for folder in self.camera_folders():
            days = self.frame_days(folder)
            frame = self.newest_frame(folder) if days and days[-1] >= since else None
            if frame and (camera := Camera.from_folder(folder)):
                found = (frame.moment, camera)
                newest[camera.channel] = max(found, newest.get(camera.channel, found))
        return sorted(camera for _, camera in newest.values())

    def frame_days(self, folder: str) -> list[date]:
        """Return the days that have a frames folder, oldest first."""
        return _days(self.root / "frames" / folder)

    def remove_frames(self, folder: str, day: date, keep: Frame | None = None) -> None:
        """Delete a day's frames and its folder, or all frames but `keep`."""
        home = self.frames_home(folder, day)
        if keep is None:
            self.remove(home)
            return
        with translated(home):
            for frame in self.frames(folder, day):
                if frame != keep:
                    delete(frame.path)
            sync(home)

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

    def segments(self, folder: str, day: date) -> list[Segment]:
        """Return the finished segments of a day in the order of time."""
        named = (Segment.from_name(name) for name in names_in(self.segments_home(folder, day)))
        return sorted(segment for segment in named if segment)

    def video_path(self, video: Video) -> Path:
        return self.root / "videos" / video.folder / video.name

    def sidecar_path(self, folder: str, day: date) -> Path:
        """Where a day's coverage lies; it is published last, so its presence means: finished."""
        return self.video_path(Video(folder, day)).with_suffix(".json")

    def video_files(self, folder: str) -> frozenset[str]:
        """Return the names of all files beside a camera's videos, themselves included."""
        return frozenset(names_in(self.root / "videos" / folder))

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
        with translated(path):
            path.write_text(text, encoding="utf-8")
        return path

    def link(self, path: Path, target: Path) -> None:
        """Let `path` be a symbolic link to its neighbour `target`, at every moment to one."""
        beside = path.with_name(f".{path.name}.part")
        with translated(path):
            beside.unlink(missing_ok=True)
            beside.symlink_to(target.name)
            beside.replace(path)
            sync(path.parent)

    def write(self, path: Path, data: bytes, mode: int = 0o666) -> None:
        """Write a whole file under its final name, durably; `mode` is subject to the umask."""
        part = self.work_path(path.name)
        with translated(path):
            try:
                descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
                with os.fdopen(descriptor, "wb") as file:
                    file.write(data)
                self.publish(part, path)
            except OSError:
                with suppress(OSError):
                    part.unlink()
                raise

    def write_json(self, path: Path, value: Any, mode: int = 0o666) -> None:
        """Write `value` as JSON for people: indented, UTF-8."""
        text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
        self.write(path, text.encode() + b"\n", mode)

    def date(self, path: Path, time_ns: int) -> None:
        """Give a file the modification time (ns) of what it tells of."""
        with translated(path):
            os.utime(path, ns=(time_ns, time_ns))

    def publish(self, made: Path, path: Path) -> None:
        """Move a finished file to its final name, durably, in place of what was there."""
        with translated(path):
            make_folder(path.parent)
            if made.stat().st_dev == path.parent.stat().st_dev:
                put(made, path)
            else:  # another disk: copy beside the name first, a rename cannot cross disks
                beside = path.with_name(f".{path.name}.part")
                try:
                    shutil.copyfile(made, beside)
                    put(beside, path)
                finally:
                    beside.unlink(missing_ok=True)
                made.unlink()

    def see_folder(self, folder: Path) -> None:
        """Make a folder, if need be, and see that it takes files."""
        with translated(folder):
            make_folder(folder)
            with tempfile.TemporaryFile(dir=folder):
                pass

    def remove(self, path: Path) -> None:
        """Delete a file or a folder with all that is in it; gone already is fine."""
        with translated(path):
            delete(path)
            if path.parent.is_dir():
                sync(path.parent)


def _days(folder: Path) -> list[date]:
    return sorted(day for day in map(parse_day, names_in(folder)) if day)
