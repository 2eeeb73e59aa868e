"""Is this a whole JPEG, how large is its picture, which of its bytes make it: no decoder.

Layout of a JPEG (ITU-T T.81, annex B): SOI, segments (marker, length, payload), and after
each SOS segment entropy-coded data in which FF is always followed by 00 or a restart marker,
until EOI. Its Exif block (Exif 2.3, 4.5.2 to 4.6.4: a TIFF header and directories) says which way
up it is to be shown, in tag 0x0112 of the first directory. ffmpeg turns such pictures upright
before anything else happens to them, so whoever plans the size of a video must know of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

from reolink_timelapsed.errors import BadFrame
from reolink_timelapsed.frame import Size
from reolink_timelapsed.humanize import SOI, no_picture, several
from reolink_timelapsed.media.jpeg_syntax import APP14, CODINGS, DHT, DQT, DRI, SOS, Syntax

MIN_BYTES = 100
"""Smaller than any picture with its tables; a 28-byte "image" was seen in the field."""

MAX_SEGMENTS = 2_000
"""More than any camera writes: 16 MB of them would take a second to walk through."""

_EOI = 0xD9
_APP1 = 0xE1
_EXIF = b"Exif\0\0"
_ADOBE = b"Adobe"
_FIRST_SEGMENT = 0xC0
_STANDALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_NEEDED = frozenset({DHT, DQT, DRI, SOS}) | CODINGS

_FILLING = re.compile(rb"\xff*")
_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
"""What ends picture data: in them an FF is followed by 00 or a restart marker, or is filling."""

_BETWEEN_SCANS = frozenset({DHT, SOS, DQT, 0xDC, DRI, 0xFE, *range(0xE0, 0xF0)})
"""Tables, comments and application data; the next scan follows them."""

_WINDOW = 1_000_000
_MOST_MARKS = _WINDOW // 8
_MOST_FILLING = b"\xff" * 65
"""Picture data are searched in stretches of so many bytes. After the first one they may hold so
many FFs, and never so many in a row: thirty times what the standard's codes come to, and what
makes a search slow."""

AS_IT_IS = 1
_ORDERS: dict[bytes, Literal["little", "big"]] = {b"II": "little", b"MM": "big"}
_ORIENTATION = 0x0112
_NUMBERS = {1: 1, 3: 2, 4: 4}
"""Types of a tag that are numbers, and their bytes."""

_ENTRY_BYTES = 12
_LYING = range(5, 9)


@dataclass(slots=True)
class Picture:
    """A whole JPEG.

    `size` is in pixels (width, height) as it lies, before it is turned upright; `parts` are the
    stretches of it that a decoder needs, in order and without SOI and EOI; `exif` is its Exif
    block, from the TIFF header on; `end` is where it ends: what follows is not of it.
    """

    size: Size = (0, 0)
    parts: list[slice] = field(default_factory=list)
    exif: bytes = b""
    end: int = 0
    borrows: bool = False


def picture_size(data: bytes) -> Size:
    """Return (width, height) in pixels of a whole JPEG. Raises as `read` does."""
    return read(data).size


def read(data: bytes) -> Picture:
    """Return what a whole JPEG consists of. Bytes after its end are tolerated, none before.

    The work is bounded, whatever the bytes are: no more than `MAX_SEGMENTS` steps.

    Raises:
        BadFrame: if `data` is not a whole JPEG, or costs more than a picture may; the message
            says what it is instead.
    """
    if not data.startswith(SOI):
        raise BadFrame(no_picture(data))
    if len(data) < MIN_BYTES:
        raise BadFrame(f"only {len(data)} bytes, too few for a picture")
    return _Walk(data).picture()


class _Walk:
    """On the way through a JPEG, marker by marker."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._found = Picture()
        self._syntax = Syntax()
        self._scan_bytes = 0
        self._filling = 0

    def picture(self) -> Picture:
        position = len(SOI)
        for _ in range(MAX_SEGMENTS):
            start = self._marker_at(position)
            marker = self._data[start + 1]
            if marker == _EOI:
                return self._finished(start + 2)
            position = start + 2 if marker in _STANDALONE else self._segment(marker, start)
        raise BadFrame(f"JPEG of more than {several(MAX_SEGMENTS, 'segment')}")

    def _finished(self, end: int) -> Picture:
        if not self._scan_bytes:
            raise BadFrame("JPEG without picture data")
        found = self._found
        found.size, found.end = self._syntax.see_that_it_fits(self._scan_bytes), end
        found.borrows = self._syntax.borrows
        return found

    def _marker_at(self, position: int) -> int:
        """Return where the next marker is: at `position`, or behind some filling."""
        filling = _FILLING.match(self._data, position)
        start = filling.end() - 1 if filling else position
        if start + 2 > len(self._data):
            raise self._cut_short()
        if start < position:
            raise BadFrame(f"damaged JPEG: no marker at byte {position}")
        return start

    def _segment(self, marker: int, start: int) -> int:
        """Take in a segment, and the picture data after a scan header; return where they end."""
        end = start + 2 + int.from_bytes(self._data[start + 2 : start + 4], "big")
        if marker < _FIRST_SEGMENT or marker == SOI[1] or end < start + 4:
            raise BadFrame(f"damaged JPEG: bad segment at byte {start}")
        if end > len(self._data):
            raise self._cut_short()
        payload = self._data[start + 4 : end]
        self._syntax.take(marker, payload)
        if marker == SOS:
            end = self._scan_end(end)
        self._keep(marker, payload, slice(start, end))
        return end

    def _keep(self, marker: int, payload: bytes, part: slice) -> None:
        if marker in _NEEDED or (marker == APP14 and payload.startswith(_ADOBE)):
            self._found.parts.append(part)
        elif marker == _APP1 and payload.startswith(_EXIF) and not self._found.exif:
            self._found.exif = payload[len(_EXIF) :]

    def _scan_end(self, begin: int) -> int:
        """Return where picture data end: at the next marker that is not of them."""
        filling = self._filling_after(begin)
        limit = len(self._data) if filling == -1 else filling + 1
        for window in range(begin, limit, _WINDOW):
            stop = min(window + _WINDOW, limit)
            self._see_that_it_is_quick(self._scan_bytes + window - begin, window, stop)
            if found := _MARKER.search(self._data, window, min(stop + 1, limit)):
                self._scan_bytes += found.start() - begin
                return self._checked_end(found.start())
        if filling != -1:
            raise BadFrame(f"damaged JPEG: filling at byte {filling}, inside the picture data")
        raise self._cut_short()

    def _filling_after(self, position: int) -> int:
        """Return where there is much filling; it is searched for once."""
        if self._filling != -1 and self._filling < position:
            self._filling = self._data.find(_MOST_FILLING, position)
        return self._filling

    def _see_that_it_is_quick(self, seen: int, begin: int, end: int) -> None:
        if seen >= _WINDOW and self._data.count(b"\xff", begin, end) > _MOST_MARKS:
            raise BadFrame(f"damaged JPEG: picture data after byte {begin} are full of markers")

    def _checked_end(self, end: int) -> int:
        marker = self._data[end + 1]
        if marker != _EOI and marker not in _BETWEEN_SCANS:
            raise BadFrame(f"damaged JPEG: marker {marker:02X} inside the picture data")
        return end

    def _cut_short(self) -> BadFrame:
        return BadFrame(f"JPEG of {len(self._data)} bytes without end marker: cut short")


# Which way up


def upright(size: Size, orientation: int) -> Size:
    """Return the size of a picture once it is turned upright."""
    width, height = size
    return (height, width) if orientation in _LYING else size


def orientation(tiff: bytes) -> int:
    """Return the orientation (1 to 8) an Exif block asks for; 1, as it is, where it says nothing.

    Only the first directory is read: what others point to is of no matter.
    """
    order = _ORDERS.get(tiff[:2])
    if order is None:
        return AS_IT_IS

    def number(at: int, size: int) -> int:
        return int.from_bytes(tiff[at : at + size], order)

    directory = number(4, 4)
    entries = min(number(directory, 2), (len(tiff) - directory - 2) // _ENTRY_BYTES)
    for at in range(directory + 2, directory + 2 + entries * _ENTRY_BYTES, _ENTRY_BYTES):
        if number(at, 2) == _ORIENTATION:
            value = number(at + 8, _NUMBERS.get(number(at + 2, 2), 0))
            return value if 1 <= value <= 8 else AS_IT_IS
    return AS_IT_IS


def exif_block(orientation: int) -> bytes:
    """Return the smallest segment of a JPEG (APP1) that asks for an orientation."""
    entry = b"\x01\x12\0\x03\0\0\0\x01" + orientation.to_bytes(2, "big") + b"\0\0"
    payload = b"Exif\0\0MM\0*\0\0\0\x08\0\x01" + entry + b"\0\0\0\0"
    return b"\xff\xe1" + (len(payload) + 2).to_bytes(2, "big") + payload
