"""Time as the daemon sees it: now, waiting until stopped, and deadlines; and a clock that jumps.

The only module that reads the system's clocks or waits. One thread, the main one: stopping and
deadlines work through Unix signals, which Python delivers there.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from types import FrameType
from zoneinfo import ZoneInfo

STOP_GRACE_SECONDS = 2.0
"""What a call under way may still take once the daemon was told to stop."""

_REPEAT_SECONDS = 0.5
"""The deadline strikes again: an exception raised inside a destructor would be lost."""


class DeadlineExceeded(BaseException):
    """A block under `Clock.deadline` took too long.

    A BaseException, so that no library's `except Exception` on the way takes it for its own.
    """


class Clock:
    """The system's clocks."""

    def __init__(self) -> None:
        self.stopping = False
        self._under_deadline = False
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._wake_reader.setblocking(False)
        self._wake_writer.setblocking(False)

    def now(self) -> datetime:
        """Return the wall-clock time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never go back and that count a suspended machine's sleep, too."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def sleep(self, seconds: float) -> None:
        """Wait for `seconds`, or less when told to stop meanwhile; return at once after that."""
        if seconds > 0 and not self.stopping:
            select.select([self._wake_reader], [], [], seconds)

    def stop(self) -> None:
        """Cut all waiting short from now on, and give a call under way a moment to end."""
        self.stopping = True
        self._wake_writer.send(b"\0")
        if self._under_deadline:
            left, _ = signal.getitimer(signal.ITIMER_REAL)
            grace = min(left or STOP_GRACE_SECONDS, STOP_GRACE_SECONDS)
            signal.setitimer(signal.ITIMER_REAL, grace, _REPEAT_SECONDS)

    def stop_on_signals(self) -> None:
        """Let SIGTERM and SIGINT stop this clock. Main thread only."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_stop_signal)

    def _on_stop_signal(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if not self.stopping:
            self.stop()

    @contextmanager
    def deadline(self, seconds: float) -> Iterator[None]:
        """Bound a block in real time, whatever it is blocked in. Main thread only; do not nest.

        Socket timeouts bound a single read; a peer that drips bytes, or headers, outlives them.

        Raises:
            DeadlineExceeded: inside the block, after `seconds`.
        """
        previous = signal.signal(signal.SIGALRM, self._on_alarm)
        self._under_deadline = True
        try:
            signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001), _REPEAT_SECONDS)
            yield
        finally:
            self._under_deadline = False
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, previous)

    def _on_alarm(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if self._under_deadline:
            raise DeadlineExceeded


class JumpingClock(Clock):
    """A clock for demonstrations and tests: waiting moves it, and costs no time."""

    def __init__(self, start: datetime) -> None:
        super().__init__()
        self._now = start
        self._monotonic = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def sleep(self, seconds: float) -> None:
        if seconds > 0 and not self.stopping:
            self._monotonic += seconds
            self._now += timedelta(seconds=seconds)

    def step(self, seconds: float) -> None:
        """Set the wall clock forward or back, as NTP would; no time passes."""
        self._now += timedelta(seconds=seconds)


def local_zone() -> tzinfo:
    """Return the machine's time zone: TZ if it names one, else /etc/localtime, else UTC."""
    name = os.environ.get("TZ", "").lstrip(":")
    if name:
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            pass
    try:
        with Path("/etc/localtime").open("rb") as file:
            return ZoneInfo.from_file(file, key="localtime")
    except (OSError, ValueError):
        return UTC
