"""What the daemon's loop works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from reolink_timelapsed.board import State
from reolink_timelapsed.clock import Clock
from reolink_timelapsed.ledger import Ledger
from reolink_timelapsed.room import Room
from reolink_timelapsed.rounds import Rounds
from reolink_timelapsed.session import Session
from reolink_timelapsed.space import Space
from reolink_timelapsed.steps import Steps
from reolink_timelapsed.story import Story
from reolink_timelapsed.systemd import Notifier
from reolink_timelapsed.timekeeper import Timekeeper
from reolink_timelapsed.turn import Turn


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
