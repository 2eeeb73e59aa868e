"""What the daemon says of itself is what `status` reads, whatever it is, and for whoever it is."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reolink_timelapsed.humanize import printable
from reolink_timelapsed.schedule import Window
from reolink_timelapsed.storage.coverage import DayRecord
from reolink_timelapsed.storage.daemon_state import FILE_NAME, Board, State, read
from reolink_timelapsed.system.notify import Notifier
from tests.support import DAY, Clockwork, at


@given(st.text(), st.text(), st.booleans(), st.integers(0, 99) | st.none())
def test_what_was_told_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    text: str,
    pause: str,
    logged_in: bool,
    rounds: int | None,
) -> None:
    folder, clock = tmp_path_factory.mktemp("run"), Clockwork()
    window = Window(at(4), at(22), DAY)
    day = None if rounds is None else DayRecord(window, timedelta(minutes=1), rounds=rounds)
    board = Board(Notifier(), clock, folder)
    clock.sleep(90)
    board.tell(State(text, day, logged_in=logged_in, pause=pause))
    daemon, live = read(folder)
    assert daemon
    assert (daemon.state, daemon.pause) == (printable(text), printable(pause))
    assert daemon.logged_in == logged_in
    assert daemon.since == clock.now()
    assert daemon.started == clock.now() - timedelta(seconds=90)
    assert (live and live.record) == day
    assert live is None or live.at == clock.now()


SAID = {"state": "fine", "since": "2026-11-22T04:00:00+00:00", "logged_in": True}


@pytest.mark.parametrize("key", SAID)
def test_without_all_of_it_nothing_was_said(tmp_path: Path, key: str) -> None:
    """What the version before did not say yet may be missing; that the file itself is, too."""
    assert read(tmp_path) == (None, None)
    path = tmp_path / FILE_NAME
    path.write_text(json.dumps(SAID))
    daemon, live = read(tmp_path)
    assert daemon
    assert (daemon.pause, daemon.started, live) == ("", None, None)
    path.write_text(json.dumps({name: value for name, value in SAID.items() if name != key}))
    assert read(tmp_path) == (None, None)
