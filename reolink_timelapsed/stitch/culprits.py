"""Finds the pictures that look whole but that ffmpeg makes nothing of, or fails at.

A picture can be decoded if ffmpeg, given it among others, puts something in its place: that is
what a film is proven by, and here it is asked of suspects alone. A picture that is known to be
good comes last, so that an ffmpeg which is itself broken blames none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from pathlib import Path

from reolink_timelapsed.errors import EncodeError
from reolink_timelapsed.media import child, graph, huffman, probe
from reolink_timelapsed.media.graph import Job
from reolink_timelapsed.media.rungs import RUNGS
from reolink_timelapsed.stitch import source
from reolink_timelapsed.system.clock import Clock

_GOOD = (
    b"\xff\xd8\xff\xdb\x00\x43\x00" + b"\x01" * 64
    + b"\xff\xc0\x00\x0b\x08\x00\x10\x00\x10\x01\x01\x11\x00" + huffman.STANDARD
    + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + b"\x28\xa2\x8a\xff\xd9"
)  # fmt: skip
"""16x16 pixels of grey: four blocks, each a mean as before and nothing else."""


@dataclass(frozen=True, slots=True)
class Search:
    """A search among pictures of these lengths in bytes; `job` is the encode they are for.

    A picture is waited for as long as in an encode, `stall_seconds`.
    """

    job: Job
    lengths: dict[Path, int]
    clock: Clock
    stall_seconds: float = child.STALL_SECONDS

    def culprits(self, suspects: Sequence[Path]) -> list[Path]:
        """Return those that cannot be decoded, none if it is not the pictures.

        Takes two runs of ffmpeg, and where it fails altogether, as often as halving needs. Where it
        hangs, which costs the most, it is known at which few pictures: halving begins with them.

        Raises:
            OutOfMemory, StoreError, Stopped: as an encode does.
            FramesChanged: if a picture is no longer what it was.
        """
        try:
            works = self._lacking(()) is not None
        except child.Hangs:
            works = False
        return self._among(suspects) if works else []

    def _among(self, suspects: Sequence[Path]) -> list[Path]:
        done, given = 0, len(suspects)
        try:
            if (lacking := self._lacking(suspects)) is not None:
                return lacking
        except child.Hangs as hang:
            done, given = hang.done, hang.given
        if len(suspects) == 1:
            return list(suspects)
        cuts = pairwise(cut(len(suspects), done, given))
        return [bad for begin, end in cuts for bad in self._among(suspects[begin:end])]

    def _lacking(self, suspects: Sequence[Path]) -> list[Path] | None:
        """Return those whose places stay empty; None if ffmpeg fails, or loses the good one."""
        target = self.job.targets[0]
        quality = replace(self.job.quality, preset="ultrafast")
        job = replace(
            self.job, picture=None, targets=(target,), quality=quality, rung=RUNGS[-1]
        )  # fmt: skip
        fed = chain(source.feed(suspects, self.lengths), [_GOOD])
        run = child.Run(graph.encode_command(job), fed, [target.path])
        try:
            child.encode([run], self.clock, lambda: None, stall_seconds=self.stall_seconds)
            facts = probe.facts(target.path, self.clock, decode=False, frames=len(suspects))
        except (child.OutOfMemory, child.Hangs):
            raise
        except EncodeError:
            return None
        places = probe.lacking(facts, len(suspects) + 1, job.quality.fps)
        if len(suspects) in places or len(places) + len(facts.packets) != len(suspects) + 1:
            return None
        return [suspects[place] for place in places]


def cut(count: int, done: int, given: int) -> list[int]:
    """Return where to cut `count` suspects (2 or more), ends included, into those to look at alone.

    ffmpeg failed at one after the first `done` and among the first `given`.
    """
    places = sorted({0, min(done, count), min(given, count), count})
    return places if len(places) > 2 else [0, count // 2, count]
