"""The daemon's loop: wait for the tick, take a round of snapshots, say how it goes.

Only this loop waits for long, and it pings the watchdog in every slice of a wait; rounds ping it
before every snapshot. Ticks lie on the wall-clock grid: what a round takes is not added to the
interval, and ticks that pass meanwhile are counted and skipped, never made up for.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from datetime import datetime, timedelta

from reolink_timelapsed.capture.day_log import status
from reolink_timelapsed.capture.holdoff import Holdoff
from reolink_timelapsed.capture.pace import Pace
from reolink_timelapsed.capture.parts import Parts
from reolink_timelapsed.capture.rounds import DISK
from reolink_timelapsed.errors import LoginRefused, NvrError, Stopped, StoreError, Unreachable
from reolink_timelapsed.humanize import span
from reolink_timelapsed.nvr.api import Channel
from reolink_timelapsed.schedule import Plan, Ticks, Window
from reolink_timelapsed.storage.coverage import STOPPED, DayRecord
from reolink_timelapsed.storage.daemon_state import State

SLICE_SECONDS = 5.0
"""The longest wait without a ping, and how soon a step of the clock is noticed."""

IDLE_LOGOUT = timedelta(minutes=3)
"""A longer wait gives the slot to people meanwhile."""

_BY_HAND = "another command"
_TOO_SLOW = "round too long"
_ASLEEP = "machine asleep"
_OTHER = "other capture"

log = logging.getLogger(__name__)


class Capture:
    """The daemon. `run` returns when told to stop, or when a single run is over."""

    def __init__(self, plan: Plan, interval: timedelta, parts: Parts) -> None:
        self._plan = plan
        self._interval = interval
        self._parts = parts
        self._clock = parts.clock
        self._holdoff = Holdoff()
        self._owes = False
        self._owed: list[Channel] | None = None
        self._why = ""
        self._pace = Pace(interval)
        self._pause = ""
        self._paused_at = 0.0
        self._steps = parts.steps
        self._now = parts.steps.now

    def run(self) -> None:
        """Capture window after window; on the way out log out, whatever happened."""
        self._parts.notifier.ready()
        self._tell("starting")
        if not self._await_solitude():
            self._parts.notifier.stopping()
            return
        try:
            self._work()
        finally:
            self._parts.alone.give()

    def _work(self) -> None:
        try:
            self._await_right_time()
            self._steps.begin()
            while not self._clock.stopping and (window := self._window()):
                if self._now() < window.start:
                    self._rest(window)
                else:
                    self._capture(window)
        except Stopped:
            pass
        finally:
            self._parts.notifier.stopping()
            self._parts.session.close()
            self._write_down(STOPPED)

    def _window(self) -> Window | None:
        """Return the window to work for; a clock that is to be followed by now is, first."""
        self._follow_clock()
        return self._plan.at(self._now())

    def _follow_clock(self) -> None:
        """Let frames and records follow a clock that was set; they are read anew after that."""
        if self._must_follow():
            self._write_down(self._why)
            self._parts.ledger.day = None
            try:
                self._steps.follow()
            except StoreError as error:
                self._parts.room.failed(error, self._clock.monotonic())

    def _must_follow(self) -> bool:
        return (
            self._steps.are_due
            and not self._disk_obstacle(self._clock.monotonic())
            and not self._asked(self._steps.objection)
        )

    def _write_down(self, why: str) -> None:
        """Leave the record of a day that is not over to who opens it again."""
        if day := self._parts.ledger.day:
            self._why = why
            self._settle(day)
        self._parts.ledger.save()

    # Waiting

    def _wait(self, until: datetime | None = None) -> None:
        """Wait one slice and ping; the caller looks at the clock again."""
        self._parts.notifier.ping()
        self._steps.tell()
        seconds = (until - self._now()).total_seconds() if until else math.inf
        self._clock.sleep(min(max(seconds, 0.0), SLICE_SECONDS))

    def _await_solitude(self) -> bool:
        """Wait for another daemon's end; False if told to stop first. Its token is not ours."""
        story, text = self._parts.story, "another capture is at work in the data folder"
        while not self._parts.alone.take():
            if self._clock.stopping:
                return False
            if not story.knows(_OTHER, _OTHER):
                self._tell(f"{text}: waiting for its end")
            advice = f"{text}: stop one of them; this one waits until the other has ended"
            story.begin(_OTHER, _OTHER, advice, self._clock.monotonic())
            self._wait()
        story.end(_OTHER, "the other capture has ended", self._clock.monotonic())
        return True

    def _await_right_time(self) -> None:
        """Wait until frames can be filed by this machine's clock; the slot is for others then."""
        while not self._clock.stopping and (doubt := self._doubt()):
            if self._parts.timekeeper.is_patient:
                text = f"waiting for this machine's clock to be set, for minutes at most: {doubt}"
            else:
                text = (
                    f"this machine's clock cannot be trusted: {doubt}; capture waits until it is "
                    "set: look at `timedatectl`"
                )
                self._parts.story.begin("clock", "clock", text, self._clock.monotonic())
            if self._parts.session.logged_in:
                self._parts.session.logout()
            self._tell(text)
            self._wait()
        self._parts.story.end("clock", "the clock is right", self._clock.monotonic())

    def _doubt(self) -> str:
        if not self._disk_obstacle(self._clock.monotonic()) and self._steps.are_gone_on_with:
            return ""
        return self._asked(self._parts.timekeeper.doubt)

    def _asked(self, question: Callable[..., str]) -> str:
        """Put a question that may need the NVR's answer, which is not always to be had."""
        may_ask = not self._holdoff.active(self._clock.monotonic()) and self._parts.turn.take()
        try:
            return question(ask=may_ask)
        except NvrError as error:
            self._hold(error)
            return question(ask=False)
        finally:
            self._parts.turn.give()

    def _rest(self, window: Window) -> None:
        """Wait for a window's start, as long as the clock does not change its mind."""
        self._free_slot_until(window.start)
        self._pause = ""
        text = f"waiting for the next start at {window.start.astimezone():%Y-%m-%d %H:%M}"
        self._tell(text)
        log.info("%s", text)
        while not self._clock.stopping and self._plan.at(now := self._now()) == window:
            if now >= window.start or self._must_follow():
                return
            self._wait(window.start)

    def _free_slot_until(self, moment: datetime) -> None:
        if moment - self._now() > IDLE_LOGOUT:
            self._parts.session.logout()

    # Ticks

    def _capture(self, window: Window) -> None:
        """Take the rounds of one window, until it ends or a step of the clock leaves it."""
        now = self._now()
        day = self._parts.ledger.open(window, self._interval, now)
        awaited = now - window.start < self._interval
        ticks = Ticks(self._interval, window.start if awaited else now)
        if ticks.due > now:
            awaits = f"starting; first pictures at {ticks.due.astimezone():%H:%M:%S}"
            self._tell(self._obstacle() or awaits)
        while not self._is_over(window):
            day.miss_rounds(_ASLEEP, ticks.look(now := self._now()))
            if now >= ticks.due:
                self._settle(day)
                self._owes, self._owed = True, None
                self._try(day, ticks.due + self._interval)
                day.miss_rounds(_TOO_SLOW, ticks.done(self._now()))
                self._parts.ledger.save_now_and_then(self._now())
                self._free_slot_until(ticks.due)
            elif self._owes and not self._obstacle():
                self._try(day, ticks.due)
            else:
                self._wait(min(ticks.due, window.end))
        if not self._clock.stopping and self._now() not in window:
            self._settle(day)
            self._parts.ledger.close(self._now())

    def _is_over(self, window: Window) -> bool:
        return self._clock.stopping or self._now() not in window or self._must_follow()

    def _try(self, day: DayRecord, until: datetime) -> None:
        """Take the round that is owed, or what is left of it, if nothing stands in the way."""
        if not self._obstacle() and self._takes_turn():
            seconds = (until - self._now()).total_seconds()
            try:
                self._round(day, self._clock.monotonic() + seconds)
            except NvrError as error:
                self._hold(error)
            except StoreError as error:
                self._parts.room.failed(error, self._clock.monotonic())
            finally:
                self._parts.turn.give()
        text = status(day, self._now(), self._parts.room.free_bytes())
        obstacle = self._obstacle()
        self._tell(f"{obstacle}; {text}" if obstacle else text)

    def _round(self, day: DayRecord, until: float) -> None:
        if self._owed is None:
            self._owed = self._parts.rounds.channels()
            day.rounds += 1
        started = self._clock.monotonic()
        smooth = self._parts.rounds.take(day, self._owed, until)
        self._pace.took(self._clock.monotonic() - started, smooth=smooth)
        self._owes = False
        self._parts.space.look(day)
        self._holdoff.clear()
        self._parts.story.end("nvr", "the NVR gives pictures again", self._clock.monotonic())

    def _takes_turn(self) -> bool:
        """Whether nobody else on this machine speaks to the NVR; a `test` by hand takes seconds."""
        taken = self._parts.turn.take()
        if not taken:
            self._why = _BY_HAND
            self._wait(self._now() + timedelta(seconds=1))
        return taken

    def _settle(self, day: DayRecord) -> None:
        """Write down what the tick that is over still owes."""
        if self._owes and self._owed is None:
            day.miss_rounds(self._why)
        elif self._owes:
            for channel in self._owed or ():
                day.camera(channel.camera.folder).miss(self._why)
        self._owes = False

    # Obstacles

    def _obstacle(self) -> str:
        """Return what stands in the way of a round now, for `systemctl status`; "" if nothing."""
        now = self._clock.monotonic()
        if reason := self._disk_obstacle(now):
            self._why = StoreError.reason
            self._parts.story.begin(DISK, DISK, f"capture pauses: {reason}", now)
            self._free_slot_in_pause(now)
            self._pause = reason
            return reason
        self._pause = ""
        if not (self._holdoff.error and self._holdoff.active(now)):
            return ""
        self._why = self._holdoff.error.reason
        wait = span(timedelta(seconds=self._holdoff.until - now))
        return f"{self._holdoff.error}; next try in {wait}"

    def _disk_obstacle(self, now: float) -> str:
        reason = self._parts.room.refuses(now)
        if not reason:
            self._steps.resume()
            try:
                self._parts.ledger.join(self._now())
            except StoreError as error:
                self._parts.room.failed(error, now)
                reason = str(error)
        return reason

    def _free_slot_in_pause(self, now: float) -> None:
        if not self._pause:
            self._paused_at = now
        elif now - self._paused_at > IDLE_LOGOUT.total_seconds() and self._parts.session.logged_in:
            self._paused_at = now  # should it fail, it is tried again as much later
            self._parts.session.logout()

    def _hold(self, error: NvrError) -> None:
        """Leave the NVR alone for a while, and tell why unless it is the hiccup of a moment."""
        now = self._clock.monotonic()
        self._why = error.reason
        self._holdoff.hold(error, now)
        if not isinstance(error, Unreachable) or self._holdoff.tries > 1 or error.hold_seconds:
            level = logging.ERROR if isinstance(error, LoginRefused) else logging.WARNING
            self._parts.story.begin("nvr", error.reason, f"no pictures: {error}", now, level)

    def _tell(self, text: str) -> None:
        logged_in, day = self._parts.session.logged_in, self._parts.ledger.joined_day
        self._parts.tell(State(text, day, logged_in, self._pause))
