"""Makes the films that are due: finished hours of the day under way, and whole days.

The day under way and the last one come first; then the days that were missed, oldest first.
Between those it looks again whether another hour has ended.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta, tzinfo
from functools import partial
from typing import TextIO

from reolink_timelapsed.config.settings import Config
from reolink_timelapsed.errors import Stopped
from reolink_timelapsed.frame import Camera, Frame, Video
from reolink_timelapsed.humanize import several
from reolink_timelapsed.media import graph
from reolink_timelapsed.schedule import hour_of, local_day
from reolink_timelapsed.stitch import estimate
from reolink_timelapsed.stitch import request as orders
from reolink_timelapsed.stitch.concat import Splicer
from reolink_timelapsed.stitch.earlier import Earlier, see_that_it_gains
from reolink_timelapsed.stitch.film import Film
from reolink_timelapsed.stitch.guard import Guard
from reolink_timelapsed.stitch.outcome import StitchReport, why_nothing
from reolink_timelapsed.stitch.progress import Progress
from reolink_timelapsed.stitch.publish import Order, Publisher
from reolink_timelapsed.stitch.request import Choice, StitchRequest
from reolink_timelapsed.stitch.segments import SegmentMaker
from reolink_timelapsed.storage import sidecar
from reolink_timelapsed.storage.days import SETTLE, Days
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system import lock
from reolink_timelapsed.system.clock import Clock
from reolink_timelapsed.system.disk_errors import left_out

_RECENT = timedelta(days=1)

log = logging.getLogger(__name__)


def run(
    store: Store,
    config: Config,
    request: StitchRequest,
    clock: Clock,
    *,
    zone: tzinfo,
    status: Callable[[str], None] = lambda _: None,
    terminal: TextIO | None = None,
) -> StitchReport:
    """Make what is due, or what the request asks for.

    One film that fails does not keep the others from being made. `status` is told every few
    seconds what is going on; `terminal` gets a progress bar.

    Raises:
        UsageError: if the request makes no sense here.
        EncodeError: if there is no ffmpeg to work with.
        StoreError: if the data folder cannot be used, or is full; what is finished stays.
        TimelapseError: if another stitch is at work.
    """
    version = graph.version()
    progress = Progress(clock, terminal, status)
    claim = lock.only_one(store.root, "stitch")
    try:
        store.open()
        if request.output and not request.dry_run:
            store.see_folder(request.output)  # hours of encoding are not to end in an error
        return _Stitch(
            store, config, request, clock, zone=zone, progress=progress, version=version
        ).run()
    finally:
        progress.clear()
        claim.give()


class _Stitch:
    def __init__(
        self,
        store: Store,
        config: Config,
        request: StitchRequest,
        clock: Clock,
        *,
        zone: tzinfo,
        progress: Progress,
        version: str,
    ) -> None:
        self._store = store
        self._request = request
        self._settings = request.settings(config.stitch)
        self._clock = clock
        self._zone = zone
        self._progress = progress
        self._days = Days(store, config.capture, zone)
        self._maker = SegmentMaker(store, clock, progress, zone)
        self._splicer = Splicer(store, clock, self._maker, zone)
        self._publisher = Publisher(store, self._days, clock, version)
        self._earlier = Earlier(store, clock)
        self._guard = Guard(store.root, progress.clear)
        self._report = StitchReport(failures=self._guard.failures)
        self._said = False
        self._under_way: set[date] = set()
        self._looked: datetime | None = None

    def run(self) -> StitchReport:
        folders = self._request.cameras(self._store.camera_folders())
        try:
            if self._request.is_range:
                self._each(folders, self._range)
            elif day := self._request.day:
                self._each(folders, lambda folder: self._day(folder, day, wanted=True))
            elif self._request.is_special or self._request.force:
                self._each(folders, self._whatever_there_is)
            else:
                self._all(folders)
        except Stopped:
            self._report.stopped = True
            log.info("told to stop: finished segments are kept, the next run goes on from there")
        if not (self._said or self._report.stopped or self._report.failures):
            self._say_why_nothing(folders)
        return self._report

    def _say_why_nothing(self, folders: Sequence[str]) -> None:
        request = self._request
        self._report.in_vain = bool(request.day or request.is_special or request.force)
        some = any(self._store.frame_days(folder) for folder in folders)
        day = max(self._under_way, default=None)
        window = self._days.window(day) if day else None
        end = f"{window.end.astimezone(self._zone):%H:%M}" if window else None
        log.info("%s", why_nothing(self._report, some=some, under_way=day, end=end))

    def _whatever_there_is(self, folder: str) -> None:
        """Make a film of every day whose frames are still there."""
        for day in self._store.frame_days(folder):
            with self._guard.over(f"{folder} {day}"):
                if not self._is_pruned(folder, day):
                    self._day(folder, day, wanted=self._request.is_special)

    def _is_pruned(self, folder: str, day: date) -> bool:
        filmed = sidecar.read(self._store.sidecar_path(folder, day))
        return filmed is not None and filmed.pruned

    def _all(self, folders: Sequence[str]) -> None:
        self._recent(folders)
        today = local_day(self._clock.now(), self._zone)
        missed = [(day, folder) for folder in folders for day in self._lacking(folder)]
        for day, folder in sorted(missed):
            if day < today - _RECENT and not self._request.now:
                self._recent(folders)
                self._day(folder, day)
        self._each(folders, self._sweep)

    def _each(self, folders: Sequence[str], work: Callable[[str], None]) -> None:
        for folder in folders:
            self._guarded(folder, partial(work, folder))

    def _sweep(self, folder: str) -> None:
        """Drop the segments of finished days that a kill left behind."""
        for day in self._store.segment_days(folder):
            if self._days.is_done(folder, day):
                self._store.remove(self._store.segments_home(folder, day))

    def _recent(self, folders: Sequence[str]) -> None:
        """Look after yesterday and today, once an hour."""
        now = self._clock.now()
        if self._looked == hour_of(now):
            return
        self._looked = hour_of(now)
        today = local_day(now, self._zone)
        for folder in folders:
            for day in self._lacking(folder):
                if day >= today - _RECENT:
                    self._day(folder, day)

    def _day(self, folder: str, day: date, *, wanted: bool = False) -> None:
        """Make a day's videos if it is over, else the segments of its finished hours."""
        self._guarded(f"{folder} {day}", lambda: self._look_at(folder, day, wanted=wanted))

    def _look_at(self, folder: str, day: date, *, wanted: bool) -> None:
        changed = self._store.frames_changed(folder, day)
        frames = self._store.frames(folder, day)
        over = self._days.is_over(day, frames, self._clock.now())
        publishes = over or self._request.now or wanted
        order = self._day_order(folder, day, frames, over=over, publishes=publishes)
        order = replace(order, listed_ns=changed)
        if not frames:
            if wanted:
                log.warning("%s: no frames", order.film.label)
        elif publishes:
            self._make(order)
        else:
            self._under_way.add(day)
            if self._days.window(day) or not self._settings.target_seconds:
                self._hours(order)

    def _hours(self, order: Order) -> None:
        self._said = self._said or bool(estimate.frames_left(order.film))
        if self._request.dry_run:
            self._said = True
            self._report.plans.append(f"{order.film.label}: under way")
        else:
            self._maker.make(order.film)

    def _day_order(
        self, folder: str, day: date, frames: Sequence[Frame], *, over: bool, publishes: bool
    ) -> Order:
        now = self._clock.now()
        until = None if over else now if publishes else hour_of(now - SETTLE)
        window, interval = self._days.window(day), self._days.interval(day)
        home = self._store.video_path(Video(folder, day)).parent
        choose = orders.day_choice(self._settings, window, interval, until)
        special = self._request.is_special
        return Order(
            film=self._film(folder, str(day), choose, [day], special=special),
            folder=folder,
            name=str(day),
            home=self._request.output or home,
            frames=frames,
            day=day,
            finished=over,
            keeps_segments=not over or (self._request.output is not None and not special),
            left=len(frames),
        )

    def _range(self, folder: str) -> None:
        days = self._request.within(self._store.frame_days(folder))
        if not days:
            log.warning("%s: no frames in that range", folder)
            return
        pruned = [day for day in days if self._is_pruned(folder, day)]
        if pruned and not self._request.daily_time:
            log.warning(
                "%s: of %d of %s only the one frame that is kept is left",
                folder, len(pruned), several(len(days), "day"),
            )  # fmt: skip
        name = f"{self._request.first or days[0]}_{self._request.last or days[-1]}"
        choose = orders.range_choice(self._settings, self._request.daily_time, self._zone)
        film = self._film(folder, name, choose, days, special=True)
        there = film.frames()
        chosen = [pick.frame for pick in choose(there)]
        order = Order(
            film=film,
            folder=folder,
            name=name,
            home=self._request.output or self._store.root / "videos" / folder,
            frames=chosen,
            day=None,
            finished=True,
            keeps_segments=False,
            left=len(chosen) if pruned else len(there),
        )
        self._make(order)

    def _film(
        self, folder: str, name: str, choose: Choice, days: Sequence[date], *, special: bool
    ) -> Film:
        home = f"{name}_{sidecar.order(self._settings, [])[:8]}" if special else name
        return Film(
            label=f"{folder} {name}",
            home=self._store.segments_home(folder, home),
            frames=lambda: [f for day in days for f in self._store.frames(folder, day)],
            choose=choose,
            config=self._settings,
        )

    def _make(self, order: Order) -> None:
        self._said = True
        if self._earlier.settle(order, self._request):
            return
        if self._request.dry_run:
            self._report.plans.append(estimate.describe(order, self._store))
            return
        camera = Camera.from_folder(order.folder)
        made, videos = self._splicer.make(
            order.film, f"{order.folder} {order.name}", camera.name if camera else order.folder
        )
        if not videos:
            raise self._publisher.no_film(order)
        see_that_it_gains(order, made)
        self._report.videos += self._publisher.publish(order, made, videos)

    def _guarded(self, label: str, work: Callable[[], None]) -> None:
        """Do the work; a failure costs what has this label, and is not tried again in this run."""
        if self._guard.has_failed(label):
            return
        try:
            with self._guard.over(label):
                work()
        finally:
            with left_out():
                self._store.sweep()  # what failed half-way may be large, and capture needs the room

    def _lacking(self, folder: str) -> list[date]:
        with self._guard.over(folder):
            return self._days.lacking(folder)
        return []
