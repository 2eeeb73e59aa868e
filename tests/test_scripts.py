"""script/bootstrap: what it installs, and that it leaves alone what is there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from reolink_timelapsed import __version__

TREE = Path(__file__).parent.parent
TOOLS = ("cat", "dirname", "env", "grep", "id", "rm", "sha256sum", "sh", "mkdir", "cp", "chmod")

PYTHON = """\
echo "$0" "$@" >>"$LOG"
case $* in
    *ensurepip*) exit "${NO_VENV:-0}" ;;
    *version_info*) exit "${TOO_OLD:-0}" ;;
    --version) echo Python 3.10.12 ;;
    "-m venv"*) mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
esac
"""
"""Stands for a Python that installs nothing, and writes down what it was asked for."""


class Machine:
    """A tree with the script, on a machine that has few commands besides those it is given."""

    def __init__(self, root: Path) -> None:
        self.tree = root / "tree"
        self.bin = root / "bin"
        self.log = root / "log"
        (self.tree / "script").mkdir(parents=True)
        self.bin.mkdir()
        shutil.copy(TREE / "script/bootstrap", self.tree / "script")
        shutil.copy(TREE / "setup.cfg", self.tree)
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found, tool
            (self.bin / tool).symlink_to(found)
        for command in ("ffmpeg", "openssl"):
            self.command(command, "exit 0")
        self.command("find", "echo /usr/share/fonts/DejaVuSans.ttf")
        self.command("python3", PYTHON)

    def command(self, name: str, body: str) -> None:
        (self.bin / name).unlink(missing_ok=True)
        (self.bin / name).write_text(f"#!/bin/sh\n{body}\n")
        (self.bin / name).chmod(0o755)

    def bootstrap(self, *arguments: str, **environ: str) -> tuple[int, str, list[str]]:
        """Return its exit code, what it said, and what was run."""
        self.log.write_text("")
        done = subprocess.run(
            [self.tree / "script/bootstrap", *arguments],
            env={"PATH": str(self.bin), "LOG": str(self.log), **environ},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return done.returncode, done.stdout + done.stderr, self.log.read_text().splitlines()


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def pip_calls(ran: list[str]) -> list[str]:
    return [line.rpartition(" ")[2] for line in ran if " -m pip install " in line]


def test_python_packages_are_installed_once(machine: Machine) -> None:
    code, said, ran = machine.bootstrap()
    assert (code, pip_calls(ran)) == (0, ["."]), said
    assert pip_calls(machine.bootstrap()[2]) == []
    assert pip_calls(machine.bootstrap("test")[2]) == [".[test]"]
    assert pip_calls(machine.bootstrap("test")[2]) == []
    assert pip_calls(machine.bootstrap()[2]) == []


def test_they_are_installed_again_when_the_list_changed(machine: Machine) -> None:
    machine.bootstrap()
    with (machine.tree / "setup.cfg").open("a") as settings:
        settings.write("# another line\n")
    assert pip_calls(machine.bootstrap()[2]) == ["."]


def test_an_old_python_is_named(machine: Machine) -> None:
    code, said, ran = machine.bootstrap(TOO_OLD="1")
    assert code == 1
    assert f"Python 3.11 or later is needed; {machine.bin}/python3 is Python 3.10.12" in said
    assert pip_calls(ran) == []


def test_without_apt_it_names_what_is_missing(machine: Machine) -> None:
    (machine.bin / "ffmpeg").unlink()
    code, said, _ = machine.bootstrap(NO_VENV="1")
    assert code == 1
    assert said.endswith("please install: python3-venv ffmpeg\n")


@pytest.mark.parametrize("user", [0, 1000])
def test_apt_is_asked_for_what_is_missing_by_root_or_sudo(machine: Machine, user: int) -> None:
    machine.command("id", f"echo {user}")
    machine.command("sudo", 'echo sudo "$@" >>"$LOG"; exec "$@"')
    machine.command("apt-get", 'echo apt-get "$@" >>"$LOG"')
    (machine.bin / "openssl").unlink()
    machine.command("find", "exit 0")
    code, said, ran = machine.bootstrap()
    assert code == 0, said
    installs = [line for line in ran if line.startswith("apt-get install")]
    assert installs == ["apt-get install -qy --no-install-recommends openssl fonts-dejavu-core"]
    assert ran.index("apt-get update -q") < ran.index(installs[0])
    assert any(line.startswith("sudo") for line in ran) == (user != 0)


def test_neither_root_nor_sudo(machine: Machine) -> None:
    machine.command("id", "echo 1000")
    machine.command("apt-get", 'echo apt-get "$@" >>"$LOG"')
    (machine.bin / "openssl").unlink()
    code, said, ran = machine.bootstrap()
    assert code == 1
    assert said.endswith("as root, run: apt-get install openssl\n")
    assert not any(line.startswith("apt-get") for line in ran)


def test_every_script_can_be_run() -> None:
    scripts = [*TREE.glob("script/*"), TREE / ".ci/run"]
    assert [script.name for script in scripts if not os.access(script, os.X_OK)] == []


# script/version


class Tree:
    """A tree with a changelog, perhaps with a history."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("script/version", "debian/changelog"):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(TREE / name, root / name)

    def git(self, *words: str, date: str = "2026-11-22T12:00:00+01:00") -> None:
        person = ("-c", "user.name=A", "-c", "user.email=a@localhost")
        subprocess.run(
            ["git", *person, *words],
            cwd=self.root,
            env={"PATH": os.environ["PATH"], "GIT_COMMITTER_DATE": date, "HOME": str(self.root)},
            check=True,
            capture_output=True,
        )

    def commit(self, date: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--allow-empty", "-m", "A change", date=date)

    def version(self) -> str:
        return subprocess.run(
            [self.root / "script/version"], check=True, capture_output=True, text=True
        ).stdout.strip()


@pytest.mark.skipif(not shutil.which("git"), reason="there is no git here")
def test_a_build_between_releases_says_of_when_it_is(tmp_path: Path) -> None:
    tree = Tree(tmp_path)
    assert tree.version() == __version__
    tree.git("init")
    assert tree.version() == __version__, "there is a repository, and nothing in it"
    tree.commit("2026-11-22T12:00:00+01:00")
    first = tree.version()
    assert re.fullmatch(re.escape(__version__) + r"\+git20261122\.110000\.[0-9a-f]{7}", first)
    tree.git("tag", f"v{__version__}")
    assert tree.version() == __version__
    (tmp_path / "new").touch()
    assert tree.version() == f"{first}.changed"
    tree.commit("2026-11-22T12:00:01+01:00")
    assert tree.version() > first > __version__


def test_every_version_is_one_for_python_and_for_debian() -> None:
    version = f"{__version__}+git20261122.001500.0a1b2c3.changed"
    pattern = r"\d+(\.\d+)*\+[a-z0-9]+(\.[a-z0-9]+)*"  # PEP 440, a local version
    assert re.fullmatch(pattern, version)
    compare = shutil.which("dpkg")
    if compare:
        for newer, older in ((version, __version__), ("99.0", version)):
            subprocess.run([compare, "--compare-versions", newer, "gt", older], check=True)


def test_no_test_is_named_by_a_set(request: pytest.FixtureRequest) -> None:
    """Compiled and read back, a module may order one in two ways, and all workers must agree."""
    named = {
        item.nodeid
        for item in request.session.items
        for value in getattr(getattr(item, "callspec", None), "params", {}).values()
        if isinstance(value, (set, frozenset)) and str(value) in item.name
    }
    assert named == set()


@pytest.mark.parametrize("name", sorted(path.name for path in (TREE / "benchmarks").glob("*.py")))
def test_every_benchmark_starts_as_it_is_written_to(tmp_path: Path, name: str) -> None:
    """From anywhere, by its path: it finds what it imports."""
    command = [sys.executable, str(TREE / "benchmarks" / name), "--help"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=60)
