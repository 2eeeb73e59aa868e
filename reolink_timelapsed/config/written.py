"""Files that a person wrote, settings and passwords: read without a wait, and of a bearable size.

They may be links, unlike what lies in the data folder. But an entry that is no file is not read,
whatever its name says: a pipe would be waited for, and a device may have no end.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from reolink_timelapsed.humanize import kind_of

_LIMIT = 1_000_000
"""Bytes of settings, or of a password."""


def read_written(path: Path) -> bytes:
    """Return the contents of a file that was written by hand.

    Raises:
        OSError: if it cannot be read, or is no file of such a size.
    """
    _demand(path.stat())  # first, as some devices are set to work by being opened
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        _demand(os.fstat(file.fileno()))
        return file.read(_LIMIT)


def _demand(found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, "this is a folder: name the file in it")
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, f"this is {kind_of(found)} and no file: name a file")
    if found.st_size > _LIMIT:
        raise OSError(errno.EFBIG, "it is too large to be written by hand: name another file")
