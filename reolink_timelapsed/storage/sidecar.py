"""What lies beside a day's videos: what was expected, what came, what the videos hold.

    {"format": 1, "film": "ch0_Front_Door 2026-11-22", "order": "<hash of settings and frames>",
     "made": "…", "window": {"start": "…", "end": "…", "interval_seconds": 15},
     "frames": {"expected": 4320, "captured": 4310, "used": 4309, "places": 4309,
                "first": "…", "last": "…",
                "refused": {"20261122T061500.123Z.jpg": "JPEG of 9 bytes without end marker"},
                "missing": {"offline": 10},
                "gaps": [{"after": "…", "before": "…", "missed": 9}]},
     "pictures": {"3840x2160": 4309},
     "settings": {"every_n_frames": 1, "fps": 24, …},
     "videos": {"full": {"file": "…", "bytes": 1, "frames": 4309, "seconds": 179.5,
                         "width": 3840, "height": 2160}, "720p": {…}},
     "encode": {"ffmpeg": "5.1.9", "seconds": 1200.0, "ways": ["fast"]}}

A camera that was renamed that day has `other_names`: the folders of its other frames, which are
in videos of their own. A day of which no picture can be decoded has `barren`, and no `videos`.

Where bytes came after the end of pictures, `frames` has `"cut_off": {"pictures": 1, "bytes": 42}`;
these pictures are shown.

`used` counts the frames that are shown, `places` the pictures of the film: with held gaps, or a
film of fixed length, a frame may fill several.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from reolink_timelapsed.config.settings import StitchConfig
from reolink_timelapsed.frame import Frame
from reolink_timelapsed.system.disk_errors import tell_once
from reolink_timelapsed.system.json_fields import (
    BadValue,
    JsonObject,
    get_int,
    get_number,
    get_object,
    get_str,
)
from reolink_timelapsed.system.reading import error_text, length, read_json

FORMAT = 1


def order(config: StitchConfig, frames: Sequence[Frame]) -> str:
    """Return what tells whether a film would come out as one that exists."""
    names = [frame.path.name for frame in frames]
    text = json.dumps([asdict(config), names], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class FilmedVideo:
    """A published video as it was proven."""

    file: str
    bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A sidecar read back.

    `captured` counts the frames of its day when it was written, `used` those that are shown;
    `refused` names those that were no whole pictures. `order` is that of the film. `pruned` and
    `expired` tell that frames, or videos, had their time, `barren` that no video can be made.
    """

    captured: int
    used: int
    refused: frozenset[str]
    order: str
    settings: JsonObject
    videos: dict[str, FilmedVideo]
    pruned: bool
    expired: bool
    barren: bool
    value: JsonObject

    @classmethod
    def from_json(cls, value: Any) -> Sidecar:
        """Read a sidecar.

        Raises:
            BadValue: if `value` is none, or of a format that we do not know.
        """
        if get_int(value, "format") != FORMAT:
            raise BadValue(f"a sidecar of another format than {FORMAT}")
        frames = get_object(value, "frames")
        videos = get_object(value, "videos")
        return cls(
            captured=get_int(frames, "captured"),
            used=get_int(frames, "used", 0),
            refused=frozenset(get_object(frames, "refused", {})),
            order=get_str(value, "order", ""),
            settings=get_object(value, "settings", {}),
            videos={name: _filmed(row) for name, row in videos.items()},
            pruned="pruned" in value,
            expired="expired" in value,
            barren="barren" in value,
            value=value,
        )


def _filmed(row: Any) -> FilmedVideo:
    file = get_str(row, "file")
    if not Path(file).name == file != "" or "\0" in file:
        raise BadValue("file is no name")
    return FilmedVideo(file, get_int(row, "bytes"), get_number(row, "seconds", 0.0))


def read(path: Path) -> Sidecar | None:
    """Return a sidecar of a format we know, None if there is none.

    Raises:
        StoreError: if there is one that cannot be read now.
    """
    value = read_json(path)
    if value is None:
        return None
    try:
        return Sidecar.from_json(value)
    except BadValue as error:
        tell_once(error_text(path, error))
        return None


def stand_in(label: str, frames: int, kept: Frame | None) -> JsonObject:
    """Return a sidecar for videos whose own is lost, and whose `frames` are gone but for `kept`."""
    value = {"format": FORMAT, "film": label, "frames": {"captured": frames}, "videos": {}}
    return value | _kept(kept)


def is_proven(path: Path) -> bool:
    """Tell whether the videos that a sidecar speaks of are there, whole as they were proven.

    Raises:
        StoreError: if the disk does not say.
    """
    found = read(path)
    videos = found.videos.values() if found else ()
    return len(videos) > 0 and all(
        length(path.parent / video.file) == video.bytes for video in videos
    )


def captured(found: Sidecar | None) -> int:
    """Return how many frames a day had when its sidecar was written; 0 without one."""
    return found.captured if found else 0


def used(found: Sidecar | None, config: StitchConfig) -> int:
    """Return how many frames the videos show, if they were made with these settings; else 0."""
    return found.used if found and found.settings == asdict(config) else 0


def pruned(found: Sidecar, kept: Frame | None) -> JsonObject:
    """Return a sidecar that tells that the frames are gone but for `kept`."""
    return found.value | _kept(kept)


def _kept(kept: Frame | None) -> JsonObject:
    return {"pruned": {"kept": kept.path.name if kept else None}}


def expired(found: Sidecar, now: datetime) -> JsonObject:
    """Return a sidecar that tells that the videos were removed when their time was over."""
    return found.value | {"expired": now.isoformat()}


def outdated(found: Sidecar) -> JsonObject:
    """Return a sidecar of a film whose frames belong to other times: it is to be made anew."""
    frames = get_object(found.value, "frames") | {"captured": 0, "used": 0}
    return found.value | {"frames": frames, "outdated": "frames were moved to another time"}
