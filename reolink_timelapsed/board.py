"""Where the daemon shows what it is doing: `systemctl status`, and a file for `status`."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from reolink_timelapsed.clock import Clock
from reolink_timelapsed.errors import StoreError
from reolink_timelapsed.scrub import Scrubber
from reolink_timelapsed.store import write_beside
from reolink_timelapsed.systemd import Notifier

FILE_NAME = "status.json"
_READABLE = 0o644


class Board:
    """`folder` is systemd's runtime directory, in memory; without one there is no file."""

    def __init__(
        self, notifier: Notifier, scrubber: Scrubber, clock: Clock, folder: Path | None
    ) -> None:
        self._notifier = notifier
        self._scrubber = scrubber
        self._clock = clock
        self._folder = folder

    def tell(self, text: str) -> None:
        """Show one line of text."""
        text = self._scrubber.clean(text)
        self._notifier.status(text)
        if self._folder:
            value = {"state": text, "since": self._clock.now().isoformat(timespec="seconds")}
            with suppress(StoreError):
                write_beside(self._folder / FILE_NAME, json.dumps(value).encode(), _READABLE)
