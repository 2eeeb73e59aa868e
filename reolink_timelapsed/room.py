"""Whether frames may be written: the right disk, enough space (with hysteresis), writable."""

from __future__ import annotations

from collections.abc import Callable

from reolink_timelapsed.errors import StoreError
from reolink_timelapsed.mount import Mount
from reolink_timelapsed.store import Store

RESUME_BYTES = 500_000_000
"""What must be free beyond the limit before capture goes on: half an hour of 4K cameras."""

RETRY_SECONDS = 60.0
_GB = 1e9


class Room:
    """Opens the data folder and watches over it.

    `make_room` removes what may be removed (frames whose videos are proven) and is called
    before capture is paused.
    """

    def __init__(
        self, store: Store, min_free_bytes: int, make_room: Callable[[], None], mount: Mount
    ) -> None:
        self._store = store
        self._limit = min_free_bytes
        self._make_room = make_room
        self._mount = mount
        self._opened = False
        self._low = False
        self._retry_at = 0.0
        self._reason = ""

    def refuses(self, now: float) -> str:
        """Return why no frame may be written, "" if it may; `now` is monotonic, in seconds."""
        if now < self._retry_at:
            return self._reason
        try:
            self._mount.require()
            self._reason = self._open(now)
        except StoreError as error:
            self.failed(error, now)
        return self._reason

    def failed(self, error: StoreError, now: float) -> None:
        """Note that a frame could not be written; it is tried again in a minute."""
        self._opened = False
        self._retry_at = now + RETRY_SECONDS
        self._reason = str(error)

    def free_bytes(self) -> int:
        """Return the free space, 0 where the disk does not even say that."""
        try:
            return self._store.free_bytes()
        except StoreError:
            return 0

    def _open(self, now: float) -> str:
        if self._opened:
            return self._look(now)
        self._store.open(probe=False)  # a full disk cannot be probed, but perhaps emptied
        reason = self._look(now)
        if not reason:
            self._store.open()
            self._opened = True
        return reason

    def _look(self, now: float) -> str:
        wanted = self._limit + (RESUME_BYTES if self._low else 0)
        if self._store.free_bytes() < wanted:
            self._make_room()
        free = self._store.free_bytes()
        self._low = free < wanted
        if not self._low:
            return ""
        self._retry_at = now + RETRY_SECONDS
        return (
            f"only {free / _GB:.1f} GB are free on the disk of {self._store.root}, and "
            f"storage.min_free_gb keeps {self._limit / _GB:g} GB: free some space, or lower "
            f"it; capture goes on by itself at {(self._limit + RESUME_BYTES) / _GB:.1f} GB"
        )
