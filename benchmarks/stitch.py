"""The stitch against the predecessor's command, and against what the machine can do at all.

    python benchmarks/stitch.py [--frames 240] [--size 3840x2160] [--only NAME,…]

Prints wall time, processor time and peak memory of ffmpeg for one hour of frames:

    predecessor  concat list with durations, both outputs `-preset slow -crf 18`
    stitch       ours, whole: pictures checked, encoded, decoded again to prove it, joined
    encode       the encoder run of it alone, and the same without the 720p
    limits       the JPEGs decoded to nothing; raw pictures through x264 at our settings
    hourly       what is left to do when a day of 18 hours ends, if the hours were made before
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from stitch_pictures import START, draw, store_day

from reolink_timelapsed import child, encode, plan, rungs, stitch
from reolink_timelapsed.clock import Clock, JumpingClock, local_zone
from reolink_timelapsed.config import Config
from reolink_timelapsed.encode import Job, Quality, Target
from reolink_timelapsed.orders import StitchRequest
from reolink_timelapsed.plan import Size
from reolink_timelapsed.rungs import RUNGS
from reolink_timelapsed.store import Store

FOLDER = "ch0_Camera"
HOURS = 18
CASES = ("predecessor", "stitch", "encode", "full", "decode", "x264", "day", "last-hour")


@dataclass(frozen=True)
class Bench:
    """What every case works with."""

    work: Path
    size: Size
    frames: int
    preset: str

    def pictures(self) -> list[Path]:
        return draw(self.work / "pictures", *self.size, self.frames)

    def config(self) -> Config:
        return replace(Config(), stitch=replace(Config().stitch, preset=self.preset))


def predecessor(bench: Bench) -> None:
    lines = [f"file '{path}'\nduration {1 / 24}" for path in bench.pictures()]
    (bench.work / "list.txt").write_text("\n".join(lines) + "\n")
    x264 = ["-c:v", "libx264", "-preset", "slow", "-crf", "18", "-pix_fmt", "yuv420p"]
    command = ["ffmpeg", "-v", "error", "-y", "-f", "concat", "-safe", "0"]
    command += ["-i", str(bench.work / "list.txt"), "-r", "24", *x264]
    command += [str(bench.work / "old.mp4"), "-r", "24", "-vf", "scale=-2:720", *x264]
    subprocess.run([*command, str(bench.work / "old_720p.mp4")], check=True)


def whole_stitch(bench: Bench) -> None:
    root = bench.work / "stitch"
    store_day(root, FOLDER, bench.pictures(), 1, bench.frames)
    report = _stitch(root, bench, 30)
    report.videos[0].path.replace(bench.work / "new.mp4")


def _stitch(root: Path, bench: Bench, hours_after_start: float) -> stitch.StitchReport:
    clock = JumpingClock(START + timedelta(hours=hours_after_start))
    report = stitch.run(
        Store(root, "stitch"), bench.config(), StitchRequest(), clock, zone=local_zone()
    )
    assert report.failures == []
    return report


def encoder_run(bench: Bench, *, small: bool) -> None:
    sizes = [bench.size, plan.scaled_size(bench.size, 720)][: 2 if small else 1]
    targets = tuple(Target(bench.work / f"encode{n}.mp4", size) for n, size in enumerate(sizes))
    job = Job(bench.size, targets, Quality(24, bench.preset, 21), RUNGS[0], rungs.cores())
    pictures = (path.read_bytes() for path in bench.pictures())
    child.encode(encode.encode_command(job), pictures, [targets[0].path], Clock(), lambda: None)


def decode(bench: Bench) -> None:
    command = ["ffmpeg", "-v", "error", "-framerate", "24", "-pattern_type", "glob"]
    command += ["-i", str(bench.pictures()[0].parent / "*.jpg"), "-f", "null", "-"]
    subprocess.run(command, check=True)


def x264(bench: Bench) -> None:
    options = ":".join(f"{k}={v}" for k, v in RUNGS[0].x264(rungs.cores()).items())
    command = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p"]
    command += ["-s", "{}x{}".format(*bench.size), "-r", "24", "-i", str(bench.work / "raw.yuv")]
    command += ["-c:v", "libx264", "-preset", bench.preset, "-crf", "21", "-g", "120"]
    subprocess.run([*command, "-x264-params", options, str(bench.work / "x264.mp4")], check=True)


def raw_pictures(bench: Bench) -> None:
    """Make the raw pictures for `x264`, which is not measured."""
    command = ["ffmpeg", "-v", "error", "-y", "-framerate", "24", "-pattern_type", "glob"]
    command += ["-i", str(bench.pictures()[0].parent / "*.jpg"), "-vf", _AS_VIDEO]
    subprocess.run([*command, "-f", "rawvideo", str(bench.work / "raw.yuv")], check=True)


def whole_day(bench: Bench) -> None:
    """Make a day of 18 hours in one go."""
    root = bench.work / "day"
    store_day(root, FOLDER, bench.pictures(), HOURS, bench.frames)
    _stitch(root, bench, 30)


def day_but_the_last_hour(bench: Bench) -> None:
    """Make what the hourly runs make; it is not measured."""
    root = bench.work / "hourly"
    store_day(root, FOLDER, bench.pictures(), HOURS, bench.frames)
    _stitch(root, bench, HOURS - 1 + 0.1)


def last_hour(bench: Bench) -> None:
    """Make what is left when the window has ended."""
    _stitch(bench.work / "hourly", bench, HOURS + 0.1)


RUN: dict[str, Callable[[Bench], None]] = {
    "predecessor": predecessor,
    "stitch": whole_stitch,
    "encode": lambda bench: encoder_run(bench, small=True),
    "full": lambda bench: encoder_run(bench, small=False),
    "decode": decode,
    "x264": x264,
    "day": whole_day,
    "last-hour": last_hour,
}
PREPARE = {"x264": raw_pictures, "last-hour": day_but_the_last_hour}

_AS_VIDEO = (
    "scale=in_range=full:out_range=full,format=yuv420p,colorspace=ispace=smpte170m:irange=pc"
    ":iprimaries=bt709:itrc=bt709:space=bt709:range=tv:primaries=bt709:trc=bt709"
    ":format=yuv420p:fast=1"
)
_AS_OLD_VIDEO = "scale=out_range=tv,format=yuv420p"


def ssim(bench: Bench, video: str, conversion: str) -> float:
    """Return how like the pictures a film is, all planes, each in the film's own colours."""
    pictures = str(bench.pictures()[0].parent / "*.jpg")
    graph = f"[0]settb=AVTB,setpts=N[a];[1]{conversion},settb=AVTB,setpts=N[b];[a][b]ssim"
    command = ["ffmpeg", "-hide_banner", "-i", str(bench.work / video), "-framerate", "24"]
    command += ["-pattern_type", "glob", "-i", pictures, "-lavfi", graph, "-f", "null", "-"]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stderr
    found = re.search(r"All:([\d.]+)", said)
    assert found
    return float(found[1])


def measured(bench: Bench, case: str) -> dict[str, float]:
    """Run a case in a process of its own; return seconds, processor seconds and peak MB."""
    if case in PREPARE:
        PREPARE[case](bench)
    command = [sys.executable, __file__, "--work", str(bench.work), "--case", case]
    command += ["--size", "{}x{}".format(*bench.size), "--frames", str(bench.frames)]
    done = subprocess.run(
        [*command, "--preset", bench.preset], check=True, stdout=subprocess.PIPE, text=True
    )
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    print(
        f"| {case} | {figures['wall']:.1f} | {figures['cpu']:.1f} | {figures['peak']:.0f} |",
        flush=True,
    )
    return figures


def run_case(bench: Bench, case: str) -> None:
    began = time.monotonic()
    RUN[case](bench)
    wall = time.monotonic() - began
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(one.ru_utime + one.ru_stime for one in used)
    print(json.dumps({"wall": wall, "cpu": cpu, "peak": used[1].ru_maxrss * 1024 / rungs.MEGA}))


def tell(bench: Bench, found: dict[str, dict[str, float]]) -> None:
    """Print what the figures come to."""
    if {"predecessor", "stitch"} <= found.keys():
        ratio = found["predecessor"]["wall"] / found["stitch"]["wall"]
        old, new = ssim(bench, "old.mp4", _AS_OLD_VIDEO), ssim(bench, "new.mp4", _AS_VIDEO)
        print(f"{ratio:.1f} times as fast as the predecessor; SSIM {new:.4f} against {old:.4f}")
    if {"encode", "full"} <= found.keys():
        print(f"the 720p costs {found['encode']['wall'] / found['full']['wall'] - 1:+.1%}")
    if {"encode", "stitch", "decode", "x264"} <= found.keys():
        limit = max(found["decode"]["wall"], found["x264"]["wall"])
        print(
            f"the encode takes {found['encode']['wall'] / limit:.2f} of the larger of decode and "
            f"x264, with checks, proof and join {found['stitch']['wall'] / limit:.2f}"
        )
    if {"day", "last-hour"} <= found.keys():
        ratio = found["day"]["wall"] / found["last-hour"]["wall"]
        print(f"when the day ends, 1/{ratio:.1f} of its encode is left")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=240)
    parser.add_argument("--size", default="3840x2160")
    parser.add_argument("--preset", default="veryfast")
    parser.add_argument("--only", default=",".join(CASES))
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--case", help=argparse.SUPPRESS)
    given = parser.parse_args()
    width, height = map(int, given.size.split("x"))
    with tempfile.TemporaryDirectory(prefix="stitch-") as name:
        work = given.work or Path(name)
        bench = Bench(work, (width, height), given.frames, given.preset)
        if given.case:
            run_case(bench, given.case)
            return
        bench.pictures()
        print(f"ffmpeg {encode.version()}, {rungs.cores()} cores, {given.frames} frames of "
              f"{given.size}, preset {given.preset}")  # fmt: skip
        print("| case | wall s | cpu s | peak MB |\n|---|---|---|---|")
        tell(bench, {case: measured(bench, case) for case in given.only.split(",")})


if __name__ == "__main__":
    main()
