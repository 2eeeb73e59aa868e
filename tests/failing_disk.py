"""A disk of which any one call fails: the commands are run on it, and what they leave is judged.

The calls are made to fail by failing_disk.c, loaded into the real commands; nothing of ours knows
of it. Run as a script this is the daemon, against a simulated NVR on a clock that jumps.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from reolink_timelapsed.media.jpeg import picture_size
from reolink_timelapsed.storage import sidecar
from reolink_timelapsed.storage.store import Store
from tests.films import FOLDER, at, fill, minutes
from tests.support import Clockwork, build, simulated
from tests.support import at as moment

TREE = Path(__file__).parent.parent
SOURCE = Path(__file__).with_suffix(".c")
ERRORS = [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EMFILE, errno.EACCES]
SCENES = ["capture", "stitch", "prune", "status"]
YARD = "ch1_Yard"
CAMERAS = (FOLDER, YARD)
PAST = date(2026, 1, 5)
PICTURES = 3
MINUTES = 6
PATIENCE_SECONDS = 120
DISK = Path("disk")
DATA = DISK / "data"

_CONFIG = """\
nvr: {{host: "http://127.0.0.1:1", username: timelapse, password: secret}}
capture: {{interval_seconds: 60, daily_start: "04:00"}}
stitch: {{preset: ultrafast}}
storage: {{data_dir: {root}, min_free_gb: 0, keep_frames_days: 1, keep_daily_frame: null}}
"""


@dataclass(frozen=True)
class Outcome:
    """How a command ended, and the calls it made: number, name and path of each."""

    code: int
    words: str
    calls: list[tuple[int, str, str]]


def library(folder: Path) -> Path | None:
    """Return the library, built into `folder`; None without a compiler."""
    built = folder / "failing_disk.so"
    command = ["gcc", "-shared", "-fPIC", "-O1", "-o", str(built), str(SOURCE), "-ldl"]
    if shutil.which("gcc") is None:
        return None
    subprocess.run(command, check=True, capture_output=True)
    return built


def lay(root: Path, scene: str) -> None:
    """Put there what a command finds: frames of a day in the past, filmed for those that read."""
    (root / DISK).mkdir()
    if scene == "capture":
        return
    start = at(10, day=PAST)
    for folder in CAMERAS:
        fill(root / DATA, minutes(start, PICTURES), folder=folder, day=PAST)
    (root / "config.yaml").write_text(_CONFIG.format(root=root / DATA))
    (root / "config.yaml").chmod(0o600)
    if scene != "stitch":
        laid = run(root, "stitch")
        assert laid.code == 0, laid.words


def run(
    root: Path,
    scene: str,
    preload: Path | None = None,
    fail: Mapping[str, object] | None = None,
    *,
    again: bool = False,
) -> Outcome:
    """Run a command on the disk below `root`; `fail` says what fails of it, as the library does."""
    log = root / "calls"
    log.unlink(missing_ok=True)
    environ = {key: value for key, value in os.environ.items() if key != "NOTIFY_SOCKET"}
    environ |= {"TZ": "UTC", "PYTHONPATH": str(TREE)}
    if preload:
        below = {"FAIL_BELOW": str(root / DISK), "FAIL_LOG": str(log), "LD_PRELOAD": str(preload)}
        environ |= below | {f"FAIL_{key}": str(value) for key, value in (fail or {}).items()}
    command = ["-m", "reolink_timelapsed", "--config", str(root / "config.yaml"), scene]
    if scene == "capture":
        command = [str(Path(__file__)), str(root), "again" if again else "first"]
    done = subprocess.run(
        [sys.executable, *command],
        check=False,
        capture_output=True,
        text=True,
        env=environ,
        timeout=PATIENCE_SECONDS,
    )
    return Outcome(done.returncode, done.stdout + done.stderr, _calls(log))


def _calls(log: Path) -> list[tuple[int, str, str]]:
    lines = log.read_text().splitlines() if log.exists() else []
    parts = (line.split(" ", 2) for line in lines)
    return [(int(number), name, path) for number, name, path in parts]


def digests(root: Path) -> dict[str, str]:
    """Return what is below the data folder, by name."""
    files = (path for path in (root / DATA).rglob("*") if path.is_file())
    return {
        str(path.relative_to(root / DATA)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def wrong(root: Path, scene: str, before: dict[str, str], outcome: Outcome) -> list[str]:
    """Return what is not as it must be after a command of which one call failed."""
    found = []
    if outcome.code not in (0, 1, 74) or (scene == "capture" and outcome.code):
        found.append(f"exit {outcome.code}")
    if "Traceback" in outcome.words or "should not happen" in outcome.words:
        found.append("a traceback")
    found += torn(root)
    gone = before.keys() - digests(root).keys()
    if scene != "prune":
        found += [f"{name} is lost" for name in gone if not name.startswith((".work", "segments"))]
    found += [f"{name} is lost" for name in gone if name.startswith("videos")]
    return found


def torn(root: Path) -> list[str]:
    """Return what is not whole below the data folder."""
    data = root / DATA
    whole = [path for path in data.rglob("*.*") if ".work" not in path.parts]
    pictures = [path for path in whole if path.suffix == ".jpg"]
    found = [f"{path.name} is torn" for path in pictures if not picture_size(path.read_bytes())]
    for path in whole:
        if path.suffix == ".json":
            json.loads(path.read_bytes())
    store = Store(data, "test")
    for folder in CAMERAS:
        path = store.sidecar_path(folder, PAST)
        if path.exists() and not sidecar.is_proven(path):
            found.append(f"the videos of {folder} are not what {path.name} says")
    return found


def unfinished(root: Path, scene: str) -> list[str]:
    """Run the command once more, on a disk that works; return what it still has not made."""
    if scene == "status":
        return []
    outcome = run(root, scene, again=True)
    found = [f"then exit {outcome.code}: {outcome.words}"] if outcome.code else []
    store = Store(root / DATA, "test")
    if scene == "stitch":
        for folder in CAMERAS:
            known = sidecar.read(store.sidecar_path(folder, PAST))
            if known is None or (known.captured, known.used) != (PICTURES, PICTURES):
                found.append(f"then no whole film of {folder}")
    if scene == "prune":
        found += [f"then frames of {one}" for one in CAMERAS if store.frames(one, PAST)]
    if scene == "capture":
        count = {one: len(store.frames(one, moment(4).date())) for one in CAMERAS}
        found += [f"then {count}" for one in CAMERAS if count[one] < 2 * MINUTES - LOST]
    return found


LOST = 2
"""Ticks that a fault of the disk may cost: its own, and that of the pause of a minute."""


def _daemon(root: Path) -> None:
    clock = Clockwork()
    with simulated(clock) as nvr:
        if "again" in sys.argv:
            clock.sleep((moment(4, MINUTES) - clock.now()).total_seconds() - 1)
        start = max(moment(4), clock.now())
        build(nvr, root / DISK, clock).run(until=start + timedelta(minutes=MINUTES - 0.5))


if __name__ == "__main__":
    _daemon(Path(sys.argv[1]))
