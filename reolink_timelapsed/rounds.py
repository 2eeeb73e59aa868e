"""One pass over the cameras: a snapshot of each, checked and stored; bad channels last, seldom."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from reolink_timelapsed.api import Channel
from reolink_timelapsed.clock import Clock
from reolink_timelapsed.coverage import DayRecord
from reolink_timelapsed.errors import (
    BadFrame,
    Busy,
    ChannelFailed,
    DiskFull,
    NvrError,
    Offline,
    StoreError,
    Timeout,
)
from reolink_timelapsed.frame import Frame
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

_PROBE_PATIENCE_SECONDS = 60.0
"""After this long a bad channel is tried even where the round leaves no room."""

DISK = "disk"
"""The key under which the journal is told of faults of the disk; a stored frame ends them."""

log = logging.getLogger(__name__)

Size = tuple[int, int]
"""Of a picture: width and height in pixels."""


@dataclass(slots=True)
class _News:
    """What a round has to tell of its channels, by folder: told together, not one by one."""

    bad: dict[str, ChannelFailed | BadFrame] = field(default_factory=dict)
    good: list[str] = field(default_factory=list)
    sizes: dict[str, tuple[Size | None, Size]] = field(default_factory=dict)


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
        self._sizes: dict[str, Size] = {}
        self._news = _News()

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
            self._tell()
        return sorted(self._roster.channels, key=lambda channel: self._of(channel).rank)

    def take(self, day: DayRecord, owed: list[Channel], until: float) -> bool:
        """Take a frame of each channel in `owed` and remove it from there, whatever came of it.

        `until` (monotonic seconds) is when the next tick is due. A fault of the whole NVR or of
        the disk leaves those in `owed` that got no turn. Return whether every channel that was
        asked gave a frame at once.

        Raises:
            NvrError, StoreError, Stopped: what befell the whole round.
        """
        smooth = True
        try:
            while owed:
                smooth &= self._turn(day, owed[0], until)
                del owed[0]
        except NvrError:
            owed.append(owed.pop(0))  # lest it take every turn, should it be to blame
            raise
        finally:
            self._tell()
        return smooth

    def _turn(self, day: DayRecord, channel: Channel, until: float) -> bool:
        """Take a frame of a channel, if it has a turn; return False if it gave none at once."""
        health, record = self._of(channel), day.camera(channel.camera.folder)
        if not self._has_turn(health, until):
            record.miss(health.reason)
            return True
        moment = _moment_after(record.newest, self._clock.now())
        try:
            picture, size, tries = self._picture(channel, health, until)
        except (ChannelFailed, BadFrame) as error:
            self._failed(channel, health, error)
            record.miss(health.reason)
            return False
        frame = self._stored(channel.camera.folder, day.window.day, moment, picture)
        if frame is None:
            record.miss(StoreError.reason)
            return True
        self._tell_stored(channel.camera.folder)
        record.frame(frame.moment, len(picture))
        self._succeeded(channel, health, size)
        return tries == 1

    def _stored(self, folder: str, day: date, moment: datetime, picture: bytes) -> Frame | None:
        """Store a frame; None where this camera's folder alone does not take it, which is told.

        Raises:
            StoreError: if it is the disk that takes no files.
        """
        for last in (False, True):
            try:
                return self._store.put_frame(folder, day, moment, picture)
            except DiskFull:
                raise
            except StoreError as error:
                self._store.try_to_write()
                if last:
                    self._tell_unstored(folder, error)
        return None

    def _tell_unstored(self, folder: str, error: StoreError) -> None:
        text = f"the pictures of {folder} are lost: {error}; the other cameras go on"
        self._story.begin(folder, DISK, text, self._clock.monotonic())

    def _tell_stored(self, folder: str) -> None:
        now = self._clock.monotonic()
        self._story.end(DISK, "the disk takes frames again", now)
        if self._story.knows(folder, DISK):
            self._story.end(folder, f"the pictures of {folder} are stored again", now)

    def _has_turn(self, health: Health, until: float) -> bool:
        now = self._clock.monotonic()
        if not health.bad:
            return True
        patience = 0.0 if until - now >= _PROBE_SECONDS else _PROBE_PATIENCE_SECONDS
        return now >= health.probe_at + patience

    def _picture(self, channel: Channel, health: Health, until: float) -> tuple[bytes, Size, int]:
        """Return a whole picture, its size, and how often it was asked for."""
        pauses = () if health.bad else BUSY_PAUSES_SECONDS
        for tries, pause in enumerate(pauses, 1):
            try:
                return *self._ask(channel, health, until), tries
            except (Busy, BadFrame) as error:
                log.debug("%s: %s; once more", channel.camera.folder, error)
                if self._clock.monotonic() + pause >= until:
                    raise
                self._clock.sleep(pause)
        return *self._ask(channel, health, until), len(pauses) + 1

    def _ask(self, channel: Channel, health: Health, until: float) -> tuple[bytes, Size]:
        self._notifier.ping()
        limit = max(until - self._clock.monotonic(), _PROBE_SECONDS) if health.bad else None
        try:
            picture = self._session.snapshot(channel.number, limit)
        except Timeout:
            health.suspect = True
            self._notifier.ping()
            self._session.check_alive()
            raise
        return picture, picture_size(picture)

    # How the channels fare

    def _failed(self, channel: Channel, health: Health, error: ChannelFailed | BadFrame) -> None:
        now = self._clock.monotonic()
        folder = channel.camera.folder
        log.debug("%s: %s", folder, error)
        if health.failed(error, now):
            self._roster.soon(now)
            self._news.bad[folder] = error

    def _succeeded(self, channel: Channel, health: Health, size: Size) -> None:
        folder = channel.camera.folder
        health.succeeded(self._clock.monotonic())
        self._news.good.append(folder)
        before = self._sizes.get(folder)
        if before != size:
            self._sizes[folder] = size
            self._news.sizes[folder] = (before, size)

    def _believe(self, channel: Channel, now: float) -> None:
        """Take the NVR's word that a camera is offline, unless it gives pictures all the same."""
        health = self._of(channel)
        if channel.online and health.reason == Offline.reason:
            health.probe_at = now
        if not channel.online and not health.bad and not health.works(now):
            self._failed(channel, health, Offline("the NVR says that it is offline"))

    def _of(self, channel: Channel) -> Health:
        return self._health.setdefault(channel.camera.folder, Health())

    # The journal

    def _tell(self) -> None:
        """Tell what has changed since the last time, in as few lines as will do."""
        now, news, self._news = self._clock.monotonic(), self._news, _News()
        for reason in dict.fromkeys(error.reason for error in news.bad.values()):
            folders = [folder for folder, error in news.bad.items() if error.reason == reason]
            text = _bad_text(folders, news.bad[folders[0]])
            self._story.begin_together(folders, "bad", text, now)
        again = [folder for folder in news.good if self._story.knows(folder, "bad")]
        self._story.end_together(again, f"{_listed(again, 'gives', 'give')} pictures again", now)
        for change in dict.fromkeys(news.sizes.values()):
            folders = [folder for folder, sizes in news.sizes.items() if sizes == change]
            self._story.note(_size_text(folders, *change), now)


def _moment_after(newest: datetime | None, now: datetime) -> datetime:
    """Return now, or just after the newest frame: a clock set back must not mix up frames."""
    return max(now, newest + timedelta(milliseconds=1)) if newest else now


def _bad_text(folders: list[str], error: ChannelFailed | BadFrame) -> str:
    them = "it is" if len(folders) == 1 else "they are"
    return (
        f"{_listed(folders, 'gives', 'give')} no pictures ({error}): {error.remedy}; {them} tried "
        "again now and then, the other cameras go on"
    )


def _size_text(folders: list[str], before: Size | None, size: Size) -> str:
    was = f", before {before[0]}x{before[1]}" if before else ""
    return f"{', '.join(folders)}: pictures of {size[0]}x{size[1]}{was}"


def _listed(folders: list[str], one: str, several: str) -> str:
    return f"{', '.join(folders)} {one if len(folders) == 1 else several}"
