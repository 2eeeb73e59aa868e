"""Which frames a film shows, and in which segments it is encoded: arithmetic, no files.

A pick is a place in the film: the moment it stands for and the frame shown there. The picks of
a film are in the order of time; one frame may fill several places, and most frames of a long
day may fill none.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo
from itertools import groupby, pairwise

from reolink_timelapsed.frame import Frame, nearest
from reolink_timelapsed.schedule import hour_of

SEGMENT_PICKS = 240
"""Picks that make an encoder run worth its start: x264's keyframe distance is 250."""


@dataclass(frozen=True, slots=True)
class Pick:
    """The frame shown at one place of the film, and the moment that place stands for (UTC)."""

    at: datetime
    frame: Frame


@dataclass(frozen=True, slots=True)
class Segment:
    """Consecutive picks that are encoded in one run; `hour` (UTC) is that of the first."""

    hour: datetime
    picks: tuple[Pick, ...]


def every_nth(frames: Sequence[Frame], step: int) -> list[Pick]:
    """Return the first of every `step` frames."""
    return [Pick(frame.moment, frame) for frame in frames[::step]]


def evenly(frames: Sequence[Frame], start: datetime, end: datetime, count: int) -> list[Pick]:
    """Return exactly `count` picks, evenly spaced in time; each shows the frame nearest to it.

    So a film has its length whatever was lost, and its motion keeps its pace.
    """
    if not frames:
        return []
    moments = [frame.moment for frame in frames]
    places = (start + (end - start) * (2 * number + 1) / (2 * count) for number in range(count))
    return [Pick(at, frames[_nearest(moments, at)]) for at in places]


def thinned(frames: Sequence[Frame], count: int) -> list[Pick]:
    """Return `count` picks at even distances in the list, for films with nights in between."""
    chosen = (frames[number * len(frames) // count] for number in range(count if frames else 0))
    return [Pick(frame.moment, frame) for frame in chosen]


def one_a_day(frames: Iterable[Frame], wanted: time, zone: tzinfo) -> list[Pick]:
    """Return of each day the frame nearest to the local time `wanted`."""
    days = (list(day) for _, day in groupby(frames, key=lambda frame: frame.path.parent))
    return [Pick(frame.moment, frame) for frame in (nearest(day, wanted, zone) for day in days)]


def held(picks: Sequence[Pick], step: timedelta) -> list[Pick]:
    """Fill every gap by holding the frame before it, one place for each `step` of time."""
    film: list[Pick] = []
    for before, after in pairwise(picks):
        missing = round((after.at - before.at) / step) - 1
        film.append(before)
        film += [Pick(before.at + (n + 1) * step, before.frame) for n in range(missing)]
    return film + list(picks[-1:])


def segments(picks: Sequence[Pick], made: Callable[[Sequence[Pick]], int]) -> Iterator[Segment]:
    """Cut a film into segments at clock hours (UTC).

    `made` says how many of the picks it is given, from the first on, already lie encoded in one
    segment, 0 if none; such a segment is kept as it is. What lies between becomes one segment for
    each hour, or for several hours where they hold few picks.
    """
    ends = _hour_ends(picks)
    begin = 0
    while begin < len(picks):
        length = made(picks[begin:])
        if not length or begin + length not in ends:
            length = _length(picks, begin, ends, made)
        yield Segment(hour_of(picks[begin].at), tuple(picks[begin : begin + length]))
        begin += length


def _length(
    picks: Sequence[Pick],
    begin: int,
    ends: Sequence[int],
    made: Callable[[Sequence[Pick]], int],
) -> int:
    """Return how many picks from `begin` on to encode in one run."""
    end = begin
    for end in ends[bisect_left(ends, begin + 1) :]:
        if end - begin >= SEGMENT_PICKS or made(picks[end:]):
            break
    return end - begin


def _hour_ends(picks: Sequence[Pick]) -> list[int]:
    """Return the numbers of picks after which an hour is over; the last is all of them."""
    hours = [hour_of(pick.at) for pick in picks]
    ends = [n for n, (hour, following) in enumerate(pairwise(hours), 1) if hour != following]
    return [*ends, len(picks)] if picks else []


def key(settings: Mapping[str, object], picks: Iterable[Pick]) -> str:
    """Return what tells a segment from every other: its settings and the frames it shows."""
    names = [pick.frame.path.name for pick in picks]
    text = json.dumps([dict(settings), names], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _nearest(moments: Sequence[datetime], at: datetime) -> int:
    after = bisect_left(moments, at)
    if after == 0:
        return 0
    if after == len(moments) or at - moments[after - 1] <= moments[after] - at:
        return after - 1
    return after
