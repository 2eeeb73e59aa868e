"""What the file system of the data folder cannot do, found by trying: said before a day is lost.

Conveniences are done without. What safety needs is told of at the daemon's start, and by `test`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system.disk_errors import LACKING, mount_point, translated
from reolink_timelapsed.system.lock import NO_LOCKS, lock_file, try_lock
from reolink_timelapsed.system.writing import (
    NO_LINKS,
    NO_SYNC,
    delete,
    make_new,
    sync_folder,
)

_MOUNTS = Path("/proc/self/mountinfo")
_SMALL_FILES = ("vfat", "msdos")


def lacking(store: Store) -> list[str]:
    """Return what the file system of an open store lacks, in sentences.

    Raises:
        StoreError: if it lacks what nothing can be done without.
    """
    where = f"the file system of {mount_point(store.root)}"
    return [f"{where} {what}" for what in _found(store.work_path("ability"))]


def _found(trial: Path) -> Iterator[str]:
    other = trial.with_name("ability too")
    try:
        with translated(trial):
            for path in (trial, other):
                make_new(path).close()
            trial.replace(other)  # without that nothing can be whole at every moment
            if not _can(lambda: sync_folder(trial.parent)):
                yield NO_SYNC
            if not _can(lambda: trial.symlink_to(other.name)):
                yield NO_LINKS
        if not _locks(other):
            yield NO_LOCKS
        if _kind(other) in _SMALL_FILES:
            yield "takes no file of 4 GiB or more, as a day's video may have: use another one"
    finally:
        with translated(trial):
            delete(trial)
            delete(other)


def _can(act: Callable[[], None]) -> bool:
    try:
        act()
    except OSError as error:
        if error.errno not in LACKING:
            raise
        return False
    return True


def _locks(path: Path) -> bool:
    descriptor = lock_file(path)
    try:
        return try_lock(descriptor) is not None
    finally:
        os.close(descriptor)


def _kind(path: Path) -> str:
    """Return the kind of a file system by its name; "" where that is not known."""
    device = path.stat().st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    with suppress(OSError, ValueError, IndexError):  # proc_pid_mountinfo(5)
        for line in _MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines():
            before, _, after = line.partition(" - ")
            if before.split()[2] == wanted:
                return after.split()[0]
    return ""
