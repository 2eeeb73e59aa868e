"""One pass over the cameras: a snapshot of each, checked and stored; bad channels last, seldom.

Who gives no picture is asked again when everybody else had a turn. And the others are witnesses:
what befalls a camera while another gives pictures is no fault of the NVR's.
"""

from __future__ import annotations

import logging
from datetime import date, datetime, timedelta

from reolink_timelapsed.capture.backoff import Health
from reolink_timelapsed.capture.cameras import Roster
from reolink_timelapsed.capture.deadlines import MARGIN_SECONDS, least, limit
from reolink_timelapsed.capture.fault_log import Story
from reolink_timelapsed.capture.news import News
from reolink_timelapsed.capture.round_state import BUSY_PAUSES_SECONDS, Failure, Pass
from reolink_timelapsed.errors import (
    BadFrame,
    Busy,
    ChannelFailed,
    DiskFull,
    Isolated,
    Mute,
    NvrError,
    Offline,
    OnlyCamera,
    SessionExpired,
    StoreError,
    Unsupported,
    no_picture_of_any,
)
from reolink_timelapsed.frame import Frame, Size
from reolink_timelapsed.media.jpeg import picture_size
from reolink_timelapsed.nvr.api import Channel
from reolink_timelapsed.nvr.session import Others, Session
from reolink_timelapsed.storage.coverage import DayRecord
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.storage.timeline import STEP, Timeline
from reolink_timelapsed.system.clock import Clock
from reolink_timelapsed.system.notify import Notifier

_PROBE_PATIENCE_SECONDS = 60.0
"""After this long a bad channel is tried even where the round leaves no room."""

DISK = "disk"
"""The key under which the journal is told of faults of the disk; a stored frame ends them."""

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
        timeline: Timeline,
    ) -> None:
        self._session = session
        self._store = store
        self._clock = clock
        self._notifier = notifier
        self._roster = roster
        self._story = story
        self._timeline = timeline
        self._health: dict[str, Health] = {}
        self._sizes: dict[str, Size] = {}
        self._in_doubt = False
        self._logged_in_anew = False
        self._news = News()

    def channels(self) -> list[Channel]:
        """Return the channels of a new round, good ones first; asks the NVR if it is time to.

        Raises:
            NvrError: if the NVR was asked and did not answer.
        """
        monotonic = self._clock.monotonic()
        if self._roster.due(monotonic):
            self._roster.refresh(monotonic)
            for channel in self._roster.channels:
                self._believe(channel, monotonic)
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
        this = Pass(day, owed, until)
        try:
            while owed:
                self._turn(this)
        finally:
            self._tell()
        return not this.failures

    def _turn(self, this: Pass) -> None:
        """Take a frame of the first channel that is owed, put it off, or note why there is none."""
        channel = this.owed[0]
        health, failure = self._of(channel), this.failures.get(channel.camera.folder)
        if failure is None and not self._has_turn(health, this.until):
            self._miss(this, channel, health)
        elif failure is None or self._may_ask_again(this, health, failure):
            self._ask(this, channel, health)
        elif failure.may_be_the_nvrs and not (this.given or health.bad):
            raise self._fault_of_all(channel.camera.folder, failure.error)
        else:
            self._failed(channel, health, failure.error, failure.at)
            self._miss(this, channel, health)

    def _has_turn(self, health: Health, until: float) -> bool:
        monotonic = self._clock.monotonic()
        if not health.bad:
            return True
        has_room = monotonic + least(health, self._typical()) + MARGIN_SECONDS <= until
        return monotonic >= health.probe_at + (0.0 if has_room else _PROBE_PATIENCE_SECONDS)

    def _may_ask_again(self, this: Pass, health: Health, failure: Failure) -> bool:
        """Whether the fault may have passed, and there is room left to see."""
        if health.bad or failure.tries > len(BUSY_PAUSES_SECONDS):
            return False
        if not isinstance(failure.error, (Busy, Unsupported, BadFrame)):
            return False
        if failure.may_be_the_nvrs and not this.given:
            return False
        start = max(self._clock.monotonic(), failure.again_at)
        return start + least(health, self._typical()) + MARGIN_SECONDS <= this.until

    def _ask(self, this: Pass, channel: Channel, health: Health) -> None:
        folder = channel.camera.folder
        before = this.failures.get(folder)
        if before:
            self._clock.sleep(before.again_at - self._clock.monotonic())
        self._notifier.ping()
        started = self._clock.monotonic()
        moment = _moment_after(this.day.camera(folder).newest, self._timeline.now())
        try:
            picture = self._session.snapshot(
                channel.number, self._limit(this, health), self._others(this, health)
            )
            size = picture_size(picture)
        except (ChannelFailed, BadFrame) as error:
            log.debug("%s: %s", folder, error)
            this.vouched = this.vouched or isinstance(error, Isolated)
            monotonic = self._clock.monotonic()
            this.failures[folder] = Failure(error, before.tries + 1 if before else 1, monotonic)
            health.suspected(monotonic)
            this.put_off()
        except NvrError as error:
            health.suspected(self._clock.monotonic())
            self._doubt(this, error)
        else:
            self._keep(this, channel, moment, picture)
            self._succeeded(channel, health, size, self._clock.monotonic() - started)

    def _keep(self, this: Pass, channel: Channel, moment: datetime, picture: bytes) -> None:
        folder, record = channel.camera.folder, this.day.camera(channel.camera.folder)
        frame = self._stored(folder, this.day.window.day, moment, picture)
        if frame is None:
            record.miss(StoreError.reason)
        else:
            self._tell_stored(folder)
            self._timeline.dated(folder, this.day.window.day, frame.moment)
            record.frame(frame.moment, len(picture))
        del this.owed[0]
        this.given += 1
        this.doubted = 0
        this.vouched = self._in_doubt = self._logged_in_anew = False

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
        monotonic = self._clock.monotonic()
        self._story.end(DISK, "the disk takes frames again", monotonic)
        if self._story.knows(folder, DISK):
            self._story.end(folder, f"the pictures of {folder} are stored again", monotonic)

    @staticmethod
    def _miss(this: Pass, channel: Channel, health: Health) -> None:
        this.day.camera(channel.camera.folder).miss(health.reason)
        del this.owed[0]

    # Whose fault

    def _others(self, this: Pass, health: Health) -> Others:
        """Return what the others say for the NVR; with reason or need it is asked no more."""
        give = this.given > 0 and not self._in_doubt
        if this.vouched or (give and (health.suspect or this.is_late)):
            return Others.VOUCHING
        if give:
            return Others.ANSWERED
        return Others.WAITING if this.has_others else Others.UNKNOWN

    def _doubt(self, this: Pass, error: NvrError) -> None:
        """Ask the next channel, for the NVR does not say that it works; if it gives, it does.

        Where it refuses, all are asked: that is quick. After two of them a new session is tried,
        and the NVR is not asked any more, for it may end one by its answer.

        Raises:
            NvrError: there is no point in that, or it was done before.
        """
        before, self._in_doubt = self._in_doubt, True
        this.put_off()
        this.doubted += 1
        if not isinstance(error, Mute):
            raise error
        if not error.refuses and (before or len(this.owed) == 1):
            raise self._by_a_new_login(error.fault) or error
        this.vouched = this.doubted > 1 and self._by_a_new_login(error.fault) is not None

    def _fault_of_all(self, folder: str, error: ChannelFailed | BadFrame) -> NvrError:
        """Return what befell every channel that was asked, as a fault of the NVR's.

        Where there is but one, the NVR's answer to another question is its witness.
        """
        fault = error.fault if isinstance(error, Isolated) else None
        if anew := self._by_a_new_login(fault):
            return anew
        if isinstance(error, Isolated) and len(self._roster.channels) == 1:
            return OnlyCamera(folder, error)
        return no_picture_of_any(error)

    def _by_a_new_login(self, fault: NvrError | None) -> NvrError | None:
        """Return a lost session, to be replaced once, though the NVR does not say it is lost.

        There may be firmware that answers GetDevInfo to anybody, or to nobody.
        """
        if not isinstance(fault, SessionExpired) or self._logged_in_anew:
            return None
        self._logged_in_anew = True
        self._session.logout()
        return fault

    def _limit(self, this: Pass, health: Health) -> float:
        waiting = (self._of(other) for other in this.owed[1:])
        others = [other for other in waiting if not (other.suspect or other.bad)]
        left = this.until - self._clock.monotonic()
        return limit(health, left, others, self._typical(), is_late=this.is_late)

    def _typical(self) -> float:
        return max((one.seconds for one in self._health.values()), default=0.0)

    # How the channels fare

    def _failed(
        self, channel: Channel, health: Health, error: ChannelFailed | BadFrame, monotonic: float
    ) -> None:
        if health.failed(error, monotonic):
            self._roster.soon(monotonic)
            self._news.bad[channel.camera.folder] = error

    def _succeeded(self, channel: Channel, health: Health, size: Size, seconds: float) -> None:
        folder = channel.camera.folder
        health.succeeded(self._clock.monotonic(), seconds)
        self._news.good.append(folder)
        before = self._sizes.get(folder)
        if before != size:
            self._sizes[folder] = size
            self._news.sizes[folder] = (before, size)

    def _believe(self, channel: Channel, monotonic: float) -> None:
        """Take the NVR's word that a camera is offline, unless it gives pictures all the same."""
        health = self._of(channel)
        if channel.online and health.reason == Offline.reason:
            health.probe_at = monotonic
        if not channel.online and not health.bad and not health.works(monotonic):
            self._failed(channel, health, Offline("the NVR says that it is offline"), monotonic)

    def _of(self, channel: Channel) -> Health:
        return self._health.setdefault(channel.camera.folder, Health())

    def _tell(self) -> None:
        news, self._news = self._news, News()
        news.tell(self._story, self._clock.monotonic())


def _moment_after(newest: datetime | None, now: datetime) -> datetime:
    """Return now, or just after the newest frame where the clock was set back by seconds.

    Its frames stay in order. Where it was set back by more, they have been moved.
    """
    if newest and timedelta(0) <= newest - now < STEP:
        return newest + timedelta(milliseconds=1)
    return now
