"""Follows this machine's clock when it was set: tells of it, decides, and has frames moved."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import timedelta

from reolink_timelapsed.capture.clock_check import Timekeeper
from reolink_timelapsed.capture.fault_log import Story
from reolink_timelapsed.capture.redate import Redater
from reolink_timelapsed.errors import StoreError
from reolink_timelapsed.humanize import several, span
from reolink_timelapsed.storage.timeline import Step, Timeline
from reolink_timelapsed.system.clock import Clock

RETRY_SECONDS = 60.0
"""Until a clock that was not followed is judged again."""

_KEY = "clock step"
"""Under which the journal is told that the clock is not followed."""

log = logging.getLogger(__name__)


class Steps:
    """Between the clock, which anybody may set, and the time by which frames are dated."""

    def __init__(
        self,
        clock: Clock,
        timekeeper: Timekeeper,
        timeline: Timeline,
        redater: Redater,
        story: Story,
    ) -> None:
        self._clock = clock
        self._timekeeper = timekeeper
        self._timeline = timeline
        self._redater = redater
        self._story = story
        self._judge_at = 0.0
        self._is_resumed = self._is_tidy = False
        self.now = timeline.now

    @property
    def are_gone_on_with(self) -> bool:
        """Whether a process before knew the clock to be right, and the machine still runs."""
        return self._timeline.resumed and self._timeline.confirmed

    def resume(self) -> None:
        """Go on as the process before, if the machine has not been restarted since.

        To be called whenever the disk is there; once is enough.
        """
        try:
            if not self._is_resumed:
                self._is_resumed = True
                self._redater.resume()
            elif not self._is_tidy and self._timeline.confirmed and not self._timeline.ahead:
                self._is_tidy = True
                self._set_apart()
        except StoreError as error:
            self._is_tidy = True  # what may yet be moved to its time is to stay in its place
            log.warning("frames with a wrong time could not be moved: %s", error)

    def _set_apart(self) -> None:
        for home, frames, first in self._redater.set_apart():
            log.warning(
                "set apart in %s: %s of a time that has not come, from %s on; this machine's clock "
                "was wrong then, nobody knows by how much; they get into no video, and are never "
                "removed: delete them when you have seen them",
                home, several(frames, "frame"), f"{first:%Y-%m-%d %H:%M} UTC",
            )  # fmt: skip

    def begin(self) -> None:
        """Date frames by a clock that is trusted now, unless a process before did so already."""
        if not self._timeline.resumed:
            self._timeline.begin()
        if self._timekeeper.is_confirmed():
            self._timeline.confirm()

    def tell(self) -> None:
        """Tell when the clock was set: else nobody understands what follows."""
        monotonic = self._clock.monotonic()
        for step in self._timeline.news():
            self._story.note(
                f"this machine's clock was set {_way(step)} by {_span(step)}", monotonic
            )
        if not self._timeline.ahead:
            self._story.end(_KEY, "the clock is right", monotonic)
        with suppress(StoreError):  # it matters to a process after this one, which may do without
            self._redater.keep()

    @property
    def are_due(self) -> bool:
        """Whether the clock has been set, and it is time to follow it."""
        return self._timeline.is_settled and self._clock.monotonic() >= self._judge_at

    def judge(self, *, ask: bool) -> str:
        """Return, and tell, why the clock is not to be followed yet; `ask` permits to ask the NVR.

        Raises:
            NvrError, Stopped: the NVR was asked, and did not say.
        """
        objection = self._timekeeper.objection(self._timeline.now(), ask=ask)
        if objection:
            self._judge_at = self._clock.monotonic() + RETRY_SECONDS
            text = (
                f"this machine's clock cannot be trusted: {objection}; frames are dated as before"
            )
            advice = f"{text}: look at `timedatectl`"
            self._story.begin(_KEY, _KEY, advice, self._clock.monotonic())
        return objection

    def follow(self) -> None:
        """Follow the clock; frames that bear a wrong time are moved.

        Raises:
            StoreError: if they cannot be moved now; frames are dated as before, then.
        """
        self._judge_at = self._clock.monotonic() + RETRY_SECONDS
        step = self._timeline.step()
        self._tell_moved(step, self._redater.follow(step), self._clock.monotonic())

    def _tell_moved(self, step: Step, frames: int, monotonic: float) -> None:
        by = f"{_span(step.by)} {'later' if step.by > timedelta(0) else 'earlier'}"
        moved = f"{several(frames, 'frame')} dated by its setting before" if frames else "no frame"
        verb = "is" if frames <= 1 else "are"
        self._story.note(f"the clock is followed now: {moved} {verb} dated anew, {by}", monotonic)


def _way(step: timedelta) -> str:
    return "forward" if step > timedelta(0) else "back"


def _span(step: timedelta) -> str:
    return span(abs(step))
