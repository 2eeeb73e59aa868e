"""Joins the segments of a film into its videos, and proves that nothing was lost on the way.

The segments were decoded picture by picture when they were made. A joined video is proven by its
packets: they are the very packets of the segments, in order, at even times, for a decoder set up
as for each of them.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from itertools import accumulate, pairwise
from pathlib import Path

from reolink_timelapsed.errors import DiskFull, EncodeError
from reolink_timelapsed.frame import FULL, RENDITIONS, Size
from reolink_timelapsed.humanize import megabytes, several
from reolink_timelapsed.media import child, graph, probe
from reolink_timelapsed.media.rungs import RUNGS
from reolink_timelapsed.stitch import metadata
from reolink_timelapsed.stitch.film import Film, MadeSegment, SegmentPart
from reolink_timelapsed.stitch.segments import SegmentMaker
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system.clock import Clock

_INDEX_BYTES = 2**26
"""More than the index of any film: 80 bytes for each picture, of 800,000."""

_TRACK = re.compile(rb"tkhd.{3}(?P<flags>.).*?hdlr.{8}(?P<kind>.{4})", re.DOTALL)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Spliced:
    """A joined and proven video, still in the work folder."""

    path: Path
    frames: int
    size: Size
    seconds: float
    bytes: int


class _Damaged(Exception):
    """Segments that do not fit the others, or are no longer what they were, by number."""

    def __init__(self, numbers: Sequence[int], why: str) -> None:
        self.numbers = numbers
        self.why = why
        super().__init__(why)


class Splicer:
    """Makes whole films: segments first, then their videos."""

    def __init__(self, store: Store, clock: Clock, maker: SegmentMaker, zone: tzinfo) -> None:
        self._store = store
        self._clock = clock
        self._maker = maker
        self._zone = zone

    def make(
        self, film: Film, title: str, camera: str
    ) -> tuple[list[MadeSegment], dict[str, Spliced]]:
        """Return the film's segments, and its videos by rendition; both empty without a frame.

        Segments found damaged, or unfit to be joined, are made once more.

        Raises:
            EncodeError, StoreError, Stopped: as `SegmentMaker.make`.
        """
        made = self._maker.make(film)
        for last in (False, True):
            try:
                return made, self._join(film, made, title, camera)
            except _Damaged as damage:
                if last:
                    raise EncodeError(f"{film.label}: {damage}") from None
                log.warning("%s: %s; made again", film.label, damage)
                self._drop(film, [made[number] for number in damage.numbers])
                made = self._maker.make(film)
        raise AssertionError

    def _join(
        self, film: Film, made: Sequence[MadeSegment], title: str, camera: str
    ) -> dict[str, Spliced]:
        if not made:
            return {}
        self._fit(made)
        total = sum(_source(one, rendition.name).bytes for one in made for rendition in RENDITIONS)
        total += len(RENDITIONS) * graph.index_bytes(sum(one.record.frames for one in made))
        if self._store.free_bytes() < total * 1.02:
            raise DiskFull(
                f"{film.label}: the disk is nearly full: the videos need {megabytes(total)}; "
                "free some space, or lower storage.keep_frames_days"
            )
        picks = [pick for one in made for pick in one.segment.picks]
        fps = film.config.fps
        texts = {
            "titles": metadata.ffmetadata(picks, self._zone, fps, title, camera),
            "subtitles": metadata.subtitles(picks, self._zone, fps),
        }
        helpers = {name: self._store.scratch(name, text) for name, text in texts.items()}
        return {
            rendition.name: self._join_one(film, made, rendition.name, helpers)
            for rendition in RENDITIONS
        }

    @staticmethod
    def _fit(made: Sequence[MadeSegment]) -> None:
        """See that one decoder can play all segments; those of another rung or ffmpeg cannot."""
        reference = max(made, key=lambda one: (one.record.rung, one.segment.hour)).record
        odd = [
            number
            for number, one in enumerate(made)
            if _signatures(one) != [part.signature for part in reference.parts.values()]
        ]
        if odd:
            raise _Damaged(
                odd, f"encoded in another way than the rest: {several(len(odd), 'segment')}"
            )

    def _join_one(
        self, film: Film, made: Sequence[MadeSegment], rendition: str, helpers: dict[str, Path]
    ) -> Spliced:
        source = _source_name(made[0], rendition)
        parts = [(film.part_path(one.segment.hour, source), one.record.frames) for one in made]
        segments = self._store.scratch("pieces", graph.segments_list(parts, film.config.fps))
        path = self._store.work_path(f"{rendition}.mp4")
        command = graph.join_command(
            segments,
            helpers["titles"],
            helpers["subtitles"],
            path,
            frames=sum(frames for _, frames in parts),
            fps=film.config.fps,
            rung=RUNGS[made[0].record.rung],
        )
        try:
            child.join(command, path, self._clock)
            leave_subtitles_off(path)
            return self._proven(film, made, source, path)
        except EncodeError as error:
            self._find_damage(film, made, source)
            raise EncodeError(f"{film.label}: the {rendition} video: {error}") from error

    def _proven(self, film: Film, made: Sequence[MadeSegment], source: str, path: Path) -> Spliced:
        frames = sum(one.record.frames for one in made)
        facts = probe.facts(path, self._clock, decode=False, frames=frames)
        parts = [one.record.parts[source] for one in made]
        wrong = list(probe.faults(facts, frames, parts[0].size, film.config.fps))
        ends = accumulate((one.record.frames for one in made), initial=0)
        for part, (begin, end) in zip(parts, pairwise(ends), strict=True):
            if facts.digest(begin, end) != part.digest:
                wrong.append(f"pictures {begin} to {end} are not those that were encoded")
        if facts.signature != parts[0].signature:
            wrong.append("it sets up its decoder in another way than its segments")
        if not probe.streams_at_once(path):
            wrong.append("a player would have to load all of it before it could start")
        if wrong:
            raise EncodeError("; ".join(wrong))
        return Spliced(path, frames, parts[0].size, frames / film.config.fps, path.stat().st_size)

    def _find_damage(self, film: Film, made: Sequence[MadeSegment], source: str) -> None:
        """Look whether segments changed on disk since they were proven.

        Raises:
            _Damaged: if some did.
        """
        bad = [number for number, one in enumerate(made) if not self._is_sound(film, one, source)]
        if bad:
            raise _Damaged(bad, f"damaged on disk: {several(len(bad), 'segment')}")

    def _is_sound(self, film: Film, one: MadeSegment, source: str) -> bool:
        try:
            path, frames = film.part_path(one.segment.hour, source), one.record.frames
            facts = probe.facts(path, self._clock, decode=False, frames=frames)
        except child.OutOfMemory:
            raise
        except EncodeError:
            return False
        part = one.record.parts[source]
        wrong = probe.faults(facts, one.record.frames, part.size, film.config.fps)
        return (facts.digest(), facts.signature) == (part.digest, part.signature) and not any(wrong)

    def _drop(self, film: Film, made: Sequence[MadeSegment]) -> None:
        for one in made:
            self._store.remove_file(film.forget(one.segment.hour))


def leave_subtitles_off(path: Path) -> None:
    """Clear the flag by which players show subtitles unasked: ffmpeg sets it for the first ones.

    It is the lowest bit of a track's header, which stands before what tells the track's kind
    (ISO 14496-12, 8.3.2 and 8.4.3).
    """
    with path.open("r+b") as file:
        for name, begin, size in list(probe.boxes(path)):
            file.seek(begin)
            moov = file.read(min(size, _INDEX_BYTES)) if name == b"moov" else b""
            for track in _TRACK.finditer(moov):
                if track["kind"] == b"sbtl":
                    file.seek(begin + track.start("flags"))
                    file.write(bytes([track["flags"][0] & ~1]))


def _signatures(one: MadeSegment) -> list[str]:
    return [part.signature for part in one.record.parts.values()]


def _source_name(one: MadeSegment, rendition: str) -> str:
    """Return which part of a segment a video is made of: the full one serves as a small 720p."""
    return rendition if rendition in one.record.parts else FULL.name


def _source(one: MadeSegment, rendition: str) -> SegmentPart:
    return one.record.parts[_source_name(one, rendition)]
