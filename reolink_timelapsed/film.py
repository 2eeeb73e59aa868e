"""A film in the making: what is known of it, and the records of the segments it consists of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from reolink_timelapsed import plan
from reolink_timelapsed.config import StitchConfig
from reolink_timelapsed.frame import (
    FULL,
    HD,
    RENDITIONS,
    Frame,
    Rendition,
    Segment,
    Size,
    commonest,
    full_size,
    scaled_size,
)
from reolink_timelapsed.json_fields import (
    BadValue,
    get_counts,
    get_int,
    get_list,
    get_number,
    get_object,
    get_str,
)
from reolink_timelapsed.plan import Pick, Piece
from reolink_timelapsed.reading import length, names_in, read_json
from reolink_timelapsed.rungs import RUNGS
from reolink_timelapsed.schedule import hour_of

RECIPE = 2
"""Counted up when the same frames and settings would give another film."""

_WIDEST = 2**16
"""Pixels of a picture's side: a JPEG cannot have more."""


@dataclass(frozen=True, slots=True)
class Part:
    """One rendition of a segment.

    `digest` tells its packets from all others, `signature` is what a decoder must know.
    """

    size: Size
    bytes: int
    digest: str
    signature: str


@dataclass(frozen=True, slots=True)
class Record:
    """A finished segment: written last, beside its files, so it tells that they are whole."""

    key: str
    frames: int
    sizes: Counter[Size]
    refused: dict[str, str]
    rung: int
    seconds: float
    parts: dict[str, Part]

    def to_json(self) -> dict[str, Any]:
        sizes = {"{}x{}".format(*size): count for size, count in self.sizes.items()}
        return asdict(self) | {"sizes": sizes}

    @classmethod
    def from_json(cls, value: Any) -> Record | None:
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
            )
        except (ValueError, TypeError):
            return None
        return made if made.rung < len(RUNGS) and FULL.name in parts and made.sizes else None


def _part(value: Any) -> Part:
    return Part(
        size=_size(get_list(value, "size")),
        bytes=get_int(value, "bytes"),
        digest=get_str(value, "digest"),
        signature=get_str(value, "signature"),
    )


@dataclass(frozen=True, slots=True)
class Made:
    """A piece of the film and the record of its segment."""

    piece: Piece
    record: Record


@dataclass(slots=True)
class Film:
    """A film in the making.

    `home` is the folder of its segments, `frames` lists what there is to show now, and `choose`
    picks from that. `refused` tells, by name, why files are left out. Once memory was short for
    a piece, the others follow on its rung: all of them must fit one decoder.
    """

    label: str
    home: Path
    frames: Callable[[], list[Frame]]
    choose: Callable[[Sequence[Frame]], list[Pick]]
    config: StitchConfig
    refused: dict[str, str] = field(default_factory=dict)
    records: dict[datetime, Record] = field(default_factory=dict)
    sizes: dict[datetime, Counter[Size]] = field(default_factory=dict)
    lowest_rung: int = 0

    def recall(self) -> None:
        """Take in the segments that are on disk, as whole as their records say."""
        for name in sorted(names_in(self.home)):
            segment = Segment.from_name(f"{name.removesuffix('.json')}_{FULL.name}.mp4")
            record = Record.from_json(read_json(self.home / name)) if segment else None
            if segment and record and self._is_whole(segment.hour, record):
                self.remember(segment.hour, record)

    def remember(self, hour: datetime, record: Record) -> None:
        self.records[hour] = record
        self.sizes[hour] = record.sizes
        self.refused |= record.refused
        self.lowest_rung = max(self.lowest_rung, record.rung)

    def picks(self) -> list[Pick]:
        """Return what the film shows, from the frames there are now."""
        return self.choose([f for f in self.frames() if f.path.name not in self.refused])

    def pieces(self, picks: Sequence[Pick]) -> list[Piece]:
        """Return the pieces the film falls into; those that are made stay as they are."""
        return list(plan.pieces(picks, self._made))

    def record(self, piece: Piece) -> Record | None:
        """Return the record of a piece that is made."""
        known = self._made(piece.picks) == len(piece.picks)
        return self.records[piece.hour] if known else None

    def _made(self, picks: Sequence[Pick]) -> int:
        """Return how many of `picks`, from the first on, the segment of their hour shows."""
        record = self.records.get(hour_of(picks[0].at)) if picks else None
        fits = record and self.key(picks[: record.frames]) == record.key
        return record.frames if record and fits else 0

    @property
    def full(self) -> Size | None:
        """Return the size of the full rendition, as far as is known by now."""
        seen: Counter[Size] = sum(self.sizes.values(), Counter())
        return full_size(commonest(seen), self.config.max_width) if seen else None

    def renditions(self) -> list[tuple[Rendition, Size]]:
        """Return what has to be encoded: no 720p where it would equal the full one."""
        full = self.full
        if full is None:
            return []
        sizes = [(one, scaled_size(full, one.height)) for one in RENDITIONS]
        return [(one, size) for one, size in sizes if one != HD or size != full]

    def key(self, picks: Sequence[Pick]) -> str:
        """Return what tells a piece of this film from every other."""
        config = self.config
        look = {"fps": config.fps, "preset": config.preset, "crf": config.crf}
        return plan.key(look | {"size": self.full, "recipe": RECIPE}, picks)

    def record_path(self, hour: datetime) -> Path:
        return self.home / f"{hour:%Y%m%dT%H}Z.json"

    def part_path(self, hour: datetime, rendition: str) -> Path:
        return self.home / Segment(hour, rendition).name

    def _is_whole(self, hour: datetime, record: Record) -> bool:
        return all(
            length(self.part_path(hour, name)) == part.bytes for name, part in record.parts.items()
        )


def _size(sides: Sequence[Any]) -> Size:
    width, height = map(int, sides)
    if not (0 < width <= _WIDEST and 0 < height <= _WIDEST):
        raise BadValue(f"no size of a picture: {width}x{height}")
    return width, height
