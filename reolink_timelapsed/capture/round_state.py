"""What a pass over the cameras has seen so far: who failed, who gave, who is still owed a turn."""

from __future__ import annotations

from dataclasses import dataclass, field

from reolink_timelapsed.errors import BadFrame, ChannelFailed, Isolated, Timeout
from reolink_timelapsed.nvr.api import Channel
from reolink_timelapsed.storage.coverage import DayRecord

BUSY_PAUSES_SECONDS = (1.0, 2.0)
"""Before the same snapshot is asked for again, where there is room in the tick."""


@dataclass(slots=True)
class Failure:
    """That a channel gave no picture when it was asked for the `tries`-th time in a round."""

    error: ChannelFailed | BadFrame
    tries: int
    at: float

    @property
    def again_at(self) -> float:
        return self.at + BUSY_PAUSES_SECONDS[self.tries - 1]

    @property
    def may_be_the_nvrs(self) -> bool:
        return isinstance(self.error, (Isolated, Timeout))


@dataclass(slots=True)
class Pass:
    """One call of `take`: `given` counts its frames, `vouched` that the NVR works as it says.

    `doubted` counts those in a row after whom it was not clear that the NVR works.
    """

    day: DayRecord
    owed: list[Channel]
    until: float
    failures: dict[str, Failure] = field(default_factory=dict)
    given: int = 0
    vouched: bool = False
    doubted: int = 0

    @property
    def is_late(self) -> bool:
        """Whether a camera that hangs has taken all the time that there was."""
        return any(isinstance(failure.error, Timeout) for failure in self.failures.values())

    @property
    def has_others(self) -> bool:
        """Whether there is another camera to ask after the next, which may know better."""
        return self.doubted + 1 < len(self.owed)

    def put_off(self) -> None:
        self.owed.append(self.owed.pop(0))
