"""What is a whole JPEG, and what only looks like one."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reolink_timelapsed.errors import BadFrame
from reolink_timelapsed.jpeg import picture_size
from reolink_timelapsed.simulator import mosaic_jpeg

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
        (PICTURE + b"<html>", "cut short"),
        (PICTURE + PICTURE, "marker D9"),
        (b"\xff\xd8" + bytes(200) + b"\xff\xd9", "no marker"),
        (PICTURE[: SCAN - 2] + bytes(100) + b"\xff\xd9", "no marker"),
    ],
)
def test_the_reason_says_what_came_instead(data: bytes, words: str) -> None:
    assert words in refused(data)


def with_frame_header(payload: bytes) -> bytes:
    header = b"\xff\xc0" + (len(payload) + 2).to_bytes(2, "big") + payload
    scan = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + bytes(200)
    return b"\xff\xd8" + header + scan + b"\xff\xd9"


def test_a_frame_header_without_a_size_is_refused() -> None:
    assert picture_size(with_frame_header(b"\x08\x00\x10\x00\x20\x01\x01\x11\x00")) == (32, 16)
    assert "0x16" in refused(with_frame_header(b"\x08\x00\x10\x00\x00\x01\x01\x11\x00"))
    assert "short frame header" in refused(with_frame_header(b"\x08\x00"))


def test_several_scans_and_restart_markers_belong_to_a_picture() -> None:
    scan = b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00" + bytes(80) + b"\xff\xd0\xff\x00"
    huffman = b"\xff\xc4\x00\x06\x00\x01\x02\x03"
    data = with_frame_header(b"\x08\x00\x10\x00\x20\x01\x01\x11\x00")[:-2]
    assert picture_size(data + huffman + scan + b"\xff\xff\xd9") == (32, 16)
