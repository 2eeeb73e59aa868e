"""Names of folders and files, both ways."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reolink_timelapsed.frame import (
    FULL,
    HD,
    Camera,
    SegmentFile,
    Video,
    frame_name,
    parse_day,
    parse_frame_name,
)

CHANNELS = st.integers(0, 999)
MOMENTS = st.datetimes(datetime(1970, 1, 2), datetime(8999, 12, 30)).map(  # noqa: DTZ001
    lambda moment: moment.replace(tzinfo=UTC)
)
DAYS = st.dates(date(1970, 1, 1), date(8999, 12, 31))
FOLDERS = st.builds(Camera, CHANNELS, st.text(max_size=80)).map(lambda camera: camera.folder)


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("Front Door", "ch0_Front_Door"),
        ("", "ch0_"),
        ("../../etc/passwd", "ch0_______etc_passwd"),
        ("a/b\\c\0d", "ch0_a_b_c_d"),
        (".hidden", "ch0__hidden"),
        ("Straße 🏡", "ch0_Stra_e__"),
        ("٣", "ch0__"),
        ("x" * 200, "ch0_" + "x" * 64),
        ("-rf", "ch0_-rf"),
    ],
)
def test_camera_folder(name: str, folder: str) -> None:
    assert Camera(0, name).folder == folder


@given(CHANNELS, st.text())
def test_a_folder_is_one_short_harmless_name_that_reads_back(channel: int, name: str) -> None:
    folder = Camera(channel, name).folder
    assert folder.isascii()
    assert not set(folder) & set("/\\.\0\n ")
    assert len(folder) <= 72
    back = Camera.from_folder(folder)
    assert back
    assert (back.channel, back.folder) == (channel, folder)


@given(st.text())
def test_foreign_folders_are_no_cameras(name: str) -> None:
    camera = Camera.from_folder(name)
    assert camera is None or name.startswith((f"ch{camera.channel}_", "ch0"))


@given(MOMENTS, st.integers(-23, 23))
def test_frame_name_holds_the_moment_in_utc(moment: datetime, hours: int) -> None:
    elsewhere = moment.astimezone(timezone(timedelta(hours=hours, minutes=45)))
    name = frame_name(elsewhere)
    assert parse_frame_name(name) == moment - timedelta(microseconds=moment.microsecond % 1000)


@given(MOMENTS, MOMENTS)
def test_frame_names_sort_as_their_moments(one: datetime, other: datetime) -> None:
    assert frame_name(min(one, other)) <= frame_name(max(one, other))


@pytest.mark.parametrize(
    "name",
    [
        "20261122T061500.123Z.jpg.part",
        ".20261122T061500.123Z.jpg",
        "20261122T061500Z.jpg",
        "20261322T061500.123Z.jpg",
        "20261122T061560.123Z.jpg",
        "20261122T061500.123Z.jpeg",
        "\u0662\u0660\u0662\u06661122T061500.123Z.jpg",
        "20261122T061500.123Z.jpg\n",
        "",
    ],
)
def test_other_names_are_no_frames(name: str) -> None:
    assert parse_frame_name(name) is None


@given(st.text())
def test_any_text_is_a_frame_or_none(name: str) -> None:
    moment = parse_frame_name(name)
    assert moment is None or frame_name(moment) == name


@given(DAYS)
def test_day_folders_read_back(day: date) -> None:
    assert parse_day(str(day)) == day


@pytest.mark.parametrize("name", ["20261122", "2026-W47-7", "2026-11-31", "2026-11-22 ", "latest"])
def test_other_names_are_no_days(name: str) -> None:
    assert parse_day(name) is None


@given(MOMENTS, st.sampled_from([FULL.name, HD.name]))
def test_segment_names_read_back(moment: datetime, rendition: str) -> None:
    segment = SegmentFile(moment.replace(minute=0, second=0, microsecond=0), rendition)
    assert SegmentFile.from_name(segment.name) == segment


@pytest.mark.parametrize("hour", ["20261122T24", "20261131T06", "20261322T06"])
def test_hours_that_never_come_are_no_segments(hour: str) -> None:
    assert SegmentFile.from_name(f"{hour}Z_full.mp4") is None


@given(FOLDERS, DAYS, st.sampled_from([FULL.name, HD.name]))
def test_video_names_read_back(folder: str, day: date, rendition: str) -> None:
    video = Video(folder, day, rendition)
    assert Video.from_name(video.name) == video
    assert len(video.name) < 255


def test_the_names_users_see() -> None:
    moment = datetime(2026, 11, 22, 6, 15, 0, 123999, tzinfo=UTC)
    assert frame_name(moment) == "20261122T061500.123Z.jpg"
    assert SegmentFile(moment.replace(minute=0), "full").name == "20261122T06Z_full.mp4"
    day = date(2026, 11, 22)
    assert Video("ch0_Yard", day).name == "timelapse_ch0_Yard_2026-11-22.mp4"
    assert Video("ch0_Yard", day, "720p").name == "timelapse_ch0_Yard_2026-11-22_720p.mp4"


@pytest.mark.parametrize("year", ["0001", "1969", "9000", "9999"])
def test_names_of_years_out_of_all_time_are_none(year: str) -> None:
    """A day more or less must be a moment as well: with these it is not."""
    assert parse_frame_name(f"{year}0101T000000.000Z.jpg") is None
    assert parse_day(f"{year}-12-31") is None
    assert SegmentFile.from_name(f"{year}0101T00Z_full.mp4") is None
    assert Video.from_name(f"timelapse_ch0_A_{year}-12-31.mp4") is None
