"""When to ask again what failed: the whole NVR after a while, a bad channel last and seldom.

A bad channel is said twice, not each time.
"""

from __future__ import annotations

from dataclasses import dataclass

from reolink_timelapsed.errors import (
    BadFrame,
    ChannelFailed,
    LoginRefused,
    NvrError,
    Offline,
    SessionExpired,
    SessionLimit,
    Timeout,
    Unsupported,
)

SLOT_PAUSE_SECONDS = 30.0
QUICK_SLOT_TRIES = 5
"""The NVR's own rule for -5: 30 s, up to five times; after that slowly, up to the lease's hour."""

_SLOWEST_SLOT_PAUSE_SECONDS = 300.0
_EXPIRED_PAUSE_SECONDS = 30.0
_DOWN_PAUSES_SECONDS = (4.0, 4.0, 9.0, 14.0)
"""A machine that is down minds no knocking, and capture should be back within a tick.

A second less than slices of the loop's wait, so that with the question they do not take one more.
"""

FAILURES_TO_BE_BAD = 3
"""In a row. A camera that lets a request hang is bad at once: it costs the others a tick."""

_AT_ONCE = (Offline, Timeout, Unsupported)
_FADING = 0.9
_FIRST_PROBE_SECONDS = 60.0
_LAST_PROBE_SECONDS = 600.0
_UNSUPPORTED_PROBE_SECONDS = 3600.0


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


@dataclass(slots=True)
class Health:
    """How a channel fares; times are seconds of a monotonic clock, `reason` is for the record.

    A suspect gave no picture when it was last asked, at `suspect_since`, and it may be to blame.
    `seconds` is what its pictures take, 0 where that is not known.
    """

    failures: int = 0
    bad: bool = False
    suspect_since: float = 0.0
    seconds: float = 0.0
    reason: str = ""
    probe_at: float = 0.0
    probe_pause: float = 0.0
    last_success: float | None = None

    @property
    def suspect(self) -> bool:
        return self.suspect_since > 0

    @property
    def rank(self) -> tuple[bool, float]:
        """The place in a round: good channels first, the latest suspect last."""
        return self.bad, self.suspect_since

    def suspected(self, monotonic: float) -> None:
        """Note that no picture came, whoever is to blame."""
        self.suspect_since = monotonic

    def failed(self, error: ChannelFailed | BadFrame, monotonic: float) -> bool:
        """Note a round without a frame; return whether the channel has just turned bad."""
        self.failures += FAILURES_TO_BE_BAD if isinstance(error, _AT_ONCE) else 1
        self.reason = error.reason
        was_bad, self.bad = self.bad, self.failures >= FAILURES_TO_BE_BAD
        if self.bad and not was_bad and isinstance(error, Timeout):
            self.probe_at = monotonic  # it may have been a moment's: once more in the next round
        elif self.bad:
            self._plan_probe(error, monotonic)
        return self.bad and not was_bad

    def succeeded(self, monotonic: float, seconds: float = 0.0) -> None:
        """Note a frame that took so many seconds: all is well."""
        self.bad = False
        self.suspect_since = 0.0
        self.seconds = max(seconds, self.seconds * _FADING)
        self.failures, self.reason, self.probe_pause = 0, "", 0.0
        self.last_success = monotonic

    def works(self, monotonic: float) -> bool:
        """Whether the channel gave a picture lately, whatever the NVR says of it."""
        return self.last_success is not None and monotonic - self.last_success < _LAST_PROBE_SECONDS

    def _plan_probe(self, error: ChannelFailed | BadFrame, monotonic: float) -> None:
        if isinstance(error, Unsupported):
            self.probe_pause = _UNSUPPORTED_PROBE_SECONDS
        else:
            longer = max(self.probe_pause * 2, _FIRST_PROBE_SECONDS)
            self.probe_pause = min(longer, _LAST_PROBE_SECONDS)
        self.probe_at = monotonic + self.probe_pause
