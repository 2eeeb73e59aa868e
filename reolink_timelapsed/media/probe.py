"""What a film really holds, asked of ffprobe, and whether that is what was ordered."""

from __future__ import annotations

import hashlib
import math
import re
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from reolink_timelapsed.errors import EncodeError, Stopped
from reolink_timelapsed.frame import Size
from reolink_timelapsed.humanize import pixels, several
from reolink_timelapsed.media.child import OutOfMemory
from reolink_timelapsed.system.clock import Clock, DeadlineExceeded
from reolink_timelapsed.system.json_fields import MOST, BadValue, get_list, get_str, parse
from reolink_timelapsed.system.process import Process

STALL_SECONDS = 3600.0
"""Decoding an hour of film at 7680x2160 on a small machine, several times over."""

_STREAM = (
    "codec_name,profile,level,width,height,pix_fmt,color_range,color_space,color_transfer,"
    "color_primaries,sample_aspect_ratio,avg_frame_rate,r_frame_rate,start_time,duration,"
    "has_b_frames,extradata_hash,nb_read_frames"
)
_TRUE = {
    "codec_name": "h264",
    "profile": "High",
    "pix_fmt": "yuv420p",
    "color_range": "tv",
    "color_space": "bt709",
    "color_transfer": "bt709",
    "color_primaries": "bt709",
}


_TIME_SECONDS = 5e-6
"""How far a picture may be from its place in time: ffprobe rounds to microseconds."""

_START_SECONDS = 0.001

_SLICE_SECONDS = 1.0
_ANSWER_BYTES = 65_536
_ANSWER_BYTES_EACH = 400
"""More than ffprobe says of a film at all, and of each coded picture: some 110 bytes."""

_MOST_FRAMES = 250_000
"""In a film of which nothing is known: two days at a picture a second."""

_RATE = re.compile(r"\d{1,9}/\d{1,9}")
_COMPLAINT = re.compile(r"\[(error|fatal|panic)\]")
"""Marks ffprobe's own lines; what a library of it prints is no verdict on a film."""


@dataclass(frozen=True, slots=True)
class Packet:
    """A coded picture: its time in the film (s), and the hash of its bytes."""

    at: float
    key: bool
    digest: str


@dataclass(frozen=True, slots=True)
class Facts:
    """A film as ffprobe sees it; `decoded` is None where pictures were not decoded."""

    stream: dict[str, Any]
    packets: tuple[Packet, ...]
    decoded: int | None
    complaints: str

    @property
    def size(self) -> Size:
        width, height = (_number(self.stream.get(side, 0)) for side in ("width", "height"))
        return (int(width), int(height)) if math.isfinite(width + height) else (0, 0)

    @property
    def signature(self) -> str:
        """Return what must be equal in segments that are to be joined: the decoder's settings."""
        return str(self.stream.get("extradata_hash", ""))

    def digest(self, begin: int = 0, end: int | None = None) -> str:
        """Return what tells this run of packets from every other."""
        text = ",".join(packet.digest for packet in self.packets[begin:end])
        return hashlib.sha256(text.encode()).hexdigest()


def facts(
    path: Path, clock: Clock, *, decode: bool, threads: int = 1, frames: int = _MOST_FRAMES
) -> Facts:
    """Ask ffprobe about a film's only video stream; `decode` every picture of it, too.

    It is to hold about so many `frames`: of very many more ffprobe may not speak. More `threads`
    decode faster and take more memory.

    Raises:
        EncodeError: if ffprobe does not answer; OutOfMemory if it was killed.
        Stopped: if the clock was told to stop.
    """
    entries = f"stream={_STREAM}:packet=pts_time,flags,data_hash"
    command = ["ffprobe", "-v", "level+error", "-threads", str(threads), "-select_streams", "v:0"]
    command += ["-show_packets", "-show_data_hash", "murmur3", "-show_entries", entries]
    command += ["-count_frames"] if decode else []
    answer, said = _ask(
        [*command, "-of", "json", str(path)], clock, _ANSWER_BYTES + frames * _ANSWER_BYTES_EACH
    )
    complaints = "\n".join(line for line in said.splitlines() if _COMPLAINT.search(line))
    try:
        value = parse(answer)
        (stream,) = get_list(value, "streams")
        packets = tuple(_packet(row) for row in get_list(value, "packets"))
        decoded = int(get_str(stream, "nb_read_frames", "0")) if decode else None
        get_str(stream, "codec_name")
    except ValueError:
        raise EncodeError(f"{path.name} cannot be read as a film: {said[-300:]}") from None
    return Facts(stream, packets, decoded, complaints)


def faults(film: Facts, frames: int, size: Size, fps: int) -> Iterator[str]:
    """Yield everything that is wrong with a film that should hold `frames` pictures."""
    if film.decoded is not None and film.decoded != frames:
        yield f"{several(film.decoded, 'picture')} can be decoded instead of {frames}"
    if len(film.packets) != frames:
        yield f"it has {several(len(film.packets), 'picture')} instead of {frames}"
    if film.size != size:
        yield f"its size is {pixels(film.size)} instead of {pixels(size)}"
    for name, wanted in _TRUE.items():
        if film.stream.get(name) != wanted:
            yield f"{name} is {film.stream.get(name)} instead of {wanted}"
    if film.complaints:
        yield f"the decoder complains: {film.complaints[:200]}"
    yield from _timing_faults(film, frames, fps)


def _timing_faults(film: Facts, frames: int, fps: int) -> Iterator[str]:
    rate, start, length = (
        film.stream.get(name) for name in ("avg_frame_rate", "start_time", "duration")
    )
    if _rate(rate) != fps:
        yield f"its rate is {rate} instead of {fps}"
    if abs(_number(start)) > _START_SECONDS:
        yield f"it starts at {start} s"
    if abs(_number(length) - frames / fps) > 0.5 / fps:
        yield f"it lasts {length} s instead of {frames / fps:.3f} s"
    times = sorted(packet.at for packet in film.packets)
    if any(abs(at - number / fps) > _TIME_SECONDS for number, at in enumerate(times)):
        yield "its pictures are not evenly spaced in time"
    if film.packets and not film.packets[0].key:
        yield "it does not begin with a key picture"


def lacking(film: Facts, frames: int, fps: int) -> list[int]:
    """Return the places, of `frames`, where a film shows nothing: what was to stand there is lost.

    None is returned where the film is not simply that: pictures too many, or at odd times.
    """
    places = [round(packet.at * fps) for packet in film.packets]
    left = set(range(frames)).difference(places)
    whole = film.decoded in (None, len(places))
    return sorted(left) if whole and len(left) + len(places) == frames else []


def streams_at_once(path: Path) -> bool:
    """Tell whether a player can start before it has the whole file: `moov` before `mdat`."""
    names = [name for name, *_ in boxes(path)]
    return b"moov" in names and b"mdat" in names and names.index(b"moov") < names.index(b"mdat")


def boxes(path: Path) -> Iterator[tuple[bytes, int, int]]:
    """Yield name, begin and size in bytes of each outermost box of an MP4 (ISO 14496-12, 4.2).

    The first that does not fit the file ends them.
    """
    total = path.stat().st_size
    with path.open("rb") as file:
        at = 0
        while at + 8 <= total:
            file.seek(at)
            header = file.read(16)
            size = int.from_bytes(header[:4], "big")
            if size == 1:
                size = int.from_bytes(header[8:16], "big")
            if size < 8 or at + size > total:
                return
            yield header[4:8], at, size
            at += size


def _packet(row: Any) -> Packet:
    at = _number(get_str(row, "pts_time"))
    if not math.isfinite(at):
        raise BadValue("pts_time is no time")
    return Packet(at, get_str(row, "flags").startswith("K"), get_str(row, "data_hash"))


def _number(text: Any) -> float:
    """Return a number that ffprobe tells; for anything else infinity, which no film has."""
    try:
        found = float(text)
    except (TypeError, ValueError):
        return math.inf
    return found if abs(found) <= MOST else math.inf


def _rate(text: Any) -> Fraction:
    try:
        return Fraction(text) if _RATE.fullmatch(text) else Fraction(0)
    except (TypeError, ZeroDivisionError):
        return Fraction(0)


def _ask(command: Sequence[str], clock: Clock, most: int) -> tuple[bytes, str]:
    """Return what ffprobe answers, in `most` bytes, and what it says beside it."""
    if clock.stopping:
        raise Stopped("told to stop before a film was examined")
    process = Process(command, most)
    try:
        process.close_input()
        with clock.deadline(STALL_SECONDS):
            while not process.ended():
                process.exchange(seconds=_SLICE_SECONDS)
    except DeadlineExceeded:
        if clock.stopping:
            raise Stopped("told to stop while a film was examined") from None
        raise EncodeError(f"ffprobe hangs: no answer in {STALL_SECONDS:.0f} s") from None
    finally:
        status = process.end()
    if status == -signal.SIGKILL:
        raise OutOfMemory("ffprobe was killed, most likely because memory ran out")
    return bytes(process.answer), process.said
