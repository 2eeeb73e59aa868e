"""What the daemon works with, and what it does with several of them, at its start and later."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from reolink_timelapsed.capture.backoff import Holdoff
from reolink_timelapsed.capture.clock_check import Timekeeper
from reolink_timelapsed.capture.day_log import Ledger
from reolink_timelapsed.capture.fault_log import Story
from reolink_timelapsed.capture.rounds import Rounds
from reolink_timelapsed.capture.steps import Steps
from reolink_timelapsed.errors import LoginRefused, NvrError, StoreError, Unreachable
from reolink_timelapsed.nvr.session import Session
from reolink_timelapsed.storage.daemon_state import State
from reolink_timelapsed.storage.disk import Room
from reolink_timelapsed.storage.space import Space
from reolink_timelapsed.system.clock import Clock
from reolink_timelapsed.system.lock import Turn
from reolink_timelapsed.system.notify import Notifier

SLICE_SECONDS = 5.0
"""The longest wait without a ping, and how soon a step of the clock is noticed."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The daemon's objects; `tell` shows how it is.

    `alone` is held by the one daemon that may work in the data folder, `turn` for each round.
    """

    session: Session
    clock: Clock
    notifier: Notifier
    timekeeper: Timekeeper
    steps: Steps
    rounds: Rounds
    room: Room
    ledger: Ledger
    space: Space
    story: Story
    turn: Turn
    alone: Turn
    tell: Callable[[State], None]
    holdoff: Holdoff = field(default_factory=Holdoff)

    def say(self, text: str, pause: str = "") -> None:
        """Show how the daemon is; `pause` is why the disk takes no frames, "" if it does."""
        self.tell(State(text, self.ledger.joined_day, self.session.logged_in, pause))

    def wait(self, until: datetime | None = None) -> None:
        """Wait one slice and ping; the caller looks at the clock again."""
        self.notifier.ping()
        self.steps.tell()
        seconds = (until - self.steps.now()).total_seconds() if until else math.inf
        self.clock.sleep(min(max(seconds, 0.0), SLICE_SECONDS))

    def open_disk(self) -> str:
        """Go on with what lies on the disk if it takes frames; return why it takes none, or ""."""
        monotonic = self.clock.monotonic()
        if reason := self.room.refuses(monotonic):
            return reason
        self.steps.resume()
        try:
            self.ledger.join(self.steps.now())
        except StoreError as error:
            self.room.failed(error, monotonic)
            return str(error)
        return ""

    def ask(self, question: Callable[..., str]) -> str:
        """Put a question that may need the NVR's answer, which is not always to be had."""
        may_ask = not self.holdoff.active(self.clock.monotonic()) and self.turn.take()
        try:
            return question(ask=may_ask)
        except NvrError as error:
            self.hold_off(error)
            return question(ask=False)
        finally:
            self.turn.give()

    def hold_off(self, error: NvrError) -> None:
        """Leave the NVR alone for a while, and tell why unless it is the hiccup of a moment."""
        monotonic = self.clock.monotonic()
        self.holdoff.hold(error, monotonic)
        if not isinstance(error, Unreachable) or self.holdoff.tries > 1 or error.hold_seconds:
            level = logging.ERROR if isinstance(error, LoginRefused) else logging.WARNING
            self.story.begin("nvr", error.reason, f"no pictures: {error}", monotonic, level)
