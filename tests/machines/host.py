"""Commands on the machine that runs the tests, and waiting."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


class Failed(AssertionError):
    """A command ended with another exit status than 0; the text has its output."""


def run(
    *command: str | Path, stdin: bytes | None = None, cwd: Path | None = None, seconds: float = 600
) -> str:
    """Return what the command wrote to stdout and stderr."""
    done = subprocess.run(
        [str(word) for word in command],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        input=stdin or b"",
        cwd=cwd,
        timeout=seconds,
    )
    said = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        raise Failed(f"{command[0]}: exit {done.returncode}: {said[-3000:]}")
    return said


def wait_for(what: str, seconds: float, ready: Callable[[], T]) -> T:
    """Return the first true answer of `ready`; fail with `what` after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        answer = ready()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds:g} s still not: {what}")
        time.sleep(0.2)
