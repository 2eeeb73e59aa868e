"""The words of the project, and their file names, both ways.

channel    an input of the NVR, numbered from 0
camera     a channel together with its name; its folder is `ch<id>_<name>`
tick       a moment on the interval grid; all cameras of a round share it
round      one pass over the cameras
snapshot   the NVR's answer to Snap: bytes
frame      a snapshot that was validated and stored
day        the local date on which a capture window starts
segment    frames of a film that are encoded in one run: those of a clock hour (UTC), or of several
           that hold few
rendition  one wanted output (`full`, `720p`)
video      a finished rendition of one camera and day: its segments, joined
lease      how long a login token lives
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from pathlib import Path

_OTHER = re.compile(r"[^A-Za-z0-9_-]")
_FOLDER = re.compile(r"ch(\d{1,4})_([A-Za-z0-9_-]*)\Z", re.ASCII)
_FRAME = re.compile(r"(\d{8}T\d{6})\.(\d{3})Z\.jpg\Z", re.ASCII)
_SEGMENT = re.compile(r"(\d{8}T\d{2})Z_([a-z0-9]+)\.mp4\Z", re.ASCII)
_VIDEO = re.compile(
    r"timelapse_(ch\d{1,4}_[A-Za-z0-9_-]*)_(\d{4}-\d\d-\d\d)(?:_([a-z0-9]+))?\.mp4\Z", re.ASCII
)
LATEST = "latest"
"""What the link to a camera's newest video is called."""

_YEARS = range(1970, 9000)
"""Beyond these, a day more or less is no datetime any more; no clock shows them but by a fault."""

_NAME_LIMIT = 64
"""Characters of a name kept in its folder: every file name stays far below 255 bytes."""


Size = tuple[int, int]
"""Of a picture: width and height in pixels."""


@dataclass(frozen=True, slots=True, order=True)
class Camera:
    """A channel (from 0) together with the name the NVR gives it."""

    channel: int
    name: str

    @property
    def folder(self) -> str:
        """`ch<id>_<name>`: letters A-Z, digits, `-` and `_` stay, all else becomes `_`."""
        return f"ch{self.channel}_{_OTHER.sub('_', self.name)[:_NAME_LIMIT]}"

    @classmethod
    def from_folder(cls, folder: str) -> Camera | None:
        """Read a folder name back; the name comes out as written in the folder."""
        match = _FOLDER.match(folder)
        return cls(int(match[1]), match[2]) if match else None


@dataclass(frozen=True, slots=True, order=True)
class Frame:
    """A stored picture: the moment it was taken (UTC, milliseconds) and where it lies."""

    moment: datetime
    path: Path


@dataclass(frozen=True, slots=True)
class Rendition:
    """One wanted output; `height` in pixels, None keeps the size of the frames."""

    name: str
    height: int | None = None


FULL = Rendition("full")
HD = Rendition("720p", 720)
RENDITIONS = (FULL, HD)


@dataclass(frozen=True, slots=True, order=True)
class SegmentFile:
    """The encoded frames of one clock hour of a day; `hour` is its start in UTC."""

    hour: datetime
    rendition: str

    @property
    def name(self) -> str:
        return f"{self.hour:%Y%m%dT%H}Z_{self.rendition}.mp4"

    @classmethod
    def from_name(cls, name: str) -> SegmentFile | None:
        match = _SEGMENT.match(name)
        hour = _moment(match[1], "%Y%m%dT%H") if match else None
        return cls(hour, match[2]) if match and hour else None


@dataclass(frozen=True, slots=True, order=True)
class Video:
    """A finished rendition of one camera (by its folder) and day."""

    folder: str
    day: date
    rendition: str = FULL.name

    @property
    def name(self) -> str:
        return film_name(self.folder, str(self.day), self.rendition)

    @classmethod
    def from_name(cls, name: str) -> Video | None:
        match = _VIDEO.match(name)
        day = parse_day(match[2]) if match else None
        return cls(match[1], day, match[3] or FULL.name) if match and day else None


def film_name(folder: str, title: str, rendition: str) -> str:
    """File name of a film of a camera, by its folder; `title` is its day, or what it was called."""
    return f"timelapse_{folder}_{title}{suffix(rendition)}.mp4"


def suffix(rendition: str) -> str:
    """Return what tells the file of a rendition from that of the full one, which has none."""
    return "" if rendition == FULL.name else f"_{rendition}"


def frame_name(moment: datetime) -> str:
    """File name of a frame taken at `moment` (aware): UTC with milliseconds, cut, not rounded."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y%m%dT%H%M%S}.{utc.microsecond // 1000:03d}Z.jpg"


def parse_frame_name(name: str) -> datetime | None:
    """Return the moment (UTC) in a frame's file name, None if it is not such a name."""
    match = _FRAME.match(name)
    moment = _moment(match[1], "%Y%m%dT%H%M%S") if match else None
    return moment.replace(microsecond=int(match[2]) * 1000) if match and moment else None


def parse_day(name: str) -> date | None:
    """Return the date in the name of a day's folder (`2026-11-22`), None if it is none."""
    try:
        day = date.fromisoformat(name)
    except ValueError:
        return None
    return day if str(day) == name and is_datable(day) else None


def is_datable(moment: date) -> bool:
    """Tell whether a day or moment lies in years that arithmetic on datetimes bears."""
    return moment.year in _YEARS


def nearest(frames: Sequence[Frame], wanted: time, zone: tzinfo) -> Frame:
    """Return the frame whose local time of day is nearest to `wanted`, across midnight, too."""

    def distance(frame: Frame) -> timedelta:
        local = frame.moment.astimezone(zone).replace(tzinfo=None)
        apart = abs(datetime.combine(local, wanted) - local)
        return min(apart, timedelta(days=1) - apart)

    return min(frames, key=distance)


def commonest(sizes: Mapping[Size, int]) -> Size:
    """Return the size most pictures have; of two the larger."""
    return max(sizes, key=lambda size: (sizes[size], size))


def full_size(picture: Size, max_width: int | None) -> Size:
    """Return the size of the full rendition: the picture's, even, at most `max_width` wide."""
    width, height = picture
    if max_width and width > max_width:
        width, height = max_width, round(height * max_width / width)
    return max(width // 2 * 2, 2), max(height // 2 * 2, 2)


def scaled_size(full: Size, height: int | None) -> Size:
    """Return the size of a rendition `height` pixels high; nothing is ever scaled up."""
    if height is None or full[1] <= height:
        return full
    return max(round(full[0] * height / full[1] / 2) * 2, 2), height


def _moment(text: str, pattern: str) -> datetime | None:
    try:
        moment = datetime.strptime(text, pattern).replace(tzinfo=UTC)
    except ValueError:
        return None
    return moment if is_datable(moment) else None
