"""Lets every file system call of the commands fail once, and judges what is left.

    .venv/bin/python benchmarks/failing_disk_sweep.py
        [--scene stitch] [--every 1] [--all-errors] [--program python]

For each call that a command makes in its data folder, one run in which that call alone fails (with
one error after the other in turn; with `--all-errors` a run for each), and one after it on a disk
that works. None may die or end in a traceback, nothing may be torn, nothing that was whole may be
lost, and the second run must finish what the first could not. `--program ffmpeg` makes the calls of
ffmpeg fail instead of ours. Needs gcc; takes hours.
"""

from __future__ import annotations

import argparse
import errno
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent))

from tests import failing_disk as disk


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scene", action="append", choices=disk.SCENES)
    parser.add_argument("--every", type=int, default=1, help="only each n-th call")
    parser.add_argument("--first", type=int, default=1, help="begin with this call")
    parser.add_argument("--all-errors", action="store_true")
    parser.add_argument("--program", default="python")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        library = disk.library(Path(name))
        if library is None:
            parser.error("there is no gcc")
        bad = 0
        for scene in given.scene or disk.SCENES:
            bad += sweep(scene, library, Path(name), given)
    return 1 if bad else 0


def sweep(scene: str, library: Path, folder: Path, given: argparse.Namespace) -> int:
    """Run one command with each call failing; return how many runs went wrong."""
    whole = folder / scene
    whole.mkdir()
    disk.lay(whole, scene)
    before = disk.digests(whole)
    counted = trial(folder, whole)
    calls = disk.run(counted, scene, library, {"PROGRAM": given.program}).calls
    began, runs, bad = time.monotonic(), 0, 0
    ends: Counter[int] = Counter()
    for number, call, path in calls[given.first - 1 :: given.every]:
        turn = [disk.ERRORS[number % len(disk.ERRORS)]]
        for error in disk.ERRORS if given.all_errors else turn:
            root = trial(folder, whole)
            fail = {"PROGRAM": given.program, "AT": number, "WITH": error}
            outcome = disk.run(root, scene, library, fail)
            found = disk.wrong(root, scene, before, outcome) + disk.unfinished(root, scene)
            runs, bad = runs + 1, bad + bool(found)
            ends[outcome.code] += 1
            if found:
                where = path.replace(str(root), "")
                print(f"{scene} {number} {call} {where} {errno.errorcode[error]}: {found}")
                print("    " + outcome.words.strip().replace("\n", "\n    ")[-1500:], flush=True)
    seconds = time.monotonic() - began
    print(
        f"{scene}: {len(calls)} calls, {runs} runs in {seconds:.0f} s, {bad} wrong; "
        f"exit codes {dict(ends)}",
        flush=True,
    )
    return bad


def trial(folder: Path, whole: Path) -> Path:
    """Return a copy to try things on, always at the same place."""
    root = folder / "trial"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(whole, root, symlinks=True)
    text = (root / "config.yaml").read_text() if (root / "config.yaml").exists() else ""
    if text:
        (root / "config.yaml").write_text(text.replace(str(whole), str(root)))
    return root


if __name__ == "__main__":
    sys.exit(main())
