"""The daemon as a process of its own: signals, kills, and what it lets out."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from reolink_timelapsed.media.jpeg import picture_size
from reolink_timelapsed.nvr.client import LOGOUT_SECONDS
from reolink_timelapsed.nvr.transport import LOGIN_PATIENCE_SECONDS
from reolink_timelapsed.simulator import Kind, SimulatedNvr
from reolink_timelapsed.system.clock import STOP_GRACE_SECONDS
from tests.support import PASSWORD, PATIENCE_SECONDS, USERNAME, simulated

ROOT = Path(__file__).parent.parent
PATIENT = {"timeout_seconds": 30}
"""A stop that waited for a request would take longer than `PATIENCE_SECONDS`."""

KILLS = 50

FORKS = """
import os, sys
from reolink_timelapsed.storage import daemon_state as board
from reolink_timelapsed.capture import loop as capture
from reolink_timelapsed import cli
from reolink_timelapsed.cli import wiring
for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        os._exit(cli.main(line.split()))
    print(pid, flush=True)
"""
"""A process that has done all its imports, and forks a daemon for every line of arguments."""


@pytest.fixture
def nvr() -> Iterator[SimulatedNvr]:
    """On the real clock."""
    with simulated(None) as recorder:
        yield recorder


@pytest.fixture
def config(folder: Path, nvr: SimulatedNvr) -> Path:
    path = folder / "config.yaml"
    settings = {
        "nvr": {"host": nvr.url, "username": USERNAME, "password": PASSWORD} | PATIENT,
        "capture": {"interval_seconds": 1, "daily_start": "00:00", "duration_hours": 24},
        "storage": {"data_dir": str(folder / "data"), "min_free_gb": 0},
    }
    path.write_text(json.dumps(settings))  # JSON is YAML
    path.chmod(0o600)
    return path


def environment(folder: Path, *, runtime: bool = True) -> dict[str, str]:
    state = {"STATE_DIRECTORY": str(folder / "state")}
    if runtime:
        state["RUNTIME_DIRECTORY"] = str(folder / "run")
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TZ": "UTC"} | state


@contextmanager
def daemon(config: Path, *options: str, runtime: bool = True) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "reolink_timelapsed", "--config", str(config)]
    with subprocess.Popen(
        [*command, *options, "capture"],
        env=environment(config.parent, runtime=runtime),
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_until(what: Callable[[], object]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not what():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.005)


def frames(folder: Path) -> list[Path]:
    return sorted((folder / "data" / "frames").glob("*/*/*.jpg"))


# Told to stop


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_with_a_logout(
    nvr: SimulatedNvr, folder: Path, config: Path, number: int
) -> None:
    with daemon(config) as process:
        wait_until(lambda: len(frames(folder)) >= 2)
        process.send_signal(number)
        assert process.wait(PATIENCE_SECONDS) == 0
    assert nvr.log[-1].cmd == "Logout"
    assert nvr.live_sessions == []
    assert all(picture_size(frame.read_bytes()) for frame in frames(folder))
    assert not (folder / "state" / ".state" / "session.json").exists()


def test_a_signal_ends_it_in_time_while_a_snapshot_hangs(
    nvr: SimulatedNvr, folder: Path, config: Path
) -> None:
    nvr.misbehave(Kind.SILENCE, cmd="Snap")
    with daemon(config) as process:
        wait_until(lambda: nvr.log and nvr.log[-1].cmd == "Snap")
        process.terminate()
        assert process.wait(PATIENCE_SECONDS) == 0
    assert nvr.log[-1].cmd == "Logout"
    assert nvr.live_sessions == []
    assert frames(folder) == []


def test_a_signal_in_the_middle_of_a_slow_login_leaves_no_slot_taken(
    nvr: SimulatedNvr, config: Path
) -> None:
    """Given up, it would leave a session behind whose token nobody knows."""
    nvr.misbehave(Kind.DELAY, cmd="Login", seconds=2 * STOP_GRACE_SECONDS)
    with daemon(config) as process:
        wait_until(lambda: nvr.log)
        process.terminate()
        assert process.wait(PATIENCE_SECONDS) == 0
    assert [one.cmd for one in nvr.log] == ["Login", "Logout"]
    assert nvr.live_sessions == []


def test_a_stop_has_time_for_a_slow_login_and_its_logout() -> None:
    unit = (ROOT / "systemd" / "reolink-timelapse.service").read_text()
    assert f"TimeoutStopSec={LOGIN_PATIENCE_SECONDS + LOGOUT_SECONDS + 4.5:.0f}\n" in unit


def test_a_signal_ends_it_while_it_waits_for_a_slot(
    nvr: SimulatedNvr, folder: Path, config: Path
) -> None:
    nvr.take_slots(2, 3600)
    with daemon(config) as process:
        wait_until(lambda: "slots" in _state(folder))
        process.terminate()
        assert process.wait(PATIENCE_SECONDS) == 0
    assert [one.cmd for one in nvr.log] == ["Login"]


def _state(folder: Path) -> str:
    path = folder / "run" / "status.json"
    return str(json.loads(path.read_text())["state"]) if path.exists() else ""


# Killed


def test_fifty_kills_in_a_row_leave_at_most_one_slot_taken(
    nvr: SimulatedNvr, folder: Path, config: Path
) -> None:
    token_file = folder / "state" / ".state" / "session.json"
    rng = random.Random(50)
    with subprocess.Popen(
        [sys.executable, "-c", FORKS],
        env=environment(folder),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as forks:
        assert forks.stdin
        assert forks.stdout
        for kill in range(KILLS):
            forks.stdin.write(f"--config {config} capture\n")
            forks.stdin.flush()
            pid = int(forks.stdout.readline())
            time.sleep(rng.uniform(1.8, 2.4) if kill % 25 == 24 else rng.uniform(0, 0.1))
            wait_until(lambda: _kept(token_file, nvr))
            os.kill(pid, signal.SIGKILL)
            assert len(nvr.live_sessions) <= 1
        forks.stdin.close()
    assert -5 not in {one.outcome for one in nvr.log}
    assert sum(one.cmd == "Login" for one in nvr.log) <= 2
    assert frames(folder)
    assert all(picture_size(frame.read_bytes()) for frame in frames(folder))
    before = len(nvr.log)
    with daemon(config) as process:
        wait_until(lambda: len(nvr.log) > before + 2)
        process.terminate()
        assert process.wait(PATIENCE_SECONDS) == 0
    assert nvr.live_sessions == []


def _kept(token_file: Path, nvr: SimulatedNvr) -> bool:
    """Whether no token is on its way to the disk: in those milliseconds a kill would lose it."""
    live = nvr.live_sessions
    try:
        return not live or json.loads(token_file.read_text())["token"] in live
    except (FileNotFoundError, ValueError):
        return False


# Seen from another process


def test_a_test_by_hand_uses_the_daemons_session(
    nvr: SimulatedNvr, folder: Path, config: Path
) -> None:
    with daemon(config) as process:
        wait_until(lambda: len(frames(folder)) >= 2)
        done = subprocess.run(
            [sys.executable, "-m", "reolink_timelapsed", "--config", str(config), "test"],
            env=environment(folder),
            capture_output=True,
            text=True,
            check=False,
            timeout=6 * PATIENCE_SECONDS,
        )
        before = len(frames(folder))
        wait_until(lambda: len(frames(folder)) >= before + 4)
        process.terminate()
        assert process.wait(PATIENCE_SECONDS) == 0
    assert "in the daemon's session" in done.stdout
    assert done.returncode == 0
    assert [one.cmd for one in nvr.log if one.cmd in {"Login", "Logout"}] == ["Login", "Logout"]
    assert nvr.live_sessions == []


def test_status_sees_a_daemon_that_was_started_by_hand(
    nvr: SimulatedNvr, folder: Path, config: Path
) -> None:
    assert nvr.url
    with daemon(config, runtime=False) as process:
        wait_until(lambda: len(frames(folder)) >= 4)
        seen = status(config)
        assert "frames of 2 cameras" in seen["daemon"]["state"]
        assert seen["daemon"]["logged_in"]
        process.kill()
        process.wait(PATIENCE_SECONDS)
    assert status(config)["daemon"] is None
    token = json.loads((folder / "state" / ".state" / "session.json").read_text())["token"]
    assert token in nvr.live_sessions


def status(config: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "reolink_timelapsed", "--config", str(config), "status"]
    done = subprocess.run(
        [*command, "--json"],
        env=environment(config.parent, runtime=False),
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_SECONDS,
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told


# What gets out


def test_no_secret_gets_out_whatever_happens(nvr: SimulatedNvr, folder: Path, config: Path) -> None:
    nvr.misbehave(Kind.CUT, cmd="Snap", times=1)
    nvr.misbehave(Kind.RSP_CODE, cmd="Snap", code=-6, times=1, detail=PASSWORD)
    with daemon(config, "--verbose") as process:
        wait_until(lambda: len(frames(folder)) >= 2)
        tokens = {one.given for one in nvr.log if one.given}
        state = (folder / "run" / "status.json").read_text()
        process.terminate()
        _, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert len(tokens) >= 2
    assert "DEBUG" in said
    for secret in (PASSWORD, *tokens):
        for form in (secret, quote(secret), quote(secret, safe=""), quote_plus(secret)):
            assert form not in said + state


def test_a_wrong_password_does_not_end_it(nvr: SimulatedNvr, folder: Path, config: Path) -> None:
    nvr.accounts[USERNAME] = "another"
    advice = f"sudo reolink-timelapse --config {config} setup"
    with daemon(config) as process:
        wait_until(lambda: advice in _state(folder))
        assert process.poll() is None
        process.terminate()
        _, said = process.communicate(timeout=PATIENCE_SECONDS)
    assert said.count(advice) == 1
    assert [one.cmd for one in nvr.log] == ["Login"]
    assert (folder / "state" / ".state" / "refusals.json").stat().st_mode & 0o777 == 0o600
