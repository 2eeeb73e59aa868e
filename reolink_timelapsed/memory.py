"""What a session must not forget when the daemon dies: its token, and how often it was refused.

A token that is lost keeps one of the NVR's two slots for an hour. A count of refusals that is
lost lets a restart loop lock the account. Both lie in the state folder, readable by their owner
alone. Losing them is survivable, so a disk that cannot be written never stops the daemon here.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from reolink_timelapsed.errors import StoreError
from reolink_timelapsed.store import read_json, remove_beside, write_beside

_PACE = (timedelta(seconds=60), timedelta(minutes=10), timedelta(hours=1))
"""Waits after the 1st, the 2nd and every further refusal.

Three tries cover the false "login failed" of a busy NVR; five in a row lock an account, and a
Home Hub bans a machine after four.
"""

_PRIVATE = 0o600


@dataclass(frozen=True, slots=True)
class KeptToken:
    """A token, where it is good, and when it was given (UTC) for how many seconds."""

    url: str
    username: str
    name: str
    obtained: datetime
    lease_seconds: float


class TokenFile:
    """The token of the session under way, on disk."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "session.json"

    def load(self) -> KeptToken | None:
        kept = read_json(self._path)
        try:
            return KeptToken(
                url=str(kept["url"]),
                username=str(kept["username"]),
                name=str(kept["token"]),
                obtained=_moment(kept["obtained"]),
                lease_seconds=float(kept["lease_seconds"]),
            )
        except (TypeError, KeyError, ValueError):
            return None

    def save(self, token: KeptToken) -> None:
        _write(
            self._path,
            {
                "url": token.url,
                "username": token.username,
                "token": token.name,
                "obtained": token.obtained.isoformat(),
                "lease_seconds": token.lease_seconds,
            },
        )

    def forget(self) -> None:
        with suppress(StoreError):
            remove_beside(self._path)


class LoginGuard:
    """Counts refused logins of one credential and says when the next may be tried."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "refusals.json"

    def wait_seconds(self, credential: str, now: datetime) -> float:
        """Return how long no login may be tried yet; 0 for a credential that was never refused."""
        kept = self._load(credential)
        if kept is None:
            return 0.0
        # A clock that was set back must not prolong the wait.
        refused = min(_moment(kept["refused"]), now)
        until = refused + max(pace(int(kept["count"])), timedelta(seconds=float(kept["hold"])))
        return max((until - now).total_seconds(), 0.0)

    def refused(self, credential: str, now: datetime, hold_seconds: float) -> float:
        """Count a refusal and return the seconds to wait, at least what the NVR asked for."""
        kept = self._load(credential)
        count = int(kept["count"]) + 1 if kept else 1
        salt = str(kept["salt"]) if kept else secrets.token_hex(16)
        _write(
            self._path,
            {
                "salt": salt,
                "credential": _digest(salt, credential),
                "count": count,
                "refused": now.isoformat(),
                "hold": hold_seconds,
            },
        )
        return max(pace(count).total_seconds(), hold_seconds)

    def accepted(self) -> None:
        """Forget all refusals: these credentials work."""
        if self._path.exists():
            with suppress(StoreError):
                remove_beside(self._path)

    def _load(self, credential: str) -> dict[str, Any] | None:
        kept = read_json(self._path)
        try:
            fits = kept["credential"] == _digest(str(kept["salt"]), credential)
            _moment(kept["refused"]), int(kept["count"]), float(kept["hold"])
        except (TypeError, KeyError, ValueError):
            return None
        return kept if fits else None


def pace(refusals: int) -> timedelta:
    """Return the wait after so many refusals (from 1) of the same credential."""
    return _PACE[min(refusals, len(_PACE)) - 1]


def _digest(salt: str, credential: str) -> str:
    return hashlib.scrypt(credential.encode(), salt=salt.encode(), n=2**12, r=8, p=1).hex()


def _write(path: Path, value: dict[str, Any]) -> None:
    with suppress(StoreError):
        write_beside(path, json.dumps(value).encode(), _PRIVATE)


def _moment(text: Any) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
