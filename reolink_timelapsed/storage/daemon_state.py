"""Where the daemon shows what it is doing, `systemctl status` and a file, and how that is read."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from reolink_timelapsed.errors import StoreError
from reolink_timelapsed.humanize import printable
from reolink_timelapsed.storage.coverage import DayRecord
from reolink_timelapsed.system.clock import Clock
from reolink_timelapsed.system.json_fields import BadValue, get_bool, get_moment, get_str
from reolink_timelapsed.system.notify import Notifier
from reolink_timelapsed.system.reading import read_state
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


@dataclass(frozen=True, slots=True)
class Daemon:
    """What the daemon says of itself, when it said it, and whether it held a session then.

    `pause` is why the disk takes no frames, "" if it does; `started` is when it began to run.
    """

    state: str
    since: datetime
    logged_in: bool
    pause: str = ""
    started: datetime | None = None


class Live(NamedTuple):
    """The daemon's own record of the day under way, as it was at a moment: newer than on disk."""

    record: DayRecord
    at: datetime


def read(folder: Path) -> tuple[Daemon | None, Live | None]:
    """Return what the daemon last said in its folder, and its record of the day under way."""
    value = read_state(folder / FILE_NAME)
    try:
        since = get_moment(value, "since")
        logged_in, pause = get_bool(value, "logged_in"), get_str(value, "pause", "")
        began = get_moment(value, "started") if value.get("started") else None
        daemon = Daemon(get_str(value, "state"), since, logged_in, pause, began)
        record = DayRecord.from_json(value.get("day"))
    except BadValue:
        return None, None
    return daemon, Live(record, since) if record else None
