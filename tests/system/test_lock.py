"""Locks between the processes of one machine."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from reolink_timelapsed.config.settings import CaptureConfig
from reolink_timelapsed.errors import TimelapseError
from reolink_timelapsed.simulator import SimulatedNvr
from reolink_timelapsed.system.lock import CAPTURE, NVR, Turn, only_one
from tests.support import Clockwork, Journal, at, build, build_session

EVERY_MINUTE = CaptureConfig(interval=timedelta(minutes=1))


def test_one_holder_at_a_time(folder: Path) -> None:
    mine, yours = Turn(folder, "lock"), Turn(folder, "lock")
    assert mine.take()
    assert not yours.take()
    mine.give()
    assert yours.take()


def test_a_second_process_of_a_kind_is_refused(folder: Path) -> None:
    first = only_one(folder, "capture")
    with pytest.raises(TimelapseError, match="another capture is at work"):
        only_one(folder, "capture")
    only_one(folder, "stitch")
    first.give()
    only_one(folder, "capture")


def test_waiting_ends_with_what_to_do(folder: Path, clock: Clockwork) -> None:
    holder = Turn(folder, "lock")
    assert holder.take()
    began = clock.monotonic()
    with pytest.raises(TimelapseError, match="systemctl stop reolink-timelapse"):
        Turn(folder, "lock").wait(clock, 60)
    assert 60 <= clock.monotonic() - began < 61


def test_a_second_daemon_waits_for_the_end_of_the_first_and_leaves_its_token_alone(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal
) -> None:
    first = Turn(folder / "state", CAPTURE)
    assert first.take()
    build_session(nvr, folder / "state", clock).device()
    build(nvr, folder, clock).run(until=at(4, 30))
    assert [request.cmd for request in nvr.log] == ["Login", "GetDevInfo"]
    assert len(nvr.live_sessions) == 1
    (line,) = journal.texts
    assert "another capture is at work in the data folder: stop one of them" in line

    second = build(nvr, folder, clock)
    states: list[str] = []
    clock.at(at(5), lambda: states.append(second.state()))
    clock.at(at(6), first.give)
    second.run(until=at(6, 9.5))
    assert "waiting for its end" in states[0]
    assert len(second.frames()) == 10
    assert journal.most_in_an_hour() <= 6
    assert not first.is_taken()


def test_who_looks_whether_a_lock_is_taken_makes_no_file(folder: Path) -> None:
    lock = Turn(folder, "lock")
    assert not lock.is_taken()
    assert list(folder.iterdir()) == []
    assert lock.take()
    assert Turn(folder, "lock").is_taken()
    lock.give()
    assert not Turn(folder, "lock").is_taken()


def test_the_daemon_asks_nothing_while_another_command_does(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    by_hand = Turn(folder / "state", NVR)
    assert by_hand.take()
    daemon = build(nvr, folder, clock, EVERY_MINUTE)
    daemon.run(until=at(4, 2.5))
    assert [request.cmd for request in nvr.log if request.cmd == "Snap"] == []
    by_hand.give()
    daemon = build(nvr, folder, clock, EVERY_MINUTE)
    daemon.run(until=at(4, 10.5))
    assert len(daemon.frames()) == 8
    record = daemon.record()
    assert record.missing_rounds["another command"] >= 2


def test_without_a_disk_that_takes_it_there_is_no_lock(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "file").touch()
    for _ in range(2):
        lock = Turn(folder / "file", "lock")
        assert lock.take() is True
        assert not lock.is_taken()
        lock.give()
    assert len(caplog.messages) == 1


def test_who_is_told_to_stop_waits_no_longer(folder: Path, clock: Clockwork) -> None:
    holder = Turn(folder, "lock")
    assert holder.take()
    began = clock.monotonic()
    clock.after(5, clock.stop)
    with pytest.raises(TimelapseError):
        Turn(folder, "lock").wait(clock, 60)
    assert clock.monotonic() - began < 10
