"""Tells once that rounds take longer than the interval, though every camera answers at once."""

from __future__ import annotations

import logging
import math
from datetime import timedelta

_SLOW_ROUNDS = 2

log = logging.getLogger(__name__)


class Pace:
    """Watches how long rounds take."""

    def __init__(self, interval: timedelta) -> None:
        self._interval = interval.total_seconds()
        self._slow_rounds = 0

    def took(self, seconds: float, *, smooth: bool) -> None:
        """Note a round; `smooth` if every camera that was asked gave a frame at once."""
        if self._slow_rounds < _SLOW_ROUNDS:
            self._slow_rounds = self._slow_rounds + 1 if smooth and seconds > self._interval else 0
            if self._slow_rounds == _SLOW_ROUNDS:
                self._say_slow(seconds)

    def _say_slow(self, seconds: float) -> None:
        log.warning(
            "a round over all cameras takes %.0f s, longer than the interval of %.0f s: every "
            "camera gets a frame each %.0f s; raise capture.interval_seconds, or choose cameras "
            "with capture.channels",
            seconds,
            self._interval,
            math.ceil(seconds / self._interval) * self._interval,
        )
