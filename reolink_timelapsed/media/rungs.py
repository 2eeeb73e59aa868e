"""How much memory an encode may take, and what it gives up to take less.

x264 holds frames back to look ahead, to encode several at once and to refer to them; ffmpeg 7
holds more between its own stages. A rung is one choice of all that. The rungs are ordered from
fast to frugal; all but the last keep B-frames and give streams that can be joined.

Peaks were measured with `benchmarks/stitch_memory.py`, which prints this table anew.
"""

from __future__ import annotations

from dataclasses import dataclass

MEGA = 1_000_000
_SHARE = 0.8
"""Of the memory that is there, what an encode may plan to take: pictures differ."""

_REFERENCES = {"faster": 2, "fast": 2, "medium": 3, "slow": 5, "slower": 8, "veryslow": 16}
_LOOKAHEAD_MB = 2.5
_REFERENCE_MB = 6.0
"""MB per megapixel for each frame of lookahead, and for each reference beyond the first."""

_CORES_PER_DECODER = {"ultrafast": 2, "superfast": 9, "veryfast": 12}
"""Cores that x264 keeps busy with what one decoder, conversion included, gives it. At `ultrafast`
two encodes side by side gained half on four cores, and nothing on two."""

_MOST_AT_ONCE = 4

_DECODER_MB = 60.0
_DECODER_PICTURES_MB = 8.5
_DECODER_THREAD_MB = 3.2
"""ffprobe decoding a film: at all, and per megapixel, with one thread and for each thread."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One way to encode.

    Memory: `base` MB, and for each megapixel `fixed` MB and `each` MB for every thread.

    `in_flight` bounds the pictures given to ffmpeg and not yet encoded; 0 leaves that to ffmpeg.
    Two B-frames or three, without a pyramid, make no difference to a decoder, fewer do.
    """

    name: str
    base: float
    fixed: float
    each: float
    sliced: bool
    max_threads: int
    lookahead: int
    b_frames: int = 3
    in_flight: int = 0

    def threads(self, cores: int) -> int:
        """Return x264's threads; those of frames wait for each other, so more of them pay."""
        return max(1, min(cores if self.sliced else cores * 3 // 2, self.max_threads))

    def x264(self, cores: int, *, small: bool = False) -> dict[str, int | str]:
        """Return x264's own options; `small` is for the rendition beside the full one.

        Transforms of 8x8 make it High profile, whatever the preset leaves out. Between pictures
        that are seconds apart there is no motion for a wider search to find, nor a pattern of
        B-frames to adapt to: a diamond and a fixed pattern take a tenth less time for the same
        size and SSIM. A lookahead beyond five pictures takes memory, and another tenth.
        """
        options: dict[str, int | str] = {
            "threads": 1 if small and self.sliced else self.threads(cores),
            "8x8dct": 1,
            "b-pyramid": "none",
            "bframes": self.b_frames,
            "b-adapt": 0,
            "me": "dia",
            "rc-lookahead": self.lookahead,
        }
        if self.sliced:
            options |= {"sliced-threads": 1, "sync-lookahead": 0}
        if self.lookahead == 0:
            options["mbtree"] = 0
        if self.b_frames == 0:
            options["ref"] = 1
        return options

    def peak_mb(self, megapixels: float, preset: str, cores: int) -> float:
        """Estimate the most memory that ffmpeg will hold, in MB."""
        references = 0 if self.b_frames == 0 else _REFERENCES.get(preset, 1) - 1
        per_megapixel = (
            self.fixed
            + self.each * self.threads(cores)
            + _LOOKAHEAD_MB * self.lookahead
            + _REFERENCE_MB * references
        )
        return self.base + megapixels * per_megapixel


RUNGS = (
    Rung("fast", 230, 72, 9, sliced=False, max_threads=16, lookahead=5),
    Rung("steady", 150, 55, 0.5, sliced=True, max_threads=8, lookahead=5, in_flight=13),
    Rung("lean", 135, 42, 0.5, sliced=True, max_threads=8, lookahead=0, b_frames=2, in_flight=6),
    Rung("frugal", 110, 30, 0.5, sliced=True, max_threads=4, lookahead=0, b_frames=0, in_flight=4),
)
"""A little above what was seen: 1080p on 8 cores took 633 MB the fast way and 216 MB the lean one
on ffmpeg 7.1, which the table puts at 655 and 230."""


def choose(available_mb: float, megapixels: float, preset: str, cores: int) -> int:
    """Return the number of the fastest rung that fits; the last if none does."""
    for number, rung in enumerate(RUNGS):
        if rung.peak_mb(megapixels, preset, cores) <= available_mb * _SHARE:
            return number
    return len(RUNGS) - 1


def side_by_side(available_mb: float, megapixels: float, preset: str, cores: int) -> int:
    """Return how many encodes to run at once.

    One encode takes its pictures from one decoder, on one core: with a fast preset and many
    cores that is what holds it up. Whatever fits the memory at full speed may run.
    """
    busy = cores // _CORES_PER_DECODER.get(preset, cores)
    fitting = int(available_mb * _SHARE / RUNGS[0].peak_mb(megapixels, preset, cores))
    return max(1, min(busy, fitting, _MOST_AT_ONCE))


def proof_threads(available_mb: float, megapixels: float, cores: int) -> int:
    """Return the threads with which a film may be decoded: each holds pictures of its own."""
    left = available_mb * _SHARE - _DECODER_MB - _DECODER_PICTURES_MB * megapixels
    return max(1, int(min(left / (_DECODER_THREAD_MB * megapixels), cores)))
