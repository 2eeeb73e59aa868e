"""What the disk answers, in words that say what to do; and what is done without, said once."""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from reolink_timelapsed.errors import DiskFull, StoreError

_FULL = {errno.ENOSPC, errno.EDQUOT}
LACKING = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}
"""How a file system says that it does not know of something; FUSE and SMB have all of them."""

_OWNER = "not permitted: it must belong to the user this runs as"
_AWAY = "the disk or its server does not answer: is it still connected?"
_REMEDIES = {
    errno.ENOSPC: "the disk is full: free some space, or lower storage.keep_frames_days",
    errno.EDQUOT: "the disk quota is used up: free some space",
    errno.EROFS: "the disk is mounted read-only: it may be damaged, look at `dmesg`",
    errno.EACCES: "not permitted: the folder must belong to the user this runs as",
    errno.EPERM: f"{_OWNER}, and not be immutable (`lsattr`)",
    errno.EIO: "the disk reports an input/output error: it may be failing, look at `dmesg`",
    errno.ENOTDIR: "a file is in the place of a folder",
    errno.EEXIST: "a file is in the place of a folder",
    errno.EISDIR: "a folder is in the place of a file: move it away",
    errno.ENOTEMPTY: "a folder is in the place of a file: move it away",
    errno.ELOOP: "a link is in its place: move it away",
    errno.ENOENT: "it has vanished: is its disk still mounted?",
    errno.ENODEV: _AWAY,
    errno.ESTALE: _AWAY,
    errno.EHOSTDOWN: _AWAY,
    errno.ETIMEDOUT: _AWAY,
    errno.EMFILE: "too many files are open here: if it lasts, restart the service",
    errno.ENFILE: "too many files are open on this machine",
    errno.EFBIG: "its file system takes no file of that size",
    errno.EUCLEAN: "its file system is damaged: unmount it, and check it with `fsck`",
}

log = logging.getLogger(__name__)


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn an OSError into a StoreError that names the path and the remedy."""
    try:
        yield
    except OSError as error:
        found = error.filename2 or error.filename
        named = Path(found if isinstance(found, str) else "")
        where = named if named.is_absolute() else path
        remedy = _REMEDIES.get(error.errno or 0, error.strerror or str(error))
        kind = DiskFull if error.errno in _FULL else StoreError
        raise kind(f"cannot use {where}: {remedy}") from error


@contextmanager
def left_out() -> Iterator[None]:
    """Let what cannot be used cost nothing but itself, and tell of it once."""
    try:
        yield
    except StoreError as error:
        tell_once(f"{error}; it is left out")


@lru_cache(maxsize=1000)
def tell_once(text: str) -> None:
    """Warn of what will not change by itself: once in the life of this process."""
    log.warning("%s", text)


@contextmanager
def done_without(path: Path, what: str) -> Iterator[None]:
    """Do without what the file system of `path` does not know."""
    try:
        yield
    except OSError as error:
        if error.errno not in LACKING:
            raise
        tell_once(f"the file system of {mount_point(path)} {what}")


def mount_point(path: Path) -> Path:
    above = (path, *path.parents)
    return next((one for one in above if os.path.ismount(one)), path)
