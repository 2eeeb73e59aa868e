"""Frames as they lie on disk: looked through before the encode, and fed to it unchanged."""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from reolink_timelapsed import exif, jpeg
from reolink_timelapsed.errors import BadFrame, OddEntry, StoreError
from reolink_timelapsed.plan import Pick, Size
from reolink_timelapsed.reading import read_file

MOST_BYTES = 16 * 2**20
"""Of a picture: more is never taken from an NVR."""

_OWN_FAULTS = {errno.EIO, errno.EACCES, errno.EPERM}
"""What keeps one file from being read, and says nothing of the others."""


class FramesChanged(Exception):
    """A frame went away, or became another, since the film was planned: plan it anew."""


@dataclass(slots=True)
class Checked:
    """What was found.

    Lengths of the whole pictures in bytes, how many have which size (upright), and why the others
    were refused, by name.
    """

    lengths: dict[Path, int] = field(default_factory=dict)
    sizes: Counter[Size] = field(default_factory=Counter)
    refused: dict[str, str] = field(default_factory=dict)


def check(paths: Iterable[Path]) -> Checked:
    """Read every picture once and tell whether it is whole.

    Raises:
        FramesChanged: if one is no longer there.
    """
    found = Checked()
    for path in dict.fromkeys(paths):
        try:
            data = _read(path)
            found.sizes[exif.upright(jpeg.picture_size(data), data)] += 1
            found.lengths[path] = len(data)
        except BadFrame as error:
            found.refused[path.name] = str(error)
    return found


def feed(picks: Iterable[Pick], lengths: dict[Path, int]) -> Iterator[bytes]:
    """Yield the pictures as they were when they were checked.

    Raises:
        FramesChanged: if one is not.
    """
    for pick in picks:
        path = pick.frame.path
        try:
            data = _read(path)
        except BadFrame as error:
            raise FramesChanged(str(error)) from error
        if len(data) != lengths[path]:
            raise FramesChanged(f"{path.name} became another")
        yield data


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
