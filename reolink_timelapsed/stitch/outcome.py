"""What a run of the stitch came to, and why if that is nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from reolink_timelapsed.errors import ExitCode
from reolink_timelapsed.stitch.publish import StitchedVideo


@dataclass(slots=True)
class StitchReport:
    """What a run came to. `plans` tells what a dry run would have made.

    `in_vain` is a run that was asked for films of which there are no frames.
    """

    videos: list[StitchedVideo] = field(default_factory=list)
    plans: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    stopped: bool = False
    in_vain: bool = False

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.FAULT if self.failures or self.in_vain else ExitCode.OK


def why_nothing(
    report: StitchReport, *, some: bool, under_way: date | None, end: str | None
) -> str:
    """Return why nothing was made: whether there are `some` frames, and a day that is under way.

    `end` is the time of day at which that one is over, if it is known.
    """
    if report.in_vain:
        return "nothing was made: there are no frames for what was asked"
    if under_way:
        when = f", at {end}" if end else ""
        return (
            "nothing to do: every hour that is over is encoded, the videos of "
            f"{under_way} are made after its end{when}"
        )
    done = "every day that has frames has its videos" if some else "there are no frames yet"
    return f"nothing to do: {done}"
