"""The disk of the data folder: is it there, and may frames be written (with hysteresis)?

A folder on a disk that is not mounted looks like an empty one, and would be filled on the wrong
disk. So the folder is marked at first use, and the state folder, which lies elsewhere, remembers
that it was.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from reolink_timelapsed.config.settings import setup_command
from reolink_timelapsed.errors import DiskFull, StoreError
from reolink_timelapsed.humanize import gigabytes, several
from reolink_timelapsed.storage.abilities import lacking
from reolink_timelapsed.storage.access import demand_use
from reolink_timelapsed.storage.claim import Claim
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system.disk_errors import tell_once, translated
from reolink_timelapsed.system.reading import read_file, read_state
from reolink_timelapsed.system.writing import READABLE, write_beside, write_state

MARKER = ".reolink-timelapse"
LIST = "data-folders"
_LIST_BYTES = 1_000_000
_TEXT = b"""\
The data folder of reolink-timelapse. If this file is missing where it was before, nothing is
written: the disk of the folder is probably not mounted.
"""

RESUME_BYTES = 500_000_000
"""What must be free beyond the limit before capture goes on: half an hour of 4K cameras."""

FEW_FILES = 1000
"""What must be left to make: a file system has an end of files (inodes) as well as of bytes."""

RESUME_FILES = 5000
"""What must be left beyond that before capture goes on."""

RETRY_SECONDS = 60.0
_TRIAL_BYTES = 8_000_000

MakeRoom = Callable[[Callable[[], bool]], None]
"""Removes what may be removed, until it is told that there is enough room."""


class Mount:
    """`folder` is where it remembers the data folder `root`; `setup` is that command's call."""

    def __init__(self, root: Path, folder: Path, setup: str = setup_command(None)) -> None:
        self._root = root
        self._setup = setup
        self._marker = root / MARKER
        self._memory = folder / "data-folder.json"
        self._list = folder / LIST

    def require(self) -> None:
        """Mark the data folder at its first use, and look for the mark ever after.

        Raises:
            StoreError: if the mark has gone, or the folder is closed to this process.
        """
        demand_use(self._root, self._setup, inner=False)
        self.check()
        if not self._is_marked():
            write_beside(self._marker, _TEXT, READABLE)
        self._remember()

    def check(self) -> None:
        """Look for the mark where there was one; write nothing.

        Raises:
            StoreError: if it has gone, or the folder cannot be read.
        """
        if not self._is_marked() and self._remembers():
            raise StoreError(
                f"{self._root} is not the folder it was, its file {MARKER} is missing: mount its "
                "disk; or, if you emptied or replaced it on purpose, run "
                f"`sudo touch {self._marker}`"
            )

    def _is_marked(self) -> bool:
        try:
            return self._marker.exists()
        except OSError as error:
            raise StoreError(f"cannot read {self._root}: {error.strerror}") from error

    def _remembers(self) -> bool:
        kept = read_state(self._memory)
        return isinstance(kept, dict) and kept.get("data_dir") == str(self._root)

    def _remember(self) -> None:
        if not self._remembers():
            with suppress(StoreError):
                write_state(self._memory, {"data_dir": str(self._root)})
        self._list_it()

    def _list_it(self) -> None:
        """Write the folder down with all that ever were: a purge has to find what is ours."""
        with suppress(StoreError):
            listed = read_file(self._list, _LIST_BYTES) or b""
            line = os.fsencode(self._root) + b"\n"
            if line not in listed.splitlines(keepends=True):
                write_beside(self._list, listed + line, READABLE)


class Room:
    """Opens the data folder and watches over it.

    `make_room` removes frames whose videos are proven, and is called before capture is paused.
    """

    def __init__(
        self, store: Store, min_free_bytes: int, make_room: MakeRoom, mount: Mount, claim: Claim
    ) -> None:
        self._store = store
        self._limit = min_free_bytes
        self._make_room = make_room
        self._mount = mount
        self._claim = claim
        self._opened = False
        self._low = False
        self._refused = False
        self._retry_at = 0.0
        self._reason = ""

    def refuses(self, monotonic: float) -> str:
        """Return why no frame may be written, "" if it may; `monotonic` is in seconds."""
        if monotonic < self._retry_at:
            return self._reason
        try:
            with translated(self._store.root):
                self._demand()
                self._reason = self._open(monotonic)
        except StoreError as error:
            self.failed(error, monotonic)
        return self._reason

    def failed(self, error: StoreError, monotonic: float) -> None:
        """Note that a frame could not be written; it is tried again in a minute."""
        self._opened = False
        self._refused = isinstance(error, DiskFull)
        self._retry_at = monotonic + RETRY_SECONDS
        self._reason = str(error)

    def free_bytes(self) -> int:
        """Return the free space, 0 where the disk does not even say that."""
        try:
            return self._store.free_bytes()
        except StoreError:
            return 0

    def _demand(self) -> None:
        """Ask whose the folder is at its opening alone; whether it is there, each time."""
        if self._opened:
            self._mount.check()
        else:
            self._mount.require()

    def _open(self, monotonic: float) -> str:
        if not self._opened:
            self._store.open(probe=False)  # a full disk cannot be probed, but perhaps emptied
        reason = self._look(monotonic)
        if reason:
            return reason
        if not self._opened:
            self._prove()
        self._claim.require(monotonic)
        return ""

    def _prove(self) -> None:
        if self._refused and not self._takes():
            self._make_room(self._takes)
        self._store.open()
        for lack in lacking(self._store):
            tell_once(lack)
        self._opened = True

    def _takes(self) -> bool:
        """Try whether a disk that was full takes files again: a quota is seen in no other way."""
        try:
            self._store.try_to_write(_TRIAL_BYTES)
        except DiskFull:
            return False
        return True

    def _look(self, monotonic: float) -> str:
        if self._shortage(more=self._low):
            self._make_room(lambda: not self._shortage(more=True))
        reason = self._shortage(more=self._low)
        self._low = bool(reason)
        if reason:
            self._retry_at = monotonic + RETRY_SECONDS
        return reason

    def _shortage(self, *, more: bool) -> str:
        """Return what there is too little of, "" if of nothing; `more` is for a fresh start."""
        free = self._store.free()
        if free.bytes < self._limit + more * RESUME_BYTES:
            return (
                f"only {gigabytes(free.bytes)} are free on the disk of {self._store.root}, and "
                f"storage.min_free_gb keeps {gigabytes(self._limit, 'g')}: free some space, or "
                f"lower it; capture goes on by itself at {gigabytes(self._limit + RESUME_BYTES)}"
            )
        if free.files is not None and free.files < FEW_FILES + more * RESUME_FILES:
            return (
                f"only {several(free.files, 'more file')} can be made on the disk of "
                f"{self._store.root} (`df -i`): remove some, or lower storage.keep_frames_days; "
                f"capture goes on by itself at {FEW_FILES + RESUME_FILES}"
            )
        return ""
