"""The life of the package on a machine, told in order, from the installation to the purge."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest

from . import steps
from .container import Container
from .host import wait_for
from .memory import kill_for_memory, run_short_of_memory
from .nvr import CAMERAS, NAMES, Nvr
from .packages import Build
from .steps import CONFIG, DAEMON, DATA, INTERVAL, STITCH, TIMER

PLENTY = 60
"""Seconds; what is waited for takes a few."""

# What a machine writes by itself, package or none.
_RESTLESS = ("/proc", "/sys", "/dev", "/run", "/tmp", "/var/tmp", "/var/log", "/var/cache")
_OTHERS = ("/var/lib/apt", "/var/lib/dpkg", "/var/lib/systemd", "/root", "/opt/nvr")


@pytest.fixture(scope="module")
def before(machine: Container) -> set[str]:
    """All files of the machine before the package was there."""
    return _all_files(machine)


@pytest.fixture(scope="module")
def nvr(machine: Container) -> Nvr:
    simulated = Nvr(machine)
    simulated.start()
    return simulated


def _all_files(machine: Container) -> set[str]:
    prune = [word for folder in (*_RESTLESS, *_OTHERS) for word in ("-path", folder, "-o")]
    found = machine.out("find", "/", "(", *prune[:-1], ")", "-prune", "-o", "-print")
    return {name for name in found.splitlines() if not re.search("__pycache__|/etc/.*-$", name)}


def _main_pid(machine: Container) -> int:
    return int(machine.show(DAEMON, "MainPID")["MainPID"])


def _has_ended(machine: Container, oneshot: str) -> bool:
    state = machine.show(oneshot, "ActiveState", "ExecMainExitTimestamp")
    return state["ActiveState"] in {"inactive", "failed"} and state["ExecMainExitTimestamp"] != ""


def _complaints(machine: Container, unit: str) -> list[str]:
    """Return what the unit wrote into the journal as a warning or worse."""
    entries = machine.journal_entries(unit)
    return [str(entry["MESSAGE"]) for entry in entries if int(entry.get("PRIORITY", 6)) <= 4]


def test_install_says_what_to_do_next(
    machine: Container, before: set[str], builds: dict[str, Build]
) -> None:
    assert before
    said = steps.install(machine, builds["bookworm"])
    words = ("reolink-timelapse setup", "reolink-timelapse test", "enable --now reolink-timelapse")
    places = [said.find(word) for word in words]
    assert -1 not in places
    assert places == sorted(places)


def test_install_brings_all_it_needs(machine: Container) -> None:
    unneeded = machine.out("apt-get", "--simulate", "autoremove")
    assert "Remv" not in unneeded


def test_modules_are_private(machine: Container) -> None:
    for module in ("reolink_timelapsed", "ffmpeg", "past"):
        assert machine.run("python3", "-c", f"import {module}", check=False).returncode == 1
    assert machine.run("reolink-timelapse", "--help").returncode == 0


def test_daemon_waits_for_a_password(machine: Container) -> None:
    state = machine.show(DAEMON, "ActiveState", "ConditionResult", "UnitFileState", "MainPID")
    assert state == {
        "ActiveState": "inactive",
        "ConditionResult": "no",
        "UnitFileState": "enabled",
        "MainPID": "0",
    }
    shown = machine.out("systemctl", "status", DAEMON, check=False)
    assert re.search("Condition: start condition (failed|unmet)", shown), shown
    assert machine.out("systemctl", "--failed", "--quiet") == ""


def test_stitch_waits_for_its_timer(machine: Container) -> None:
    assert machine.show(STITCH, "ExecMainStartTimestamp")["ExecMainStartTimestamp"] == ""
    timer = machine.show(TIMER, "ActiveState", "UnitFileState", "TimersCalendar")
    assert (timer["ActiveState"], timer["UnitFileState"]) == ("active", "enabled")
    assert "reolink-timelapse-stitch" in machine.out("systemctl", "list-timers", "--no-pager")
    machine.run("systemctl", "start", STITCH)
    assert machine.show(STITCH, "ConditionResult", "Result") == {
        "ConditionResult": "no",
        "Result": "success",
    }


def test_units_are_sound(machine: Container) -> None:
    units = [
        name
        for plain in (DAEMON, STITCH, TIMER)
        for name in (plain, plain.replace(".", "@garage."))
    ]
    done = machine.run("systemd-analyze", "verify", *units)
    assert (done.stdout, done.stderr) == ("", "")


@pytest.mark.parametrize(("unit", "limit"), [(DAEMON, 1.1), (STITCH, 0.4)])
def test_units_are_confined(machine: Container, unit: str, limit: float) -> None:
    said = machine.out("systemd-analyze", "security", "--offline=true", "--no-pager", unit)
    found = re.search(r"exposure level for \S+: ([0-9.]+)", said)
    assert found
    assert float(found[1]) <= limit


def test_manual_and_completion(machine: Container) -> None:
    for page in ("reolink-timelapse", "reolink-timelapse.yaml"):
        assert "NVR" in machine.out("man", "--warnings", page)
    completed = machine.out(
        "bash",
        "-c",
        ". /usr/share/bash-completion/bash_completion; _completion_loader reolink-timelapse;"
        " COMP_WORDS=(reolink-timelapse st) COMP_CWORD=1 COMP_LINE='reolink-timelapse st'"
        " COMP_POINT=20; $(complete -p reolink-timelapse | sed 's/.*-F \\([^ ]*\\).*/\\1/');"
        ' echo "${COMPREPLY[@]}"',
    )
    assert completed.split() == ["status", "stitch"]


def test_setup(machine: Container, nvr: Nvr) -> None:
    said = steps.set_up(machine, nvr)
    for camera in NAMES:
        assert camera in said
    assert machine.out("stat", "-c", "%U:%G %a", CONFIG) == "root:root 644"
    password = machine.out("stat", "-c", "%U:%G %a", "/etc/reolink-timelapse/password")
    assert password == "root:root 600"
    assert nvr.state()["live_sessions"] == 0


def test_test(machine: Container, nvr: Nvr) -> None:
    said = machine.out("reolink-timelapse", "test")
    for word in (*NAMES, "ffmpeg"):
        assert word in said
    assert nvr.commands()[-1] == "Logout"


def test_daemon_takes_frames(machine: Container, nvr: Nvr) -> None:
    machine.run("systemctl", "enable", "--now", "reolink-timelapse")
    assert machine.is_state(DAEMON, "active")
    wait_for("frames of all cameras", PLENTY, lambda: steps.has_new_frames(machine, 5))
    assert "frames" in machine.show(DAEMON, "StatusText")["StatusText"]
    assert _complaints(machine, DAEMON) == []
    frame = steps.frames(machine)[0]
    assert machine.out("stat", "-c", "%U %a", f"/{frame.relative_to(machine.root)}") == (
        "_reolink-timelapse 640"
    )
    assert nvr.state()["live_sessions"] == 1


def test_status(machine: Container) -> None:
    said = json.loads(machine.out("reolink-timelapse", "status", "--json"))
    assert CAMERAS[0] in json.dumps(said)
    assert "2 cameras" in machine.out("reolink-timelapse", "status")
    assert said["stitch"]["is_known"]
    assert said["stitch"]["next_run"]


def test_status_tells_of_a_timer_that_is_off(machine: Container) -> None:
    timer = "reolink-timelapse-stitch.timer"
    machine.run("systemctl", "stop", timer)
    text = machine.out("reolink-timelapse", "status", check=False)
    machine.run("systemctl", "start", timer)
    assert f"sudo systemctl enable --now {timer}" in " ".join(text.split())
    assert "its timer is off" in text


def test_watchdog_restarts_a_daemon_that_hangs(machine: Container) -> None:
    machine.drop_in(DAEMON, "[Service]\nWatchdogSec=12\nTimeoutAbortSec=5\nRestartSec=1\n")
    machine.run("systemctl", "restart", DAEMON)
    pid = _main_pid(machine)
    machine.run("kill", "-STOP", str(pid))
    wait_for("the watchdog's kill", PLENTY, lambda: "Watchdog timeout" in machine.journal(DAEMON))
    wait_for("another daemon", PLENTY, lambda: _main_pid(machine) not in {0, pid})
    count = len(steps.frames(machine))
    wait_for("frames again", PLENTY, lambda: steps.has_new_frames(machine, count))
    machine.drop_in(DAEMON, "")
    machine.run("systemctl", "restart", DAEMON)


def test_a_daemon_that_is_killed_for_its_memory_is_back_at_the_next_tick(
    machine: Container, nvr: Nvr
) -> None:
    """And has its session still: at 15 seconds it loses no more than one tick, and no slot."""
    wait_for("frames", PLENTY, lambda: steps.has_new_frames(machine, 5))
    wait_for("a session", PLENTY, lambda: nvr.state()["live_sessions"] == 1)
    assert machine.show(DAEMON, "RestartUSec", "MemoryMax") == {
        "RestartUSec": "10s",
        "MemoryMax": str(160 * 1024**2),
    }
    pid, asked, before = _main_pid(machine), len(nvr.log()), steps.frames(machine)
    kill_for_memory(machine, DAEMON)
    count = len(steps.frames(machine))
    wait_for("another daemon", PLENTY, lambda: _main_pid(machine) not in {0, pid})
    wait_for("frames again", PLENTY, lambda: steps.has_new_frames(machine, count + 3))
    assert re.search("oom-kill|status=9/KILL", machine.journal(DAEMON))
    for camera in CAMERAS:
        known = max(steps.moment(path) for path in before if camera in path.parts)
        moments = [steps.moment(path) for path in steps.frames(machine) if camera in path.parts]
        since = [moment for moment in moments if moment >= known]
        assert max((b - a).total_seconds() for a, b in pairwise(since)) < 30, since
    assert "Login" not in nvr.commands()[asked:]
    assert nvr.state()["live_sessions"] == 1
    assert nvr.state()["broken_rules"] == []


def test_timer_has_videos_made(machine: Container) -> None:
    count = 8
    day = steps.make_past_day(machine, 1, count)
    # The timer's moment comes now instead of at five past.
    machine.drop_in(TIMER, "[Timer]\nOnActiveSec=1s\n")
    machine.run("systemctl", "restart", TIMER)
    wait_for("the stitch's end", 3 * PLENTY, lambda: _has_ended(machine, STITCH))
    machine.drop_in(TIMER, "")
    machine.run("systemctl", "restart", TIMER)
    assert machine.show(STITCH, "Result")["Result"] == "success"
    for camera in CAMERAS:
        for rendition in ("", "_720p"):
            video = machine.path(f"{DATA}/videos/{camera}/timelapse_{camera}_{day}{rendition}.mp4")
            found = steps.probe(machine, video)
            assert (int(found["nb_read_frames"]), found["codec_name"]) == (count, "h264")
    assert _complaints(machine, STITCH) == []


def test_stitch_out_of_memory_harms_nobody_else(machine: Container) -> None:
    day = steps.make_past_day(machine, 2, 8)
    before = steps.videos(machine)
    daemon = _main_pid(machine)
    run_short_of_memory(machine, STITCH, f"reolink-timelapse --config {CONFIG} stitch", 64)
    assert machine.show(STITCH, "Result")["Result"] == "exit-code"
    said = [line for line in _complaints(machine, STITCH) if "memory" in line]
    assert any(day in line and "stitch.max_width" in line for line in said), said
    assert steps.videos(machine) == before
    assert _main_pid(machine) == daemon
    count = len(steps.frames(machine))
    wait_for("frames go on", PLENTY, lambda: steps.has_new_frames(machine, count))

    machine.run("systemctl", "start", STITCH, seconds=300)
    assert len([path for path in steps.videos(machine) if day in path.name]) == 4


def test_prune_runs_after_a_stitch_that_fails(machine: Container) -> None:
    machine.drop_in(STITCH, "[Service]\nExecStart=\nExecStart=/bin/false\n")
    machine.run("journalctl", "--rotate")
    started = machine.run("systemctl", "start", STITCH, check=False)
    assert started.returncode != 0
    state = machine.show(STITCH, "Result", "ExecStopPost")
    assert state["Result"] == "exit-code"
    assert re.search(r"prune .*status=0", state["ExecStopPost"])
    machine.drop_in(STITCH, "")
    machine.run("systemctl", "reset-failed", STITCH)


def test_upgrade_restarts_the_daemon_once(machine: Container, nvr: Nvr, upgrade: Build) -> None:
    edited = machine.path(CONFIG).read_text() + "# edited by hand\n"
    machine.path(CONFIG).write_text(edited)
    secret = machine.path("/etc/reolink-timelapse/password").read_text()
    kept = {path.name for path in (*steps.frames(machine), *steps.videos(machine))}
    starts = machine.journal(DAEMON).count("Started ")
    asked = len(nvr.log())
    count = len(steps.frames(machine))

    said = steps.install(machine, upgrade)
    assert "reolink-timelapse setup" not in said
    wait_for("frames again", PLENTY, lambda: steps.has_new_frames(machine, count + 8))

    assert machine.out("dpkg-query", "-W", "-f", "${Version}", "reolink-timelapse") == (
        upgrade.version
    )
    assert machine.path(CONFIG).read_text() == edited
    assert machine.path("/etc/reolink-timelapse/password").read_text() == secret
    assert kept <= {path.name for path in (*steps.frames(machine), *steps.videos(machine))}
    assert machine.journal(DAEMON).count("Started ") == starts + 1
    commands = [request["cmd"] for request in nvr.log()[asked:]]
    assert (commands.count("Logout"), commands.count("Login")) == (1, 1)
    assert commands.index("Logout") < commands.index("Login")
    newest = [path for path in steps.frames(machine) if path.parts[-3] == CAMERAS[0]][-6:]
    gaps = [(steps.moment(b) - steps.moment(a)).total_seconds() for a, b in pairwise(newest)]
    assert max(gaps) < 3 * INTERVAL, gaps


def test_stop_logs_out(machine: Container, nvr: Nvr) -> None:
    machine.run("systemctl", "stop", DAEMON)
    state = machine.show(DAEMON, "ActiveState", "Result", "ExecMainStatus")
    assert state == {"ActiveState": "inactive", "Result": "success", "ExecMainStatus": "0"}
    assert nvr.commands()[-1] == "Logout"
    assert nvr.state()["broken_rules"] == []


def test_frames_outlast_a_hard_stop(machine: Container, nvr: Nvr) -> None:
    machine.run("systemctl", "start", DAEMON)
    count = len(steps.frames(machine))
    wait_for("new frames", PLENTY, lambda: steps.has_new_frames(machine, count))
    machine.hard_stop()
    survivors = steps.frames(machine)
    assert len(survivors) > count
    assert [path for path in survivors if not steps.is_whole(path)] == []

    machine.boot()
    assert wait_for("the daemon", PLENTY, lambda: machine.is_state(DAEMON, "active"))
    # It came up by itself, and does not mind that the NVR is not there yet.
    assert machine.show(DAEMON, "NRestarts")["NRestarts"] == "0"
    nvr.start()
    wait_for("new frames", 3 * PLENTY, lambda: steps.has_new_frames(machine, len(survivors)))
    assert set(survivors) <= set(steps.frames(machine))


def test_remove_leaves_settings_and_data(machine: Container, nvr: Nvr) -> None:
    kept = steps.videos(machine)
    machine.run("apt-get", "remove", "-qy", "reolink-timelapse")
    assert nvr.commands()[-1] == "Logout"
    assert not machine.path("/usr/share/reolink-timelapse").exists()
    assert machine.path(CONFIG).exists()
    assert machine.path("/etc/reolink-timelapse/password").exists()
    assert steps.videos(machine) == kept
    assert steps.frames(machine)


def test_purge_leaves_frames_and_videos_alone(machine: Container, before: set[str]) -> None:
    kept = {*steps.videos(machine), *steps.frames(machine)}
    done = machine.run("apt-get", "purge", "-qy", "reolink-timelapse")
    for kind in ("frames", "videos"):
        assert f"{DATA}/{kind}" in done.stdout + done.stderr
    assert {*steps.videos(machine), *steps.frames(machine)} == kept
    left = {name for name in _all_files(machine) - before if not _is_users(name)}
    assert left == set()
    assert before - _all_files(machine) == set()
    assert machine.out("systemctl", "--failed", "--quiet") == ""


def _is_users(name: str) -> bool:
    """Whether it is a frame, a video, or what is told of a video; or a folder of them."""
    parts = Path(name).relative_to("/").parts
    return parts[:3] == ("var", "lib", "reolink-timelapse") and (
        parts[3:4] in ((), ("frames",), ("videos",))
    )
