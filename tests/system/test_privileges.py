"""Root at the command line: whose files it touches, and with which powers ffmpeg works."""

from __future__ import annotations

import json
import os
import pty
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from reolink_timelapsed.simulator import SimulatedCamera, SimulatedNvr
from reolink_timelapsed.storage.disk import MARKER
from reolink_timelapsed.system import privileges
from reolink_timelapsed.system.privileges import User, acting_as, owner_of
from tests.films import FOLDER, at, fill, minutes

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="to become somebody else needs root")

ROOT = Path(__file__).parents[2]
DAY = datetime.now(UTC).date() - timedelta(days=2)
SOMEBODY = User(65534, 65534)
PASSWORD = "opensesame"
SECONDS = 120

ENVIRON = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TZ": "UTC"}
COMMAND = [sys.executable, "-m", "reolink_timelapsed"]

INNER = (
    *(f".work/{name}" for name in ("capture", "stitch", "prune", "test", "status")),
    *(f".work/{name}.lock" for name in ("capture", "stitch", "prune", "test")),
    *(f".state/{name}.lock" for name in ("nvr", "capture")),
    *(f".state/{name}.json" for name in ("session", "refusals", "https", "data-folder")),
    MARKER,
    f"segments/{FOLDER}",
    f"videos/{FOLDER}",
    f"coverage/{DAY}.json",
)
OUTER = (".work", ".state", "segments", "videos", "coverage")
FILES = (".lock", ".json", MARKER)


@dataclass(frozen=True)
class Machine:
    """A data folder that is somebody's, settings that are root's, and what is dear to root."""

    home: Path
    url: str

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def dear(self) -> Path:
        return self.home / "dear"

    @property
    def command(self) -> list[str]:
        return [*COMMAND, "--config", str(self.home / "c.yaml")]

    def run(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return run([*self.command, *words], self.home, stdin)

    def plant(self, names: tuple[str, ...]) -> None:
        """Put links to what is root's in the place of our files and folders, as their owner can."""
        with acting_as(SOMEBODY):
            for name in names:
                path = self.data / name
                target = self.dear / ("file" if name.endswith(FILES) else "folder")
                path.parent.mkdir(exist_ok=True)
                if path.is_dir():
                    path.rename(path.with_name(f"{path.name}.away"))
                path.symlink_to(target)

    def what_is_dear(self) -> list[object]:
        paths = [self.dear, *sorted(self.dear.rglob("*"))]
        return [(path, _owner(path), path.is_dir() or path.read_bytes()) for path in paths]


def run(command: list[str], cwd: Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        cwd=cwd,
        env=ENVIRON,
        check=False,
        capture_output=True,
        text=True,
        input=stdin,
        timeout=SECONDS,
    )


def _owner(path: Path) -> tuple[int, int, int, int]:
    found = path.lstat()
    return found.st_uid, found.st_gid, found.st_mode, found.st_mtime_ns


@contextmanager
def open_folder() -> Iterator[Path]:
    """Yield a folder that others may look into: those above pytest's are root's alone."""
    with TemporaryDirectory() as name:
        home = Path(name)
        home.chmod(0o755)
        yield home


@pytest.fixture
def machine() -> Iterator[Machine]:
    nvr = SimulatedNvr([SimulatedCamera(0, "Front Door", width=256, height=144)], password=PASSWORD)
    with open_folder() as home, nvr:
        settings = {
            "nvr": {"host": nvr.url, "username": "timelapse", "password_file": f"{home}/password"},
            "capture": {"interval_seconds": 60},
            "stitch": {"preset": "ultrafast"},
            "storage": {"data_dir": f"{home}/data", "min_free_gb": 0},
        }
        for name, text in (("c.yaml", json.dumps(settings)), ("password", PASSWORD)):
            (home / name).write_text(text)
            (home / name).chmod(0o600)
        (home / "dear/folder/inner").mkdir(parents=True)
        for name in ("file", "folder/file", "folder/inner/file"):
            (home / "dear" / name).write_text("dear")
        fill(home / "data", minutes(at(4, day=DAY), 3), day=DAY)
        for path in ((home / "data"), *(home / "data").rglob("*")):
            os.chown(path, SOMEBODY.uid, SOMEBODY.gid)
        yield Machine(home, nvr.url)


def strangers_in(folder: Path) -> list[Path]:
    """Return what does not belong to the owner of the folder."""
    return [path for path in folder.rglob("*") if path.lstat().st_uid != SOMEBODY.uid]


COMMANDS = {
    "stitch": ("stitch",),
    "prune": ("prune",),
    "status": ("status",),
    "test": ("test",),
    "setup": ("setup", "--host", "", "--username", "timelapse", "--password-stdin"),
}


@pytest.mark.parametrize("planted", [(), INNER, OUTER], ids=["nothing", "inner", "outer"])
@pytest.mark.parametrize("command", COMMANDS)
def test_root_touches_nothing_through_a_link(
    machine: Machine, command: str, planted: tuple[str, ...]
) -> None:
    machine.plant(planted)
    before = machine.what_is_dear()
    words = [word or machine.url for word in COMMANDS[command]]
    done = machine.run(*words, stdin=f"{PASSWORD}\n")
    said = done.stdout + done.stderr
    assert machine.what_is_dear() == before, said
    assert strangers_in(machine.data) == [], said
    assert done.returncode != 70, said
    assert planted or done.returncode in {0, 1 if command == "status" else 0}, said
    assert "belongs to root" not in said


def _fake_ffmpeg(machine: Machine) -> str:
    """Return a PATH on which ffmpeg first writes down what it is."""
    tool = machine.home / "bin" / "ffmpeg"
    tool.parent.mkdir()
    seen, real = machine.data / "seen", shutil.which("ffmpeg")
    tool.write_text(
        "#!/bin/sh\n"
        f"cat /proc/self/status >>{seen}\n"
        f"true </dev/tty 2>/dev/null && echo a terminal >>{seen}\n"
        f'exec {real} "$@"\n'
    )
    tool.chmod(0o755)
    return f"{tool.parent}:{os.environ['PATH']}"


def test_ffmpeg_has_none_of_roots_powers(machine: Machine) -> None:
    ours, its = pty.openpty()
    subprocess.run(
        ["setsid", "--ctty", "--wait", *machine.command, "stitch"],
        env=ENVIRON | {"PATH": _fake_ffmpeg(machine)},
        stdin=its,
        check=True,
        timeout=SECONDS,
    )
    os.close(ours)
    os.close(its)
    seen = [line.split(":", 1) for line in (machine.data / "seen").read_text().splitlines()]
    assert "a terminal" not in [name for name, *_ in seen]
    found: dict[str, set[str]] = {name: set() for name, _ in seen}
    for name, value in seen:
        found[name].add(" ".join(value.split()))
    assert found["Uid"] == {" ".join(["65534"] * 4)}
    assert found["Gid"] == {" ".join(["65534"] * 4)}
    assert found["Groups"] <= {"", "65534"}
    assert found["NoNewPrivs"] == {"1"}
    # A container may hand down CapInh: nothing by itself, and with NoNewPrivs never anything.
    for powers in ("CapPrm", "CapEff", "CapAmb"):
        assert found[powers] == {"0000000000000000"}
    assert len(list((machine.data / "videos").rglob("timelapse_*.mp4"))) == 2


def test_there_is_no_way_back(machine: Machine) -> None:
    program = (
        "import os, sys; from pathlib import Path\n"
        "from reolink_timelapsed.system.privileges import become, owner_of\n"
        "os.environ['XDG_RUNTIME_DIR'] = '/run/user/0'\n"
        "become(owner_of(Path(sys.argv[1])))\n"
        "assert os.environ['HOME'] != '/root' and 'XDG_RUNTIME_DIR' not in os.environ\n"
        "for back in (os.setuid, os.seteuid, os.setgid, os.setegid):\n"
        "    try: back(0)\n"
        "    except PermissionError: continue\n"
        "    sys.exit('a way back')\n"
        "sys.exit(os.access('/etc/shadow', os.R_OK))\n"
    )
    subprocess.run(
        [sys.executable, "-c", program, machine.data],
        env=ENVIRON | {"HOME": "/root"},
        check=True,
        timeout=SECONDS,
    )


def test_root_has_its_powers_back_after_a_moment_without(machine: Machine) -> None:
    before = os.getresuid(), os.getresgid(), os.getgroups()
    with pytest.raises(PermissionError), acting_as(SOMEBODY):
        (machine.dear / "file").write_text("not dear")
    assert (os.getresuid(), os.getresgid(), os.getgroups()) == before


def test_the_videos_go_where_their_maker_may_write(machine: Machine) -> None:
    shut = machine.home / "shut"
    shut.mkdir(mode=0o700)
    for output in (shut, shut / "films"):
        done = machine.run("stitch", "--output", str(output))
        assert done.returncode == 74
        assert f"who may not write into {shut}" in done.stderr
        assert "/var/tmp" in done.stderr
    anybodys = machine.home / "anybodys"
    anybodys.mkdir()
    anybodys.chmod(0o1777)
    done = machine.run("stitch", "--output", "anybodys/films")  # from where one stands
    assert done.returncode == 0, done.stderr
    assert len(list((anybodys / "films").glob("*.mp4"))) == 2


def test_a_data_folder_of_roots_is_told(machine: Machine) -> None:
    for path in (machine.data, *machine.data.rglob("*")):
        os.chown(path, 0, 0)
    done = machine.run("stitch")
    assert done.returncode == 0
    assert f"sudo chown -R _reolink-timelapse: {machine.data}" in done.stderr


def test_whom_a_folder_belongs_to_is_who_can_replace_it() -> None:
    with open_folder() as home:
        theirs = home / "theirs"
        (theirs / "root's").mkdir(parents=True)
        (home / "link").symlink_to(theirs)
        assert owner_of(theirs / "root's").uid == 0
        os.chown(theirs, SOMEBODY.uid, 4711)
        for name in ("theirs", "theirs/root's", "theirs/not/there"):
            found = owner_of(home / name)
            assert (found.uid, found.gid, found.name) == (SOMEBODY.uid, 4711, "nobody"), name
        assert owner_of(home / "not there").uid == 0
        os.chown(theirs, 4711, 4711)
        assert owner_of(theirs) == User(4711, 4711)
        assert str(owner_of(theirs)) == "user 4711"
    nobody = privileges.named("nobody")
    assert nobody
    assert nobody == privileges.named("65534")
    assert privileges.named("no such user") is None


def test_a_new_home_is_its_users_and_an_old_one_stays() -> None:
    with open_folder() as home:
        privileges.make_home(home / "new", SOMEBODY)
        made = (home / "new").stat()
        assert (made.st_uid, stat.S_IMODE(made.st_mode)) == (SOMEBODY.uid, 0o750)
        (home / "link").symlink_to("nowhere")
        privileges.make_home(home / "link", SOMEBODY)
        assert not (home / "nowhere").exists()


def test_the_demonstration_is_its_folders_owners() -> None:
    with open_folder() as home:
        os.chown(home, SOMEBODY.uid, SOMEBODY.gid)
        (home / "busy").mkdir()
        (home / "busy" / "file").write_text("dear")
        done = run([*COMMAND, "demo", "--output", "busy"], home)
        assert done.returncode == 64
        assert (home / "busy" / "file").read_text() == "dear"
