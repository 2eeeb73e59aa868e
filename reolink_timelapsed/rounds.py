"""One pass over the cameras: a snapshot of each, checked and stored; bad channels last, seldom."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from reolink_timelapsed.api import Channel
from reolink_timelapsed.clock import Clock
from reolink_timelapsed.coverage import DayRecord
from reolink_timelapsed.errors import BadFrame, Busy, ChannelFailed, Offline, Timeout
from reolink_timelapsed.health import Health
from reolink_timelapsed.jpeg import picture_size
from reolink_timelapsed.roster import Roster
from reolink_timelapsed.session import Session
from reolink_timelapsed.store import Store
from reolink_timelapsed.story import Story
from reolink_timelapsed.systemd import Notifier

BUSY_PAUSES_SECONDS = (1.0, 2.0)
"""Before the same snapshot is asked for again, where there is room in the tick."""

_PROBE_SECONDS = 3.0
"""The least time in which a bad channel is worth a try."""

_PROBE_PATIENCE_SECONDS = 600.0
"""After this long a bad channel is tried even where the round leaves no room."""

log = logging.getLogger(__name__)


class Rounds:
    """Takes rounds and remembers how each channel fares."""

    def __init__(
        self,
        session: Session,
        store: Store,
        clock: Clock,
        notifier: Notifier,
        *,
        roster: Roster,
        story: Story,
    ) -> None:
        self._session = session
        self._store = store
        self._clock = clock
        self._notifier = notifier
        self._roster = roster
        self._story = story
        self._health: dict[str, Health] = {}
        self._sizes: dict[str, tuple[int, int]] = {}

    def channels(self) -> list[Channel]:
        """Return the channels of a new round, good ones first; asks the NVR if it is time to.

        Raises:
            NvrError: if the NVR was asked and did not answer.
        """
        now = self._clock.monotonic()
        if self._roster.due(now):
            self._roster.refresh(now)
            for channel in self._roster.channels:
                self._believe(channel, now)
        return sorted(self._roster.channels, key=lambda channel: self._of(channel).bad)

    def take(self, day: DayRecord, owed: list[Channel], until: float) -> None:
        """Take a frame of each channel in `owed` and remove it from there, whatever came of it.

        `until` (monotonic seconds) is when the next tick is due. A fault of the whole NVR or of
        the disk leaves those in `owed` that got no turn.

        Raises:
            NvrError, StoreError, Stopped: what befell the whole round.
        """
        while owed:
            channel = owed[0]
            health = self._of(channel)
            if self._has_turn(health, until):
                self._turn(day, channel, health, until)
            else:
                day.camera(channel.camera.folder).miss(health.reason)
            owed.pop(0)

    def _has_turn(self, health: Health, until: float) -> bool:
        now = self._clock.monotonic()
        if not health.bad:
            return True
        patience = 0.0 if until - now >= _PROBE_SECONDS else _PROBE_PATIENCE_SECONDS
        return now >= health.probe_at + patience

    def _turn(self, day: DayRecord, channel: Channel, health: Health, until: float) -> None:
        folder = channel.camera.folder
        moment = self._moment(day, folder)
        try:
            picture, size = self._picture(channel, health, until)
        except (ChannelFailed, BadFrame) as error:
            self._failed(channel, health, error)
            day.camera(folder).miss(health.reason)
            return
        frame = self._store.put_frame(folder, day.window.day, moment, picture)
        day.camera(folder).frame(frame.moment, len(picture))
        self._succeeded(folder, health, size)

    def _moment(self, day: DayRecord, folder: str) -> datetime:
        """Return now, or just after the newest frame: a clock set back must not mix up frames."""
        now = self._clock.now()
        newest = day.camera(folder).newest
        return max(now, newest + timedelta(milliseconds=1)) if newest else now

    def _picture(
        self, channel: Channel, health: Health, until: float
    ) -> tuple[bytes, tuple[int, int]]:
        """Return a whole picture and its size, after a retry where that may help."""
        for pause in () if health.bad else BUSY_PAUSES_SECONDS:
            try:
                return self._ask(channel, health, until)
            except (Busy, BadFrame) as error:
                log.debug("%s: %s; once more", channel.camera.folder, error)
                if self._clock.monotonic() + pause >= until:
                    raise
                self._clock.sleep(pause)
        return self._ask(channel, health, until)

    def _ask(self, channel: Channel, health: Health, until: float) -> tuple[bytes, tuple[int, int]]:
        self._notifier.ping()
        limit = max(until - self._clock.monotonic(), _PROBE_SECONDS) if health.bad else None
        try:
            picture = self._session.snapshot(channel.number, limit)
        except Timeout:
            self._notifier.ping()
            self._session.device()  # raises if it is not the camera but the whole NVR
            raise
        return picture, picture_size(picture)

    def _failed(self, channel: Channel, health: Health, error: ChannelFailed | BadFrame) -> None:
        now = self._clock.monotonic()
        folder = channel.camera.folder
        log.debug("%s: %s", folder, error)
        if health.failed(error, now):
            self._roster.soon(now)
            self._story.begin(
                folder,
                "bad",
                f"{folder} gives no pictures ({error}); it is tried again now and then, "
                "the other cameras go on",
                now,
            )

    def _succeeded(self, folder: str, health: Health, size: tuple[int, int]) -> None:
        now = self._clock.monotonic()
        health.succeeded(now)
        self._story.end(folder, f"{folder} gives pictures again", now)
        before = self._sizes.get(folder)
        if before != size:
            self._sizes[folder] = size
            was = f", before {before[0]}x{before[1]}" if before else ""
            log.info("%s: pictures of %dx%d%s", folder, *size, was)

    def _believe(self, channel: Channel, now: float) -> None:
        """Take the NVR's word that a camera is offline, unless it gives pictures all the same."""
        health = self._of(channel)
        if channel.online and health.reason == Offline.reason:
            health.probe_at = now
        if not channel.online and not health.bad and not health.works(now):
            self._failed(channel, health, Offline("the NVR says that it is offline"))

    def _of(self, channel: Channel) -> Health:
        return self._health.setdefault(channel.camera.folder, Health())
