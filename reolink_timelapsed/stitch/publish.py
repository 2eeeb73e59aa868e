"""Puts finished videos in their place: both renditions, then the sidecar, then the links."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from reolink_timelapsed.errors import EncodeError
from reolink_timelapsed.frame import (
    FULL,
    LATEST,
    RENDITIONS,
    Camera,
    Frame,
    Size,
    Video,
    film_name,
    suffix,
)
from reolink_timelapsed.humanize import megabytes, pixels, several
from reolink_timelapsed.stitch import account
from reolink_timelapsed.stitch.concat import Spliced
from reolink_timelapsed.stitch.film import Film, MadeSegment
from reolink_timelapsed.stitch.progress import duration
from reolink_timelapsed.storage import sidecar
from reolink_timelapsed.storage.days import Days
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system.clock import Clock
from reolink_timelapsed.system.disk_errors import left_out
from reolink_timelapsed.system.reading import length

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Order:
    """A film, and where its videos go.

    `name` is the day, or the range of days; `day` is None for a range. A film that is not
    `finished` gets no sidecar, for there will be another one. `keeps_segments` leaves its segments
    for that one. `left` counts the frames that are there to choose from. `listed_ns` is when the
    folder of the `frames` had last changed.
    """

    film: Film
    folder: str
    name: str
    home: Path
    frames: Sequence[Frame]
    day: date | None
    finished: bool
    keeps_segments: bool
    left: int
    listed_ns: int = 0

    def path(self, rendition: str) -> Path:
        return self.home / film_name(self.folder, self.name, rendition)

    @property
    def sidecar_path(self) -> Path:
        return self.path(FULL.name).with_suffix(".json")

    def videos_there(self) -> list[Path]:
        """Return the videos that are published; what only has the name of one is none.

        Raises:
            StoreError: if the disk does not say.
        """
        paths = (self.path(rendition.name) for rendition in RENDITIONS)
        return [path for path in paths if length(path) is not None]


@dataclass(frozen=True, slots=True)
class StitchedVideo:
    """A video that was published; `label` names its camera and day, or range of days."""

    label: str
    folder: str
    rendition: str
    path: Path
    captured: int
    frames: int
    size: Size
    seconds: float
    bytes: int


class Publisher:
    """Publishes; `version` is ffmpeg's."""

    def __init__(self, store: Store, days: Days, clock: Clock, version: str) -> None:
        self._store = store
        self._days = days
        self._clock = clock
        self._version = version

    def publish(
        self, order: Order, made: Sequence[MadeSegment], videos: Mapping[str, Spliced]
    ) -> list[StitchedVideo]:
        """Publish a film's videos.

        The sidecar goes first and comes last: while it is there, both videos are what it says.
        """
        self._store.remove_file(order.sidecar_path)
        for name, video in videos.items():
            self._store.publish(video.path, order.path(name))
        if order.finished:
            self._store.write_json(order.sidecar_path, self._sidecar(order, made, videos))
            if order.day:
                self._store.date(order.sidecar_path, order.listed_ns)
        if self._is_at_home(order):
            self._link_latest(order)
        if not order.keeps_segments:
            self._store.remove(order.film.home)
        published = [_published(order, name, video) for name, video in videos.items()]
        for one in published:
            log.info("%s", describe(one))
        if others := self._other_names(order):
            names = ", ".join(others)
            log.info("%s: called %s in a part of that day, see its videos", order.film.label, names)
        return published

    def no_film(self, order: Order) -> EncodeError:
        """Return what to say of a film without one picture that can be decoded.

        Of a day that is over it is written down, and not tried again.
        """
        text = f"{order.film.label}: not one whole picture among its frames"
        if not (order.day and order.finished and self._is_at_home(order)) or order.videos_there():
            return EncodeError(text)
        self._store.write_json(
            order.sidecar_path, self._sidecar(order, [], {}) | {"barren": "no picture is whole"}
        )
        self._store.date(order.sidecar_path, order.listed_ns)
        self._store.remove(order.film.home)
        home = self._store.frames_home(order.folder, order.day)
        return EncodeError(
            f"{text}: look at those in {home}, and at the camera's settings; it is not tried again "
            f"but for `stitch --date {order.day}`, and they stay while there is room"
        )

    def _is_at_home(self, order: Order) -> bool:
        return order.day is not None and (
            order.home == self._store.video_path(Video(order.folder, order.day)).parent
        )

    def _other_names(self, order: Order) -> list[str]:
        """Return the camera folders that the same channel had that day: it was renamed."""
        own = Camera.from_folder(order.folder)
        if order.day is None or own is None:
            return []
        return [
            folder
            for folder in self._store.camera_folders()
            if (other := Camera.from_folder(folder)) and other.channel == own.channel
            if folder != order.folder and self._has_frames(folder, order.day)
        ]

    def _has_frames(self, folder: str, day: date) -> bool:
        with left_out():
            return day in self._store.frame_days(folder)
        return False

    def _link_latest(self, order: Order) -> None:
        newest = max((video.day for video in self._store.videos(order.folder)), default=None)
        if order.day == newest:
            for video in self._store.videos(order.folder):
                if video.day == newest:
                    link = order.home / f"{LATEST}{suffix(video.rendition)}.mp4"
                    self._store.link(link, self._store.video_path(video))

    def _sidecar(
        self, order: Order, made: Sequence[MadeSegment], videos: Mapping[str, Spliced]
    ) -> dict[str, object]:
        day, now = order.day, self._clock.now()
        window = self._days.window(day) if day else None
        missing = self._days.missing(order.folder, day, now) if day else {}
        interval = self._days.interval(day or order.frames[0].moment.date())
        others = self._other_names(order)
        return account.compose(
            order.film.label,
            order.film.config,
            now,
            order=sidecar.order(order.film.config, order.frames),
            window=account.window_part(window, interval),
            frames=account.frames_part(
                order.frames,
                made,
                order.film.refused,
                missing,
                window=window,
                interval=interval,
            ),
            pictures=account.pictures_part(made),
            **({"other_names": others} if others else {}),
            videos=account.videos_part(
                {name: (order.path(name), video) for name, video in videos.items()}
            ),
            encode=account.encode_part(made, self._version),
        )


def describe(video: StitchedVideo) -> str:
    """Return a published video in a line."""
    return (
        f"{video.label}: {video.rendition} {pixels(video.size)}, "
        f"{several(video.frames, 'frame')}, {duration(video.seconds)}, "
        f"{megabytes(video.bytes, '.1f')}: {video.path}"
    )


def _published(order: Order, rendition: str, video: Spliced) -> StitchedVideo:
    return StitchedVideo(
        label=order.film.label,
        folder=order.folder,
        rendition=rendition,
        path=order.path(rendition),
        captured=len(order.frames),
        frames=video.frames,
        size=video.size,
        seconds=video.seconds,
        bytes=video.bytes,
    )
