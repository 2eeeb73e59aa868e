"""One capture window for a run without a daily start; it survives restarts, and ends for good."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

from reolink_timelapsed.errors import StoreError
from reolink_timelapsed.schedule import Once, Window
from reolink_timelapsed.system.json_fields import BadValue, get_moment
from reolink_timelapsed.system.reading import read_state
from reolink_timelapsed.system.writing import write_state

log = logging.getLogger(__name__)


class SingleRun:
    """Begins when it is first asked, and remembers in `folder` when that was.

    A process that starts within the run goes on with it; one that starts after its end has
    nothing to do, until the file is removed.
    """

    def __init__(self, folder: Path, duration: timedelta, zone: tzinfo) -> None:
        self._path = folder / "run.json"
        self._duration = duration
        self._zone = zone
        self._once: Once | None = None

    def at(self, moment: datetime) -> Window | None:
        """Return the window until it is over, None after that."""
        if self._once is None:
            self._once = Once.starting(self._start(moment), self._duration, self._zone)
        window = self._once.at(moment)
        if window is None:
            log.info("%s", self._last_words(self._once.only))
        return window

    def nearest(self, moment: datetime) -> Window:
        """Return the run's window: all its frames belong to one day."""
        if self._once is None:
            self._once = Once.starting(self._start(moment), self._duration, self._zone)
        return self._once.nearest(moment)

    def _start(self, now: datetime) -> datetime:
        """Return when the run began; now, if it has not or that lies ahead of a clock set back."""
        kept = read_state(self._path)
        try:
            start = get_moment(kept, "start")
            if start <= now:
                return start
        except BadValue:
            pass
        with suppress(StoreError):
            write_state(self._path, {"start": now.isoformat()})
        return now

    def _last_words(self, window: Window) -> str:
        moments = (window.start, window.end)
        began, ended = (f"{moment.astimezone(self._zone):%Y-%m-%d %H:%M}" for moment in moments)
        return (
            f"the run from {began} to {ended} (capture.duration_hours) is over; to begin another, "
            f"remove {self._path} and start again, or set capture.daily_start"
        )
