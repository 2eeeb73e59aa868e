"""What people see beside the pictures: titles, chapters, subtitles, links, progress."""

from __future__ import annotations

import io
import logging
import os
import subprocess
from datetime import UTC, date, timedelta
from pathlib import Path

import pytest

from reolink_timelapsed.config.settings import CaptureConfig, Config
from reolink_timelapsed.media import child
from reolink_timelapsed.stitch import run
from reolink_timelapsed.stitch.progress import Progress, duration
from reolink_timelapsed.stitch.request import StitchRequest
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system.clock import JumpingClock
from tests import films
from tests.films import AFTER, DAY, FOLDER, MINUTE, at, fill, make, minutes, numbers, video


def test_title_camera_and_time_are_in_the_file(tmp_path: Path) -> None:
    fill(tmp_path, minutes(at(4), 5))
    make(tmp_path)
    for path in (video(tmp_path), video(tmp_path, f"{DAY}_720p")):
        tags = films.ffprobe(path, "-show_format")["format"]["tags"]
        assert tags["title"] == f"{FOLDER} {DAY}"
        assert tags["artist"] == "Front_Door"
        assert tags["creation_time"] == "2026-11-22T04:00:00.000000Z"


def test_chapters_by_the_hour_and_the_time_of_day_as_subtitles(tmp_path: Path) -> None:
    fill(tmp_path, minutes(at(4), 144, 5 * MINUTE))
    path = make(tmp_path).videos[0].path
    chapters = films.ffprobe(path, "-show_chapters")["chapters"]
    assert [row["tags"]["title"] for row in chapters] == [f"{hour:02}:00" for hour in range(4, 16)]
    assert float(chapters[1]["start_time"]) == pytest.approx(0.5)
    assert float(chapters[-1]["end_time"]) == pytest.approx(6)
    streams = films.ffprobe(path, "-show_streams")["streams"]
    kinds = [row["codec_name"] for row in streams if row["codec_type"] in {"video", "subtitle"}]
    assert kinds == ["h264", "mov_text"]
    shown = {row["codec_type"]: row["disposition"]["default"] for row in streams}
    assert (shown["video"], shown["subtitle"]) == (1, 0), "subtitles are off until asked for"
    text = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:s", "-f", "srt", "-"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert "00:00:00,500 --> 00:00:01,000\n2026-11-22 05:00" in text


def test_a_data_folder_with_a_quote_and_a_blank_in_its_name(tmp_path: Path) -> None:
    root = tmp_path / "Bob's  data"
    fill(root, minutes(at(4), 3))
    assert numbers(make(root).videos[0].path) == [0, 1, 2]


def test_latest_points_to_the_newest_day_whatever_was_made_last(tmp_path: Path) -> None:
    latest = tmp_path / "videos" / FOLDER / "latest.mp4"
    small = latest.with_name("latest_720p.mp4")
    fill(tmp_path, minutes(at(4), 2))
    make(tmp_path)
    day = DAY + timedelta(days=1)
    fill(tmp_path, minutes(at(4, day=day), 3), day=day)
    make(tmp_path, AFTER + timedelta(days=1))
    assert latest.resolve() == video(tmp_path, str(day))
    assert small.resolve() == video(tmp_path, f"{day}_720p")
    make(tmp_path, AFTER + timedelta(days=1), day=DAY, force=True, config=films.configured(crf=40))
    assert latest.resolve() == video(tmp_path, str(day))
    assert len(numbers(small)) == 3


def test_a_film_made_elsewhere_leaves_the_ordinary_one_to_be_made(tmp_path: Path) -> None:
    fill(tmp_path, minutes(at(4), 5))
    out = tmp_path / "out"
    assert [one.path.parent for one in make(tmp_path, output=out).videos] == [out, out]
    assert not video(tmp_path).exists()
    assert make(tmp_path, output=out).videos == []
    assert next(one.path for one in make(tmp_path).videos) == video(tmp_path)


def test_a_day_asked_for_that_has_no_frames(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fill(tmp_path, minutes(at(4), 2))
    report = make(tmp_path, day=DAY - timedelta(days=1))
    assert (report.videos, report.exit_code) == ([], 1)
    assert f"{FOLDER} {DAY - timedelta(days=1)}: no frames" in caplog.text


def test_a_range_without_frames(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    fill(tmp_path, minutes(at(4), 2))
    assert make(tmp_path, last=DAY - timedelta(days=1)).videos == []
    assert "no frames in that range" in caplog.text


class Pacer(JumpingClock):
    """Every look at it takes half a second."""

    def monotonic(self) -> float:
        self.sleep(0.5)
        return super().monotonic()


def test_a_bar_on_a_terminal_and_a_status_now_and_then() -> None:
    terminal = io.StringIO()
    said: list[str] = []
    progress = Progress(Pacer(AFTER), terminal, said.append)
    progress.begin("ch0_Yard 2026-11-22", 40)
    for _ in range(40):
        progress.advance()
    progress.clear()
    drawn = terminal.getvalue().split("\r")
    assert drawn[1].startswith("[............] ch0_Yard 2026-11-22: 0 of 40 frames")
    assert "20 of 40 frames, 10 s left, 1.9 a second" in terminal.getvalue()
    assert drawn[-2].startswith("[############]")
    assert drawn[-1] == "\x1b[K"
    assert 4 <= len(said) <= 6
    assert said[0] == "ch0_Yard 2026-11-22: 0 of 40 frames"


def test_without_a_terminal_there_is_a_line_for_each_segment_and_video(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    fill(tmp_path, [*minutes(at(4), 3), *minutes(at(5), 3)])
    said: list[str] = []
    make(tmp_path, at(5, 5), status=said.append)
    assert caplog.messages == [f"{FOLDER} {DAY}: 04:00-05:00: 3 frames of 256x144 in 0 s"]
    assert said[0] == f"{FOLDER} {DAY}: 0 of 3 frames"
    make(tmp_path)
    assert caplog.messages[1] == f"{FOLDER} {DAY}: 05:00-06:00: 3 frames of 256x144 in 0 s"
    assert caplog.messages[2].startswith(f"{FOLDER} {DAY}: full 256x144, 6 frames, 0 s, 0.1 MB: ")
    assert len(caplog.messages) == 4


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (89.4, "89 s"), (90, "2 min"), (3599, "1 h 00 min"), (7530, "2 h 06 min")],
)
def test_durations_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_dry_run_goes_by_the_films_made_before(tmp_path: Path) -> None:
    fill(tmp_path, minutes(at(4), 24), size=(640, 480))
    make(tmp_path)
    size = sum(path.stat().st_size for path in (tmp_path / "videos" / FOLDER).glob("time*.mp4"))
    day = DAY + timedelta(days=1)
    fill(tmp_path, minutes(at(4, day=day), 48), day=day, size=(640, 480))
    plan = make(tmp_path, AFTER + timedelta(days=1), dry_run=True).plans[0]
    assert plan.startswith(f"{FOLDER} {day}: 48 frames, 2 s of film, about {2 * size / 1e6:.0f} MB")


def test_a_dry_run_is_right_within_a_factor_of_two(tmp_path: Path) -> None:
    """Without a film to go by, and with one of other settings."""
    for number, (preset, crf) in enumerate([("veryfast", 19), ("superfast", 24), ("medium", 17)]):
        day = DAY + timedelta(days=number)
        textured(tmp_path, day)
        config = films.configured(preset=preset, crf=crf)
        when = AFTER + timedelta(days=number)
        told = make(tmp_path, when, config, dry_run=True).plans[0]
        size = sum(one.bytes for one in make(tmp_path, when, config).videos) / 1e6
        assert size / 2 <= float(told.split("about ")[1].split(" MB")[0]) <= 2 * size


def textured(root: Path, day: date) -> None:
    """Put pictures with texture, noise, and something that moves."""
    graph = (
        "nullsrc=s=960x540:r=24,geq=lum='128+40*sin(X/37)*cos(Y/23)+30*random(1)':cb=118:cr=130,"
        "gblur=0.7,loop=-1:1[still];testsrc2=s=240x136:r=24[moving];"
        "[still][moving]overlay=x='t*100',noise=alls=3:allf=t"
    )
    pictures = subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", graph, "-frames:v", "96", "-q:v", "5",
         "-pix_fmt", "yuvj420p", "-f", "image2pipe", "-c:v", "mjpeg", "-"],
        check=True, capture_output=True,
    ).stdout.split(b"\xff\xd8")[1:]  # fmt: skip
    store = Store(root, "capture")
    store.open()
    for moment, picture in zip(minutes(at(4, day=day), 96), pictures, strict=True):
        store.put_frame(FOLDER, day, moment, b"\xff\xd8" + picture)


def test_what_a_library_of_ffmpeg_prints_is_no_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ffmpeg", "ffprobe"):
        wrapper = tmp_path / "bin" / name
        wrapper.parent.mkdir(exist_ok=True)
        wrapper.write_text(
            f"#!/bin/sh\necho 'Warning: using insecure memory!' >&2\nexec /usr/bin/{name} \"$@\"\n"
        )
        wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    fill(tmp_path / "data", minutes(at(4), 3))
    assert make(tmp_path / "data").failures == []


def test_a_window_past_midnight_is_one_day(tmp_path: Path) -> None:
    config = films.configured()
    capture = CaptureConfig(
        interval=MINUTE, daily_start=at(20).time(), duration=timedelta(hours=12)
    )
    config = Config(capture=capture, stitch=config.stitch)
    fill(tmp_path, minutes(at(22), 40, 10 * MINUTE))
    assert make(tmp_path, at(31), config).videos == []
    report = make(tmp_path, at(32, 5), config)
    assert numbers(report.videos[0].path) == list(range(40))


def test_without_a_daily_start_a_day_is_over_when_it_is_past_and_quiet(tmp_path: Path) -> None:
    capture = CaptureConfig(interval=MINUTE, daily_start=None)
    config = Config(capture=capture, stitch=films.CONFIG.stitch)
    fill(tmp_path, minutes(at(20), 10, 25 * MINUTE))
    for moment in (at(23, 50), at(24, 30)):
        assert make(tmp_path, moment, config).videos == []
    assert len(make(tmp_path, at(25), config).videos) == 2


def test_the_daemons_record_of_a_day_knows_its_window_best(tmp_path: Path) -> None:
    fill(tmp_path, minutes(at(4), 10))
    record = {
        "day": str(DAY), "start": at(4).isoformat(), "end": at(6).isoformat(),
        "interval_seconds": 600, "missing_rounds": {"NVR unreachable": 2}, "rounds": 10,
        "cameras": {FOLDER: {"captured": 10, "bytes": 1, "newest": None, "missing": {}}},
    }  # fmt: skip
    Store(tmp_path, "capture").write_json(tmp_path / "coverage" / f"{DAY}.json", record)
    assert len(make(tmp_path, at(6, 2)).videos) == 2
    told = films.sidecar(tmp_path)
    assert told["frames"]["expected"] == 12
    assert told["frames"]["missing"] == {"NVR unreachable": 2}
    assert told["window"]["end"] == at(6).isoformat()


def test_it_runs_only_when_nobody_else_wants_to(tmp_path: Path) -> None:
    pid = os.fork()
    if pid == 0:
        child.yield_to_others()
        (tmp_path / "policy").write_text(str(os.sched_getscheduler(0)))
        os._exit(0)
    os.waitpid(pid, 0)
    assert int((tmp_path / "policy").read_text()) == os.SCHED_IDLE


def test_an_interrupted_run_says_that_it_goes_on_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    fill(tmp_path, minutes(at(4), 3))
    clock = JumpingClock(AFTER)
    clock.stop()
    report = run.run(Store(tmp_path, "stitch"), films.CONFIG, StitchRequest(), clock, zone=UTC)
    assert (report.stopped, report.exit_code) == (True, 0)
    assert "the next run goes on from there" in caplog.text
