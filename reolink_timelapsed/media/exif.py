"""Which way up a JPEG is to be shown, read from its Exif block.

ffmpeg turns such pictures upright before anything else happens to them, so whoever plans the
size of a video must know of it. Layout: Exif 2.3, 4.5.2 to 4.6.4 (a TIFF header and its first
directory); the orientation is tag 0x0112.
"""

from __future__ import annotations

from typing import Literal

from reolink_timelapsed.frame import Size

AS_IT_IS = 1
_ORDERS: dict[bytes, Literal["little", "big"]] = {b"II": "little", b"MM": "big"}
_ORIENTATION = 0x0112
_NUMBERS = {1: 1, 3: 2, 4: 4}
"""Types of a tag that are numbers, and their bytes."""

_ENTRY_BYTES = 12
_LYING = range(5, 9)


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


def block(orientation: int) -> bytes:
    """Return the smallest segment of a JPEG (APP1) that asks for an orientation."""
    entry = b"\x01\x12\0\x03\0\0\0\x01" + orientation.to_bytes(2, "big") + b"\0\0"
    payload = b"Exif\0\0MM\0*\0\0\0\x08\0\x01" + entry + b"\0\0\0\0"
    return b"\xff\xe1" + (len(payload) + 2).to_bytes(2, "big") + payload
