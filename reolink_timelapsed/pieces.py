"""Makes the pieces of a film: checked pictures in, proven segments on disk out.

A film is planned anew before each piece. A segment whose key still fits is used, whatever has
happened in between; so a late frame, a changed setting or a picture of another size costs just
the pieces it touches, and a kill costs the piece in work.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta, tzinfo
from pathlib import Path

from reolink_timelapsed import child, encode, exif, jpeg, probe, rungs
from reolink_timelapsed.clock import Clock
from reolink_timelapsed.encode import Job, Quality, Target
from reolink_timelapsed.errors import BadFrame, EncodeError, StoreError
from reolink_timelapsed.film import Film, Made, Part, Record
from reolink_timelapsed.frame import Segment
from reolink_timelapsed.plan import Piece, Size
from reolink_timelapsed.progress import Progress, duration
from reolink_timelapsed.rungs import RUNGS
from reolink_timelapsed.schedule import hour_of
from reolink_timelapsed.store import Store

PLAYERS_STOP_AT = 4096
"""Pixels across; hardware decoders, phones and browsers seldom take more."""

_TRIES = 3
_NAMED = 5
_FILM_SHARE = 0.6
"""Of the size of the pictures: more than any film of them has taken."""

log = logging.getLogger(__name__)


class _FramesChanged(Exception):
    """A frame went away, or became another, since the film was planned."""


class PieceMaker:
    """Encodes what a film lacks."""

    def __init__(self, store: Store, clock: Clock, progress: Progress, zone: tzinfo) -> None:
        self._store = store
        self._zone = zone
        self._clock = clock
        self._progress = progress
        self._warned = False

    def make(self, film: Film) -> list[Made]:
        """Return all pieces of a film, in order; those that were missing are encoded.

        Raises:
            EncodeError: if a piece cannot be made.
            StoreError: if the disk does not take it.
            Stopped: if the clock was told to stop; finished pieces stay.
        """
        film.recall()
        changes = 0
        self._progress.begin(film.label, sum(len(piece.picks) for piece in _missing(film)))
        while missing := _missing(film):
            try:
                self._make_one(film, missing[0])
            except _FramesChanged as change:
                changes += 1
                if changes >= _TRIES:
                    raise EncodeError(f"{film.label}: frames keep changing: {change}") from None
        return [
            Made(piece, record)
            for piece in film.pieces(film.picks())
            if (record := film.record(piece))
        ]

    def _make_one(self, film: Film, piece: Piece) -> None:
        lengths = self._check(film, piece)
        if len(lengths) < len({pick.frame for pick in piece.picks}):
            return  # some were refused: the film is planned without them
        needed = sum(lengths.values()) * _FILM_SHARE
        if self._store.free_bytes() < needed:
            raise StoreError(
                f"{film.label}: the disk is nearly full: the next hour of film needs "
                f"{needed / 1e6:.0f} MB; free some space, or lower storage.keep_frames_days"
            )
        began = self._clock.monotonic()
        parts, rung = self._encode(film, piece, lengths)
        seconds = self._clock.monotonic() - began
        record = self._publish(film, piece, parts, rung, seconds)
        film.remember(piece.hour, record)
        size = "{}x{}".format(*(film.full or (0, 0)))
        self._progress.say(
            f"{film.label}: {self._span(piece)}: {len(piece.picks)} frames of {size} "
            f"in {duration(seconds)}"
        )

    def _check(self, film: Film, piece: Piece) -> dict[Path, int]:
        """Return the lengths of the piece's whole pictures; refuse the others."""
        sizes: Counter[Size] = Counter()
        lengths: dict[Path, int] = {}
        refused: dict[str, str] = {}
        for path in dict.fromkeys(pick.frame.path for pick in piece.picks):
            try:
                data = _read(path)
                sizes[exif.upright(jpeg.picture_size(data), data)] += 1
                lengths[path] = len(data)
            except BadFrame as error:
                refused[path.name] = str(error)
        self._refuse(film, refused)
        film.sizes[piece.hour] = sizes
        return lengths

    def _refuse(self, film: Film, refused: dict[str, str]) -> None:
        if not refused:
            return
        film.refused |= refused
        self._progress.clear()
        named = [f"{name} ({why})" for name, why in list(refused.items())[:_NAMED]]
        more = f" and {len(refused) - _NAMED} more" if len(refused) > _NAMED else ""
        log.warning("%s: left out, no whole picture: %s%s", film.label, ", ".join(named), more)

    def _encode(
        self, film: Film, piece: Piece, lengths: dict[Path, int]
    ) -> tuple[dict[str, Part], int]:
        rung = max(self._rung(film), film.lowest_rung)
        try:
            return self._run(film, piece, lengths, rung), rung
        except child.OutOfMemory as error:
            if rung + 1 == len(RUNGS):
                raise self._given_up(film, error) from None
            film.lowest_rung = rung + 1
            self._progress.clear()
            log.warning("%s: %s; once more in the %s way", film.label, error, RUNGS[rung + 1].name)
        try:
            return self._run(film, piece, lengths, rung + 1), rung + 1
        except child.OutOfMemory as error:
            raise self._given_up(film, error) from None

    @staticmethod
    def _given_up(film: Film, error: child.OutOfMemory) -> EncodeError:
        return EncodeError(
            f"{film.label}: {error}; the frames are kept and it is tried again: free some memory, "
            "or make the film smaller with stitch.max_width"
        )

    def _rung(self, film: Film) -> int:
        width, height = film.full or (0, 0)
        available, megapixels = rungs.available_mb(), width * height / rungs.MEGA
        preset, cores = film.config.preset, rungs.cores()
        number = rungs.choose(available, megapixels, preset, cores)
        if number > film.lowest_rung:
            self._progress.clear()
            rung = RUNGS[number]
            log.info(
                "%s: %.0f MB of memory are free: encoding in the %s way, with up to %.0f MB",
                film.label, available, rung.name, rung.peak_mb(megapixels, preset, cores),
            )  # fmt: skip
        if width > PLAYERS_STOP_AT and not self._warned:
            self._warned = True
            self._progress.clear()
            log.warning(
                "%s: the film is %d pixels wide; many players stop at %d: set stitch.max_width, "
                "or take the 720p",
                film.label, width, PLAYERS_STOP_AT,
            )  # fmt: skip
        return number

    def _run(
        self, film: Film, piece: Piece, lengths: dict[Path, int], rung: int
    ) -> dict[str, Part]:
        """Encode the piece into the work folder, and prove it."""
        targets = {
            rendition.name: Target(self._work(piece, rendition.name), size)
            for rendition, size in film.renditions()
        }
        job = _job(film, piece, tuple(targets.values()), rung)
        child.encode(
            encode.encode_command(job),
            _pictures(piece, lengths),
            [target.path for target in job.targets],
            self._clock,
            self._progress.advance,
            in_flight=RUNGS[rung].in_flight,
        )
        return {name: self._proven(film, piece, target) for name, target in targets.items()}

    def _proven(self, film: Film, piece: Piece, target: Target) -> Part:
        facts = probe.facts(target.path, self._clock, decode=True)
        wrong = list(probe.faults(facts, len(piece.picks), target.size, film.config.fps))
        if facts.decoded != len(piece.picks) and self._undecodable(film, piece):
            raise _FramesChanged("some cannot be decoded")
        if wrong:
            span = self._span(piece)
            raise EncodeError(f"{film.label}: {span} came out wrong: {'; '.join(wrong)}")
        return Part(target.size, target.path.stat().st_size, facts.digest(), facts.signature)

    def _undecodable(self, film: Film, piece: Piece) -> bool:
        """Find the pictures that look whole but that ffmpeg cannot decode; refuse them."""
        paths = dict.fromkeys(pick.frame.path for pick in piece.picks)
        bad = [path for path in paths if not probe.is_picture(path, self._clock)]
        self._refuse(film, {path.name: "cannot be decoded" for path in bad})
        return bool(bad)

    def _publish(
        self, film: Film, piece: Piece, parts: dict[str, Part], rung: int, seconds: float
    ) -> Record:
        self._store.remove(film.record_path(piece.hour))
        for name in parts:
            self._store.publish(self._work(piece, name), film.part_path(piece.hour, name))
        record = Record(
            key=film.key(piece.picks),
            frames=len(piece.picks),
            sizes=film.sizes[piece.hour],
            refused=film.refused,
            rung=rung,
            seconds=round(seconds, 1),
            parts=parts,
        )
        self._store.write_json(film.record_path(piece.hour), record.to_json())
        return record

    def _span(self, piece: Piece) -> str:
        """Return the hours of a piece, for people."""
        end = hour_of(piece.picks[-1].at) + timedelta(hours=1)
        first, last = (moment.astimezone(self._zone) for moment in (piece.hour, end))
        return f"{first:%H:%M}-{last:%H:%M}"

    def _work(self, piece: Piece, rendition: str) -> Path:
        return self._store.work_path(Segment(piece.hour, rendition).name)


def _missing(film: Film) -> list[Piece]:
    return [piece for piece in film.pieces(film.picks()) if film.record(piece) is None]


def _job(film: Film, piece: Piece, targets: tuple[Target, ...], rung: int) -> Job:
    config = film.config
    seen = film.sizes[piece.hour]
    return Job(
        picture=next(iter(seen)) if len(seen) == 1 else None,
        targets=targets,
        quality=Quality(config.fps, config.preset, config.crf),
        rung=RUNGS[rung],
        cores=rungs.cores(),
    )


def _pictures(piece: Piece, lengths: dict[Path, int]) -> Iterator[bytes]:
    """Yield the pictures as they were when they were checked."""
    for pick in piece.picks:
        try:
            data = _read(pick.frame.path)
        except BadFrame as error:
            raise _FramesChanged(str(error)) from error
        if len(data) != lengths[pick.frame.path]:
            raise _FramesChanged(f"{pick.frame.path.name} became another")
        yield data


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise _FramesChanged(f"{path.name} went away") from None
    except OSError as error:
        raise BadFrame(f"cannot be read: {error.strerror}") from error
