"""The encode itself: colours, odd pictures, and every way in which ffmpeg can let us down."""

from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path

import pytest

from reolink_timelapsed.errors import EncodeError, Stopped, StoreError
from reolink_timelapsed.media import child, graph, probe
from reolink_timelapsed.media.graph import Job, Quality, Target
from reolink_timelapsed.media.rungs import RUNGS
from reolink_timelapsed.simulator.pictures.mosaic import mosaic_jpeg
from reolink_timelapsed.stitch import metadata
from reolink_timelapsed.stitch.plan import Pick
from reolink_timelapsed.system.clock import Clock
from tests import films
from tests.films import at, fill, make, minutes, numbers, sidecar, video

CLOCK = Clock()
QUALITY = Quality(fps=24, preset="ultrafast", crf=12)
LEVELS = (0, 64, 128, 191, 255)
PATCHES = [(r, g, b) for r in LEVELS for g in LEVELS for b in LEVELS]
PATCH = 32
CHART = (PATCH * 25, PATCH * 5)


def encoded(pictures: list[bytes], job: Job) -> None:
    run = child.Run(graph.encode_command(job), pictures, [one.path for one in job.targets])
    child.encode([run], CLOCK, lambda: None, in_flight=job.rung.in_flight)


def job(folder: Path, *sizes: tuple[int, int], rung: int = 0) -> Job:
    targets = tuple(Target(folder / f"{size[1]}.mp4", size) for size in sizes)
    return Job(sizes[0], targets, QUALITY, RUNGS[rung], cores=2)


def chart(pixels: str = "yuvj420p") -> bytes:
    """Return a JPEG with 125 patches of colour, encoded as cameras do: BT.601, full range."""
    rows = []
    for line in range(5):
        row = b"".join(bytes(colour) * PATCH for colour in PATCHES[line * 25 : line * 25 + 25])
        rows.append(row * PATCH)
    size = "{}x{}".format(*CHART)
    return subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size, "-i", "-",
         "-vf", "scale=out_color_matrix=bt601:out_range=full:flags=accurate_rnd+full_chroma_int",
         "-pix_fmt", pixels, "-q:v", "1", "-qmin", "1", "-f", "mjpeg", "-"],
        input=b"".join(rows), check=True, capture_output=True,
    ).stdout  # fmt: skip


def shown_colours(path: Path, columns: int = 25, rows: int = 5) -> list[tuple[int, ...]]:
    """Decode a film's first picture as its tags demand; return the middle of each patch."""
    width, height = films.size_of(path)
    raw = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(path), "-frames:v", "1",
         "-vf", "scale=flags=accurate_rnd+full_chroma_int", "-pix_fmt", "rgb24",
         "-f", "rawvideo", "-"],
        check=True, capture_output=True,
    ).stdout  # fmt: skip
    middles = [
        (int((column + 0.5) * width / columns), int((row + 0.5) * height / rows))
        for row in range(rows)
        for column in range(columns)
    ]
    return [tuple(raw[3 * (y * width + x) :][:3]) for x, y in middles]


@pytest.mark.parametrize("pixels", ["yuvj420p", "yuvj422p", "yuvj444p"])
@pytest.mark.parametrize("fitted", [False, True])
def test_every_patch_of_a_colour_chart_comes_back_in_both_renditions(
    tmp_path: Path, pixels: str, fitted: bool
) -> None:
    """Pictures of the film's size pass as they are; others are `fitted`, here from half of it."""
    size = (CHART[0] * 2, CHART[1] * 2) if fitted else CHART
    order = job(tmp_path, size, (CHART[0] * 3 // 4, CHART[1] * 3 // 4))
    encoded([chart(pixels)] * 3, replace(order, picture=None if fitted else CHART))
    for target in order.targets:
        stream = probe.facts(target.path, CLOCK, decode=True).stream
        assert stream["color_space"] == stream["color_primaries"] == "bt709"
        worst = max(
            abs(a - b)
            for wanted, got in zip(PATCHES, shown_colours(target.path), strict=True)
            for a, b in zip(wanted, got, strict=True)
        )
        assert worst <= 5


def test_a_grey_picture_stays_grey(tmp_path: Path) -> None:
    order = job(tmp_path, (512, 288), (256, 144))
    encoded([mosaic_jpeg(5, 512, 288, sampling="grey")] * 3, order)
    for target in order.targets:
        for colour in shown_colours(target.path, 8, 6):
            assert any(all(abs(one - level) <= 5 for one in colour) for level in (50, 205))


@pytest.mark.parametrize("rung", range(len(RUNGS)))
def test_every_rung_shows_every_picture(tmp_path: Path, rung: int) -> None:
    order = job(tmp_path, (512, 288), (256, 144), rung=rung)
    encoded([mosaic_jpeg(number, 512, 288) for number in range(50)], order)
    for target in order.targets:
        facts = probe.facts(target.path, CLOCK, decode=True)
        assert list(probe.faults(facts, 50, target.size, 24)) == []
        assert numbers(target.path) == list(range(50))


def test_rungs_but_the_last_give_streams_that_can_be_joined(tmp_path: Path) -> None:
    signatures = []
    for rung in range(len(RUNGS) - 1):
        order = job(tmp_path, (256, 144), rung=rung)
        encoded([mosaic_jpeg(0, 256, 144)] * 3, order)
        signatures.append(probe.facts(order.targets[0].path, CLOCK, decode=False).signature)
    assert len(set(signatures)) == 1


def exif_turned(picture: bytes, orientation: int) -> bytes:
    entry = struct.pack(">HHIHH", 0x0112, 3, 1, orientation, 0)
    tiff = b"MM\0*" + struct.pack(">IH", 8, 1) + entry + struct.pack(">I", 0)
    block = b"Exif\0\0" + tiff
    return picture[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + picture[2:]


def test_pictures_of_every_kind_in_one_day(tmp_path: Path) -> None:
    kinds: list[tuple[tuple[int, int], str]] = [
        ((256, 144), "4:2:0"),
        ((256, 144), "4:2:2"),
        ((256, 144), "4:4:4"),
        ((256, 144), "grey"),
        ((512, 288), "4:2:0"),
        ((257, 145), "4:2:0"),
        ((192, 144), "4:4:4"),
        ((256, 144), "4:2:0"),
    ]
    first = 0
    for size, sampling in kinds:
        fill(
            tmp_path, minutes(at(4, first), 5), size=size, sampling=sampling, first=first  # type: ignore[arg-type]
        )  # fmt: skip
        first += 5
    report = make(tmp_path)
    assert report.failures == []
    shown = numbers(report.videos[0].path)
    assert len(shown) == 40
    shown[30:35] = numbers(report.videos[0].path, crop=(192, 144))[30:35]  # between pillars
    assert shown == list(range(40))
    assert sidecar(tmp_path)["pictures"] == {
        "256x144": 25, "512x288": 5, "257x145": 5, "192x144": 5
    }  # fmt: skip


@pytest.mark.parametrize(
    ("size", "full", "small"),
    [
        ((257, 145), (256, 144), (256, 144)),
        ((1602, 902), (1602, 902), (1278, 720)),
        ((1500, 1001), (1500, 1000), (1080, 720)),
        ((720, 1280), (720, 1280), (404, 720)),
        ((7680, 2160), (7680, 2160), (2560, 720)),
    ],
)
def test_sizes(
    tmp_path: Path, size: tuple[int, int], full: tuple[int, int], small: tuple[int, int]
) -> None:
    fill(tmp_path, minutes(at(4), 3), size=size)
    report = make(tmp_path)
    assert [one.size for one in report.videos] == [full, small]
    assert [films.size_of(one.path) for one in report.videos] == [full, small]
    assert [numbers(one.path) for one in report.videos] == [[0, 1, 2]] * 2
    for one in report.videos:
        stream = films.ffprobe(one.path, "-select_streams", "v", "-show_streams")["streams"][0]
        assert stream["sample_aspect_ratio"] == "1:1"


def test_the_width_can_be_capped_and_a_wide_film_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    fill(tmp_path, [*minutes(at(4), 1), *minutes(at(5), 1)], size=(4128, 1024))
    fill(tmp_path, minutes(at(4), 1), size=(4128, 1024), folder="ch1_Yard")
    make(tmp_path, at(5, 5))
    make(tmp_path)
    assert caplog.text.count("many players stop at 4096") == 1, "not again for every hour"
    report = make(tmp_path, day=films.DAY, force=True, config=films.configured(max_width=2048))
    assert report.videos[0].size == (2048, 508)


TURNS = (
    "null", "hflip", "hflip,vflip", "vflip",
    "transpose=cclock_flip", "transpose=cclock", "transpose=clock_flip", "transpose=clock",
)  # fmt: skip
"""What a camera does to an upright picture that it labels with orientation 1, 2, … 8."""


@pytest.mark.parametrize("one_by_one", [True, False])
def test_turned_pictures_are_shown_upright(tmp_path: Path, one_by_one: bool) -> None:
    """In segments of their own, and all of them in one segment."""
    moments = [at(4 + n) if one_by_one else at(4, n) for n in range(len(TURNS))]
    for number, frame in enumerate(fill(tmp_path, moments, size=(320, 192))):
        turned = subprocess.run(
            ["ffmpeg", "-v", "error", "-i", str(frame.path), "-vf", TURNS[number],
             "-q:v", "3", "-f", "mjpeg", "-"],
            check=True, capture_output=True,
        ).stdout  # fmt: skip
        frame.path.write_bytes(exif_turned(turned, number + 1))
        if one_by_one:
            make(tmp_path, frame.moment + timedelta(minutes=65))
    report = make(tmp_path)
    assert [one.size for one in report.videos] == [(320, 192)] * 2
    assert sidecar(tmp_path)["pictures"] == {"320x192": 8}
    assert numbers(report.videos[0].path) == list(range(8))


def test_hours_of_other_shapes_are_fitted_undistorted_and_joined(tmp_path: Path) -> None:
    """Without a JFIF block: nothing tells the shape of their pixels."""
    first, step = 0, films.MINUTE / 4
    for moment, size, count in (
        (at(4), (512, 288), 480), (at(6), (384, 288), 240),
        (at(7), (192, 144), 60), (at(7, 20), (512, 288), 180),
    ):  # fmt: skip
        for frame in fill(tmp_path, minutes(moment, count, step), size=size, first=first):
            frame.path.write_bytes(without_jfif(frame.path.read_bytes()))
        first += count
    report = make(tmp_path)
    assert report.failures == []
    path = report.videos[0].path
    assert films.size_of(path) == (512, 288)
    shown = numbers(path)
    shown[480:780] = numbers(path, crop=(384, 288))[480:780]
    assert shown == list(range(960))
    assert max(films.first_pixels(path, 500 / 24)[:60]) <= 17, "pillars are black"


def without_jfif(picture: bytes) -> bytes:
    length = int.from_bytes(picture[4:6], "big")
    assert picture[2:4] == b"\xff\xe0"
    return picture[:2] + picture[4 + length :]


def test_the_days_commonest_size_wins(tmp_path: Path) -> None:
    fill(tmp_path, minutes(at(4), 10), size=(512, 288))
    make(tmp_path, at(5, 5))
    fill(tmp_path, minutes(at(5), 20), size=(256, 144), first=10)
    report = make(tmp_path)
    assert report.videos[0].size == (256, 144)
    assert numbers(report.videos[0].path) == list(range(30))
    assert sidecar(tmp_path)["pictures"] == {"256x144": 20, "512x288": 10}


# ffmpeg that lets us down


def fake(folder: Path, script: str, version: str = "5.1.9-0+deb12u1") -> str:
    """Make an `ffmpeg` that answers questions and runs `script` for anything else."""
    folder.mkdir(exist_ok=True)
    path = folder / "ffmpeg"
    path.write_text(
        "#!/bin/sh\n"
        f'if [ "$1" = -encoders ]; then echo "ffmpeg version {version} Copyright" >&2\n'
        'echo " V....D libx264 H.264"; exit; fi\n'
        f"{script}\n"
    )
    path.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_ffmpeg_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EncodeError, match=r"ffmpeg is not installed: .*apt install ffmpeg"):
        make(tmp_path)


@pytest.mark.parametrize("version", ["4.3.8-0+deb11u1", "n5.0.2"])
def test_ffmpeg_is_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setenv("PATH", fake(tmp_path / "bin", "exit 1", version))
    with pytest.raises(EncodeError, match=rf"{version.lstrip('n')[:3]}.* is too old, 5\.1"):
        graph.version()


def test_ffmpeg_without_the_encoder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fake(tmp_path / "bin", "exit 1")
    program = tmp_path / "bin" / "ffmpeg"
    program.write_text(program.read_text().replace("libx264", "libopenh264"))
    monkeypatch.setenv("PATH", path)
    with pytest.raises(EncodeError, match="no libx264 encoder"):
        graph.version()


def test_the_real_version_is_told() -> None:
    assert graph.version()[0].isdigit()


def test_a_crash_is_told_in_ffmpegs_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, minutes(at(4), 3))
    monkeypatch.setenv("PATH", fake(tmp_path / "bin", "cat >&2 <<<''; echo 'Boom 7' >&2; exit 3"))
    program = tmp_path / "bin" / "ffmpeg"
    program.write_text(program.read_text().replace("cat >&2 <<<'';", "cat > /dev/null;"))
    report = make(tmp_path)
    assert "status 3: Boom 7" in report.failures[0]
    assert not list((tmp_path / "videos").iterdir())


def test_a_signal_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, minutes(at(4), 3))
    monkeypatch.setenv("PATH", fake(tmp_path / "bin", "kill -SEGV $$"))
    assert "ended by SIGSEGV" in make(tmp_path).failures[0]


@pytest.mark.parametrize("script", ["exec sleep 60", "cat > /dev/null; exec sleep 60"])
def test_an_ffmpeg_that_hangs_is_given_up(tmp_path: Path, script: str) -> None:
    fake(tmp_path, script)
    pictures = [mosaic_jpeg(n, 256, 144, min_bytes=100_000) for n in range(3)]
    run = child.Run([str(tmp_path / "ffmpeg"), "go"], pictures, [tmp_path / "o"])
    with pytest.raises(EncodeError, match="ffmpeg hangs"):
        child.encode([run], CLOCK, lambda: None, stall_seconds=1.5)


def test_killed_for_memory_it_steps_down_one_rung_and_tries_once_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fill(tmp_path, minutes(at(4), 3))
    script = (
        'case "$*" in *sliced-threads*|*concat*) exec /usr/bin/ffmpeg "$@";; esac; kill -KILL $$'
    )
    monkeypatch.setenv("PATH", fake(tmp_path / "bin", script))
    report = make(tmp_path)
    assert report.failures == []
    assert "memory ran out; once more in the steady way" in caplog.text
    assert sidecar(tmp_path)["encode"]["ways"] == ["steady"]


def test_killed_for_memory_twice_the_film_fails_clearly_and_the_next_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fill(tmp_path, minutes(at(4), 3), size=(513, 289))
    fill(tmp_path, minutes(at(4), 3), folder="ch1_Yard")
    script = (
        f'case "$*" in *crop=512:288*) echo "$*" >> "{tmp_path}/tries"; kill -KILL $$;; esac\n'
        'exec /usr/bin/ffmpeg "$@"'
    )
    monkeypatch.setenv("PATH", fake(tmp_path / "bin", script))
    report = make(tmp_path)
    tries = (tmp_path / "tries").read_text().splitlines()
    assert ["sliced-threads" in one for one in tries] == [False, True]
    assert caplog.text.count("once more in the steady way") == 1
    assert len(report.failures) == 1
    assert report.failures[0].startswith(f"{films.FOLDER} {films.DAY}: ffmpeg was killed")
    assert "because memory ran out" in report.failures[0]
    assert [one.folder for one in report.videos] == ["ch1_Yard"] * 2


def test_a_proof_that_is_killed_for_memory_is_no_verdict_on_the_film(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fill(tmp_path, minutes(at(4), 3))
    make(tmp_path, at(5, 5))
    kept = films.segments(tmp_path)
    path = fake(tmp_path / "bin", 'exec /usr/bin/ffmpeg "$@"')
    (tmp_path / "bin" / "ffprobe").write_text("#!/bin/sh\nkill -KILL $$\n")
    (tmp_path / "bin" / "ffprobe").chmod(0o755)
    with monkeypatch.context() as while_short:
        while_short.setenv("PATH", path)
        report = make(tmp_path)
    assert "ffprobe was killed, most likely because memory ran out" in report.failures[0]
    assert "made again" not in caplog.text
    assert films.segments(tmp_path) == kept
    assert make(tmp_path).failures == []


def test_no_space_left_names_the_disk() -> None:
    error = child.failure(1, "av_interleaved_write_frame(): No space left on device\n")
    assert isinstance(error, StoreError)
    assert "the disk is full" in str(error)


def joined(folder: Path, made: Path, *, segments: int, fps: int) -> None:
    """Join one segment of three pictures with itself, with a subtitle for each picture."""
    frame, *_ = fill(folder, minutes(at(4), 3))
    make(folder, at(5, 5), films.configured(fps=fps))
    (segment,) = (folder / "segments").rglob("*_full.mp4")
    frames = segments * 3
    picks = [Pick(moment, frame) for moment in minutes(at(4), frames)]
    texts = {
        "list": graph.segments_list([(segment, 3)] * segments, fps),
        "titles": metadata.ffmetadata(picks, UTC, fps, "Front", "Front"),
        "times": metadata.subtitles(picks, UTC, fps),
    }
    for name, text in texts.items():
        (folder / name).write_text(text)
    listed, titled, timed = (folder / name for name in texts)
    command = graph.join_command(listed, titled, timed, made, frames=frames, fps=fps, rung=RUNGS[0])
    child.join(command, made, Clock())


@pytest.mark.parametrize(("segments", "fps"), [(400, 1), (600, 23)])
def test_over_many_seams_each_picture_has_its_time_and_the_index_room_in_front(
    tmp_path: Path, segments: int, fps: int
) -> None:
    """At one a second, each picture has its own subtitle; a 23rd is no whole microsecond."""
    joined(tmp_path, tmp_path / "film.mp4", segments=segments, fps=fps)
    assert probe.streams_at_once(tmp_path / "film.mp4")
    film = probe.facts(tmp_path / "film.mp4", Clock(), decode=True)
    assert list(probe.faults(film, 3 * segments, films.SIZE, fps)) == []


def test_a_join_that_fails_says_why_not_what_it_does_without(tmp_path: Path) -> None:
    """No decoder is allowed to it, which ffmpeg deplores for each segment."""
    with pytest.raises(EncodeError, match="no such folder") as caught:
        joined(tmp_path, tmp_path / "no such folder" / "film.mp4", segments=20, fps=24)
    assert "whitelist" not in str(caught.value)


def test_told_to_stop_ffmpeg_ends_within_seconds_and_the_next_run_goes_on(tmp_path: Path) -> None:
    for hour in (4, 5):
        fill(tmp_path, minutes(at(hour), 60), size=(1280, 720), first=60 * (hour - 4))
    make(tmp_path, at(5, 5))
    kept = films.segments(tmp_path)
    program = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "from tests import films; from pathlib import Path\n"
        "from reolink_timelapsed.system.clock import JumpingClock\n"
        "clock = JumpingClock(films.AFTER); clock.stop_on_signals()\n"
        "report = films.make(Path(sys.argv[1]), clock, films.configured(crf=1))\n"
        "print('stopped', report.stopped, flush=True)\n"
    )
    tree = str(Path(films.__file__).parents[1])
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path), tree], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        work = tmp_path / ".work" / "stitch" / "20261122T04Z_full.mp4"
        while not work.exists():
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
        assert process.wait() == 0
    assert "stopped True" in rest
    assert not video(tmp_path).exists()
    assert films.segments(tmp_path) == kept
    assert numbers(make(tmp_path).videos[0].path) == list(range(120))


def test_a_clock_that_was_stopped_encodes_nothing() -> None:
    stopped = Clock()
    stopped.stop()
    with pytest.raises(Stopped):
        child.encode([child.Run(["cat"], [b"x"], [])], stopped, lambda: None)
