"""How much the daemon adds to what the NVR itself takes, and how much memory it holds.

    .venv/bin/python benchmarks/capture.py

A round over 8 and over 36 cameras, by the real daemon over real HTTP, against the sum of the
simulated NVR's own latencies and the gap of 0.5 s that it needs between two pictures; and the
daemon's peak memory after 1,000 rounds. Takes about four minutes; the exit code is 1 if a target
is missed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from statistics import median
from threading import Event, Thread

from reolink_timelapsed.cli import main as cli
from reolink_timelapsed.cli import wiring
from reolink_timelapsed.cli.wiring import World
from reolink_timelapsed.config.settings import Config, NvrConfig, StorageConfig
from reolink_timelapsed.frame import parse_frame_name
from reolink_timelapsed.nvr.client import SNAPSHOT_GAP_SECONDS
from reolink_timelapsed.schedule import Once
from reolink_timelapsed.simulator import SimulatedCamera, SimulatedNvr, mosaic_jpeg
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system.clock import Clock, JumpingClock
from reolink_timelapsed.system.redact import Scrubber

LATENCY_SECONDS = 0.15
PICTURE_BYTES = 1_000_000
SIZE = (3840, 2160)
RATIO_TARGET = 1.05
MEMORY_TARGET_MB = 40.0
MEMORY_ROUNDS = 1000
MEMORY_CAMERAS = 8
USER, PASSWORD = "timelapse", "only-simulated"
SPARE_SECONDS = 5

_HERE = Path(__file__).resolve()
_STARTED_SECONDS = 30.0
_MEMORY_SECONDS = 900.0


@dataclass(frozen=True)
class Pace:
    """Seconds from the tick to the last frame in its place, of each round after the first."""

    cameras: int
    interval: int
    rounds: list[float]

    @property
    def floor(self) -> float:
        """What the NVR takes by itself."""
        return self.cameras * LATENCY_SECONDS + (self.cameras - 1) * SNAPSHOT_GAP_SECONDS

    @property
    def ratio(self) -> float:
        return median(self.rounds) / self.floor


def main() -> int:
    options = _options()
    if options.rounds_at:
        return _take_rounds(options.rounds_at, options.folder, options.rounds)
    paces = [_pace(cameras, options.rounds) for cameras in (8, 36)]
    _print_paces(paces)
    megabytes = _memory(MEMORY_ROUNDS)
    print(f"\npeak memory after {MEMORY_ROUNDS} rounds of {MEMORY_CAMERAS} cameras")
    print(f"  {megabytes:.1f} MB resident, at most {MEMORY_TARGET_MB:g} wanted")
    missed = megabytes > MEMORY_TARGET_MB or any(pace.ratio > RATIO_TARGET for pace in paces)
    return int(missed)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=3, help="to measure; default %(default)s")
    parser.add_argument("--rounds-at", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


@contextmanager
def _nvr(cameras: int, latency: float, gap: float) -> Iterator[SimulatedNvr]:
    """Run an NVR whose pictures cost it no time but `latency`."""
    picture = mosaic_jpeg(1, *SIZE, min_bytes=PICTURE_BYTES)
    inputs = [
        SimulatedCamera(number, f"Camera {number}", latency=latency, picture=lambda _shot: picture)
        for number in range(cameras)
    ]
    with SimulatedNvr(inputs, username=USER, password=PASSWORD, min_snap_gap=gap) as nvr:
        yield nvr


# Time


def _pace(cameras: int, rounds: int) -> Pace:
    floor = Pace(cameras, 0, []).floor
    interval = int(floor * RATIO_TARGET) + SPARE_SECONDS
    with (
        tempfile.TemporaryDirectory() as folder,
        _nvr(cameras, LATENCY_SECONDS, SNAPSHOT_GAP_SECONDS) as nvr,
        _daemon(nvr, Path(folder), interval) as daemon,
    ):
        _wait_for_frames(Path(folder), cameras * (rounds + 1), (rounds + 3) * interval, daemon)
        broken = nvr.broken_rules()
        assert not broken, broken
        return Pace(cameras, interval, _rounds(Path(folder), cameras, interval)[1 : rounds + 1])


@contextmanager
def _daemon(nvr: SimulatedNvr, folder: Path, interval: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run the real command beside us, with no daily start: at once."""
    config = folder / "config.yaml"
    config.write_text(
        f"nvr: {{host: '{nvr.url}', username: {USER}, password_file: {folder / 'password'}}}\n"
        f"capture: {{interval_seconds: {interval}, daily_start: '', duration_hours: 1}}\n"
        f"storage: {{data_dir: {folder / 'data'}, min_free_gb: 0.1}}\n"
    )
    (folder / "password").write_text(PASSWORD)
    command = [sys.executable, "-m", "reolink_timelapsed", "--config", str(config), "capture"]
    environ = {**os.environ, "PYTHONPATH": str(_HERE.parent.parent)}
    with (folder / "journal").open("wb") as journal:
        daemon = subprocess.Popen(command, env=environ, stderr=journal)
    try:
        yield daemon
    finally:
        daemon.terminate()
        daemon.wait(_STARTED_SECONDS)


def _wait_for_frames(
    folder: Path, wanted: int, seconds: float, daemon: subprocess.Popen[bytes]
) -> None:
    deadline = time.monotonic() + seconds + _STARTED_SECONDS
    while len(list(folder.glob("data/frames/*/*/*.jpg"))) < wanted:
        if time.monotonic() > deadline or daemon.poll() is not None:
            journal = (folder / "journal").read_text()
            raise SystemExit(f"{wanted} frames did not come in {seconds:.0f} s:\n{journal}")
        time.sleep(0.5)


def _rounds(folder: Path, cameras: int, interval: int) -> list[float]:
    """Return the length of each whole round: from its tick until its last frame was in place."""
    placed: dict[int, list[float]] = defaultdict(list)
    for path in folder.glob("data/frames/*/*/*.jpg"):
        taken = parse_frame_name(path.name)
        if taken:
            tick = int(taken.timestamp()) // interval * interval
            placed[tick].append(path.stat().st_mtime - tick)
    return [max(times) for _, times in sorted(placed.items()) if len(times) == cameras]


def _print_paces(paces: list[Pace]) -> None:
    print(f"a round, with {LATENCY_SECONDS:g} s of the NVR for a picture of 1 MB")
    print("  cameras  interval  NVR and gaps  median  longest  ratio  wanted")
    for pace in paces:
        print(
            f"  {pace.cameras:7}  {pace.interval:6} s  {pace.floor:10.2f} s  "
            f"{median(pace.rounds):5.2f} s  {max(pace.rounds):5.2f} s  "
            f"{pace.ratio:5.3f}  {RATIO_TARGET}"
        )


# Memory


def _memory(rounds: int) -> float:
    """Return the peak of the daemon's resident memory, in MB, on a clock that jumps."""
    with tempfile.TemporaryDirectory() as name, _nvr(MEMORY_CAMERAS, 0, 0) as nvr:
        folder = Path(name)
        command = [sys.executable, str(_HERE), "--rounds-at", nvr.url, "--rounds", str(rounds)]
        environ = {**os.environ, "PYTHONPATH": str(_HERE.parent.parent)}
        with _pruned(folder):
            subprocess.run(
                [*command, "--folder", name], env=environ, timeout=_MEMORY_SECONDS, check=True
            )
        return float((folder / "peak").read_text())


@contextmanager
def _pruned(folder: Path) -> Iterator[None]:
    """Remove frames soon: 1,000 rounds are many gigabytes."""
    over = Event()

    def prune() -> None:
        while not over.wait(0.5):
            for path in sorted(folder.glob("frames/*/*/*.jpg"))[:-1]:
                path.unlink()

    pruner = Thread(target=prune)
    pruner.start()
    try:
        yield
    finally:
        over.set()
        pruner.join()


def _take_rounds(url: str, folder: Path, rounds: int) -> int:
    """Be the daemon, with all that the command loads, for so many rounds; write down the peak."""
    assert cli.__name__ in sys.modules  # what the command imports counts, too
    interval = Config().capture.interval
    clock = JumpingClock(Clock().now())
    world = World(clock, Scrubber(), {}, UTC)
    config = Config(
        nvr=NvrConfig(host=url, username=USER),
        storage=StorageConfig(data_dir=folder, min_free_gb=0.1),
    )
    store = Store(folder, "capture")
    store.open()
    session = wiring.session(config.nvr, PASSWORD, world, folder, keep_token=True)
    window = Once.starting(clock.now(), rounds * interval, world.zone)
    told = 0

    def tell(_: object) -> None:
        nonlocal told
        told += 1

    wiring.capture(config, window, store, session, world, state=folder, tell=tell).run()
    if told < rounds:
        raise SystemExit(f"only {told} of {rounds} rounds were taken")
    (folder / "peak").write_text(str(_peak_megabytes()))
    return 0


def _peak_megabytes() -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise SystemExit("this kernel does not tell the peak of the memory")


if __name__ == "__main__":
    sys.exit(main())
