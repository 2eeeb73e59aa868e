"""The daemon's loop: wait for the tick, take a round of snapshots, say how it goes.

Only this loop waits for long, and it pings the watchdog in every slice of a wait; rounds ping it
before every snapshot. Ticks lie on the wall-clock grid: what a round takes is not added to the
interval, and ticks that pass meanwhile are counted and skipped, never made up for.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from reolink_timelapsed.capture.day_log import status
from reolink_timelapsed.capture.obstacle import Obstacle, in_the_way
from reolink_timelapsed.capture.pace import Pace
from reolink_timelapsed.capture.parts import Parts
from reolink_timelapsed.capture.rounds import DISK
from reolink_timelapsed.capture.startup import await_right_time, await_solitude
from reolink_timelapsed.errors import NvrError, Stopped, StoreError
from reolink_timelapsed.nvr.api import Channel
from reolink_timelapsed.schedule import Plan, Ticks, Window
from reolink_timelapsed.storage.coverage import STOPPED, DayRecord

IDLE_LOGOUT = timedelta(minutes=3)
"""A longer wait gives the slot to people meanwhile."""

_BY_HAND = "another command"
_TOO_SLOW = "round too long"
_ASLEEP = "machine asleep"

log = logging.getLogger(__name__)


class Capture:
    """The daemon. `run` returns when told to stop, or when a single run is over."""

    def __init__(self, plan: Plan, interval: timedelta, parts: Parts) -> None:
        self._plan = plan
        self._interval = interval
        self._parts = parts
        self._clock = parts.clock
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
        self._parts.say("starting")
        if not await_solitude(self._parts):
            self._parts.notifier.stopping()
            return
        try:
            self._work()
        finally:
            self._parts.alone.give()

    def _work(self) -> None:
        try:
            await_right_time(self._parts)
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
        if self._judge_clock():
            self._write_down(self._why)
            self._parts.ledger.day = None
            try:
                self._steps.follow()
            except StoreError as error:
                self._parts.room.failed(error, self._clock.monotonic())

    def _judge_clock(self) -> bool:
        """Judge a clock that was set, if it is time to; return whether it is to be followed."""
        steps = self._parts.steps
        return steps.are_due and not self._parts.open_disk() and not self._parts.ask(steps.judge)

    def _write_down(self, why: str) -> None:
        """Leave the record of a day that is not over to who opens it again."""
        if day := self._parts.ledger.day:
            self._why = why
            self._settle(day)
        self._parts.ledger.save()

    # Waiting

    def _rest(self, window: Window) -> None:
        """Wait for a window's start, as long as the clock does not change its mind."""
        self._free_slot_until(window.start)
        self._pause = ""
        text = f"waiting for the next start at {window.start.astimezone():%Y-%m-%d %H:%M}"
        self._say(text)
        log.info("%s", text)
        while not self._clock.stopping and self._plan.at(now := self._now()) == window:
            if now >= window.start or self._judge_clock():
                return
            self._parts.wait(window.start)

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
            obstacle = self._look()
            self._say(obstacle.text if obstacle else awaits)
        while not self._is_over(window):
            day.miss_rounds(_ASLEEP, ticks.look(now := self._now()))
            if now >= ticks.due:
                self._settle(day)
                self._owes, self._owed = True, None
                self._try(day, ticks.due + self._interval)
                day.miss_rounds(_TOO_SLOW, ticks.done(self._now()))
                self._parts.ledger.save_now_and_then(self._now())
                self._free_slot_until(ticks.due)
            elif self._owes and not self._look():
                self._try(day, ticks.due)
            else:
                self._parts.wait(min(ticks.due, window.end))
        if not self._clock.stopping and self._now() not in window:
            self._settle(day)
            self._parts.ledger.close(self._now())

    def _is_over(self, window: Window) -> bool:
        return self._clock.stopping or self._now() not in window or self._judge_clock()

    def _try(self, day: DayRecord, until: datetime) -> None:
        """Take the round that is owed, or what is left of it, if nothing stands in the way."""
        if not self._look() and self._takes_turn():
            seconds = (until - self._now()).total_seconds()
            try:
                self._round(day, self._clock.monotonic() + seconds)
            except NvrError as error:
                self._parts.hold_off(error)
            except StoreError as error:
                self._parts.room.failed(error, self._clock.monotonic())
            finally:
                self._parts.turn.give()
        text = status(day, self._now(), self._parts.room.free_bytes())
        obstacle = self._look()
        self._say(f"{obstacle.text}; {text}" if obstacle else text)

    def _round(self, day: DayRecord, until: float) -> None:
        if self._owed is None:
            self._owed = self._parts.rounds.channels()
            day.rounds += 1
        started = self._clock.monotonic()
        smooth = self._parts.rounds.take(day, self._owed, until)
        self._pace.took(self._clock.monotonic() - started, smooth=smooth)
        self._owes = False
        self._parts.space.look(day)
        self._parts.holdoff.clear()
        self._parts.story.end("nvr", "the NVR gives pictures again", self._clock.monotonic())

    def _takes_turn(self) -> bool:
        """Whether nobody else on this machine speaks to the NVR; a `test` by hand takes seconds."""
        taken = self._parts.turn.take()
        if not taken:
            self._why = _BY_HAND
            self._parts.wait(self._now() + timedelta(seconds=1))
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

    def _look(self) -> Obstacle | None:
        """Look what stands in the way of a round now, and do what follows from it."""
        disk = self._parts.open_disk()
        obstacle = in_the_way(disk, self._parts.holdoff, self._clock.monotonic())
        self._why = obstacle.reason if obstacle else self._why
        if obstacle and obstacle.is_disk:
            self._pause_for(obstacle.text)
        else:
            self._pause = ""
        return obstacle

    def _pause_for(self, reason: str) -> None:
        """Tell of a disk that takes no frames; in a longer pause the slot is for others."""
        monotonic = self._clock.monotonic()
        self._parts.story.begin(DISK, DISK, f"capture pauses: {reason}", monotonic)
        paused = timedelta(seconds=monotonic - self._paused_at)
        if not self._pause:
            self._paused_at = monotonic
        elif paused > IDLE_LOGOUT and self._parts.session.logged_in:
            self._paused_at = monotonic  # should it fail, it is tried again as much later
            self._parts.session.logout()
        self._pause = reason

    def _say(self, text: str) -> None:
        self._parts.say(text, self._pause)
