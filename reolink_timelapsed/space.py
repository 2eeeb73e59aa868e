"""Tells at the daemon's start whether the disk is large enough for the days that are to be kept."""

from __future__ import annotations

import logging

from reolink_timelapsed.config import StorageConfig
from reolink_timelapsed.coverage import DayRecord
from reolink_timelapsed.errors import StoreError
from reolink_timelapsed.judgement import shortage
from reolink_timelapsed.ledger import daily_bytes, held_bytes
from reolink_timelapsed.store import Store

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
