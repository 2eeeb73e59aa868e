"""Memory of failing channels: a bad one is tried last and seldom, and said twice, not each time."""

from __future__ import annotations

from dataclasses import dataclass

from reolink_timelapsed.errors import BadFrame, ChannelFailed, Offline, Timeout, Unsupported

FAILURES_TO_BE_BAD = 3
"""In a row. A camera that lets a request hang is bad at once: it costs the others a tick."""

_AT_ONCE = (Offline, Timeout, Unsupported)
_FIRST_PROBE_SECONDS = 60.0
_LAST_PROBE_SECONDS = 600.0
_UNSUPPORTED_PROBE_SECONDS = 3600.0


@dataclass(slots=True)
class Health:
    """How a channel fares; times are seconds of a monotonic clock, `reason` is for the record.

    A suspect let a request hang, and it is not known yet whether that was the whole NVR.
    """

    failures: int = 0
    bad: bool = False
    suspect: bool = False
    reason: str = ""
    probe_at: float = 0.0
    probe_pause: float = 0.0
    last_success: float | None = None

    @property
    def rank(self) -> tuple[bool, bool]:
        """The place in a round: good channels first, and nobody after a suspect in vain."""
        return self.bad, self.suspect

    def failed(self, error: ChannelFailed | BadFrame, now: float) -> bool:
        """Note a round without a frame; return whether the channel has just turned bad."""
        self.failures += FAILURES_TO_BE_BAD if isinstance(error, _AT_ONCE) else 1
        self.reason = error.reason
        was_bad, self.bad = self.bad, self.failures >= FAILURES_TO_BE_BAD
        if self.bad and not was_bad and isinstance(error, Timeout):
            self.probe_at = now  # it may have been a moment's: once more in the next round
        elif self.bad:
            self._plan_probe(error, now)
        return self.bad and not was_bad

    def succeeded(self, now: float) -> None:
        """Note a frame: all is well."""
        self.bad = self.suspect = False
        self.failures, self.reason, self.probe_pause = 0, "", 0.0
        self.last_success = now

    def works(self, now: float) -> bool:
        """Whether the channel gave a picture lately, whatever the NVR says of it."""
        return self.last_success is not None and now - self.last_success < _LAST_PROBE_SECONDS

    def _plan_probe(self, error: ChannelFailed | BadFrame, now: float) -> None:
        if isinstance(error, Unsupported):
            self.probe_pause = _UNSUPPORTED_PROBE_SECONDS
        else:
            longer = max(self.probe_pause * 2, _FIRST_PROBE_SECONDS)
            self.probe_pause = min(longer, _LAST_PROBE_SECONDS)
        self.probe_at = now + self.probe_pause
