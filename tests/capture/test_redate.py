"""A clock that is set while frames are taken: each frame comes to bear the time of its picture."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reolink_timelapsed.capture.clock_check import PATIENCE_SECONDS
from reolink_timelapsed.capture.redate import Redater
from reolink_timelapsed.capture.single_run import SingleRun
from reolink_timelapsed.frame import Video
from reolink_timelapsed.schedule import Daily
from reolink_timelapsed.simulator import SimulatedNvr
from reolink_timelapsed.storage.days import Days
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.storage.timeline import SETTLED_SECONDS, STEP, Timeline
from reolink_timelapsed.system.clock import JumpingClock
from tests.conftest import MEMORY
from tests.support import DAY, MINUTELY, START, Clockwork, Daemon, Journal, at, build

FRONT, YARD = "ch0_Front_Door", "ch1_Yard"
MINUTE, HOUR, ONE_DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
OFFSETS = [
    *(way * length for length in (3 * MINUTE, 10 * HOUR, ONE_DAY) for way in (1, -1)),
    3652 * ONE_DAY,
    START - datetime(2026, 1, 1, tzinfo=UTC),
]


def step(clock: JumpingClock, length: timedelta) -> Callable[[], None]:
    return lambda: clock.step(length.total_seconds())


def moments(daemon: Daemon, camera: str = FRONT) -> list[datetime]:
    return [frame.moment for frame in daemon.frames(camera)]


def assert_each_minute(daemon: Daemon, start: datetime, end: datetime) -> None:
    """Check that every minute has its frame, that all of it is recorded, and nothing else is."""
    expected = [start + number * MINUTE for number in range(int((end - start) / MINUTE))]
    for camera in (FRONT, YARD):
        taken = moments(daemon, camera)
        assert len(taken) == len(expected)
        assert all(abs(a - b) < MINUTE for a, b in zip(taken, expected, strict=True))
        assert daemon.store.frame_days(camera) == [DAY]
        assert daemon.record().camera(camera).captured == len(expected)
    names = {path.name for path in (daemon.store.root / "coverage").iterdir()}
    assert names == {f"{DAY}.json", "clock.json"}
    assert daemon.record().rounds == len(expected)


@pytest.mark.parametrize("wrong", OFFSETS, ids=str)
@pytest.mark.parametrize("minutes", [1, 25])
def test_a_clock_that_is_wrong_for_a_while(  # noqa: PLR0917
    nvr: SimulatedNvr,
    folder: Path,
    clock: Clockwork,
    journal: Journal,
    wrong: timedelta,
    minutes: int,
) -> None:
    clock.at(at(5), step(clock, wrong))
    clock.at(at(5, minutes), step(clock, -wrong))
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(5, 59.5))
    missed = sum(daemon.record().missing_rounds.values())
    assert missed <= 3
    assert len(moments(daemon)) + missed >= 120
    if minutes == 1:
        assert_each_minute(daemon, at(4), at(6))
        assert daemon.record().missing_rounds == {}
    assert journal.warnings() == []
    assert len(journal.lines) < 12


@pytest.mark.parametrize("behind", [2 * MINUTE, 20 * HOUR, 40 * ONE_DAY], ids=str)
def test_a_clock_that_nobody_vouched_for_is_set_right(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal, behind: timedelta
) -> None:
    """The machine has no clock chip, and a time server answers after hours."""
    clock.step(-behind.total_seconds())
    clock.right = False
    nvr.device.clock_never_set = True

    def synchronise() -> None:
        clock.step(behind.total_seconds())
        clock.right = True

    clock.after(130.2 * 60, synchronise)  # it is 6:00
    daemon = build(nvr, folder, clock)
    clock.after(190 * 60, clock.stop)
    daemon.run()
    taken = [*moments(daemon), *(one.moment for one in daemon.frames(day=DAY - ONE_DAY))]
    snaps = [one for one in nvr.log if one.cmd == "Snap" and one.channel == 0]
    assert len(taken) == len(snaps)
    assert all(at(3, 49) < moment < at(7) for moment in taken)
    assert sorted(taken) == sorted(moments(daemon))
    assert daemon.store.frame_days(FRONT) == [DAY]
    assert journal.warnings() == []
    assert any("dated anew" in text for text in journal.texts)


@pytest.mark.parametrize("wrong", [-HOUR, HOUR, 9 * ONE_DAY], ids=str)
def test_a_clock_that_is_set_while_the_daemon_is_down(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, wrong: timedelta
) -> None:
    """It was right before, and is right again; the machine runs all the time."""
    clock.boot = "this one"
    build(nvr, folder, clock).run(until=at(4, 59.5))
    clock.step(wrong.total_seconds())
    clock.after(240, step(clock, -wrong))
    clock.after(59.5 * 60, clock.stop)
    daemon = build(nvr, folder, clock)
    daemon.run()
    assert_each_minute(daemon, at(4), at(6) - MINUTE)


def test_a_wrong_clock_is_set_right_while_the_daemon_is_down(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    clock.boot = "this one"
    clock.right = False
    nvr.device.clock_never_set = True
    clock.step(-20 * 3600 + 600)
    daemon = build(nvr, folder, clock)
    clock.after(3600, clock.stop)
    daemon.run()
    assert daemon.store.frame_days(FRONT) == [DAY - ONE_DAY]
    count = len(daemon.frames(day=DAY - ONE_DAY))
    clock.step(20 * 3600)
    clock.right = True
    daemon = build(nvr, folder, clock)
    clock.after(1800, clock.stop)
    daemon.run()
    assert daemon.store.frame_days(FRONT) == [DAY]
    assert len(moments(daemon)) == pytest.approx(count + 30, abs=1)
    assert at(4) <= moments(daemon)[0]


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("years", [-10, 10])
def test_a_clock_that_is_set_in_the_middle_of_a_round(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, years: int, *, right: bool
) -> None:
    """No round is said to have been too long, and what is missed stays in bounds."""
    for camera in nvr.cameras:
        camera.latency = 4
    if not right:
        clock.suspend(PATIENCE_SECONDS * 2)
        clock.right = False
        nvr.device.clock_never_set = True
    clock.at(at(5, 0.1), step(clock, 3652 * years / abs(years) * ONE_DAY))
    clock.at(at(5, 31.1), step(clock, 3652 * -years / abs(years) * ONE_DAY))
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(5, 59.5))
    missing = daemon.record().missing(FRONT, at(5, 59.5))
    assert {*missing} <= {"clock stepped"}
    assert sum(missing.values()) <= 3
    assert len(moments(daemon)) + sum(missing.values()) == pytest.approx(120, abs=1)


def test_a_run_without_a_daily_start_does_not_end_early(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    """The clock is a day ahead for a minute."""
    clock.after(3600, step(clock, ONE_DAY))
    clock.after(3660, step(clock, -ONE_DAY))
    daemon = build(nvr, folder, clock, plan=SingleRun(folder / "state", 2 * HOUR, UTC))
    daemon.run()
    assert len(moments(daemon)) == 120


def test_after_a_reboot_nothing_is_known_of_the_clock_before(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    clock.boot = "this one"
    build(nvr, folder, clock).run(until=at(4, 59.5))
    before = build(nvr, folder, clock).frames()
    clock.boot = "the next"
    clock.step(3600)
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(6, 30))
    assert daemon.frames()[: len(before)] == before
    assert moments(daemon)[len(before)] >= at(5, 59)


# Frames on their way


class _KilledError(Exception):
    """Ends a move where a kill would."""


class Taker:
    """Takes frames whose pictures tell when they were taken in truth."""

    def __init__(self, folder: Path, clock: JumpingClock) -> None:
        clock.boot = "this one"
        self.clock = clock
        self.store = Store(folder, "capture")
        self.store.open()
        self.left: int | None = None
        self.begin()

    def begin(self) -> None:
        """Start, as after a kill."""
        self.timeline = Timeline(self.clock)
        daily = Daily(datetime.min.time(), ONE_DAY, UTC)
        self.redater = Redater(self.store, self.timeline, daily, MINUTE, self._ping)

    def _ping(self) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise _KilledError

    def follow(self) -> None:
        if self.timeline.is_settled:
            self.redater.follow(self.timeline.step())

    def take(self, minutes: int) -> None:
        for _ in range(minutes):
            self.follow()
            now = self.timeline.now()
            picture = str(self.clock.monotonic()).encode()
            frame = self.store.put_frame(FRONT, now.date(), now, picture)
            self.timeline.dated(FRONT, now.date(), frame.moment)
            self.clock.sleep(60)
        self.follow()

    def seen(self) -> list[tuple[datetime, float]]:
        """Return what each frame says, and when it was taken, in the order of names."""
        days = self.store.frame_days(FRONT)
        frames = [frame for day in days for frame in self.store.frames(FRONT, day)]
        assert all(str(frame.moment.date()) == frame.path.parent.name for frame in frames)
        return [(frame.moment, float(frame.path.read_text())) for frame in frames]

    def assert_true(self, started: datetime, count: int) -> None:
        seen = self.seen()
        assert len(seen) == count
        for moment, taken in seen:
            assert abs(moment - started - timedelta(seconds=taken)) < STEP


SETTINGS = st.lists(
    st.tuples(st.integers(1, 25), st.timedeltas(-40 * ONE_DAY, 40 * ONE_DAY)), max_size=4
)


@given(SETTINGS, st.booleans(), st.integers(1, 25))
def test_whatever_a_clock_said_in_between_all_frames_are_right_once_it_is(
    settings: list[tuple[int, timedelta]], right: bool, minutes: int
) -> None:
    with TemporaryDirectory(dir=MEMORY) as name:
        clock = JumpingClock(START)
        clock.right = right
        if not right and settings:
            clock.step(settings[0][1].total_seconds())
        taker = Taker(Path(name), clock)
        taker.timeline.now()
        for minutes_there, error in settings:
            taker.take(minutes_there)
            truth = START + timedelta(seconds=clock.monotonic())
            clock.step((truth + error - clock.now()).total_seconds())
        taker.take(minutes)
        clock.step((START + timedelta(seconds=clock.monotonic()) - clock.now()).total_seconds())
        taker.take(int(SETTLED_SECONDS / 60) + 1)
        count = sum(there for there, _ in settings) + minutes + int(SETTLED_SECONDS / 60) + 1
        taker.assert_true(START, count)


@given(
    st.timedeltas(-3 * HOUR, 3 * HOUR).filter(lambda by: abs(by) > STEP),
    st.lists(st.integers(0, 70), max_size=3),
)
def test_a_kill_at_any_moment_leaves_each_frame_in_one_place(
    wrong: timedelta, kills: list[int]
) -> None:
    """And the next process goes on where the one before was."""
    with TemporaryDirectory(dir=MEMORY) as name:
        clock = JumpingClock(START + wrong)
        clock.right = False
        taker = Taker(Path(name), clock)
        taker.redater.resume()
        taker.take(35)
        clock.step(-wrong.total_seconds())
        for kill in kills:
            taker.left = kill
            with suppress(_KilledError):
                taker.redater.resume()
                taker.follow()
            taker.begin()
        taker.left = None
        taker.redater.resume()
        taker.follow()
        taker.assert_true(START, 35)
        assert list(Path(name).glob("frames/*/.transit")) == []


def test_a_frame_is_never_written_over(folder: Path, clock: JumpingClock) -> None:
    """Where it belongs there is one already, of before a reboot."""
    taker = Taker(folder / "data", clock)
    clock.right = False
    there = taker.store.put_frame(FRONT, DAY, START, b"0.0")
    clock.step(3600)
    taker.begin()
    taker.take(1)
    clock.step(-3600)
    taker.take(1)
    assert there.path.read_bytes() == b"0.0"
    assert [moment - START for moment, _ in taker.seen()] == [
        timedelta(0),
        timedelta(milliseconds=1),
        MINUTE,
    ]


MOVING = (
    b'{"moving": {"by": %s, "since": "%s-11-22T03:50:00+00:00", '
    b'"until": "2026-11-22T05:00:00+00:00", "out": %s}}'
)


@pytest.mark.parametrize(
    "junk",
    [
        *(b"", b"null", b"[]", b'{"moving": 1}', b'{"boot": "this one"}'),
        *(MOVING % (by, b"2026", b"false") for by in (b"1e300", b"-1e12", b"NaN", b'"1"')),
        MOVING % (b"3600", b"9999", b"false"),
        MOVING % (b"3600", b"2027", b"false"),
        MOVING % (b"3600", b"2026", b"5"),
    ],
)
def test_a_damaged_note_is_none(folder: Path, clock: JumpingClock, junk: bytes) -> None:
    taker = Taker(folder / "data", clock)
    taker.redater.path.parent.mkdir()
    taker.redater.path.write_bytes(junk)
    there = taker.store.put_frame(FRONT, DAY, START, b"0.0")
    taker.redater.resume()
    assert not taker.timeline.resumed
    assert there.path.exists()
    assert b"this one" in taker.redater.path.read_bytes()


# Films of a wrong day


@pytest.mark.parametrize("there", [0, 3])
def test_a_film_that_shows_frames_of_another_day_is_made_anew_or_goes(
    folder: Path, clock: JumpingClock, there: int
) -> None:
    """The clock was a day ahead, and the day was filmed before anybody set it right."""
    taker = Taker(folder / "data", clock)
    clock.right = False
    clock.step(ONE_DAY.total_seconds())
    taker.begin()
    wrong_day = DAY + ONE_DAY
    for minute in range(there):
        taker.store.put_frame(FRONT, wrong_day, START + ONE_DAY - HOUR + minute * MINUTE, b"1.0")
    taker.take(5)
    store = taker.store
    video = store.video_path(Video(FRONT, wrong_day))
    frames = store.frames(FRONT, wrong_day)
    store.write(video, b"a film")
    store.link(video.with_name("latest.mp4"), video)
    value = {
        "format": 1,
        "frames": {"captured": len(frames), "used": len(frames)},
        "videos": {"full": {"file": video.name, "bytes": 6}},
    }
    sidecar = store.sidecar_path(FRONT, wrong_day)
    store.write_json(sidecar, value)
    store.write(store.segments_home(FRONT, wrong_day) / "20261123T03Z_full.mp4", b"a segment")
    clock.step(-ONE_DAY.total_seconds())
    taker.follow()
    assert len(store.frames(FRONT, DAY)) == 5
    assert len(store.frames(FRONT, wrong_day)) == there
    assert video.exists() == sidecar.exists() == bool(there)
    assert video.with_name("latest.mp4").is_symlink() == bool(there)
    assert bool(store.segments(FRONT, wrong_day)) == bool(there)
    days = Days(store, MINUTELY, UTC)
    assert days.lacking(FRONT) == ([DAY, wrong_day] if there else [DAY])
