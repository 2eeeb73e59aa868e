"""From the first release to this one: with data in its own place, and elsewhere by hand."""

from __future__ import annotations

import re
from importlib.util import source_from_cache

import pytest

from . import steps
from .container import Container
from .host import wait_for
from .nvr import Nvr
from .packages import Build
from .steps import CONFIG, DAEMON, DATA, STITCH, TIMER

PLENTY = 60
"""Seconds; what is waited for takes a few."""

ELSEWHERE = "/srv/timelapse/reolink"
GARAGE = "reolink-timelapse@garage"
PRIVATE = "/usr/share/reolink-timelapse"
SETTINGS = (CONFIG, "/etc/reolink-timelapse/password", f"/etc/{GARAGE}/config.yaml")
BY_HAND = f"[Unit]\nRequiresMountsFor=/srv/timelapse\n[Service]\nReadWritePaths={ELSEWHERE}\n"


@pytest.fixture(scope="module")
def nvrs(machine: Container) -> tuple[Nvr, Nvr]:
    both = Nvr(machine), Nvr(machine, port=8081)
    for nvr in both:
        nvr.start()
    return both


def kept(machine: Container) -> dict[str, bytes]:
    """Return what an upgrade must not touch."""
    drop_ins = (f"/etc/systemd/system/{unit}.d/override.conf" for unit in (DAEMON, STITCH))
    return {name: machine.path(name).read_bytes() for name in (*SETTINGS, *drop_ins)}


def wait_for_frames(machine: Container, data: str, before: int) -> None:
    wait_for("frames", PLENTY, lambda: steps.has_new_frames(machine, before, data))


def owners(machine: Container) -> set[str]:
    folders = (DATA, f"/var/lib/{GARAGE}", ELSEWHERE)
    return set(machine.out("find", *folders, "-printf", "%u\\n").splitlines())


def modules(machine: Container) -> set[str]:
    """Return the sources of all modules that are there, and of all that were compiled."""
    found = machine.out("find", PRIVATE, "-name", "*.py", "-o", "-name", "*.pyc").splitlines()
    return {source_from_cache(name) if name.endswith(".pyc") else name for name in found}


def test_all_goes_on(
    machine: Container, nvrs: tuple[Nvr, Nvr], old: Build, builds: dict[str, Build]
) -> None:
    steps.install(machine, old)
    first, second = nvrs
    steps.set_up(machine, first, data_dir=ELSEWHERE)
    user = ("-o", "_reolink-timelapse", "-g", "_reolink-timelapse")
    machine.run("install", "-d", "-m", "0750", *user, ELSEWHERE)
    for unit in (DAEMON, STITCH):
        machine.drop_in(unit, BY_HAND)
    steps.set_up(machine, second, f"/etc/{GARAGE}/config.yaml")
    machine.run("systemctl", "restart", DAEMON)
    machine.run("systemctl", "enable", "--now", f"{GARAGE}.service")
    places = (ELSEWHERE, f"/var/lib/{GARAGE}")
    for data in places:
        wait_for_frames(machine, data, 3)
    day = steps.make_past_day(machine, 1, 4, ELSEWHERE)
    machine.run("reolink-timelapse", "test", check=False)
    before, frames = kept(machine), [set(steps.frames(machine, data)) for data in places]

    there = modules(machine)
    flat = f"{PRIVATE}/reolink_timelapsed/session.py"
    assert flat in there  # all modules stood in one folder
    said = steps.install(machine, builds["trixie"])
    assert "reolink-timelapse setup" not in said
    assert flat not in modules(machine)
    owned = set(machine.out("dpkg", "--listfiles", "reolink-timelapse").splitlines())
    assert modules(machine) <= owned
    assert kept(machine) == before
    for data, old_frames in zip(places, frames, strict=True):
        wait_for_frames(machine, data, len(steps.frames(machine, data)))
        assert old_frames <= set(steps.frames(machine, data))
    assert machine.is_state(TIMER, "active")
    assert machine.out("systemctl", "--failed", "--quiet") == ""
    for words in ((), ("--config", f"/etc/{GARAGE}/config.yaml")):
        done = machine.run("reolink-timelapse", *words, "test", check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert re.search("(?m)^service +its units may write there", done.stdout)
    machine.run("systemctl", "start", STITCH, seconds=300)
    assert len([path for path in steps.videos(machine, ELSEWHERE) if day in path.name]) == 4
    assert owners(machine) == {"_reolink-timelapse"}
    assert first.state()["live_sessions"] == second.state()["live_sessions"] == 1


def test_what_the_first_release_wrote_is_found_by_a_purge(machine: Container) -> None:
    machine.run("systemctl", "stop", DAEMON)  # lest it takes one more meanwhile
    frames = set(steps.frames(machine, ELSEWHERE))
    done = machine.run("apt-get", "purge", "-qy", "reolink-timelapse")
    for data in (ELSEWHERE, f"/var/lib/{GARAGE}"):
        assert f"your frames are still in {data}/frames\n" in done.stdout + done.stderr
    assert set(steps.frames(machine, ELSEWHERE)) == frames
    assert {path.name for path in machine.path(ELSEWHERE).iterdir()} == {"frames", "videos"}
