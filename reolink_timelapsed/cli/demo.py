"""The main job, shown on a simulated NVR: a day of frames, then the videos of it.

All but the NVR and the clock is what runs in earnest: the session, the capture loop, the files,
ffmpeg. The clock jumps from tick to tick, so that 18 hours pass in seconds.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import date, time, timedelta, tzinfo
from pathlib import Path
from typing import TextIO

from reolink_timelapsed.cli import wiring
from reolink_timelapsed.cli.wiring import World
from reolink_timelapsed.config.settings import CaptureConfig, Config, NvrConfig, StorageConfig
from reolink_timelapsed.errors import ExitCode, Stopped, UsageError
from reolink_timelapsed.humanize import megabytes, pixels, several
from reolink_timelapsed.schedule import Daily, Once, local_day
from reolink_timelapsed.simulator import SimulatedCamera, SimulatedNvr
from reolink_timelapsed.simulator.pictures.scene import ScenePictures
from reolink_timelapsed.stitch import run as stitch
from reolink_timelapsed.stitch.publish import StitchedVideo
from reolink_timelapsed.stitch.request import StitchRequest
from reolink_timelapsed.storage.daemon_state import State
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system.clock import Clock, JumpingClock
from reolink_timelapsed.system.redact import Scrubber
from reolink_timelapsed.system.terminal import StatusLine, drawable

INTERVAL = timedelta(seconds=90)
START, DURATION = time(4), timedelta(hours=18)
_CAMERAS = ("Lake", "Our Street")
_SIZE = (1920, 1080)
_USER, _PASSWORD = "timelapse", "only-simulated"
_MARKER = ".demonstration"
_TELL_HOURS = 3


def run(folder: Path, zone: tzinfo, out: TextIO = sys.stdout) -> ExitCode:
    """Make yesterday's videos of two simulated cameras below `folder`; return the exit code.

    Raises:
        UsageError: if `folder` holds something else than an earlier demonstration.
        TimelapseError: whatever capturing and stitching raise.
    """
    _clear(folder)
    day = local_day(Clock().now(), zone) - timedelta(days=1)
    config = _config(folder)
    cameras = several(len(_CAMERAS), "camera")
    out.write(f"A simulated NVR with {cameras}; {day} from 04:00 to 22:00.\n")
    began = Clock().monotonic()
    _capture_day(config, day, zone, out)
    clock = Clock()
    clock.stop_on_signals()
    captured = clock.monotonic()
    store = Store(config.storage.data_dir, "stitch")
    request, terminal = StitchRequest(day=day), drawable(sys.stderr)
    report = stitch.run(store, config, request, clock, zone=zone, terminal=terminal)
    _table(report.videos, out)
    times = (
        f"captured in {captured - began:.0f} s, stitched in {clock.monotonic() - captured:.0f} s"
    )
    out.write(f"All frames and videos are in {folder.resolve()}; {times}.\n")
    return report.exit_code


def _clear(folder: Path) -> None:
    """Make way for a new demonstration, over nothing but an old one."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / _MARKER).exists():
            raise UsageError(f"{folder} is not empty: name another folder with --output")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MARKER).touch()


def _config(folder: Path) -> Config:
    return Config(
        nvr=NvrConfig(username=_USER),
        capture=CaptureConfig(interval=INTERVAL, daily_start=START, duration=DURATION),
        storage=StorageConfig(data_dir=folder.resolve(), min_free_gb=0.5),
    )


def _capture_day(config: Config, day: date, zone: tzinfo, out: TextIO) -> None:
    window = Daily(START, DURATION, zone).window(day)
    clock = JumpingClock(window.start - timedelta(minutes=2))
    clock.stop_on_signals()
    world = World(clock, Scrubber(), {}, zone)
    store = Store(config.storage.data_dir, "capture")
    store.open()
    line = StatusLine(drawable(out))
    with ExitStack() as open_things:
        open_things.callback(line.clear)
        cameras = [_camera(number, open_things, zone) for number in range(len(_CAMERAS))]
        nvr = open_things.enter_context(
            SimulatedNvr(cameras, username=_USER, password=_PASSWORD, clock=clock)
        )
        config = Config(
            nvr=NvrConfig(host=nvr.url, username=_USER),
            capture=config.capture,
            storage=config.storage,
        )
        state = world.state_folder(config)
        session = wiring.session(config.nvr, _PASSWORD, world, state)
        daemon = wiring.capture(
            config,
            Once(window),
            store,
            session,
            world,
            state=state,
            tell=_progress(clock, zone, out, line),
        )
        daemon.run()
    if clock.stopping:
        raise Stopped("the demonstration was interrupted")


def _camera(number: int, open_things: ExitStack, zone: tzinfo) -> SimulatedCamera:
    step = INTERVAL.total_seconds()
    pictures = open_things.enter_context(ScenePictures(number, step=step, zone=zone))
    width, height = _SIZE
    name = _CAMERAS[number]
    return SimulatedCamera(number, name, width=width, height=height, picture=pictures)


def _progress(clock: Clock, zone: tzinfo, out: TextIO, line: StatusLine) -> Callable[[State], None]:
    """Return what shows the simulated time: in `line` on a terminal, every three hours else."""
    shown = -1
    in_place = drawable(out) is not None

    def tell(state: State) -> None:
        nonlocal shown
        local = clock.now().astimezone(zone)
        line.show(f"{local:%H:%M} {state.text.partition(';')[0]}")
        if not in_place and local.hour // _TELL_HOURS != shown:
            shown = local.hour // _TELL_HOURS
            out.write(f"{local:%H:%M} {state.text}\n")

    return tell


def _table(videos: Sequence[StitchedVideo], out: TextIO) -> None:
    """Say what each video holds and, in the same order, where it is: paths are long."""
    head = ("camera", "frames", "video frames", "length", "picture", "size")
    rows = [head, *(_row(video) for video in videos)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    out.write("\n")
    for row in rows:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        out.write("  ".join(cells).rstrip() + "\n")
    out.write("\n")
    out.writelines(f"{_from_here(video.path)}\n" for video in videos)
    out.write("\n")


def _from_here(path: Path) -> Path:
    """Return a path as one would type it: relative where it lies below the working folder."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _row(video: StitchedVideo) -> tuple[str, ...]:
    return (
        video.folder,
        str(video.captured),
        str(video.frames),
        f"{video.seconds:.1f} s",
        pixels(video.size),
        megabytes(video.bytes, ".1f"),
    )
