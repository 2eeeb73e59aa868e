"""Is this a whole JPEG, and how large is its picture: markers only, no decoder.

Layout of a JPEG (ITU-T T.81, annex B): SOI, segments (marker, length, payload), and after
each SOS segment entropy-coded data in which FF is always followed by 00 or a restart marker,
until EOI.
"""

from __future__ import annotations

from reolink_timelapsed.errors import BadFrame

MIN_BYTES = 100
"""Smaller than any picture with its tables; a 28-byte "image" was seen in the field."""

_SOI = b"\xff\xd8"
_EOI = b"\xff\xd9"
_SOS = 0xDA
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_FRAME_HEADERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PADDING = b"\x00"


def picture_size(data: bytes) -> tuple[int, int]:
    """Return (width, height) in pixels of a whole JPEG.

    Zero bytes after the end marker are tolerated: some cameras pad their snapshots.

    Raises:
        BadFrame: if `data` is not a whole JPEG; the message says what it is instead.
    """
    if not data:
        raise BadFrame("empty answer instead of a picture")
    if not data.startswith(_SOI):
        raise BadFrame(f"not a JPEG but {_describe(data)}")
    if len(data) < MIN_BYTES:
        raise BadFrame(f"only {len(data)} bytes, too few for a picture")
    if not data.rstrip(_PADDING).endswith(_EOI):
        raise BadFrame(f"JPEG of {len(data)} bytes without end marker: cut short")
    return _walk(data)


def _describe(data: bytes) -> str:
    head = data[:200].lstrip().lower()
    if head.startswith((b"[", b"{")):
        return f"a JSON text of {len(data)} bytes"
    if head.startswith(b"<"):
        return f"an HTML page of {len(data)} bytes"
    return f"{len(data)} unknown bytes"


def _walk(data: bytes) -> tuple[int, int]:
    """Follow headers and scans to the end; a progressive JPEG has several of each."""
    end = len(data.rstrip(_PADDING)) - len(_EOI)
    size, position = _headers(data, len(_SOI))
    while (position := _scan_end(data, position, end)) < end:
        _, position = _headers(data, position)
    if size is None:
        raise BadFrame("JPEG without a frame header: its size is unknown")
    return size


def _headers(data: bytes, position: int) -> tuple[tuple[int, int] | None, int]:
    """Return the size, where a frame header tells it, and where the next scan's data begin."""
    size: tuple[int, int] | None = None
    marker = None
    while marker != _SOS:
        marker, start, position = _segment(data, position)
        if marker in _FRAME_HEADERS:
            size = _frame_header(data[start:position])
    return size, position


def _segment(data: bytes, position: int) -> tuple[int, int, int]:
    """Return (marker, start, end) of the segment at `position`; the payload is data[start:end]."""
    while data[position : position + 2] == b"\xff\xff":
        position += 1
    if position + 4 > len(data) or data[position] != 0xFF:
        raise BadFrame(f"damaged JPEG: no marker at byte {position}")
    marker = data[position + 1]
    if marker in _STANDALONE:
        return marker, position + 2, position + 2
    end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    if marker < 0xC0 or end < position + 4 or end > len(data):
        raise BadFrame(f"damaged JPEG: bad segment at byte {position}")
    return marker, position + 4, end


def _frame_header(payload: bytes) -> tuple[int, int]:
    if len(payload) < 6:
        raise BadFrame("damaged JPEG: short frame header")
    height, width = int.from_bytes(payload[1:3], "big"), int.from_bytes(payload[3:5], "big")
    if not (width and height):
        raise BadFrame(f"damaged JPEG: picture of {width}x{height}")
    return width, height


def _scan_end(data: bytes, position: int, end: int) -> int:
    """Return where picture data end: at the next header, or at `end`.

    In picture data an FF is followed by 00 or a restart marker, by nothing else; in random or
    mixed-up bytes by anything.
    """
    if position >= end:
        raise BadFrame("JPEG without picture data")
    while (position := data.find(b"\xff", position, end)) != -1:
        follower = data[position + 1]
        if follower in _BETWEEN_SCANS:
            return position
        if follower not in _FOLLOWERS:
            raise BadFrame(f"damaged JPEG: marker {follower:02X} inside the picture data")
        position += 1 if follower == 0xFF else 2
    return end


_FOLLOWERS = frozenset({0x00, 0xFF, *range(0xD0, 0xD8)})
_BETWEEN_SCANS = frozenset({0xC4, _SOS, 0xDB, 0xDC, 0xDD, 0xFE, *range(0xE0, 0xF0)})
"""Tables, comments and application data; the next scan follows them."""
