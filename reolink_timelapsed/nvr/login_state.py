"""What a session must not forget when the daemon dies: its token, how often it was refused, https.

A token that is lost keeps one of the NVR's two slots for an hour. A count of refusals that is
lost lets a restart loop lock the account. All lie in the state folder, readable by their owner
alone. Losing them is survivable, so a disk that cannot be written never stops the daemon here,
and a damaged file counts as none.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from reolink_timelapsed.config.address import Address
from reolink_timelapsed.errors import StoreError
from reolink_timelapsed.system.json_fields import (
    BadValue,
    get_int,
    get_list,
    get_moment,
    get_number,
    get_str,
    moment,
)
from reolink_timelapsed.system.privileges import may
from reolink_timelapsed.system.reading import read_state
from reolink_timelapsed.system.writing import remove, write_state

_PACE = (timedelta(seconds=60), timedelta(minutes=10), timedelta(hours=1))
"""Waits after the 1st, the 2nd and every further refusal of the same credential.

Three tries cover the false "login failed" of a busy NVR; five in a row lock an account, and a
Home Hub bans a machine after four.
"""

_FEW = 2
_FEW_PER = timedelta(seconds=305)
"""So many refusals of any credentials within so long, lest trying several locks the account."""

_LONGEST = 86400.0
"""Seconds. No lease and no hold in a file of ours is longer."""

_PRIVATE = 0o600
_REFUSALS = "refusals.json"


LEASE_GRACE_SECONDS = 60.0
"""The NVR counts a lease by its own clock, from a little after we asked for it."""


@dataclass(frozen=True, slots=True)
class KeptToken:
    """A token, where it is good, and when it was given (UTC) for how many seconds.

    `credential` is the `sealed` one that it was given for, "" where that is not known.
    """

    url: str
    username: str
    name: str
    obtained: datetime
    lease_seconds: float
    credential: str = ""

    def was_given_for(self, credential: str) -> bool:
        """Whether exactly this opened the session, password and all."""
        salt, _, digest = self.credential.partition("$")
        return bool(salt) and digest == _digest(salt, credential)

    def left_seconds(self, now: datetime) -> float:
        """Return how long the token may still block a slot, 0 if that is over.

        A token from the future was noted under a wrong clock: it counts as new.
        """
        age = max((now - self.obtained).total_seconds(), 0.0)
        return max(self.lease_seconds + LEASE_GRACE_SECONDS - age, 0.0)


class TokenFile:
    """The token of the session under way, on disk."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "session.json"

    def load(self) -> KeptToken | None:
        kept = read_state(self._path)
        try:
            Address.parse(get_str(kept, "url"))
            return KeptToken(
                url=get_str(kept, "url"),
                username=get_str(kept, "username"),
                name=get_str(kept, "token"),
                obtained=get_moment(kept, "obtained"),
                lease_seconds=_seconds(kept, "lease_seconds"),
                credential=get_str(kept, "credential", ""),
            )
        except ValueError:  # no address, or a `BadValue`
            return None

    def save(self, token: KeptToken) -> None:
        """Keep it; a kill before its name is on disk costs its slot for an hour."""
        value = {
            "url": token.url,
            "username": token.username,
            "token": token.name,
            "obtained": token.obtained.isoformat(),
            "lease_seconds": token.lease_seconds,
            "credential": token.credential,
        }
        _write(self._path, value, at_once=True)

    def forget(self) -> None:
        with suppress(StoreError):
            remove(self._path)


class HttpsMemory:
    """Which NVR was reached by https, on disk.

    While it starts up it may answer by http alone for a moment; the password is not for that.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "https.json"

    def knows(self, host: str) -> bool:
        kept = read_state(self._path)
        return isinstance(kept, dict) and kept.get("host") == host

    def note(self, host: str) -> None:
        if not self.knows(host):
            _write(self._path, {"host": host})


@dataclass(frozen=True, slots=True)
class _Refusals:
    """Refusals so far: `count` of `credential` (its salted hash), `latest` of any (UTC)."""

    salt: str
    credential: str
    count: int
    hold: float
    latest: tuple[datetime, ...]

    @classmethod
    def from_json(cls, value: Any) -> _Refusals | None:
        try:
            latest = tuple(sorted(moment(text) for text in get_list(value, "latest")))[-_FEW:]
            count, hold = get_int(value, "count"), _seconds(value, "hold")
            salt, credential = get_str(value, "salt"), get_str(value, "credential")
        except BadValue:
            return None
        return cls(salt, credential, count, hold, latest) if latest else None

    def to_json(self) -> dict[str, Any]:
        latest = [one.isoformat() for one in self.latest]
        return {
            "salt": self.salt,
            "credential": self.credential,
            "count": self.count,
            "hold": self.hold,
            "latest": latest,
        }

    def are_of(self, credential: str) -> bool:
        return self.credential == _digest(self.salt, credential)

    def until(self, *, same: bool) -> datetime:
        """Return when the next login may be tried, with the same credential or another."""
        last = self.latest[-1]
        free = last + timedelta(seconds=self.hold)  # an account or a machine is locked
        if same and self.count:
            free = max(free, last + pace(self.count))
        if len(self.latest) == _FEW:
            free = max(free, self.latest[0] + _FEW_PER)
        return free


class LoginGuard:
    """Counts refused logins and says when the next may be tried."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _REFUSALS
        self._unwritten: _Refusals | None = None

    def wait_seconds(self, credential: str, now: datetime) -> float:
        """Return how long no login may be tried with `credential` yet, 0 if it may."""
        kept = self._load()
        if kept is None:
            return 0.0
        if kept.latest[-1] > now:  # the clock was set back: that must not prolong the wait
            kept = replace(kept, latest=tuple(min(one, now) for one in kept.latest))
            self._keep(kept)
        until = kept.until(same=kept.are_of(credential))
        return max((until - now).total_seconds(), 0.0)

    def refused(self, credential: str, now: datetime, hold_seconds: float) -> float:
        """Count a refusal and return the seconds to wait, at least what the NVR asked for."""
        kept = self._load()
        if kept is None or not kept.are_of(credential):
            before = tuple(one for one in kept.latest if one <= now) if kept else ()
            salt = secrets.token_hex(16)
            kept = _Refusals(salt, _digest(salt, credential), 0, 0.0, before)
        latest = (*kept.latest, now)[-_FEW:]
        hold = min(hold_seconds, _LONGEST)
        self._keep(replace(kept, count=kept.count + 1, hold=hold, latest=latest))
        return self.wait_seconds(credential, now)

    def accepted(self, now: datetime) -> None:
        """Forget the count and the lock: the NVR has let us in.

        What it refused in the last minutes still counts, whoever it was: another process may have
        other credentials.
        """
        kept = self._load()
        if kept is None:
            return
        if now - kept.latest[-1] < _FEW_PER:
            self._keep(replace(kept, count=0, hold=0.0))
            return
        self._unwritten = None
        with suppress(StoreError):
            remove(self._path)

    def _load(self) -> _Refusals | None:
        return self._unwritten or _Refusals.from_json(read_state(self._path))

    def _keep(self, refusals: _Refusals) -> None:
        written = _write(self._path, refusals.to_json())
        self._unwritten = None if written else refusals


def require_access(folder: Path) -> None:
    """See that this user can count refusals in `folder`: without that, no login may be tried.

    Raises:
        StoreError: if it is another user's.
    """
    there = next(path for path in (folder, *folder.absolute().parents) if may(path, os.F_OK))
    kept = folder / _REFUSALS
    needed = (there, kept) if may(kept, os.F_OK) else (there,)
    if os.geteuid() != 0 and not all(may(path, os.R_OK | os.W_OK) for path in needed):
        raise StoreError(
            f"{folder} is another user's, and logins that the NVR refuses are counted there: "
            "run it with sudo"
        )


def pace(refusals: int) -> timedelta:
    """Return the wait after so many refusals (from 1) of the same credential."""
    return _PACE[min(refusals, len(_PACE)) - 1]


def sealed(credential: str) -> str:
    """Return what a credential can be told by, and not be learned from."""
    salt = secrets.token_hex(16)
    return f"{salt}${_digest(salt, credential)}"


def _digest(salt: str, credential: str) -> str:
    return hashlib.scrypt(credential.encode(), salt=salt.encode(), n=2**12, r=8, p=1).hex()


def _write(path: Path, value: dict[str, Any], *, at_once: bool = False) -> bool:
    """Write a file for its owner alone; return whether the disk took it."""
    try:
        write_state(path, value, _PRIVATE, at_once=at_once)
    except StoreError:
        return False
    return True


def _seconds(value: Any, key: str) -> float:
    return min(get_number(value, key), _LONGEST)
