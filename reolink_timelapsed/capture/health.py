"""Memory of failing channels: a bad one is tried last and seldom, and said twice, not each time."""

from __future__ import annotations

from dataclasses import dataclass

from reolink_timelapsed.errors import BadFrame, ChannelFailed, Offline, Timeout, Unsupported

FAILURES_TO_BE_BAD = 3
"""In a row. A camera that lets a request hang is bad at once: it costs the others a tick."""

_AT_ONCE = (Offline, Timeout, Unsupported)
_FADING = 0.9
_FIRST_PROBE_SECONDS = 60.0
_LAST_PROBE_SECONDS = 600.0
_UNSUPPORTED_PROBE_SECONDS = 3600.0


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
