"""Which daemon captures into a data folder: a note in there leads to that daemon's lock.

The lock itself lies in the daemon's state folder: one held on the disk of the data would keep the
disk from being unmounted. Two daemons with different state folders would each hold their own, so
each leaves word in the data folder, and who comes later looks whether the other still holds his.
Where he cannot look, on another machine or at another user's, a note counts while it is fresh.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from reolink_timelapsed.errors import StoreError
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system.disk_errors import left_out
from reolink_timelapsed.system.json_fields import BadValue, get_str
from reolink_timelapsed.system.lock import CAPTURE, Turn
from reolink_timelapsed.system.reading import entry, read_file, read_state

RENEW_SECONDS = 300.0
_FRESH_NS = 900 * 10**9
_MACHINE = Path("/etc/machine-id")
_MACHINE_BYTES = 100
_NAME = "daemon.json"


def this_machine() -> str:
    """Return what tells this machine from others, "" if it does not know."""
    with suppress(StoreError):
        return (read_file(_MACHINE, _MACHINE_BYTES) or b"").decode("ascii", "replace").strip()
    return ""


class Claim:
    """A daemon's claim on the data folder; `state` is its state folder, `machine` where it runs."""

    def __init__(self, store: Store, state: Path, machine: str) -> None:
        self._store = store
        self._note = store.root / ".work" / _NAME
        self._mine = {"state": str(state.absolute()), "machine": machine}
        self._renew_at = float("-inf")

    def require(self, monotonic: float) -> None:
        """Leave our note, and renew it now and then; `monotonic` is in seconds.

        Raises:
            StoreError: if another daemon captures into this folder.
        """
        if monotonic < self._renew_at:
            return
        turn = Turn(self._note.parent, "daemon.lock")
        if not turn.take():
            raise StoreError(f"another daemon is just starting in {self._store.root}")
        try:
            self._refuse_another(read_state(self._note))
            with left_out():
                self._store.write_json(self._note, self._mine)
        finally:
            turn.give()
        self._renew_at = monotonic + RENEW_SECONDS

    def _refuse_another(self, note: object) -> None:
        try:
            state, machine = get_str(note, "state"), get_str(note, "machine")
        except BadValue:
            return
        other = {"state": state, "machine": machine}
        if other != self._mine and self._is_alive(Path(state), machine):
            raise StoreError(
                f"another daemon captures into {self._store.root}, the one whose state lies in "
                f"{state}: stop one of them, or give each a storage.data_dir of its own"
            )

    def _is_alive(self, state: Path, machine: str) -> bool:
        lock = state / CAPTURE
        if machine == self._mine["machine"]:
            with suppress(StoreError):  # not for us to look
                if entry(lock) is None:
                    return False
                if os.access(lock, os.R_OK):
                    return Turn(state, CAPTURE).is_taken()
        return abs(self._store.disk_time() - self._store.changed(self._note)) < _FRESH_NS
