"""Removes what retention allows: frames whose videos are proven, and videos past their time.

Nothing that is not filmed is ever removed; it is reported. One frame of each day can stay, for a
film of the year.
"""

from __future__ import annotations

import logging
import os
import shlex
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo

from reolink_timelapsed.config.settings import StorageConfig
from reolink_timelapsed.errors import StoreError
from reolink_timelapsed.frame import Frame, nearest, parse_day
from reolink_timelapsed.humanize import several
from reolink_timelapsed.schedule import local_day
from reolink_timelapsed.storage import sidecar
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.storage.timeline import note_path, was_set
from reolink_timelapsed.system import privileges
from reolink_timelapsed.system.clock import Clock
from reolink_timelapsed.system.disk_errors import tell_once
from reolink_timelapsed.system.reading import read_json

_ABANDONED = timedelta(days=7)
"""After which the segments of a film that nobody asks for any more are dropped."""

_NAMED = 5
_NS = 1e9

CameraDay = tuple[str, date]

log = logging.getLogger(__name__)


@dataclass(slots=True)
class PruneReport:
    """What was removed, or would have been: camera folders and days, and file names.

    `unfilmed` are old days whose frames stay because their videos are not finished, `barren` those
    of which none can be made; `segments` are those of films that nobody asks for any more.
    """

    frames: list[CameraDay] = field(default_factory=list)
    videos: list[str] = field(default_factory=list)
    unfilmed: list[CameraDay] = field(default_factory=list)
    barren: list[CameraDay] = field(default_factory=list)
    segments: list[str] = field(default_factory=list)


def expired(days: Iterable[date], today: date, keep_days: int) -> list[date]:
    """Return the days, oldest first, that lie more than `keep_days` before today; 0 keeps all."""
    if keep_days <= 0:
        return []
    return sorted(day for day in days if (today - day).days > keep_days)


def run(
    store: Store, config: StorageConfig, clock: Clock, *, zone: tzinfo, dry_run: bool = False
) -> PruneReport:
    """Remove what is past its time; with `dry_run` only tell.

    Raises:
        StoreError: if something cannot be removed; all the rest is by then.
    """
    store.open(probe=False)
    pruner = _Pruner(store, config, zone, dry_run=dry_run)
    if was_set(read_json(note_path(store.root)), clock):
        log.info("this machine's clock was set within the last day: nothing is removed by date")
        return pruner.report
    for folder in store.camera_folders():
        pruner.camera(folder, clock.now())
    pruner.tell()
    if pruner.failed:
        raise _all_in_one(pruner.failed)
    if pruner.report == PruneReport():
        log.info("nothing to remove: %s", _kept(config))
    return pruner.report


def make_room(
    store: Store,
    config: StorageConfig,
    *,
    zone: tzinfo,
    enough: Callable[[], bool],
    ping: Callable[[], None] = lambda: None,
) -> None:
    """Remove frames whose videos are proven, the oldest day first, until there is `enough` room.

    Then those of which no video can be made: they must not cost the frames of others.
    For when the disk runs short; `ping` is called after each day of a camera. What cannot be
    removed is told of once, and keeps nothing else.

    Raises:
        StoreError: if the data folder cannot be read.
    """
    pruner = _Pruner(store, config, zone, dry_run=False)
    days = [(day, folder) for folder in store.camera_folders() for day in pruner.days_of(folder)]
    for remove in (pruner.frames, pruner.barren):
        for day, folder in sorted(days):
            if enough():
                break
            with pruner.trying():
                remove(folder, day)
            ping()
    pruner.report.unfilmed.clear()
    pruner.report.barren.clear()
    pruner.tell()
    for error in pruner.failed:
        tell_once(str(error))


def _all_in_one(failed: list[StoreError]) -> StoreError:
    more = f"; so it is with {len(failed) - 1} more" if len(failed) > 1 else ""
    return StoreError(f"{failed[0]}{more}; all the rest was removed")


class _Pruner:
    def __init__(self, store: Store, config: StorageConfig, zone: tzinfo, *, dry_run: bool) -> None:
        self._store = store
        self._config = config
        self._zone = zone
        self._dry_run = dry_run
        self.report = PruneReport()
        self.failed: list[StoreError] = []

    @contextmanager
    def trying(self) -> Iterator[None]:
        """Let what cannot be removed keep nothing else."""
        try:
            yield
        except StoreError as error:
            self.failed.append(error)

    def camera(self, folder: str, now: datetime) -> None:
        """Remove what is past its time of a camera."""
        today = local_day(now, self._zone)
        for day in expired(self.days_of(folder), today, self._config.keep_frames_days):
            with self.trying():
                self.frames(folder, day)
        with self.trying():
            days = {video.day for video in self._store.videos(folder)}
            for day in expired(days, today, self._config.keep_videos_days):
                with self.trying():
                    self.videos(folder, day, now)
        with self.trying():
            self.abandoned_segments(folder, now)

    def days_of(self, folder: str) -> list[date]:
        """Return the days of a camera that have frames, as far as they can be read."""
        with self.trying():
            return self._store.frame_days(folder)
        return []

    def frames(self, folder: str, day: date) -> None:
        """Remove a day's frames but the one to keep, if its videos are proven, or were."""
        frames = self._store.frames(folder, day)
        path = self._store.sidecar_path(folder, day)
        filmed = sidecar.read(path)
        if filmed and filmed.pruned:
            return
        was_proven = filmed and (filmed.expired or sidecar.is_proven(path))
        if not filmed or not was_proven or len(frames) > filmed.captured:
            if frames:
                is_barren = filmed and filmed.barren and len(frames) <= filmed.captured
                (self.report.barren if is_barren else self.report.unfilmed).append((folder, day))
            return
        self._see_that_all_were_read(frames, filmed.refused)
        self.report.frames.append((folder, day))
        if not self._dry_run:
            kept = self._kept(frames, filmed.refused)
            self._store.remove_frames(folder, day, kept)
            self._store.write_json(path, sidecar.pruned(filmed, kept))

    def barren(self, folder: str, day: date) -> None:
        """Remove the frames of a day of which no video can be made."""
        frames = self._store.frames(folder, day)
        path = self._store.sidecar_path(folder, day)
        known = sidecar.read(path)
        if known and known.barren and not known.pruned and len(frames) <= known.captured:
            self._see_that_all_were_read(frames, known.refused)
            self.report.frames.append((folder, day))
            self._store.remove_frames(folder, day)
            self._store.write_json(path, sidecar.pruned(known, None))

    @staticmethod
    def _see_that_all_were_read(frames: Iterable[Frame], refused: Iterable[str]) -> None:
        """Keep what is in no video because nobody was let read it: it may be whole."""
        names, me = set(refused), privileges.me()
        for path in (frame.path for frame in frames if frame.path.name in names):
            if not privileges.may(path, os.R_OK):
                raise StoreError(
                    f"{path} is in no video, for {me} may not read it: run `sudo chown {me}: "
                    f"{shlex.quote(str(path))}`, then `sudo reolink-timelapse stitch --date "
                    f"{path.parent.name} --force`"
                )

    def _kept(self, frames: list[Frame], refused: Iterable[str]) -> Frame | None:
        whole = [frame for frame in frames if frame.path.name not in set(refused)]
        if self._config.keep_daily_frame is None or not whole:
            return None
        return nearest(whole, self._config.keep_daily_frame, self._zone)

    def videos(self, folder: str, day: date, now: datetime) -> None:
        """Remove a day's videos; the sidecar stays, as the record that they were made."""
        videos = [video for video in self._store.videos(folder) if video.day == day]
        self.report.videos += [video.name for video in videos]
        if self._dry_run:
            return
        path = self._store.sidecar_path(folder, day)
        if filmed := sidecar.read(path):
            self._store.write_json(path, sidecar.expired(filmed, now))
        self._store.remove_latest(folder, {video.name for video in videos})
        for video in videos:
            with self.trying():
                self._store.remove_file(self._store.video_path(video))

    def abandoned_segments(self, folder: str, now: datetime) -> None:
        """Remove the segments of films that were asked for once, and not finished since."""
        oldest = (now - _ABANDONED).timestamp() * _NS
        for home in self._store.segment_homes(folder):
            if parse_day(home.name) is None and self._store.changed(home) < oldest:
                self.report.segments.append(f"{folder}/{home.name}")
                with self.trying():
                    if not self._dry_run:
                        self._store.remove(home)

    def tell(self) -> None:
        """Log what was done."""
        verb = "would remove" if self._dry_run else "removed"
        if self.report.frames:
            log.info("%s the frames of %s", verb, _listed(self.report.frames))
        if self.report.videos:
            log.info("%s %s", verb, several(len(self.report.videos), "video"))
        if self.report.segments:
            log.info(
                "%s the segments of %s", verb, several(len(self.report.segments), "dropped film")
            )
        if self.report.barren:
            log.info(
                "no picture of the frames of %s can be decoded: they stay while there is room",
                _listed(self.report.barren),
            )
        if self.report.unfilmed:
            log.warning(
                "the frames of %s are old but not filmed yet, they stay: run `stitch`",
                _listed(self.report.unfilmed),
            )


def _kept(config: StorageConfig) -> str:
    return (
        f"frames are kept {_for_days(config.keep_frames_days)}, "
        f"videos {_for_days(config.keep_videos_days)}, and none are older"
    )


def _for_days(days: int) -> str:
    return f"for {several(days, 'day')}" if days else "for ever"


def _listed(days: list[CameraDay]) -> str:
    named = ", ".join(f"{folder} {day}" for folder, day in days[:_NAMED])
    return named + (f" and {several(len(days) - _NAMED, 'more day')}" if len(days) > _NAMED else "")
