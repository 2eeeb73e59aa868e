"""Can this machine's clock be trusted? Frames are filed by it.

A machine without a clock chip starts with the time of its last shutdown, until a time server has
answered.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

PATIENCE_SECONDS = 300.0
"""After the machine's start; by then a time server has answered, or there is none."""

LONG_PATIENCE_SECONDS = 1800.0
"""The same where the NVR's clock speaks against ours: after a power cut a router takes its time."""

_AGREEMENT = timedelta(minutes=5)
_QUARTER = timedelta(minutes=15)
_GRAIN = timedelta(seconds=45)
"""Time zones differ by quarters of an hour; so may an NVR that is in the wrong one, or so."""

_BEHIND_THE_NVR = timedelta(hours=26)
"""More than any mistake in the NVR's time zone: the NVR is right, and this machine's clock old."""

_EARLIEST = datetime(2025, 1, 1, tzinfo=UTC)
"""There was no such program before."""


def agrees(now: datetime, nvr: Collection[datetime]) -> bool:
    """Whether the NVR's clock, in any of its readings, says that `now` is right."""
    return now > _EARLIEST and any(abs(now - moment) <= _AGREEMENT for moment in nvr)


def speaks_against(now: datetime, nvr: Collection[datetime]) -> bool:
    """Whether the NVR's clock is ahead by what no mistake in its time zone can explain."""
    return bool(nvr) and all(_is_no_zone(moment - now) for moment in nvr)


def _is_no_zone(ahead: timedelta) -> bool:
    rest = ahead % _QUARTER
    return ahead > _AGREEMENT and min(rest, _QUARTER - rest) > _GRAIN


def doubt(now: datetime, newest_frame: datetime | None, nvr: Collection[datetime]) -> str:
    """Return why `now` is wrong for certain, "" if it may be right. `nvr` as its readings."""
    if now < _EARLIEST:
        return f"it says {now:%Y-%m-%d}"
    if agrees(now, nvr):
        return ""
    if newest_frame and now < newest_frame - _AGREEMENT:
        return f"it says {_text(now)}, and the newest frame is of {_text(newest_frame)}"
    if nvr and all(moment - now > _BEHIND_THE_NVR for moment in nvr):
        return disagreement(now, nvr)
    return ""


def disagreement(now: datetime, nvr: Collection[datetime]) -> str:
    """Return what this machine's clock says, and what the NVR's."""
    return f"it says {_text(now)}, and the NVR's clock {_text(min(nvr))}"


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
