"""Mosaics: whole JPEGs of the wanted size, whose number survives decoding, H.264 and scaling."""

import random
import subprocess
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reolink_timelapsed.simulator.pictures.mosaic import (
    LARGEST_NUMBER,
    Sampling,
    mosaic_jpeg,
    read_number,
)
from tests.simulator.nvr_client import UNHURRIED

SAMPLINGS = get_args(Sampling)
NUMBERS = st.integers(0, LARGEST_NUMBER)


def run(*arguments: str, data: bytes = b"") -> bytes:
    command = ["ffmpeg", "-v", "error", "-y", *arguments]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


def grey(width: int, height: int, *arguments: str, data: bytes = b"") -> list[bytes]:
    """Decode to raw grey frames."""
    raw = run(*arguments, "-f", "rawvideo", "-pix_fmt", "gray", "-", data=data)
    assert len(raw) % (width * height) == 0
    return [raw[i : i + width * height] for i in range(0, len(raw), width * height)]


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("size", [(192, 144), (195, 147), (640, 360), (1919, 1079), (3840, 2160)])
def test_ffmpeg_decodes_it_to_its_size_and_number(
    sampling: Sampling, size: tuple[int, int]
) -> None:
    number = 0xA5_0F_3C_69_96 ^ size[0]
    picture = mosaic_jpeg(number, *size, sampling=sampling)
    (frame,) = grey(*size, "-f", "mjpeg", "-i", "-", data=picture)
    assert read_number(frame, *size) == number


@settings(UNHURRIED, max_examples=12)
@given(
    st.lists(NUMBERS, min_size=1, max_size=6),
    st.integers(192, 700),
    st.integers(144, 500),
    st.sampled_from(SAMPLINGS),
    st.integers(0, 40),
)
def test_any_numbers_at_any_size(
    numbers: list[int], width: int, height: int, sampling: Sampling, hue: int
) -> None:
    film = b"".join(
        mosaic_jpeg(number, width, height, sampling=sampling, hue=hue) for number in numbers
    )
    frames = grey(width, height, "-f", "image2pipe", "-c:v", "mjpeg", "-i", "-", data=film)
    assert [read_number(frame, width, height) for frame in frames] == numbers


@pytest.mark.parametrize(("width", "height"), [(1280, 720), (640, 360), (426, 240)])
def test_numbers_survive_h264_and_scaling(tmp_path: Path, width: int, height: int) -> None:
    numbers = [7919 * i * i + i for i in range(12)]
    pictures = b"".join(mosaic_jpeg(number, 1920, 1080, hue=number) for number in numbers)
    film = tmp_path / "film.mp4"
    source = ("-f", "image2pipe", "-c:v", "mjpeg", "-framerate", "24", "-i", "-")
    wanted = ("-vf", f"scale={width}:{height}", "-pix_fmt", "yuv420p")
    coder = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", "28")
    run(*source, *wanted, *coder, str(film), data=pictures)
    frames = grey(width, height, "-i", str(film))
    assert [read_number(frame, width, height) for frame in frames] == numbers


@UNHURRIED
@given(NUMBERS, st.integers(0, 500_000))
def test_padding_reaches_its_size_and_hides_nothing(number: int, wanted: int) -> None:
    picture = mosaic_jpeg(number, 320, 180, min_bytes=wanted)
    plain = mosaic_jpeg(number, 320, 180)
    assert len(picture) >= wanted
    assert len(picture) <= max(wanted + 8, len(plain))
    assert picture[-len(plain) + 2 :] == plain[2:]


@UNHURRIED
@given(NUMBERS)
def test_markers_stand_where_they_belong(number: int) -> None:
    picture = mosaic_jpeg(number, 640, 360)
    assert picture.startswith(b"\xff\xd8\xff\xe0")
    assert picture.find(b"\xff\xd9") == len(picture) - 2
    assert picture.count(b"\xff\xc0\x00\x11\x08\x01\x68\x02\x80") == 1


@UNHURRIED
@given(st.integers())
def test_noise_is_no_number(seed: int) -> None:
    noise = random.Random(seed).randbytes(96 * 72)
    assert read_number(noise, 96, 72) is None


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_flat_frame_carries_no_number(level: int) -> None:
    assert read_number(bytes([level]) * (320 * 180), 320, 180) is None


def test_a_damaged_square_is_noticed() -> None:
    (frame,) = grey(320, 180, "-f", "mjpeg", "-i", "-", data=mosaic_jpeg(123456, 320, 180))
    spoilt = bytearray(frame)
    for row in range(30):
        spoilt[row * 320 : row * 320 + 40] = bytes([255 - spoilt[row * 320]]) * 40
    assert read_number(bytes(spoilt), 320, 180) is None


@pytest.mark.parametrize(
    ("number", "width", "height"),
    [(-1, 640, 360), (LARGEST_NUMBER + 1, 640, 360), (1, 640, 80), (1, 190, 360)],
)
def test_what_does_not_fit_is_refused(number: int, width: int, height: int) -> None:
    with pytest.raises(ValueError, match=r"fit|small"):
        mosaic_jpeg(number, width, height)


def test_a_frame_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="no 320x180 frame"):
        read_number(b"", 320, 180)
