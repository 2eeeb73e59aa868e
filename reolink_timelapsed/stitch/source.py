"""Frames as they lie on disk: looked through before the encode, and what of them is fed to it.

A video's decoder keeps from one picture to the next what it was told by their tables and their
metadata. So it gets of each picture what makes it, and nothing else: how it decodes does not
depend on the others, nor do they on it.
"""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from reolink_timelapsed.errors import BadFrame, OddEntry, StoreError
from reolink_timelapsed.frame import Size
from reolink_timelapsed.humanize import SOI
from reolink_timelapsed.media import huffman, jpeg
from reolink_timelapsed.media.jpeg import Picture
from reolink_timelapsed.system.reading import read_file

MOST_BYTES = 16 * 2**20
"""Of a picture: more is never taken from an NVR."""

_OWN_FAULTS = {errno.EIO, errno.EACCES, errno.EPERM}
"""What keeps one file from being read, and says nothing of the others."""

_EOI = b"\xff\xd9"


class FramesChanged(Exception):
    """A frame went away, or became another, since the film was planned: plan it anew."""


@dataclass(slots=True)
class Checked:
    """What was found.

    Lengths of the whole pictures in bytes, how many have which size (upright), why the others
    were refused, by name, and how many bytes come after the end of which, by name.
    """

    lengths: dict[Path, int] = field(default_factory=dict)
    sizes: Counter[Size] = field(default_factory=Counter)
    refused: dict[str, str] = field(default_factory=dict)
    excess: dict[str, int] = field(default_factory=dict)


def check(paths: Iterable[Path]) -> Checked:
    """Read every picture once and tell whether it is whole.

    Raises:
        FramesChanged: if one is no longer there.
    """
    found = Checked()
    for path in dict.fromkeys(paths):
        try:
            data = _read(path)
            picture = jpeg.read(data)
        except BadFrame as error:
            found.refused[path.name] = str(error)
            continue
        found.sizes[jpeg.upright(picture.size, jpeg.orientation(picture.exif))] += 1
        found.lengths[path] = len(data)
        if excess := len(data[picture.end :].rstrip(b"\0")):
            found.excess[path.name] = excess
    return found


def feed(paths: Iterable[Path], lengths: dict[Path, int]) -> Iterator[bytes]:
    """Yield what makes the pictures, if they are as they were when they were checked.

    Raises:
        FramesChanged: if one is not.
    """
    for path in paths:
        try:
            data = _read(path)
            if len(data) != lengths[path]:
                raise FramesChanged(f"{path.name} became another")
            yield essence(data, jpeg.read(data))
        except BadFrame as error:
            raise FramesChanged(str(error)) from error


def essence(data: bytes, picture: Picture) -> bytes:
    """Return the JPEG without all that does not make its picture or turn it upright."""
    turned = jpeg.orientation(picture.exif)
    before = [jpeg.exif_block(turned)] if turned != jpeg.AS_IT_IS else []
    before += [huffman.STANDARD] if picture.borrows else []
    return b"".join([SOI, *before, *(data[part] for part in picture.parts), _EOI])


def _read(path: Path) -> bytes:
    try:
        data = read_file(path, MOST_BYTES)
    except OddEntry as error:
        raise BadFrame(str(error)) from error
    except StoreError:
        data = _read_again(path)
    if data is None:
        raise FramesChanged(f"{path.name} went away")
    return data


def _read_again(path: Path) -> bytes | None:
    """Read once more: neither a disk's hiccup nor a machine short of files is a picture's fault."""
    try:
        return read_file(path, MOST_BYTES)
    except StoreError as error:
        cause = error.__cause__
        if isinstance(cause, OSError) and cause.errno in _OWN_FAULTS:
            raise BadFrame(str(error)) from error
        raise
