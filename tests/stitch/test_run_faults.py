"""What may happen to frames, segments, disk and process in the middle of it all."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

import reolink_timelapsed
from reolink_timelapsed.config.settings import CaptureConfig
from reolink_timelapsed.errors import EncodeError, StoreError
from reolink_timelapsed.media import rungs
from reolink_timelapsed.simulator.pictures.mosaic import mosaic_jpeg
from reolink_timelapsed.stitch import request, run
from reolink_timelapsed.stitch.film import Film
from reolink_timelapsed.stitch.progress import Progress
from reolink_timelapsed.stitch.request import StitchRequest
from reolink_timelapsed.stitch.segments import SegmentMaker
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system.clock import Clock, JumpingClock
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
    video,
)


class Meddler(Progress):
    """Does something to the frames while they are read."""

    def __init__(self, clock: Clock, meddle: dict[int, str], folder: Path) -> None:
        super().__init__(clock, None, lambda _: None)
        self._meddle = meddle
        self._frames = sorted(folder.rglob("*.jpg"))
        self._fed = 0

    def advance(self) -> None:
        super().advance()
        self._fed += 1
        for number, what in self._meddle.items():
            if self._fed == 2 and what == "delete":
                self._frames[number].unlink()
            elif self._fed == 2:
                self._frames[number].write_bytes(mosaic_jpeg(99, *films.SIZE, min_bytes=9000))


def film_of(root: Path, **changes: int) -> Film:
    store = Store(root, "stitch")
    choose = request.day_choice(films.CONFIG.stitch, None, MINUTE, None)
    film = Film(
        label="the film",
        home=store.segments_home(FOLDER, DAY),
        frames=lambda: store.frames(FOLDER, DAY),
        choose=choose,
        config=films.CONFIG.stitch,
    )
    film.step_down(changes.get("lowest_rung", 0))
    return film


def test_a_frame_deleted_and_one_replaced_while_they_are_read(tmp_path: Path) -> None:
    fill(tmp_path, minutes(at(4), 30))
    store = Store(tmp_path, "stitch")
    store.open()
    clock = JumpingClock(AFTER)
    meddler = Meddler(clock, {20: "delete", 25: "replace"}, tmp_path / "frames")
    made = SegmentMaker(store, clock, meddler, UTC).make(film_of(tmp_path))
    assert [one.record.frames for one in made] == [29]
    expected = [n for n in range(30) if n != 20]
    expected[expected.index(25)] = 99
    assert numbers(make(tmp_path).videos[0].path) == expected


def test_segments_of_different_rungs_are_made_alike_before_they_are_joined(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fill(tmp_path, minutes(at(4), 10))
    make(tmp_path, at(5, 5))
    fill(tmp_path, minutes(at(5), 10), first=10)
    store, clock = Store(tmp_path, "stitch"), JumpingClock(AFTER)
    store.open()
    frugal = film_of(tmp_path, lowest_rung=len(rungs.RUNGS) - 1)
    SegmentMaker(store, clock, Progress(clock, None, lambda _: None), UTC).make(frugal)
    assert len(segments(tmp_path)) == 2
    path = make(tmp_path).videos[0].path
    assert "encoded in another way than the rest: 1 segment; made again" in caplog.text
    assert numbers(path) == list(range(20))
    assert films.sidecar(tmp_path)["encode"]["ways"] == ["frugal"]


def test_a_frame_that_comes_while_its_day_is_filmed_is_in_the_next_film(tmp_path: Path) -> None:
    fill(tmp_path, minutes(at(4), 10))

    def let_it_come(text: str) -> None:
        if "0 of 10" in text:
            fill(tmp_path, [at(21)], first=10)

    first = make(tmp_path, status=let_it_come).videos
    second = make(tmp_path).videos
    assert [len(numbers(second[0].path)), first[0].captured, second[0].captured] == [11, 10, 11]
    assert make(tmp_path).videos == []


class Many(Progress):
    """Counts how many encodes are under way at once, by the files they write."""

    def __init__(self, clock: Clock, work: Path) -> None:
        super().__init__(clock, None, lambda _: None)
        self._work = work
        self.most = 0

    def advance(self) -> None:
        self.most = max(self.most, len(list(self._work.glob("*.mp4"))))


def test_with_many_cores_segments_are_encoded_side_by_side(tmp_path: Path) -> None:
    fill(tmp_path, minutes(at(4), 1440, MINUTE / 4))
    store, clock = Store(tmp_path, "stitch"), JumpingClock(AFTER)
    store.open()
    many = Many(clock, tmp_path / ".work" / "stitch")
    made = SegmentMaker(store, clock, many, UTC, cores=12).make(film_of(tmp_path))
    assert [one.record.frames for one in made] == [240] * 6
    assert many.most == 4
    assert numbers(make(tmp_path).videos[0].path) == list(range(1440))


def flip(path: Path, at_share: float) -> None:
    data = bytearray(path.read_bytes())
    data[int(len(data) * at_share)] ^= 0xFF
    path.write_bytes(data)


@pytest.mark.parametrize("damage", ["bits", "times", "cut", "gone", "header", "record", "rung"])
def test_a_segment_damaged_on_disk_is_made_again(tmp_path: Path, damage: str) -> None:
    for hour in (4, 5):
        fill(tmp_path, minutes(at(hour), 20), first=20 * (hour - 4))
        make(tmp_path, at(hour + 1, 5))
    home = tmp_path / "segments" / FOLDER / str(DAY)
    target = home / "20261122T05Z_full.mp4"
    if damage == "bits":
        flip(target, 0.3)
    elif damage == "times":
        data = target.read_bytes()
        flip(target, (data.rindex(b"ctts") + 26.5) / len(data))
    elif damage == "rung":
        record = home / "20261122T05Z.json"
        record.write_text(record.read_text().replace('"rung": 0', '"rung": 99'))
    elif damage == "header":
        flip(target, 0.001)
    elif damage == "cut":
        os.truncate(target, 500)
    elif damage == "gone":
        target.unlink()
    else:
        (home / "20261122T05Z.json").write_text('{"key": 1')
    report = make(tmp_path)
    assert report.failures == []
    assert [numbers(one.path) for one in report.videos] == [list(range(40))] * 2


def test_a_film_set_up_otherwise_than_its_segments_were_is_not_published(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fill(tmp_path, minutes(at(4), 5))
    make(tmp_path, at(5, 5))
    (record,) = (tmp_path / "segments" / FOLDER / str(DAY)).glob("*.json")
    value = json.loads(record.read_text())
    for part in value["parts"].values():
        part["signature"] = "SHA256:0"
    record.write_text(json.dumps(value))
    assert make(tmp_path).failures == []
    assert "damaged on disk: 1 segment; made again" in caplog.text


def test_videos_that_are_half_replaced_have_no_sidecar(tmp_path: Path) -> None:
    """While it is there, both videos are what it says."""
    fill(tmp_path, minutes(at(4), 3))
    make(tmp_path)
    small = video(tmp_path, f"{DAY}_720p")
    small.unlink()
    (small / "in the way").mkdir(parents=True)
    assert make(tmp_path, day=DAY, force=True).failures
    assert video(tmp_path).exists()
    assert not video(tmp_path).with_suffix(".json").exists()


def test_of_many_damaged_pictures_a_few_are_named_and_the_rest_counted(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fill(tmp_path, [at(4)])
    store = Store(tmp_path, "capture")
    for second in range(1, 8):
        store.put_frame(FOLDER, DAY, at(4, 0, second), b"no picture")
    make(tmp_path)
    (told,) = (text for text in caplog.messages if "no whole picture" in text)
    assert told.count("Z.jpg (") == 5
    assert told.endswith(") and 2 more")


class Restless(Progress):
    """Sees to it that a frame is another one whenever it was looked at, so many times."""

    def __init__(self, clock: Clock, frame: Path, times: int) -> None:
        super().__init__(clock, None, lambda _: None)
        self._frame = frame
        self._left = times

    def advance(self) -> None:
        if self._left:
            self._left -= 1
            with self._frame.open("ab") as file:
                file.write(bytes(9))


@pytest.mark.parametrize(("times", "is_made"), [(2, True), (3, False)])
def test_frames_that_keep_changing_are_given_up_the_third_time(
    tmp_path: Path, times: int, *, is_made: bool
) -> None:
    frames = fill(tmp_path, minutes(at(4), 2))
    store, clock = Store(tmp_path, "stitch"), JumpingClock(AFTER)
    store.open()
    maker = SegmentMaker(store, clock, Restless(clock, frames[1].path, times), UTC)
    if is_made:
        assert [one.record.frames for one in maker.make(film_of(tmp_path))] == [2]
    else:
        with pytest.raises(EncodeError, match="frames keep changing"):
            maker.make(film_of(tmp_path))


RUN = """
import sys; sys.path[:0] = sys.argv[2:]
from tests import films
from pathlib import Path
films.make(Path(sys.argv[1]))
"""


def started(root: Path) -> subprocess.Popen[bytes]:
    """Start a stitch in another process."""
    path = [str(Path(films.__file__).parents[1]), str(Path(reolink_timelapsed.__file__).parents[1])]
    return subprocess.Popen([sys.executable, "-c", RUN, str(root), *path])


def test_killed_at_any_moment_the_next_run_goes_on_and_nothing_is_half_published(
    tmp_path: Path,
) -> None:
    hours = range(4, 7)
    for hour in hours:
        fill(tmp_path, minutes(at(hour), 240, MINUTE / 4), first=240 * (hour - 4))
    kills = 0
    done: dict[str, int] = {}
    while kills < 4 and not video(tmp_path).with_suffix(".json").exists():
        process = started(tmp_path)
        deadline = time.monotonic() + 0.6 + 0.25 * kills
        while process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait()
        kills += 1
        home = tmp_path / "segments" / FOLDER / str(DAY)
        kept = {p.name: p.stat().st_mtime_ns for p in home.glob("*.json")}
        if not video(tmp_path).with_suffix(".json").exists():
            assert done.items() <= kept.items(), "a finished hour was lost"
            done = kept
    make(tmp_path)
    assert numbers(video(tmp_path)) == list(range(720))
    assert not segments(tmp_path)
    assert not list((tmp_path / ".work" / "stitch").iterdir())


def test_ffmpeg_ends_with_its_owner(tmp_path: Path) -> None:
    fill(tmp_path, minutes(at(4), 60), size=(1280, 720))
    process = started(tmp_path)
    work = tmp_path / ".work" / "stitch" / "20261122T04Z_full.mp4"
    while not work.exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 60
    while str(work).encode() in b"".join(_command_lines()):
        assert time.monotonic() < deadline, "ffmpeg goes on without anybody who waits for it"
        time.sleep(0.05)


def _command_lines() -> Iterator[bytes]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield path.read_bytes()
        except OSError:
            continue


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 12 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0 or subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(disk)],
        check=False, capture_output=True,
    ).returncode:  # fmt: skip
        pytest.skip("mounting a small disk needs root")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


def noisy(root: Path, count: int) -> None:
    """Put frames that compress badly: noise, of 256x144."""
    pictures = subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "nullsrc=s=256x144:r=24,geq=random(1)*255",
         "-frames:v", str(count), "-q:v", "9", "-f", "image2pipe", "-c:v", "mjpeg", "-"],
        check=True, capture_output=True,
    ).stdout.split(b"\xff\xd8")[1:]  # fmt: skip
    store = Store(root, "capture")
    store.open()
    for moment, picture in zip(minutes(at(4), count), pictures, strict=True):
        store.put_frame(FOLDER, DAY, moment, b"\xff\xd8" + picture)


def fill_up(disk: Path, leave: int) -> Path:
    ballast = disk / "ballast"
    free = os.statvfs(disk)
    ballast.write_bytes(bytes(free.f_bavail * free.f_bsize - leave))
    return ballast


@pytest.mark.parametrize(
    ("leave", "words"), [(0.1, "the disk is nearly full"), (0.8, "the disk is full: ffmpeg")]
)
def test_a_full_disk_publishes_nothing_half_and_leaves_capture_its_room(
    small_disk: Path, leave: float, words: str
) -> None:
    noisy(small_disk, 40)
    pictures = sum(path.stat().st_size for path in small_disk.glob("frames/**/*.jpg"))
    ballast = fill_up(small_disk, int(leave * pictures))
    with pytest.raises(StoreError, match=words):
        make(small_disk, config=films.configured(crf=1))
    assert not list(small_disk.glob("videos/**/*.mp4"))
    assert not list(small_disk.glob("segments/**/*.mp4"))
    fill(small_disk, [at(12)])  # while the disk is as full as it was
    ballast.unlink()
    assert make(small_disk).videos[0].frames == 41


def test_a_full_disk_in_the_middle_of_the_join(small_disk: Path) -> None:
    noisy(small_disk, 40)
    config = films.configured(crf=20)
    make(small_disk, at(5, 5), config)
    done = segments(small_disk)
    size = sum(path.stat().st_size for path in small_disk.glob("segments/**/*.mp4"))
    ballast = fill_up(small_disk, size // 2)
    with pytest.raises(StoreError, match="the disk is nearly full"):
        make(small_disk, config=config)
    assert not list(small_disk.glob("videos/**/*.mp4"))
    assert segments(small_disk) == done
    ballast.unlink()
    assert make(small_disk, config=config).videos[0].frames == 40


def test_a_disk_that_fills_up_in_the_middle_of_the_join(
    small_disk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else writes when the look before the join is over."""
    noisy(small_disk, 40)
    config = films.configured(crf=20)
    make(small_disk, at(5, 5), config)
    done = segments(small_disk)
    half = (
        small_disk / "segments" / FOLDER / str(DAY) / "20261122T04Z_full.mp4"
    ).stat().st_size // 2
    ballast = small_disk / "ballast"
    tool = tmp_path / "bin" / "ffmpeg"
    tool.parent.mkdir()
    tool.write_text(
        "#!/bin/sh\n"
        f'case "$*" in *concat*) cat /dev/zero > "{ballast}" 2> /dev/null\n'
        f'truncate -s -{half} "{ballast}";; esac\n'
        'exec /usr/bin/ffmpeg "$@"\n'
    )
    tool.chmod(0o755)
    with monkeypatch.context() as while_full:
        while_full.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
        with pytest.raises(StoreError, match="the disk is full: ffmpeg could not write the film"):
            make(small_disk, config=config)
    assert not list(small_disk.glob("videos/**/*.mp4"))
    assert segments(small_disk) == done
    fill(small_disk, [at(12)])  # while the disk is as full as it was
    ballast.unlink()
    assert make(small_disk, config=config).videos[0].frames == 41


def test_the_day_of_25_hours_is_in_order(tmp_path: Path) -> None:
    zone = ZoneInfo("Europe/Berlin")
    day = date(2026, 10, 25)
    start = datetime(2026, 10, 24, 22, tzinfo=UTC)
    moments = [start + number * timedelta(minutes=30) for number in range(50)]
    fill(tmp_path, moments, day=day)
    config = replace(
        films.CONFIG,
        capture=CaptureConfig(interval=30 * MINUTE, daily_start=None),
    )
    store, clock = Store(tmp_path, "stitch"), JumpingClock(datetime(2026, 10, 26, 3, tzinfo=UTC))
    report = run.run(store, config, StitchRequest(), clock, zone=zone)
    path = report.videos[0].path
    assert numbers(path) == list(range(50))
    titles = [row["tags"]["title"] for row in films.ffprobe(path, "-show_chapters")["chapters"]]
    assert titles[:5] == ["00:00", "01:00", "02:00", "02:00", "03:00"]
    assert len(titles) == 25


def test_a_clock_that_went_back_leaves_a_film_in_the_order_of_time(tmp_path: Path) -> None:
    fill(tmp_path, minutes(at(5), 20))
    make(tmp_path, at(6, 5))
    fill(tmp_path, minutes(at(4, 50, 30), 20), first=20)
    report = make(tmp_path)
    taken = {
        **dict(enumerate(minutes(at(5), 20))),
        **dict(enumerate(minutes(at(4, 50, 30), 20), 20)),
    }
    shown = [taken[number] for number in numbers(report.videos[0].path) if number is not None]
    assert shown == sorted(taken.values())


def test_a_camera_without_frames_and_a_day_without_any(tmp_path: Path) -> None:
    Store(tmp_path, "capture").open()
    (tmp_path / "frames" / FOLDER / str(DAY)).mkdir(parents=True)
    report = make(tmp_path)
    assert (report.videos, report.failures) == ([], [])
