"""Tells the journal when a fault begins and when it ends, and not each time in between."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta

BEGINNINGS_PER_HOUR = 4
"""Of one thing. What comes and goes more often goes on unsaid until it has been quiet."""

_HOUR_SECONDS = 3600.0

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Fault:
    kind: str
    since: float
    told: bool


@dataclass(slots=True)
class Story:
    """The open faults, each under the key of what it befell; times are monotonic seconds."""

    _open: dict[str, _Fault] = field(default_factory=dict)
    _told_at: dict[str, deque[float]] = field(default_factory=dict)

    def begin(self, key: str, kind: str, text: str, now: float) -> None:
        """Tell of a fault unless it is known: the same `key` with the same `kind`."""
        fault = self._open.get(key)
        if fault and fault.kind == kind:
            return
        told = self._may_tell(key, now)
        self._open[key] = _Fault(kind, fault.since if fault else now, told)
        if told:
            log.warning("%s", text)

    def end(self, key: str, text: str, now: float) -> None:
        """Tell that the fault of `key` is over, with how long it lasted, if its begin was told."""
        fault = self._open.pop(key, None)
        if fault and fault.told:
            log.info("%s after %s", text, span(timedelta(seconds=now - fault.since)))

    def _may_tell(self, key: str, now: float) -> bool:
        told = self._told_at.setdefault(key, deque())
        while told and told[0] <= now - _HOUR_SECONDS:
            told.popleft()
        if len(told) >= BEGINNINGS_PER_HOUR:
            return False
        told.append(now)
        return True


def span(length: timedelta) -> str:
    """Return a length of time for people: the two largest units."""
    seconds = round(length.total_seconds())
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    parts: list[tuple[int, str]] = []
    for name, size in units:
        count, seconds = divmod(seconds, size)
        if count or parts:
            parts.append((count, name))
    return " ".join(f"{count} {name}" for count, name in parts[:2] if count) or "0 s"
