"""Time as the daemon sees it: now, waiting until stopped, and deadlines; and a clock that jumps.

The only module that reads the system's clocks or waits. One thread, the main one: stopping and
deadlines work through Unix signals, which Python delivers there.
"""

from __future__ import annotations

import math
import os
import select
import signal
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from types import FrameType
from zoneinfo import ZoneInfo

STOP_GRACE_SECONDS = 1.5
"""What a call under way may still take once the daemon was told to stop."""

_LAST_CALL_SECONDS = 3.5
"""What a call may take that begins after that: the logout. Together they make 5 s."""

_SYNCHRONISED = Path("/run/systemd/timesync/synchronized")
"""Made by systemd-timesyncd once it has set the clock; other time services have no such sign."""

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")

_REPEAT_SECONDS = 0.5
"""The deadline strikes again: an exception raised inside a destructor would be lost."""


_SOON_SECONDS = 0.001
"""Zero would mean never."""


class DeadlineExceeded(BaseException):
    """A block under `Clock.deadline` took too long.

    A BaseException, so that no library's `except Exception` on the way takes it for its own.
    """


class Clock:
    """The system's clocks."""

    def __init__(self) -> None:
        self.stopping = False
        self._under_deadline = False
        self._ends_at = 0.0
        self._grace = STOP_GRACE_SECONDS
        self._stopped = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        weakref.finalize(self, os.close, self._stopped)

    def now(self) -> datetime:
        """Return the wall-clock time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds since the machine's start, those of a suspended machine's sleep too."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def synchronised(self) -> bool:
        """Whether the wall clock is known to be right; False says nothing."""
        return _SYNCHRONISED.exists()

    def boot_id(self) -> str:
        """Return what tells this run of the machine from every other, "" if that is not known.

        The unit hands it in, as its sandbox hides the kernel's own file.
        """
        return os.environ.get("TIMELAPSE_BOOT_ID", "") or _kernels_boot_id()

    def sleep(self, seconds: float) -> None:
        """Wait for `seconds`, or less when told to stop meanwhile; return at once after that."""
        if seconds > 0 and not self.stopping:
            waiting = select.poll()
            waiting.register(self._stopped, select.POLLIN)
            waiting.poll(math.ceil(seconds * 1000))

    def stop(self) -> None:
        """Cut all waiting short from now on, and give a call under way a moment to end."""
        self.stopping = True
        os.eventfd_write(self._stopped, 1)
        if self._under_deadline:
            self._set_alarm(self._grace)

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
        self._ends_at = time.monotonic() + seconds
        self._grace = STOP_GRACE_SECONDS
        self._under_deadline = True
        try:
            try:
                self._set_alarm(_LAST_CALL_SECONDS if self.stopping else seconds)
                yield
            finally:
                self._under_deadline = False
        finally:  # reached even if the alarm goes off inside the line above
            signal.setitimer(signal.ITIMER_REAL, 0)
            self._under_deadline = False
            signal.signal(signal.SIGALRM, previous)

    def be_patient(self, seconds: float) -> None:
        """Let the block under `deadline` have so long once told to stop, but not beyond its end."""
        self._grace = seconds
        if self.stopping and self._under_deadline:
            self._set_alarm(seconds)

    def _set_alarm(self, seconds: float) -> None:
        left = max(min(seconds, self._ends_at - time.monotonic()), _SOON_SECONDS)
        signal.setitimer(signal.ITIMER_REAL, left, _REPEAT_SECONDS)

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
        self.right = True
        """Whether it is known to be."""
        self.boot = ""

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    def synchronised(self) -> bool:
        return self.right

    def boot_id(self) -> str:
        return self.boot

    def sleep(self, seconds: float) -> None:
        if seconds > 0 and not self.stopping:
            self._monotonic += seconds
            self._now += timedelta(seconds=seconds)

    def step(self, seconds: float) -> None:
        """Set the wall clock forward or back, as NTP would; no time passes."""
        self._now += timedelta(seconds=seconds)


def _kernels_boot_id() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


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
