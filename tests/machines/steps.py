"""What a user does with the package, and what there is to see afterwards."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from .container import Container
from .nvr import CAMERAS, PASSWORD, USER, Nvr
from .packages import Build

DAEMON = "reolink-timelapse.service"
STITCH = "reolink-timelapse-stitch.service"
TIMER = "reolink-timelapse-stitch.timer"
CONFIG = "/etc/reolink-timelapse/config.yaml"
DATA = "/var/lib/reolink-timelapse"
INTERVAL = 3
"""Seconds from frame to frame of a camera, in the tests."""


def install(machine: Container, build: Build) -> str:
    """Install or upgrade with apt; return what that said."""
    machine.copy_in(build.deb, f"/root/{build.deb.name}")
    deb = f"/root/{build.deb.name}"
    done = machine.run("apt-get", "install", "-qy", deb, seconds=300)
    return done.stdout + done.stderr


def set_up(machine: Container, nvr: Nvr, config: str = CONFIG, **settings: object) -> str:
    """Run `setup` without a terminal, then edit the settings by hand."""
    done = machine.run(
        *("reolink-timelapse", "--config", config, "setup"),
        *("--host", nvr.host, "--username", USER, "--password-stdin"),
        stdin=f"{PASSWORD}\n",
    )
    always: dict[str, object] = {"daily_start": '"00:00"', "duration_hours": 24, "min_free_gb": 0}
    edit(machine, config, {"interval_seconds": INTERVAL, **always, **settings})
    return done.stdout


def edit(machine: Container, config: str, settings: dict[str, object]) -> None:
    path = machine.path(config)
    text = path.read_text()
    for key, value in settings.items():
        text, count = re.subn(rf"(?m)^(  {key}:).*$", rf"\1 {value}", text)
        assert count == 1, f"{key} stands {count} times in {config}"
    path.write_text(text)


def frames(machine: Container, data: str = DATA) -> list[Path]:
    return sorted(machine.path(f"{data}/frames").glob("*/*/*.jpg"))


def has_new_frames(machine: Container, before: int, data: str = DATA) -> bool:
    """Whether every camera has given one, and there are more than `before`."""
    found = frames(machine, data)
    return len(found) > before and {path.parts[-3] for path in found} == set(CAMERAS)


def moment(frame: Path) -> datetime:
    return datetime.strptime(frame.stem, "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC)


def is_whole(frame: Path) -> bool:
    data = frame.read_bytes()
    return data[:2] == b"\xff\xd8" and data[-2:] == b"\xff\xd9"


def make_past_day(machine: Container, days_ago: int, count: int, data: str = DATA) -> str:
    """Give a day `count` frames of each camera, copies of today's; return its date."""
    day = (datetime.now(UTC) - timedelta(days=days_ago)).replace(hour=12, minute=0, second=0)
    for camera in CAMERAS:
        source = next(path for path in frames(machine, data) if path.parts[-3] == camera)
        folder = machine.path(f"{data}/frames/{camera}/{day:%Y-%m-%d}")
        folder.mkdir()
        for number in range(count):
            taken = day + timedelta(seconds=15 * number)
            (folder / f"{taken:%Y%m%dT%H%M%S}.000Z.jpg").write_bytes(source.read_bytes())
    machine.run("chown", "-R", "--reference", data, f"{data}/frames")
    return f"{day:%Y-%m-%d}"


def videos(machine: Container, data: str = DATA) -> list[Path]:
    return sorted(machine.path(f"{data}/videos").glob("*/timelapse_*.mp4"))


def probe(machine: Container, video: Path) -> dict[str, Any]:
    """Return what ffprobe says of the pictures, with their frames counted."""
    inside = f"/{video.relative_to(machine.root)}"
    shown = machine.out(
        *("ffprobe", "-v", "error", "-select_streams", "v", "-count_frames"),
        *("-show_streams", "-of", "json", inside),
    )
    (stream,) = json.loads(shown)["streams"]
    found: dict[str, Any] = stream
    return found
