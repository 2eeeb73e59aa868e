"""The record of the day on disk, through restarts, kills and days that end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from reolink_timelapsed.capture import day_log
from reolink_timelapsed.capture.day_log import SAVE_EVERY, Ledger
from reolink_timelapsed.schedule import Window
from reolink_timelapsed.storage import coverage
from reolink_timelapsed.storage.coverage import STOPPED
from reolink_timelapsed.storage.store import Store
from tests.support import DAY, Journal, at

WINDOW = Window(at(4), at(22), DAY)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
YARD = "ch1_Yard"


def put(store: Store, minutes: int, size: int = 1000) -> None:
    for minute in range(minutes):
        store.put_frame(YARD, DAY, at(4, minute), bytes(size))


def test_the_window_is_on_disk_from_the_first_moment(store: Store) -> None:
    keeper = Ledger(store)
    keeper.open(WINDOW, MINUTE, WINDOW.start)
    keeper.join(at(4))
    record = coverage.load(store, DAY)
    assert record
    assert record.window == WINDOW


def test_nothing_is_written_before_it_was_read(store: Store) -> None:
    keeper = Ledger(store)
    keeper.open(WINDOW, MINUTE, WINDOW.start)
    keeper.save()
    assert coverage.load(store, DAY) is None


def test_a_restart_adds_up_and_frames_are_counted_on_disk(store: Store) -> None:
    put(store, 10)
    first = Ledger(store)
    day = first.open(WINDOW, MINUTE, WINDOW.start)
    first.join(at(4))
    day.rounds = 14
    for _ in range(4):
        day.camera(YARD).miss("offline")
    day.miss_rounds("NVR unreachable", 2)
    first.save()
    put(store, 5)  # and five more before it was killed, of which it wrote nothing
    second = Ledger(store)
    day = second.open(WINDOW, MINUTE, WINDOW.start)
    day.camera(YARD).miss("disk")  # before the disk could be read
    second.join(at(4, 30))
    assert day.camera(YARD).captured == 15
    assert day.camera(YARD).size == 15_000
    assert day.missing(YARD, at(4, 30)) == {
        "offline": 4,
        "disk": 1,
        "NVR unreachable": 2,
        STOPPED: 30 - 20 - 2,
    }


def test_it_is_saved_now_and_then_and_after_a_step_of_the_clock(store: Store) -> None:
    keeper = Ledger(store)
    day = keeper.open(WINDOW, MINUTE, WINDOW.start)
    keeper.join(at(4))
    for moment, rounds in (
        (at(4) + SAVE_EVERY / 2, 0),
        (at(4) + SAVE_EVERY, 2),
        (at(4) + 1.5 * SAVE_EVERY, 2),
        (at(3), 4),
    ):
        day.rounds += 1
        keeper.save_now_and_then(moment)
        saved = coverage.load(store, DAY)
        assert saved
        assert saved.rounds == rounds


def test_the_end_of_a_day_is_its_sum_in_the_journal(store: Store, journal: Journal) -> None:
    put(store, 10)
    keeper = Ledger(store)
    day = keeper.open(WINDOW, MINUTE, WINDOW.start)
    keeper.join(at(4))
    day.rounds = 12
    day.camera(YARD).miss("offline")
    day.camera(YARD).miss("offline")
    keeper.close(at(22))
    assert journal.texts == [
        "2026-11-22: frames: ch1_Yard 10 of 1080 (2 offline, 1068 not running)",
    ]
    assert keeper.day is None


def test_a_folder_that_cannot_be_written_costs_the_record_and_no_more(
    store: Store, folder: Path
) -> None:
    (folder / "data" / "coverage").write_text("in the way")
    keeper = Ledger(store)
    keeper.open(WINDOW, MINUTE, WINDOW.start)
    keeper.join(at(4))
    keeper.save()
    assert coverage.load(store, DAY) is None


def test_what_the_rest_of_the_day_needs(store: Store) -> None:
    put(store, 10, size=1_000_000)
    keeper = Ledger(store)
    day = keeper.open(WINDOW, MINUTE, WINDOW.start)
    keeper.join(at(4, 10))
    assert coverage.rest_bytes(day, at(4, 10)) == 1070 * 1_000_000
    assert coverage.rest_bytes(day, at(22)) == 0
    assert day_log.status(day, at(4, 10), 5_000_000_000) == (
        "2026-11-22: 10 frames of 1 camera, 0 missed; the rest of the day needs 1.1 GB "
        "of 5.0 GB free"
    )


@pytest.mark.parametrize("before", ["nothing", "a record", "frames", "this day's record"])
def test_ticks_before_the_installation_are_not_missed(store: Store, before: str) -> None:
    now = WINDOW.start + 3 * HOUR
    if before == "a record":
        store.write_json(coverage.record_path(store, WINDOW.day - timedelta(days=9)), {})
    elif before == "frames":
        store.put_frame("ch0_Front_Door", WINDOW.day - timedelta(days=1), WINDOW.start, b"x")
    elif before == "this day's record":
        first = Ledger(store)
        first.open(WINDOW, MINUTE, WINDOW.start + HOUR)
        first.join(WINDOW.start + HOUR)
    keeper = Ledger(store)
    day = keeper.open(WINDOW, MINUTE, now)
    assert keeper.joined_day is None
    keeper.join(now)
    assert keeper.joined_day is day
    missed = {"nothing": 60, "this day's record": 180}.get(before, 240)
    assert day.missing("ch0_Front_Door", now + HOUR) == {"not running": missed}
    kept = coverage.load(store, WINDOW.day)
    assert kept
    assert kept.window == day.window


def test_a_window_that_is_wider_since_the_settings_changed_missed_nothing(store: Store) -> None:
    narrow = replace(WINDOW, start=WINDOW.start + 6 * HOUR)
    keeper = Ledger(store)
    keeper.open(narrow, MINUTE, narrow.start)
    keeper.join(narrow.start)
    day = keeper.open(WINDOW, MINUTE, narrow.start + HOUR)
    keeper.join(narrow.start + HOUR)
    assert day.window == narrow


def test_bytes_from_before_a_restart_count(store: Store) -> None:
    """Their average tells what the rest of the day needs."""
    put(store, 4, size=3000)
    first = Ledger(store)
    camera = first.open(WINDOW, MINUTE, at(4)).camera(YARD)
    first.join(at(4))
    camera.captured, camera.size = 4, 20_000
    first.save()
    again = Ledger(store)
    day = again.open(WINDOW, MINUTE, at(4))
    day.camera(YARD).frame(at(4, 5), 5000)
    again.join(at(4, 6))
    assert day.camera(YARD).size == 4 * 5000
    assert day.camera(YARD).captured == 4


def test_a_record_of_another_day_or_none_is_told_once(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    keeper = Ledger(store)
    keeper.open(WINDOW, MINUTE, at(4))
    keeper.join(at(4))
    other = DAY + timedelta(days=1)
    text = coverage.record_path(store, DAY).read_text()
    coverage.record_path(store, other).write_text(text)
    for _ in range(2):
        assert coverage.load(store, other) is None
    (line,) = caplog.messages
    assert f"{other}.json is no record of {other}" in line
