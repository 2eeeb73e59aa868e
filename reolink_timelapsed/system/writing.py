"""The one way in which files of ours are written: made under another name, synced, renamed, synced.

So they survive a power cut, whole. What root makes belongs to the owner of its folder, else the
daemon could not touch it later. No link is followed by what is made or deleted. What a file system
lacks (links, owners, modes, syncing a folder) is done without, and said once.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from reolink_timelapsed.system.disk_errors import done_without, left_out, translated

_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_SYNC = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
NO_SYNC = "cannot sync a folder: a power cut may cost the newest files"
NO_LINKS = "takes no symbolic links: no latest.mp4 leads to the newest videos"
"""What a file system lacks that is done without."""

READABLE = 0o644
"""The mode of what everybody may read."""


@contextmanager
def saving(
    path: Path, part: Path, mode: int = 0o666, *, exactly: bool = False, at_once: bool = False
) -> Iterator[BinaryIO]:
    """Yield a new file to write, made as `part`; it gets its name, durably, when the block ends.

    `mode` is subject to the umask, unless it is to be `exactly` that. `at_once` gives it its name
    before it is synced: a kill in that moment finds it there, but a power cut may find it empty.
    For what is worth nothing unless it is there at once.

    Raises:
        StoreError: if it cannot be written. Whatever ends the block, nothing is left of it then,
            and what had its name before still has it.
    """
    with translated(path):
        try:
            with make_new(part, mode) as file:
                if exactly:
                    with done_without(path, "keeps no modes: others may read our files there"):
                        os.fchmod(file.fileno(), mode)
                yield file
            make_folder(path.parent)
            put(part, path, at_once=at_once)
        except BaseException:
            with suppress(OSError):
                part.unlink()
            raise


def write_beside(path: Path, data: bytes, mode: int, *, at_once: bool = False) -> None:
    """Write a whole file outside the data folder, durably, with exactly these mode bits.

    `at_once` is that of `saving`.

    Raises:
        StoreError: if it cannot be written.
    """
    with translated(path):
        make_folder(path.parent)
    with saving(path, beside(path), mode, exactly=True, at_once=at_once) as file:
        file.write(data)


def write_state(path: Path, value: Any, mode: int = READABLE, *, at_once: bool = False) -> None:
    """Write a value for `read_state`, as `write_beside` does.

    Raises:
        StoreError: if it cannot be written.
    """
    write_beside(path, json.dumps(value).encode(), mode, at_once=at_once)


def beside(path: Path) -> Path:
    """Return under which name a file is made that cannot be made in a work folder."""
    return path.with_name(f".{path.name}.part")


def make_new(path: Path, mode: int = 0o666) -> BinaryIO:
    """Return a new, empty file to write, in place of whatever had its name.

    Raises:
        OSError: if it cannot be made.
    """
    delete(path)
    return os.fdopen(os.open(path, _MAKE, mode), "wb")


def put(made: Path, path: Path, *, at_once: bool = False) -> None:
    """Move a finished file to its name, durably, in place of the one that was there.

    `at_once` moves it before it is on the disk.
    """
    descriptor = os.open(made, _SYNC)
    try:
        share_owner(descriptor, path.parent)
        if at_once:
            made.replace(path)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if not at_once:
        made.replace(path)
    sync(path.parent)


def link(path: Path, name: str) -> None:
    """Let `path` be a symbolic link to its neighbour `name`, at every moment to one.

    A convenience: where there cannot be one, that is said once.
    """
    part = beside(path)
    with left_out(), translated(path):
        delete(part)
        with done_without(path, NO_LINKS):
            part.symlink_to(name)
        if part.is_symlink():
            part.replace(path)
            sync(path.parent)


def make_folder(folder: Path) -> None:
    """Make a folder and its parents so that they survive a power cut."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        share_owner(folder, folder.parent)
        sync(folder.parent)


def share_owner(made: Path | int, folder: Path) -> None:
    """Give what root makes to the owner of its folder, else the daemon could not touch it."""
    if os.geteuid() == 0:
        owner = folder.stat()
        with done_without(folder, "keeps no owners: its files belong to whom its mount says"):
            if isinstance(made, int):
                os.fchown(made, owner.st_uid, owner.st_gid)
            else:
                os.chown(made, owner.st_uid, owner.st_gid, follow_symlinks=False)


def sync(folder: Path) -> None:
    """Make a folder's names survive a power cut."""
    with done_without(folder, NO_SYNC):
        sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Sync a folder.

    Raises:
        OSError: if that cannot be done; also if its file system does not know of it.
    """
    descriptor = os.open(folder, _FOLDER)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def set_time(path: Path, time_ns: int) -> None:
    """Give a file a modification time (ns), where its file system lets us.

    Raises:
        StoreError: if the disk fails.
    """
    with translated(path), done_without(path, "lets us set no times: a late frame may be missed"):
        os.utime(path, ns=(time_ns, time_ns), follow_symlinks=False)


def remove(path: Path) -> None:
    """Delete as `delete` does.

    Raises:
        StoreError: if it cannot be deleted.
    """
    with translated(path):
        delete(path)


def delete(path: Path) -> None:
    """Delete a file, a link, or a folder with all that is in it; gone already is fine.

    What cannot be deleted does not keep the rest. No link is followed, nor one that takes a
    folder's place meanwhile.

    Raises:
        OSError: the first there was.
    """
    try:
        home = os.open(path.parent, _FOLDER)
    except (FileNotFoundError, NotADirectoryError):
        return
    try:
        failed = list(_deleting(path, home))
    finally:
        os.close(home)
    if failed:
        raise failed[0]


def _deleting(path: Path, home: int) -> Iterator[OSError]:
    """Delete an entry of the open folder `home`, and yield what went wrong."""
    try:
        os.unlink(path.name, dir_fd=home)
    except FileNotFoundError:
        return
    except OSError as error:
        error.filename = str(path)
        if error.errno == errno.EISDIR:
            yield from _deleting_folder(path, home)
        else:
            yield error


def _deleting_folder(path: Path, home: int) -> Iterator[OSError]:
    try:
        inside = os.open(path.name, _FOLDER | os.O_NOFOLLOW, dir_fd=home)
        try:
            for name in os.listdir(inside):
                yield from _deleting(path / name, inside)
        finally:
            os.close(inside)
        os.rmdir(path.name, dir_fd=home)
    except OSError as error:
        error.filename = str(path)
        yield error
