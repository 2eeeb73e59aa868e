"""What lies on disk of the days and cameras, for who asks how things stand: frames and records."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path

from reolink_timelapsed.config.settings import CaptureConfig
from reolink_timelapsed.frame import Camera, parse_frame_name
from reolink_timelapsed.schedule import Window, local_day, tick_from
from reolink_timelapsed.status.overview import CameraDay, Day, Sighting
from reolink_timelapsed.storage import coverage, sidecar
from reolink_timelapsed.storage.coverage import CameraRecord, DayRecord
from reolink_timelapsed.storage.daemon_state import Live
from reolink_timelapsed.storage.days import Days
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system.disk_errors import left_out
from reolink_timelapsed.system.reading import entry, names_in

DAYS = 8
"""Today and the week before."""

_DAY = timedelta(days=1)
_MOMENT = timedelta(microseconds=1)


class Past:
    """The daemon's records of days, and the frames.

    Days that lie ahead of `now` are left out: a clock that was wrong once may have filed frames
    there. Every method may raise `StoreError`.
    """

    def __init__(
        self,
        store: Store,
        capture: CaptureConfig,
        now: datetime,
        zone: tzinfo,
        live: Live | None,
    ) -> None:
        self.store = store
        self.now = now
        self.zone = zone
        self.today = local_day(now, zone)
        self.known = Days(store, capture, zone, self.record)
        self._live = live
        self._records: dict[date, DayRecord | None] = {}
        if live:
            self._records[live.record.window.day] = live.record
        self._names: dict[tuple[str, date], list[str]] = {}
        recorded = {*coverage.recorded_days(store), *self._records}
        self._recorded = sorted((day for day in recorded if day <= self.today), reverse=True)

    def record(self, day: date) -> DayRecord | None:
        if day not in self._records:
            self._records[day] = None
            with left_out():
                self._records[day] = coverage.load(self.store, day)
        return self._records[day]

    def frame_names(self, folder: str, day: date) -> list[str]:
        """Return the names of a day's frames, oldest first."""
        if (folder, day) not in self._names:
            home = self.store.frames_home(folder, day)
            names: list[str] = []
            with left_out():
                names = names_in(home)
            frames = (name for name in names if name.endswith("Z.jpg") and name[0] != ".")
            self._names[folder, day] = sorted(frames)
        return self._names[folder, day]

    # Windows

    def current_window(self) -> Window | None:
        """Return the window under way, else the last one."""
        days = {self.today, self.today - _DAY, self.today - 2 * _DAY, *self._recorded[:1]}
        windows = [self.known.window(day) for day in days]
        return max((one for one in windows if one and one.start <= self.now), default=None)

    def due_since(self, window: Window) -> Window:
        """Return `window` as if it began where those that it follows without a gap did."""
        start = window.start
        for back in range(1, DAYS):
            before = self.known.window(window.day - back * _DAY)
            if before is None or before.end < start:
                break
            start = min(start, before.start)
        return Window(start, window.end, window.day)

    def next_start(self) -> datetime | None:
        windows = [self.known.window(self.today + days * _DAY) for days in range(3)]
        return min((one.start for one in windows if one and one.start > self.now), default=None)

    def window_to_film(self, lacking: set[date]) -> Window | None:
        """Return the first window that is to end, or has ended and lacks its videos."""
        windows = (self.known.window(self.today + days * _DAY) for days in range(-2, 3))
        due = (one for one in windows if one and (one.end > self.now or one.day in lacking))
        return min(due, default=None)

    # Cameras

    def sightings(self) -> list[Sighting]:
        """Return all cameras that ever gave a frame or stand in a record of the last days."""
        folders = set(self.store.camera_folders())
        for day in self._recorded[:DAYS]:
            if record := self.record(day):
                folders.update(record.cameras)
        cameras = sorted((camera, name) for name in folders if (camera := Camera.from_folder(name)))
        found = (self._sighting(camera, name) for camera, name in cameras)
        return [one for one in found if one]

    def _sighting(self, camera: Camera, folder: str) -> Sighting | None:
        seen = [*self._newest_frame(folder), *self._newest_record(folder)]
        newest = max((moment for _, moment in seen if moment), default=None)
        return Sighting(camera, newest, max(day for day, _ in seen)) if seen else None

    def _newest_frame(self, folder: str) -> Iterator[tuple[date, datetime | None]]:
        for day in reversed(self._frame_days(folder)):
            home = self.store.frames_home(folder, day)
            named = (home / name for name in reversed(self.frame_names(folder, day)))
            newest = next(filter(None, map(_taken, named)), None)
            if day <= self.today and newest:
                yield day, min(newest, self.now)
                return

    def _frame_days(self, folder: str) -> list[date]:
        with left_out():
            return self.store.frame_days(folder)
        return []

    def _newest_record(self, folder: str) -> Iterator[tuple[date, datetime | None]]:
        for day in self._recorded[:DAYS]:
            if known := self._camera_record(folder, day):
                ahead = known.newest is not None and known.newest > self.now
                yield day, None if ahead else known.newest
                return

    def _camera_record(self, folder: str, day: date) -> CameraRecord | None:
        record = self.record(day)
        return record.cameras.get(folder) if record else None

    def daily_bytes(self, folder: str, window: Window | None) -> int:
        """Return what a whole day of a camera comes to, at the size of its latest frames."""
        if window is None:
            return 0
        ticks = DayRecord(window, self.known.interval(window.day)).expected(window.end)
        for day in self._recorded[:DAYS]:
            known = self._camera_record(folder, day)
            if known and known.captured:
                return round(known.size / known.captured * ticks)
        return 0

    # Days

    def days(self, window: Window | None) -> Iterator[Day]:
        """Yield the day of `window` and those before it, as far as anything is known of them."""
        last = window.day if window else self.today
        week = [last - back * _DAY for back in range(DAYS)]
        held = {day: self._folders(day) for day in week}
        known = [day for day in week if held[day] or self.record(day)]
        for day in week:
            if known and day >= known[-1] and (laid := self.known.window(day)):
                one = self._day(day, laid, held[day])
                if one.expected:  # not the day of the installation, before its first tick
                    yield one

    def _folders(self, day: date) -> list[str]:
        record = self.record(day)
        folders = [name for name in self.store.camera_folders() if self.frame_names(name, day)]
        return sorted({*folders, *(record.cameras if record else ())})

    def _day(self, day: date, window: Window, folders: list[str]) -> Day:
        """Return a day's frames; a tick that was under way is not yet missed by anybody."""
        live = self._live if self._live and self._live.record.window.day == day else None
        record = deepcopy(self.record(day)) or DayRecord(window, self.known.interval(day))
        end = tick_from((live.at if live else self.now) + _MOMENT, record.interval)
        end -= record.interval
        cameras = []
        for folder in folders:
            camera = record.camera(folder)
            if live is None:
                camera.captured = max(camera.captured, self._captured(folder, day))
            cameras.append(CameraDay(folder, camera.captured, record.missing(folder, end)))
        missing = record.missing_rounds if folders else record.missing("", end)
        expected = max([record.expected(end), *(one.captured for one in cameras)])
        return Day(day, expected, missing, cameras)

    def _captured(self, folder: str, day: date) -> int:
        """Return how many frames there are or, where they were pruned, how many there were."""
        film = None
        with left_out():
            film = sidecar.read(self.store.sidecar_path(folder, day))
        return max(len(self.frame_names(folder, day)), sidecar.captured(film))


def _taken(path: Path) -> datetime | None:
    """Return when a frame was taken: as its name says or, if that is earlier, as its file does.

    After a clock that was set back, names run ahead for a while, to keep their order.
    """
    named, found = parse_frame_name(path.name), None
    with left_out():
        found = entry(path)
    if named is None or found is None:  # pruned meanwhile
        return named
    written = min(max(found.st_mtime, 0.0), named.timestamp())
    return min(named, datetime.fromtimestamp(written, UTC))
