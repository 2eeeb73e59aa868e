"""What a purge of the package removes, and what it leaves alone.

The script runs on a folder that stands for the whole machine (DPKG_ROOT); tests/machines purges
real packages, where it works as the user of the service.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reolink_timelapsed.cli.data_folder import open_to_units
from reolink_timelapsed.nvr.login_state import LoginGuard
from reolink_timelapsed.storage.disk import MARKER, Mount
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system.lock import CAPTURE, NVR, Turn

SCRIPT = Path(__file__).parents[2] / "debian" / "reolink-timelapse.postrm"
STATE = "/var/lib/reolink-timelapse"

pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("getent", "setpriv", "find"))), reason="needs what Debian has"
)

OURS = (
    "segments/ch0_Front_Door/2026-11-22/20261122T06Z_full.mp4",
    "segments/ch0_Front_Door/2026-11-22/20261122T06Z_720p.mp4",
    "segments/ch0_Front_Door/2026-11-22/20261122T06Z.json",
    "segments/ch12_Tor/2026-11-22_every4/20261122T06Z_full.mp4",
    "coverage/2026-11-22.json",
    "coverage/clock.json",
    ".work/daemon.json",
    ".work/daemon.lock",
    ".work/stitch/pieces",
    ".work/capture/20261122T061500.123Z.jpg",
    ".work/stitch.lock",
    ".state/session.json",
    ".state/run.json",
    ".state/.session.json.part",
    MARKER,
)
KEPT = (
    "frames/ch0_Front_Door/2026-11-22/20261122T061500.123Z.jpg",
    "videos/ch0_Front_Door/timelapse_ch0_Front_Door_2026-11-22.mp4",
    "videos/ch0_Front_Door/timelapse_ch0_Front_Door_2026-11-22.json",
)
THEIRS = (
    "segments/my essay.txt",
    "segments/ch0_Front_Door/2026-11-22/notes.mp4.txt",
    "coverage/report.html",
    "coverage/2026/2026-11-22.json",
    ".work/todo",
    ".work/other/stitch.lock",
    ".state/game.save",
    "Documents/segments/ch0_Front_Door/2026-11-22/20261122T06Z_full.mp4",
    "frames/oak.jpg",
)


@dataclass(frozen=True)
class Machine:
    """`root` stands for the whole of it."""

    root: Path

    def path(self, inside: str) -> Path:
        return self.root / inside.lstrip("/")

    def fill(self, folder: str, *names: str) -> None:
        for name in names:
            path = self.path(folder) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)

    def record(self, *folders: str, state: str = STATE) -> None:
        """Write down what the program does when it uses these folders one after the other."""
        home = self.path(state) / ".state"
        for folder in folders:
            (self.path(folder)).mkdir(parents=True, exist_ok=True)
            Mount(self.path(folder), home).require()
        for name in ("data-folders", "data-folder.json"):
            text = (home / name).read_text().replace(str(self.root), "")
            (home / name).write_text(text)

    def purge(self) -> str:
        done = subprocess.run(
            ["sh", SCRIPT, "purge"],
            env={"PATH": os.environ["PATH"], "DPKG_ROOT": str(self.root)},
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        )
        return done.stdout + done.stderr

    def left_in(self, folder: str) -> set[str]:
        home = self.path(folder)
        return {str(path.relative_to(home)) for path in home.rglob("*") if not path.is_dir()}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path / "root")
    for folder in ("/etc/default", "/etc/systemd/system", "/var/lib", "/run"):
        made.path(folder).mkdir(parents=True)
    return made


@pytest.mark.parametrize(
    "folder",
    [
        STATE,
        "/srv/timelapse",
        "/home/pi",
        "/srv/no #comment",
        '/srv/a\'b "c" $d `e` \\f',
        "/srv/[a-z]*?",
        "/srv/Türen & Tore",
        "/srv/-rf",
    ],
)
def test_only_what_is_ours_goes(machine: Machine, folder: str) -> None:
    machine.record(folder)
    machine.fill(folder, *OURS, *KEPT, *THEIRS)
    said = machine.purge()
    assert machine.left_in(folder) == {*KEPT, *THEIRS}
    for kind in ("frames", "videos"):
        assert f"your {kind} are still in {machine.root}{folder}/{kind}\n" in said
    assert machine.path(STATE).exists() == (folder == STATE)


def test_nothing_is_left_of_an_empty_one(machine: Machine) -> None:
    machine.record("/srv/timelapse")
    machine.fill("/srv/timelapse", *OURS)
    for kind in ("frames/ch0_Front_Door/2026-11-22", "videos/ch0_Front_Door"):
        (machine.path("/srv/timelapse") / kind).mkdir(parents=True)
    machine.purge()
    assert list(machine.path("/srv/timelapse").iterdir()) == []
    assert not machine.path(STATE).exists()


def test_every_folder_that_ever_was_is_found(machine: Machine) -> None:
    garage = f"{STATE}@garage"
    machine.record("/srv/one", "/srv/two", STATE)
    machine.record("/srv/three", state=garage)
    folders = ("/srv/one", "/srv/two", "/srv/three", STATE, garage)
    for folder in folders:
        machine.fill(folder, *OURS, *KEPT)
    machine.purge()
    for folder in folders:
        assert machine.left_in(folder) == set(KEPT), folder


def test_what_the_first_version_wrote_down_is_found(machine: Machine) -> None:
    machine.record("/srv/timelapse")
    (machine.path(STATE) / ".state" / "data-folders").unlink()
    machine.fill("/srv/timelapse", *OURS, *KEPT)
    machine.purge()
    assert machine.left_in("/srv/timelapse") == set(KEPT)


def test_a_folder_without_our_mark_is_not_touched(machine: Machine) -> None:
    """Its disk is away, or the settings name a folder that never was ours."""
    machine.record("/srv/timelapse")
    machine.fill("/srv/timelapse", *OURS, *KEPT)
    (machine.path("/srv/timelapse") / MARKER).unlink()
    settings = machine.path("/etc/reolink-timelapse/config.yaml")
    settings.parent.mkdir()
    settings.write_text("storage:\n  data_dir: /home/pi  # mine\n")
    machine.fill("/home/pi", *OURS)
    said = machine.purge()
    assert machine.left_in("/srv/timelapse") == {*OURS, *KEPT} - {MARKER}
    assert machine.left_in("/home/pi") == set(OURS)
    assert "nothing was removed from /srv/timelapse" in said
    assert not settings.parent.exists()


def test_no_link_is_followed(machine: Machine) -> None:
    machine.record("/srv/timelapse")
    machine.fill("/home/pi", *OURS)
    machine.fill("/srv/timelapse", MARKER)
    home = machine.path("/srv/timelapse")
    for name in ("segments", "coverage", ".work", ".state", "frames"):
        (home / name).symlink_to(machine.path("/home/pi") / name)
    (home / "videos").mkdir()
    (home / "videos" / "ch0_Front_Door").symlink_to(machine.path("/home/pi"))
    machine.purge()
    assert machine.left_in("/home/pi") == set(OURS)


def test_our_drop_ins_go_and_those_of_others_stay(machine: Machine) -> None:
    units = machine.path("/etc/systemd/system")
    open_to_units(Path("/etc/reolink-timelapse/config.yaml"), Path("/srv/timelapse"), units)
    other = units / "reolink-timelapse.service.d" / "override.conf"
    other.write_text("[Service]\n")
    (units / "reolink-timelapse@a.service.d").mkdir()
    mine = units / "reolink-timelapse@a.service.d" / "data-dir.conf"
    mine.write_text("# by hand\n")
    machine.purge()
    assert {path for path in units.rglob("*") if path.is_file()} == {other, mine}


def test_all_that_the_program_makes_in_its_state_folder_goes(machine: Machine) -> None:
    state = machine.path(STATE) / ".state"
    machine.record(STATE)
    Store(machine.path(STATE), "test").open()
    LoginGuard(state).refused("x", _now(), 0)
    for name in (NVR, CAPTURE):
        assert Turn(state, name).take()
    machine.purge()
    assert not machine.path(STATE).exists()


def _now() -> datetime:
    return datetime(2026, 11, 22, tzinfo=UTC)


def test_a_removal_is_no_purge(machine: Machine) -> None:
    machine.record(STATE)
    machine.fill(STATE, *OURS, *KEPT)
    before = machine.left_in(STATE)
    for word in ("remove", "upgrade", "abort-install"):
        subprocess.run(["sh", SCRIPT, word], env={"DPKG_ROOT": str(machine.root)}, check=True)
    assert machine.left_in(STATE) == before


def test_a_folder_is_written_down_once(machine: Machine) -> None:
    machine.record("/srv/one", "/srv/two")
    home = machine.path(STATE) / ".state"
    one = machine.path("/srv/one")
    for _ in range(3):
        Mount(one, home).require()
    assert (home / "data-folders").read_text() == f"/srv/one\n/srv/two\n{one}\n"
    shutil.rmtree(home)
    home.write_text("in the way")
    Mount(one, home).require()  # losing it is survivable
