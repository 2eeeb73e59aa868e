"""Composes a film's sidecar: what was expected, what came, and what the videos hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from reolink_timelapsed.config.settings import StitchConfig
from reolink_timelapsed.frame import Frame, Size
from reolink_timelapsed.humanize import pixels
from reolink_timelapsed.media.rungs import RUNGS
from reolink_timelapsed.schedule import Window, ticks_between
from reolink_timelapsed.stitch.concat import Spliced
from reolink_timelapsed.stitch.film import MadeSegment
from reolink_timelapsed.storage.sidecar import FORMAT

_GAP_INTERVALS = 2


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
    made: Sequence[MadeSegment],
    refused: Mapping[str, str],
    missing: Mapping[str, int],
    *,
    window: Window | None,
    interval: timedelta,
) -> dict[str, Any]:
    """Return what is told of the frames."""
    shown = {pick.frame.path.name for one in made for pick in one.segment.picks}
    here = {frame.path.name for frame in frames}
    excess = [size for one in made for size in one.record.excess.values()]
    cut_off = {"cut_off": {"pictures": len(excess), "bytes": sum(excess)}} if excess else {}
    return {
        "expected": ticks_between(window.start, window.end, interval) if window else None,
        "captured": len(frames),
        "used": len(shown),
        "places": sum(one.record.frames for one in made),
        "first": frames[0].moment.isoformat() if frames else None,
        "last": frames[-1].moment.isoformat() if frames else None,
        "refused": {name: why for name, why in sorted(refused.items()) if name in here},
        **cut_off,
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


def pictures_part(made: Sequence[MadeSegment]) -> dict[str, int]:
    """Return how many pictures there are of each size."""
    seen: Counter[Size] = sum((one.record.sizes for one in made), Counter())
    return {pixels(size): count for size, count in seen.most_common()}


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


def encode_part(made: Sequence[MadeSegment], version: str) -> dict[str, Any]:
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
