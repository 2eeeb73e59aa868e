"""Keeps the record of the day under way on disk, and says what the day has come to."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import date, datetime, timedelta

from reolink_timelapsed.errors import StoreError
from reolink_timelapsed.humanize import gigabytes, several
from reolink_timelapsed.schedule import Window
from reolink_timelapsed.storage.coverage import (
    STOPPED,
    DayRecord,
    load,
    record_path,
    recorded_days,
    rest_bytes,
)
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system.disk_errors import left_out
from reolink_timelapsed.system.reading import length

SAVE_EVERY = timedelta(minutes=5)

log = logging.getLogger(__name__)


class Ledger:
    """The record of one day at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._saved: datetime | None = None
        self._opened: datetime | None = None
        self._joined = False
        self.day: DayRecord | None = None

    @property
    def joined_day(self) -> DayRecord | None:
        """The record of the day under way, once it holds what was on disk of it."""
        return self.day if self._joined else None

    def open(self, window: Window, interval: timedelta, now: datetime) -> DayRecord:
        """Begin a day, or go on with it from `now` on; `join` adds what is on disk of it."""
        self.day = DayRecord(window, interval)
        self._opened = now
        self._joined = False
        return self.day

    def join(self, now: datetime) -> None:
        """Go on with the day's record on disk, once the disk can be read.

        Frames are counted anew there, which knows best.

        Raises:
            StoreError: if the cameras' folders cannot be listed yet.
        """
        if self.day is None or self._joined:
            return
        kept = self._kept(self.day.window.day)
        if kept:
            self.day.add(kept)
        self.day.begin_at(kept.window.start if kept else self._installed())
        for folder in self._store.camera_folders():
            with left_out():
                self._recount(self.day, folder)
        self._joined = True
        self._saved = now
        self.save()

    def _kept(self, day: date) -> DayRecord | None:
        """Return the record on disk; one that cannot be read costs itself, and no frame."""
        with suppress(StoreError):
            return load(self._store, day)
        with left_out():  # once more, for it might have been the disk's hiccup
            return load(self._store, day)
        return None

    def save_now_and_then(self, now: datetime) -> None:
        """Write the record every five minutes; a kill loses at most the reasons of that time."""
        if self._saved is None or not timedelta(0) <= now - self._saved < SAVE_EVERY:
            self._saved = now
            self.save()

    def save(self) -> None:
        """Write the record of the day under way, if there is one and the disk takes it."""
        if self.day is None or not self._joined:
            return
        try:
            self._store.write_json(
                record_path(self._store, self.day.window.day), self.day.to_json()
            )
        except StoreError as error:
            log.debug("the day's record could not be written: %s", error)

    def close(self, now: datetime) -> None:
        """End the day: write its record, and its sum into the journal."""
        self.save()
        if self.day:
            log.info("%s", summary(self.day, now))
        self.day = None

    def _installed(self) -> datetime | None:
        """Return when the day was opened if nothing lies here of any earlier time, else None."""
        is_first = not self._store.camera_folders() and not recorded_days(self._store)
        return self._opened if is_first else None

    def _recount(self, day: DayRecord, folder: str) -> None:
        frames = self._store.frames(folder, day.window.day)
        if frames:
            camera = day.camera(folder)
            known = camera.size / camera.captured if camera.captured else 0.0
            size = known or length(frames[-1].path) or 0
            camera.captured, camera.size = len(frames), round(size * len(frames))
            camera.newest = frames[-1].moment


def summary(day: DayRecord, now: datetime) -> str:
    """Return the day so far in a line: frames of how many, per camera, and why some are missing."""
    expected = day.expected(now)
    parts = []
    for folder, camera in sorted(day.cameras.items()):
        why = ", ".join(f"{count} {reason}" for reason, count in day.missing(folder, now).items())
        parts.append(f"{folder} {camera.captured} of {expected}" + (f" ({why})" if why else ""))
    return f"{day.window.day}: frames: " + ("; ".join(parts) or "none")


def status(day: DayRecord, now: datetime, free_bytes: int) -> str:
    """Return the line for `systemctl status`; ticks before the daemon ran are not its misses."""
    captured = sum(camera.captured for camera in day.cameras.values())
    reasons = (day.missing(folder, now).items() for folder in day.cameras)
    missed = sum(count for why in reasons for reason, count in why if reason != STOPPED)
    return (
        f"{day.window.day}: {several(captured, 'frame')} of {several(len(day.cameras), 'camera')}, "
        f"{missed} missed; "
        f"the rest of the day needs {gigabytes(rest_bytes(day, now))} "
        f"of {gigabytes(free_bytes)} free"
    )
