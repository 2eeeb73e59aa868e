"""What the daemon's loop works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reolink_timelapsed.capture.clock_check import Timekeeper
from reolink_timelapsed.capture.day_log import Ledger
from reolink_timelapsed.capture.fault_log import Story
from reolink_timelapsed.capture.rounds import Rounds
from reolink_timelapsed.capture.steps import Steps
from reolink_timelapsed.nvr.session import Session
from reolink_timelapsed.storage.daemon_state import State
from reolink_timelapsed.storage.room import Room
from reolink_timelapsed.storage.space import Space
from reolink_timelapsed.system.clock import Clock
from reolink_timelapsed.system.lock import Turn
from reolink_timelapsed.system.notify import Notifier


@dataclass(frozen=True, slots=True)
class Parts:
    """What the loop works with; `tell` shows how the daemon is.

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
