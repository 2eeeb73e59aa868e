"""Programs that say too much, say odd things, or leave others behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reolink_timelapsed.errors import EncodeError
from reolink_timelapsed.media import child, graph, probe
from reolink_timelapsed.media.probe import Facts, Packet
from reolink_timelapsed.stitch import concat
from reolink_timelapsed.system.clock import Clock
from reolink_timelapsed.system.process import Process
from tests.films import at, fill, make, minutes, numbers, video

CLOCK = Clock()
PATIENCE_SECONDS = 60.0


def tool(folder: Path, script: str, name: str = "ffprobe") -> str:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def gone(pid: int) -> bool:
    """Tell whether a process has ended, buried or not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.parametrize("ends", [True, False])
def test_what_a_wrapper_started_ends_with_it(tmp_path: Path, *, ends: bool) -> None:
    """It does not `exec` the real one, as wrappers do; it ends first, or is ended."""
    note = tmp_path / "pid"
    last = "exit 3" if ends else "wait"
    script = f"sleep 600 & echo $! > {note}.new; mv {note}.new {note}; {last}"
    command = [tool(tmp_path, script, "ffmpeg")]
    if ends:
        with pytest.raises(EncodeError, match="status 3"):
            child.encode([child.Run(command, [], [])], CLOCK, lambda: None)
    else:
        process = Process(command, 100)
        until(note.exists, "it starts nothing")
        assert process.end() == -9
    until(lambda: gone(int(note.read_text())), "what it started goes on")


MEMORY = """
import resource, sys
sys.path[:0] = sys.argv[3:]
from pathlib import Path
from reolink_timelapsed.media import child
from reolink_timelapsed.media import probe
from reolink_timelapsed.system.clock import Clock
from reolink_timelapsed.errors import EncodeError
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    if sys.argv[1] == "ffprobe":
        probe.facts(Path(sys.argv[2]), Clock(), decode=False, frames=1000)
    else:
        child.encode([child.Run([sys.argv[2]], [b"x" * 200000], [])], Clock(), lambda: None)
    print("took it")
except EncodeError as error:
    print(ascii(str(error))[:100])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""

FLOOD = "yes 'frame, said of it, again and again' | head -c 200000000"


@pytest.mark.parametrize(
    ("name", "script", "words"),
    [
        ("ffprobe", FLOOD, "says more than anybody asked for"),
        ("ffprobe", f"{FLOOD} >&2", "cannot be read as a film"),
        ("ffmpeg", f"cat > /dev/null; {FLOOD}", "took it"),
        ("ffmpeg", f"cat > /dev/null; {FLOOD} >&2; echo 'Boom' >&2; exit 3", "status 3"),
        ("ffmpeg", f"{FLOOD} | tr -d '\\n'", "says more than anybody asked for"),
    ],
)
def test_a_flood_of_words_takes_no_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, script: str, words: str
) -> None:
    command = tool(tmp_path / "bin", script, name)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    root = str(Path(child.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, name, command, root],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    said, grown = done.stdout.splitlines()
    assert words in said
    assert int(grown) < 20_000, "kB"


def test_what_it_said_first_and_last_is_kept(tmp_path: Path) -> None:
    command = tool(tmp_path, "echo begun >&2; seq 100000 >&2; echo ended >&2", "ffmpeg")
    process = Process([command], 100)
    until(process_has_ended(process), "it goes on")
    assert process.end() == 0
    assert process.said.startswith("begun\n1\n2\n")
    assert process.said.endswith("99999\n100000\nended\n")
    assert len(process.said) < 60_000


def process_has_ended(process: Process) -> Callable[[], bool]:
    def has_ended() -> bool:
        process.exchange(seconds=0.1)
        return process.ended()

    return has_ended


ODD: list[object] = [
    "N/A",
    "",
    "nan",
    "inf",
    "-1",
    "1e999",
    "1/0",
    "0/0",
    "9" * 5000,
    None,
    7,
    [],
    {},
    "²",
    "1e99/1",
]


@pytest.mark.parametrize("name", ["frame", "fps", "total_size"])
def test_odd_numbers_of_progress_are_no_matter(tmp_path: Path, name: str) -> None:
    lines = "".join(f"{name}={value}\\n" for value in ODD if isinstance(value, str))
    command = [tool(tmp_path, f"printf '{lines}'; exec cat > /dev/null", "ffmpeg")]
    child.encode([child.Run(command, [b"x" * 200_000] * 3, [])], CLOCK, lambda: None, in_flight=2)


PACKETS = tuple(Packet(number / 24, key=True, digest="x") for number in range(24))
STREAM = {
    "codec_name": "h264", "profile": "High", "pix_fmt": "yuv420p", "color_range": "tv",
    "color_space": "bt709", "color_transfer": "bt709", "color_primaries": "bt709",
    "width": 16, "height": 16, "avg_frame_rate": "24/1", "start_time": "0", "duration": "1",
}  # fmt: skip


@pytest.mark.parametrize("name", STREAM)
@pytest.mark.parametrize("value", ODD, ids=lambda value: str(value)[:9])
def test_odd_numbers_of_a_film_are_faults_of_it(name: str, value: object) -> None:
    whole = Facts(STREAM, PACKETS, 24, "")
    assert list(probe.faults(whole, 24, (16, 16), 24)) == []
    film = replace(whole, stream=STREAM | {name: value})
    assert len(list(probe.faults(film, 24, (16, 16), 24))) == 1
    assert probe.lacking(film, 24, 24) == []


def test_what_a_film_lacks_is_told_by_the_places_of_the_rest() -> None:
    for left in ({0}, {23}, {3, 4, 9}, set(range(23)), set(range(24))):
        some = tuple(packet for n, packet in enumerate(PACKETS) if n not in left)
        assert probe.lacking(Facts(STREAM, some, len(some), ""), 24, 24) == sorted(left)
        assert probe.lacking(Facts(STREAM, some, len(some) - 1, ""), 24, 24) == []
    for odd in ((*PACKETS, PACKETS[0]), (PACKETS[0], *PACKETS[2:], PACKETS[2]), PACKETS[:1] * 24):
        assert probe.lacking(Facts(STREAM, odd, len(odd), ""), 24, 24) == []
    late = tuple(replace(packet, at=packet.at + 0.5 / 24) for packet in PACKETS[1:])
    assert probe.lacking(Facts(STREAM, late, 23, ""), 24, 24) == []


@pytest.mark.parametrize(
    "answer",
    [
        "", "[]", "{}", "7", "[" * 100_000, '{"streams": [], "packets": []}',
        '{"streams": [7], "packets": []}', '{"streams": [{"codec_name": "h264"}], "packets": [7]}',
        '{"streams": [{"codec_name": "h264"}], "packets": [{"pts_time": "N/A", "flags": "K_"}]}',
        '{"streams": [{"codec_name": "x"}], "packets": [{"pts_time": "nan", "flags": "K"}]}',
        '{"streams": [{"codec_name": "h264", "nb_read_frames": "N/A"}], "packets": []}',
        '{"streams": [{"codec_name": "h264", "nb_read_frames": 7}], "packets": []}',
    ],
)  # fmt: skip
def test_an_odd_answer_is_no_film(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    (tmp_path / "answer").write_text(answer)
    tool(tmp_path / "bin", f"cat {tmp_path}/answer")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    with pytest.raises(EncodeError, match=r"film.mp4 cannot be read as a film"):
        probe.facts(tmp_path / "film.mp4", CLOCK, decode=True)


def box(name: bytes, size: int, rest: bytes = b"") -> bytes:
    if size < 2**32:
        return size.to_bytes(4, "big") + name + rest
    return b"\0\0\0\1" + name + size.to_bytes(8, "big") + rest


@pytest.mark.parametrize("size", [0, 1, 7, 400, 2**32 - 1, 2**40, 2**63, 2**64 - 1])
def test_a_box_larger_than_its_file_ends_the_boxes(tmp_path: Path, size: int) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(box(b"ftyp", 16, bytes(8)) + box(b"moov", size, bytes(40)) + bytes(100))
    assert list(probe.boxes(path)) == [(b"ftyp", 0, 16)]
    assert not probe.streams_at_once(path)
    concat.leave_subtitles_off(path)


def test_a_sparse_index_is_not_taken_into_memory(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(box(b"moov", 2**40, bytes(40)))
    os.truncate(path, 2**40)
    assert list(probe.boxes(path)) == [(b"moov", 0, 2**40)]
    concat.leave_subtitles_off(path)


def test_the_version_is_found_behind_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = 'echo "Warning: using insecure memory!" >&2; exec /usr/bin/ffmpeg "$@"'
    tool(tmp_path / "bin", script, "ffmpeg")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    assert graph.version()[0].isdigit()


def test_a_wrapper_that_does_not_exec_makes_films(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ffmpeg", "ffprobe"):
        tool(tmp_path / "bin", f'/usr/bin/{name} "$@"; exit $?', name)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    fill(tmp_path / "data", minutes(at(4), 3))
    assert make(tmp_path / "data").failures == []
    assert numbers(video(tmp_path / "data")) == [0, 1, 2]
