"""The one way in which files of ours are read: regular, of a bearable size, without a wait.

An entry may be anything, whatever its name says: a link, a pipe, a device, a folder, a file of a
terabyte. So nothing is opened by following a link or by waiting for another process, and nothing
is read that is no file of a size that ours have.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any, BinaryIO

from reolink_timelapsed.errors import OddEntry
from reolink_timelapsed.humanize import kind_of, megabytes
from reolink_timelapsed.system.disk_errors import left_out, tell_once, translated
from reolink_timelapsed.system.json_fields import BadValue, parse

JSON_LIMIT = 8 * 2**20
"""Bytes of a JSON file of ours: more than the names of all frames of a day taken each second."""

_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def open_file(path: Path, limit: int, *, dir_fd: int | None = None) -> BinaryIO:
    """Open a regular file of at most `limit` bytes to read it; never wait, never follow a link.

    With `dir_fd` the path is taken from that folder on.

    Raises:
        OddEntry: if it is something else, or larger.
        OSError: if it is not there, or cannot be opened.
    """
    demand_regular(os.stat(path, dir_fd=dir_fd, follow_symlinks=False), path, limit)
    descriptor = os.open(path, _READ, dir_fd=dir_fd)
    try:
        demand_regular(os.fstat(descriptor), path, limit)  # it may have been replaced meanwhile
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def read_file(path: Path, limit: int) -> bytes | None:
    """Return the contents of a regular file of at most `limit` bytes, None if there is no file.

    Raises:
        OddEntry: if it is something else, or larger.
        StoreError: if it cannot be read.
    """
    with translated(path):
        try:
            with open_file(path, limit) as file:
                data = file.read(limit + 1)
        except (FileNotFoundError, NotADirectoryError):
            return None
    if len(data) > limit:
        raise _too_large(path, len(data), limit)
    return data


def read_json(path: Path) -> Any:
    """Return the JSON value in a file; None without a file, or where what is there holds none.

    That is told once: it can be made anew, but not read.

    Raises:
        StoreError: if there is a file that cannot be read now.
    """
    try:
        data = read_file(path, JSON_LIMIT)
        return None if data is None else parse(data)
    except (OddEntry, BadValue) as error:
        tell_once(error_text(path, error))
        return None


def read_state(path: Path) -> Any:
    """Return the JSON value in a file that can be done without: what cannot be read counts as none.

    It is told once.
    """
    with left_out():
        return read_json(path)
    return None


def error_text(path: Path, error: Exception) -> str:
    """Return what to say of a file that is left out."""
    return f"{error if isinstance(error, OddEntry) else f'{path}: {error}'}; it is left out"


def demand_regular(found: os.stat_result, path: Path, limit: int) -> None:
    kind = stat.S_IFMT(found.st_mode)
    if kind != stat.S_IFREG:
        raise OddEntry(f"{path} is {kind_of(found)} and no file: move it away")
    if found.st_size > limit:
        raise _too_large(path, found.st_size, limit)


def _too_large(path: Path, size: int, limit: int) -> OddEntry:
    return OddEntry(
        f"{path} has {megabytes(size, '.1f')}, more than the {megabytes(limit, '.1f')} that one "
        "of ours can have: move it away"
    )


def names_in(folder: Path) -> list[str]:
    """Return the names in a folder; none if it is missing.

    Raises:
        StoreError: if it cannot be read.
    """
    with translated(folder):
        try:
            return os.listdir(folder)
        except (FileNotFoundError, NotADirectoryError):
            return []


def files_in(folder: Path) -> dict[str, bool]:
    """Return the names in a folder, each with whether it is a regular file; none if it is missing.

    Raises:
        StoreError: if it cannot be read.
    """
    with translated(folder):
        try:
            with os.scandir(folder) as entries:
                return {entry.name: entry.is_file(follow_symlinks=False) for entry in entries}
        except (FileNotFoundError, NotADirectoryError):
            return {}


def entry(path: Path) -> os.stat_result | None:
    """Return what the disk knows of an entry, of a link itself; None if there is none.

    Raises:
        StoreError: if the disk does not say.
    """
    with translated(path):
        try:
            return path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return None


def length(path: Path) -> int | None:
    """Return the bytes of a regular file; None where there is none, or something else.

    Raises:
        StoreError: if the disk does not say.
    """
    found = entry(path)
    return found.st_size if found and stat.S_ISREG(found.st_mode) else None


def is_folder(path: Path) -> bool:
    """Tell whether there is a folder, or a link to one.

    Raises:
        StoreError: if the disk does not say.
    """
    with translated(path):
        return path.is_dir()
