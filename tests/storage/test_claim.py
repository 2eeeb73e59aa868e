"""Two daemons on one data folder: the second finds the first's note, and waits for its end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reolink_timelapsed.errors import StoreError
from reolink_timelapsed.simulator import SimulatedNvr
from reolink_timelapsed.storage.claim import RENEW_SECONDS, Claim, this_machine
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system.lock import CAPTURE, Turn
from reolink_timelapsed.system.reading import read_json
from tests.odd import KINDS, Make, plant
from tests.support import Clockwork, Journal, at, build

HOUR_NS = 3600 * 10**9


def note_of(store: Store) -> Path:
    return store.root / ".work" / "daemon.json"


def test_a_daemon_with_another_state_folder_waits_for_the_end_of_the_first(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal
) -> None:
    first, store = Turn(folder / "other", CAPTURE), Store(folder / "data", "capture")
    store.open()
    assert first.take()
    Claim(store, folder / "other", this_machine()).require(0)
    clock.at(at(4, 5.5), first.give)
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(4, 9.5))
    taken = [round((one.moment - at(4)).total_seconds() / 60) for one in daemon.frames()]
    assert taken[-4:] == [6, 7, 8, 9]
    assert taken[0] in (5, 6)
    (line,) = journal.warnings()
    assert f"the one whose state lies in {folder / 'other'}: stop one of them" in line
    assert read_json(note_of(store))["state"] == str(folder / "state")


def test_what_restarts_or_has_ended_keeps_nobody_waiting(store: Store, tmp_path: Path) -> None:
    mine, gone, idle = (tmp_path / name for name in ("mine", "gone", "idle"))
    for _ in range(2):
        Claim(store, mine, "here").require(0)
    assert not Turn(idle, CAPTURE).is_taken()
    idle.mkdir()
    (idle / CAPTURE).touch()
    for state in (gone, idle, mine, gone):
        Claim(store, state, "here").require(0)


def test_where_nobody_can_look_a_note_counts_while_it_is_fresh(
    store: Store, tmp_path: Path
) -> None:
    Claim(store, tmp_path / "theirs", "elsewhere").require(0)
    ours = Claim(store, tmp_path / "ours", "here")
    with pytest.raises(StoreError, match="another daemon captures into"):
        ours.require(0)
    for way in (-1, 1):  # a day of a clock that was wrong
        then = note_of(store).stat().st_mtime_ns + way * HOUR_NS
        os.utime(note_of(store), ns=(then, then))
        ours.require(0)
        Claim(store, tmp_path / "theirs", "here").require(0)


def test_a_note_is_renewed_now_and_then_and_not_each_time(store: Store, tmp_path: Path) -> None:
    claim = Claim(store, tmp_path, "here")
    claim.require(0)
    note_of(store).unlink()
    claim.require(RENEW_SECONDS - 1)
    assert not note_of(store).exists()
    claim.require(RENEW_SECONDS)
    assert note_of(store).exists()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_odd_note_is_none(store: Store, tmp_path: Path, kind: Make) -> None:
    plant(kind, note_of(store))
    Claim(store, tmp_path, "here").require(0)


def test_this_machine_has_a_name_or_none() -> None:
    assert this_machine() == this_machine().strip()
