"""Pulls the plug of a real machine in the middle of its writes, many times; is anything torn?

    sudo .venv/bin/python benchmarks/power_cut.py [--cuts 20] [--release trixie]

qemu boots a Debian with the package, as script/build-deb makes it. The daemon captures from the
simulated NVR, which runs here; at every second boot the stitch works on days that were missed, at
the others it publishes the videos of today, over and over. At a random moment with writes under
way the data disk stops, qemu is killed, and of what had not been flushed a random part is lost
(power_cut_disk). Then a copy of the disk is mounted here, which replays its journal, and all that
is visible on it is judged (power_cut_check):

- torn: a frame that is not, byte for byte, a picture the NVR gave; a film with a picture that does
  not decode, or with more or fewer than its sidecar says; a JSON that does not parse; a name that
  the daemon's listings do not know; a file system that is not clean;
- lost: what was visible after an earlier cut, and any picture that the NVR gave since the boot but
  the last one, for the daemon asks for the next when it has stored the one before.

The machine boots again from the same disk, must capture again, and must do with the one slot that
the NVR has. The exit code is 1 if it does not, or if anything was torn or lost; 2 if this cannot
be run here. Needs root, qemu-system-x86, and what script/test-system needs; the roots are kept
where that keeps its own. KVM is used where it works; without it a cut takes about a minute.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from power_cut_check import Inspector, Look, digest
from power_cut_disk import Disk
from power_cut_machine import SO_FAR, STITCH, Machine, make_disk, make_root, require_tools

from reolink_timelapsed.frame import frame_name
from reolink_timelapsed.simulator import SimulatedCamera, SimulatedNvr, mosaic_jpeg
from reolink_timelapsed.simulator.device.cameras import Shot, mosaic_picture
from tests.machines.host import Failed, run, wait_for
from tests.machines.roots import RELEASES, CannotRun

PASSWORD = "only-simulated"
CAMERAS = ("Front", "Yard", "Garden")
SIZE = (192, 736)
"""Pixels: few, for an emulated processor encodes them, but enough rows for both renditions."""

PADDING = 12
"""Comments of 64 KiB in a picture that the daemon stores, so that its writing takes a while."""

PAST_FOLDER, PAST_DAYS, PAST_HOURS, PAST_MINUTES = "ch9_Past", 90, (10, 11), 6
DISK_GIGABYTES = 4
BOOT_SECONDS = 300.0
WRITES_SECONDS = 60.0
INTO_THE_WRITES_SECONDS = 0.1
NAMED = 5
"""Faults of a kind that are told of, each time."""


class Pictures:
    """What the cameras see: no two pictures have a block in common, and all are remembered."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.known: dict[bytes, str] = {}
        self.since_boot: list[bytes] = []

    def __call__(self, shot: Shot) -> bytes:
        comments = [b"\xff\xfe\xff\xff" + self._chance.randbytes(0xFFFD) for _ in range(PADDING)]
        plain = mosaic_picture(shot)
        picture = b"".join((plain[:2], *comments, plain[2:]))
        self.since_boot.append(self.remember(picture, f"picture {shot.count} of {shot.name}"))
        return picture

    def remember(self, picture: bytes, name: str) -> bytes:
        key = digest(picture)
        self.known[key] = name
        return key

    def lost(self, seen: Look) -> list[str]:
        """Return which of those since the boot were stored, if the daemon is right, and are not."""
        return [
            f"{self.known[key]} was stored"
            for key in self.since_boot[:-1]
            if key not in seen.pictures
        ]


@dataclass(frozen=True)
class Cut:
    """One boot and its end; `at_risk` and `dropped` count blocks of the disk."""

    boot_seconds: float
    seconds: float
    at_risk: int
    dropped: int


class Rig:
    """The machine with its disk, and what tells what is on that."""

    def __init__(
        self, work: Path, root: Path, image: Path, pictures: Pictures, chance: random.Random
    ) -> None:
        self._work = work
        self._image = image
        self._pictures = pictures
        self._chance = chance
        self._machine = Machine(root, work / "root.img")
        self._disk = Disk(image, work / "disk.socket")
        self._inspector = Inspector(pictures.known)

    def cut(self, unit: str, console: Path, most_seconds: float) -> Cut:
        """Boot with `unit`, let it capture for a while, and pull the plug while it writes.

        Raises:
            AssertionError: if the machine does not capture.
        """
        self._pictures.since_boot = []
        self._disk.plug_in()
        began = time.monotonic()
        self._machine.boot(self._disk.address, console, unit)
        try:
            wait_for(f"a picture is taken (see {console})", BOOT_SECONDS, self._captures)
            booted = time.monotonic()
            time.sleep(self._chance.uniform(0, most_seconds))
            self._await_writes()
            at_risk, dropped = self._disk.pull_the_plug(self._chance)
        finally:
            self._machine.kill()
        return Cut(booted - began, time.monotonic() - booted, at_risk, dropped)

    def look(self) -> Look:
        """Judge a copy of the disk: the machine is to recover by itself."""
        copy, folder = self._work / "after.img", self._work / "after"
        folder.mkdir(exist_ok=True)
        run("cp", "--sparse=always", self._image, copy)
        try:
            run("mount", "-o", "loop", copy, folder)
        except Failed as error:
            return Look(torn=[f"the file system: {error}"])
        try:
            seen = self._inspector.look(folder)
        finally:
            run("umount", folder)
        try:
            run("e2fsck", "-fn", copy)
        except Failed as error:
            seen.torn.append(f"the file system: {error}")
        return seen

    def close(self) -> None:
        self._machine.kill()
        self._disk.close()

    def _captures(self) -> bool:
        assert self._machine.runs, "qemu ended by itself"
        return bool(self._pictures.since_boot)

    def _await_writes(self) -> None:
        """Wait for a moment, any one, at which the disk has something to lose."""
        end = time.monotonic() + WRITES_SECONDS
        while time.monotonic() < end:
            if self._disk.at_risk:
                time.sleep(self._chance.uniform(0, INTO_THE_WRITES_SECONDS))
                if self._disk.at_risk:
                    return
            time.sleep(0.001)
        raise AssertionError(f"nothing was written in {WRITES_SECONDS:g} s")


def main() -> int:
    options = _options()
    try:
        require_tools()
        with _folder(options.work) as work:
            return _pull(options, work)
    except CannotRun as error:
        print(f"cannot run: {error}", file=sys.stderr)
        return 2


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    add = parser.add_argument
    add("--cuts", type=int, default=20, help="default %(default)s")
    add("--seconds", type=float, default=40, help="from picture to cut, at most; default 40")
    add("--seed", type=int, default=time.time_ns() % 10**6, help="of all that is random")
    add("--release", choices=RELEASES, default=RELEASES[0], help="default %(default)s")
    add("--work", type=Path, help="a new folder for disks and consoles, to be kept")
    return parser.parse_args()


@contextmanager
def _folder(wanted: Path | None) -> Iterator[Path]:
    if wanted:
        if wanted.exists():
            raise CannotRun(f"{wanted} is there already: name a new folder")
        wanted.mkdir(parents=True)
        yield wanted
    else:
        with tempfile.TemporaryDirectory(prefix="power-cut-") as name:
            yield Path(name)


def _pull(options: argparse.Namespace, work: Path) -> int:
    chance = random.Random(options.seed)
    pictures = Pictures(random.Random(options.seed))
    inputs = [
        SimulatedCamera(number, name, *SIZE, latency=0.05, picture=pictures)
        for number, name in enumerate(CAMERAS)
    ]
    with SimulatedNvr(inputs, password=PASSWORD, slots=1) as nvr:
        rig = _rig(options.release, work, nvr.port, pictures, chance)
        print(f"{options.cuts} cuts, {options.release}, seed {options.seed}")
        print(" cut  boot  then  blocks at risk, dropped  pictures  frames  films  torn  lost")
        try:
            faults = _cuts(options, rig, work, pictures)
        except AssertionError as error:  # of `wait_for` and `run`, too
            print(f"it does not go on: {error}")
            return 1
        finally:
            rig.close()
        logins = sum(request.cmd == "Login" for request in nvr.log)
        print(
            f"logins: {logins}; rules of the NVR that were broken: {nvr.broken_rules() or 'none'}"
        )
        return int(bool(faults or nvr.broken_rules()))


def _rig(release: str, work: Path, port: int, pictures: Pictures, chance: random.Random) -> Rig:
    root = make_root(release, work, port, PASSWORD)
    make_disk(work / "root.img", 3, root)
    _draw_past(work / "content" / "frames" / PAST_FOLDER, pictures)
    make_disk(work / "data.img", DISK_GIGABYTES, work / "content")
    return Rig(work, root, work / "data.img", pictures, chance)


def _draw_past(home: Path, pictures: Pictures) -> None:
    """Leave days to film, each of two hours: their segments are joined."""
    today = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    number = 0
    for days in range(2, 2 + PAST_DAYS):
        day = today - timedelta(days=days)
        folder = home / f"{day:%Y-%m-%d}"
        folder.mkdir(parents=True)
        for hour in PAST_HOURS:
            for minute in range(PAST_MINUTES):
                name = frame_name(day.replace(hour=hour, minute=minute))
                picture = mosaic_jpeg(number, *SIZE)
                pictures.remember(picture, name)
                (folder / name).write_bytes(picture)
                number += 1


def _cuts(options: argparse.Namespace, rig: Rig, work: Path, pictures: Pictures) -> int:
    """Cut and look, again and again; return how many faults there were."""
    before, taken, torn, lost = Look(), 0, 0, 0
    for number in range(1, options.cuts + 1):
        unit = (SO_FAR, STITCH)[number % 2]
        cut = rig.cut(unit, work / f"console-{number}", options.seconds)
        seen = rig.look()
        faults = [*seen.lost_since(before), *pictures.lost(seen)]
        print(
            f"{number:4}  {cut.boot_seconds:3.0f} s  {cut.seconds:2.0f} s  {cut.at_risk:14}, "
            f"{cut.dropped:7}  {len(pictures.since_boot):8}  {len(seen.frames):6}  "
            f"{len(seen.films):5}  {len(seen.torn):4}  {len(faults):4}",
            flush=True,
        )
        for kind, found in (("torn", seen.torn), ("lost", faults)):
            for text in found[:NAMED]:
                print(f"      {kind}: {text}", flush=True)
        before = seen
        taken += len(pictures.since_boot)
        torn += len(seen.torn)
        lost += len(faults)
    print(
        f"{options.cuts} cuts, {taken} pictures given, {len(before.frames)} frames and "
        f"{len(before.films)} films there: {torn} torn, {lost} lost"
    )
    return torn + lost


if __name__ == "__main__":
    sys.exit(main())
