"""Where the daemon shows what it is doing: `systemctl status`, and a file for `status`."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from reolink_timelapsed.errors import StoreError
from reolink_timelapsed.humanize import printable
from reolink_timelapsed.storage.coverage import DayRecord
from reolink_timelapsed.system.clock import Clock
from reolink_timelapsed.system.notify import Notifier
from reolink_timelapsed.system.writing import write_state

FILE_NAME = "status.json"


@dataclass(frozen=True, slots=True)
class State:
    """How the daemon is: in a line, its record of the day under way, whether it holds a slot.

    `pause` says why the disk takes no frames, "" if it does.
    """

    text: str
    day: DayRecord | None = None
    logged_in: bool = False
    pause: str = ""


class Board:
    """`folder` is where the file lies: systemd's runtime directory, in memory, if there is one."""

    def __init__(self, notifier: Notifier, clock: Clock, folder: Path) -> None:
        self._notifier = notifier
        self._clock = clock
        self._folder = folder
        self._began = clock.monotonic()

    def tell(self, state: State) -> None:
        """Show how the daemon is."""
        text = printable(state.text)
        self._notifier.status(text)
        now = self._clock.now()
        # Not what the clock said then: at boot it may have been wrong.
        started = now - timedelta(seconds=self._clock.monotonic() - self._began)
        value = {
            "state": text,
            "since": now.isoformat(timespec="seconds"),
            "started": started.isoformat(timespec="seconds"),
            "logged_in": state.logged_in,
            "pause": printable(state.pause),
            "day": state.day.to_json() if state.day else None,
        }
        with suppress(StoreError):
            write_state(self._folder / FILE_NAME, value)
