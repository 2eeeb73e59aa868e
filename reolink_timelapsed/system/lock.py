"""Whose turn it is: locks between processes of one machine, which end with their holder.

The daemon and the stitch each hold one while they run, so that there is no second. The daemon's
lies in the state folder: the disk of the data may come late, or be unmounted. It takes another
for each round, so that a `test` by hand speaks to the NVR between two of them: an NVR answers two
snapshots at once with an error.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from reolink_timelapsed.errors import OddEntry, TimelapseError
from reolink_timelapsed.system.clock import Clock
from reolink_timelapsed.system.disk_errors import left_out, mount_point, tell_once, translated
from reolink_timelapsed.system.reading import demand_regular, open_file
from reolink_timelapsed.system.writing import make_folder, share_owner

NVR = "nvr.lock"
CAPTURE = "capture.lock"

NO_LOCKS = "takes no locks: see that no second reolink-timelapse works in it"
"""What a file system may lack; that is done without."""

_LIMIT = 4096
"""Bytes of a lock's file; it is there to be locked, not to be read."""

_LOCK = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_LOOK_SECONDS = 0.05


def only_one(root: Path, name: str) -> Turn:
    """Keep a second process of the same name away from the data folder `root`.

    Raises:
        TimelapseError: if there is one.
    """
    turn = Turn(root / ".work", f"{name}.lock")
    if not turn.take():
        raise TimelapseError(
            f"another {name} is at work in {root}: let it end, or see `reolink-timelapse status`"
        )
    return turn


class Turn:
    """A lock on a file; without a disk that takes it there is no lock."""

    def __init__(self, folder: Path, name: str) -> None:
        self._path = folder / name
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Return whether it is ours now."""
        descriptor = None
        with left_out():
            descriptor = lock_file(self._path)
        if descriptor is None:
            return True
        if not lock(descriptor, self._path):
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def is_taken(self) -> bool:
        """Whether somebody holds it now, for those who only look: no file is made."""
        try:
            file = open_file(self._path, _LIMIT)
        except (OSError, OddEntry):
            return False
        with file:
            return not lock(file.fileno(), self._path, shared=True)

    def wait(self, clock: Clock, seconds: float) -> None:
        """Take it as soon as it is free.

        Raises:
            TimelapseError: if it does not become free within `seconds`.
        """
        end = clock.monotonic() + seconds
        while not self.take():
            if clock.stopping or clock.monotonic() >= end:
                raise TimelapseError(
                    "the daemon speaks to the NVR without a pause: stop it for this, with "
                    "`sudo systemctl stop reolink-timelapse`"
                )
            clock.sleep(_LOOK_SECONDS)

    def give(self) -> None:
        """Let others have it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def lock_file(path: Path) -> int:
    """Return a descriptor of the file, made if it is missing, to put a lock on.

    Raises:
        StoreError: if it cannot be made or opened, or is no regular file.
    """
    with translated(path):
        make_folder(path.parent)
        descriptor = os.open(path, _LOCK, 0o660)
        try:
            demand_regular(os.fstat(descriptor), path, _LIMIT)
            share_owner(descriptor, path.parent)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor


def lock(descriptor: int, path: Path, *, shared: bool = False) -> bool:
    """Put a lock on the open file of `path`, without waiting; return whether it is ours.

    Without locks on its file system it is everybody's.
    """
    got = try_lock(descriptor, shared=shared)
    if got is None:
        tell_once(f"the file system of {mount_point(path)} {NO_LOCKS}")
    return got is not False


def try_lock(descriptor: int, *, shared: bool = False) -> bool | None:
    """Put a lock on an open file, without waiting; None where there are no locks."""
    how = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True
