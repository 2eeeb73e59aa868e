"""What the tests of the video side share: frames that carry numbers, and films read back."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from reolink_timelapsed.config.settings import CaptureConfig, Config, StitchConfig
from reolink_timelapsed.frame import Frame
from reolink_timelapsed.simulator.pictures.mosaic import Sampling, mosaic_jpeg, read_number
from reolink_timelapsed.stitch import run
from reolink_timelapsed.stitch.outcome import StitchReport
from reolink_timelapsed.stitch.request import StitchRequest
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system.clock import Clock, JumpingClock

DAY = date(2026, 11, 22)
FOLDER = "ch0_Front_Door"
SIZE = (256, 144)
MINUTE = timedelta(minutes=1)
AFTER = datetime(2026, 11, 23, 12, tzinfo=UTC)

CONFIG = Config(
    capture=CaptureConfig(interval=MINUTE, daily_start=time(4), duration=timedelta(hours=18)),
    stitch=StitchConfig(preset="ultrafast"),
)


def at(hour: int, minute: int = 0, second: int = 0, day: date = DAY) -> datetime:
    """Return a moment of the day of the tests, UTC; hours beyond 23 are those of the next day."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return midnight + timedelta(hours=hour, minutes=minute, seconds=second)


def configured(**stitch_settings: Any) -> Config:
    """Return the tests' configuration with other `stitch` settings."""
    return replace(CONFIG, stitch=replace(CONFIG.stitch, **stitch_settings))


def fill(
    root: Path,
    moments: Iterable[datetime],
    *,
    folder: str = FOLDER,
    day: date = DAY,
    size: tuple[int, int] = SIZE,
    sampling: Sampling = "4:2:0",
    first: int = 0,
) -> list[Frame]:
    """Put a frame for each moment; they carry the numbers from `first` on."""
    store = Store(root, "capture")
    store.open()
    return [
        store.put_frame(folder, day, moment, mosaic_jpeg(number, *size, sampling=sampling))
        for number, moment in enumerate(moments, first)
    ]


def minutes(start: datetime, count: int, step: timedelta = MINUTE) -> list[datetime]:
    return [start + number * step for number in range(count)]


def make(
    root: Path,
    when: datetime | Clock = AFTER,
    config: Config = CONFIG,
    status: Callable[[str], None] = lambda _: None,
    **request: Any,
) -> StitchReport:
    """Run the stitch at a moment."""
    clock = JumpingClock(when) if isinstance(when, datetime) else when
    store = Store(root, "stitch")
    return run.run(store, config, StitchRequest(**request), clock, zone=UTC, status=status)


def video(root: Path, name: str = f"{DAY}", folder: str = FOLDER) -> Path:
    return root / "videos" / folder / f"timelapse_{folder}_{name}.mp4"


def sidecar(root: Path, name: str = f"{DAY}", folder: str = FOLDER) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(video(root, name, folder).with_suffix(".json").read_bytes())
    return value


def segments(root: Path, name: str = f"{DAY}", folder: str = FOLDER) -> dict[str, int]:
    """Return the segments on disk, each with the time (ns) it was made."""
    home = root / "segments" / folder / name
    return {path.name: path.stat().st_mtime_ns for path in sorted(home.glob("*.mp4"))}


def numbers(
    path: Path, start: float | None = None, crop: tuple[int, int] | None = None
) -> list[int | None]:
    """Return the numbers of a film's pictures; from `start` seconds on, as a player seeks.

    With `crop`, of their middle of that width and height.
    """
    seek = [] if start is None else ["-ss", str(start)]
    cut = ["-vf", "crop={}:{}".format(*crop)] if crop else []
    raw = subprocess.run(
        ["ffmpeg", "-v", "error", *seek, "-i", str(path), "-map", "0:v", "-fps_mode", "passthrough",
         *cut, "-f", "yuv4mpegpipe", "-pix_fmt", "gray", "-strict", "-1", "-"],
        check=True,
        capture_output=True,
    ).stdout  # fmt: skip
    header, _, rest = raw.partition(b"\n")
    width, height = (int(word[1:]) for word in header.split()[1:3])
    pictures = (part for part in _cut(rest, len(b"FRAME\n") + width * height))
    return [read_number(picture[len(b"FRAME\n") :], width, height) for picture in pictures]


def first_pixels(path: Path, start: float) -> bytes:
    """Return the light (16 black to 235 white) of the first row of the picture at `start` s."""
    return subprocess.run(
        ["ffmpeg", "-v", "error", "-ss", str(start), "-i", str(path), "-map", "0:v",
         "-frames:v", "1", "-vf", "crop=iw:2:0:0", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-"],
        check=True,
        capture_output=True,
    ).stdout[: size_of(path)[0]]  # fmt: skip


def _cut(data: bytes, length: int) -> Iterator[bytes]:
    for begin in range(0, len(data), length):
        yield data[begin : begin + length]


def size_of(path: Path) -> tuple[int, int]:
    stream = ffprobe(path, "-select_streams", "v:0", "-show_streams")["streams"][0]
    return stream["width"], stream["height"]


def ffprobe(path: Path, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        ["ffprobe", "-v", "error", "-of", "json", *arguments, str(path)],
        check=True,
        capture_output=True,
    )
    value: dict[str, Any] = json.loads(done.stdout)
    return value
