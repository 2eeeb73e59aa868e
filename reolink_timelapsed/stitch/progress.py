"""Says how far the encode is: a bar on a terminal, a line for each segment in the journal."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TextIO

from reolink_timelapsed.humanize import several
from reolink_timelapsed.system.clock import Clock
from reolink_timelapsed.system.terminal import StatusLine

_REDRAW_SECONDS = 0.2
_STATUS_SECONDS = 5.0
_WIDTH = 12

log = logging.getLogger(__name__)


class Progress:
    """Progress of one film at a time, in frames to encode; `status` is for `systemctl status`."""

    def __init__(
        self, clock: Clock, terminal: TextIO | None, status: Callable[[str], None]
    ) -> None:
        self._clock = clock
        self._line = StatusLine(terminal)
        self._status = status
        self._label = ""
        self._total = self._done = 0
        self._began = self._drawn = self._told = 0.0

    def begin(self, label: str, frames: int) -> None:
        """Begin a film with so many frames left to encode."""
        self._label, self._total, self._done = label, frames, 0
        self._began = self._clock.monotonic()
        self._drawn = self._told = 0.0
        if frames:
            self._show()

    def advance(self) -> None:
        """One more frame is on its way."""
        self._done += 1
        self._show()

    def say(self, text: str) -> None:
        """Log a line, clear of the bar."""
        self.clear()
        log.info("%s", text)

    def clear(self) -> None:
        """Take the bar off the terminal."""
        if self._drawn:
            self._line.clear()
            self._drawn = 0.0

    def _show(self) -> None:
        monotonic = self._clock.monotonic()
        if not self._drawn or monotonic - self._drawn >= _REDRAW_SECONDS:
            self._drawn = monotonic or 1.0
            self._line.show(f"{self._bar()} {self._text(monotonic)}")
        if not self._told or monotonic - self._told >= _STATUS_SECONDS:
            self._told = monotonic or 1.0
            self._status(self._text(monotonic))

    def _bar(self) -> str:
        filled = _WIDTH * min(self._done, self._total) // max(self._total, 1)
        return "[" + "#" * filled + "." * (_WIDTH - filled) + "]"

    def _text(self, monotonic: float) -> str:
        text = f"{self._label}: {self._done} of {several(self._total, 'frame')}"
        spent = monotonic - self._began
        if self._done and spent > 1:
            rate = self._done / spent
            left = max(self._total - self._done, 0) / rate
            text += f", {duration(left)} left, {rate:.1f} a second"
        return text


def duration(seconds: float) -> str:
    """Return a time for people: `8 s`, `5 min`, `2 h 05 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02} min"
