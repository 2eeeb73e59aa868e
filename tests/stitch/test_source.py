"""No picture of a day costs more than itself, whatever it is and wherever it stands."""

from __future__ import annotations

import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from reolink_timelapsed.errors import BadFrame
from reolink_timelapsed.frame import Frame
from reolink_timelapsed.media import child, graph, jpeg
from reolink_timelapsed.media.graph import Job, Quality, Target
from reolink_timelapsed.media.huffman import STANDARD
from reolink_timelapsed.media.rungs import RUNGS
from reolink_timelapsed.simulator.pictures.mosaic import Sampling
from reolink_timelapsed.stitch.culprits import cut
from reolink_timelapsed.stitch.source import essence
from reolink_timelapsed.storage import retention
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system.clock import Clock, JumpingClock
from tests import films, jpegs
from tests.films import AFTER, at, fill, make, minutes, numbers, sidecar, video

SIZE = (192, 144)
STEP = 15 * films.MINUTE


def spoil(frames: list[Frame], which: set[int], how: Callable[[bytes], bytes]) -> None:
    for number in which:
        path = frames[number].path
        path.write_bytes(how(path.read_bytes()))


def shown(root: Path) -> list[int | None]:
    return numbers(video(root))


def refused(root: Path) -> dict[str, str]:
    found: dict[str, str] = sidecar(root)["frames"]["refused"]
    return found


def pruned(root: Path) -> int:
    """Return how many frames are left once their time is over."""
    later = JumpingClock(AFTER + timedelta(days=9))
    retention.run(Store(root, "prune"), films.CONFIG.storage, later, zone=UTC)
    return len(list(root.glob("frames/**/*.jpg")))


@pytest.mark.parametrize(
    ("bad", "hourly"),
    [
        ([4, 5, 6, 7], True), ([0, 1, 2, 3, 9], True), ([*range(11)], False),
        ([0, 2, 3, 11], False),
    ],
    ids=str,
)  # fmt: skip
def test_what_ffmpeg_cannot_decode_costs_itself(
    tmp_path: Path, bad: list[int], *, hourly: bool
) -> None:
    """A whole hour, the first, more than two thirds, the last, all but one."""
    frames = fill(tmp_path, minutes(at(4), 12, STEP), size=SIZE)
    spoil(frames, set(bad), jpegs.oddly_sampled)
    for hour in range(5, 8) if hourly else ():
        assert make(tmp_path, at(hour, 5)).failures == []
    assert make(tmp_path).failures == []
    assert shown(tmp_path) == [n for n in range(12) if n not in bad]
    assert refused(tmp_path) == {frames[n].path.name: "cannot be decoded" for n in bad}
    assert pruned(tmp_path) == 1


def test_a_day_of_which_nothing_can_be_decoded_is_no_film_and_no_end(tmp_path: Path) -> None:
    frames = fill(tmp_path, minutes(at(4), 8, STEP), size=SIZE)
    fill(tmp_path, minutes(at(4), 2), folder="ch1_Yard", size=SIZE)
    spoil(frames, set(range(8)), jpegs.oddly_sampled)
    report = make(tmp_path)
    assert ["not one whole picture" in text for text in report.failures] == [True]
    assert [one.folder for one in report.videos] == ["ch1_Yard"] * 2
    assert sidecar(tmp_path)["frames"]["used"] == 0
    assert len(refused(tmp_path)) == 8
    again = make(tmp_path)
    assert (again.failures, again.exit_code) == ([], 0), "it is known, and not tried each hour"
    assert pruned(tmp_path) == 8 + 1, "what has no film is not removed for its age"
    assert all(frame.path.exists() for frame in frames)
    (failure,) = make(tmp_path, day=films.DAY).failures
    assert "not one whole picture" in failure, "who asks for it has it tried"


def test_a_day_that_cannot_be_decoded_goes_before_it_costs_others_their_room(
    tmp_path: Path,
) -> None:
    frames = fill(tmp_path, minutes(at(4), 2, STEP), size=SIZE)
    spoil(frames, {0, 1}, jpegs.oddly_sampled)
    other = fill(tmp_path, minutes(at(4), 2), folder="ch1_Yard", size=SIZE)
    make(tmp_path)
    fresh = fill(tmp_path, minutes(at(28), 2), day=films.DAY + timedelta(days=1), size=SIZE)

    def short_of(gone: list[Frame]) -> None:
        retention.make_room(
            Store(tmp_path, "capture"),
            films.CONFIG.storage,
            zone=UTC,
            enough=lambda: not any(frame.path.exists() for frame in gone),
        )

    short_of(other[:1])
    assert all(frame.path.exists() for frame in frames), "what is filmed goes first"
    short_of([*other, *frames])
    assert not any(frame.path.exists() for frame in frames)
    assert all(frame.path.exists() for frame in fresh)
    assert sidecar(tmp_path)["pruned"] == {"kept": None}


def test_a_frame_that_comes_late_has_a_day_tried_again(tmp_path: Path) -> None:
    frames = fill(tmp_path, minutes(at(4), 2, STEP), size=SIZE)
    spoil(frames, {0, 1}, jpegs.oddly_sampled)
    make(tmp_path)
    fill(tmp_path, [at(9)], size=SIZE, first=2)
    assert make(tmp_path).failures == []
    assert shown(tmp_path) == [2]
    assert "barren" not in sidecar(tmp_path)


def test_one_alone_after_a_full_hour_and_most_of_a_full_hour(tmp_path: Path) -> None:
    """Segments that are encoded by themselves."""
    frames = fill(tmp_path, [*minutes(at(4), 480, films.MINUTE / 4), at(6)], size=SIZE)
    bad = {*range(245, 480), 480}
    spoil(frames, bad, jpegs.oddly_sampled)
    assert make(tmp_path).failures == []
    assert shown(tmp_path) == list(range(245))
    assert len(refused(tmp_path)) == len(bad)


def apple(picture: bytes) -> bytes:
    return jpegs.with_segment(picture, 0xE1, bytes(4) + b"mjpg" + bytes(40))


ODD: dict[str, Callable[[bytes], bytes]] = {
    "bytes after the end": lambda p: p + b"\xff\xe1\xff\xf0" + bytes(40),
    "a start after the end": lambda p: p + b"\xff\xd8\xff\xe1",
    "another picture after the end": lambda p: p + jpegs.small(77),
    "a thumbnail": lambda p: jpegs.exif(p, jpegs.tiff(1) + jpegs.small(77)),
    "starts in a comment": lambda p: jpegs.with_segment(p, 0xFE, b"\xff\xd8\xff\xd9" * 9),
    "interlaced": lambda p: jpegs.with_segment(p, 0xE0, b"AVI1\x01" + bytes(20)),
    "Avid's": lambda p: jpegs.with_segment(p, 0xFE, b"AVID" + bytes(8) + b"\x01" + bytes(8)),
    "limited range": lambda p: jpegs.with_segment(p, 0xFE, b"CS=ITU601\0"),
    "upside down": lambda p: jpegs.with_segment(p, 0xFE, b"Metasoft MJPEG Codec"),
    "half as wide": lambda p: jpegs.with_segment(p, 0xFE, b"MULTISCOPE II"),
    "lossless": lambda p: jpegs.with_segment(p, 0xE0, b"LJIF" + bytes(8) + b"\x01" + bytes(12)),
    "Apple's": apple,
    "an empty Exif": lambda p: jpegs.exif(p, b""),
    "an Exif far off": lambda p: jpegs.exif(p, b"II*\0\xf0\xff\xff\xff" + bytes(40)),
    "half an ICC profile": lambda p: jpegs.with_segment(p, 0xE2, b"ICC_PROFILE\0\x01\x02" + p),
    "of Adobe": lambda p: jpegs.with_segment(p, 0xEE, b"Adobe\0\x64\0\0\0\0\x01"),
    "of odd pixels": lambda p: jpegs.with_segment(p, 0xE0, b"JFIF\0\1\2\1\0\1\0\7\0\0"),
    "filling": lambda p: p[:2] + b"\xff" * 50 + p[2:],
}


def test_what_is_cut_off_after_the_end_is_counted_across_the_hours(tmp_path: Path) -> None:
    frames = fill(tmp_path, minutes(at(4), 8, STEP), size=SIZE)
    spoil(frames, {1, 2, 7}, lambda picture: picture + b"more" * 10)
    spoil(frames, {3}, lambda picture: picture + bytes(400))  # padding
    assert make(tmp_path, at(5, 5)).failures == []
    assert make(tmp_path).failures == []
    assert shown(tmp_path) == list(range(8))
    assert sidecar(tmp_path)["frames"]["cut_off"] == {"pictures": 3, "bytes": 120}
    assert refused(tmp_path) == {}


def test_what_is_only_odd_is_shown_and_changes_no_other(tmp_path: Path) -> None:
    films_of = []
    for root in (tmp_path / "plain", tmp_path / "odd"):
        frames = fill(root, minutes(at(4), 2 * len(ODD)), size=SIZE)
        for number, how in enumerate(ODD.values()):
            if root.name == "odd":
                spoil(frames, {2 * number}, how)
        assert make(root).failures == []
        assert refused(root) == {}
        films_of.append(_looks(root))
    differ = {[*ODD][n // 2] for n, (a, b) in enumerate(zip(*films_of, strict=True)) if a != b}
    assert not differ
    assert shown(tmp_path / "odd") == list(range(2 * len(ODD)))


def _looks(root: Path) -> list[tuple[int, ...]]:
    """Return colours of each picture of a film."""
    raw = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", str(video(root)), "-map", "0:v", "-vf", "scale=8:6",
         "-f", "rawvideo", "-pix_fmt", "rgb24", "-"],
        check=True, capture_output=True,
    ).stdout  # fmt: skip
    return [tuple(raw[at : at + 144]) for at in range(0, len(raw), 144)]


RARE = [
    jpegs.grey(16, 16), jpegs.grey(17, 4099), jpegs.grey(4099, 17), jpegs.grey(16, 16_384),
    jpegs.grey(16_384, 16), jpegs.grey(191, 143), jpegs.grey(192, 144, components=3),
    jpegs.grey(192, 144, components=4), jpegs.grey(64, 48, components=4),
    jpegs.with_segment(jpegs.grey(components=4), 0xEE, b"Adobe\0\x64\0\0\0\0\0"),
    jpegs.with_segment(jpegs.grey(components=4), 0xEE, b"Adobe\0\x64\0\0\0\0\2"),
    jpegs.with_segment(jpegs.grey(components=3), 0xEE, b"Adobe\0\x64\0\0\0\0\0"),
    jpegs.grey(192, 144, coding=0xC1, bits=12), jpegs.many_scans(192, 144, 40),
    jpegs.many_scans(50, 50, 40, steps=0), jpegs.grey(before=jpegs.segment(0xDD, b"\0\7")),
    jpegs.grey().replace(STANDARD, b""),
]  # fmt: skip
"""Of odd shapes, with more and other colours, of 12 bits, progressive, without tables."""


def test_pictures_of_the_rarest_kinds_stand_among_the_others(tmp_path: Path) -> None:
    """First one of them, and as many others as make their size the film's."""
    count = 2 * len(RARE)
    frames = fill(tmp_path, minutes(at(4), count), size=SIZE)
    for number, picture in enumerate(RARE):
        frames[2 * number].path.write_bytes(picture)
    assert make(tmp_path).failures == []
    assert refused(tmp_path) == {}
    film = shown(tmp_path)
    assert len(film) == count
    assert film[1::2] == list(range(1, count, 2))


@pytest.mark.parametrize("sampling", ["grey", "4:2:0", "4:4:4"])
def test_the_bars_beside_a_picture_are_black(tmp_path: Path, sampling: Sampling) -> None:
    fill(tmp_path, minutes(at(4), 4), size=(256, 144))
    fill(tmp_path, [at(4, 4)], size=SIZE, sampling=sampling)
    assert make(tmp_path).failures == []
    assert max(films.first_pixels(video(tmp_path), 4 / 24)[:30]) <= 17


def test_an_ffmpeg_that_dies_of_a_picture_loses_that_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = fill(tmp_path / "data", minutes(at(4), 8, STEP), size=SIZE)
    spoil(frames, {2, 6}, lambda picture: picture.replace(b"\x08" * 64, b"\x0b" * 64))
    _wrap(
        tmp_path / "bin",
        'cat > "$$.in"; grep -qaF "$(printf "\\013\\013\\013\\013")" "$$.in" && kill -SEGV $$\n'
        'exec /usr/bin/ffmpeg "$@" < "$$.in"',
        monkeypatch,
    )
    monkeypatch.chdir(tmp_path)
    assert make(tmp_path / "data").failures == []
    assert shown(tmp_path / "data") == [0, 1, 3, 4, 5, 7]
    assert len(refused(tmp_path / "data")) == 2


def test_an_ffmpeg_that_is_broken_blames_no_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path / "data", minutes(at(4), 8, STEP), size=SIZE)
    _wrap(tmp_path / "bin", "cat > /dev/null; echo 'out of order' >&2; exit 3", monkeypatch)
    (failure,) = make(tmp_path / "data").failures
    assert "out of order" in failure
    monkeypatch.undo()
    assert make(tmp_path / "data").failures == []
    assert shown(tmp_path / "data") == list(range(8))


def test_an_ffmpeg_that_forgets_pictures_blames_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It loses the second of many, but none of few."""
    fill(tmp_path / "data", minutes(at(4), 8, STEP), size=SIZE)
    _wrap(tmp_path / "bin", f'exec {sys.executable} "$0.py" "$@"', monkeypatch)
    (tmp_path / "bin" / "ffmpeg.py").write_text(FORGETFUL)
    (failure,) = make(tmp_path / "data").failures
    assert "7 pictures can be decoded instead of 8" in failure


HANGING = """
import os, subprocess, sys, time
real = subprocess.Popen(["/usr/bin/ffmpeg", *sys.argv[1:]], stdin=subprocess.PIPE)
seen = b""
while data := os.read(0, 4096):
    seen = seen[-len(data):] + data
    if b"\\x0b" * 64 in seen:
        real.stdin.flush()
        time.sleep(3600)
    real.stdin.write(data)
real.stdin.close()
sys.exit(real.wait())
"""


def test_where_ffmpeg_hangs_it_is_known_at_which_few_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else each hang costs as many waits as a day's hour can be halved."""
    frames = fill(tmp_path / "data", minutes(at(4), 60, films.MINUTE), size=(640, 480))
    spoil(
        frames, {30}, lambda picture: re.sub(rb"(?<=\xff\xdb\0\x43\0).{64}", b"\x0b" * 64, picture)
    )
    _wrap(tmp_path / "bin", f'exec {sys.executable} "$0.py" "$@"', monkeypatch)
    (tmp_path / "bin" / "ffmpeg.py").write_text(HANGING)
    target = Target(tmp_path / "made.mp4", (640, 480))
    job = Job((640, 480), (target,), Quality(24, "ultrafast", 30), RUNGS[-1], 1)
    run = child.Run(graph.encode_command(job), [f.path.read_bytes() for f in frames], [target.path])
    with pytest.raises(child.Hangs) as caught:
        child.encode([run], Clock(), lambda: None, stall_seconds=5.0)
    assert caught.value.done <= 30 < caught.value.given
    assert caught.value.given - caught.value.done < 30


@given(st.integers(2, 300), st.integers(0, 400), st.integers(0, 400))
def test_a_search_looks_at_all_suspects_and_comes_to_an_end(
    count: int, done: int, given: int
) -> None:
    places = cut(count, done, given)
    assert (places[0], places[-1]) == (0, count)
    assert all(0 < end - begin < count for begin, end in pairwise(places))


FORGETFUL = """
import re, subprocess, sys
pictures = sys.stdin.buffer.read()
places = [found.start() for found in re.finditer(b"\\xff\\xc0", pictures)]
if len(places) > 4:
    pictures = pictures[: places[1] + 11] + b"\\x32" + pictures[places[1] + 12 :]
sys.exit(subprocess.run(["/usr/bin/ffmpeg", *sys.argv[1:]], input=pictures).returncode)
"""


def _wrap(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make an `ffmpeg` that answers questions and runs `script` for an encode of pictures."""
    folder.mkdir()
    tool = folder / "ffmpeg"
    tool.write_text(
        '#!/bin/sh\ncase "$*" in *image2pipe*) ;; *) exec /usr/bin/ffmpeg "$@";; esac\n' + script
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/local/bin:/usr/bin:/bin")


# Random damage


def damaged(picture: bytes, seed: int) -> bytes:
    """Return a picture with a few bytes changed, lost or added; often in its headers.

    One in four is whole to all but ffmpeg.
    """
    chance = random.Random(seed)
    if chance.random() < 1 / 4:
        return jpegs.oddly_sampled(picture)
    data = bytearray(picture)
    for _ in range(chance.choice([1, 1, 1, 2, 4, 30])):
        reach = chance.choice([len(data), len(data), min(250, len(data))])
        at = chance.randrange(max(reach, 1))
        length = chance.choice([1, 1, 1, 2, 8, 300])
        junk = chance.choice([
            b"", chance.randbytes(length), bytes(length), b"\xff" * length, b"\xff\xd8",
            b"\xff\xd9",
            bytes([0xFF, chance.randrange(0xC0, 0xFF)]), data[-length:],
        ])  # fmt: skip
        data[at : at + chance.choice([0, length, len(junk)])] = junk
    return bytes(data)


def decodable(data: bytes) -> bool:
    """Tell whether ffmpeg makes a picture of what is fed of this one, all alone."""
    try:
        fed = essence(data, jpeg.read(data))
    except BadFrame:
        return False
    said = subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "image2pipe", "-vcodec", "mjpeg", "-i", "-",
         "-f", "framecrc", "-"],
        check=False, input=fed, capture_output=True, text=False,
    ).stdout  # fmt: skip
    return sum(not line.startswith(b"#") for line in said.splitlines()) == 1


@given(
    bad=st.dictionaries(st.integers(0, 11), st.integers(0, 2**32), min_size=1, max_size=12),
    full_hours=st.booleans(),
)
@example(bad=dict.fromkeys(range(4, 8), 7), full_hours=True)
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_film_holds_exactly_what_can_be_decoded(bad: dict[int, int], *, full_hours: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        frames = fill(root, minutes(at(4), 12, STEP), size=SIZE)
        for number, seed in bad.items():
            path = frames[number].path
            path.write_bytes(damaged(path.read_bytes(), seed))
        whole = [n for n in range(12) if n not in bad or decodable(frames[n].path.read_bytes())]
        for hour in range(5, 8) if full_hours else ():
            assert make(root, at(hour, 5)).failures == []
        report = make(root)
        if not whole:
            assert "not one whole picture" in report.failures[0]
            return
        assert report.failures == []
        film = shown(root)
        assert len(film) == len(whole)
        for number, seen in zip(whole, film, strict=True):
            assert seen == number or number in bad
        assert set(refused(root)) == {frames[n].path.name for n in range(12) if n not in whole}
        assert pruned(root) == 1
