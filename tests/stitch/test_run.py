"""The stitch as a whole: real frames, real ffmpeg, films read back picture by picture."""

from __future__ import annotations

import logging
import os
import re
from dataclasses import asdict
from datetime import UTC, time, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from reolink_timelapsed.errors import StoreError, TimelapseError, UsageError
from reolink_timelapsed.media import graph, probe
from reolink_timelapsed.simulator.pictures.mosaic import Sampling
from reolink_timelapsed.storage import retention
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system.clock import Clock, JumpingClock
from reolink_timelapsed.system.lock import only_one
from tests import films
from tests.films import (
    AFTER,
    DAY,
    FOLDER,
    MINUTE,
    at,
    fill,
    make,
    minutes,
    numbers,
    segments,
    sidecar,
    video,
)

CLOCK = Clock()


def test_a_day_becomes_two_videos_with_every_frame_in_order(tmp_path: Path) -> None:
    fill(tmp_path, minutes(at(4), 300), size=(320, 180))
    report = make(tmp_path)
    assert [(one.rendition, one.frames, one.size) for one in report.videos] == [
        ("full", 300, (320, 180)),
        ("720p", 300, (320, 180)),
    ]
    for one in report.videos:
        assert numbers(one.path) == list(range(300))
        assert one.bytes == one.path.stat().st_size
    assert report.exit_code == 0


def test_a_second_run_has_nothing_to_do(tmp_path: Path) -> None:
    fill(tmp_path, minutes(at(4), 5))
    make(tmp_path)
    before = video(tmp_path).stat()
    assert make(tmp_path).videos == []
    assert video(tmp_path).stat() == before
    assert not (tmp_path / "segments" / FOLDER / str(DAY)).exists()


def test_the_day_grows_hour_by_hour_and_is_joined_seamlessly(tmp_path: Path) -> None:
    made: dict[str, int] = {}
    for hour in range(4, 8):
        fill(tmp_path, minutes(at(hour), 60), first=60 * (hour - 4))
        assert make(tmp_path, at(hour + 1, 5)).videos == []
        now = segments(tmp_path)
        assert len(now) == hour - 3
        assert made.items() <= now.items(), "a finished hour was encoded again"
        made = now
    report = make(tmp_path)
    assert numbers(report.videos[0].path) == list(range(240))
    _assert_even(report.videos[0].path, 240)


def test_hourly_and_batch_give_the_same_film(tmp_path: Path) -> None:
    for hour in range(4, 7):
        fill(tmp_path / "hourly", minutes(at(hour), 30, 2 * MINUTE), first=30 * (hour - 4))
        make(tmp_path / "hourly", at(hour + 1, 5))
    fill(tmp_path / "batch", [m for h in range(4, 7) for m in minutes(at(h), 30, 2 * MINUTE)])
    hourly = make(tmp_path / "hourly").videos[0].path
    batch = make(tmp_path / "batch").videos[0].path
    assert numbers(hourly) == numbers(batch) == list(range(90))
    _assert_even(hourly, 90)
    _assert_even(batch, 90)


def _assert_even(path: Path, frames: int, fps: int = 24) -> None:
    facts = probe.facts(path, CLOCK, decode=True)
    times = [packet.at for packet in facts.packets]
    assert facts.decoded == frames
    assert facts.stream["avg_frame_rate"] == facts.stream["r_frame_rate"] == f"{fps}/1"
    assert sorted(times) == pytest.approx([number / fps for number in range(frames)], abs=1e-6)
    rows = films.ffprobe(path, "-select_streams", "v", "-show_packets")["packets"]
    decoding = [float(row["dts_time"]) for row in rows]
    assert all(b - a == pytest.approx(1 / fps, abs=2e-6) for a, b in pairwise(decoding))
    assert all(float(row["dts_time"]) <= float(row["pts_time"]) for row in rows)


def test_seeking_lands_on_the_right_picture_on_both_sides_of_a_seam(tmp_path: Path) -> None:
    for hour in (4, 5):
        fill(tmp_path, minutes(at(hour), 60), first=60 * (hour - 4))
        make(tmp_path, at(hour + 1, 5), films.configured(preset="veryfast"))
    path = make(tmp_path, config=films.configured(preset="veryfast")).videos[0].path
    facts = probe.facts(path, CLOCK, decode=False)
    assert facts.stream["has_b_frames"] == 1
    for wanted in (0, 1, 57, 59, 60, 61, 119):
        assert numbers(path, (wanted - 0.25) / 24 if wanted else 0)[0] == wanted


@pytest.mark.parametrize("fps", [1, 25, 120])
def test_segments_are_joined_evenly_at_every_rate(tmp_path: Path, fps: int) -> None:
    fill(tmp_path, minutes(at(4), 240))
    for hour in range(5, 9):
        make(tmp_path, at(hour, 5), films.configured(fps=fps))
    assert len(segments(tmp_path)) == 4
    path = make(tmp_path, config=films.configured(fps=fps)).videos[0].path
    _assert_even(path, 240, fps)
    assert numbers(path) == list(range(240))


@pytest.mark.parametrize("sampling", ["4:2:2", "4:4:4", "grey"])
def test_a_video_plays_everywhere_and_before_it_is_loaded(
    tmp_path: Path, sampling: Sampling
) -> None:
    fill(tmp_path, minutes(at(4), 60), size=(1025, 801), sampling=sampling)
    report = make(tmp_path)
    assert report.failures == []
    for one in report.videos:
        stream = films.ffprobe(one.path, "-select_streams", "v", "-show_streams")["streams"][0]
        assert (stream["codec_name"], stream["profile"]) == ("h264", "High")
        assert (stream["pix_fmt"], stream["color_range"]) == ("yuv420p", "tv")
        assert stream["sample_aspect_ratio"] == "1:1"
        assert float(stream["start_time"]) == 0
        data = one.path.read_bytes()
        assert data.index(b"moov") < data.index(b"mdat")


def test_pictures_refer_to_later_ones_too(tmp_path: Path) -> None:
    fill(tmp_path, minutes(at(4), 60))
    path = make(tmp_path, config=films.configured(preset="veryfast")).videos[0].path
    rows = films.ffprobe(path, "-select_streams", "v", "-show_entries", "frame=pict_type")["frames"]
    assert "".join(row["pict_type"] for row in rows).count("B") > 20


def test_a_late_frame_costs_just_its_hour(tmp_path: Path) -> None:
    fill(tmp_path, minutes(at(4), 120))
    make(tmp_path, at(5, 5))
    make(tmp_path, at(6, 5))
    before = segments(tmp_path)
    fill(tmp_path, [at(4, 30, 30)], first=777)
    make(tmp_path, at(6, 10))
    after = segments(tmp_path)
    assert [name for name in after if after[name] != before[name]] == ["20261122T04Z_full.mp4"]
    assert numbers(make(tmp_path).videos[0].path) == [*range(31), 777, *range(31, 120)]


def test_frames_that_come_after_the_video_make_it_again(tmp_path: Path) -> None:
    fill(tmp_path, minutes(at(4), 4))
    make(tmp_path)
    fill(tmp_path, [at(9)], first=4)
    assert [one.frames for one in make(tmp_path).videos] == [5, 5]
    assert make(tmp_path).videos == []


def test_other_settings_do_not_touch_what_is_finished_without_force(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    fill(tmp_path, minutes(at(4), 10))
    make(tmp_path)
    other = films.configured(fps=12)
    assert make(tmp_path, config=other, day=DAY).videos == []
    assert "with other settings (see --force)" in caplog.text
    report = make(tmp_path, config=other, day=DAY, force=True)
    assert [one.seconds for one in report.videos] == [10 / 12, 10 / 12]
    assert sidecar(tmp_path)["settings"]["fps"] == 12


def test_another_film_than_the_ordinary_one_is_not_the_days_unasked(tmp_path: Path) -> None:
    fill(tmp_path, minutes(at(4), 10))
    with pytest.raises(UsageError, match="--output"):
        make(tmp_path, every_n_frames=5)
    assert make(tmp_path, every_n_frames=5, output=tmp_path / "out").videos[0].frames == 2
    assert make(tmp_path, every_n_frames=5, force=True).videos[0].frames == 2


def test_force_makes_all_the_films_again_whose_frames_are_there(tmp_path: Path) -> None:
    fill(tmp_path, minutes(at(4), 3))
    fill(tmp_path, minutes(at(4, day=AFTER.date()), 3), day=AFTER.date())
    assert len(make(tmp_path).videos) == 2
    assert make(tmp_path).videos == []
    again = make(tmp_path, force=True).videos
    assert [one.label for one in again] == [f"{FOLDER} {DAY}"] * 2  # the other day is under way


@pytest.mark.parametrize("name", ["a file", "a file/below it"])
def test_an_output_that_takes_no_files_is_told_before_anything_is_encoded(
    tmp_path: Path, name: str
) -> None:
    fill(tmp_path, minutes(at(4), 3))
    (tmp_path / "a file").touch()
    with pytest.raises(StoreError, match="a file is in the place of a folder"):
        make(tmp_path, day=DAY, output=tmp_path / name)
    assert not films.segments(tmp_path)


def test_a_day_without_frames_is_not_said_to_be_filmed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    fill(tmp_path, minutes(at(4), 3))
    make(tmp_path, day=DAY - timedelta(days=1))
    assert caplog.messages == [
        f"{FOLDER} {DAY - timedelta(days=1)}: no frames",
        "nothing was made: there are no frames for what was asked",
    ]


def test_force_never_replaces_a_film_by_one_of_fewer_frames(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    frames = fill(tmp_path, minutes(at(4), 10))
    make(tmp_path)
    for frame in frames[1:]:
        frame.path.unlink()
    assert make(tmp_path, day=DAY, force=True).videos == []
    assert "only 1 of its 10 frames are left" in caplog.text
    assert len(numbers(video(tmp_path))) == 10


def test_nor_by_one_of_fewer_whole_frames(tmp_path: Path) -> None:
    frames = fill(tmp_path, minutes(at(4), 10))
    make(tmp_path)
    for frame in frames[1:]:
        os.truncate(frame.path, 200)
    fill(tmp_path, [at(21)], first=10)
    requests: tuple[dict[str, Any], ...] = ({}, {"day": DAY, "force": True})
    for request in requests:
        (failure,) = make(tmp_path, **request).failures
        assert "its videos show 10 frames, of which too many are no longer whole: with 2" in failure
        assert len(numbers(video(tmp_path))) == 10


def test_nor_a_film_of_a_range_once_its_frames_are_pruned(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    days = [DAY - timedelta(days=2), DAY - timedelta(days=1)]
    for day in days:
        fill(tmp_path, minutes(at(11, 55, day=day), 10), day=day)
    wanted: dict[str, Any] = {"first": days[0], "last": days[1]}
    (film, _) = make(tmp_path, **wanted).videos
    assert film.frames == 20
    (thin, _) = make(tmp_path, **wanted, every_n_frames=2, force=True).videos
    assert thin.frames == 10
    make(tmp_path, **wanted, force=True)
    make(tmp_path)
    later = JumpingClock(AFTER + timedelta(days=9))
    retention.run(Store(tmp_path, "prune"), films.CONFIG.storage, later, zone=UTC)
    for force in (False, True):
        caplog.clear()
        assert make(tmp_path, **wanted, force=force).videos == []
        assert "only 2 of its 20 frames are left: its videos stay as they are" in caplog.text
        assert "of 2 of 2 days only the one frame that is kept is left" in caplog.text
    assert len(numbers(film.path)) == 20
    (noons, _) = make(tmp_path, **wanted, daily_time=time(12), output=tmp_path / "noons").videos
    assert noons.frames == 2


def test_a_changed_setting_in_mid_day_encodes_the_hours_again(tmp_path: Path) -> None:
    fill(tmp_path, minutes(at(4), 120, MINUTE / 2))
    made = set()
    others: list[dict[str, Any]] = [
        {}, {"crf": 30}, {"preset": "superfast"}, {"fps": 12}, {"max_width": 200}
    ]  # fmt: skip
    for settings in others:
        for _ in range(2):  # the second one has nothing to do
            make(tmp_path, at(5, 5), films.configured(**settings))
            made |= set(segments(tmp_path).values())
    assert len(made) == len(others)
    fill(tmp_path, minutes(at(5), 60), first=120)
    report = make(tmp_path, config=films.configured(crf=30))
    assert numbers(report.videos[0].path) == list(range(180))
    assert sidecar(tmp_path)["settings"]["crf"] == 30


def test_now_publishes_what_there_is_and_the_finished_day_replaces_it(tmp_path: Path) -> None:
    fill(tmp_path, minutes(at(4), 90))
    report = make(tmp_path, at(5, 30), now=True)
    assert numbers(report.videos[0].path) == list(range(90))
    assert not video(tmp_path).with_suffix(".json").exists(), "an unfinished day has no sidecar"
    assert segments(tmp_path), "the finished day is joined of them"
    fill(tmp_path, minutes(at(5, 30), 30), first=90)
    assert [one.frames for one in make(tmp_path).videos] == [120, 120]
    assert sidecar(tmp_path)["frames"]["captured"] == 120
    assert not segments(tmp_path)


def test_every_nth_frame_and_rate_from_the_command_line(tmp_path: Path) -> None:
    fill(tmp_path, minutes(at(4), 90))
    report = make(tmp_path, every_n_frames=4, fps=10, force=True)
    assert numbers(report.videos[0].path) == list(range(0, 90, 4))
    assert report.videos[0].seconds == pytest.approx(2.3)


def test_every_nth_frame_across_the_hours(tmp_path: Path) -> None:
    config = films.configured(every_n_frames=7)
    for hour in range(4, 8):
        fill(tmp_path, minutes(at(hour), 60), first=60 * (hour - 4))
        make(tmp_path, at(hour + 1, 5), config)
    assert len(segments(tmp_path)) == 4
    assert numbers(make(tmp_path, config=config).videos[0].path) == list(range(0, 240, 7))


def test_two_frames_of_the_same_moment_are_both_shown(tmp_path: Path) -> None:
    fill(tmp_path, [at(4), at(4), at(4, 1), at(4, 1)])
    assert numbers(make(tmp_path).videos[0].path) == [0, 1, 2, 3]


def test_a_film_of_fixed_length(tmp_path: Path) -> None:
    moments = [m for m in minutes(at(4), 1080) if not at(9) <= m < at(10)]
    fill(tmp_path, moments)
    config = films.configured(target_seconds=3)
    for hour in range(5, 23, 8):
        make(tmp_path, at(hour, 1), config)
    report = make(tmp_path, config=config)
    shown = [number for number in numbers(report.videos[0].path) if number is not None]
    assert len(shown) == 72
    taken = [moments[number] for number in shown]
    even = [at(4) + (n + 0.5) * timedelta(minutes=15) for n in range(72)]
    assert all(abs(t - e) <= MINUTE for t, e in zip(taken, even, strict=True) if e.hour != 9)


def test_gaps_are_held_when_asked(tmp_path: Path) -> None:
    fill(tmp_path, [*minutes(at(4), 10), *minutes(at(4, 15), 10)])
    report = make(tmp_path, config=films.configured(gaps="hold"))
    expected = [*range(10), *[9] * 5, *range(10, 20)]
    assert numbers(report.videos[0].path) == expected
    told = sidecar(tmp_path)["frames"]
    assert (told["captured"], told["used"], told["places"]) == (20, 20, 25)


@pytest.mark.parametrize("preset", ["ultrafast", "veryfast"])
def test_an_hour_of_one_frame_and_a_day_of_one(tmp_path: Path, preset: str) -> None:
    fill(tmp_path, [*minutes(at(4), 60), at(5, 30), *minutes(at(6), 3), at(7)])
    config = films.configured(preset=preset)
    for hour in (5, 6, 7, 8):
        make(tmp_path, at(hour, 5), config)
    assert len(segments(tmp_path)) == 4
    path = make(tmp_path, config=config).videos[0].path
    assert numbers(path) == list(range(65))
    _assert_even(path, 65)
    fill(tmp_path / "single", [at(12)])
    report = make(tmp_path / "single")
    assert [numbers(one.path) for one in report.videos] == [[0], [0]]


def test_files_that_are_no_whole_pictures_are_left_out_named_and_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    frames = fill(tmp_path, minutes(at(4), 60))
    whole = frames[20].path.read_bytes()
    frames[10].path.write_bytes(b"")
    frames[20].path.write_bytes(whole[: len(whole) // 2])
    frames[30].path.write_bytes(b'[{"cmd": "Snap", "code": 1, "error": {"rspCode": -6}}]' * 4)
    report = make(tmp_path)
    expected = [n for n in range(60) if n not in {10, 20, 30}]
    assert numbers(report.videos[0].path) == expected
    told = sidecar(tmp_path)["frames"]
    assert (told["captured"], told["used"]) == (60, 57)
    assert sorted(told["refused"]) == sorted(frames[n].path.name for n in (10, 20, 30))
    assert frames[10].path.name in caplog.text


def test_the_sidecar_tells_everything(tmp_path: Path) -> None:
    frames = fill(tmp_path, [*minutes(at(4), 60), *minutes(at(6), 30)])
    fill(tmp_path, minutes(at(6, 30), 10), size=(320, 240), first=90)
    frames[5].path.write_bytes(b"")
    make(tmp_path)
    told = sidecar(tmp_path)
    assert told["film"] == f"{FOLDER} {DAY}"
    assert told["window"] == {
        "start": "2026-11-22T04:00:00+00:00",
        "end": "2026-11-22T22:00:00+00:00",
        "interval_seconds": 60,
    }
    assert told["frames"] == {
        "expected": 1080,
        "captured": 100,
        "used": 99,
        "places": 99,
        "first": "2026-11-22T04:00:00+00:00",
        "last": "2026-11-22T06:39:00+00:00",
        "refused": {frames[5].path.name: "empty answer instead of a picture"},
        "missing": {},
        "gaps": [
            {
                "after": "2026-11-22T04:59:00+00:00",
                "before": "2026-11-22T06:00:00+00:00",
                "missed": 60,
            },
            {
                "after": "2026-11-22T06:39:00+00:00",
                "before": "2026-11-22T22:00:00+00:00",
                "missed": 920,
            },
        ],
    }
    assert told["pictures"] == {"256x144": 89, "320x240": 10}
    assert told["settings"] == asdict(films.CONFIG.stitch)
    for name, file in (("full", video(tmp_path)), ("720p", video(tmp_path, f"{DAY}_720p"))):
        assert told["videos"][name] == {
            "file": file.name,
            "bytes": file.stat().st_size,
            "frames": 99,
            "seconds": 4.125,
            "width": 256,
            "height": 144,
        }
    assert told["encode"]["ffmpeg"] == graph.version()
    assert told["encode"]["ways"] == ["fast"]


def test_one_camera_that_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    for frame in fill(tmp_path, minutes(at(4), 3)):
        frame.path.write_bytes(b"junk")
    fill(tmp_path, minutes(at(4), 3), folder="ch1_Garden")
    report = make(tmp_path)
    assert [one.folder for one in report.videos] == ["ch1_Garden"] * 2
    assert len(report.failures) == 1
    assert "not one whole picture" in report.failures[0]
    assert report.exit_code == 1


def test_missed_days_are_made_up_oldest_first_and_the_newest_is_not_starved(tmp_path: Path) -> None:
    days = [DAY - timedelta(days=n) for n in (30, 20, 10, 0)]
    for day in days:
        fill(tmp_path, minutes(at(4, day=day), 2), day=day)
    report = make(tmp_path)
    assert [one.label for one in report.videos[::2]] == [
        f"{FOLDER} {day}" for day in (days[3], *days[:3])
    ]
    assert (tmp_path / "videos" / FOLDER / "latest.mp4").readlink() == Path(video(tmp_path).name)


def test_an_hour_that_ends_while_missed_days_are_made_up_does_not_wait(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    missed = [DAY - timedelta(days=n) for n in (30, 24, 18, 12, 6, 2)]
    for day in missed:
        fill(tmp_path, [at(4, day=day)], day=day)
    fill(tmp_path, minutes(at(9), 60))
    clock = JumpingClock(at(10, 5))

    def an_hour_ends(text: str) -> None:
        if text.startswith(f"{FOLDER} {missed[2]}"):
            clock.step(3600)
            fill(tmp_path, minutes(at(10), 60), first=60)

    make(tmp_path, clock, status=an_hour_ends)
    films_of = [text.split(":")[0] for text in caplog.messages if re.search(" frames? of ", text)]
    days = [DAY, *missed[:3], DAY, *missed[3:]]
    assert films_of == [f"{FOLDER} {day}" for day in days]


def test_a_range_is_one_film(tmp_path: Path) -> None:
    for number in range(3):
        day = DAY + timedelta(days=number)
        fill(tmp_path, minutes(at(4, day=day), 20, 30 * MINUTE), day=day, first=20 * number)
    report = make(tmp_path, AFTER + timedelta(days=5), first=DAY, last=DAY + timedelta(days=1))
    path = report.videos[0].path
    assert path == video(tmp_path, "2026-11-22_2026-11-23")
    assert numbers(path) == list(range(40))
    assert (
        make(tmp_path, AFTER + timedelta(days=5), first=DAY, last=DAY + timedelta(days=1)).videos
        == []
    )


def test_one_frame_a_day_elsewhere(tmp_path: Path) -> None:
    for number in range(3):
        day = DAY + timedelta(days=number)
        fill(tmp_path, minutes(at(4, day=day), 20, 30 * MINUTE), day=day, first=20 * number)
    out = tmp_path / "elsewhere"
    noon = at(12).time()
    report = make(tmp_path, first=DAY, daily_time=noon, camera="front", output=out)
    assert [numbers(one.path) for one in report.videos] == [[16, 36, 56]] * 2
    assert report.videos[0].path.parent == out


def test_a_dry_run_tells_and_touches_nothing(tmp_path: Path) -> None:
    fill(tmp_path, minutes(at(4), 48))
    report = make(tmp_path, dry_run=True)
    assert "48 frames, 2 s of film" in report.plans[0]
    assert not list(tmp_path.glob("videos/*")) + list(tmp_path.glob("segments/*"))


def test_the_window_decides_when_a_day_is_over(tmp_path: Path) -> None:
    fill(tmp_path, minutes(at(4), 3))
    assert make(tmp_path, at(22, 1)).videos == []
    assert len(make(tmp_path, at(22, 2)).videos) == 2


def test_two_stitches_are_kept_apart_by_a_lock_that_dies_with_its_owner(tmp_path: Path) -> None:
    fill(tmp_path, minutes(at(4), 3))
    child = os.fork()
    if child == 0:
        only_one(tmp_path, "stitch")
        os.kill(os.getpid(), 19)
        os._exit(0)
    os.waitpid(child, os.WUNTRACED)
    with pytest.raises(TimelapseError, match="another stitch is at work"):
        make(tmp_path)
    os.kill(child, 9)
    os.waitpid(child, 0)
    assert len(make(tmp_path).videos) == 2


def test_a_run_that_finds_nothing_to_do_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    fill(tmp_path, minutes(at(9), 60))
    for _ in range(2):
        caplog.clear()
        make(tmp_path, at(10, 5))
    (text,) = caplog.messages
    assert text.startswith("nothing to do: every hour that is over is encoded")
    assert text.endswith(f"the videos of {DAY} are made after its end, at 22:00")
    make(tmp_path)
    caplog.clear()
    make(tmp_path)
    assert caplog.messages == ["nothing to do: every day that has frames has its videos"]
    caplog.clear()
    assert make(tmp_path, day=DAY).exit_code == 0
    assert caplog.messages == [f"{FOLDER} {DAY}: finished"]


def test_the_videos_of_a_camera_that_was_renamed_name_each_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    fill(tmp_path, minutes(at(4), 2))
    fill(tmp_path, minutes(at(5), 2), folder="ch0_Entrance")
    fill(tmp_path, minutes(at(5), 2), folder="ch1_Yard")
    fill(tmp_path, [at(5, day=DAY - timedelta(days=1))], folder=FOLDER, day=DAY - timedelta(days=1))
    make(tmp_path)
    assert sidecar(tmp_path)["other_names"] == ["ch0_Entrance"]
    assert sidecar(tmp_path, folder="ch0_Entrance")["other_names"] == [FOLDER]
    assert "other_names" not in sidecar(tmp_path, folder="ch1_Yard")
    assert "other_names" not in sidecar(tmp_path, f"{DAY - timedelta(days=1)}")
    told = f"{FOLDER} {DAY}: called ch0_Entrance in a part of that day, see its videos"
    assert caplog.messages.count(told) == 1
