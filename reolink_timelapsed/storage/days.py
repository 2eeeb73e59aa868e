"""The days of each camera: when they are over, and which of them still lack their videos."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from functools import partial
from pathlib import Path

from reolink_timelapsed.config.settings import CaptureConfig
from reolink_timelapsed.frame import RENDITIONS, Frame, Video
from reolink_timelapsed.schedule import Daily, Window, local_day
from reolink_timelapsed.storage import coverage, sidecar
from reolink_timelapsed.storage.coverage import DayRecord
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system.disk_errors import left_out
from reolink_timelapsed.system.reading import length

SETTLE = timedelta(seconds=90)
"""After the end of an hour or a window: its last round may still be under way."""

_QUIET = timedelta(hours=1)


class Days:
    """Reads what there is; planning costs the same after a year of days as after one.

    `record` returns the daemon's record of a day, for who knows one that is newer than on disk.
    """

    def __init__(
        self,
        store: Store,
        config: CaptureConfig,
        zone: tzinfo,
        record: Callable[[date], DayRecord | None] | None = None,
    ) -> None:
        self._store = store
        self._config = config
        self._zone = zone
        self._record = record or partial(_recorded, store)

    def window(self, day: date) -> Window | None:
        """Return when a day's frames were to be taken, None if that is not known.

        The daemon's record of the day knows best: the configuration may have changed since.
        """
        if record := self._record(day):
            return record.window
        if self._config.daily_start is None:
            return None
        return Daily(self._config.daily_start, self._config.duration, self._zone).window(day)

    def interval(self, day: date) -> timedelta:
        record = self._record(day)
        return record.interval if record else self._config.interval

    def missing(self, folder: str, day: date, now: datetime) -> Mapping[str, int]:
        """Return the missed ticks of a day by reason, as far as the daemon recorded them."""
        record = self._record(day)
        return record.missing(folder, now) if record else {}

    def is_over(self, day: date, frames: Sequence[Frame], now: datetime) -> bool:
        """Tell whether no more frames are to be expected for a day.

        Where its window is not known: when its date has passed and an hour has brought none.
        """
        if window := self.window(day):
            return now >= window.end + SETTLE
        newest = frames[-1].moment if frames else now
        return local_day(now, self._zone) > day and now - newest > _QUIET

    def lacking(self, folder: str) -> list[date]:
        """Return the days with frames whose videos are not finished, oldest first.

        A day of which that cannot be read now is told of, and left out.
        """
        present = self._store.video_files(folder)
        lacking = []
        for day in self._store.frame_days(folder):
            with left_out():
                if not self._is_done(folder, day, present):
                    lacking.append(day)
        return lacking

    def is_done(self, folder: str, day: date) -> bool:
        """Tell whether a day's videos are finished, and show all the frames there are."""
        return self._is_done(folder, day, self._store.video_files(folder))

    def _is_done(self, folder: str, day: date, present: frozenset[str]) -> bool:
        path = self._store.sidecar_path(folder, day)
        videos = {Video(folder, day, one.name).name for one in RENDITIONS}
        if path.name not in present or not length(path):
            return False
        if not videos <= present and self._can_be_made_again(folder, day, path):
            return False
        return not self._has_late_frames(folder, day, path)

    def _can_be_made_again(self, folder: str, day: date, path: Path) -> bool:
        """Tell whether videos are missing that should not, and their frames are there."""
        known = sidecar.read(path)
        if known and (known.expired or known.barren):
            return False
        return len(self._store.frames(folder, day)) >= sidecar.captured(known)

    def _has_late_frames(self, folder: str, day: date, path: Path) -> bool:
        """Tell whether frames came after those the videos show; fewer were only pruned.

        A sidecar has the modification time that the folder had when its frames were listed.
        """
        if self._store.frames_changed(folder, day) <= self._store.changed(path):
            return False
        known = sidecar.captured(sidecar.read(path))
        return len(self._store.frames(folder, day)) > known


def _recorded(store: Store, day: date) -> DayRecord | None:
    with left_out():
        return coverage.load(store, day)
    return None
