"""What the stitch is asked for, and which frames that means for each kind of film."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo
from pathlib import Path

from reolink_timelapsed.config.settings import StitchConfig
from reolink_timelapsed.errors import UsageError
from reolink_timelapsed.frame import Camera, Frame
from reolink_timelapsed.schedule import Window
from reolink_timelapsed.stitch import plan
from reolink_timelapsed.stitch.plan import Pick

Choice = Callable[[Sequence[Frame]], list[Pick]]


@dataclass(frozen=True, slots=True)
class StitchRequest:
    """The command line of `stitch`; all of it may be left out.

    `day` asks for one day, `first` and `last` for one film of a range of days; with `daily_time`
    it has one frame a day. `camera` is a channel, or a name or part of one. `output` is another
    folder for the videos. `now` publishes what there is of an unfinished day, `force` makes
    videos again that are finished, `dry_run` only tells.
    """

    now: bool = False
    day: date | None = None
    first: date | None = None
    last: date | None = None
    daily_time: time | None = None
    camera: str | None = None
    every_n_frames: int | None = None
    fps: int | None = None
    output: Path | None = None
    force: bool = False
    dry_run: bool = False

    def __post_init__(self) -> None:
        if self.day and self.is_range:
            raise UsageError("--date asks for a day, --from and --to for a range: take one of them")
        if self.daily_time and not self.is_range:
            raise UsageError("--daily-time takes one frame of each day: it needs --from or --to")
        if self.is_special and not (self.is_range or self.output or self.force or self.dry_run):
            raise UsageError(
                "--every-n-frames and --fps make another film than the ordinary one of a day: "
                "put it elsewhere with --output, or say with --force that it is to be the day's"
            )
        if self.first and self.last and self.first > self.last:
            raise UsageError(f"--from {self.first} lies after --to {self.last}")

    @property
    def is_range(self) -> bool:
        return self.first is not None or self.last is not None

    @property
    def is_special(self) -> bool:
        """Tell whether the film would differ from the ordinary one of its day."""
        return self.is_range or self.every_n_frames is not None or self.fps is not None

    def settings(self, config: StitchConfig) -> StitchConfig:
        """Return the configured settings with those of the command line over them."""
        return replace(
            config,
            every_n_frames=self.every_n_frames or config.every_n_frames,
            fps=self.fps or config.fps,
        )

    def within(self, days: Sequence[date]) -> list[date]:
        """Return the days that the range takes in."""
        first, last = self.first or date.min, self.last or date.max
        return [day for day in days if first <= day <= last]

    def cameras(self, folders: Sequence[str]) -> list[str]:
        """Return the camera folders that are meant.

        Raises:
            UsageError: if there is none; names those there are.
        """
        if self.camera is None:
            return list(folders)
        wanted = self.camera.lower()
        exact = [folder for folder in folders if wanted in _names(folder)]
        found = exact or [folder for folder in folders if wanted in folder.lower()]
        if not found:
            there = ", ".join(folders) or "none yet"
            raise UsageError(f"no camera is called {self.camera}; there are: {there}")
        return found


def _names(folder: str) -> tuple[str, ...]:
    camera = Camera.from_folder(folder)
    if camera is None:
        return (folder.lower(),)
    return folder.lower(), str(camera.channel), camera.name.lower()


def day_choice(
    config: StitchConfig, window: Window | None, interval: timedelta, until: datetime | None
) -> Choice:
    """Return what picks the frames of a day's film; `until` leaves out what comes after."""

    def choose(frames: Sequence[Frame]) -> list[Pick]:
        if config.target_seconds and frames:
            start, end = _span(frames, window, interval, until)
            picks = plan.evenly(frames, start, end, config.target_seconds * config.fps)
        else:
            picks = plan.every_nth(frames, config.every_n_frames)
            if config.gaps == "hold":
                picks = plan.held(picks, interval * config.every_n_frames)
        return [pick for pick in picks if until is None or pick.at < until]

    return choose


def _span(
    frames: Sequence[Frame], window: Window | None, interval: timedelta, until: datetime | None
) -> tuple[datetime, datetime]:
    """Return the time a film of fixed length stands for.

    That is the window, less what lies before the first frame and, once the day is over, after
    the last: a day that began late does not begin with a still.
    """
    first, last = frames[0].moment, frames[-1].moment + interval
    if window is None:
        return first, last
    start = max(window.start, first) if first - window.start > interval else window.start
    is_short = until is None and window.end - last > interval
    return min(start, first), last if is_short else max(window.end, last)


def range_choice(config: StitchConfig, daily: time | None, zone: tzinfo) -> Choice:
    """Return what picks the frames of a film of many days."""

    def choose(frames: Sequence[Frame]) -> list[Pick]:
        if daily:
            return plan.one_a_day(frames, daily, zone)
        if config.target_seconds:
            return plan.thinned(frames, config.target_seconds * config.fps)
        return plan.every_nth(frames, config.every_n_frames)

    return choose
