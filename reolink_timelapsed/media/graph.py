"""What ffmpeg is asked to do: pictures into a segment of film, segments into a video.

One run makes every rendition of a segment: the pictures come in on a pipe, are decoded once,
brought to one size and to the colours of video, and split. The segments of a video are joined
without touching a picture.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import ffmpeg

from reolink_timelapsed.errors import EncodeError
from reolink_timelapsed.frame import Size, full_size
from reolink_timelapsed.media.rungs import Rung
from reolink_timelapsed.system.process import output

OLDEST = (5, 1)
KEYFRAME_SECONDS = 5
"""Of film: how far a player may have to decode when somebody jumps."""

_INSTALL = "install it with `sudo apt install ffmpeg`"
_CHECK_SECONDS = 60.0
_INDEX_BYTES = 65_536
_INDEX_BYTES_EACH = 80
"""The most that a video's index takes: titles and chapters; and for each picture 45 bytes, if it
is a chunk and a key picture, and 33 if a subtitle of its own goes with it (ISO 14496-12, 8.6 and
8.7). It is 10 as a rule."""

_LIGHTER = {"veryfast": {"subme": 1}}
"""What the smaller rendition does with less of: the same SSIM, a tenth more bytes, and two fifths
less time, so that it costs next to nothing beside the full one."""

_TAGS = {
    "colorspace": "bt709",
    "color_primaries": "bt709",
    "color_trc": "bt709",
    "color_range": "tv",
}


@dataclass(frozen=True, slots=True)
class Quality:
    """Pictures per second of film, and x264's preset and constant rate factor."""

    fps: int
    preset: str
    crf: int


@dataclass(frozen=True, slots=True)
class Target:
    """A file to be made, and the size of its picture in pixels (both even)."""

    path: Path
    size: Size


@dataclass(frozen=True, slots=True)
class Job:
    """One run of the encoder: the first target is the full rendition.

    `picture` is the size (upright) that all the pictures have, None if they differ.
    """

    picture: Size | None
    targets: tuple[Target, ...]
    quality: Quality
    rung: Rung
    cores: int


def graph(job: Job) -> Any:
    """Return the ffmpeg-python graph of a run that reads JPEGs from its standard input."""
    pictures = ffmpeg.input(
        "pipe:0",
        format="image2pipe",
        framerate=job.quality.fps,
        vcodec="mjpeg",
        probesize=32,  # what it looks at before it starts, it would hold back
        fpsprobesize=0,
    )
    film = _fitted(pictures, job)
    copies = film.split()
    outputs = [
        _output(copies[number], target, job, small=number > 0)
        for number, target in enumerate(job.targets)
    ]
    arguments = ["-hide_banner", "-loglevel", "error", "-y"]
    arguments += ["-max_error_rate", "1"]  # what is lost is counted; no share of it ends the run
    if job.rung.in_flight:
        arguments += ["-progress", "pipe:1", "-stats_period", "0.01"]
    return ffmpeg.merge_outputs(*outputs).global_args(*arguments)


def encode_command(job: Job) -> list[str]:
    """Return the command line of `graph`."""
    return list(ffmpeg.compile(graph(job)))


def _fitted(stream: Any, job: Job) -> Any:
    """Bring every picture to the size and colours of the film, undistorted; odd edges lose a line.

    Pixels are square, whatever a picture says of its own: segments that differ in that cannot be
    joined. Sizes are even, as colours are converted two by two. Bars come last: what is black
    depends on the colours, and a grey picture has its own.
    """
    size = job.targets[0].size
    coloured = _coloured(_sized(stream, job.picture, size))
    if _needs_bars(job.picture, size):
        coloured = coloured.filter("pad", *size, -1, -1)
    return coloured.filter("setsar", 1)


def _sized(stream: Any, picture: Size | None, size: Size) -> Any:
    width, height = size
    if picture == size:
        return stream
    if _is_trimmed(picture, size):
        return stream.filter("crop", width, height, 0, 0)
    if not _needs_bars(picture, size):
        return stream.filter("scale", width, height, flags="bicubic", out_range="full")
    return stream.filter(
        "scale",
        f"max(min({width},2*round({height}*iw/ih/2)),2)",
        f"max(min({height},2*round({width}*ih/iw/2)),2)",
        flags="bicubic",
        out_range="full",
    )


def _is_trimmed(picture: Size | None, size: Size) -> bool:
    """Tell whether a film is as large as its pictures but for a line or column."""
    return picture is not None and all(a - b in (0, 1) for a, b in zip(picture, size, strict=True))


def _needs_bars(picture: Size | None, size: Size) -> bool:
    """Tell whether pictures may be of another shape than the film."""
    fits = picture and (_is_trimmed(picture, size) or size == full_size(picture, size[0]))
    return not fits


def _coloured(stream: Any) -> Any:
    """Turn JPEG's full-range BT.601 into the limited-range BT.709 that players expect.

    Range and matrix both, or reds and greens shift. The `colorspace` filter takes a fifth of the
    time of `scale` for it. JPEG's matrix is that of SMPTE 170M; primaries and transfer are kept.
    """
    return (
        stream.filter("scale", in_range="full", out_range="full")
        .filter("format", "yuv420p")
        .filter(
            "colorspace",
            ispace="smpte170m",
            irange="pc",
            iprimaries="bt709",
            itrc="bt709",
            space="bt709",
            range="tv",
            primaries="bt709",
            trc="bt709",
            format="yuv420p",
            fast=1,
        )
    )


def _output(stream: Any, target: Target, job: Job, *, small: bool) -> Any:
    if small:
        halved = target.size[1] * 2 <= job.targets[0].size[1]
        flags = "area" if halved else "bicubic"  # the mean of all pixels, at half the cost
        stream = stream.filter("scale", *target.size, flags=flags).filter("setsar", 1)
    return stream.output(
        str(target.path),
        vcodec="libx264",
        preset=job.quality.preset,
        crf=job.quality.crf,
        pix_fmt="yuv420p",
        fps_mode="passthrough",
        g=KEYFRAME_SECONDS * job.quality.fps,
        format="mp4",
        **_TAGS,
        **{
            "profile:v": "high",
            "x264-params": x264_params(job, small=small),
        },
    )


def x264_params(job: Job, *, small: bool) -> str:
    """Return x264's own options for the full rendition, or for the smaller one beside it."""
    options = job.rung.x264(job.cores, small=small)
    if small:
        options |= _LIGHTER.get(job.quality.preset, {})
    return ":".join(f"{name}={value}" for name, value in options.items())


def join_command(
    segments: Path, titles: Path, subtitles: Path, made: Path, *, frames: int, fps: int, rung: Rung
) -> list[str]:
    """Return the command that joins segments, by their list, into a video of `frames` that streams.

    `titles` (ffmetadata) holds title and chapters, `subtitles` (SubRip) the time of day.
    `auto_convert 0` keeps every packet as the encoder wrote it. All segments are of `rung`, or fit
    it. The times of decoding are counted anew: those of a segment of one picture lack the head
    start that B-frames need, and would leave a hole at its seam. Those of showing are brought
    back to whole pictures: the list has them in microseconds, and over many seams that adds up.

    ffmpeg would decode the first pictures of each segment to see what it is, which takes longer
    than the copy; with no decoder allowed it goes by the headers, and says so of each segment.
    Room for the index is left in front: `faststart` writes all of a video twice.
    """
    begun = 1 if rung.b_frames else 0
    shown = f"pts=round(PTS*TB*{fps})/({fps}*TB):duration=1/({fps}*TB)"
    times = f"setts={shown}:dts=round((N-{begun})/({fps}*TB))"
    inputs = ["-codec_whitelist", "none", "-f", "concat", "-safe", "0", "-auto_convert", "0"]
    inputs += ["-i", str(segments)]
    inputs += ["-f", "ffmetadata", "-i", str(titles), "-f", "srt", "-i", str(subtitles)]
    maps = ["-map", "0:v", "-map", "2:s", "-map_metadata", "1", "-map_chapters", "1"]
    streams = ["-c:v", "copy", "-bsf:v", times, "-c:s", "mov_text"]
    output = ["-moov_size", str(index_bytes(frames)), "-f", "mp4", str(made)]
    quiet = ["-hide_banner", "-loglevel", "repeat+error", "-y"]
    return ["ffmpeg", *quiet, *inputs, *maps, *streams, *output]


def index_bytes(frames: int) -> int:
    """Return the room that a joined video of `frames` keeps for its index."""
    return _INDEX_BYTES + frames * _INDEX_BYTES_EACH


def segments_list(segments: Sequence[tuple[Path, int]], fps: int) -> str:
    """Return the list, for `join_command`, of segments and the number of pictures in each.

    Each comes with its length: the one in an MP4's header is rounded to milliseconds, and
    the seams would show it.
    """
    return files_list(
        [path for path, _ in segments], [f"duration {frames / fps:.6f}" for _, frames in segments]
    )


def files_list(files: Sequence[Path], notes: Sequence[str] = ()) -> str:
    """Return a list for ffmpeg's concat demuxer, with a line about each file, if there is one."""
    quoted = (str(file).replace("'", r"'\''") for file in files)
    lines = zip_longest((f"file 'file:{name}'" for name in quoted), notes, fillvalue="")
    return "\n".join(["ffconcat version 1.0", *(line for pair in lines for line in pair), ""])


def version() -> str:
    """Return ffmpeg's version, once it is known to have all that is needed here.

    Raises:
        EncodeError: if it is missing, too old, or without the encoder; names the remedy.
    """
    for program in ("ffmpeg", "ffprobe"):
        if shutil.which(program) is None:
            raise EncodeError(f"{program} is not installed: {_INSTALL}")
    encoders, banner = _encoders()
    words = re.search(r"^ffmpeg version (\S+)", banner, re.MULTILINE)
    found = words[1] if words else "unknown"
    number = re.match(r"n?(\d+)\.(\d+)", found)
    if number and (int(number[1]), int(number[2])) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise EncodeError(f"ffmpeg {found} is too old, {oldest} is needed: {_INSTALL}")
    if not re.search(r"\blibx264\b", encoders):
        raise EncodeError(f"this ffmpeg ({found}) has no libx264 encoder: {_INSTALL}")
    return found


def _encoders() -> tuple[str, str]:
    """Return ffmpeg's list of encoders, and the banner it shows above it."""
    try:
        return output(["ffmpeg", "-encoders"], _CHECK_SECONDS)
    except OSError as error:
        raise EncodeError(f"ffmpeg does not work ({error}): {_INSTALL}") from error
