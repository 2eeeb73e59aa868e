"""How long to leave the NVR alone after a fault that befell all of it."""

from __future__ import annotations

from dataclasses import dataclass

from reolink_timelapsed.errors import LoginRefused, NvrError, SessionExpired, SessionLimit

SLOT_PAUSE_SECONDS = 30.0
QUICK_SLOT_TRIES = 5
"""The NVR's own rule for -5: 30 s, up to five times; after that slowly, up to the lease's hour."""

_SLOWEST_SLOT_PAUSE_SECONDS = 300.0
_EXPIRED_PAUSE_SECONDS = 30.0
_DOWN_PAUSES_SECONDS = (4.0, 4.0, 9.0, 14.0)
"""A machine that is down minds no knocking, and capture should be back within a tick.

A second less than slices of the loop's wait, so that with the question they do not take one more.
"""


@dataclass(slots=True)
class Holdoff:
    """Nothing is asked of the NVR before `until` (monotonic seconds) because of `error`."""

    error: NvrError | None = None
    until: float = 0.0
    tries: int = 0

    def active(self, monotonic: float) -> bool:
        return self.error is not None and monotonic < self.until

    def hold(self, error: NvrError, monotonic: float) -> None:
        """Plan the next try after `error`; each further error of the same kind is a longer wait."""
        self.tries = self.tries + 1 if self.error and error.reason == self.error.reason else 1
        self.error = error
        self.until = monotonic + max(pause(error, self.tries), error.hold_seconds)

    def clear(self) -> None:
        self.error, self.until, self.tries = None, 0.0, 0


def pause(error: NvrError, tries: int) -> float:
    """Return the seconds to wait after the error came `tries` times (from 1) in a row."""
    if isinstance(error, SessionLimit):
        slow = tries - QUICK_SLOT_TRIES
        growing = SLOT_PAUSE_SECONDS * 2.0 ** min(max(slow, 0), 10)
        return float(min(growing, _SLOWEST_SLOT_PAUSE_SECONDS))
    if isinstance(error, SessionExpired):
        return _EXPIRED_PAUSE_SECONDS
    if isinstance(error, LoginRefused):
        return SLOT_PAUSE_SECONDS
    return _DOWN_PAUSES_SECONDS[min(tries, len(_DOWN_PAUSES_SECONDS)) - 1]
