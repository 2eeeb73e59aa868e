"""Whether a running stitch costs the daemon a tick, with one processor core for both.

    python benchmarks/stitch_beside_capture.py [--seconds 60] [--interval 2] [--size 1920x1080]

The daemon and the stitch share one core; the simulated NVR has another. The stitch works on
yesterday's frames in the same data folder. The exit code is 1 if a tick was missed.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

from stitch_pictures import draw

from reolink_timelapsed.frame import frame_name
from reolink_timelapsed.schedule import local_day, tick_from
from reolink_timelapsed.simulator import SimulatedCamera, SimulatedNvr
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system.clock import Clock, local_zone

PASSWORD = "only-simulated"
CAMERAS = ("Front", "Yard")
CONFIG = """
nvr: {{host: "{url}", username: timelapse, timeout_seconds: 5}}
capture: {{interval_seconds: {interval}, daily_start: "00:00", duration_hours: 24}}
storage: {{data_dir: {root}, min_free_gb: 0}}
"""


ONE_CORE = ("taskset", "--cpu-list", str(min(os.sched_getaffinity(0))))
IDLE = ("chrt", "--idle", "0")


def yesterdays_frames(root: Path, size: tuple[int, int]) -> None:
    """Leave so much to film that the stitch does not end before the daemon is stopped."""
    pictures = draw(root / "pictures", *size, 48)
    clock = Clock()
    begin = clock.now().replace(hour=6, minute=0, second=0, microsecond=0) - timedelta(days=1)
    day = local_day(begin, local_zone())
    home = Store(root, "capture").frames_home("ch9_Yesterday", day)
    home.mkdir(parents=True)
    for number in range(4000):
        name = frame_name(begin + number * timedelta(seconds=10))
        (home / name).hardlink_to(pictures[number % len(pictures)])


def measured(root: Path, seconds: int, interval: int) -> tuple[int, Counter[str], bool]:
    """Return the ticks that passed, the frames of each camera, and whether the stitch ran on."""
    cameras = [SimulatedCamera(number, name, 1280, 720) for number, name in enumerate(CAMERAS)]
    with SimulatedNvr(cameras, username="timelapse", password=PASSWORD) as nvr:
        config = root / "config.yaml"
        config.write_text(CONFIG.format(url=nvr.url, interval=interval, root=root))
        environ = os.environ | {
            "NVR_PASSWORD": PASSWORD, "STATE_DIRECTORY": str(root / "state"),
            "RUNTIME_DIRECTORY": str(root / "run"),
        }  # fmt: skip
        command = [*ONE_CORE, sys.executable, "-m", "reolink_timelapsed", "--config", str(config)]
        stitch = subprocess.Popen([*IDLE, *command, "stitch"], env=environ)
        time.sleep(5)
        daemon = subprocess.Popen([*command, "capture"], env=environ)
        time.sleep(5 + 2 * interval)
        span = timedelta(seconds=interval)
        first = tick_from(Clock().now(), span)
        time.sleep(seconds)
        end = tick_from(Clock().now(), span) - span
        time.sleep(2)
        ran_on = stitch.poll() is None
        for process in (stitch, daemon):
            process.send_signal(signal.SIGTERM)
            process.wait()
    store = Store(root, "capture")
    frames = Counter(
        folder
        for folder in store.camera_folders()
        for day in store.frame_days(folder)
        for frame in store.frames(folder, day)
        if first <= frame.moment < end
    )
    del frames["ch9_Yesterday"]
    return int((end - first) / span), frames, ran_on


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--interval", type=int, default=2)
    parser.add_argument("--size", default="1920x1080")
    given = parser.parse_args()
    width, height = map(int, given.size.split("x"))
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        yesterdays_frames(root, (width, height))
        ticks, frames, ran_on = measured(root, given.seconds, given.interval)
    print(f"{ticks} ticks; frames: {dict(frames)}; the stitch ran all the time: {ran_on}")
    return 0 if ran_on and set(frames.values()) == {ticks} else 1


if __name__ == "__main__":
    sys.exit(main())
