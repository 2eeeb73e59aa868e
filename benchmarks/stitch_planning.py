"""How long the stitch thinks before it starts its first encode: after a day, and after a year.

    python benchmarks/stitch_planning.py [--cameras 8] [--days 365] [--frames 4320]

The folders of the finished days are symbolic links to one that is full of frames, so that the
year takes no room; to list one of them costs what it costs for real.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from stitch_pictures import DAY, START, draw, store_day

from reolink_timelapsed.config.settings import Config
from reolink_timelapsed.errors import Stopped
from reolink_timelapsed.frame import RENDITIONS, Video
from reolink_timelapsed.stitch import run
from reolink_timelapsed.stitch.request import StitchRequest
from reolink_timelapsed.storage import sidecar
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system.clock import JumpingClock, local_zone


def build(root: Path, cameras: int, days: int, frames: int) -> None:
    """Lay out finished days, and a last one that is to be filmed."""
    pictures = draw(root / "pictures", 640, 360, 4)
    store_day(root, "full", pictures, 18, frames // 18)
    full = root / "frames" / "full" / str(DAY)
    for camera in range(cameras):
        folder = f"ch{camera}_Camera"
        store_day(root, folder, pictures, 18, frames // 18)
        home = root / "videos" / folder
        home.mkdir(parents=True)
        for number in range(1, days):
            day = DAY - timedelta(days=number)
            (root / "frames" / folder / str(day)).symlink_to(full)
            videos = {}
            for rendition in RENDITIONS:
                name = Video(folder, day, rendition.name).name
                (home / name).write_bytes(b"video")
                videos[rendition.name] = {"file": name, "bytes": 5}
            told = {"format": sidecar.FORMAT, "frames": {"captured": frames}, "videos": videos}
            (home / Video(folder, day).name).with_suffix(".json").write_text(json.dumps(told))


def first_encode(root: Path) -> float:
    """Return the seconds until the first encode begins, and stop there."""
    clock = JumpingClock(START + timedelta(hours=30))
    began = time.monotonic()
    started: list[float] = []

    def status(text: str) -> None:
        if "frames" in text and not started:
            started.append(time.monotonic() - began)
            raise Stopped("far enough")

    store = Store(root, "stitch")
    run.run(store, Config(), StitchRequest(), clock, zone=local_zone(), status=status)
    return started[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cameras", type=int, default=8)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--frames", type=int, default=4320)
    given = parser.parse_args()
    for days in (1, given.days):
        with tempfile.TemporaryDirectory() as name:
            build(Path(name), given.cameras, days, given.frames)
            seconds = first_encode(Path(name))
            print(f"{given.cameras} cameras, {days} days of {given.frames} frames: {seconds:.2f} s")


if __name__ == "__main__":
    main()
