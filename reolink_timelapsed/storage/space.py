"""Tells at the daemon's start whether the disk is large enough for the days that are to be kept."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from reolink_timelapsed.config.settings import StorageConfig
from reolink_timelapsed.errors import StoreError
from reolink_timelapsed.humanize import for_days, gigabytes
from reolink_timelapsed.storage.coverage import DayRecord, daily_bytes, held_bytes
from reolink_timelapsed.storage.store import Store

log = logging.getLogger(__name__)


class Space:
    """Looks once, as soon as there are pictures to reckon with."""

    def __init__(self, store: Store, config: StorageConfig) -> None:
        self._store = store
        self._config = config
        self._looked = False

    def look(self, day: DayRecord) -> None:
        """Warn, if the disk is too small, that it is."""
        daily = daily_bytes(day)
        if self._looked or not daily:
            return
        self._looked = True
        keep = self._config.keep_frames_days
        try:
            usable = max(self._store.free_bytes() - self._config.min_free_bytes, 0)
            held = held_bytes(self._store, keep + 1)
        except StoreError as error:
            log.debug("the disk cannot be measured: %s", error)
            return
        for warning in shortage(usable + held, daily, keep):
            log.warning("%s", warning)


def shortage(usable: float, daily: float, keep_days: int) -> Iterator[str]:
    """Yield why a disk is too small: `usable` bytes for frames, of which a day takes `daily`.

    Frames stay for `keep_days`, and there are those of today.
    """
    days = keep_days + 1
    if usable >= daily * days:
        return
    holds = f"holds frames of {for_days(usable / daily)}"
    effect = "go sooner" if usable >= daily else "of not even a day fit, and capture will pause"
    yield (
        f"the disk is small: beside storage.min_free_gb it {holds}, {gigabytes(usable)} at "
        f"{gigabytes(daily)} a day; storage.keep_frames_days: {keep_days} and today need "
        f"{gigabytes(daily * days)}. Frames {effect}; take a larger disk, a longer "
        "capture.interval_seconds or fewer cameras (capture.channels)"
    )
