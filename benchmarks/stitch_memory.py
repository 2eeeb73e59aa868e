"""The memory that each rung of the encode takes, measured, beside what the table says of it.

    python benchmarks/stitch_memory.py [--work FOLDER] [--preset veryfast] [--threads 2,4]

Every case runs in a process of its own, so that the peak is that of one ffmpeg alone. The table
in `reolink_timelapsed/media/rungs.py` has to lie above every figure, on each release of ffmpeg.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from stitch_pictures import draw

from reolink_timelapsed import frame
from reolink_timelapsed.frame import Size
from reolink_timelapsed.media import child, graph, rungs
from reolink_timelapsed.media.graph import Job, Quality, Target
from reolink_timelapsed.media.rungs import RUNGS
from reolink_timelapsed.system import memory
from reolink_timelapsed.system.clock import Clock

SIZES = ((1920, 1080), (3840, 2160), (7680, 2160))
_FRAMES = {1920: 64, 3840: 48, 7680: 32}


def measure(work: Path, size: Size, rung: int, preset: str, *, cores: int) -> None:
    """Encode and print seconds and peak memory (MB) of ffmpeg."""
    width, height = size
    pictures = draw(work / f"{width}x{height}", width, height, _FRAMES[width])
    small = frame.scaled_size(size, 720)
    targets = (Target(work / "full.mp4", size), Target(work / "720p.mp4", small))
    job = Job(size, targets, Quality(24, preset, 21), RUNGS[rung], cores)
    began = time.monotonic()
    run = child.Run(
        graph.encode_command(job),
        (path.read_bytes() for path in pictures),
        [target.path for target in targets],
    )
    child.encode([run], Clock(), lambda: None, in_flight=RUNGS[rung].in_flight)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / rungs.MEGA
    print(f"{time.monotonic() - began:.1f} {peak:.0f}")


def table(work: Path, preset: str, all_threads: list[int]) -> None:
    """Print all cases."""
    print(f"ffmpeg {graph.version()}, preset {preset}")
    print("| size | rung | cores | seconds | peak MB | table MB |")
    print("|---|---|---|---|---|---|")
    for width, height in SIZES:
        draw(work / f"{width}x{height}", width, height, _FRAMES[width])
        for number, rung in enumerate(RUNGS):
            for cores in all_threads:
                case = [str(value) for value in (width, height, number, cores)]
                done = subprocess.run(
                    [sys.executable, __file__, "--work", str(work), "--preset", preset,
                     "--case", ",".join(case)],
                    check=True, capture_output=True, text=True,
                )  # fmt: skip
                seconds, peak = done.stdout.split()
                limit = rung.peak_mb(width * height / rungs.MEGA, preset, cores)
                print(
                    f"| {width}x{height} | {rung.name} | {cores} | {seconds} | {peak} "
                    f"| {limit:.0f}{' EXCEEDED' if float(peak) > limit else ''} |",
                    flush=True,
                )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, default=Path(tempfile.gettempdir()) / "stitch-memory")
    parser.add_argument("--preset", default="veryfast")
    parser.add_argument("--threads", default=str(memory.cores()))
    parser.add_argument("--case", help=argparse.SUPPRESS)
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    if given.case:
        width, height, rung, cores = map(int, given.case.split(","))
        measure(given.work, (width, height), rung, given.preset, cores=cores)
    else:
        table(given.work, given.preset, [int(count) for count in given.threads.split(",")])


if __name__ == "__main__":
    main()
