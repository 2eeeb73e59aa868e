"""What is visible in a data folder, and what of it is torn: judged file by file, names first.

Strict on purpose. A frame must be, byte for byte, a picture that the NVR gave; every picture of a
film must decode, as many as its sidecar or record says; a JSON must parse; a link must lead to a
file; and no name may be there that the daemon's own listings do not know.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reolink_timelapsed.errors import BadFrame, EncodeError
from reolink_timelapsed.frame import FULL, SegmentFile, parse_day
from reolink_timelapsed.media import probe
from reolink_timelapsed.media.jpeg import picture_size
from reolink_timelapsed.stitch.film import SegmentRecord
from reolink_timelapsed.storage import sidecar
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system.clock import Clock

STATE = ".state"
"""The one folder with a dot whose files are read again."""

_NOT_OURS = "lost+found"


def digest(data: bytes) -> bytes:
    return hashlib.blake2b(data, digest_size=16).digest()


@dataclass(slots=True)
class Look:
    """What one look at the folder saw: names, below it; digests of the frames; complaints."""

    frames: set[str] = field(default_factory=set)
    films: set[str] = field(default_factory=set)
    sidecars: set[str] = field(default_factory=set)
    segments: set[str] = field(default_factory=set)
    pictures: set[bytes] = field(default_factory=set)
    torn: list[str] = field(default_factory=list)

    def lost_since(self, before: Look) -> list[str]:
        """Return what was visible and is no more; segments end when their film is published."""
        gone = (before.frames | before.films | before.sidecars) - (
            self.frames | self.films | self.sidecars
        )
        return sorted(f"{name} was there" for name in gone)


class Inspector:
    """`given` has the digests of all pictures there may be. What was decoded once is known."""

    def __init__(self, given: Collection[bytes]) -> None:
        self._given = given
        self._clock = Clock()
        self._decoded: dict[bytes, int] = {}

    def look(self, root: Path) -> Look:
        seen = Look()
        judges: dict[str, Callable[[Look, Path, str], Iterator[str]]] = {
            ".jpg": self._frame,
            ".mp4": self._film,
            ".json": self._json,
        }
        for path in visible(root):
            name = str(path.relative_to(root))
            judge = judges.get(path.suffix, _stranger)
            seen.torn += [f"{name}: {fault}" for fault in judge(seen, path, name)]
        seen.torn += _unlisted(root, seen)
        return seen

    def _frame(self, seen: Look, path: Path, name: str) -> Iterator[str]:
        seen.frames.add(name)
        data = path.read_bytes()
        seen.pictures.add(digest(data))
        try:
            picture_size(data)
        except BadFrame as error:
            yield str(error)
        else:
            if digest(data) not in self._given:
                yield f"{len(data)} bytes that the NVR never gave"

    def _film(self, seen: Look, path: Path, name: str) -> Iterator[str]:
        if path.is_symlink():
            if not path.exists():
                yield "a link to nothing"
            return
        (seen.segments if name.startswith("segments") else seen.films).add(name)
        try:
            self._count(path)
        except EncodeError as error:
            yield str(error)

    def _count(self, path: Path) -> int:
        """Return how many pictures a film has, each of them decoded.

        Raises:
            EncodeError: if there is none, or one is damaged.
        """
        known = digest(path.read_bytes())
        if known not in self._decoded:
            film = probe.facts(path, self._clock, decode=True)
            if film.complaints or not film.decoded or film.decoded != len(film.packets):
                raise EncodeError(
                    f"{film.decoded} of {len(film.packets)} pictures decode {film.complaints[:200]}"
                )
            self._decoded[known] = film.decoded
        return self._decoded[known]

    def _json(self, seen: Look, path: Path, name: str) -> Iterator[str]:
        try:
            value = json.loads(path.read_bytes())
        except ValueError as error:
            yield str(error)
            return
        if name.startswith("videos"):
            seen.sidecars.add(name)
            yield from self._sidecar(path, value)
        elif name.startswith("segments"):
            yield from self._record(path, value)

    def _sidecar(self, path: Path, value: dict[str, Any]) -> Iterator[str]:
        if not sidecar.is_proven(path):
            yield "the videos are not those it tells of"
            return
        for video in value["videos"].values():
            yield from self._holds(path.with_name(video["file"]), video["frames"])

    def _record(self, path: Path, value: Any) -> Iterator[str]:
        record = SegmentRecord.from_json(value)
        segment = SegmentFile.from_name(f"{path.stem}_{FULL.name}.mp4")
        if record is None or segment is None:
            yield "no record of a segment"
            return
        for part in record.parts:
            film = path.with_name(SegmentFile(segment.hour, part).name)
            if film.exists() or not _is_published(path):
                yield from self._holds(film, record.frames)

    def _holds(self, film: Path, frames: int) -> Iterator[str]:
        try:
            count = self._count(film)
        except (EncodeError, OSError) as error:
            yield f"{film.name}: {error}"
            return
        if count != frames:
            yield f"{film.name} has {count} pictures, not {frames}"


def visible(root: Path) -> Iterator[Path]:
    """Yield every file without a dot before its name or its folder's, and those of the state."""
    for folder, folders, names in os.walk(root):
        at_top = Path(folder) == root
        folders[:] = sorted(
            name
            for name in folders
            if (at_top and name == STATE) or not (name.startswith(".") or name == _NOT_OURS)
        )
        yield from (Path(folder) / name for name in sorted(names) if not name.startswith("."))


def _is_published(record: Path) -> bool:
    """Whether a segment is being dropped, in no order, because its film is finished."""
    root, folder, day = record.parents[3], record.parts[-3], parse_day(record.parts[-2])
    return day is not None and Store(root, "look").sidecar_path(folder, day).exists()


def _stranger(_: Look, path: Path, name: str) -> Iterator[str]:
    if path.suffix != ".lock" or not name.startswith(STATE):
        yield "a name that nothing lists"


def _unlisted(root: Path, seen: Look) -> Iterator[str]:
    """Yield the names that are on disk and in no listing of the daemon's, or the reverse."""
    store = Store(root, "look")
    listed: set[Path] = set()
    for folder in store.camera_folders():
        listed |= {f.path for day in store.frame_days(folder) for f in store.frames(folder, day)}
        listed |= {store.video_path(video) for video in store.videos(folder)}
        for day in store.segment_days(folder):
            home = store.segments_home(folder, day)
            listed |= {home / segment.name for segment in store.segments(folder, day)}
    there = {root / name for name in seen.frames | seen.films | seen.segments}
    for path in sorted(there ^ listed):
        yield f"{path.relative_to(root)}: {'listed, not there' if path in listed else 'not listed'}"
