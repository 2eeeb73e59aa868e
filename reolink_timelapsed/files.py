"""Files that survive a power cut, whole: written beside their name, synced, renamed, synced.

Only this module and `store` write or delete. What root makes belongs to the owner of its folder,
else the daemon could not touch it later.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from reolink_timelapsed.errors import StoreError

_REMEDIES = {
    errno.ENOSPC: "the disk is full: free some space, or lower storage.keep_frames_days",
    errno.EDQUOT: "the disk quota is used up: free some space",
    errno.EROFS: "the disk is mounted read-only: it may be damaged, look at `dmesg`",
    errno.EACCES: "not permitted: the folder must belong to the user this runs as",
    errno.EPERM: "not permitted: the folder must belong to the user this runs as",
    errno.EIO: "the disk reports an input/output error: it may be failing, look at `dmesg`",
    errno.ENOTDIR: "a file is in the place of a folder",
    errno.EEXIST: "a file is in the place of a folder",
    errno.ENOENT: "it has vanished: is its disk still mounted?",
}


def write_beside(path: Path, data: bytes, mode: int) -> None:
    """Write a whole file outside the data folder, durably, with exactly these mode bits.

    Raises:
        StoreError: if it cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    with translated(path):
        make_folder(path.parent)
        part.unlink(missing_ok=True)
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            file.write(data)
        put(part, path)


def lock_file(path: Path) -> int:
    """Return a descriptor of the file, made if it is missing, to put a lock on.

    Raises:
        StoreError: if it cannot be made or opened.
    """
    with translated(path):
        make_folder(path.parent)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
        share_owner(path, path.parent)
        return descriptor


def remove_beside(path: Path) -> None:
    """Delete a file outside the data folder; gone already is fine.

    Raises:
        StoreError: if it cannot be deleted.
    """
    with translated(path):
        path.unlink(missing_ok=True)


def read_json(path: Path) -> Any:
    """Return the JSON value in a file; None if there is no such file or no JSON in it."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def sync(path: Path) -> None:
    """Make a file's contents, or a folder's names, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn an OSError into a StoreError that names the path and the remedy."""
    try:
        yield
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, error.strerror or str(error))
        raise StoreError(f"cannot use {error.filename or path}: {remedy}") from error


def put(made: Path, path: Path) -> None:
    share_owner(made, path.parent)
    sync(made)
    made.replace(path)
    sync(path.parent)


def make_folder(folder: Path) -> None:
    """Make a folder and its parents so that they survive a power cut."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        share_owner(folder, folder.parent)
        sync(folder.parent)


def share_owner(path: Path, folder: Path) -> None:
    """Give what root makes to the owner of its folder, else the daemon could not touch it."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.chown(path, owner.st_uid, owner.st_gid)


def delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def names_in(folder: Path) -> list[str]:
    """Return the names in a folder; none if it is missing."""
    with translated(folder):
        try:
            return os.listdir(folder)
        except (FileNotFoundError, NotADirectoryError):
            return []
