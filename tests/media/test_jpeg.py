"""What is a whole JPEG, and what only looks like one."""

from __future__ import annotations

import random
import sys
from contextlib import suppress
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reolink_timelapsed.errors import BadFrame
from reolink_timelapsed.media import jpeg
from reolink_timelapsed.media.huffman import STANDARD
from reolink_timelapsed.media.jpeg import picture_size
from reolink_timelapsed.simulator import mosaic_jpeg
from reolink_timelapsed.stitch.source import essence
from tests import jpegs

PICTURE = mosaic_jpeg(7, 320, 192)
SCAN = PICTURE.index(b"\xff\xda") + 2
"""Where the header of the picture data begins."""


def refused(data: bytes) -> str:
    with pytest.raises(BadFrame) as caught:
        picture_size(data)
    return str(caught.value)


@given(
    width=st.integers(16, 60).map(lambda n: 16 * n),
    height=st.integers(9, 40).map(lambda n: 16 * n),
    number=st.integers(0, 2**40 - 1),
)
def test_size_of_whole_pictures(width: int, height: int, number: int) -> None:
    assert picture_size(mosaic_jpeg(number, width, height)) == (width, height)


@pytest.mark.parametrize("sampling", ["4:2:0", "4:2:2", "4:4:4"])
def test_size_with_every_sampling(sampling: str) -> None:
    assert picture_size(mosaic_jpeg(1, 640, 352, sampling=sampling)) == (640, 352)  # type: ignore[arg-type]


@given(st.integers(1, 2000))
def test_zeros_after_the_end_are_padding(count: int) -> None:
    assert picture_size(PICTURE + bytes(count)) == (320, 192)


@given(st.integers(0, len(PICTURE) - 1))
def test_no_part_of_a_picture_is_a_picture(length: int) -> None:
    refused(PICTURE[:length])


@given(st.integers(4, SCAN))
def test_a_header_that_is_cut_is_refused_even_with_an_end_marker(length: int) -> None:
    refused(PICTURE[:length] + bytes(100) + b"\xff\xd9")


@given(st.integers(0, 2**32), st.integers(0, 5000))
def test_noise_between_good_markers_is_refused(seed: int, length: int) -> None:
    noise = random.Random(seed).randbytes(length)
    refused(b"\xff\xd8" + noise + b"\xff\xd9")


def test_noise_after_a_good_header_is_refused() -> None:
    for seed in range(1000):  # of a hundred thousand, one or two look like picture data
        noise = random.Random(seed).randbytes(4000)
        refused(PICTURE[: SCAN + 12] + noise + b"\xff\xd9")


@given(st.binary(max_size=300))
def test_any_bytes_have_a_size_or_a_reason(data: bytes) -> None:
    for candidate in (data, b"\xff\xd8" + data, PICTURE[:SCAN] + data + b"\xff\xd9"):
        with suppress(BadFrame):
            assert min(picture_size(candidate)) > 0


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty answer"),
        (PICTURE[:28], "28 bytes"),
        (PICTURE[:-2], "cut short"),
        (PICTURE[: len(PICTURE) // 2], "cut short"),
        (b'[ { "cmd" : "Snap", "code" : 1 } ]', "JSON"),
        (b"<html><head><title>Reolink</title></head></html>", "HTML"),
        (b"\x89PNG\r\n\x1a\n" + bytes(200), "208 unknown bytes"),
        (b"\xff\xd8" + bytes(200) + b"\xff\xd9", "no marker"),
        (PICTURE[: SCAN - 2] + bytes(100) + b"\xff\xd9", "no marker"),
    ],
)
def test_the_reason_says_what_came_instead(data: bytes, words: str) -> None:
    assert words in refused(data)


@pytest.mark.parametrize(
    "rest", [b"<html>", PICTURE, b"\xff" * 5000, b"\r\n--boundary--\r\n", b"\0"]
)
def test_what_follows_the_end_is_not_of_the_picture(rest: bytes) -> None:
    picture = jpeg.read(PICTURE + rest)
    assert (picture.size, picture.end) == ((320, 192), len(PICTURE))
    assert essence(PICTURE + rest, picture) == essence(PICTURE, jpeg.read(PICTURE))


@pytest.mark.parametrize("start", [b"\r\n", b"\0", b"--boundary\r\n\r\n", PICTURE[:-9]])
def test_what_comes_before_the_start_makes_it_another_thing(start: bytes) -> None:
    words = refused(start + PICTURE)
    if not start.startswith(b"\xff"):
        assert f"not a JPEG but {len(start)} bytes before the start of one" in words


def sized(width: int, height: int) -> bytes:
    """Return a picture that says it is of another size than it has data for."""
    return jpegs.SOI + jpegs.quantiser() + jpegs.frame_header(width, height) + PICTURE[100:]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (jpegs.grey(0, 48), "picture of 0x48"),
        (jpegs.grey(64, 8), "picture of 64x8"),
        (jpegs.grey(16_400, 16), "picture of 16400x16: larger than a video can be"),
        (jpegs.grey(7680, 4656), "picture of 7680x4656: larger than a video can be"),
        (sized(65_535, 65_535), "picture of 65535x65535: larger"),
        (jpegs.grey(coding=0xC3), "coded in a way that cannot be filmed (marker C3)"),
        (jpegs.grey(coding=0xC9), "cannot be filmed (marker C9)"),
        (jpegs.grey(before=jpegs.frame_header(64, 48)), "two frame headers"),
        (jpegs.grey(before=jpegs.segment(0xC0, b"\x08\0")), "bad frame header"),
        (jpegs.grey(before=jpegs.segment(0xC0, b"\x08\0\x40\0\x40\x02\x01\x11\0")), "bad frame"),
        (jpegs.grey().replace(jpegs.quantiser(), b""), "a quantisation table is missing"),
        (jpegs.grey().replace(jpegs.quantiser(), jpegs.quantiser(1)), "table is missing"),
        (jpegs.grey(before=jpegs.segment(0xDB, b"\x04" + bytes(64))), "bad quantisation table"),
        (jpegs.grey(before=jpegs.segment(0xDB, b"\x00" + bytes(63))), "bad quantisation table"),
        (jpegs.grey(before=jpegs.segment(0xDB, b"\x10" + bytes(127))), "bad quantisation table"),
        (jpegs.grey(before=jpegs.segment(0xDD, b"\0")), "bad restart interval"),
        (jpegs.grey(before=jpegs.segment(0xC4, b"\x00" + b"\x09" * 16)), "bad Huffman table"),
        (jpegs.grey(before=jpegs.segment(0xC4, b"\x20" + STANDARD[5:33])), "bad Huffman"),
        (jpegs.grey(before=jpegs.segment(0xC4, b"\x00" + bytes(16))), "bad Huffman table"),
        (jpegs.grey(before=STANDARD * 251), "more than 1000 Huffman tables"),
        (jpegs.grey(before=jpegs.segment(0xFE, b"") * 2000), "more than 2000 segments"),
        (jpegs.grey(before=jpegs.scan(b"\x00" * 9)), "picture data before the frame header"),
        (jpegs.grey().replace(jpegs.scan(b""), jpegs.scan(b"", name=2)), "bad scan header"),
        (jpegs.grey().replace(jpegs.scan(b"")[:4], b"\xff\xda\x00\x09"), "bad scan header"),
        (jpegs.grey()[:-30] + jpegs.EOI, "cut short"),
        (jpegs.many_scans(7680, 4320, 60), "7680x4320 in too many scans"),
        (PICTURE[:-2] + jpegs.SOI + PICTURE[-20:], "marker D8"),
        (PICTURE[: SCAN - 2] + jpegs.EOI + bytes(200), "without picture data"),
        (PICTURE[:-2] + b"\xff" * 100 + jpegs.EOI, "filling at byte"),
    ],
)  # fmt: skip
def test_what_a_decoder_may_stumble_over_is_refused(data: bytes, words: str) -> None:
    assert words in refused(data + bytes(100))


@pytest.mark.parametrize(
    "data",
    [
        jpegs.grey(),
        jpegs.grey(16, 16384),
        jpegs.grey(7680, 4320),
        jpegs.grey(before=STANDARD * 240),
        jpegs.grey(before=jpegs.segment(0xFE, b"") * 1900),
        jpegs.many_scans(7680, 4320, 40),
        jpegs.many_scans(640, 480, 1500),
        jpegs.grey(before=b"\xff\xff\xff" + jpegs.segment(0xEC, b"\xff\xd9" * 9)),
        jpegs.exif(PICTURE, b"\xff\xd8" + PICTURE),
    ],
)
def test_what_is_only_odd_is_a_picture(data: bytes) -> None:
    assert min(picture_size(data)) >= 16


def test_a_picture_without_huffman_tables_gets_those_of_the_standard() -> None:
    whole = jpegs.grey()
    bare = whole.replace(STANDARD, b"")
    assert jpeg.read(bare).borrows
    assert not jpeg.read(whole).borrows
    assert STANDARD in essence(bare, jpeg.read(bare))


def test_what_makes_no_picture_is_left_out() -> None:
    odd = jpegs.with_segment(PICTURE, 0xE0, b"AVI1" + bytes(20))
    for marker, payload in ((0xFE, b"CS=ITU601"), (0xE2, b"MPF\0" + PICTURE), (0xEE, b"Adobf")):
        odd = jpegs.with_segment(odd, marker, payload)
    plain = essence(PICTURE, jpeg.read(PICTURE))
    assert essence(odd, jpeg.read(odd)) == plain
    assert b"JFIF" not in plain
    adobe = jpegs.with_segment(PICTURE, 0xEE, b"Adobe\0\x64\0\0\0\0\x01")
    assert essence(adobe, jpeg.read(adobe)) == jpegs.with_segment(
        plain, 0xEE, b"Adobe\0\x64\0\0\0\0\x01"
    )


def steps(data: bytes) -> int:
    """Count the lines of Python that the check of a picture executes."""
    count = 0

    def trace(frame: FrameType, event: str, argument: object) -> object:
        nonlocal count
        del frame, argument
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)  # type: ignore[arg-type]
    try:
        with suppress(BadFrame):
            picture_size(data)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize(
    "data",
    [
        PICTURE[:-2] + b"\x12\xff\x00" * 300_000 + jpegs.EOI,
        PICTURE + b"\xff" * 4_000_000,
        PICTURE[:-2] + b"\xff" * 4_000_000 + jpegs.EOI,
        PICTURE[:2] + b"\xff" * 4_000_000 + PICTURE[2:],
        PICTURE[:-2] + (b"\xff" * 60 + b"\x00") * 65_000 + jpegs.EOI,
        PICTURE[:-2] + b"\xff\xd0" * 2_000_000 + jpegs.EOI,
        PICTURE[:2] + jpegs.segment(0xE1, bytes(60_000)) * 60 + PICTURE[2:],
    ],
    ids=range(7),
)
def test_the_steps_of_the_check_do_not_grow_with_the_bytes(data: bytes) -> None:
    """Of the seconds, see `benchmarks/check_pictures.py`."""
    assert steps(data) < 4_000


def test_nor_beyond_a_bound_with_segments_and_tables() -> None:
    for many in (jpegs.segment(0xE0, b""), STANDARD, b"\xff\x01"):
        assert steps(PICTURE[:2] + many * 100_000 + PICTURE[2:]) < 60_000


def test_several_scans_and_restart_markers_belong_to_a_picture() -> None:
    whole = jpegs.grey()[:-2] + b"\xff\xd0\xff\x00"
    data = whole + STANDARD + jpegs.scan(bytes(80)) + b"\xff\xff\xd9"
    picture = jpeg.read(data)
    assert (picture.size, picture.end) == ((64, 48), len(data))
    assert essence(data, picture) == data


@given(st.binary(max_size=400), st.integers(2, len(PICTURE) - 1), st.integers(0, 200))
def test_what_is_fed_is_whole_by_itself(junk: bytes, at: int, length: int) -> None:
    """Whatever is damaged: it begins and ends as a picture, and reads as the same one."""
    data = PICTURE[:at] + junk + PICTURE[at + length :]
    with suppress(BadFrame):
        picture = jpeg.read(data)
        fed = essence(data, picture)
        again = jpeg.read(fed)
        assert (again.size, again.end) == (picture.size, len(fed))
        assert essence(fed, again) == fed


@given(
    st.integers(1, 8), st.sampled_from("<>"), st.sampled_from([3, 4]), st.integers(8, 30_000),
    st.integers(1, 40),
)  # fmt: skip
def test_the_orientation_is_found_wherever_it_lies(
    turned: int, order: str, kind: int, at: int, entries: int
) -> None:
    block = jpegs.tiff(turned, order=order, kind=kind, at=at, entries=entries)
    padded = jpegs.with_segment(jpegs.exif(PICTURE, block), 0xE2, bytes(60_000))
    assert jpeg.orientation(jpeg.read(padded).exif) == turned
    assert jpeg.orientation(block[:-1]) == 1  # the last entry does not fit
    assert jpeg.orientation(jpeg.read(exif_fed(padded)).exif) == turned


def exif_fed(data: bytes) -> bytes:
    return essence(data, jpeg.read(data))


@pytest.mark.parametrize(
    "block",
    [
        b"", b"II", b"XX*\0\x08\0\0\0", jpegs.tiff(0), jpegs.tiff(9), jpegs.tiff(65535, order="<"),
        b"II*\0\xff\xff\xff\xff", b"MM\0*\xff\xff\xff\xff" + jpegs.tiff(6)[8:],
        b"MM\0*\0\0\0\0" * 9, jpegs.tiff(6, kind=7), jpegs.tiff(1 << 24, kind=4),
    ],
)  # fmt: skip
def test_an_orientation_that_is_none_leaves_the_picture_as_it_is(block: bytes) -> None:
    assert jpeg.orientation(block) == 1


def test_what_is_shorter_than_any_picture_says_so() -> None:
    assert "only 99 bytes" in refused(jpegs.SOI + bytes(97))
    assert "only" not in refused(jpegs.SOI + bytes(98))


def test_markers_that_stand_alone_and_those_that_may_not() -> None:
    for marker in (0x01, *range(0xD0, 0xD8)):
        assert picture_size(jpegs.grey(before=bytes([0xFF, marker]))) == (64, 48)
    for marker, words in ((0x00, "bad seg"), (0xBF, "bad seg"), (0xD8, "bad seg"), (0xCF, "CF")):
        segment = jpegs.segment(marker, bytes(9))
        assert words in refused(jpegs.grey(before=segment))
        assert refused(jpegs.grey(before=segment[:2]))
    assert "bad segment" in refused(jpegs.grey(before=b"\xff\xe0\x00\x01"))


def test_many_marks_are_of_no_matter_until_they_make_the_search_slow() -> None:
    marks = b"\xff\x00" * 130_000
    assert picture_size(PICTURE[:-2] + marks + jpegs.EOI) == (320, 192)
    assert "full of markers" in refused(PICTURE[:-2] + bytes(1_000_000) + marks + jpegs.EOI)
