"""The demonstration as somebody sees it who runs it for the first time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.screen import Screen

ROOT = Path(__file__).parents[2]
SECONDS = 120


@contextmanager
def running(folder: Path, stdout: int, stderr: int) -> Iterator[subprocess.Popen[bytes]]:
    """Start it, and end it like somebody who has seen enough."""
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TERM": "xterm"}
    command = [sys.executable, "-m", "reolink_timelapsed", "demo", "--output", str(folder)]
    with subprocess.Popen(command, env=environ, stdout=stdout, stderr=stderr) as process:
        yield process
        process.terminate()
        process.wait(timeout=SECONDS)


def test_its_progress_stays_one_line_of_the_terminal(tmp_path: Path) -> None:
    screen = Screen(80)
    with (
        screen,
        running(tmp_path / "demo", screen.descriptor, screen.descriptor) as process,
    ):
        screen.close_ours()
        screen.follow("04:15 ")
        assert process.poll() is None
        shown = screen.lines()
    assert "04:" in shown[-1]
    assert not any(line.startswith("04:") for line in shown[:-1])
    assert any("INFO cameras: ch0_Lake" in line for line in shown)


def test_what_it_says_into_a_pipe_is_there_when_it_happens(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    with running(folder, subprocess.PIPE, subprocess.DEVNULL) as process:
        assert process.stdout
        assert process.stdout.readline().startswith(b"A simulated NVR with 2 cameras")
        assert process.stdout.readline().startswith(b"03:58 ")
        assert not list(folder.glob("videos/*/*.mp4"))


def test_a_reader_who_has_enough_ends_it_without_a_word(tmp_path: Path) -> None:
    with running(tmp_path / "demo", subprocess.PIPE, subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read().decode()
        assert process.wait(timeout=SECONDS) == 141
    assert "WARN" not in said
    assert "ERROR" not in said
    assert "Traceback" not in said
