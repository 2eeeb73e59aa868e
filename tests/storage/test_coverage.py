"""The record of a day: what it holds, what is missing and why."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reolink_timelapsed.schedule import Window
from reolink_timelapsed.storage import coverage
from reolink_timelapsed.storage.coverage import STOPPED, UNLISTED, CameraRecord, DayRecord
from reolink_timelapsed.storage.store import Store

START = datetime(2026, 11, 22, 4, tzinfo=UTC)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)).map(  # noqa: DTZ001
    lambda moment: moment.replace(tzinfo=UTC)
)
FOLDERS = st.from_regex(r"ch[0-9]{1,4}_[A-Za-z0-9_-]{0,9}", fullmatch=True)
REASONS = st.dictionaries(st.text(), st.integers(0, 10**6), max_size=4)
CAMERAS = st.builds(
    CameraRecord,
    st.integers(0, 10**6),
    st.integers(0, 2**40),
    REASONS,
    st.none() | MOMENTS,
)
FOLDERS = st.from_regex(r"ch[0-9]{1,3}_[A-Za-z0-9_-]{0,9}", fullmatch=True)
RECORDS = st.builds(
    lambda start, length, interval, cameras, missing: DayRecord(
        Window(start, start + length, start.date()), interval, cameras, missing
    ),
    MOMENTS,
    st.timedeltas(timedelta(minutes=1), timedelta(days=3)),
    st.integers(1, 3600).map(lambda seconds: timedelta(seconds=seconds)),
    st.dictionaries(FOLDERS, CAMERAS, max_size=3),
    REASONS,
)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | MOMENTS.map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
KEYS = ["day", "start", "end", "interval_seconds", "missing_rounds", "cameras"]


def minutely(hours: int = 18) -> DayRecord:
    window = Window(START, START + timedelta(hours=hours), START.date())
    return DayRecord(window, timedelta(minutes=1))


@given(RECORDS)
def test_a_record_reads_back(record: DayRecord) -> None:
    text = json.dumps(record.to_json())
    assert DayRecord.from_json(json.loads(text)) == record


@given(JUNK | st.dictionaries(st.sampled_from(KEYS), JUNK))
def test_junk_is_no_record(value: Any) -> None:
    assert DayRecord.from_json(value) is None


@given(RECORDS, st.sampled_from(KEYS), JUNK)
def test_a_damaged_record_is_none_or_one_that_works(record: DayRecord, key: str, junk: Any) -> None:
    value = record.to_json() | {key: junk}
    read = DayRecord.from_json(value)
    if read is not None:
        read.missing("ch0_Yard", START)
        read.expected(START)
        assert DayRecord.from_json(json.loads(json.dumps(read.to_json()))) == read


def test_what_is_missing_has_its_reasons() -> None:
    day = minutely()
    for minute in range(50):
        day.camera("ch0_Yard").frame(START + timedelta(minutes=minute), 1000)
    for _ in range(4):
        day.camera("ch0_Yard").miss("offline")
    day.miss_rounds("NVR unreachable", 3)
    day.miss_rounds("clock stepped", 0)
    now = START + timedelta(hours=1)
    assert day.expected(now) == 60
    assert day.missing("ch0_Yard", now) == {"NVR unreachable": 3, "offline": 4, STOPPED: 3}
    assert day.camera("ch0_Yard").size == 50_000
    assert day.camera("ch0_Yard").newest == START + timedelta(minutes=49)


def test_nothing_is_expected_before_the_start_and_after_the_end() -> None:
    day = minutely(hours=1)
    assert day.expected(START - timedelta(hours=1)) == 0
    assert day.expected(START) == 0
    assert day.expected(START + timedelta(days=3)) == 60


def test_the_shape_on_disk() -> None:
    day = minutely(hours=1)
    day.camera("ch0_Yard").frame(START, 5)
    day.miss_rounds("disk")
    value = day.to_json()
    assert value["day"] == str(date(2026, 11, 22))
    assert value["missing_rounds"] == {"disk": 1}
    assert value["cameras"]["ch0_Yard"] == {
        "captured": 1,
        "bytes": 5,
        "newest": "2026-11-22T04:00:00+00:00",
        "missing": {},
    }


def test_a_camera_that_was_not_listed_missed_the_rounds_of_the_others() -> None:
    day = minutely()
    day.rounds = 40
    day.miss_rounds("clock stepped")
    day.camera("ch0_Yard").frame(START, 1000)
    now = START + timedelta(hours=1)
    assert day.missing("ch0_Yard", now) == {"clock stepped": 1, UNLISTED: 39, STOPPED: 19}
    assert day.missing("ch1_Gone", now) == {"clock stepped": 1, UNLISTED: 40, STOPPED: 19}
    assert day.unexplained(now) == 19
    day.camera("ch0_Yard").miss("clock stepped")
    assert day.missing("ch0_Yard", now) == {"clock stepped": 2, UNLISTED: 38, STOPPED: 19}


def test_a_day_of_the_installation_begins_with_it_and_no_other_time() -> None:
    hour = timedelta(hours=1)
    for begin, start in (
        (None, START),
        (START - hour, START),
        (START + hour, START + hour),
        (START + 18 * hour, START),
    ):
        day = minutely()
        day.begin_at(begin)
        assert (day.window.start, day.window.end) == (start, START + 18 * hour)


def test_an_older_record_of_the_day_is_added() -> None:
    older, day = minutely(), minutely()
    for record, moment in ((older, START), (day, START + timedelta(hours=1))):
        record.rounds = 7
        record.miss_rounds("disk", 2)
        record.camera("ch0_Yard").frame(moment, 100)
        record.camera("ch0_Yard").miss("offline")
    older.camera("ch1_Door").frame(START, 5)
    day.add(older)
    assert (day.rounds, day.missing_rounds) == (14, {"disk": 4})
    newest = START + timedelta(hours=1)
    assert day.cameras == {
        "ch0_Yard": CameraRecord(2, 200, {"offline": 2}, newest),
        "ch1_Door": CameraRecord(1, 5, {}, START),
    }


def test_frames_that_move_to_another_day_take_their_bytes_along() -> None:
    one, other = CameraRecord(10, 1000), CameraRecord(2, 50)
    one.move(other, 3)
    assert ((one.captured, one.size), (other.captured, other.size)) == ((7, 700), (5, 350))
    one.move(other, 99)
    assert ((one.captured, one.size), (other.captured, other.size)) == ((0, 0), (12, 1050))
    one.move(other, 1)
    assert (other.captured, other.size) == (12, 1050)


def test_a_correction_leaves_no_reason_without_rounds() -> None:
    day = minutely()
    day.correct("disk", 3)
    day.correct("disk", -1)
    assert day.missing_rounds == {"disk": 2}
    day.correct("disk", -2)
    assert day.missing_rounds == {}


def test_what_a_day_and_its_rest_take_is_reckoned_from_its_frames() -> None:
    day = minutely(hours=10)
    day.cameras = {"ch0_Yard": CameraRecord(2, 2000), "ch1_Door": CameraRecord(4, 2000)}
    day.camera("ch2_New")
    assert coverage.daily_bytes(day) == 600 * 1500
    assert coverage.rest_bytes(day, START - timedelta(days=1)) == 600 * 1500
    assert coverage.rest_bytes(day, START + timedelta(hours=9)) == 60 * 1500
    assert coverage.rest_bytes(day, START + timedelta(days=1)) == 0


def test_what_the_frames_of_the_last_days_take(store: Store) -> None:
    for back in range(3):
        record = minutely()
        record.window = Window(START, START + timedelta(hours=1), date(2026, 11, 22 - back))
        record.cameras = {"ch0_Yard": CameraRecord(4, 4000), "ch1_Door": CameraRecord()}
        path = coverage.record_path(store, record.window.day)
        store.write_json(path, record.to_json())
        store.put_frame("ch0_Yard", record.window.day, START, b"x")
    assert coverage.held_bytes(store, 2) == 2000
    assert coverage.held_bytes(store, 9) == 3000


def test_a_window_may_end_when_it_begins_and_not_before() -> None:
    value = minutely().to_json()
    begin = value["start"]
    assert DayRecord.from_json(value | {"end": begin})
    assert not DayRecord.from_json(value | {"end": (START - timedelta(seconds=1)).isoformat()})
    assert not DayRecord.from_json(value | {"interval_seconds": 0})
    assert DayRecord.from_json(value | {"interval_seconds": 0.001})
