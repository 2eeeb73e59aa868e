"""Ticks, capture windows and days: arithmetic on moments, with no clock of its own.

Moments are aware datetimes in UTC. Local time enters through a `tzinfo` alone. A window is
laid out in wall-clock time, so that 00:00 + 24 h reaches the next midnight on the days of 23
and 25 hours, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Protocol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A stretch of capturing, `start` <= moment < `end`, and the day all of it belongs to."""

    start: datetime
    end: datetime
    day: date

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end

    def distance(self, moment: datetime) -> timedelta:
        """Return how far outside the window a moment lies."""
        return max(self.start - moment, moment - self.end, timedelta(0))


@dataclass(frozen=True, slots=True)
class Daily:
    """A window every day: `start` in local wall-clock time, `duration` at most 24 hours."""

    start: time
    duration: timedelta
    zone: tzinfo

    def window(self, day: date) -> Window:
        """Return the window that starts on the local date `day`.

        Where the clock jumps over the start, the window begins when the clock has jumped.
        """
        wall = datetime.combine(day, self.start)
        start, end = _utc(wall, self.zone), _utc(wall + self.duration, self.zone)
        return Window(start, end if end > start else start + self.duration, day)

    def at(self, moment: datetime) -> Window:
        """Return the window that holds `moment`, else the next one to come."""
        day = local_day(moment, self.zone) - _DAY
        while (window := self.window(day)).end <= moment:
            day += _DAY
        return window

    def nearest(self, moment: datetime) -> Window:
        """Return the window that a frame of `moment` belongs to, though it lie outside."""
        today = local_day(moment, self.zone)
        windows = [self.window(today + days * _DAY) for days in (-1, 0, 1)]
        return min(windows, key=lambda window: window.distance(moment))


@dataclass(frozen=True, slots=True)
class Once:
    """A single window, for a run without a daily start."""

    only: Window

    @classmethod
    def starting(cls, start: datetime, duration: timedelta, zone: tzinfo) -> Once:
        return cls(Window(start, start + duration, local_day(start, zone)))

    def at(self, moment: datetime) -> Window | None:
        """Return the window until it is over, None after that."""
        return self.only if moment < self.only.end else None

    def nearest(self, moment: datetime) -> Window:
        """Return the window: there is no other."""
        del moment
        return self.only


class Plan(Protocol):
    """When to capture."""

    def at(self, moment: datetime) -> Window | None:
        """Return the window that holds `moment`, else the next one, None if there is none."""
        ...

    def nearest(self, moment: datetime) -> Window:
        """Return the window that a frame of `moment` belongs to, though it lie outside."""
        ...


class Ticks:
    """Walks the grid: which tick is due, and how many passed unused. It has no clock of its own."""

    def __init__(self, interval: timedelta, start: datetime) -> None:
        self._interval = interval
        self.due = tick_from(start, interval)

    def done(self, now: datetime) -> int:
        """Note that the due tick was used; skip those that passed meanwhile and return how many."""
        used = self.due
        self.due = max(tick_from(now, self._interval), used + self._interval)
        return (self.due - used) // self._interval - 1

    def look(self, now: datetime) -> int:
        """Follow a clock that was stepped, or a machine that slept; return the ticks passed over.

        A tick stays due for one interval. Ticks are never made up for, and a clock that was set
        back does not mean waiting until it has caught up.
        """
        if now - self.due < self._interval and self.due - now <= self._interval:
            return 0
        before, self.due = self.due, tick_from(now, self._interval)
        return max((self.due - before) // self._interval, 0)


def local_day(moment: datetime, zone: tzinfo) -> date:
    """Return the local date of `moment`."""
    return moment.astimezone(zone).date()


def tick_from(moment: datetime, interval: timedelta) -> datetime:
    """Return the first tick at or after `moment`; ticks are the multiples of `interval` in UTC."""
    return _EPOCH + -((_EPOCH - moment) // interval) * interval


def ticks_between(start: datetime, end: datetime, interval: timedelta) -> int:
    """Count the ticks with start <= tick < end."""
    if end <= start:
        return 0
    return (tick_from(end, interval) - tick_from(start, interval)) // interval


def hour_of(moment: datetime) -> datetime:
    """Return the start of the clock hour (UTC) that holds `moment`."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def hours_of(window: Window) -> list[datetime]:
    """Return the starts of the clock hours (UTC) that `window` touches, in order."""
    hours = [hour_of(window.start)]
    while hours[-1] + _HOUR < window.end:
        hours.append(hours[-1] + _HOUR)
    return hours


def _utc(wall: datetime, zone: tzinfo) -> datetime:
    return wall.replace(tzinfo=zone).astimezone(UTC)
