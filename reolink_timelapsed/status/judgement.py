"""What is wrong with how things stand, and what does not last: sentences with their remedies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from reolink_timelapsed.frame import Camera
from reolink_timelapsed.humanize import several, span
from reolink_timelapsed.status.overview import CameraNow, Disk, Films, Sighting
from reolink_timelapsed.storage.daemon_state import Daemon
from reolink_timelapsed.storage.space import shortage

_DAY = timedelta(days=1)


def pauses(daemon: Daemon | None) -> list[str]:
    """Say why the disk takes no frames."""
    return [f"capture pauses: {daemon.pause}"] if daemon and daemon.pause else []


def absent(wanted: Sequence[int], sightings: Sequence[Sighting]) -> list[str]:
    """Name the channels of the configuration of which nothing was ever seen."""
    missing = set(wanted) - {one.camera.channel for one in sightings}
    remedy = "connect its camera, or take it out of capture.channels"
    return [f"channel {number} has never given a frame: {remedy}" for number in sorted(missing)]


def silent(
    cameras: Sequence[CameraNow], longest: timedelta | None, now: datetime, *, runs: bool
) -> list[str]:
    """Say who is silent; `longest` is how long the window has been open, if long enough.

    `runs` tells whether there is a daemon.
    """
    watched = [one for one in cameras if one.wanted]
    lengths = [one.silent for one in watched if one.silent]
    if not watched and longest and not runs:
        return ["no daemon runs, and no camera has given a frame yet"]
    if not watched and longest:
        return [f"no camera has given a frame in the {span(longest)} of this window"]
    if len(lengths) == len(watched) > 1:
        return [f"no camera has given a frame for {span(min(lengths))}"]
    return [_silent_one(one, one.silent, watched, now) for one in watched if one.silent]


def _silent_one(
    camera: CameraNow, length: timedelta, watched: Sequence[CameraNow], now: datetime
) -> str:
    if camera.newest is None or now - camera.newest < _DAY or len(watched) < 2:
        return f"{camera.folder} has given no frame for {span(length)}"
    others = (Camera.from_folder(one.folder) for one in watched if one is not camera)
    numbers = ", ".join(str(other.channel) for other in others if other)
    return (
        f"{camera.folder} has given no frame since {camera.newest:%Y-%m-%d}: look at its power and "
        "its network; if it is gone for good, delete it at the NVR, or leave it out with "
        f"`capture.channels: [{numbers}]`"
    )


def overdue(films: Films, stitch: str) -> Iterator[str]:
    """Yield which videos nobody has made; `stitch` is the command for it."""
    if films.overdue:
        oldest = min(day for _, day in films.overdue)
        yield (
            f"videos are overdue, {len(films.overdue)} by now, the oldest of {oldest}: `{stitch}` "
            "makes them, or tells what is in the way"
        )


def barren(films: Films, frames: Path) -> Iterator[str]:
    """Yield of which days no video can be made; `frames` is the folder of all frames."""
    if films.barren:
        folder, day = max(films.barren, key=lambda one: one[1])
        yield (
            f"no picture of {several(len(films.barren), 'day')} can be decoded, and there is no "
            f"video: look at those in {frames / folder / str(day)}, and at the camera's settings"
        )


def small_disk(disk: Disk) -> Iterator[str]:
    """Yield why the data folder's disk is too small, if it is."""
    if disk.daily:
        yield from shortage(disk.usable + disk.held, disk.daily, disk.keep_days)


def fate(one: Sighting, watched: Sequence[Sighting], channels: Sequence[int]) -> str:
    """Return why a camera gives no frames that need not, "" if it should."""
    if one in watched:
        return ""
    if channels and one.camera.channel not in channels:
        return "is left out by capture.channels"
    for other in watched:
        if other.camera.channel == one.camera.channel:
            return f"is called {other.folder} now: a day of both has videos under each name"
    return f"is gone since {one.day}"
