"""JPEGs put together by hand, and whole ones made odd, broken or costly in one place."""

from __future__ import annotations

import struct

from reolink_timelapsed.media.huffman import STANDARD
from reolink_timelapsed.simulator import mosaic_jpeg

SOI, EOI = b"\xff\xd8", b"\xff\xd9"
HALF_HEADER = 11
"""From the marker of a frame header to the sampling factors of its first component."""


def segment(marker: int, payload: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(payload) + 2) + payload


def packed(bits: str) -> bytes:
    """Return picture data, filled up with ones, with a zero after each FF."""
    whole = bits + "1" * (-len(bits) % 8)
    return int("0" + whole, 2).to_bytes(len(whole) // 8, "big").replace(b"\xff", b"\xff\x00")


def quantiser(name: int = 0, value: int = 1) -> bytes:
    return segment(0xDB, bytes([name]) + bytes([value]) * 64)


def frame_header(
    width: int, height: int, *, coding: int = 0xC0, components: int = 1, bits: int = 8
) -> bytes:
    names = b"".join(bytes([name, 0x11, 0]) for name in range(1, components + 1))
    return segment(coding, struct.pack(">BHHB", bits, height, width, components) + names)


def scan(data: bytes, *, first: int = 0, last: int = 63, steps: int = 0, name: int = 1) -> bytes:
    """Return a scan of one component: coefficients `first` to `last`, refined in `steps`."""
    return segment(0xDA, bytes([1, name, 0, first, last, steps])) + data


def grey(
    width: int = 64,
    height: int = 48,
    *,
    coding: int = 0xC0,
    components: int = 1,
    bits: int = 8,
    before: bytes = b"",
) -> bytes:
    """Return a flat picture, a scan for each component, with `before` ahead of the frame header."""
    data = packed("001010" * (-(-width // 8) * -(-height // 8)))
    head = SOI + quantiser() + before
    head += frame_header(width, height, coding=coding, components=components, bits=bits)
    scans = b"".join(scan(data, name=name) for name in range(1, components + 1))
    return head + STANDARD + scans + EOI


def many_scans(width: int, height: int, scans: int, steps: int = 0x10) -> bytes:
    """Return a progressive picture with scans of next to nothing: all blocks end at once."""
    blocks = -(-width // 8) * -(-height // 8)
    ends = segment(0xC4, b"\x00" + bytes([1] + [0] * 15) + b"\x00")
    ends += segment(0xC4, b"\x10" + bytes([1] + [0] * 15) + b"\xe0")  # code 0: 2^14 blocks or more
    runs = -(-blocks // (2**15 - 1))
    nothing = packed(("0" + "1" * 14) * runs)
    head = SOI + quantiser() + frame_header(width, height, coding=0xC2) + ends
    means = scan(bytes(-(-blocks // 8)), last=0)
    return head + means + scan(nothing, first=1, steps=steps) * (scans - 1) + EOI


def oddly_sampled(picture: bytes) -> bytes:
    """Return a picture all of whose markers and tables are right, but that ffmpeg cannot decode."""
    at = picture.index(b"\xff\xc0") + HALF_HEADER
    return picture[:at] + b"\x32" + picture[at + 1 :]


def with_segment(picture: bytes, marker: int, payload: bytes) -> bytes:
    """Put a segment in front of all others."""
    return picture[:2] + segment(marker, payload) + picture[2:]


def tiff(
    orientation: int, *, order: str = ">", kind: int = 3, at: int = 8, entries: int = 1
) -> bytes:
    """Return an Exif block with so many entries, the last of which is the orientation."""
    value = struct.pack(order + ("H" if kind == 3 else "I"), orientation).ljust(4, b"\0")
    entry = struct.pack(order + "HHI", 0x0112, kind, 1) + value
    others = struct.pack(order + "HHII", 0x0100, 4, 1, 7) * (entries - 1)
    head = (b"MM" if order == ">" else b"II") + struct.pack(order + "HI", 42, at)
    return head.ljust(at, b"\0") + struct.pack(order + "H", entries) + others + entry


def exif(picture: bytes, block: bytes) -> bytes:
    return with_segment(picture, 0xE1, b"Exif\0\0" + block)


def small(number: int) -> bytes:
    return mosaic_jpeg(number, 192, 144)
