"""A film in the making: what is known of it, and the records of the segments it consists of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from reolink_timelapsed.config.settings import StitchConfig
from reolink_timelapsed.frame import (
    FULL,
    HD,
    RENDITIONS,
    Frame,
    SegmentFile,
    Size,
    commonest,
    full_size,
    scaled_size,
)
from reolink_timelapsed.humanize import pixels
from reolink_timelapsed.media.graph import Quality
from reolink_timelapsed.media.rungs import RUNGS
from reolink_timelapsed.schedule import hour_of
from reolink_timelapsed.stitch import plan
from reolink_timelapsed.stitch.plan import Pick, Segment
from reolink_timelapsed.system.json_fields import (
    BadValue,
    get_counts,
    get_int,
    get_list,
    get_number,
    get_object,
    get_str,
)
from reolink_timelapsed.system.reading import length, names_in, read_state

RECIPE = 2
"""Counted up when the same frames and settings would give another film."""

_WIDEST = 2**16
"""Pixels of a picture's side: a JPEG cannot have more."""


@dataclass(frozen=True, slots=True)
class SegmentPart:
    """One rendition of a segment.

    `digest` tells its packets from all others, `signature` is what a decoder must know.
    """

    size: Size
    bytes: int
    digest: str
    signature: str


@dataclass(frozen=True, slots=True)
class SegmentRecord:
    """A finished segment: written last, beside its files, so it tells that they are whole.

    `excess` is how many bytes were cut off after the end of a picture, by its name.
    """

    key: str
    frames: int
    sizes: Counter[Size]
    refused: dict[str, str]
    rung: int
    seconds: float
    parts: dict[str, SegmentPart]
    excess: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        sizes = {pixels(size): count for size, count in self.sizes.items()}
        return asdict(self) | {"sizes": sizes}

    @classmethod
    def from_json(cls, value: Any) -> SegmentRecord | None:
        """Read a record back; None if `value` is none."""
        try:
            sizes = get_counts(value, "sizes")
            parts = get_object(value, "parts")
            made = cls(
                key=get_str(value, "key"),
                frames=get_int(value, "frames", least=1),
                sizes=Counter({_size(text.split("x")): sizes[text] for text in sizes}),
                refused={name: str(why) for name, why in get_object(value, "refused").items()},
                rung=get_int(value, "rung"),
                seconds=get_number(value, "seconds"),
                parts={name: _part(parts[name]) for name in parts},
                excess=get_counts(value, "excess", {}),
            )
        except BadValue:
            return None
        return made if made.rung < len(RUNGS) and FULL.name in parts and made.sizes else None


def _part(value: Any) -> SegmentPart:
    return SegmentPart(
        size=_size(get_list(value, "size")),
        bytes=get_int(value, "bytes"),
        digest=get_str(value, "digest"),
        signature=get_str(value, "signature"),
    )


@dataclass(frozen=True, slots=True)
class MadeSegment:
    """A segment of the film and the record of its segment."""

    segment: Segment
    record: SegmentRecord


@dataclass(frozen=True, slots=True)
class SegmentJob:
    """All that there is to know of a segment that is to be encoded.

    `sizes` counts the sizes of its pictures, upright, `excess` the bytes after the end of some;
    `renditions` are the sizes, and `files` the places, of what is to be made. `record` is where it
    is told, last, that those are whole.
    """

    segment: Segment
    key: str
    sizes: Counter[Size]
    excess: dict[str, int]
    refused: dict[str, str]
    quality: Quality
    renditions: dict[str, Size]
    files: dict[str, Path]
    record: Path

    @property
    def picture(self) -> Size | None:
        """The size of all its pictures, None if they differ."""
        return next(iter(self.sizes)) if len(self.sizes) == 1 else None

    @property
    def full(self) -> Size:
        return self.renditions[FULL.name]

    def done(self, parts: dict[str, SegmentPart], *, rung: int, seconds: float) -> SegmentRecord:
        """Return the record of what was made, on which rung and in how long."""
        return SegmentRecord(
            key=self.key,
            frames=len(self.segment.picks),
            sizes=self.sizes,
            refused=self.refused,
            rung=rung,
            seconds=round(seconds, 1),
            parts=parts,
            excess=self.excess,
        )


@dataclass(slots=True)
class Film:
    """A film in the making: it tells what is to be done next, and is told what came of it.

    `home` is the folder of its segments, `frames` lists what there is to show now, and `choose`
    picks from that.
    """

    label: str
    home: Path
    frames: Callable[[], list[Frame]]
    choose: Callable[[Sequence[Frame]], list[Pick]]
    config: StitchConfig
    _refused: dict[str, str] = field(default_factory=dict, init=False)
    _records: dict[datetime, SegmentRecord] = field(default_factory=dict, init=False)
    _sizes: dict[datetime, Counter[Size]] = field(default_factory=dict, init=False)
    _excess: dict[datetime, dict[str, int]] = field(default_factory=dict, init=False)
    _lowest_rung: int = field(default=0, init=False)

    # What is known of it

    @property
    def refused(self) -> Mapping[str, str]:
        """Why files are left out, by their names."""
        return self._refused

    @property
    def lowest_rung(self) -> int:
        """The rung to begin at.

        Once memory was short for a segment, all others follow on its rung, to fit one decoder.
        """
        return self._lowest_rung

    @property
    def is_begun(self) -> bool:
        """Whether a segment of it is made."""
        return bool(self._records)

    @property
    def full(self) -> Size | None:
        """The size of the full rendition, as far as is known by now."""
        seen: Counter[Size] = sum(self._sizes.values(), Counter())
        return full_size(commonest(seen), self.config.max_width) if seen else None

    @property
    def quality(self) -> Quality:
        return Quality(self.config.fps, self.config.preset, self.config.crf)

    # What is to be done

    def picks(self) -> list[Pick]:
        """Return what the film shows, from the frames there are now."""
        return self.choose([f for f in self.frames() if f.path.name not in self._refused])

    def segments(self, picks: Sequence[Pick]) -> list[Segment]:
        """Return the segments the film falls into; those that are made stay as they are."""
        return list(plan.segments(picks, self._made))

    def missing(self) -> list[Segment]:
        """Return the segments that have yet to be made."""
        return [segment for segment in self.segments(self.picks()) if self.record(segment) is None]

    def made(self) -> list[MadeSegment]:
        """Return the segments that are made, in order."""
        segments = ((segment, self.record(segment)) for segment in self.segments(self.picks()))
        return [MadeSegment(segment, record) for segment, record in segments if record]

    def job(self, segment: Segment) -> SegmentJob:
        """Return what is to be encoded of a segment whose pictures have been measured."""
        renditions = dict(self._renditions())
        return SegmentJob(
            segment=segment,
            key=self._key(segment.picks),
            sizes=self._sizes[segment.hour],
            excess=self._excess[segment.hour],
            refused=dict(self._refused),
            quality=self.quality,
            renditions=renditions,
            files={name: self.part_path(segment.hour, name) for name in renditions},
            record=self._record_path(segment.hour),
        )

    def record(self, segment: Segment) -> SegmentRecord | None:
        """Return the record of a segment that is made."""
        known = self._made(segment.picks) == len(segment.picks)
        return self._records[segment.hour] if known else None

    def part_path(self, hour: datetime, rendition: str) -> Path:
        return self.home / SegmentFile(hour, rendition).name

    # What came of it

    def recall(self) -> None:
        """Take in the segments that are on disk, as whole as their records say."""
        for name in sorted(names_in(self.home)):
            file = SegmentFile.from_name(f"{name.removesuffix('.json')}_{FULL.name}.mp4")
            record = SegmentRecord.from_json(read_state(self.home / name)) if file else None
            if file and record and self._is_whole(file.hour, record):
                self.remember(file.hour, record)

    def remember(self, hour: datetime, record: SegmentRecord) -> None:
        """Take in a segment that is made."""
        self._records[hour] = record
        self._sizes[hour] = record.sizes
        self._refused |= record.refused
        self._lowest_rung = max(self._lowest_rung, record.rung)

    def forget(self, hour: datetime) -> Path:
        """Take it that the segment of an hour is not made; return its record, to be removed."""
        self._records.pop(hour, None)
        return self._record_path(hour)

    def measured(self, segment: Segment, sizes: Counter[Size], excess: dict[str, int]) -> None:
        """Take in how many pictures of a segment have which size, and the excess of some."""
        self._sizes[segment.hour] = sizes
        self._excess[segment.hour] = excess

    def refuse(self, segment: Segment, refused: Mapping[str, str]) -> None:
        """Leave out pictures of a segment; of those left, if any are, sizes are counted anew."""
        self._refused |= refused
        self._sizes.pop(segment.hour, None)

    def step_down(self, rung: int) -> None:
        """Go on at `rung`: memory was short on those above."""
        self._lowest_rung = max(self._lowest_rung, rung)

    def _made(self, picks: Sequence[Pick]) -> int:
        """Return how many of `picks`, from the first on, the segment of their hour shows."""
        record = self._records.get(hour_of(picks[0].at)) if picks else None
        fits = record and self._key(picks[: record.frames]) == record.key
        return record.frames if record and fits else 0

    def _renditions(self) -> list[tuple[str, Size]]:
        """Return what has to be encoded: no 720p where it would equal the full one."""
        full = self.full
        if full is None:
            return []
        sizes = [(one, scaled_size(full, one.height)) for one in RENDITIONS]
        return [(one.name, size) for one, size in sizes if one != HD or size != full]

    def _key(self, picks: Sequence[Pick]) -> str:
        """Return what tells a segment of this film from every other."""
        return plan.key(asdict(self.quality) | {"size": self.full, "recipe": RECIPE}, picks)

    def _record_path(self, hour: datetime) -> Path:
        return self.home / f"{hour:%Y%m%dT%H}Z.json"

    def _is_whole(self, hour: datetime, record: SegmentRecord) -> bool:
        return all(
            length(self.part_path(hour, name)) == part.bytes for name, part in record.parts.items()
        )


def _size(sides: Sequence[Any]) -> Size:
    try:
        width, height = map(int, sides)
    except (TypeError, ValueError):
        raise BadValue("no size of a picture") from None
    if not (0 < width <= _WIDEST and 0 < height <= _WIDEST):
        raise BadValue(f"no size of a picture: {pixels((width, height))}")
    return width, height
