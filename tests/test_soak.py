"""Simulated days of faults, kills and restarts: nothing is lost without a reason.

`SOAK_DAYS` (6), `SOAK_INTERVAL` (seconds) and `SOAK_SEED` in the environment make it another one.
"""

from __future__ import annotations

import gc
import logging
import os
import random
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp
from threading import current_thread, main_thread

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from reolink_timelapsed.config.settings import CaptureConfig
from reolink_timelapsed.media.jpeg import picture_size
from reolink_timelapsed.simulator import HANGING, Kind, Misbehaviour, SimulatedNvr, random_faults
from reolink_timelapsed.storage.coverage import STOPPED, UNLISTED
from tests.support import (
    DAY,
    MINUTELY,
    PASSWORD,
    START,
    Clockwork,
    Daemon,
    Journal,
    build,
    build_session,
    simulated,
)

DAYS = int(os.environ.get("SOAK_DAYS", "6"))
INTERVAL = int(os.environ.get("SOAK_INTERVAL", "175"))
SEED = int(os.environ.get("SOAK_SEED", "1"))
CAMERAS = ("ch0_Front_Door", "ch1_Yard")
HOUR = 3600.0
TIMEOUT = 1.5
"""Seconds of real time for an answer; it takes milliseconds, and a few never come."""

HOURS = 8
"""Of capturing in a day."""

REASONS = {
    "NVR unreachable",
    "session lost",
    "session slots taken",
    "login refused",
    "no picture",
    "offline",
    "damaged picture",
    "round too long",
    "clock stepped",
    "machine asleep",
    "disk",
    STOPPED,
    UNLISTED,
}

COMMAND_FAULTS = [
    Misbehaviour(kind, cmd=cmd)
    for cmd in ("Login", "Logout", "GetChannelstatus", "GetDevInfo", "GetBatteryInfo")
    for kind in (Kind.STATUS, Kind.RESET, Kind.CLOSE, Kind.GARBLED, Kind.RSP_CODE)
]


class Killed(BaseException):
    """The plug was pulled."""


class Mortal(Clockwork):
    """A clock that kills its daemon at `doomed_at` (monotonic), wherever it looks at a clock next.

    The dead write nothing more: `work`, where every file is made, is gone then.
    """

    def __init__(self, work: Path) -> None:
        super().__init__(START)
        self.doomed_at = float("inf")
        self._work = work

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self._live_or_die()

    def now(self) -> datetime:
        self._live_or_die()
        return super().now()

    @contextmanager
    def deadline(self, seconds: float) -> Iterator[None]:
        self._live_or_die()
        with super().deadline(seconds):
            yield

    def revive(self) -> None:
        self.doomed_at = float("inf")

    def _live_or_die(self) -> None:
        if self.monotonic() >= self.doomed_at and current_thread() is main_thread():
            if self._work.exists():
                shutil.rmtree(self._work)
            raise Killed


@dataclass
class Fate:
    """What becomes of one daemon after so many seconds, and how long nobody runs then."""

    seconds: float
    killed: bool
    away: float


@dataclass
class Life:
    """Daemons that follow each other on one clock, against one NVR."""

    nvr: SimulatedNvr
    folder: Path
    clock: Mortal
    config: CaptureConfig
    restarts: int = 0

    def live(self, until: datetime, fates: Iterable[Fate]) -> Daemon:
        for fate in fates:
            if self.clock.now() + timedelta(seconds=fate.seconds) < until:
                self._run(fate)
                self.clock.suspend(fate.away)
                self.restarts += 1
        daemon = self._daemon()
        daemon.run(until=max(until, self.clock.now()))
        return daemon

    def _run(self, fate: Fate) -> None:
        daemon = self._daemon()
        if fate.killed:
            self.clock.doomed_at = self.clock.monotonic() + fate.seconds
            with pytest.raises(Killed):
                daemon.capture.run()
            self.clock.revive()
        else:
            daemon.run(until=self.clock.now() + timedelta(seconds=fate.seconds))

    def _daemon(self) -> Daemon:
        session = build_session(self.nvr, self.folder / "state", self.clock, timeout=TIMEOUT)
        return build(self.nvr, self.folder, self.clock, self.config, session=session)


def assert_accounted(daemon: Daemon, days: int, now: datetime, tolerance: int = 0) -> None:
    """Every tick of every day has its frame or a reason; a few may have two, after a restart."""
    for day in (DAY + timedelta(days=number) for number in range(days)):
        record = daemon.record(day)
        assert {*record.missing_rounds} <= REASONS
        for camera in CAMERAS:
            missing = record.missing(camera, now)
            assert {*missing} <= REASONS
            surplus = len(daemon.frames(camera, day)) + sum(missing.values()) - record.expected(now)
            assert 0 <= surplus <= tolerance, (day, camera, missing)


def assert_whole(daemon: Daemon, days: int) -> None:
    """Every visible frame is a whole picture, in the order in which it was taken."""
    for number in range(days):
        for camera in CAMERAS:
            frames = daemon.frames(camera, DAY + timedelta(days=number))
            assert frames == sorted(frames, key=lambda frame: frame.path.stat().st_mtime_ns)
            for frame in frames:
                assert picture_size(frame.path.read_bytes())


@dataclass(frozen=True)
class Size:
    """What this process holds: objects of Python's, and bytes of memory."""

    blocks: int
    resident: int

    @classmethod
    def now(cls) -> Size:
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return cls(sys.getallocatedblocks(), pages * os.sysconf("SC_PAGESIZE"))


@contextmanager
def world(folder: Path) -> Iterator[tuple[SimulatedNvr, Mortal]]:
    clock = Mortal(folder / "data" / ".work" / "capture")
    with simulated(clock) as nvr:
        yield nvr, clock


def test_days_of_faults(folder: Path) -> None:
    rng = random.Random(SEED)
    config = replace(
        MINUTELY, interval=timedelta(seconds=INTERVAL), duration=timedelta(hours=HOURS)
    )
    until = START + timedelta(days=DAYS - 1, hours=HOURS + 0.5)
    sizes: list[Size] = []
    with world(folder) as (nvr, clock):
        journal = Journal(clock)
        log = logging.getLogger("reolink_timelapsed")
        log.addHandler(journal)
        for fault in (
            *random_faults(SEED, 24 * DAYS, channels=(0, 1), an_hour=1),
            *random_faults(
                SEED + 1, 24 * DAYS, channels=(0, 1), an_hour=0.01, kinds=HANGING - {Kind.ENDLESS}
            ),
            *_command_faults(rng),
        ):
            nvr.misbehave(fault)
        for number in range(DAYS):
            clock.at(START + timedelta(days=number, hours=HOURS + 2), lambda: _rest(nvr, sizes))
            clock.at(
                START + timedelta(days=number, hours=rng.uniform(1, HOURS - 1)), _step(clock, rng)
            )
        fates = [
            Fate(24 * HOUR * DAYS / 2, killed=True, away=HOUR),  # one that lives for half of them
            *(
                Fate(rng.uniform(0, 24 * HOUR), rng.random() < 0.7, rng.uniform(1, 1200))
                for _ in range(2 * DAYS)
            ),
        ]
        life = Life(nvr, folder, clock, config)
        daemon = life.live(until, fates)
        log.removeHandler(journal)
    assert life.restarts >= DAYS / 2
    assert_accounted(daemon, DAYS, clock.now(), tolerance=2)
    assert_whole(daemon, DAYS)
    taken = sum(len(daemon.frames(CAMERAS[0], DAY + timedelta(days=n))) for n in range(DAYS))
    assert taken > 0.7 * DAYS * HOURS * HOUR / INTERVAL
    assert journal.most_in_an_hour() <= 20 + 6  # restarts bring a few of their own
    assert PASSWORD not in "\n".join(journal.texts)
    its_days = sizes[1 : DAYS // 2]
    assert its_days[-1].blocks < 1.03 * its_days[0].blocks
    assert sizes[-1].resident - sizes[1].resident < 12_000_000, sizes


def _command_faults(rng: random.Random) -> Iterator[Misbehaviour]:
    """Draw faults of commands other than Snap, one in two hours."""
    for _ in range(12 * DAYS):
        yield replace(
            rng.choice(COMMAND_FAULTS),
            begins=rng.uniform(0, 24 * HOUR * DAYS),
            times=rng.randint(1, 3),
            code=rng.choice([-2, -4, -5, -6, -8, -9, -12, -17, -31, -105]),
            status=rng.choice([302, 404, 502]),
        )


def _step(clock: Clockwork, rng: random.Random) -> Callable[[], None]:
    seconds = rng.choice([0.4, -0.4, 90.0, 1800.0])
    return lambda: clock.step(seconds)


def _rest(nvr: SimulatedNvr, sizes: list[Size]) -> None:
    """Judge the day at its end, forget its log, and weigh the process."""
    assert nvr.broken_rules() == []
    assert len(nvr.live_sessions) <= 1
    del nvr.log[:-1]
    nvr.turned_away.clear()
    sizes.append(Size.now())


FAULTS = st.builds(
    Misbehaviour,
    st.sampled_from(sorted(frozenset(Kind) - HANGING - {Kind.SHORT_BATCH})),
    cmd=st.sampled_from(["Snap", "Login", "Logout", "GetChannelstatus", "GetBatteryInfo", None]),
    channel=st.sampled_from([0, 1, None]),
    begins=st.floats(0, 4 * HOUR),
    lasts=st.floats(10, HOUR),
    times=st.integers(1, 20),
    code=st.integers(-600, -1),
    status=st.sampled_from([300, 302, 404, 500, 502]),
    content_type=st.sampled_from(["image/jpeg", "text/html", None]),
)
FATES = st.builds(Fate, st.floats(0, 2 * HOUR), st.booleans(), st.floats(1, 1200))


@settings(
    max_examples=int(os.environ.get("SOAK_EXAMPLES", "6")),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    faults=st.lists(FAULTS, max_size=12),
    fates=st.lists(FATES, max_size=4),
)
@example(faults=[], fates=[Fate(3027.8, True, 1130.0)])  # up again as the token's lease ends
def test_any_schedule_of_faults_and_fates(
    folder: Path, faults: list[Misbehaviour], fates: list[Fate]
) -> None:
    until = START + timedelta(hours=4)
    config = replace(MINUTELY, interval=timedelta(minutes=2))
    place = Path(mkdtemp(dir=folder))
    with world(place) as (nvr, clock):
        for fault in faults:
            nvr.misbehave(fault)
        life = Life(nvr, place, clock, config)
        daemon = life.live(until, fates)
        assert_accounted(daemon, 1, clock.now(), tolerance=life.restarts)
        assert_whole(daemon, 1)
