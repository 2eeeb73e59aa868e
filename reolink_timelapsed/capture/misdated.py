"""Sets apart the frames that bear a time which has not come, once the clock is known to be right.

They were taken while this machine's clock was wrong, before it was restarted; by how much is not
known any more. In their place they would get into the film of a day that is not theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from reolink_timelapsed.capture import refilm
from reolink_timelapsed.frame import Frame
from reolink_timelapsed.storage import coverage, transit
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system.disk_errors import left_out

_AHEAD = timedelta(minutes=5)
"""Less is what a time server may set a clock back by in its daily work."""

_LONGEST_WINDOW = timedelta(days=2)


class Apart(NamedTuple):
    """So many `frames` of a camera now lie in `home`; the first bore the time `first`."""

    home: Path
    frames: int
    first: datetime


def set_apart(store: Store, now: datetime, ping: Callable[[], None]) -> list[Apart]:
    """Set apart what is ahead of `now`, which must be right; what cannot be moved is told of.

    `ping` is called after each frame.

    Raises:
        StoreError: if the data folder cannot be read.
    """
    apart = []
    for folder in store.camera_folders():
        moments: list[datetime] = []
        with left_out():
            moments = [frame.moment for frame in _moved(store, folder, now, ping)]
        if moments:
            apart.append(Apart(transit.apart(store, folder), len(moments), min(moments)))
    _forget_days_to_come(store, now.date())
    return apart


def _moved(store: Store, folder: str, now: datetime, ping: Callable[[], None]) -> Iterator[Frame]:
    for day in store.frame_days(folder):
        if day >= (now - _LONGEST_WINDOW).date():
            ahead = [one for one in store.frames(folder, day) if one.moment > now + _AHEAD]
            for frame in ahead:
                transit.set_apart(store, folder, frame)
                yield frame
                ping()
            if ahead:
                transit.leave(store, folder, day)
                refilm.frames_moved(store, folder, day, len(ahead))


def _forget_days_to_come(store: Store, today: date) -> None:
    """Remove the records of days that no clock on earth has begun yet."""
    for day in coverage.recorded_days(store):
        if day > today + timedelta(days=1):
            with left_out():
                store.remove_file(coverage.record_path(store, day))
