"""What the checks of `test` found: said line by line, and the exit code that follows from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TextIO

from reolink_timelapsed.errors import ExitCode, TimelapseError
from reolink_timelapsed.humanize import printable


@dataclass(slots=True)
class Findings:
    """`exit_code` is that of the first fault; `frame_bytes` what one picture of each camera takes.

    `clean` takes secrets out of what others say.
    """

    out: TextIO
    clean: Callable[[str], str]
    exit_code: ExitCode = ExitCode.OK
    frame_bytes: int = 0

    def say(self, text: str) -> None:
        self.out.write(f"{printable(text)}\n")
        self.out.flush()

    def line(self, label: str, text: str) -> None:
        self.say(f"{label:<10} {text}")

    def fault(self, label: str, error: TimelapseError) -> None:
        self.line(label, f"FAILED: {error}")
        self.failed(error)

    def failed(self, error: TimelapseError) -> None:
        """Note a fault that is told elsewhere."""
        self.exit_code = self.exit_code or error.exit_code
