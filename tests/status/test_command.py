"""What `status` says, of real data folders at a fixed moment."""

from __future__ import annotations

import io
import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reolink_timelapsed.config.settings import CaptureConfig, Config, StorageConfig
from reolink_timelapsed.errors import StoreError
from reolink_timelapsed.frame import Frame, Video
from reolink_timelapsed.schedule import Daily, Window
from reolink_timelapsed.simulator import SimulatedNvr
from reolink_timelapsed.status import command
from reolink_timelapsed.status.judgement import small_disk
from reolink_timelapsed.status.overview import Disk, Overview, next_run
from reolink_timelapsed.status.services import Names, Services
from reolink_timelapsed.storage.coverage import DayRecord, record_path
from reolink_timelapsed.storage.daemon_state import FILE_NAME
from reolink_timelapsed.storage.space import shortage
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system.clock import JumpingClock
from reolink_timelapsed.system.lock import CAPTURE, Turn, only_one
from tests.support import Clockwork, build

DAY = date(2026, 11, 22)
ONE_DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
DOOR, YARD = "ch0_Front_Door", "ch1_Yard"
PICTURE = b"x" * 1000
UNITS = Names(
    "reolink-timelapse@garage.service",
    "reolink-timelapse-stitch@garage.service",
    "reolink-timelapse-stitch@garage.timer",
)

DAILY = CaptureConfig(interval=MINUTE, daily_start=time(4), duration=timedelta(hours=18))


def at(hour: int, minute: int = 0, second: int = 0, day: date = DAY) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=UTC)


def date_back(frame: Frame, moment: datetime | None = None) -> None:
    """Let a frame's file have been written when the frame was taken, or at `moment`."""
    seconds = (moment or frame.moment).timestamp()
    os.utime(frame.path, (seconds, seconds))


@dataclass
class House:
    """A data folder as the daemon leaves it, and a look at it by `status`; its time is UTC."""

    root: Path
    capture: CaptureConfig = DAILY
    zone: tzinfo = UTC
    services: Services | None = None
    storage: StorageConfig = field(default_factory=StorageConfig)
    store: Store = field(init=False)

    def __post_init__(self) -> None:
        self.store = Store(self.root / "data", "test")
        self.store.open()
        (self.root / "run").mkdir()

    def frame(self, folder: str, moment: datetime, day: date | None = None) -> None:
        date_back(self.store.put_frame(folder, day or moment.date(), moment, PICTURE))

    def film(self) -> None:
        """Let the videos of all days be made; they have been removed since, as old ones are."""
        for folder in self.store.camera_folders():
            for day in self.store.frame_days(folder):
                captured = len(self.store.frames(folder, day))
                self.store.write_json(
                    self.store.sidecar_path(folder, day),
                    {
                        "format": 1,
                        "frames": {"captured": captured},
                        "videos": {},
                        "expired": "long ago",
                    },
                )

    def record(
        self,
        cameras: Mapping[str, tuple[int, Mapping[str, int]]] | None = None,
        day: date = DAY,
        rounds: Mapping[str, int] | None = None,
        window: Window | None = None,
    ) -> DayRecord:
        """Write a day's record: of each camera the frames, and the misses by reason."""
        daily = Daily(time(4), timedelta(hours=18), UTC)
        record = DayRecord(window or daily.window(day), self.capture.interval)
        record.missing_rounds.update(rounds or {})
        for folder, (captured, missing) in (cameras or {}).items():
            camera = record.camera(folder)
            camera.captured, camera.size = captured, captured * len(PICTURE)
            camera.missing.update(missing)
        self.store.write_json(record_path(self.store, day), record.to_json())
        return record

    def says(
        self,
        state: str,
        since: datetime,
        record: DayRecord | None = None,
        pause: str = "",
        started: datetime | None = None,
    ) -> None:
        value: dict[str, Any] = {"state": state, "since": since.isoformat(), "logged_in": True}
        if started:
            value["started"] = started.isoformat()
        value["pause"] = pause
        value["day"] = record.to_json() if record else None
        (self.root / "run" / FILE_NAME).write_text(json.dumps(value))

    def run(self, now: datetime, as_json: bool) -> tuple[int, str]:
        out = io.StringIO()
        storage = replace(self.storage, data_dir=self.store.root)
        config = Config(capture=self.capture, storage=storage)
        code = command.run(
            config,
            self.store,
            JumpingClock(now),
            zone=self.zone,
            runtime=self.root / "run",
            by_hand=self.root / "state",
            as_json=as_json,
            services=self.services,
            out=out,
        )
        return code, out.getvalue()

    def code(self, now: datetime) -> int:
        return self.run(now, as_json=True)[0]

    def text(self, now: datetime) -> str:
        return self.run(now, as_json=False)[1]

    def json(self, now: datetime) -> dict[str, Any]:
        value: dict[str, Any] = json.loads(self.run(now, as_json=True)[1])
        return value


def of(name: str, **properties: str) -> dict[str, str]:
    """Return what systemd says of a unit that is well, but for these properties."""
    usual = {
        "daemon": {"ActiveState": "active", "SubState": "running", "NRestarts": "0"},
        "stitch": {"ActiveState": "inactive", "Result": "success", "ExecMainStatus": "0"},
        "timer": {
            "ActiveState": "active",
            "NextElapseUSecRealtime": "Sun 2026-11-22 13:07:00 UTC",
        },
    }
    return usual[name] | properties


def services(**properties: dict[str, str]) -> Services:
    units = {name: of(name) | properties.get(name, {}) for name in ("daemon", "stitch", "timer")}
    by_unit = {
        UNITS.daemon: units["daemon"],
        UNITS.stitch: units["stitch"],
        UNITS.timer: units["timer"],
    }
    found = Services.look(UNITS, lambda unit, wanted: {k: by_unit[unit].get(k, "") for k in wanted})
    assert found
    return found


@contextmanager
def a_house() -> Iterator[House]:
    with tempfile.TemporaryDirectory() as name:
        yield House(Path(name))


@pytest.fixture
def house() -> Iterator[House]:
    with a_house() as it:
        yield it


# The exit code


@given(
    interval=st.sampled_from([1, 15, 60, 200, 201, 900]),
    ages=st.lists(st.integers(0, 20_000), min_size=1, max_size=3),
    noon=st.integers(-9 * 3600, 11 * 3600),
)
def test_code_is_1_while_a_frame_is_overdue_in_the_window(
    interval: int, ages: list[int], noon: int
) -> None:
    now = at(12) + timedelta(seconds=noon)
    with a_house() as house:
        house.capture = CaptureConfig(
            interval=timedelta(seconds=interval), daily_start=time(4), duration=timedelta(hours=18)
        )
        for channel, age in enumerate(ages):
            house.frame(f"ch{channel}_Yard", now - timedelta(seconds=age), DAY)
        open_for = (now - at(4)).total_seconds()
        is_open = 0 <= open_for < 18 * 3600
        oldest = max(min(age, open_for) for age in ages)
        assert house.code(now) == int(is_open and oldest > max(3 * interval, 600))


def test_an_nvr_that_is_down_since_before_the_window(house: House) -> None:
    house.frame(DOOR, at(21, 59, day=DAY - ONE_DAY))
    house.film()
    house.record(rounds={"NVR unreachable": 5})
    assert house.code(at(3, 59)) == 0
    assert house.code(at(4, 10)) == 0
    assert house.code(at(4, 10, 1)) == 1
    assert f"{DOOR} has given no frame for 10 min 1 s" in house.text(at(4, 10, 1))
    assert house.code(at(22)) == 0


def test_an_nvr_that_stays_down_stays_a_fault(house: House) -> None:
    house.frame(DOOR, at(12))
    for days in range(1, 30):
        house.record(day=DAY + days * ONE_DAY, rounds={"NVR unreachable": 1080})
    assert house.code(at(12, day=DAY + 29 * ONE_DAY)) == 1


def test_a_daemon_that_does_not_run_is_a_fault_only_while_frames_are_due(house: House) -> None:
    house.frame(DOOR, at(21, day=DAY - ONE_DAY))
    house.frame(YARD, at(21, day=DAY - ONE_DAY))
    house.film()
    text = house.text(at(12))
    assert "FAULT     no camera has given a frame for 8 h\n" in text
    assert "daemon    not running" in text
    assert house.code(at(23)) == 0


def test_a_camera_that_the_nvr_lacks_alarms_for_a_day_not_for_ever(house: House) -> None:
    house.frame(DOOR, at(12))
    codes = []
    for days in range(4):
        now = at(17, 1, day=DAY + days * ONE_DAY)
        house.frame(YARD, now - MINUTE)
        house.film()
        codes.append(house.code(now))
    assert codes == [1, 1, 0, 0]
    assert house.json(now)["cameras"][DOOR]["fate"] == f"is gone since {DAY}"
    assert house.json(now)["cameras"][YARD]["fate"] == ""
    assert f"\n  {DOOR} is gone since {DAY}\n" in house.text(now)


def test_a_camera_that_the_nvr_has_but_that_is_dead_alarms_as_long_as_it_is(house: House) -> None:
    house.frame(DOOR, at(12))
    later = DAY + 9 * ONE_DAY
    house.frame(YARD, at(17, day=later))
    house.record({DOOR: (0, {"offline": 780}), YARD: (780, {})}, later)
    house.film()
    (fault,) = house.json(at(17, 1, day=later))["faults"]
    assert fault.startswith(f"{DOOR} has given no frame since {DAY}: look at its power and")
    assert fault.endswith("delete it at the NVR, or leave it out with `capture.channels: [1]`")
    house.capture = replace(DAILY, channels=(1,))
    assert house.json(at(17, 1, day=later))["faults"] == []
    assert house.json(at(17, 1, day=later))["cameras"][DOOR]["fate"] == (
        "is left out by capture.channels"
    )


def test_a_new_name_is_no_fault_of_the_old_one(house: House) -> None:
    house.frame(DOOR, at(12))
    house.frame("ch0_Entrance", at(16, 59))
    cameras = house.json(at(17))["cameras"]
    assert {folder: camera["wanted"] for folder, camera in cameras.items()} == {
        DOOR: False,
        "ch0_Entrance": True,
    }
    assert cameras[DOOR]["fate"].startswith("is called ch0_Entrance now: a day of both")
    assert house.code(at(17)) == 0


def test_a_camera_that_the_configuration_leaves_out_is_no_fault(house: House) -> None:
    house.frame(DOOR, at(12))
    house.frame(YARD, at(16, 59))
    assert house.code(at(17)) == 1
    house.capture = CaptureConfig(
        interval=MINUTE, channels=(1,), daily_start=time(4), duration=timedelta(hours=18)
    )
    assert house.code(at(17)) == 0


def test_no_camera_at_all_is_a_fault_once_there_was_time_for_one(house: House) -> None:
    assert house.code(at(4, 9)) == 0
    assert house.json(at(5))["faults"] == ["no daemon runs, and no camera has given a frame yet"]
    house.says("all is well", at(5), started=at(4))
    assert house.json(at(5))["faults"] == ["no camera has given a frame in the 1 h of this window"]
    assert house.code(at(3)) == 0


def test_silence_counts_from_the_daemons_start(house: House) -> None:
    """After a stop, and on the first day, all is well until there was time for a frame."""
    house.says("starting; first pictures at 12:00:00", at(11, 59, 50), started=at(11, 59, 50))
    assert house.code(at(12, 9, 50)) == 0
    assert house.code(at(12, 9, 51)) == 1
    house.frame(DOOR, at(9))
    told = house.json(at(12, 9, 50))
    assert (told["faults"], told["ok"]) == ([], True)
    told = house.json(at(12, 9, 51))
    assert told["faults"] == [f"{DOOR} has given no frame for 3 h 9 min"]
    assert told["ok"] is False
    assert told["daemon"]["started"] == "2026-11-22T11:59:50+00:00"


def test_the_newest_of_frames_and_record_tells_how_long_a_camera_is_silent(house: House) -> None:
    for hour in (7, 9, 8):
        house.frame(DOOR, at(hour))
    assert house.json(at(12))["cameras"][DOOR]["age_seconds"] == 3 * 3600
    record = house.record({DOOR: (3, {})})
    for newest, age in ((at(11), 3600), (at(8), 3 * 3600)):
        record.camera(DOOR).newest = newest
        house.store.write_json(record_path(house.store, DAY), record.to_json())
        assert house.json(at(12))["cameras"][DOOR]["age_seconds"] == age


def test_names_ahead_of_a_clock_that_was_set_back_do_not_hide_a_silence(house: House) -> None:
    house.frame(DOOR, at(15))
    date_back(house.store.frames(DOOR, DAY)[-1], at(13))
    assert house.json(at(14))["cameras"][DOOR]["age_seconds"] == 3600
    assert house.code(at(14)) == 1


def test_days_ahead_of_the_clock_do_not_hide_a_silence(house: House) -> None:
    house.frame(DOOR, at(12))
    house.frame(YARD, at(12, day=date(2038, 1, 19)))
    house.record({YARD: (1, {})}, date(2038, 1, 19))
    assert house.code(at(12, 5)) == 0
    assert house.code(at(12, 11)) == 1


def test_a_single_run_is_known_from_its_record(house: House) -> None:
    house.capture = CaptureConfig(interval=MINUTE, daily_start=None)
    assert house.code(at(12)) == 0
    house.frame(DOOR, at(11), DAY - 20 * ONE_DAY)
    house.record(
        day=DAY - 20 * ONE_DAY,
        window=Window(at(7, day=DAY - 20 * ONE_DAY), at(18), DAY - 20 * ONE_DAY),
    )
    assert house.code(at(11, 9)) == 0
    assert house.code(at(11, 11)) == 1
    assert house.code(at(18)) == 0


def test_a_camera_that_is_dead_stays_a_fault_over_midnight_where_days_follow_without_a_gap(
    house: House,
) -> None:
    house.capture = CaptureConfig(
        interval=MINUTE, daily_start=time(0), duration=timedelta(hours=24)
    )
    house.frame(DOOR, at(12, day=DAY - 3 * ONE_DAY))
    house.frame(YARD, at(23, 59, day=DAY - ONE_DAY))
    eve = Window(at(0, day=DAY - ONE_DAY), at(0), DAY - ONE_DAY)
    house.record({DOOR: (1, {}), YARD: (1, {})}, eve.day, window=eve)
    house.film()
    (fault,) = house.json(at(0, 1))["faults"]
    assert fault.startswith(f"{DOOR} has given no frame since {DAY - 3 * ONE_DAY}: ")
    assert house.code(at(0, 1)) == 1


def test_a_channel_of_the_configuration_that_was_never_seen_is_a_fault(house: House) -> None:
    house.capture = replace(DAILY, channels=(0, 7))
    house.frame(DOOR, at(16, 59))
    assert house.json(at(17))["faults"] == [
        "channel 7 has never given a frame: connect its camera, or take it out of capture.channels"
    ]
    assert house.code(at(4, 9)) == 0
    assert house.code(at(23)) == 0


def test_a_disk_that_takes_no_frames_is_a_fault_at_once(house: House) -> None:
    house.frame(DOOR, at(11, 59))
    house.says("only 1.0 GB are free; …", at(12), pause="only 1.0 GB are free: free some space")
    told = house.json(at(12))
    assert told["faults"] == ["capture pauses: only 1.0 GB are free: free some space"]
    assert told["daemon"]["pause"] == "only 1.0 GB are free: free some space"
    assert house.code(at(12)) == 1
    assert "FAULT     capture pauses: only 1.0 GB are free: free some space\n" in house.text(at(12))
    house.says("2026-11-22: 481 frames", at(12, 5))
    assert house.code(at(12, 5)) == 0


def test_the_newest_frame_counts_and_the_newest_word_of_it(house: House) -> None:
    """The last of many frames; and of frame and record the later, whichever that is."""
    for minute in (0, 30, 59):
        house.frame(DOOR, at(11, minute))
    assert house.json(at(12))["cameras"][DOOR]["newest"] == "2026-11-22T11:59:00+00:00"
    record = house.record({DOOR: (480, {}), YARD: (480, {})})
    for newest, told in ((at(11, 58), "11:59"), (at(12, 4), "12:04"), (at(12, 5), "12:05")):
        record.camera(DOOR).newest = newest
        house.store.write_json(record_path(house.store, DAY), record.to_json())
        seen = house.json(at(12, 5))["cameras"][DOOR]
        assert seen["newest"] == f"2026-11-22T{told}:00+00:00"
    assert house.json(at(12, 4))["cameras"][DOOR]["newest"] == "2026-11-22T11:59:00+00:00"
    assert house.json(at(12, 4))["cameras"][YARD]["newest"] is None


def test_cameras_stand_in_the_order_of_their_channels(house: House) -> None:
    for folder in ("ch10_Gate", "ch2_Yard", "ch0_Front_Door"):
        house.frame(folder, at(11, 59))
    told = house.json(at(12))
    assert list(told["cameras"]) == ["ch0_Front_Door", "ch2_Yard", "ch10_Gate"]
    assert house.code(at(12)) == 0


def test_the_next_start_is_the_first_that_is_to_come(house: House) -> None:
    assert house.json(at(3))["next_start"] == "2026-11-22T04:00:00+00:00"
    assert house.json(at(4))["next_start"] == "2026-11-23T04:00:00+00:00"
    assert house.json(at(23))["next_start"] == "2026-11-23T04:00:00+00:00"


def test_a_camera_is_shown_for_a_week_after_its_last_frame(house: House) -> None:
    house.frame(DOOR, at(12))
    house.film()
    for days in range(9):
        now = at(12, day=DAY + days * ONE_DAY)
        house.frame(YARD, now - MINUTE)
        house.film()
        shown = f"\n  {DOOR}" in house.text(now) or f"\n! {DOOR}" in house.text(now)
        assert shown == (days < 7)


# Days


def test_why_frames_are_missing(house: House) -> None:
    house.record({DOOR: (477, {}), YARD: (400, {"offline": 60})}, rounds={"NVR unreachable": 3})
    day = house.json(at(12))["days"][str(DAY)]
    assert day["expected"] == 480
    assert day["missing_rounds"] == {"NVR unreachable": 3}
    assert day["cameras"] == {
        DOOR: {"captured": 477, "missing": {"NVR unreachable": 3}},
        YARD: {
            "captured": 400,
            "missing": {"NVR unreachable": 3, "offline": 60, "not running": 17},
        },
    }


@pytest.mark.parametrize("second", [0, 1, 59])
def test_the_tick_under_way_is_not_missing_yet(house: House, second: int) -> None:
    house.record({DOOR: (480, {})})
    day = house.json(at(12, 0, second))["days"][str(DAY)]
    assert (day["expected"], day["cameras"][DOOR]["missing"]) == (480, {})
    day = house.json(at(12, 1, second))["days"][str(DAY)]
    assert (day["expected"], day["cameras"][DOOR]["missing"]) == (481, {"not running": 1})


def test_in_the_tick_under_way_some_cameras_have_theirs(house: House) -> None:
    live = house.record({DOOR: (481, {}), YARD: (480, {"offline": 1})})
    house.says("all is well", at(12, 0, 5), live)
    day = house.json(at(12, 0, 59))["days"][str(DAY)]
    assert day["expected"] == 481
    assert day["cameras"] == {
        DOOR: {"captured": 481, "missing": {}},
        YARD: {"captured": 480, "missing": {"offline": 1}},
    }


def test_days_without_a_frame_stand_between_those_with(house: House) -> None:
    house.record({DOOR: (1080, {})}, DAY - 4 * ONE_DAY)
    house.record(day=DAY - 2 * ONE_DAY, rounds={"NVR unreachable": 1080})
    days = house.json(at(2))["days"]
    assert {day: (row["missing_rounds"], list(row["cameras"])) for day, row in days.items()} == {
        "2026-11-21": ({"not running": 1080}, []),
        "2026-11-20": ({"NVR unreachable": 1080}, []),
        "2026-11-19": ({"not running": 1080}, []),
        "2026-11-18": ({}, [DOOR]),
    }


def test_frames_count_as_they_lie_there_and_as_they_did(house: House) -> None:
    yesterday = DAY - ONE_DAY
    house.record({DOOR: (1, {})})
    for minute in range(5):
        house.frame(DOOR, at(4, minute))
    house.record({DOOR: (1000, {})}, yesterday)
    house.frame(DOOR, at(12, day=yesterday))
    house.store.write_json(
        house.store.sidecar_path(DOOR, yesterday),
        {"format": 1, "frames": {"captured": 1060}, "videos": {}},
    )
    days = house.json(at(4, 5))["days"]
    assert days[str(DAY)]["cameras"][DOOR] == {"captured": 5, "missing": {}}
    assert days[str(yesterday)]["cameras"][DOOR] == {
        "captured": 1060,
        "missing": {"not running": 20},
    }


def test_the_daemons_own_word_is_newer_than_the_record_on_disk(house: House) -> None:
    newer = house.record({DOOR: (469, {"offline": 11})})
    house.record({DOOR: (430, {})})
    house.says("all is well", at(11, 59, 50), newer)
    value = house.json(at(12))
    assert value["days"][str(DAY)]["cameras"][DOOR] == {"captured": 469, "missing": {"offline": 11}}
    assert value["daemon"] == {
        "state": "all is well",
        "since": "2026-11-22T11:59:50+00:00",
        "logged_in": True,
        "pause": "",
        "started": None,
    }


@pytest.mark.parametrize("damaged", ["", "[]", "{}", '{"state": "x", "since": "soon"}'])
def test_a_damaged_state_is_none(house: House, damaged: str) -> None:
    (house.root / "run" / FILE_NAME).write_text(damaged)
    assert house.json(at(12))["daemon"] is None


def test_a_window_past_midnight_belongs_to_the_day_it_began_on(house: House) -> None:
    house.capture = CaptureConfig(
        interval=MINUTE, daily_start=time(20), duration=timedelta(hours=10)
    )
    house.frame(DOOR, at(1, 30), DAY - ONE_DAY)
    value = house.json(at(2))
    assert value["window"]["day"] == str(DAY - ONE_DAY)
    assert value["window"]["open"]
    assert house.code(at(2)) == 1
    assert house.code(at(6)) == 0


# Disk and videos


def test_days_left_at_todays_rate(house: House) -> None:
    house.record({DOOR: (100, {}), YARD: (50, {})})
    disk = house.json(at(12))["disk"]
    assert disk["bytes_per_day"] == 2 * 1080 * len(PICTURE)
    assert disk["min_free_bytes"] == 2_000_000_000
    left = max(disk["free_bytes"] - disk["min_free_bytes"], 0) / disk["bytes_per_day"]
    assert disk["days_left"] == pytest.approx(left)


TIMER = Path(__file__).parents[2] / "debian/reolink-timelapse.reolink-timelapse-stitch.timer"
CALENDAR = re.findall(r"^OnCalendar=(?:\*-\*-\* )?(.*)$", TIMER.read_text(), re.MULTILINE)
ZONES = ["UTC", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns"]


@given(
    moment=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
    zone=st.sampled_from([ZoneInfo(name) for name in ZONES]),
)
@example(moment=at(0, 14, 59), zone=ZoneInfo("UTC"))
@example(moment=at(0, 15), zone=ZoneInfo("UTC"))
@example(moment=at(0, 4), zone=ZoneInfo("UTC"))
def test_the_next_stitch_is_the_first_strike_of_the_timer(moment: datetime, zone: ZoneInfo) -> None:
    minute = moment.replace(second=0, microsecond=0)
    later = (minute + minutes * MINUTE for minutes in range(1, 200))
    strikes = (one for one in later if is_told_by_the_timer(one.astimezone(zone)))
    assert next_run(moment, zone) == next(strikes)


def is_told_by_the_timer(local: datetime) -> bool:
    """Tell whether the unit as it comes says so: of systemd.time(7) it needs hour and minute."""
    wanted = {f"*:{local:%M}", f"{local:%H:%M}"}
    return not wanted.isdisjoint(CALENDAR)


def test_the_timer_tells_no_more_than_the_test_can_read() -> None:
    assert len(CALENDAR) == 2
    assert all(re.fullmatch(r"(\*|[0-2]\d):[0-5]\d", moment) for moment in CALENDAR)


def test_the_next_videos_and_late_ones(house: House) -> None:
    house.frame(DOOR, at(12))
    open_day = house.json(at(12))["stitch"]
    assert open_day == {
        "is_known": False,
        "at_work": False,
        "overdue": [],
        "barren": [],
        "next_run": "2026-11-22T12:05:00+00:00",
        "next_videos": {"day": "2026-11-22", "at": "2026-11-22T22:05:00+00:00"},
        "lacking": [],
    }
    assert house.json(at(22, 4))["stitch"]["lacking"] == []
    late = house.json(at(22, 6))["stitch"]
    assert late["lacking"] == [{"camera": DOOR, "day": str(DAY)}]
    assert late["next_videos"] == {"day": str(DAY), "at": "2026-11-22T23:05:00+00:00"}


def test_videos_that_two_runs_have_not_made_are_a_fault(house: House) -> None:
    house.frame(DOOR, at(12))
    house.frame(YARD, at(13))
    assert house.code(at(23, 4)) == 0
    late = house.json(at(23, 5))
    (fault,) = late["faults"]
    assert fault.startswith(f"videos are overdue, 2 by now, the oldest of {DAY}: ")
    assert "`sudo reolink-timelapse stitch` makes them" in fault
    assert [one["camera"] for one in late["stitch"]["overdue"]] == [DOOR, YARD]
    assert house.code(at(23, 5)) == 1
    house.film()
    assert house.code(at(23, 5)) == 0


def test_a_day_of_which_no_picture_can_be_decoded_is_a_fault_for_a_week(house: House) -> None:
    house.frame(DOOR, at(12))
    path = house.store.sidecar_path(DOOR, DAY)
    film = {"format": 1, "frames": {"captured": 1}, "videos": {}, "barren": "no picture is whole"}
    house.store.write_json(path, film)
    house.store.date(path, house.store.frames_changed(DOOR, DAY))
    late = house.json(at(23, 30))
    (fault,) = late["faults"]
    assert fault.startswith("no picture of 1 day can be decoded")
    assert str(house.store.frames_home(DOOR, DAY)) in fault
    assert late["stitch"]["barren"] == [{"camera": DOOR, "day": str(DAY)}]
    assert late["stitch"]["lacking"] == []
    house.store.remove_frames(DOOR, DAY)
    assert house.json(at(23, 30))["stitch"]["barren"] == []


def test_videos_that_a_stitch_is_at_are_not_overdue(house: House) -> None:
    house.frame(DOOR, at(12))
    house.services = services(stitch={"ActiveState": "activating"})
    assert house.code(at(23, 30)) == 0
    assert "stitch    at work; next at" in house.text(at(23, 30))
    house.services = None
    claim = only_one(house.store.root, "stitch")
    assert house.code(at(23, 30)) == 0
    assert house.json(at(23, 30))["stitch"]["at_work"] is True
    claim.give()
    assert house.code(at(23, 30)) == 1


def test_the_timers_own_word_counts(house: House) -> None:
    house.frame(DOOR, at(12))
    house.record({DOOR: (480, {})})
    assert "stitch    no systemd says when; the videos of today are due at 22:05\n" in house.text(
        at(12, 1)
    )
    house.services = services()
    assert house.json(at(12, 1))["stitch"]["next_run"] == "2026-11-22T13:07:00+00:00"
    assert "stitch    next at 13:07; the videos of today at 22:05\n" in house.text(at(12, 1))
    assert house.code(at(12, 1)) == 0


def test_a_timer_that_is_off_promises_nothing(house: House) -> None:
    house.frame(DOOR, at(12))
    house.services = services(timer={"ActiveState": "inactive", "NextElapseUSecRealtime": ""})
    told = house.json(at(12, 1))
    (fault,) = told["faults"]
    assert fault.startswith("the timer of the stitch is off, and no videos are made: ")
    assert "`sudo systemctl enable --now reolink-timelapse-stitch@garage.timer`" in fault
    assert (told["stitch"]["next_run"], told["stitch"]["next_videos"]["at"]) == (None, None)
    assert "stitch    its timer is off\n" in house.text(at(12, 1))
    assert house.code(at(12, 1)) == 1


@pytest.mark.parametrize(
    ("unit", "properties", "words"),
    [
        (
            "stitch",
            {"ActiveState": "failed", "Result": "exit-code", "ExecMainStatus": "1"},
            "stitch has failed (exit code 1): `journalctl -u reolink-timelapse-stitch@garage` ",
        ),
        ("stitch", {"ActiveState": "failed", "Result": "exit-code"}, "(prune, after it)"),
        ("stitch", {"ActiveState": "failed", "Result": "timeout"}, "longer than its unit allows"),
        ("stitch", {"ActiveState": "failed", "Result": "oom-kill"}, "(memory ran out)"),
        (
            "daemon",
            {"ActiveState": "failed", "Result": "exit-code", "ExecMainStatus": "78"},
            "the daemon has failed (exit code 78): `journalctl -u reolink-timelapse@garage`",
        ),
        (
            "daemon",
            {"ActiveState": "activating", "SubState": "auto-restart", "NRestarts": "7"},
            "the daemon ends again and again, restart number 7 is to come",
        ),
    ],
)
def test_a_unit_that_failed_is_a_fault_with_its_remedy(
    house: House, unit: str, properties: dict[str, str], words: str
) -> None:
    house.frame(DOOR, at(12))
    house.services = services(**{unit: properties})
    (fault,) = house.json(at(12, 1))["faults"]
    assert words in fault
    assert house.code(at(12, 1)) == 1


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ({"ActiveState": "activating", "SubState": "start"}, "starting"),
        ({}, "running, and says nothing yet"),
        (
            {"ActiveState": "inactive", "SubState": "dead", "ConditionResult": "yes"},
            "not running: `sudo systemctl enable --now reolink-timelapse@garage`",
        ),
        (
            {"ActiveState": "inactive", "SubState": "dead", "ConditionResult": "no"},
            "for want of a password: `sudo reolink-timelapse --config /etc/reolink-timelapse@",
        ),
    ],
)
def test_a_daemon_that_says_nothing_itself(
    house: House, properties: dict[str, str], words: str
) -> None:
    house.services = services(daemon=properties)
    assert words in " ".join(house.text(at(3)).split())


def test_a_daemon_that_ends_again_and_again_hides_no_silence(house: House) -> None:
    house.frame(DOOR, at(9))
    house.film()
    house.says("starting", at(12), started=at(12))
    house.services = services(daemon={"NRestarts": "1"})
    assert house.code(at(12)) == 1
    house.services = services()
    assert house.code(at(12)) == 0


@pytest.mark.parametrize(
    ("path", "timer"),
    [
        (None, "reolink-timelapse-stitch.timer"),
        ("/etc/reolink-timelapse/config.yaml", "reolink-timelapse-stitch.timer"),
        ("/etc/reolink-timelapse@garage/config.yaml", "reolink-timelapse-stitch@garage.timer"),
        ("/home/me/config.yaml", None),
    ],
)
def test_the_units_are_those_that_read_the_settings(path: str | None, timer: str | None) -> None:
    config = Config(path=Path(path) if path else None)
    found = command.services_of(config, lambda _unit, wanted: dict.fromkeys(wanted, ""))
    assert (found and found.names.timer) == timer


def test_without_units_there_is_nothing_to_say_of_them() -> None:
    assert Services.look(UNITS, lambda _unit, _wanted: {}) is None


@given(st.text(st.characters(codec="utf-8")))
def test_a_moment_that_systemd_says_in_another_way_is_unknown(words: str) -> None:
    moment = services(timer={"NextElapseUSecRealtime": words}).next_run(UTC)
    assert moment is None or moment.tzinfo is UTC


# A disk that is too small


def test_a_disk_too_small_for_what_is_to_be_kept_is_told_with_figures(house: House) -> None:
    house.frame(DOOR, at(11, 59))
    free = house.store.free_bytes()
    house.record({DOOR: (1, {})})
    for days, per_day in ((2, 0.5), (2, 0.9), (0, 2)):
        size = round(free * per_day)
        record = house.record({DOOR: (1080, {})})
        record.cameras[DOOR].size = size
        house.store.write_json(record_path(house.store, DAY), record.to_json())
        house.storage = StorageConfig(min_free_gb=0, keep_frames_days=days)
        told = house.json(at(12))
        (warning,) = told["warnings"]
        assert f"storage.keep_frames_days: {days} and today need" in warning
        assert f"{size / 1e9:.1f} GB a day" in warning
        assert ("capture will pause" in warning) == (per_day > 1)
        assert (told["ok"], house.code(at(12))) == (True, 0)
        assert "WARNING   the disk is small:" in house.text(at(12))
        house.storage = StorageConfig(min_free_gb=0, keep_frames_days=0)
    house.record({DOOR: (1080, {})})
    assert house.json(at(12))["warnings"] == []


def test_what_frames_take_that_are_to_be_kept_is_room_for_them() -> None:
    assert list(shortage(3.0, 1.0, 2)) == []
    assert len(list(shortage(2.99, 1.0, 2))) == 1
    disk = Disk("/data", free=15, kept_free=5, daily=10, held=20, keep_days=2)
    assert list(small_disk(disk)) == []
    assert len(list(small_disk(replace(disk, held=19)))) == 1
    assert len(list(small_disk(replace(disk, free=0, held=29)))) == 1
    assert list(small_disk(replace(disk, free=0, held=30))) == []


def test_the_last_videos(house: House) -> None:
    yesterday = DAY - ONE_DAY
    videos = [Video(DOOR, yesterday, name) for name in ("720p", "full")]
    house.frame(DOOR, at(12, day=yesterday))
    for video in [Video(DOOR, yesterday - ONE_DAY), *videos]:
        house.store.write(house.store.video_path(video), b"video")
    house.store.write_json(
        house.store.sidecar_path(DOOR, yesterday),
        {
            "format": 1,
            "frames": {"captured": 4320},
            "videos": {
                "full": {"file": "a.mp4", "bytes": 900_000_000, "seconds": 45.0},
                "720p": {"file": "b.mp4", "bytes": 90_000_000, "seconds": 45.0},
            },
        },
    )
    assert house.json(at(3))["cameras"][DOOR]["last_videos"] == {
        "day": str(yesterday),
        "files": [str(house.store.video_path(video)) for video in videos],
        "seconds": 45.0,
        "bytes": 990_000_000,
    }
    assert "2026-11-21, 45 s, 990 MB" in house.text(at(3))


# Text


def test_the_text_of_a_day_that_is_well(house: House) -> None:
    house.zone = ZoneInfo("Europe/Berlin")
    for folder in (DOOR, YARD):
        house.frame(folder, at(11, 59, 53))
    house.record({DOOR: (480, {}), YARD: (480, {})})
    house.says("2026-11-22: 960 frames of 2 cameras, 0 missed", at(11, 59, 58))
    lines = house.text(at(12)).splitlines()
    assert lines[:2] == [
        "now       Sun 2026-11-22 13:00, a frame every 1 min from 05:00 to 23:00",
        "daemon    2026-11-22: 960 frames of 2 cameras, 0 missed (logged in, 2 s ago)",
    ]
    assert lines[-6:] == [
        "  camera          last frame  today       last videos",
        "  ch0_Front_Door  7 s         480 of 480  -",
        "  ch1_Yard        7 s         480 of 480  -",
        "",
        "frames of the week, and why some are missing",
        "Sun 22    both cameras  480 of 480",
    ]


def test_many_cameras_that_fared_differently_take_few_lines(house: House) -> None:
    cameras = {f"ch{n}_Camera": (1080 - n, {"offline": n} if n else {}) for n in range(36)}
    house.record(cameras, DAY - ONE_DAY)
    week = house.text(at(2)).split("some are missing\n")[1].splitlines()
    assert week == [
        "Sat 21    ch35_Camera           1045 of 1080       35 offline",
        "          ch34_Camera           1046 of 1080       34 offline",
        "          ch33_Camera           1047 of 1080       33 offline",
        "          ch32_Camera           1048 of 1080       32 offline",
        "          the other 32 cameras  1049-1080 of 1080  up to 31 offline",
    ]


NAMES = st.from_regex(r"ch[0-9]{1,4}_[A-Za-z0-9_-]{0,64}", fullmatch=True)
REASONS = st.sampled_from(["offline", "NVR unreachable", "session slots taken", "no picture"])
MISSES = st.dictionaries(REASONS, st.integers(1, 43_200))
"""Of a camera, and of all alike: together no more than a day has seconds."""


@given(
    cameras=st.dictionaries(NAMES, st.tuples(st.integers(0, 90_000), MISSES), max_size=6),
    rounds=MISSES,
    hour=st.integers(0, 23),
)
def test_no_line_is_longer_than_80_columns(
    cameras: dict[str, tuple[int, dict[str, int]]], rounds: dict[str, int], hour: int
) -> None:
    with a_house() as house:
        house.record(cameras, rounds=rounds)
        lines = house.text(at(hour)).splitlines()
        assert max(map(len, lines)) <= 80
        assert not any(line != line.rstrip() or "\xa0" in line for line in lines)


@given(words=st.text(st.characters(codec="utf-8"), min_size=1), as_json=st.booleans())
def test_the_words_of_others_command_no_terminal(words: str, *, as_json: bool) -> None:
    """Those in a record or a state file that somebody else could write."""
    with a_house() as house:
        live = house.record({words: (1, {words: 2}), DOOR: (3, {words: 1})}, rounds={words: 1})
        house.says(words, at(12), live, pause=words)
        _, text = house.run(at(12), as_json=as_json)
    assert all(line.isprintable() for line in text.split("\n"))


# Folders


def test_without_a_data_folder_it_says_how_to_begin(tmp_path: Path) -> None:
    missing = Store(tmp_path / "data", "test")
    with pytest.raises(StoreError, match="enable --now") as raised:
        command.gather(Config(), missing, at(12), zone=UTC, runtime=tmp_path, by_hand=tmp_path)
    assert raised.value.exit_code == 74
    assert not missing.root.exists()


@pytest.mark.parametrize("closed", ["data", "data/frames"])
def test_a_user_who_may_not_read_it_is_sent_to_sudo(house: House, closed: str) -> None:
    (house.root / closed).chmod(0)
    house.root.chmod(0o755)
    with as_nobody(), pytest.raises(StoreError, match=r"run `sudo reolink-timelapse status`"):
        house.code(at(12))
    (house.root / closed).chmod(0o755)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may read everything; others are nobody enough."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(was)


def test_it_leaves_the_folder_as_it_is(house: House) -> None:
    house.frame(DOOR, at(12))
    house.record({DOOR: (1, {})})
    before = sorted((path, path.stat().st_mtime_ns) for path in house.root.rglob("*"))
    house.text(at(13))
    assert sorted((path, path.stat().st_mtime_ns) for path in house.root.rglob("*")) == before


@pytest.mark.parametrize(
    ("config", "environ", "folder"),
    [
        (None, {}, "/run/reolink-timelapse"),
        ("/etc/reolink-timelapse/config.yaml", {}, "/run/reolink-timelapse"),
        ("/etc/reolink-timelapse@garden/config.yaml", {}, "/run/reolink-timelapse@garden"),
        ("/home/me/config.yaml", {}, "/run/reolink-timelapse"),
        ("/home/me/config.yaml", {"RUNTIME_DIRECTORY": "/run/other"}, "/run/other"),
    ],
)
def test_where_the_daemon_tells_its_state(
    config: str | None, environ: dict[str, str], folder: str
) -> None:
    settings = Config(path=Path(config) if config else None)
    assert command.runtime_folder(settings, environ) == Path(folder)


# The daemon's own files


def test_a_daemon_that_was_started_by_hand_is_seen_as_long_as_it_lives(house: House) -> None:
    house.frame(DOOR, at(11, 59))
    house.says("all is well", at(12))
    (house.root / "run").rename(house.root / "state")
    running = Turn(house.root / "state", CAPTURE)
    assert running.take()
    assert house.json(at(12))["daemon"]["state"] == "all is well"
    running.give()
    assert house.json(at(12))["daemon"] is None
    assert "daemon    not running" in house.text(at(12))


def test_it_reads_what_the_daemon_writes(nvr: SimulatedNvr, folder: Path, clock: Clockwork) -> None:
    daemon = build(nvr, folder, clock)
    clock.at(at(5), nvr.cameras.pop)
    daemon.run(until=at(6))
    for frame in [*daemon.frames(DOOR), *daemon.frames(YARD)]:
        date_back(frame)
    config = Config(capture=DAILY, storage=StorageConfig(data_dir=daemon.store.root))
    seen = command.gather(
        config, daemon.store, at(6), zone=UTC, runtime=folder / "run", by_hand=folder
    )
    assert seen.daemon
    assert seen.daemon.state == daemon.state()
    assert [(one.folder, one.captured) for one in seen.days[0].cameras] == [
        (DOOR, 120),
        (YARD, 60),
    ]
    assert [fault.split(" has ")[0] for fault in seen.faults] == [YARD]


def test_from_the_first_second_on_a_daemon_that_is_well_is_said_to_be(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    """At its first start, two hours into the window, and at one after a stop of an hour."""
    clock.step((at(6, 9, 40) - clock.now()).total_seconds())
    for start in (at(6, 9, 40), at(7, 20, 40)):
        clock.step((start - clock.now()).total_seconds())
        daemon = build(nvr, folder, clock)
        config = Config(capture=DAILY, storage=StorageConfig(data_dir=daemon.store.root))
        seen: dict[int, Overview] = {}

        def look(second: int, config: Config = config, seen: dict[int, Any] = seen) -> None:
            seen[second] = command.gather(
                config,
                Store(config.storage.data_dir, "status"),
                clock.now(),
                zone=UTC,
                runtime=folder / "run",
                by_hand=folder,
            )

        for second in range(1, 90, 4):
            clock.after(second, partial(look, second))
        daemon.run(until=start + 90 * timedelta(seconds=1))
        assert [one.faults for one in seen.values()] == [[]] * 23
        states = [one.daemon.state for one in seen.values() if one.daemon]
        first = start + timedelta(seconds=20)
        assert states[0] == f"starting; first pictures at {first:%H:%M}:00"
        assert states[-1].startswith("2026-11-22: ")
    (day,) = seen[89].days
    assert day.expected == 72
    assert [dict(one.missing) for one in day.cameras] == [{"not running": 68}] * 2
