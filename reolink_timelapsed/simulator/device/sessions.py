"""Slots, tokens and leases of the simulated NVR, and how it treats wrong passwords.

Plain state: every call gets the time as seconds of the NVR's monotonic clock. Slots come free by
logout, by the end of the lease, or by a reboot. Each login opens a session of its own, whoever
asks. Lock policy: Camera HTTP API User Guide v9, 3.2.9; a hub bans the address instead.
"""

import secrets
from dataclasses import dataclass, field

from reolink_timelapsed.simulator.device.codes import CREDENTIALS_REFUSED

SOMEBODY_ELSE = "somebody else"


@dataclass
class LoginPolicy:
    """How logins are refused. Times in seconds; 0 tries means never."""

    wrong_password_code: int = -7
    """-7 on older firmware, -502 on newer."""
    tries_before_lock: int = 5
    lock_seconds: float = 300
    tell_unlock_time: bool = False
    tries_before_ban: int = 0
    """A hub answers -503 after three."""
    ban_seconds: float = 3600
    logins_a_minute: int = 0
    """More are answered with -105."""
    poison: bool = False
    """After a Logout without a token, the next login's token is good for nothing."""


@dataclass
class Session:
    """One slot in use."""

    token: str
    client: str
    user: str
    ends: float
    known: bool = True
    """False when the answer that carried the token was spoilt: the client cannot log out."""
    left: bool = False
    """True once its client has tried to log out, whatever came of it."""
    poisoned: bool = False


@dataclass
class Refusal:
    """Why there is no session: an rspCode, and when it is worth trying again."""

    code: int
    unlock_time: int | None = None


@dataclass
class Sessions:
    """Who is logged in, and who may."""

    slots: int
    lease_seconds: float
    accounts: dict[str, str]
    policy: LoginPolicy = field(default_factory=LoginPolicy)
    live: dict[str, Session] = field(default_factory=dict)
    poison_next: bool = False
    _wrong: int = 0
    _locked_until: float = float("-inf")
    _banned_until: float = float("-inf")
    _attempts: list[float] = field(default_factory=list)

    def login(self, monotonic: float, client: str, user: str, password: str) -> Session | Refusal:
        """Open a session, or say why not."""
        refusal = self._refuse(monotonic, user, password)
        if refusal is not None:
            return refusal
        self._wrong = 0
        self.expire(monotonic)
        if len(self.live) >= self.slots:
            return Refusal(-5)
        session = self._open(client, user, monotonic + self.lease_seconds)
        session.poisoned, self.poison_next = self.poison_next, False
        return session

    def logout(self, token: str) -> None:
        """Free the slot of a token."""
        self.live.pop(token, None)

    def find(self, monotonic: float, token: str | None) -> Session | None:
        """Find the live session of a token that is good for commands."""
        self.expire(monotonic)
        session = self.live.get(token or "")
        return None if session is None or session.poisoned else session

    def expire(self, monotonic: float) -> None:
        """Drop the sessions whose lease has ended."""
        self.live = {t: s for t, s in self.live.items() if s.ends > monotonic}

    def take(self, monotonic: float, slots: int, seconds: float) -> int:
        """Let somebody else hold up to this many of the free slots; tell how many it became."""
        self.expire(monotonic)
        taken = min(slots, max(0, self.slots - len(self.live)))
        for _ in range(taken):
            self._open(SOMEBODY_ELSE, "app", monotonic + seconds)
        return taken

    def forget_all(self) -> None:
        """Lose all sessions, locks and bans: a reboot."""
        self.live = {}
        self._wrong = 0
        self._locked_until = self._banned_until = float("-inf")

    def held_by(self, monotonic: float, client: str) -> tuple[str, ...]:
        """Name the live tokens this client was given and has not tried to give back."""
        self.expire(monotonic)
        mine = (s for s in self.live.values() if s.client == client)
        return tuple(s.token for s in mine if s.known and not s.left)

    def mark_left(self, token: str | None) -> None:
        """Note that a client tried to log out, or was told that its token is no good."""
        if token in self.live:
            self.live[token].left = True

    def accepts(self, user: str, password: str) -> bool:
        """Tell whether the credentials are good."""
        return user in self.accounts and self.accounts[user] == password

    def _open(self, client: str, user: str, ends: float) -> Session:
        token = secrets.token_hex(7)
        self.live[token] = Session(token, client, user, ends)
        return self.live[token]

    def _refuse(self, monotonic: float, user: str, password: str) -> Refusal | None:
        policy = self.policy
        self._attempts = [t for t in self._attempts if t > monotonic - 60] + [monotonic]
        if policy.logins_a_minute and len(self._attempts) > policy.logins_a_minute:
            return Refusal(-105)
        if monotonic < self._banned_until:
            return Refusal(-503)
        if monotonic < self._locked_until:
            left = int(self._locked_until - monotonic) + 1
            return Refusal(-506, left if policy.tell_unlock_time else None)
        if self.accepts(user, password):
            return None
        self._count_wrong(monotonic)
        return Refusal(policy.wrong_password_code)

    def _count_wrong(self, monotonic: float) -> None:
        self._wrong += 1
        policy = self.policy
        if policy.tries_before_ban and self._wrong > policy.tries_before_ban:
            self._banned_until, self._wrong = monotonic + policy.ban_seconds, 0
        elif policy.tries_before_lock and self._wrong >= policy.tries_before_lock:
            self._locked_until, self._wrong = monotonic + policy.lock_seconds, 0


def is_credentials_refusal(outcome: str | int) -> bool:
    """Tell whether an outcome of Login counts as an attempt with bad credentials."""
    return outcome in CREDENTIALS_REFUSED
