"""The painted days: light that comes and goes, pictures by the time of day, ffmpeg tidied up."""

import itertools
import logging
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reolink_timelapsed.simulator import Shot, SimulatedCamera, SimulatedNvr
from reolink_timelapsed.simulator.pictures.scene import SceneError, ScenePictures, can_write
from reolink_timelapsed.simulator.pictures.scenery.sky import (
    MAP_HEIGHT,
    MAP_WIDTH,
    bright_hours,
    elevation,
    light,
    light_map,
    sun_place,
)
from tests.simulator.nvr_client import UNHURRIED, Client, StillClock

WIDTH, HEIGHT = 320, 180
HOURS = st.floats(0, 24)


def shot(hour: float, day: int = 22, name: str = "Lake View") -> Shot:
    moment = datetime(2026, 11, day, tzinfo=UTC) + timedelta(hours=hour)
    return Shot(0, name, moment, 0, WIDTH, HEIGHT)


def decoded(picture: bytes) -> bytes:
    """Decode to raw grey."""
    command = ["ffmpeg", "-v", "error", "-i", "-", "-f", "rawvideo", "-pix_fmt", "gray", "-"]
    frame = subprocess.run(command, input=picture, capture_output=True, check=True).stdout
    assert len(frame) == WIDTH * HEIGHT
    return frame


def children() -> list[str]:
    """Return the names of the processes that this one has started and that still run."""
    statuses = []
    for path in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError):  # it ended meanwhile
            statuses.append(dict(line.split(":\t", 1) for line in path.read_text().splitlines()))
    return [status["Name"] for status in statuses if status["PPid"] == str(os.getpid())]


@pytest.fixture(params=[0, 1])
def place(request: pytest.FixtureRequest) -> Iterator[ScenePictures]:
    with ScenePictures(request.param, step=1800, zone=UTC) as pictures:
        yield pictures


def test_a_day_grows_light_and_dark_again(place: ScenePictures) -> None:
    frames = [decoded(place(shot(hour))) for hour in (4, 6, 13, 20, 21.5)]
    night, dawn, noon, dusk, late = (sum(frame) / len(frame) for frame in frames)
    assert night < dawn < noon
    assert noon > dusk > late
    assert noon - night > 60
    assert len(set(frames)) == 5


def test_the_same_moment_gives_the_same_picture_and_a_new_day_begins_anew(
    place: ScenePictures,
) -> None:
    first = place(shot(12.0))
    assert place(shot(12.4)) == first
    later = place(shot(12.5))
    assert later != first
    assert decoded(place(shot(12.0))) == decoded(first)
    assert place(shot(12.0, day=23)) != first


def test_the_name_stands_in_the_picture() -> None:
    with ScenePictures(0, step=1800, zone=UTC) as pictures:
        one = decoded(pictures(shot(12, name="Lake")))
        other = decoded(pictures(shot(12, name="it's 100% {Ünïcode}: \\ %{pts}")))
    lower_edge = [y * WIDTH + x for y in range(HEIGHT - 25, HEIGHT) for x in range(WIDTH)]
    differing = {i for i in range(WIDTH * HEIGHT) if abs(one[i] - other[i]) > 8}
    assert differing
    assert differing <= set(lower_edge)


def test_the_zone_decides_what_time_of_day_it_is() -> None:
    far_east = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=4)
    with (
        ScenePictures(1, step=1800, zone=UTC) as here,
        ScenePictures(1, step=1800, zone=None) as local,
    ):
        night = Shot(0, "x", far_east, 0, WIDTH, HEIGHT)
        noon = Shot(0, "x", far_east + timedelta(hours=9), 0, WIDTH, HEIGHT)
        assert sum(decoded(here(night))) < sum(decoded(here(noon)))
        as_local = far_east.astimezone().replace(tzinfo=UTC)
        assert local(night) == here(Shot(0, "x", as_local, 0, WIDTH, HEIGHT))


def test_a_simulated_camera_serves_the_scene_by_the_nvrs_clock() -> None:
    camera = SimulatedCamera(0, "Lake", WIDTH, HEIGHT, picture=ScenePictures(0, 1800, UTC))
    with SimulatedNvr([camera], clock=StillClock()) as nvr:
        client = Client(nvr)
        client.login()
        night = client.snap().body
        nvr.clock.sleep(1800)
        later = client.snap().body
        assert "ffmpeg" in children()
    assert decoded(night) != decoded(later)
    assert "ffmpeg" not in children()


def test_an_ffmpeg_that_cannot_draw_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in = tmp_path / "ffmpeg"
    stand_in.write_text("#!/bin/sh\necho 'no decoder for svg' >&2\nexit 3\n")
    stand_in.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with (
        ScenePictures(0, zone=UTC) as pictures,
        pytest.raises(SceneError, match="exit status 3; no decoder for svg"),
    ):
        pictures(shot(12))


def test_without_a_font_there_is_a_picture_and_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    empty = tmp_path / "fonts.conf"
    empty.write_text("<?xml version='1.0'?><fontconfig></fontconfig>")
    monkeypatch.setenv("FONTCONFIG_FILE", str(empty))
    can_write.cache_clear()
    try:
        with caplog.at_level(logging.WARNING), ScenePictures(0, 1800, UTC) as pictures:
            decoded(pictures(shot(12)))
        assert "fonts-dejavu-core" in caplog.text
    finally:
        can_write.cache_clear()


@UNHURRIED
@given(HOURS, st.floats(0.3, 0.9))
def test_the_light_map_is_always_whole(hour: float, horizon: float) -> None:
    assert len(light_map(hour, horizon)) == 3 * MAP_WIDTH * MAP_HEIGHT


@UNHURRIED
@given(HOURS)
def test_levels_lie_between_nothing_and_all(hour: float) -> None:
    now = light(hour)
    for patch in ("low", "night", "stars"):
        level = getattr(now, patch)
        begins, ends = bright_hours(patch)
        assert 0 <= level <= 1
        if begins + 0.01 < hour < ends - 0.01:
            assert level == 0
        elif not begins - 0.01 < hour < ends + 0.01:
            assert level > 0
    assert all(0 <= part <= 255 for colour in now[1:5] for part in colour)


def test_the_light_has_no_jumps() -> None:
    minutes = [light(minute / 60) for minute in range(24 * 60)]
    for before, after in itertools.pairwise(minutes):
        for a, b in zip(before[1:5], after[1:5], strict=True):
            assert max(abs(x - y) for x, y in zip(a, b, strict=True)) < 18


def test_the_sun_rises_on_the_left_and_sets_on_the_right() -> None:
    assert [round(elevation(hour)) > 0 for hour in (4, 6, 7, 13, 19, 20, 22)] == [
        False,
        False,
        True,
        True,
        True,
        False,
        False,
    ]
    morning, noon, evening = (sun_place(hour) for hour in (7, 13, 19))
    assert morning[0] < noon[0] == 0.5 < evening[0]
    assert morning[1] < noon[1] == 1
