"""Which frames a film shows, in which segments, at which size: plain arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reolink_timelapsed import frame
from reolink_timelapsed.config.settings import StitchConfig
from reolink_timelapsed.errors import UsageError
from reolink_timelapsed.frame import Frame, frame_name
from reolink_timelapsed.media import jpeg
from reolink_timelapsed.schedule import Window, hour_of
from reolink_timelapsed.stitch import account, metadata, plan, request
from reolink_timelapsed.stitch.film import SegmentRecord
from reolink_timelapsed.stitch.plan import Pick
from reolink_timelapsed.stitch.request import StitchRequest

START = datetime(2026, 11, 22, 4, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MICROSECOND = timedelta(microseconds=1)
SECONDS = st.integers(0, 3 * 86400)
MOMENTS = st.lists(SECONDS, unique=True, max_size=60).map(
    lambda seconds: [START + timedelta(seconds=s) for s in sorted(seconds)]
)


def frames(moments: Sequence[datetime], folder: str = "2026-11-22") -> list[Frame]:
    return [Frame(moment, Path(folder) / frame_name(moment)) for moment in moments]


def picks(moments: Sequence[datetime]) -> list[Pick]:
    return plan.every_nth(frames(moments), 1)


@given(MOMENTS, st.integers(1, 9))
def test_every_nth_begins_with_the_first_and_steps_evenly(
    moments: list[datetime], step: int
) -> None:
    chosen = plan.every_nth(frames(moments), step)
    assert [pick.at for pick in chosen] == [
        moment for number, moment in enumerate(moments) if number % step == 0
    ]


@given(MOMENTS.filter(len), st.integers(1, 200), st.integers(1, 86400))
@example([START], 128, 2)  # places between two microseconds
def test_a_film_of_fixed_length_shows_the_nearest_frame_at_even_places(
    moments: list[datetime], count: int, length: int
) -> None:
    end = START + timedelta(seconds=length)
    chosen = plan.evenly(frames(moments), START, end, count)
    assert len(chosen) == count
    for number, pick in enumerate(chosen):  # to the microsecond that a datetime has
        exact = Fraction(length * 1_000_000 * (2 * number + 1), 2 * count)
        assert abs((pick.at - START) // MICROSECOND - exact) <= Fraction(1, 2)
    for pick in chosen:
        assert START <= pick.at < end
        assert abs(pick.frame.moment - pick.at) == min(abs(m - pick.at) for m in moments)
    shown = [pick.frame.moment for pick in chosen]
    assert shown == sorted(shown)


@given(MOMENTS, st.integers(1, 50))
def test_thinned_has_its_length_and_stays_in_order(moments: list[datetime], count: int) -> None:
    chosen = plan.thinned(frames(moments), count)
    assert len(chosen) == (count if moments else 0)
    assert [pick.at for pick in chosen] == sorted(pick.at for pick in chosen)
    if count == len(moments):
        assert [pick.at for pick in chosen] == moments


@given(MOMENTS, st.integers(60, 7200))
def test_held_gaps_are_filled_with_the_frame_before_them(
    moments: list[datetime], seconds: int
) -> None:
    step = timedelta(seconds=seconds)
    film = plan.held(picks(moments), step)
    assert [pick for pick in film if pick.at == pick.frame.moment] == picks(moments)
    for before, after in pairwise(film):
        assert before.at < after.at
        assert after.at - before.at < 1.5 * step + timedelta(microseconds=2)


@given(MOMENTS, st.sets(st.integers(0, 80)), st.integers(1, 5))
def test_segments_are_the_film_cut_at_hours_and_keep_what_is_made(
    moments: list[datetime], made_hours: set[int], length: int
) -> None:
    film = picks(moments)
    made = {START + timedelta(hours=hour): length for hour in made_hours}

    def known(rest: Sequence[Pick]) -> int:
        count = made.get(hour_of(rest[0].at), 0) if rest else 0
        return count if count <= len(rest) else 0

    segments = plan.segments(film, known)
    cut = list(segments)
    assert [pick for segment in cut for pick in segment.picks] == film
    for segment, following in pairwise(cut):
        assert hour_of(segment.picks[-1].at) < following.hour
        assert segment.hour == hour_of(segment.picks[0].at)


def test_segments_join_thin_hours_but_not_full_ones() -> None:
    thin = picks([START + n * 10 * MINUTE for n in range(60)])
    assert [len(segment.picks) for segment in plan.segments(thin, lambda _: 0)] == [60]
    full = picks([START + n * MINUTE / 4 for n in range(600)])
    assert [len(segment.picks) for segment in plan.segments(full, lambda _: 0)] == [240, 240, 120]
    late = picks([START + timedelta(hours=hour) for hour in (1, 2, 3)])
    mixed = [*full[:240], *late]
    assert [len(segment.picks) for segment in plan.segments(mixed, lambda _: 0)] == [240, 3]


def test_a_thin_hour_that_is_made_stays_by_itself() -> None:
    film = picks([START + n * 15 * MINUTE for n in range(12)])
    cut = list(plan.segments(film, lambda rest: 4 if rest and rest[0] == film[4] else 0))
    assert [len(segment.picks) for segment in cut] == [4, 4, 4]


def test_a_segment_of_part_of_an_hour_is_not_taken_for_the_hour() -> None:
    film = picks([START + n * MINUTE for n in range(60)])
    cut = list(plan.segments(film, lambda rest: 30 if len(rest) == 60 else 0))
    assert [len(segment.picks) for segment in cut] == [60]


@given(MOMENTS.filter(len), MOMENTS.filter(len), st.integers(18, 30))
def test_a_key_tells_frames_and_settings_apart(
    one: list[datetime], other: list[datetime], crf: int
) -> None:
    same = plan.key({"crf": crf}, picks(one)) == plan.key({"crf": 18}, picks(other))
    assert same == (one == other and crf == 18)
    assert plan.key({"a": crf, "b": 1}, picks(one)) == plan.key({"b": 1, "a": crf}, picks(one))


@pytest.mark.parametrize(
    ("wanted", "hours", "nearest"),
    [(time(12), (5, 11, 14), 11), (time(0, 30), (4, 12, 23), 23), (time(22), (1, 12), 1)],
)
def test_the_frame_nearest_to_a_time_of_day(
    wanted: time, hours: tuple[int, ...], nearest: int
) -> None:
    moments = [datetime(2026, 11, 22, hour, tzinfo=UTC) for hour in hours]
    assert frame.nearest(frames(moments), wanted, UTC).moment.hour == nearest


def test_one_a_day_goes_by_the_day_of_capturing_and_local_time() -> None:
    zone = ZoneInfo("Europe/Berlin")
    first = frames([datetime(2026, 11, 22, hour, tzinfo=UTC) for hour in (10, 11, 12)], "a")
    second = frames([datetime(2026, 11, 23, hour, tzinfo=UTC) for hour in (1, 20)], "b")
    chosen = plan.one_a_day(first + second, time(12), zone)
    assert [pick.at.hour for pick in chosen] == [11, 20]


@given(st.integers(1, 9000), st.integers(1, 9000), st.none() | st.integers(80, 2000))
def test_sizes_are_even_and_never_scaled_up(width: int, height: int, half: int | None) -> None:
    cap = 2 * half if half else None
    full = frame.full_size((width, height), cap)
    small = frame.scaled_size(full, 720)
    for size in (full, small):
        assert all(side % 2 == 0 and side > 0 for side in size)
    assert full[0] <= max(width, 2)
    assert cap is None or full[0] <= cap
    assert small[1] <= 720
    assert small == full or small[1] == 720


@pytest.mark.parametrize(
    ("picture", "max_width", "size"),
    [
        ((5120, 1440), 4096, (4096, 1152)),
        ((4096, 1152), 4096, (4096, 1152)),
        ((641, 481), None, (640, 480)),
        ((3, 1), None, (2, 2)),
    ],
)
def test_a_film_is_as_large_as_its_pictures_or_as_wide_as_it_may_be(
    picture: frame.Size, max_width: int | None, size: frame.Size
) -> None:
    assert frame.full_size(picture, max_width) == size


@pytest.mark.parametrize(
    ("full", "size"),
    [
        ((3840, 2160), (1280, 720)),
        ((1234, 1000), (888, 720)),
        ((1280, 720), (1280, 720)),
        ((640, 480), (640, 480)),
        ((2, 8000), (2, 720)),
    ],
)
def test_the_smaller_video_has_720_lines_at_most(full: frame.Size, size: frame.Size) -> None:
    assert frame.scaled_size(full, 720) == size
    assert frame.scaled_size(full, None) == full


def test_the_commonest_size() -> None:
    assert frame.commonest({(640, 480): 5, (1920, 1080): 4}) == (640, 480)
    assert frame.commonest({(640, 480): 4, (1920, 1080): 4}) == (1920, 1080)


# Requests


def test_requests_that_make_no_sense() -> None:
    day = date(2026, 11, 22)
    with pytest.raises(UsageError, match="--date asks for a day"):
        StitchRequest(day=day, first=day)
    with pytest.raises(UsageError, match="--daily-time"):
        StitchRequest(daily_time=time(12))
    with pytest.raises(UsageError, match="lies after"):
        StitchRequest(first=day, last=date(2026, 11, 1))


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (None, ["ch0_Front_Door", "ch1_Front", "ch10_Yard"]),
        ("front", ["ch1_Front"]),
        ("Front_D", ["ch0_Front_Door"]),
        ("1", ["ch1_Front"]),
        ("ch10_yard", ["ch10_Yard"]),
        ("nt", ["ch0_Front_Door", "ch1_Front"]),
    ],
)
def test_a_camera_by_channel_or_name(wanted: str | None, found: list[str]) -> None:
    folders = ["ch0_Front_Door", "ch1_Front", "ch10_Yard"]
    assert StitchRequest(camera=wanted).cameras(folders) == found


def test_an_unknown_camera_is_told_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="no camera is called Attic; there are: ch0_A"):
        StitchRequest(camera="Attic").cameras(["ch0_A"])


def test_a_day_that_began_late_does_not_begin_with_a_still() -> None:
    window = Window(START, START + timedelta(hours=18), START.date())
    late = frames([START + timedelta(hours=9) + n * MINUTE for n in range(540)])
    choose = request.day_choice(StitchConfig(target_seconds=2), window, MINUTE, None)
    chosen = choose(late)
    assert len(chosen) == 48
    assert max(abs(pick.at - pick.frame.moment) for pick in chosen) <= MINUTE


def test_a_day_under_way_shows_only_what_is_over() -> None:
    window = Window(START, START + timedelta(hours=18), START.date())
    there = frames([START + n * MINUTE for n in range(130)])
    until = START + timedelta(hours=2)
    for config in (StitchConfig(target_seconds=60), StitchConfig(), StitchConfig(gaps="hold")):
        chosen = request.day_choice(config, window, MINUTE, until)(there)
        assert chosen
        assert all(pick.at < until for pick in chosen)


# Titles and sidecars


def test_chapters_by_the_hour_the_day_and_the_month() -> None:
    names = [
        name
        for *_, name in metadata.chapters(picks([START + n * 30 * MINUTE for n in range(4)]), UTC)
    ]
    assert names == ["04:00", "05:00"]
    days = picks([START + timedelta(days=n) for n in range(3)])
    assert [name for *_, name in metadata.chapters(days, UTC)] == [
        "2026-11-22", "2026-11-23", "2026-11-24"
    ]  # fmt: skip
    year = picks([START + timedelta(days=n) for n in range(100)])
    assert next(name for *_, name in metadata.chapters(year, UTC)) == "November 2026"


@given(MOMENTS.filter(len), st.integers(1, 60))
def test_chapters_and_subtitles_cover_the_film_without_a_hole(
    moments: list[datetime], fps: int
) -> None:
    film = picks(moments)
    ends = [(begin, end) for begin, end, _ in metadata.chapters(film, UTC)]
    assert ends[0][0] == 0
    assert ends[-1][1] == len(film)
    assert all(a[1] == b[0] for a, b in pairwise(ends))
    cues = [
        line.split(" --> ")
        for line in metadata.subtitles(film, UTC, fps).splitlines()
        if ">" in line
    ]
    assert all(a[1] == b[0] for a, b in pairwise(cues))
    assert cues[0][0] == "00:00:00,000"


def test_titles_are_escaped() -> None:
    text = metadata.ffmetadata(picks([START]), UTC, 24, "a=b;c#d\\e", "x")
    assert "title=a\\=b\\;c\\#d\\\\e\n" in text


def test_gaps_are_told_at_the_ends_too() -> None:
    window = Window(START, START + timedelta(hours=1), START.date())
    there = frames([START + n * MINUTE for n in range(10, 50) if n != 20 and not 30 <= n < 35])
    told = [(gap["after"][11:16], gap["missed"]) for gap in account.gaps(there, window, MINUTE)]
    assert told == [("03:59", 10), ("04:29", 5), ("04:49", 10)]


@pytest.mark.parametrize(
    "value", [None, [], {}, {"sizes": {}}, {"sizes": {"a": 1}, "parts": {}}, 3]
)
def test_a_record_that_is_none_is_not_read(value: object) -> None:
    assert SegmentRecord.from_json(value) is None


@given(st.binary(max_size=200))
def test_an_exif_block_of_any_bytes_does_no_harm(junk: bytes) -> None:
    assert all(1 <= jpeg.orientation(start + junk) <= 8 for start in (b"", b"II*\0", b"MM\0*"))
