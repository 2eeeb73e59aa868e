"""The stitch as people and systemd run it: a process with exit codes, a bar, a status, lines."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from tests.films import FOLDER, at, fill, minutes
from tests.screen import Screen
from tests.support import ServiceManager

ROOT = Path(__file__).parents[2]
DAY = datetime.now(UTC).date() - timedelta(days=2)
SECONDS = 60


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    settings = {
        "capture": {"interval_seconds": 60},
        "stitch": {"preset": "ultrafast"},
        "storage": {"data_dir": str(tmp_path / "data")},
    }
    path.write_text(json.dumps(settings))  # JSON is YAML
    return path


def command(config: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "reolink_timelapsed", "--config", str(config), "stitch", *options]


def environment(**more: str) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TZ": "UTC"} | more


def stitched(config: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(config, *options),
        cwd=config.parent,
        env=environment(),
        check=False,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )


def frames(config: Path, count: int, folder: str = FOLDER, day: date = DAY) -> None:
    fill(config.parent / "data", minutes(at(4, day=day), count), folder=folder, day=day)


def test_exit_codes_tell_what_became_of_it(config: Path) -> None:
    frames(config, 2)
    assert stitched(config, "--dry-run").stdout.startswith(f"{FOLDER} {DAY}: 2 frames, 0 s of film")
    assert stitched(config, "--daily-time", "12:00").returncode == 64
    assert stitched(config, "--camera", "Attic").returncode == 64
    done = stitched(config)
    assert done.returncode == 0
    assert f"{FOLDER} {DAY}: full 256x144, 2 frames" in done.stderr
    frames(config, 1, "ch1_Yard")
    next((config.parent / "data/frames/ch1_Yard").rglob("*.jpg")).write_bytes(b"junk")
    failed = stitched(config)
    assert failed.returncode == 1
    assert "not one whole picture" in failed.stderr


def test_a_folder_for_the_videos_may_be_named_from_where_one_stands(config: Path) -> None:
    frames(config, 3)
    assert stitched(config, "--output", "films/of mine").returncode == 0
    made = sorted(path.name for path in (config.parent / "films" / "of mine").iterdir())
    name = f"timelapse_{FOLDER}_{DAY}"
    assert made == [f"{name}.json", f"{name}.mp4", f"{name}_720p.mp4"]


def test_the_latest_video_is_linked(config: Path) -> None:
    frames(config, 3)
    done = stitched(config)
    assert done.returncode == 0, done.stderr
    home = config.parent / "data" / "videos" / FOLDER
    assert (home / "latest.mp4").resolve() == home / f"timelapse_{FOLDER}_{DAY}.mp4"


def test_systemctl_status_shows_where_it_is(config: Path) -> None:
    frames(config, 5)
    address = config.parent / "notify"
    with ServiceManager(address) as systemd:
        subprocess.run(
            command(config), env=environment(NOTIFY_SOCKET=str(address)), check=True,
            capture_output=True, timeout=SECONDS,
        )  # fmt: skip
    assert f"STATUS={FOLDER} {DAY}: 0 of 5 frames" in systemd.messages


@pytest.mark.parametrize("columns", [60, 80, 132])
def test_a_bar_on_a_terminal_neither_wraps_nor_runs_into_the_log(
    config: Path, columns: int
) -> None:
    frames(config, 60)
    next((config.parent / "data/frames").rglob("*.jpg")).write_bytes(b"junk")
    screen = Screen(columns)
    with (
        screen,
        subprocess.Popen(
            command(config), env=environment(TERM="xterm"), stderr=screen.descriptor
        ) as process,
    ):
        screen.close_ours()
        screen.follow("[....")  # it is there at first
        screen.follow("nothing stops it but its end")
        assert process.wait(timeout=SECONDS) == 0
        shown = screen.lines()
    assert not any("[" in line for line in shown)
    text = "".join(line.ljust(columns) for line in shown)
    assert "59 frames of 256x144 in" in text
    assert "left out, no whole picture" in text


@pytest.mark.parametrize(
    ("option", "value", "wanted"),
    [
        ("--fps", "500", "a whole number from 1 to 120"),
        ("--fps", "0", "a whole number from 1 to 120"),
        ("--daily-time", "25:00", "a time of day"),
    ],
)
def test_an_option_out_of_bounds_is_told_once(
    config: Path, option: str, value: str, wanted: str
) -> None:
    done = stitched(config, "--dry-run", option, value)
    assert done.returncode == 64
    assert f"argument {option}: it must be {wanted}" in done.stderr
    assert f'not "{value}"' in done.stderr
    assert f"'{value}'" not in done.stderr


def test_a_data_folder_that_ffmpeg_could_not_be_told_of_is_refused(config: Path) -> None:
    config.write_text(config.read_text().replace("/data", "/two\\nlines"))
    done = stitched(config, "--dry-run")
    assert done.returncode == 78
    assert "storage.data_dir must be a path of readable characters" in done.stderr


@pytest.mark.parametrize(
    ("options", "there", "code", "says"),
    [
        ([], 0, 0, "nothing to do: there are no frames yet"),
        (["--now"], 0, 0, "nothing to do: there are no frames yet"),
        (["--dry-run"], 0, 0, "nothing to do: there are no frames yet"),
        (["--date", "2026-01-01"], 0, 1, "nothing was made: there are no frames"),
        (["--date", "2026-01-01"], 1, 1, "nothing was made: there are no frames"),
        (["--from", "2026-01-01", "--to", "2026-01-02"], 0, 1, "nothing was made"),
        (["--from", "2026-01-01", "--to", "2026-01-02"], 1, 1, "nothing was made"),
        (["--force"], 0, 1, "nothing was made"),
        (["--fps", "10", "--output", "x"], 0, 1, "nothing was made"),
    ],
)
def test_what_was_not_done_is_said_with_its_exit_code(
    config: Path, options: list[str], there: int, code: int, says: str
) -> None:
    (config.parent / "data").mkdir()
    if there:
        frames(config, there)
    done = stitched(config, *options)
    assert says in done.stderr
    assert done.returncode == code
