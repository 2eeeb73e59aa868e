"""What a day should hold, what it holds, and why the rest is missing. Plain values.

A record lies beside the frames, one file a day, as JSON:

    {"day": "2026-11-22", "start": "…", "end": "…", "interval_seconds": 15,
     "rounds": 4312, "missing_rounds": {"NVR unreachable": 4},
     "cameras": {"ch0_Front_Door": {"captured": 4300, "bytes": 1290000000,
                                    "newest": "…", "missing": {"offline": 12}}}}

Every tick is a round that was begun, a missing one with its reason, or passed while the daemon
was not running. In every round that was begun a camera has a frame, or a reason why it has none,
or the NVR did not list it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from reolink_timelapsed.frame import Camera, parse_day
from reolink_timelapsed.schedule import Window, ticks_between
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system.disk_errors import left_out, tell_once
from reolink_timelapsed.system.json_fields import (
    BadValue,
    get_counts,
    get_int,
    get_moment,
    get_number,
    get_object,
    get_str,
)
from reolink_timelapsed.system.reading import names_in, read_json

STOPPED = "not running"
UNLISTED = "not on the NVR's list"
_SHORTEST = 0.001
"""Seconds of an interval."""


@dataclass(slots=True)
class CameraRecord:
    """One camera's part of a day: frames, their bytes, and missed ticks by reason."""

    captured: int = 0
    size: int = 0
    missing: dict[str, int] = field(default_factory=dict)
    newest: datetime | None = None

    def frame(self, moment: datetime, size: int) -> None:
        self.captured += 1
        self.size += size
        self.newest = moment

    def miss(self, reason: str) -> None:
        self.missing[reason] = self.missing.get(reason, 0) + 1

    def add(self, other: CameraRecord) -> None:
        """Add the counts of an older record."""
        self.captured += other.captured
        self.size += other.size
        self.missing = dict(Counter(self.missing) + Counter(other.missing))
        self.newest = self.newest or other.newest

    def move(self, other: CameraRecord, frames: int) -> None:
        """Give frames to another record."""
        moved = min(frames, self.captured)
        size = round(self.size / self.captured * moved) if moved else 0
        self.captured, self.size = self.captured - moved, self.size - size
        other.captured, other.size = other.captured + moved, other.size + size


@dataclass(slots=True)
class DayRecord:
    """One day of all cameras, by folder, the rounds begun, and those that no camera had."""

    window: Window
    interval: timedelta
    cameras: dict[str, CameraRecord] = field(default_factory=dict)
    missing_rounds: dict[str, int] = field(default_factory=dict)
    rounds: int = 0

    def begin_at(self, start: datetime | None) -> None:
        """Let the window begin later than the settings say, for nobody was here before."""
        if start and self.window.start < start < self.window.end:
            self.window = replace(self.window, start=start)

    def camera(self, folder: str) -> CameraRecord:
        return self.cameras.setdefault(folder, CameraRecord())

    def miss_rounds(self, reason: str, rounds: int = 1) -> None:
        if rounds > 0:
            self.missing_rounds[reason] = self.missing_rounds.get(reason, 0) + rounds

    def expected(self, now: datetime) -> int:
        """Return the ticks from the window's start until `now`, or its end."""
        return ticks_between(self.window.start, min(now, self.window.end), self.interval)

    def unexplained(self, now: datetime) -> int:
        """Return the ticks until `now` in which no round was begun, for no reason that is known.

        Less than 0 where rounds were begun outside the window.
        """
        return self.expected(now) - self.rounds - sum(self.missing_rounds.values())

    def correct(self, reason: str, rounds: int) -> None:
        """Count more or fewer rounds as missed for a reason."""
        count = self.missing_rounds.pop(reason, 0) + rounds
        self.miss_rounds(reason, count)

    def add(self, other: DayRecord) -> None:
        """Add the counts of another record of the same day, an older one."""
        self.rounds += other.rounds
        self.missing_rounds = dict(Counter(self.missing_rounds) + Counter(other.missing_rounds))
        for folder, theirs in other.cameras.items():
            self.camera(folder).add(theirs)

    def missing(self, folder: str, now: datetime) -> dict[str, int]:
        """Return the missed ticks by reason, those with the daemon off included."""
        camera = self.cameras.get(folder, CameraRecord())
        took_part = camera.captured + sum(camera.missing.values())
        rounds = max(self.rounds, took_part)
        stopped = self.expected(now) - rounds - sum(self.missing_rounds.values())
        missing = Counter(self.missing_rounds) + Counter(camera.missing)
        missing += Counter({UNLISTED: rounds - took_part, STOPPED: stopped})
        return dict(missing)

    def to_json(self) -> dict[str, Any]:
        return {
            "day": str(self.window.day),
            "start": self.window.start.isoformat(),
            "end": self.window.end.isoformat(),
            "interval_seconds": self.interval.total_seconds(),
            "rounds": self.rounds,
            "missing_rounds": self.missing_rounds,
            "cameras": {
                folder: {
                    "captured": camera.captured,
                    "bytes": camera.size,
                    "newest": camera.newest.isoformat() if camera.newest else None,
                    "missing": camera.missing,
                }
                for folder, camera in sorted(self.cameras.items())
            },
        }

    @classmethod
    def from_json(cls, value: Any) -> DayRecord | None:
        """Read a record; None if `value` is none."""
        try:
            return cls(
                window=_window(value),
                interval=timedelta(seconds=get_number(value, "interval_seconds", least=_SHORTEST)),
                cameras={
                    folder: _camera(row)
                    for folder, row in get_object(value, "cameras").items()
                    if Camera.from_folder(folder)
                },
                missing_rounds=get_counts(value, "missing_rounds"),
                rounds=get_int(value, "rounds", 0),
            )
        except (BadValue, OverflowError):
            return None


def record_path(store: Store, day: date) -> Path:
    """Return where the record of a day lies."""
    return store.root / "coverage" / f"{day}.json"


def load(store: Store, day: date) -> DayRecord | None:
    """Return the record of a day, None if there is none.

    Raises:
        StoreError: if there is one that cannot be read now.
    """
    path = record_path(store, day)
    value = read_json(path)
    record = DayRecord.from_json(value)
    if value is not None and (record is None or record.window.day != day):
        tell_once(f"{path} is no record of {day}: it is left out")
        return None
    return record


def daily_bytes(day: DayRecord) -> int:
    """Estimate what a whole day of its cameras takes, from the frames that there are."""
    window = day.window
    ticks = ticks_between(window.start, window.end, day.interval)
    return round(sum(_average(camera) for camera in day.cameras.values()) * ticks)


def held_bytes(store: Store, days: int) -> int:
    """Return what the frames take that are there of the last `days` with a record."""
    return round(sum(_held(store, day) for day in recorded_days(store)[-days:]))


def _held(store: Store, day: date) -> float:
    with left_out():
        record = load(store, day)
        cameras = record.cameras.items() if record else ()
        return sum(_average(camera) * len(store.frames(name, day)) for name, camera in cameras)
    return 0.0


def recorded_days(store: Store) -> list[date]:
    """Return the days that have a record, oldest first; none if their folder cannot be read."""
    names: list[str] = []
    with left_out():
        names = names_in(store.root / "coverage")
    return sorted(day for name in names if (day := parse_day(name.removesuffix(".json"))))


def rest_bytes(day: DayRecord, now: datetime) -> int:
    """Estimate the bytes that the rest of the day will take, from the frames it has."""
    left = ticks_between(max(now, day.window.start), day.window.end, day.interval)
    return round(sum(_average(camera) for camera in day.cameras.values()) * left)


def _average(camera: CameraRecord) -> float:
    return camera.size / camera.captured if camera.captured else 0.0


def _window(value: Any) -> Window:
    day = parse_day(get_str(value, "day"))
    start, end = get_moment(value, "start"), get_moment(value, "end")
    if day is None or end < start:
        raise BadValue("no window of a day")
    return Window(start, end, day)


def _camera(row: Any) -> CameraRecord:
    newest = get_moment(row, "newest") if isinstance(row, dict) and row.get("newest") else None
    return CameraRecord(
        get_int(row, "captured"), get_int(row, "bytes"), get_counts(row, "missing"), newest
    )
