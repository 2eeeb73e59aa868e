"""A run without a daily start: once, through restarts, and then no more."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path

import pytest

from reolink_timelapsed.capture.single_run import SingleRun
from reolink_timelapsed.simulator import SimulatedNvr
from tests.support import MINUTELY, Clockwork, Journal, at, build

FIVE_HOURS = timedelta(hours=5)
CONFIG = replace(MINUTELY, daily_start=None, duration=FIVE_HOURS, interval=timedelta(minutes=5))


def run(folder: Path) -> SingleRun:
    return SingleRun(folder / "state", FIVE_HOURS, UTC)


def test_it_begins_at_once_and_ends_for_good(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal
) -> None:
    daemon = build(nvr, folder, clock, CONFIG, run(folder))
    daemon.run()
    assert clock.now() == at(8, 50)
    assert len(daemon.frames()) == 60
    assert nvr.live_sessions == []
    assert "the run from 2026-11-22 03:50 to 2026-11-22 08:50" in journal.texts[-1]
    assert str(folder / "state" / "run.json") in journal.texts[-1]


def test_a_restart_goes_on_with_the_same_run(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    for hour in (5, 6, 7):
        daemon = build(nvr, folder, clock, CONFIG, run(folder))
        daemon.run(until=at(hour, -0.1))
    daemon = build(nvr, folder, clock, CONFIG, run(folder))
    daemon.run()
    assert clock.now() == at(8, 50)
    assert len(daemon.frames()) == 60
    window = daemon.record().window
    assert (window.start, window.end) == (at(3, 50), at(8, 50))


def test_a_start_after_the_end_has_nothing_to_do(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal
) -> None:
    build(nvr, folder, clock, CONFIG, run(folder)).run()
    asked = len(nvr.log)
    clock.suspend(86400)
    build(nvr, folder, clock, CONFIG, run(folder)).run()
    assert len(nvr.log) == asked
    assert "to begin another, remove" in journal.texts[-1]
    (folder / "state" / "run.json").unlink()
    build(nvr, folder, clock, CONFIG, run(folder)).run(until=clock.now() + timedelta(minutes=11))
    assert len(nvr.log) > asked


@pytest.mark.parametrize("text", ["", "{}", '{"start": "soon"}', '{"start": 5}', "[]"])
def test_a_damaged_note_counts_as_none(folder: Path, clock: Clockwork, text: str) -> None:
    (folder / "state").mkdir()
    (folder / "state" / "run.json").write_text(text)
    window = run(folder).at(clock.now())
    assert window
    assert window.start == clock.now()


def test_a_clock_set_back_before_the_run_begins_it_anew(folder: Path, clock: Clockwork) -> None:
    run(folder).at(clock.now())
    clock.step(-86400)
    window = run(folder).at(clock.now())
    assert window
    assert window.start == clock.now()


def test_a_run_may_last_for_days(folder: Path, clock: Clockwork) -> None:
    long = SingleRun(folder, timedelta(days=4), UTC)
    window = long.at(clock.now())
    assert window
    assert long.at(clock.now() + timedelta(days=3.9)) == window
    assert long.at(clock.now() + timedelta(days=4)) is None
