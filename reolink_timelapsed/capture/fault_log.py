"""Tells the journal when a fault begins and when it ends, and not each time in between.

Whatever happens, an hour has at most `LINES_PER_HOUR` lines.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from reolink_timelapsed.humanize import span

LINES_PER_HOUR = 20
BEGINNINGS_PER_HOUR = 4
"""Of one thing. What comes and goes more often goes on unsaid until it has been quiet."""

_KEPT_FOR_ENDS = 6
"""Lines of an hour that no beginning may take: a fault that was told of should be seen to end."""

_HOUR_SECONDS = 3600.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Fault:
    kind: str
    since: float
    told: bool


@dataclass(slots=True)
class Story:
    """The open faults, each under the key of what it befell; times are monotonic seconds.

    It is kept, but not told, for a command that says by itself what it finds.
    """

    is_told: bool = True
    _open: dict[str, _Fault] = field(default_factory=dict)
    _told: dict[str, deque[float]] = field(default_factory=dict)
    _lines: deque[float] = field(default_factory=deque)
    _overflow_told: float | None = None

    def begin(
        self, key: str, kind: str, text: str, monotonic: float, level: int = logging.WARNING
    ) -> None:
        """Tell of a fault unless it is known: the same `key` with the same `kind`."""
        self.begin_together([key], kind, text, monotonic, level)

    def begin_together(
        self,
        keys: Iterable[str],
        kind: str,
        text: str,
        monotonic: float,
        level: int = logging.WARNING,
    ) -> None:
        """Tell in one line of the same fault of several things; nothing if all of it is known."""
        fresh = [key for key in keys if not self.knows(key, kind)]
        told = [key for key in fresh if self._is_rare(key, monotonic)]
        if told and not self._tell(text, monotonic, level, LINES_PER_HOUR - _KEPT_FOR_ENDS):
            told = []
        for key in fresh:
            before = self._open.get(key)
            self._open[key] = _Fault(kind, before.since if before else monotonic, key in told)

    def knows(self, key: str, kind: str) -> bool:
        """Whether a fault of this kind is open."""
        return key in self._open and self._open[key].kind == kind

    def end(self, key: str, text: str, monotonic: float) -> None:
        """Tell that the fault of `key` is over, with how long it lasted, if its begin was told."""
        self.end_together([key], text, monotonic)

    def end_together(self, keys: Iterable[str], text: str, monotonic: float) -> None:
        """Tell in one line that the faults of several things are over."""
        over = [self._open.pop(key) for key in keys if key in self._open]
        if any(fault.told for fault in over):
            longest = max(monotonic - fault.since for fault in over if fault.told)
            self._tell(f"{text} after {span(timedelta(seconds=longest))}", monotonic, logging.INFO)

    def note(self, text: str, monotonic: float) -> None:
        """Tell of something that is no fault."""
        self._tell(text, monotonic, logging.INFO, LINES_PER_HOUR - _KEPT_FOR_ENDS)

    def _is_rare(self, key: str, monotonic: float) -> bool:
        told = self._told.setdefault(key, deque())
        _drop_old(told, monotonic)
        if len(told) >= BEGINNINGS_PER_HOUR:
            return False
        told.append(monotonic)
        return True

    def _tell(
        self, text: str, monotonic: float, level: int, most: int = LINES_PER_HOUR - 1
    ) -> bool:
        if not self.is_told:
            return False
        _drop_old(self._lines, monotonic)
        if len(self._lines) >= most:
            self._say_overflow(monotonic)
            return False
        self._lines.append(monotonic)
        log.log(level, "%s", text)
        return True

    def _say_overflow(self, monotonic: float) -> None:
        if self._overflow_told is not None and monotonic - self._overflow_told < _HOUR_SECONDS:
            return
        self._overflow_told = monotonic
        self._lines.append(monotonic)
        log.warning(
            "more is going on than the journal is told in an hour: "
            "`reolink-timelapse status` shows how each camera fares"
        )


def _drop_old(moments: deque[float], monotonic: float) -> None:
    while moments and moments[0] <= monotonic - _HOUR_SECONDS:
        moments.popleft()
