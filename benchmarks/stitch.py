"""The stitch against the predecessor's command, and against what the machine can do at all.

    python benchmarks/stitch.py [--frames 240] [--size 3840x2160] [--noise 7] [--only NAME,…]

Prints wall time, processor time and peak memory of ffmpeg for one hour of frames:

    predecessor  concat list with durations, both outputs `-preset slow -crf 18`
    stitch       ours, whole: pictures checked, encoded, decoded again to prove it, joined
    encode       the encoder run of it alone, and the same without the 720p
    limits       the JPEGs decoded to nothing; raw pictures of both sizes through x264 at our
                 settings, without decoding, converting or scaling any; those of the full one alone
    parallel     two hours at `ultrafast`, one after the other and side by side
    hourly       what is left to do when a day of 18 hours ends, if the hours were made before
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from stitch_pictures import START, draw, store_day

from reolink_timelapsed import frame
from reolink_timelapsed.config.settings import Config
from reolink_timelapsed.frame import Size
from reolink_timelapsed.media import child, rungs
from reolink_timelapsed.media import graph as encode
from reolink_timelapsed.media.graph import Job, Quality, Target
from reolink_timelapsed.media.rungs import RUNGS
from reolink_timelapsed.stitch import run as stitch
from reolink_timelapsed.stitch.outcome import StitchReport
from reolink_timelapsed.stitch.request import StitchRequest
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system import memory
from reolink_timelapsed.system.clock import Clock, JumpingClock, local_zone

FOLDER = "ch0_Camera"
HOURS = 18
CONFIG = Config()
LOOK = Quality(CONFIG.stitch.fps, CONFIG.stitch.preset, CONFIG.stitch.crf)
LIMITS = ("decode", "x264", "x264-full")
HOURLY = ("day", "last-hour")
PARALLEL = ("one-by-one", "side-by-side")
CASES = ("predecessor", "stitch", "encode", "full", *LIMITS, *PARALLEL, *HOURLY)


class Figures(NamedTuple):
    """Wall time and processor time in seconds, and ffmpeg's peak memory in MB."""

    wall: float
    cpu: float
    peak: float


@dataclass(frozen=True)
class Bench:
    """What every case works with."""

    work: Path
    size: Size
    frames: int
    noise: int

    def pictures(self) -> list[Path]:
        return draw(self.work / "pictures", *self.size, self.frames, self.noise)

    def job(self, *, small: bool = True, name: str = "encode", look: Quality = LOOK) -> Job:
        """Return the encode of one hour, with the 720p if `small`."""
        sizes = [self.size, frame.scaled_size(self.size, 720)][: 2 if small else 1]
        targets = tuple(Target(self.work / f"{name}{n}.mp4", size) for n, size in enumerate(sizes))
        return Job(self.size, targets, look, RUNGS[0], memory.cores())

    def run(self, job: Job) -> child.Run:
        pictures = (path.read_bytes() for path in self.pictures())
        return child.Run(encode.encode_command(job), pictures, [job.targets[0].path])


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
    report = _stitch(root, 30)
    report.videos[0].path.replace(bench.work / "new.mp4")


def _stitch(root: Path, hours_after_start: float) -> StitchReport:
    clock = JumpingClock(START + timedelta(hours=hours_after_start))
    report = stitch.run(Store(root, "stitch"), CONFIG, StitchRequest(), clock, zone=local_zone())
    assert report.failures == []
    return report


def encoder_run(bench: Bench, *, small: bool) -> None:
    child.encode([bench.run(bench.job(small=small))], Clock(), lambda: None)


def two_hours(bench: Bench, *, at_once: bool) -> None:
    """Encode two hours at a preset so fast that decoding may be the limit."""
    look = Quality(LOOK.fps, "ultrafast", LOOK.crf)
    runs = [bench.run(bench.job(name=name, look=look)) for name in ("first", "second")]
    for some in [runs] if at_once else [[run] for run in runs]:
        child.encode(some, Clock(), lambda: None)


def decode(bench: Bench) -> None:
    command = ["ffmpeg", "-v", "error", "-framerate", "24", "-pattern_type", "glob"]
    command += ["-i", str(bench.pictures()[0].parent / "*.jpg"), "-f", "null", "-"]
    subprocess.run(command, check=True)


def x264(bench: Bench, *, small: bool) -> None:
    """Encode raw pictures, each rendition in a process of its own: two inputs slow one down."""
    encoders = []
    for number, target in enumerate(bench.job(small=small).targets):
        command = ["ffmpeg", "-v", "error", "-y", "-f", "rawvideo", "-pix_fmt", "yuv420p"]
        command += ["-s", "{}x{}".format(*target.size), "-r", str(LOOK.fps)]
        command += ["-i", str(target.path.with_suffix(".yuv")), "-c:v", "libx264", "-g", "120"]
        params = encode.x264_params(bench.job(), small=number > 0)
        command += ["-preset", LOOK.preset, "-crf", str(LOOK.crf), "-x264-params", params]
        encoders.append(subprocess.Popen([*command, str(target.path)]))
    assert [encoder.wait() for encoder in encoders] == [0] * len(encoders)


def raw_pictures(bench: Bench) -> None:
    """Make the raw pictures for `x264`, which is not measured."""
    for target in bench.job().targets:
        size = "scale={}:{}:flags=area".format(*target.size)
        command = ["ffmpeg", "-v", "error", "-y", "-framerate", "24", "-pattern_type", "glob"]
        command += ["-i", str(bench.pictures()[0].parent / "*.jpg"), "-vf", f"{_AS_VIDEO},{size}"]
        raw = target.path.with_suffix(".yuv")
        subprocess.run([*command, "-f", "rawvideo", str(raw)], check=True)


def whole_day(bench: Bench) -> None:
    """Make a day of 18 hours in one go."""
    root = bench.work / "day"
    store_day(root, FOLDER, bench.pictures(), HOURS, bench.frames)
    _stitch(root, 30)


def day_but_the_last_hour(bench: Bench) -> None:
    """Make what the hourly runs make; it is not measured."""
    root = bench.work / "hourly"
    store_day(root, FOLDER, bench.pictures(), HOURS, bench.frames)
    _stitch(root, HOURS - 1 + 0.1)


def last_hour(bench: Bench) -> None:
    """Make what is left when the window has ended."""
    _stitch(bench.work / "hourly", HOURS + 0.1)


RUN: dict[str, Callable[[Bench], None]] = {
    "predecessor": predecessor,
    "stitch": whole_stitch,
    "encode": lambda bench: encoder_run(bench, small=True),
    "full": lambda bench: encoder_run(bench, small=False),
    "decode": decode,
    "one-by-one": lambda bench: two_hours(bench, at_once=False),
    "side-by-side": lambda bench: two_hours(bench, at_once=True),
    "x264": lambda bench: x264(bench, small=True),
    "x264-full": lambda bench: x264(bench, small=False),
    "day": whole_day,
    "last-hour": last_hour,
}
PREPARE = {"x264": raw_pictures, "x264-full": raw_pictures, "last-hour": day_but_the_last_hour}

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


def measured(bench: Bench, cases: Sequence[str], repeat: int) -> dict[str, Figures]:
    """Run the cases in turns, `repeat` times; return the best of each.

    In turns, because what else the machine does comes and goes.
    """
    runs = [(case, measured_once(bench, case)) for _ in range(repeat) for case in cases]
    best: dict[str, Figures] = {}
    for case, figures in runs:
        best[case] = min(figures, best.get(case, figures))
    for case, one in best.items():
        print(f"| {case} | {one.wall:.1f} | {one.cpu:.1f} | {one.peak:.0f} |")
    return best


def measured_once(bench: Bench, case: str) -> Figures:
    """Run a case in processes of its own."""
    if case in PREPARE:
        PREPARE[case](bench)
    os.sync()  # or the disk is still at what came before
    command = [sys.executable, __file__, "--work", str(bench.work), "--case", case]
    command += ["--size", "{}x{}".format(*bench.size), "--frames", str(bench.frames)]
    command += ["--noise", str(bench.noise)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    for folder in ("stitch", "day", "hourly"):
        shutil.rmtree(bench.work / folder, ignore_errors=True)
    return Figures(*json.loads(done.stdout.splitlines()[-1]))


def run_case(bench: Bench, case: str) -> None:
    began = time.monotonic()
    RUN[case](bench)
    wall = time.monotonic() - began
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(one.ru_utime + one.ru_stime for one in used)
    print(json.dumps([wall, cpu, used[1].ru_maxrss * 1024 / rungs.MEGA]))


def tell(bench: Bench, found: dict[str, Figures]) -> None:
    """Print what the figures come to."""

    def ratio(one: str, *others: str) -> str:
        wall = found[one].wall / max(found[other].wall for other in others)
        cpu = found[one].cpu / max(found[other].cpu for other in others)
        return f"{wall:.2f} (processor time {cpu:.2f})"

    if {"predecessor", "stitch"} <= found.keys():
        old, new = ssim(bench, "old.mp4", _AS_OLD_VIDEO), ssim(bench, "new.mp4", _AS_VIDEO)
        print(
            f"predecessor / stitch: {ratio('predecessor', 'stitch')}; SSIM {old:.4f} and {new:.4f}"
        )
    if {"encode", "full"} <= found.keys():
        print(f"with the 720p / without: {ratio('encode', 'full')}")
    if {"encode", "decode", "x264"} <= found.keys():
        print(f"encode / larger of decode and x264: {ratio('encode', 'decode', 'x264')}")
    if {"encode", "x264-full"} <= found.keys():
        print(f"encode / x264 of the full one alone: {ratio('encode', 'x264-full')}")
    if {"stitch", "encode"} <= found.keys():
        print(f"with checks, proof and join / encode: {ratio('stitch', 'encode')}")
    if found.keys() >= set(PARALLEL):
        print(f"one by one / side by side: {ratio(*PARALLEL)}")
    if found.keys() >= set(HOURLY):
        print(f"whole day / what is left when it ends: {ratio(*HOURLY)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=240)
    parser.add_argument("--size", default="3840x2160")
    parser.add_argument("--noise", type=int, default=7)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--only", default=",".join(CASES))
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--case", help=argparse.SUPPRESS)
    given = parser.parse_args()
    width, height = map(int, given.size.split("x"))
    with tempfile.TemporaryDirectory(prefix="stitch-") as name:
        work = given.work or Path(name)
        bench = Bench(work, (width, height), given.frames, given.noise)
        if given.case:
            run_case(bench, given.case)
            return
        bench.pictures()
        print(f"ffmpeg {encode.version()}, {memory.cores()} cores, {given.frames} frames of "
              f"{given.size}, noise {given.noise}, {LOOK.preset}, crf {LOOK.crf}")  # fmt: skip
        print("| case | wall s | cpu s | peak MB |\n|---|---|---|---|")
        tell(bench, measured(bench, given.only.split(","), given.repeat))


if __name__ == "__main__":
    main()
