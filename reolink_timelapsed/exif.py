"""Which way up a JPEG is to be shown, read from its Exif block.

ffmpeg turns such pictures upright before anything else happens to them, so whoever plans the
size of a video must know of it. Layout: Exif 2.3, 4.5.2 to 4.6.4 (APP1, then a TIFF header and
its first directory); the orientation is tag 0x0112.
"""

from __future__ import annotations

from reolink_timelapsed.plan import Size

_APP1 = b"\xff\xe1"
_HEADER = b"Exif\0\0"
_ORIENTATION = 0x0112
_LYING = range(5, 9)
_SEARCHED = 4096
"""Bytes from the start in which the block must begin; encoders put it first."""


def upright(size: Size, data: bytes) -> Size:
    """Return the size of a whole JPEG's picture once it is turned upright."""
    width, height = size
    return (height, width) if orientation(data) in _LYING else size


def orientation(data: bytes) -> int:
    """Return the orientation (1 to 8) a JPEG asks for; 1, as it is, where it says nothing."""
    start = data.find(_HEADER, 0, _SEARCHED)
    if start < 4 or data[start - 4 : start - 2] != _APP1:
        return 1
    length = int.from_bytes(data[start - 2 : start], "big")
    return _from_tiff(data[start + len(_HEADER) : start - 2 + length])


def _from_tiff(tiff: bytes) -> int:
    order = {b"II": "little", b"MM": "big"}.get(tiff[:2])
    if order is None:
        return 1

    def number(at: int, size: int) -> int:
        return int.from_bytes(tiff[at : at + size], "little" if order == "little" else "big")

    directory = number(4, 4)
    for entry in range(number(directory, 2)):
        at = directory + 2 + 12 * entry
        if at + 12 > len(tiff):
            break
        if number(at, 2) == _ORIENTATION:
            value = number(at + 8, 2)
            return value if 1 <= value <= 8 else 1
    return 1
