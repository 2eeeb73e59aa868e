"""Retention: what is removed, what never is, and what stays of a year."""

from __future__ import annotations

import logging
import os
import subprocess
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reolink_timelapsed.config.settings import StorageConfig
from reolink_timelapsed.errors import StoreError
from reolink_timelapsed.storage import retention
from reolink_timelapsed.storage.retention import PruneReport, expired
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.storage.timeline import Timeline, note_path
from reolink_timelapsed.system.clock import JumpingClock
from tests import films
from tests.films import AFTER, DAY, FOLDER, at, fill, make, minutes, sidecar, video

DAYS = st.dates(date(2025, 1, 1), date(2027, 1, 1))
STORAGE = StorageConfig(keep_daily_frame=None)


@given(st.sets(DAYS), DAYS, st.integers(0, 500))
def test_expired_days_are_those_beyond_the_limit(days: set[date], today: date, keep: int) -> None:
    gone = expired(days, today, keep)
    assert gone == sorted(gone)
    assert all(today - day > timedelta(days=keep) for day in gone)
    kept = days - set(gone)
    assert all(keep == 0 or today - day <= timedelta(days=keep) for day in kept)
    assert keep or not gone


def pruned(
    root: Path, days_later: int = 3, config: StorageConfig = STORAGE, *, dry_run: bool = False
) -> PruneReport:
    clock = JumpingClock(at(12) + timedelta(days=days_later))
    return retention.run(Store(root, "prune"), config, clock, zone=UTC, dry_run=dry_run)


def frames_left(root: Path, day: date = DAY, folder: str = FOLDER) -> list[str]:
    return sorted(path.name for path in (root / "frames" / folder / str(day)).glob("*.jpg"))


def test_frames_go_once_their_time_is_over_and_their_videos_are_proven(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    fill(tmp_path, minutes(at(4), 5))
    make(tmp_path)
    assert pruned(tmp_path, 2).frames == []
    assert pruned(tmp_path, 3).frames == [(FOLDER, DAY)]
    assert f"removed the frames of {FOLDER} {DAY}" in caplog.messages
    assert not (tmp_path / "frames" / FOLDER / str(DAY)).exists()
    assert video(tmp_path).exists()
    assert make(tmp_path, AFTER + timedelta(days=3)).videos == []


def test_a_day_that_is_not_filmed_is_reported_and_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fill(tmp_path, minutes(at(4), 5))
    report = pruned(tmp_path, 400)
    assert (report.frames, report.unfilmed) == ([], [(FOLDER, DAY)])
    assert len(frames_left(tmp_path)) == 5
    assert "old but not filmed yet" in caplog.text


@pytest.mark.parametrize("damage", ["cut", "gone", "sidecar", "late"])
def test_videos_that_are_not_what_was_proven_keep_the_frames(tmp_path: Path, damage: str) -> None:
    fill(tmp_path, minutes(at(4), 5))
    make(tmp_path)
    if damage == "cut":
        video(tmp_path).write_bytes(video(tmp_path).read_bytes()[:-1])
    elif damage == "gone":
        video(tmp_path, f"{DAY}_720p").unlink()
    elif damage == "sidecar":
        video(tmp_path).with_suffix(".json").write_text("{}")
    else:
        fill(tmp_path, [at(5)])
    assert pruned(tmp_path).unfilmed == [(FOLDER, DAY)]
    assert len(frames_left(tmp_path)) >= 5


def test_an_unfinished_video_keeps_the_frames(tmp_path: Path) -> None:
    fill(tmp_path, minutes(at(4), 5))
    make(tmp_path, at(5), now=True)
    assert pruned(tmp_path).unfilmed == [(FOLDER, DAY)]


def test_one_frame_a_day_stays_and_makes_the_film_of_the_year(tmp_path: Path) -> None:
    for number in range(3):
        day = DAY + timedelta(days=number)
        fill(tmp_path, minutes(at(10, 30, day=day), 120), day=day, first=1000 * number)
    later = AFTER + timedelta(days=30)
    make(tmp_path, later)
    daily = StorageConfig(keep_daily_frame=time(12))
    pruned(tmp_path, 30, daily)
    assert frames_left(tmp_path) == ["20261122T120000.000Z.jpg"]
    assert make(tmp_path, later).videos == []
    assert pruned(tmp_path, 31, daily) == PruneReport()
    report = make(tmp_path, later, first=DAY, daily_time=time(12))
    assert films.numbers(report.videos[0].path) == [90, 1090, 2090]


def test_where_no_whole_frame_is_left_none_is_kept(tmp_path: Path) -> None:
    fill(tmp_path, minutes(at(4), 3))
    bad = Store(tmp_path, "capture").put_frame(FOLDER, DAY, at(5), b"no picture")
    make(tmp_path)
    for name in set(frames_left(tmp_path)) - {bad.path.name}:
        (bad.path.parent / name).unlink()
    assert pruned(tmp_path, 3, StorageConfig(keep_daily_frame=time(12))).frames == [(FOLDER, DAY)]
    assert frames_left(tmp_path) == []


@pytest.mark.parametrize("kept", [None, time(12)])
def test_a_video_that_somebody_removes_never_costs_the_other_one(
    tmp_path: Path, kept: time | None, caplog: pytest.LogCaptureFixture
) -> None:
    """Its frames are gone but for the one to keep: no film of that may take the other's place."""
    fill(tmp_path, minutes(at(11, 58), 5))
    make(tmp_path)
    pruned(tmp_path, 3, StorageConfig(keep_daily_frame=kept))
    video(tmp_path).unlink()
    small = video(tmp_path, f"{DAY}_720p")
    before = small.read_bytes()
    later = AFTER + timedelta(days=3)
    report = make(tmp_path, later)
    assert (report.videos, report.failures) == ([], [])
    assert caplog.messages == [], "it is not told every hour"
    make(tmp_path, later, day=DAY, force=True)
    assert small.read_bytes() == before
    assert not video(tmp_path).exists()


def lose_sidecar(root: Path, left: bytes | None) -> None:
    beside = video(root).with_suffix(".json")
    beside.unlink() if left is None else beside.write_bytes(left)


@pytest.mark.parametrize("left", [None, b"", b"nonsense"])
def test_a_pruned_day_whose_sidecar_is_lost_keeps_its_videos(
    tmp_path: Path, left: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    fill(tmp_path, minutes(at(11, 58), 5))
    make(tmp_path)
    pruned(tmp_path, 3, StorageConfig(keep_daily_frame=time(12)))
    lose_sidecar(tmp_path, left)
    before = video(tmp_path).read_bytes()
    later = AFTER + timedelta(days=3)
    for _ in range(2):
        assert make(tmp_path, later).videos == []
    told = [text for text in caplog.messages if "are left" in text]
    assert len(told) == (left != b"nonsense"), "it is told once"
    assert make(tmp_path, later, day=DAY, force=True).videos == []
    assert make(tmp_path, later, day=DAY, every_n_frames=2, force=True).videos == []
    assert video(tmp_path).read_bytes() == before
    assert "only 1 of its 5 frames are left" in caplog.text
    assert pruned(tmp_path, 4, StorageConfig(keep_daily_frame=time(12))) == PruneReport()


@pytest.mark.parametrize("left", [None, b""])
def test_a_day_that_lost_its_sidecar_and_no_frame_is_proven_anew(
    tmp_path: Path, left: bytes | None
) -> None:
    fill(tmp_path, minutes(at(11, 58), 5))
    make(tmp_path)
    lose_sidecar(tmp_path, left)
    assert len(make(tmp_path, AFTER + timedelta(days=3)).videos) == 2
    assert pruned(tmp_path, 3).frames == [(FOLDER, DAY)]


def test_frames_whose_videos_had_their_time_go_when_theirs_is_over(tmp_path: Path) -> None:
    fill(tmp_path, minutes(at(4), 5))
    make(tmp_path)
    short = StorageConfig(keep_frames_days=7, keep_videos_days=1, keep_daily_frame=None)
    assert len(pruned(tmp_path, 3, short).videos) == 2
    assert len(frames_left(tmp_path)) == 5
    report = pruned(tmp_path, 8, short)
    assert (report.frames, report.unfilmed) == ([(FOLDER, DAY)], [])
    assert frames_left(tmp_path) == []


def test_no_link_ever_leads_nowhere(tmp_path: Path) -> None:
    """A video that cannot be removed, as a mount point cannot, stops it half-way."""
    fill(tmp_path, minutes(at(12), 5))
    make(tmp_path)
    stuck = video(tmp_path)
    mount = ["mount", "--bind", str(stuck), str(stuck)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("mounting needs root")
    try:
        with pytest.raises(StoreError):
            pruned(tmp_path, 11, StorageConfig(keep_videos_days=10))
    finally:
        subprocess.run(["umount", str(stuck)], check=True)
    assert not video(tmp_path, f"{DAY}_720p").exists(), "it was stopped half-way"
    links = (tmp_path / "videos" / FOLDER).glob("latest*")
    assert [link for link in links if not link.exists()] == []


def test_the_frame_that_stays_is_a_whole_one(tmp_path: Path) -> None:
    frames = fill(tmp_path, minutes(at(11, 55), 10))
    frames[5].path.write_bytes(b"")
    make(tmp_path)
    pruned(tmp_path, 3, StorageConfig(keep_daily_frame=time(12)))
    assert frames_left(tmp_path) == ["20261122T115900.000Z.jpg"]


def test_videos_past_their_time_go_and_are_not_made_again(tmp_path: Path) -> None:
    fill(tmp_path, minutes(at(12), 5))
    make(tmp_path)
    config = StorageConfig(keep_videos_days=10)
    assert pruned(tmp_path, 10, config).videos == []
    report = pruned(tmp_path, 11, config)
    assert sorted(report.videos) == sorted(
        [video(tmp_path).name, video(tmp_path, f"{DAY}_720p").name]
    )
    names = {path.name for path in (tmp_path / "videos" / FOLDER).iterdir()}
    assert names == {video(tmp_path).with_suffix(".json").name}, "links that lead nowhere go, too"
    assert make(tmp_path, AFTER + timedelta(days=12)).videos == []
    assert "expired" in sidecar(tmp_path)


def test_a_dry_run_removes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    fill(tmp_path, minutes(at(4), 5))
    make(tmp_path)
    config = StorageConfig(keep_videos_days=1)
    report = pruned(tmp_path, 3, config, dry_run=True)
    assert report.frames == [(FOLDER, DAY)]
    assert len(report.videos) == 2
    assert len(frames_left(tmp_path)) == 5
    assert video(tmp_path).exists()
    assert "would remove" in caplog.text


def test_when_the_disk_is_short_filmed_frames_go_first_oldest_first_and_no_more_than_needed(
    tmp_path: Path,
) -> None:
    days = [DAY + timedelta(days=number) for number in range(4)]
    for day in days:
        fill(tmp_path, minutes(at(4, day=day), 5), day=day)
    make(tmp_path, AFTER + timedelta(days=2))
    store = Store(tmp_path, "capture")
    pings: list[int] = []

    def room(enough: int) -> None:
        retention.make_room(
            store,
            STORAGE,
            zone=UTC,
            enough=lambda: store.free_bytes() >= enough,
            ping=lambda: pings.append(1),
        )

    room(0)
    assert len(frames_left(tmp_path, days[0])) == 5
    room(10**18)
    assert [len(frames_left(tmp_path, day)) for day in days] == [0, 0, 0, 5]
    assert len(pings) == 8, "each day is looked at twice: is it filmed, can it be"


def test_segments_of_films_that_nobody_asks_for_any_more_are_dropped(tmp_path: Path) -> None:
    fill(tmp_path, minutes(at(4), 5))
    homes = [tmp_path / "segments" / FOLDER / name for name in (f"{DAY}_0123abcd", str(DAY))]
    for home in homes:
        home.mkdir(parents=True)
    now = datetime.now(UTC)
    young, old = JumpingClock(now + timedelta(days=6)), JumpingClock(now + timedelta(days=8))
    retention.run(Store(tmp_path, "prune"), STORAGE, young, zone=UTC)
    assert homes[0].exists()
    retention.run(Store(tmp_path, "prune"), STORAGE, old, zone=UTC)
    assert [home.exists() for home in homes] == [False, True]


@pytest.mark.parametrize("dry_run", [False, True])
def test_nothing_to_remove_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, *, dry_run: bool
) -> None:
    caplog.set_level(logging.INFO)
    fill(tmp_path, minutes(at(4), 1))
    pruned(tmp_path, 1, StorageConfig(keep_frames_days=1, keep_videos_days=30), dry_run=dry_run)
    pruned(tmp_path, 9, StorageConfig(keep_frames_days=0), dry_run=dry_run)
    assert caplog.messages == [
        "nothing to remove: frames are kept for 1 day, videos for 30 days, and none are older",
        "nothing to remove: frames are kept for ever, videos for ever, and none are older",
    ]


@pytest.mark.parametrize("hours", [1, 25])
def test_nothing_is_removed_by_a_clock_that_was_just_set(tmp_path: Path, hours: int) -> None:
    """Ten years ahead for an hour, it would take all videos."""
    fill(tmp_path, minutes(at(4), 5))
    make(tmp_path)
    clock = JumpingClock(at(12))
    clock.boot = "this one"
    timeline, store = Timeline(clock), Store(tmp_path, "prune")
    config = StorageConfig(keep_videos_days=30)
    clock.step(10 * 365 * 86400)
    store.open()
    assert timeline.is_settled
    for _ in ("noticed", "followed"):
        store.write_json(note_path(tmp_path), timeline.to_json())
        assert retention.run(store, config, clock, zone=UTC) == PruneReport()
        if timeline.is_settled:
            timeline.follow(timeline.step())
    store.write_json(note_path(tmp_path), timeline.to_json())
    clock.sleep(hours * 3600)
    assert bool(retention.run(store, config, clock, zone=UTC).videos) == (hours > 24)
