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
in videos of their own.

`used` counts the frames that are shown, `places` the pictures of the film: with held gaps, or a
film of fixed length, a frame may fill several.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reolink_timelapsed.config import StitchConfig
from reolink_timelapsed.frame import Frame
from reolink_timelapsed.plan import Size
from reolink_timelapsed.reading import read_json
from reolink_timelapsed.rungs import RUNGS
from reolink_timelapsed.schedule import Window, ticks_between

if TYPE_CHECKING:  # the daemon reads sidecars, too, and need not hold the encoder in memory
    from reolink_timelapsed.film import Made
    from reolink_timelapsed.splice import Spliced

FORMAT = 1
_GAP_INTERVALS = 2


def order(config: StitchConfig, frames: Sequence[Frame]) -> str:
    """Return what tells whether a film would come out as one that exists."""
    names = [frame.path.name for frame in frames]
    text = json.dumps([asdict(config), names], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def gaps(
    frames: Sequence[Frame], window: Window | None, interval: timedelta
) -> list[dict[str, Any]]:
    """Return the stretches of more than two intervals without a frame, those at the ends too."""
    moments = [frame.moment for frame in frames]
    if window:
        moments = [window.start - interval, *moments, window.end]
    return [
        {"after": before.isoformat(), "before": after.isoformat(), "missed": missed}
        for before, after in pairwise(sorted(moments))
        if after - before > _GAP_INTERVALS * interval
        and (missed := round((after - before) / interval) - 1)
    ]


def frames_part(
    frames: Sequence[Frame],
    made: Sequence[Made],
    refused: Mapping[str, str],
    missing: Mapping[str, int],
    *,
    window: Window | None,
    interval: timedelta,
) -> dict[str, Any]:
    """Return what is told of the frames."""
    shown = {pick.frame.path.name for one in made for pick in one.piece.picks}
    here = {frame.path.name for frame in frames}
    return {
        "expected": ticks_between(window.start, window.end, interval) if window else None,
        "captured": len(frames),
        "used": len(shown),
        "places": sum(one.record.frames for one in made),
        "first": frames[0].moment.isoformat() if frames else None,
        "last": frames[-1].moment.isoformat() if frames else None,
        "refused": {name: why for name, why in sorted(refused.items()) if name in here},
        "missing": dict(missing),
        "gaps": gaps(frames, window, interval),
    }


def window_part(window: Window | None, interval: timedelta) -> dict[str, Any] | None:
    """Return what is told of the capture window."""
    if window is None:
        return None
    return {
        "start": window.start.isoformat(),
        "end": window.end.isoformat(),
        "interval_seconds": interval.total_seconds(),
    }


def pictures_part(made: Sequence[Made]) -> dict[str, int]:
    """Return how many pictures there are of each size."""
    seen: Counter[Size] = sum((one.record.sizes for one in made), Counter())
    return {"{}x{}".format(*size): count for size, count in seen.most_common()}


def videos_part(videos: Mapping[str, tuple[Path, Spliced]]) -> dict[str, Any]:
    """Return what is told of each rendition, by its name."""
    return {
        name: {
            "file": path.name,
            "bytes": video.bytes,
            "frames": video.frames,
            "seconds": round(video.seconds, 3),
            "width": video.size[0],
            "height": video.size[1],
        }
        for name, (path, video) in videos.items()
    }


def encode_part(made: Sequence[Made], version: str) -> dict[str, Any]:
    """Return how the film was encoded."""
    return {
        "ffmpeg": version,
        "seconds": round(sum(one.record.seconds for one in made), 1),
        "ways": sorted({RUNGS[one.record.rung].name for one in made}),
    }


def compose(label: str, config: StitchConfig, made_at: datetime, **parts: Any) -> dict[str, Any]:
    """Put a sidecar together."""
    head = {"format": FORMAT, "film": label, "made": made_at.isoformat()}
    return head | parts | {"settings": asdict(config)}


def read(path: Path) -> dict[str, Any] | None:
    """Return a sidecar of a format we know, None if there is none."""
    value = read_json(path)
    return value if isinstance(value, dict) and value.get("format") == FORMAT else None


def stand_in(label: str, frames: int, kept: Frame | None) -> dict[str, Any]:
    """Return a sidecar for videos whose own is lost, and whose `frames` are gone but for `kept`."""
    value = {"format": FORMAT, "film": label, "frames": {"captured": frames}, "videos": {}}
    return pruned(value, kept)


def is_proven(path: Path) -> bool:
    """Tell whether the videos that a sidecar speaks of are there, whole as they were proven."""
    value = read(path)
    try:
        videos = list(value["videos"].values()) if value else []
        return len(videos) > 0 and all(
            (path.parent / video["file"]).stat().st_size == video["bytes"] for video in videos
        )
    except (OSError, KeyError, TypeError, AttributeError):
        return False


def captured(value: dict[str, Any] | None) -> int:
    """Return how many frames a day had when its sidecar was written; 0 without one."""
    return _frames(value, "captured")


def used(value: dict[str, Any] | None, config: StitchConfig) -> int:
    """Return how many frames the videos show, if they were made with these settings; else 0."""
    same = value is not None and value.get("settings") == asdict(config)
    return _frames(value, "used") if same else 0


def _frames(value: dict[str, Any] | None, kind: str) -> int:
    try:
        return int(value["frames"][kind]) if value else 0
    except (KeyError, TypeError, ValueError):
        return 0


def refused(value: dict[str, Any]) -> list[str]:
    """Return the names of the frames that were no whole pictures."""
    return list(value.get("frames", {}).get("refused", {}))


def pruned(value: dict[str, Any], kept: Frame | None) -> dict[str, Any]:
    """Return a sidecar that tells that the frames are gone but for `kept`."""
    return value | {"pruned": {"kept": kept.path.name if kept else None}}


def is_pruned(value: dict[str, Any]) -> bool:
    return "pruned" in value


def expired(value: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Return a sidecar that tells that the videos were removed when their time was over."""
    return value | {"expired": now.isoformat()}


def is_expired(value: dict[str, Any]) -> bool:
    return "expired" in value
