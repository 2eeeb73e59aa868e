"""What is sent to the socket of the service manager."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reolink_timelapsed.schedule import Window
from reolink_timelapsed.storage.coverage import DayRecord
from reolink_timelapsed.storage.daemon_state import FILE_NAME, Board, State
from reolink_timelapsed.system.notify import Notifier
from tests.support import DAY, Clockwork, ServiceManager, at


@pytest.fixture
def address(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = folder / "notify"
    monkeypatch.setenv("NOTIFY_SOCKET", str(path))
    return path


def test_the_messages(address: Path) -> None:
    with ServiceManager(address) as systemd:
        notifier = Notifier()
        notifier.ready()
        notifier.ping()
        notifier.status("all is well")
        notifier.stopping()
    assert systemd.messages == ["READY=1", "WATCHDOG=1", "STATUS=all is well", "STOPPING=1"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # sdnotify's own
def test_without_a_service_manager_nothing_happens(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    Notifier().ready()
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere/at/all")
    Notifier().ping()
    assert capfd.readouterr() == ("", "")


def test_any_status_arrives_and_is_one_printable_line(address: Path) -> None:
    with ServiceManager(address) as systemd:
        notifier = Notifier()

        @given(st.text(max_size=200))
        def send(text: str) -> None:
            notifier.status(text)
            notifier.ping()

        send()
    statuses = systemd.messages[::2]
    assert set(systemd.messages[1::2]) == {"WATCHDOG=1"}
    assert all(
        one.startswith("STATUS=") and one.isascii() and one.isprintable() for one in statuses
    )


def test_the_board_shows_the_same_in_a_file(address: Path, folder: Path, clock: Clockwork) -> None:
    day = DayRecord(Window(at(4), at(22), DAY), timedelta(minutes=1))
    with ServiceManager(address) as systemd:
        board = Board(Notifier(), clock, folder / "run")
        board.tell(State("another capture\x1b[2J", day, logged_in=True))
    assert systemd.messages == [r"STATUS=another capture\x1b[2J"]
    path = folder / "run" / FILE_NAME
    assert path.stat().st_mode & 0o777 == 0o644
    assert json.loads(path.read_text()) == {
        "state": r"another capture\x1b[2J",
        "since": "2026-11-22T03:50:00+00:00",
        "started": "2026-11-22T03:50:00+00:00",
        "logged_in": True,
        "pause": "",
        "day": day.to_json(),
    }


def test_a_folder_that_cannot_be_written_costs_the_file_alone(
    address: Path, clock: Clockwork, folder: Path
) -> None:
    (folder / "run").write_text("in the way")
    with ServiceManager(address) as systemd:
        Board(Notifier(), clock, folder / "run").tell(State("fine"))
    assert systemd.messages == ["STATUS=fine"]
