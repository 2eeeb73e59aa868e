"""What `status` tells, as plain values: which cameras should give frames, and which do not.

Moments are aware datetimes in UTC; a camera is named by its folder.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

from reolink_timelapsed.frame import Camera
from reolink_timelapsed.schedule import Window
from reolink_timelapsed.storage.daemon_state import Daemon

FORMAT = 1
PATIENCE_INTERVALS = 3
PATIENCE = timedelta(minutes=10)
"""A camera is given the longer of both before its silence is a fault."""

_NEVER = datetime.min.replace(tzinfo=UTC)
_DAY = timedelta(days=1)
_STEP = timedelta(minutes=5)
"""Of the moments at which the timer may strike; a test reads them from its unit."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A camera as it was last seen: its newest frame, and the last day the daemon knew of it."""

    camera: Camera
    newest: datetime | None
    day: date

    @property
    def folder(self) -> str:
        return self.camera.folder


@dataclass(frozen=True, slots=True)
class Disk:
    """The data folder's disk, in bytes; `daily` is what all wanted cameras' frames come to.

    `held` is what the frames of the last days take, that are kept for `keep_days` beside today's.
    """

    folder: str
    free: int
    kept_free: int
    daily: int
    held: int
    keep_days: int

    @property
    def usable(self) -> int:
        """What frames may yet take."""
        return max(self.free - self.kept_free, 0)

    @property
    def days_left(self) -> float | None:
        return self.usable / self.daily if self.daily else None


@dataclass(frozen=True, slots=True)
class Films:
    """When the next stitch runs, the next videos of a day come, and days that still lack theirs.

    `is_known` is False where no systemd can be asked: the moments are then those of our timer as
    it comes. They are None while it is off. `overdue` are the days whose videos two runs have not
    made, though nothing is at work on them, `barren` those of which none can be made.
    """

    next_run: datetime | None
    next_day: date | None
    next_videos: datetime | None
    lacking: Sequence[tuple[str, date]]
    overdue: Sequence[tuple[str, date]] = ()
    barren: Sequence[tuple[str, date]] = ()
    at_work: bool = False
    is_known: bool = False


@dataclass(frozen=True, slots=True)
class LastVideos:
    """A camera's newest videos; seconds and bytes (of all renditions) where they are proven."""

    day: date
    files: Sequence[str]
    seconds: float | None
    size: int


@dataclass(frozen=True, slots=True)
class CameraNow:
    """A camera at this moment; `silent` is how long it has failed to give a frame it should.

    `fate` is why one that is not `wanted` is not.
    """

    folder: str
    newest: datetime | None
    wanted: bool
    silent: timedelta | None
    videos: LastVideos | None
    fate: str


@dataclass(frozen=True, slots=True)
class CameraDay:
    """A camera's frames of a day, and its missed ticks by reason."""

    folder: str
    captured: int
    missing: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Day:
    """A day so far; `missing` are the ticks that passed over all cameras alike."""

    day: date
    expected: int
    missing: Mapping[str, int]
    cameras: Sequence[CameraDay]


@dataclass(frozen=True, slots=True)
class Overview:
    """All of it. `window` is the one under way, else the last one; `days` has the newest first.

    `silent_daemon` is what is known of a daemon that says nothing itself.
    """

    now: datetime
    zone: tzinfo
    interval: timedelta
    window: Window | None
    next_start: datetime | None
    daemon: Daemon | None
    disk: Disk
    films: Films
    cameras: Sequence[CameraNow]
    days: Sequence[Day]
    faults: Sequence[str]
    warnings: Sequence[str]
    silent_daemon: str

    @property
    def is_open(self) -> bool:
        return self.window is not None and self.now in self.window


def wanted(sightings: Iterable[Sighting], channels: Sequence[int]) -> list[Sighting]:
    """Return the cameras that should give frames, in channel order; no `channels` means all.

    A camera that the NVR no longer has stops being wanted when the others have been seen without
    it for a whole day. With all of them gone it is the NVR that is missed, however long. A
    channel has one camera: after a change of name, or of the camera, the one seen last.
    """
    chosen = [one for one in sightings if not channels or one.camera.channel in channels]
    latest = max((one.day for one in chosen), default=date.min)
    recent = [one for one in chosen if latest - one.day <= _DAY]
    recent.sort(key=lambda one: (one.newest or _NEVER, one.day, one.folder))
    holders = {one.camera.channel: one for one in recent}
    return [holders[channel] for channel in sorted(holders)]


def patience(interval: timedelta) -> timedelta:
    """Return how long a camera may be silent while frames are due."""
    return max(PATIENCE_INTERVALS * interval, PATIENCE)


def silence(
    newest: datetime | None,
    window: Window | None,
    interval: timedelta,
    now: datetime,
    started: datetime | None = None,
) -> timedelta | None:
    """Return for how long a frame has been overdue, None if none is.

    Only time within `window` counts, and within those that it follows without a gap: nothing was
    due before, nothing is afterwards. A daemon that has just `started` has its patience, too.
    """
    if window is None or now not in window:
        return None
    since = max(newest or window.start, window.start)
    waited = now - max(since, started or since)
    return now - since if waited > patience(interval) else None


def next_run(now: datetime, zone: tzinfo) -> datetime:
    """Return when the stitch timer strikes next: each hour at :05, each day at 00:15."""
    moment = now.replace(minute=now.minute - now.minute % 5, second=0, microsecond=0) + _STEP
    while not _strikes(moment.astimezone(zone)):
        moment += _STEP
    return moment


def _strikes(local: datetime) -> bool:
    return local.minute == 5 or (local.hour, local.minute) == (0, 15)


def to_json(overview: Overview) -> dict[str, Any]:
    """Return the overview for machines: times in ISO 8601, sizes in bytes, lengths in seconds."""
    films, disk = overview.films, overview.disk
    return {
        "format": FORMAT,
        "now": _time(overview.now),
        "ok": not overview.faults,
        "faults": list(overview.faults),
        "warnings": list(overview.warnings),
        "interval_seconds": overview.interval.total_seconds(),
        "window": _window(overview),
        "next_start": _time(overview.next_start),
        "daemon": _daemon(overview.daemon),
        "disk": {
            "data_dir": disk.folder,
            "free_bytes": disk.free,
            "min_free_bytes": disk.kept_free,
            "bytes_per_day": disk.daily,
            "days_left": disk.days_left,
            "held_bytes": disk.held,
        },
        "stitch": {
            "next_run": _time(films.next_run),
            "next_videos": {"day": _day(films.next_day), "at": _time(films.next_videos)},
            "is_known": films.is_known,
            "at_work": films.at_work,
            "lacking": _days(films.lacking),
            "overdue": _days(films.overdue),
            "barren": _days(films.barren),
        },
        "cameras": {one.folder: _camera(one, overview.now) for one in overview.cameras},
        "days": {str(day.day): _frames(day) for day in overview.days},
    }


def _days(days: Sequence[tuple[str, date]]) -> list[dict[str, str]]:
    return [{"camera": folder, "day": str(day)} for folder, day in days]


def _window(overview: Overview) -> dict[str, Any] | None:
    window = overview.window
    if window is None:
        return None
    return {
        "day": str(window.day),
        "start": _time(window.start),
        "end": _time(window.end),
        "open": overview.is_open,
    }


def _daemon(daemon: Daemon | None) -> dict[str, Any] | None:
    if daemon is None:
        return None
    return {
        "state": daemon.state,
        "since": _time(daemon.since),
        "logged_in": daemon.logged_in,
        "pause": daemon.pause,
        "started": _time(daemon.started),
    }


def _camera(camera: CameraNow, now: datetime) -> dict[str, Any]:
    videos = camera.videos
    return {
        "newest": _time(camera.newest),
        "age_seconds": camera.newest and (now - camera.newest).total_seconds(),
        "wanted": camera.wanted,
        "fate": camera.fate,
        "silent_seconds": camera.silent and camera.silent.total_seconds(),
        "last_videos": videos
        and {
            "day": str(videos.day),
            "files": list(videos.files),
            "seconds": videos.seconds,
            "bytes": videos.size,
        },
    }


def _frames(day: Day) -> dict[str, Any]:
    return {
        "expected": day.expected,
        "missing_rounds": dict(day.missing),
        "cameras": {
            one.folder: {"captured": one.captured, "missing": dict(one.missing)}
            for one in day.cameras
        },
    }


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None


def _day(day: date | None) -> str | None:
    return str(day) if day else None
