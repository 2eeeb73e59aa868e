"""Pictures for the benchmarks of the stitch: a textured scene, something that moves, noise.

A 4K picture comes to about 0.9 MB, as those of cameras do; what is in it decides how hard the
encoder works, so figures compare only with figures of the same pictures.
"""

from __future__ import annotations

import subprocess
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from reolink_timelapsed.storage.store import Store

DAY = date(2026, 11, 22)
START = datetime(2026, 11, 22, 4, tzinfo=UTC)
INTERVAL = timedelta(seconds=15)

_TEXTURE = (
    "geq=lum='128+40*sin(X/37)*cos(Y/23)+30*random(1)'"
    ":cb='118+20*sin(X/400)':cr='130+20*cos(Y/300)',gblur=0.7"
)


def draw(folder: Path, width: int, height: int, count: int, noise: int = 7) -> list[Path]:
    """Make `count` JPEGs in `folder`, unless they are there from before; return them in order.

    `noise` is its strength, from 0; it is what most of the bytes of a film are spent on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    made = sorted(folder.glob("*.jpg"))
    if len(made) != count:
        size = f"{width}x{height}"
        moving = f"testsrc2=s={width // 8}x{height // 8}:r=24"
        still = f"[0]{_TEXTURE},loop=-1:1[still]"
        scene = "[still][1]overlay=x='t*300':y=H/4"
        graph = f"{still};{scene},noise=alls={noise}:allf=t"
        command = [
            "ffmpeg",
            "-v",
            "error",
            "-y",
            "-f",
            "lavfi",
            "-i",
            f"nullsrc=s={size}:r=24:d=0.04",
        ]
        command += ["-f", "lavfi", "-i", moving, "-filter_complex", graph, "-frames:v", str(count)]
        command += ["-pix_fmt", "yuvj420p", "-q:v", "5", str(folder / "%05d.jpg")]
        subprocess.run(command, check=True)
        made = sorted(folder.glob("*.jpg"))
    return made


def store_day(root: Path, folder: str, pictures: list[Path], hours: int, per_hour: int) -> None:
    """Put a day of frames into a data folder, the pictures over and over, as hard links."""
    home = Store(root, "capture").frames_home(folder, DAY)
    home.mkdir(parents=True, exist_ok=True)
    for number in range(hours * per_hour):
        moment = START + number * timedelta(hours=1) / per_hour
        name = f"{moment:%Y%m%dT%H%M%S}.{moment.microsecond // 1000:03d}Z.jpg"
        (home / name).hardlink_to(pictures[number % len(pictures)])
