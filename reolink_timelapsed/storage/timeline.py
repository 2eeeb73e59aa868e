"""The time by which frames are dated: this machine's clock, but not every step of it at once.

What the wall clock says and what the monotonic clock says differ by the moment at which the
machine started. That moment does not move: if it does, somebody has set the clock, by exactly
that much. A clock that was known to be right is then not believed on the spot. Frames are dated
as before until the new setting has stood for a while, or a known one has come back; so a clock
that is wrong for minutes leaves no trace. Once the new setting is followed, it is known which
frames bear a wrong time, and by how much.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from reolink_timelapsed.system.clock import Clock
from reolink_timelapsed.system.json_fields import (
    BadValue,
    get_bool,
    get_list,
    get_moment,
    get_number,
    get_str,
    moment,
)

STEP = timedelta(minutes=1)
"""A smaller one is a time server's daily work: it is followed at once, and nothing dated anew."""

SETTLED_SECONDS = 600.0
"""How long another setting has to stand before it is followed, if the old one was right."""

_KEPT = timedelta(days=2)
"""How far back frames are dated anew: what is older has been filmed."""

_SETTINGS = 20
"""So many former settings are known again; nobody sets a clock more often."""

_AT_ONCE_SECONDS = 0.1
_DAY_SECONDS = 86400.0
_MARGIN = timedelta(seconds=1)
"""Before the first frame: moved to and fro, frames come out a millisecond beside."""

_MILLISECOND = timedelta(milliseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

CameraDay = tuple[str, date]


@dataclass(frozen=True, slots=True)
class Step:
    """The clock was set by `by`, and what the last setting dated `since` or later is wrong."""

    by: timedelta
    since: datetime


@dataclass(slots=True)
class _Setting:
    """A setting of the clock: when the machine started by it, since when it held, what it dated.

    Moments are held as milliseconds since 1970: a day of eight cameras takes 280 kB.
    """

    start: datetime
    began: datetime
    stamps: dict[CameraDay, array[int]] = field(default_factory=dict)

    def is_at(self, start: datetime) -> bool:
        return abs(self.start - start) < STEP

    def dated(self, since: datetime) -> Iterator[tuple[CameraDay, list[datetime]]]:
        for key, stamps in self.stamps.items():
            if chosen := [_moment(stamp) for stamp in stamps if stamp >= _stamp(since)]:
                yield key, chosen

    def forget(self, since: datetime) -> None:
        """Forget the frames that are dated `since` or later: they have been moved."""
        for key, stamps in self.stamps.items():
            self.stamps[key] = array("q", [stamp for stamp in stamps if stamp < _stamp(since)])


class Timeline:
    """Tells the time, and knows which frames were dated by the present setting of the clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._before: list[_Setting] = []
        self._news: list[timedelta] = []
        self.resumed = False
        self.begin()

    def begin(self) -> None:
        """Believe the clock as it is."""
        wall, self._seen = self._read()
        self._setting = _Setting(self._seen, wall - _MARGIN)
        self._stepped_at = self._clock.monotonic()
        self._left: datetime | None = None
        self.confirmed = False

    def confirm(self) -> None:
        """Note that the clock as it is by now is known to be right."""
        self.confirmed = self.confirmed or self._left is None

    # The time

    def now(self) -> datetime:
        """Return the time by which frames are dated."""
        return self._look() - self.ahead

    @property
    def ahead(self) -> timedelta:
        """By how much the wall clock is ahead of `now`, as long as a step of it is in doubt."""
        return _whole(self._seen - self._setting.start) if self._left else timedelta(0)

    def _look(self) -> datetime:
        """Compare the clocks; return what the wall clock says."""
        wall, start = self._read()
        step, self._seen = start - self._seen, start
        if abs(step) >= STEP:
            self._news.append(step)
            self._stepped_at = self._clock.monotonic()
        if self._setting.is_at(start):
            self._setting.start, self._left = start, None
            self.confirmed = self.confirmed or self._clock.synchronised()
        elif self._left is None:
            self._left = wall - _whole(start - self._setting.start)
        return wall

    def _read(self) -> tuple[datetime, datetime]:
        """Return what the wall clock says, and when the machine started by it."""
        while True:
            before = self._clock.monotonic()
            wall = self._clock.now()
            if self._clock.monotonic() - before < _AT_ONCE_SECONDS:  # else it was held up between
                return wall, wall - timedelta(seconds=before)

    # Steps of the clock

    def news(self) -> list[timedelta]:
        """Return by how much the clock was set since the last call, each time it was."""
        self._look()
        news, self._news = self._news, []
        return news

    @property
    def is_settled(self) -> bool:
        """Whether the clock was set otherwise, and its new setting may be followed by now."""
        self._look()
        return self._left is not None and (
            not self.confirmed
            or self._is_known
            or self._clock.monotonic() - self._stepped_at >= SETTLED_SECONDS
        )

    @property
    def _is_known(self) -> bool:
        return any(setting.is_at(self._seen) for setting in self._before)

    def step(self) -> Step:
        """Return what following the clock means.

        A clock that was right and goes forward may have missed time, as in a virtual machine that
        was stopped: then only what was dated since is wrong. Else all that it ever dated is.
        """
        is_all_wrong = not self.confirmed or self._is_known or self.ahead < timedelta(0)
        began = self._setting.began
        return Step(self.ahead, began if is_all_wrong else self._left or began)

    def follow(self, step: Step) -> None:
        """Believe the clock as `step` set it; the frames have been moved."""
        start = self._setting.start + step.by
        self._setting.forget(step.since)
        self._before.append(self._setting)
        while any(setting.is_at(start) for setting in self._before):
            self._setting = self._before.pop()
        if not self._setting.is_at(start):
            self._setting = _Setting(start, step.since + step.by)
        self._before = self._before[-_SETTINGS:]
        self._left, self.confirmed = None, False
        self._look()

    # The frames

    def dated(self, folder: str, day: date, moment: datetime) -> None:
        """Note a frame that was dated by this time."""
        stamps = self._setting.stamps
        if (folder, day) not in stamps:
            for old in [key for key in stamps if key[1] < (moment - _KEPT).date()]:
                del stamps[old]
        stamps.setdefault((folder, day), array("q")).append(_stamp(moment))

    def frames(self, step: Step) -> Iterator[tuple[CameraDay, list[datetime], timedelta]]:
        """Yield the frames that `step` makes wrong, by camera and day, and by how much.

        When a setting comes back, all that were in between are known to have been wrong.
        """
        start = self._setting.start + step.by
        for key, moments in self._setting.dated(step.since):
            yield key, moments, step.by
        known = [number for number, one in enumerate(self._before) if one.is_at(start)]
        for setting in self._before[known[0] + 1 :] if known else ():
            for key, moments in setting.dated(_EPOCH):
                yield key, moments, _whole(start - setting.start)

    # Across restarts

    def to_json(self) -> dict[str, Any]:
        """Return what a process needs that goes on while the machine has not been restarted."""
        return {
            "boot": self._clock.boot_id(),
            "start": self._setting.start.isoformat(),
            "began": self._setting.began.isoformat(),
            "left": self._left.isoformat() if self._left else None,
            "confirmed": self.confirmed,
            "stepped": self._stepped_at if self._left or self._before else None,
            "known": [setting.start.isoformat() for setting in self._before],
        }

    def resume(self, value: Any) -> datetime | None:
        """Go on as the process before left it; return since when frames were dated this way.

        None if it did not run since the machine started.
        """
        try:
            boot, is_right = get_str(value, "boot"), get_bool(value, "confirmed")
            start, began = get_moment(value, "start"), get_moment(value, "began")
            left = get_moment(value, "left") if value.get("left") else None
            known = [moment(text) for text in get_list(value, "known")]
        except BadValue:
            return None
        if not boot or boot != self._clock.boot_id():
            return None
        self._setting, self._left = _Setting(start, began), left
        self._before = [_Setting(one, began) for one in known[-_SETTINGS:]]
        self.confirmed = is_right
        self.resumed = True
        if abs(self._seen - start) >= STEP:
            self._news.append(self._seen - start)
        return max(began, self.now() - _KEPT)


def note_path(root: Path) -> Path:
    """Return where, in the data folder, it is written down how frames are dated."""
    return root / "coverage" / "clock.json"


def was_set(note: Any, clock: Clock) -> bool:
    """Tell whether the clock was set within the last day, of which `note` (JSON) may tell.

    What cannot be undone should not be done by such a clock.
    """
    try:
        boot, start = get_str(note, "boot"), get_moment(note, "start")
        is_stepped = note.get("stepped") is not None
        since = clock.monotonic() - get_number(note, "stepped") if is_stepped else None
    except BadValue:
        return False
    if not boot or boot != clock.boot_id():
        return False
    is_otherwise = abs(clock.now() - timedelta(seconds=clock.monotonic()) - start) >= STEP
    return is_otherwise or (since is not None and since < _DAY_SECONDS)


def _stamp(moment: datetime) -> int:
    """Return a moment in milliseconds, cut as a frame's name is."""
    return (moment - _EPOCH) // _MILLISECOND


def _moment(stamp: int) -> datetime:
    return _EPOCH + stamp * _MILLISECOND


def _whole(length: timedelta) -> timedelta:
    """Return a length in whole milliseconds: a frame's moment has no more."""
    return round(length / _MILLISECOND) * _MILLISECOND
