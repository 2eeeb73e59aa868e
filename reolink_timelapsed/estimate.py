"""What a film would come to, told before it is made."""

from __future__ import annotations

from typing import Any

from reolink_timelapsed import sidecar
from reolink_timelapsed.film import Film
from reolink_timelapsed.frame import Frame
from reolink_timelapsed.progress import duration
from reolink_timelapsed.publish import Order
from reolink_timelapsed.store import Store

_FILM_SHARE = 0.35
"""Of the size of the pictures, both renditions, where no earlier film tells better."""

_BYTES_A_SECOND = 4_000_000
"""Of pictures encoded on a small machine, where no earlier film tells better."""

_SAMPLE = 20


def describe(order: Order, store: Store) -> str:
    """Return frames, length, size and time of a film in a line."""
    picks = order.film.picks()
    fps = order.film.config.fps
    per_frame, seconds = _experience(order, store) or _guess([pick.frame for pick in picks])
    left = _frames_left(order.film) * seconds
    return (
        f"{order.film.label}: {len(picks)} frames, {duration(len(picks) / fps)} of film, about "
        f"{len(picks) * per_frame / 1e6:.0f} MB, {duration(left)} to make: {order.path('full')}"
    )


def _frames_left(film: Film) -> int:
    film.recall()
    return sum(len(one.picks) for one in film.pieces(film.picks()) if film.record(one) is None)


def _experience(order: Order, store: Store) -> tuple[float, float] | None:
    """Return bytes and seconds for each frame of the camera's newest film, if it has one."""
    days = sorted({video.day for video in store.videos(order.folder)}, reverse=True)
    for day in days[:_SAMPLE]:
        if old := sidecar.read(store.sidecar_path(order.folder, day)):
            return _rates(old)
    return None


def _rates(old: dict[str, Any]) -> tuple[float, float] | None:
    try:
        places = old["frames"]["places"]
        size = sum(video["bytes"] for video in old["videos"].values())
        return size / places, old["encode"]["seconds"] / places
    except (KeyError, TypeError, ZeroDivisionError):
        return None


def _guess(frames: list[Frame]) -> tuple[float, float]:
    sample = frames[:: max(len(frames) // _SAMPLE, 1)]
    size = sum(frame.path.stat().st_size for frame in sample) / max(len(sample), 1)
    return size * _FILM_SHARE, size / _BYTES_A_SECOND
