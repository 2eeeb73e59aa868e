"""Is the data folder's disk there? A marker in the folder tells it from a bare mount point.

A folder on a disk that is not mounted looks like an empty one, and would be filled on the wrong
disk. So the folder is marked at first use, and the state folder, which lies elsewhere, remembers
that it was.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from reolink_timelapsed.config.settings import setup_command
from reolink_timelapsed.errors import StoreError
from reolink_timelapsed.storage.access import demand_use
from reolink_timelapsed.system.reading import read_file, read_state
from reolink_timelapsed.system.writing import READABLE, write_beside, write_state

MARKER = ".reolink-timelapse"
LIST = "data-folders"
_LIST_BYTES = 1_000_000
_TEXT = b"""\
The data folder of reolink-timelapse. If this file is missing where it was before, nothing is
written: the disk of the folder is probably not mounted.
"""


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
