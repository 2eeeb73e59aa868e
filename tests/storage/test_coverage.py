"""The record of a day: what it holds, what is missing and why."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reolink_timelapsed.schedule import Window
from reolink_timelapsed.storage.coverage import STOPPED, CameraRecord, DayRecord

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
