"""Moves frames that bear a wrong time to the right one, once the clock has been set.

Files and records of days are moved; what is under way is written beside the records, in
`coverage/clock.json`, so that a process that was killed in between goes on with it. The file also
tells a later process of the same run of the machine by which setting of the clock frames were
dated before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from reolink_timelapsed.capture import refilm
from reolink_timelapsed.capture.misdated import Apart, set_apart
from reolink_timelapsed.frame import Frame, frame_name
from reolink_timelapsed.schedule import Plan, Window, ticks_between
from reolink_timelapsed.storage import coverage, transit
from reolink_timelapsed.storage.coverage import DayRecord
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.storage.timeline import Step, Timeline, note_path
from reolink_timelapsed.system.disk_errors import left_out
from reolink_timelapsed.system.json_fields import (
    MOST,
    BadValue,
    get_bool,
    get_moment,
    get_number,
    get_object,
)
from reolink_timelapsed.system.reading import read_json

CLOCK = "clock stepped"
"""Why rounds are missing: the time in which they were due never came, or nobody knew of it."""

Moves = Counter[tuple[str, Window, Window]]
"""How many frames of a camera moved from a window to a window."""


@dataclass(frozen=True, slots=True)
class _Move:
    """Frames dated from `step.since` until `until` are on their way; `out` once all have left."""

    step: Step
    until: datetime
    out: bool = False

    def to_json(self) -> dict[str, Any]:
        return {
            "by": self.step.by.total_seconds(),
            "since": self.step.since.isoformat(),
            "until": self.until.isoformat(),
            "out": self.out,
        }

    @classmethod
    def from_json(cls, value: Any) -> _Move | None:
        """Return what `clock.json` tells of a move; None if it tells of none."""
        try:
            moving = get_object(value, "moving")
            since, until = get_moment(moving, "since"), get_moment(moving, "until")
            by = timedelta(seconds=get_number(moving, "by", least=-MOST))
            is_of_use = since + by <= until + by
            return cls(Step(by, since), until, get_bool(moving, "out")) if is_of_use else None
        except (BadValue, OverflowError):
            return None


@dataclass(frozen=True, slots=True)
class _Wrong:
    """A frame of a camera's folder that belongs `by` later."""

    folder: str
    frame: Frame
    by: timedelta


class Redater:
    """Owns `coverage/clock.json`; `ping` is called again and again while frames move.

    Every method but `keep` may raise `StoreError`; what was begun goes on the next time.
    """

    def __init__(
        self,
        store: Store,
        timeline: Timeline,
        plan: Plan,
        interval: timedelta,
        ping: Callable[[], None],
    ) -> None:
        self._store = store
        self._timeline = timeline
        self._plan = plan
        self._interval = interval
        self._ping = ping
        self._kept: object = None
        self._may_keep = False

    @property
    def path(self) -> Path:
        return note_path(self._store.root)

    def resume(self) -> None:
        """Finish a move that was cut short, and go on dating frames as the process before."""
        value = read_json(self.path)
        began = self._timeline.resume(value)
        if move := _Move.from_json(value):
            self._move(move, self._all(move))
            if began:
                self._timeline.follow(move.step)
                began += move.step.by
        if began:
            for folder, day, frame in self._on_disk(began, self._timeline.now()):
                self._timeline.dated(folder, day, frame.moment)
        self._may_keep = True
        self.keep()

    def keep(self) -> None:
        """Write down how frames are dated, if that has changed."""
        value = self._timeline.to_json()
        drifts = value | {"start": None}
        if self._may_keep and drifts != self._kept:
            self._store.write_json(self.path, value)
            self._kept = drifts

    def follow(self, step: Step) -> int:
        """Date anew what the clock dated wrongly, and believe it; return how many frames moved."""
        move = _Move(step, self._timeline.now())
        filed = self._move(move, self._listed(step))
        self._timeline.follow(step)
        for folder, day, frame in filed:
            self._timeline.dated(folder, day, frame.moment)
        self.keep()
        return len(filed)

    def set_apart(self) -> list[Apart]:
        """Set apart the frames that are ahead of this time, which must be right."""
        return set_apart(self._store, self._timeline.now(), self._ping)

    # Frames

    def _listed(self, step: Step) -> Iterator[_Wrong]:
        for (folder, day), moments, by in self._timeline.frames(step):
            home = self._store.frames_home(folder, day)
            for moment in moments:
                yield _Wrong(folder, Frame(moment, home / frame_name(moment)), by)

    def _all(self, move: _Move) -> Iterator[_Wrong]:
        for folder, _, frame in self._on_disk(move.step.since, move.until):
            yield _Wrong(folder, frame, move.step.by)

    def _on_disk(self, since: datetime, until: datetime) -> Iterator[tuple[str, date, Frame]]:
        first, last = frame_name(since), frame_name(until)
        for folder in self._store.camera_folders():
            for day in self._store.frame_days(folder):
                if abs(day - since.date()).days <= 2 or abs(day - until.date()).days <= 2:
                    for frame in self._store.frames(folder, day):
                        if first <= frame.path.name <= last:
                            yield folder, day, frame

    def _move(self, move: _Move, frames: Iterable[_Wrong]) -> list[tuple[str, date, Frame]]:
        before = self._unexplained(self._plan.nearest(move.until), move.until)
        left: dict[tuple[str, datetime], timedelta] = {}
        if not move.out:
            self._note(move)
            for one in list(frames):
                transit.take_out(self._store, one.folder, one.frame, one.frame.moment + one.by)
                left[one.folder, one.frame.moment + one.by] = one.by
                self._ping()
            move = _Move(move.step, move.until, out=True)
            self._note(move)
        filed = [
            (folder, day, frame)
            for folder in self._store.camera_folders()
            for day, frame in transit.put_back(self._store, folder, self._day_of, self._ping)
        ]
        self._move_records(self._moves(filed, left, move.step.by))
        self._book(move, before)
        return filed

    def _moves(
        self,
        filed: Iterable[tuple[str, date, Frame]],
        left: Mapping[tuple[str, datetime], timedelta],
        by: timedelta,
    ) -> Moves:
        nearest, moves = self._plan.nearest, Moves()
        for folder, _, frame in filed:
            before = frame.moment - left.get((folder, frame.moment), by)
            moves[folder, nearest(before), nearest(frame.moment)] += 1
        return moves

    def _note(self, move: _Move) -> None:
        self._kept = None
        value = self._timeline.to_json() | {"moving": move.to_json()}
        self._store.write_json(self.path, value)

    def _day_of(self, moment: datetime) -> date:
        return self._plan.nearest(moment).day

    # Records

    def _move_records(self, moves: Moves) -> None:
        """Let the records of the days follow their frames."""
        for source in sorted({before for _, before, _ in moves}):
            folders = self._store.camera_folders()
            left = [transit.leave(self._store, folder, source.day) for folder in folders]
            is_left = all(left)
            for target in sorted({after for _, before, after in moves if before == source}):
                if target.day != source.day:
                    frames = {one: moves[one, source, target] for one in folders}
                    self._move_record(source, target, frames, is_left=is_left)
                    is_left = False
            self._refilm(source, moves)

    def _refilm(self, source: Window, moves: Moves) -> None:
        for folder in {one for one, before, _ in moves if before == source}:
            gone = sum(
                count
                for (one, before, after), count in moves.items()
                if (one, before) == (folder, source) and after.day != source.day
            )
            with left_out():
                refilm.frames_moved(self._store, folder, source.day, gone)

    def _move_record(
        self, source: Window, target: Window, frames: dict[str, int], *, is_left: bool
    ) -> None:
        """Move what a record tells of some frames, or all it tells if its day has none left."""
        old, new = self._record(source), self._record(target)
        if is_left:
            new.add(old)
            self._store.remove(coverage.record_path(self._store, source.day))
        else:
            rounds = min(max(frames.values()), old.rounds)
            old.rounds, new.rounds = old.rounds - rounds, new.rounds + rounds
            for folder, count in frames.items():
                old.camera(folder).move(new.camera(folder), count)
            self._save(old)
        self._save(new)

    def _unexplained(self, window: Window, now: datetime) -> int:
        return max(self._record(window).unexplained(now), 0)

    def _book(self, move: _Move, unexplained: int) -> None:
        """Count the rounds that are missing because the clock was set: no more, and no fewer.

        Those that were unexplained before the clock was set, `unexplained`, still are; in
        another day those before frames were dated by this clock.
        """
        before, after = self._plan.nearest(move.until), move.until + move.step.by
        self._book_in(before, after, unexplained)
        now = self._plan.nearest(after)
        if now.day != before.day and after in now:
            absent = ticks_between(now.start, move.step.since + move.step.by, self._interval)
            self._book_in(now, after, absent)

    def _book_in(self, window: Window, now: datetime, unexplained: int) -> None:
        if (record := coverage.load(self._store, window.day)) or now in window:
            record = record or DayRecord(window, self._interval)
            record.correct(CLOCK, record.unexplained(now) - unexplained)
            self._save(record)

    def _record(self, window: Window) -> DayRecord:
        return coverage.load(self._store, window.day) or DayRecord(window, self._interval)

    def _save(self, record: DayRecord) -> None:
        path = coverage.record_path(self._store, record.window.day)
        self._store.write_json(path, record.to_json())
