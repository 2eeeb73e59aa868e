"""Makes the segments of a film: checked pictures in, proven segments on disk out.

A film is planned anew before each segment. A segment whose key still fits is used, whatever has
happened in between; so a late frame, a changed setting or a picture of another size costs just
the segments it touches, and a kill costs the segment in work.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta, tzinfo
from pathlib import Path

from reolink_timelapsed.errors import DiskFull, EncodeError
from reolink_timelapsed.humanize import megabytes, pixels, several
from reolink_timelapsed.media import child, graph, probe, rungs
from reolink_timelapsed.media.graph import Job, Target
from reolink_timelapsed.media.rungs import RUNGS
from reolink_timelapsed.schedule import hour_of
from reolink_timelapsed.stitch import source
from reolink_timelapsed.stitch.culprits import Search
from reolink_timelapsed.stitch.film import Film, MadeSegment, SegmentJob, SegmentPart, SegmentRecord
from reolink_timelapsed.stitch.plan import Segment
from reolink_timelapsed.stitch.progress import Progress, duration
from reolink_timelapsed.stitch.source import FramesChanged
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system import memory
from reolink_timelapsed.system.clock import Clock

PLAYERS_STOP_AT = 4096
"""Pixels across; hardware decoders, phones and browsers seldom take more."""

_TRIES = 3
_NAMED = 5
_MOST_OF_THE_PICTURES = 0.6
"""Of the size of the pictures: most films of them take less."""

log = logging.getLogger(__name__)


class SegmentMaker:
    """Encodes what a film lacks."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        progress: Progress,
        zone: tzinfo,
        *,
        cores: int | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._progress = progress
        self._zone = zone
        self._cores = cores or memory.cores()
        self._at_once: int | None = None
        self._warned = False

    def make(self, film: Film) -> list[MadeSegment]:
        """Return all segments of a film, in order; those that were missing are encoded.

        Raises:
            EncodeError: if a segment cannot be made.
            StoreError: if the disk does not take it.
            Stopped: if the clock was told to stop; finished segments stay.
        """
        film.recall()
        changes = 0
        self._progress.begin(film.label, sum(len(segment.picks) for segment in film.missing()))
        while missing := film.missing():
            refused = len(film.refused)
            try:
                self._make_some(film, missing[: self._side_by_side(film)])
                changes = 0
            except FramesChanged as change:
                if len(film.refused) == refused:  # else there are fewer now: that has an end
                    changes += 1
                if changes >= _TRIES:
                    raise EncodeError(f"{film.label}: frames keep changing: {change}") from None
        return film.made()

    def _side_by_side(self, film: Film) -> int:
        if film.full is None or film.lowest_rung:
            return 1
        return self._at_once or rungs.side_by_side(
            memory.available_mb(), _megapixels(film), film.config.preset, self._cores
        )

    def _make_some(self, film: Film, some: Sequence[Segment]) -> None:
        lengths: dict[Path, int] = {}
        for segment in some:
            checked = source.check(_paths(segment))
            if checked.refused:
                self._refuse(film, segment, checked.refused)
                return  # the film is planned without them
            self._tell_of_excess(film, checked.excess)
            film.measured(segment, checked.sizes, checked.excess)
            lengths |= checked.lengths
        self._see_that_it_fits(film, sum(lengths.values()))
        jobs = [film.job(segment) for segment in some]
        began = self._clock.monotonic()
        rung = self._encode(film, jobs, lengths)
        proven = [self._parts(film, job, lengths) for job in jobs]
        seconds = (self._clock.monotonic() - began) / len(jobs)
        for job, parts in zip(jobs, proven, strict=True):
            self._publish(film, job, job.done(parts, rung=rung, seconds=seconds))

    def _see_that_it_fits(self, film: Film, size: int) -> None:
        needed = size * _MOST_OF_THE_PICTURES
        if self._store.free_bytes() < needed:
            raise DiskFull(
                f"{film.label}: the disk is nearly full: the next hour of film needs "
                f"{megabytes(needed)}; free some space, or lower storage.keep_frames_days"
            )

    def _tell_of_excess(self, film: Film, excess: dict[str, int]) -> None:
        if excess:
            self._progress.clear()
            log.info(
                "%s: left out what comes after the end of %s: %s in all",
                film.label, several(len(excess), "picture"), several(sum(excess.values()), "byte"),
            )  # fmt: skip

    def _refuse(self, film: Film, segment: Segment, refused: dict[str, str]) -> None:
        film.refuse(segment, refused)
        self._progress.clear()
        named = [f"{name} ({why})" for name, why in list(refused.items())[:_NAMED]]
        more = f" and {len(refused) - _NAMED} more" if len(refused) > _NAMED else ""
        log.warning("%s: left out, no whole picture: %s%s", film.label, ", ".join(named), more)

    def _encode(self, film: Film, jobs: Sequence[SegmentJob], lengths: dict[Path, int]) -> int:
        """Encode into the work folder; return the rung it was done on."""
        rung = max(self._rung(film), film.lowest_rung)
        try:
            self._run(jobs, lengths, rung)
        except EncodeError as error:
            if not isinstance(error, child.OutOfMemory):
                self._blame(film, jobs, lengths)
                raise
            if rung + 1 == len(RUNGS):
                raise self._given_up(film, error) from None
            self._at_once = 1
            rung += 1
            film.step_down(rung)
            self._progress.clear()
            log.warning("%s: %s; once more in the %s way", film.label, error, RUNGS[rung].name)
            self._run_again(film, jobs, lengths, rung)
        return rung

    def _run_again(
        self, film: Film, jobs: Sequence[SegmentJob], lengths: dict[Path, int], rung: int
    ) -> None:
        """Encode one after the other, on a lower rung."""
        try:
            for job in jobs:
                self._run([job], lengths, rung)
        except child.OutOfMemory as error:
            raise self._given_up(film, error) from None

    @staticmethod
    def _given_up(film: Film, error: child.OutOfMemory) -> EncodeError:
        return EncodeError(
            f"{film.label}: {error}; the frames are kept and it is tried again: free some memory, "
            "or make the film smaller with stitch.max_width"
        )

    def _rung(self, film: Film) -> int:
        width, _ = film.full or (0, 0)
        available, megapixels = memory.available_mb(), _megapixels(film)
        preset, cores = film.config.preset, self._cores
        number = rungs.choose(available, megapixels, preset, cores)
        if number > film.lowest_rung:
            self._progress.clear()
            rung = RUNGS[number]
            log.info(
                "%s: %.0f MB of memory are free: encoding in the %s way, with up to %.0f MB",
                film.label, available, rung.name, rung.peak_mb(megapixels, preset, cores),
            )  # fmt: skip
        if width > PLAYERS_STOP_AT and not (self._warned or film.is_begun):
            self._warned = True
            self._progress.clear()
            log.warning(
                "%s: the film is %d pixels wide; many players stop at %d: set stitch.max_width, "
                "or take the 720p",
                film.label, width, PLAYERS_STOP_AT,
            )  # fmt: skip
        return number

    def _run(self, jobs: Sequence[SegmentJob], lengths: dict[Path, int], rung: int) -> None:
        runs = []
        for job in jobs:
            fed = source.feed(_paths(job.segment), lengths)
            writes = [target.path for target in self._targets(job).values()]
            command = graph.encode_command(self._encoder_job(job, rung))
            runs.append(child.Run(command, fed, writes))
        in_flight = RUNGS[rung].in_flight
        child.encode(runs, self._clock, self._progress.advance, in_flight=in_flight)

    def _encoder_job(self, job: SegmentJob, rung: int) -> Job:
        targets = tuple(self._targets(job).values())
        return Job(job.picture, targets, job.quality, RUNGS[rung], self._cores)

    def _targets(self, job: SegmentJob) -> dict[str, Target]:
        return {
            name: Target(self._store.work_path(job.files[name].name), size)
            for name, size in job.renditions.items()
        }

    def _proven(
        self, film: Film, job: SegmentJob, target: Target, lengths: dict[Path, int]
    ) -> SegmentPart:
        paths, fps = _paths(job.segment), job.quality.fps
        count = len(paths)
        threads = rungs.proof_threads(memory.available_mb(), _megapixels(film), self._cores)
        facts = probe.facts(target.path, self._clock, decode=True, threads=threads, frames=count)
        lacking = probe.lacking(facts, count, fps)
        self._exclude(film, job, [paths[place] for place in lacking], lengths)
        wrong = list(probe.faults(facts, count, target.size, fps))
        if wrong:
            span = self._span(job.segment)
            raise EncodeError(f"{film.label}: {span} came out wrong: {'; '.join(wrong)}")
        return SegmentPart(target.size, target.path.stat().st_size, facts.digest(), facts.signature)

    def _blame(self, film: Film, jobs: Sequence[SegmentJob], lengths: dict[Path, int]) -> None:
        """Find, after ffmpeg has failed, the pictures at which it does. Raises as `_exclude`."""
        for job in jobs:
            self._exclude(film, job, _paths(job.segment), lengths)

    def _exclude(
        self, film: Film, job: SegmentJob, suspects: Sequence[Path], lengths: dict[Path, int]
    ) -> None:
        """Refuse those of the suspects that cannot be decoded.

        Raises:
            FramesChanged: if there are some: the film is planned without them.
        """
        if not suspects:
            return
        search = Search(self._encoder_job(job, len(RUNGS) - 1), lengths, self._clock)
        if bad := search.culprits(list(dict.fromkeys(suspects))):
            self._refuse(film, job.segment, {path.name: "cannot be decoded" for path in bad})
            raise FramesChanged("some cannot be decoded")

    def _parts(
        self, film: Film, job: SegmentJob, lengths: dict[Path, int]
    ) -> dict[str, SegmentPart]:
        targets = self._targets(job)
        return {name: self._proven(film, job, one, lengths) for name, one in targets.items()}

    def _publish(self, film: Film, job: SegmentJob, record: SegmentRecord) -> None:
        """Put what was encoded in its place; the record comes last."""
        self._store.remove_file(job.record)
        for name, target in self._targets(job).items():
            self._store.publish(target.path, job.files[name])
        self._store.write_json(job.record, record.to_json())
        film.remember(job.segment.hour, record)
        size = pixels(job.full)
        self._progress.say(
            f"{film.label}: {self._span(job.segment)}: {several(record.frames, 'frame')} of {size} "
            f"in {duration(record.seconds)}"
        )

    def _span(self, segment: Segment) -> str:
        """Return the hours of a segment, for people."""
        end = hour_of(segment.picks[-1].at) + timedelta(hours=1)
        first, last = (moment.astimezone(self._zone) for moment in (segment.hour, end))
        return f"{first:%H:%M}-{last:%H:%M}"


def _paths(segment: Segment) -> list[Path]:
    return [pick.frame.path for pick in segment.picks]


def _megapixels(film: Film) -> float:
    width, height = film.full or (0, 0)
    return width * height / rungs.MEGA
