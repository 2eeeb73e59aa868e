"""Whether frames may be written: enough space, with hysteresis, on a disk that takes them."""

from __future__ import annotations

from collections.abc import Callable

from reolink_timelapsed.errors import StoreError
from reolink_timelapsed.store import Store

RESUME_BYTES = 500_000_000
"""What must be free beyond the limit before capture goes on: half an hour of 4K cameras."""

RETRY_SECONDS = 60.0
_GB = 1e9


class Room:
    """Watches over the free space of the data folder.

    `make_room` removes what may be removed (frames whose videos are proven) and is called
    before capture is paused.
    """

    def __init__(self, store: Store, min_free_bytes: int, make_room: Callable[[], None]) -> None:
        self._store = store
        self._limit = min_free_bytes
        self._make_room = make_room
        self._low = False
        self._retry_at = 0.0
        self._reason = ""

    def refuses(self, now: float) -> str:
        """Return why no frame may be written, "" if it may; `now` is monotonic, in seconds."""
        if now < self._retry_at:
            return self._reason
        try:
            if self._reason and not self._low:
                self._store.open()
            return self._look(now)
        except StoreError as error:
            return self.failed(error, now)

    def failed(self, error: StoreError, now: float) -> str:
        """Note that a frame could not be written; it is tried again in a minute."""
        self._retry_at = now + RETRY_SECONDS
        self._reason = str(error)
        return self._reason

    def free_bytes(self) -> int:
        """Return the free space, 0 where the disk does not even say that."""
        try:
            return self._store.free_bytes()
        except StoreError:
            return 0

    def _look(self, now: float) -> str:
        wanted = self._limit + (RESUME_BYTES if self._low else 0)
        if self._store.free_bytes() < wanted:
            self._make_room()
        free = self._store.free_bytes()
        self._low = free < wanted
        self._reason = ""
        if self._low:
            self._retry_at = now + RETRY_SECONDS
            self._reason = (
                f"only {free / _GB:.1f} GB are free on the disk of {self._store.root}, and "
                f"storage.min_free_gb keeps {self._limit / _GB:g} GB: free some space, or lower "
                f"it; capture goes on by itself at {(self._limit + RESUME_BYTES) / _GB:.1f} GB"
            )
        return self._reason
