"""What a film would come to, told before it is made."""

from __future__ import annotations

from reolink_timelapsed.frame import Frame
from reolink_timelapsed.humanize import MB, megabytes, several
from reolink_timelapsed.stitch.film import Film
from reolink_timelapsed.stitch.progress import duration
from reolink_timelapsed.stitch.publish import Order
from reolink_timelapsed.storage import sidecar
from reolink_timelapsed.storage.sidecar import Sidecar
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system import memory
from reolink_timelapsed.system.json_fields import BadValue, get_int, get_number, get_object, get_str
from reolink_timelapsed.system.reading import length

_FILM_SHARE = 0.5
"""Of the size of the pictures, both renditions at crf 19, where no earlier film tells better."""

_CRF_OF_SHARE = 19
_CRF_THAT_HALVES = 5
"""So much more crf makes a film half as large, if its pictures are noisy."""

_CORE_SECONDS_A_MB = 0.45
"""Of pictures encoded and proven at veryfast, where no earlier film tells better."""

_EFFORT = {
    "ultrafast": 0.5,
    "superfast": 0.7,
    "veryfast": 1.0,
    "faster": 1.6,
    "fast": 1.8,
    "medium": 2.5,
    "slow": 4.5,
    "slower": 9.0,
    "veryslow": 18.0,
}
"""Time of a preset, in that of veryfast."""

_SAMPLE = 20


def describe(order: Order, store: Store) -> str:
    """Return frames, length, size and time of a film in a line."""
    film = order.film
    picks, config = film.picks(), film.config
    known = _experience(order, store) or _guess([pick.frame for pick in picks])
    per_frame = known[0] * 2 ** ((_CRF_OF_SHARE - config.crf) / _CRF_THAT_HALVES)
    left = frames_left(film) * known[1] * _EFFORT[config.preset]
    return (
        f"{film.label}: {several(len(picks), 'frame')}, "
        f"{duration(len(picks) / config.fps)} of film, about "
        f"{megabytes(len(picks) * per_frame)}, {duration(left)} to make: {order.path('full')}"
    )


def frames_left(film: Film) -> int:
    """Return how many frames have yet to be encoded."""
    film.recall()
    return sum(len(one.picks) for one in film.missing())


def _experience(order: Order, store: Store) -> tuple[float, float] | None:
    """Return bytes and seconds for each frame of the camera's newest film, if it has one.

    As they would be at crf 19 and veryfast.
    """
    days = sorted({video.day for video in store.videos(order.folder)}, reverse=True)
    for day in days[:_SAMPLE]:
        if old := sidecar.read(store.sidecar_path(order.folder, day)):
            return _rates(old)
    return None


def _rates(old: Sidecar) -> tuple[float, float] | None:
    try:
        places = get_int(get_object(old.value, "frames"), "places", least=1)
        seconds = get_number(get_object(old.value, "encode"), "seconds")
        crf, preset = get_int(old.settings, "crf"), get_str(old.settings, "preset")
        size = sum(video.bytes for video in old.videos.values())
        size_at_19 = size * 2 ** ((crf - _CRF_OF_SHARE) / _CRF_THAT_HALVES)
        return size_at_19 / places, seconds / _EFFORT[preset] / places
    except (BadValue, KeyError, OverflowError):
        return None


def _guess(frames: list[Frame]) -> tuple[float, float]:
    sample = frames[:: max(len(frames) // _SAMPLE, 1)]
    size = sum(length(frame.path) or 0 for frame in sample) / max(len(sample), 1)
    return size * _FILM_SHARE, size / MB * _CORE_SECONDS_A_MB / memory.cores()
