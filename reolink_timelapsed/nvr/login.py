"""Our one session slot at the NVR: taken by a login, kept by its token, given back by a logout.

An old NVR has about two slots. So: log out before logging in, renew before the lease ends (using
a token does not prolong it), take up the token of a process that died, and log out on the way out.
A command by hand borrows the daemon's token, while it has the daemon's turn, and leaves it to it.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TypeVar

from reolink_timelapsed.config.address import Address
from reolink_timelapsed.errors import (
    LoginRefused,
    NvrError,
    Stopped,
)
from reolink_timelapsed.nvr import api
from reolink_timelapsed.nvr.client import Client
from reolink_timelapsed.nvr.login_state import (
    LEASE_GRACE_SECONDS,
    KeptToken,
    LoginGuard,
    TokenFile,
    sealed,
)
from reolink_timelapsed.nvr.rspcode import login_advice
from reolink_timelapsed.nvr.transport import Transport
from reolink_timelapsed.system.clock import Clock
from reolink_timelapsed.system.redact import Scrubber

_RENEWAL_MARGIN_SECONDS = 300.0

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who logs in."""

    username: str
    password: str = field(repr=False)


class Slot:
    """Logs in and out over `transport`, at most once at a time.

    `ask` sends the login's request and returns the value of its reply. `file` keeps the token
    across restarts; without one it dies with the process. With `borrowing` it is the daemon's: read
    and never written. `setup` is the command that asks for other credentials.
    """

    def __init__(
        self,
        client: Client,
        who: Credentials,
        clock: Clock,
        *,
        guard: LoginGuard,
        scrubber: Scrubber,
        file: TokenFile | None,
        borrowing: bool,
        setup: str,
    ) -> None:
        self._client = client
        self._who = who
        self._clock = clock
        self._guard = guard
        self._scrubber = scrubber
        self._file = None if borrowing else file
        self._lender = file if borrowing else None
        self._setup = setup
        self._recalled = file is None
        self._borrowed = False
        self._token: str | None = None
        self._renew_at = 0.0
        self._ends_at = 0.0

    @property
    def taken(self) -> bool:
        """Whether a token is held."""
        return self._token is not None

    @property
    def borrowed(self) -> bool:
        """Whether the token that is held is the daemon's."""
        return self._borrowed

    def token(self) -> str:
        """Return a token with some of its lease left; log in anew where there is little.

        The old one must be given back first, or it would block a slot. An NVR that does not
        answer to that would not answer to a login either, so the caller hears of it.

        Raises:
            NvrError, Stopped: there is none to be had now.
        """
        self._recall()
        monotonic = self._clock.monotonic()
        if self._token is not None and monotonic < self._renew_at:
            return self._token
        if (
            self._token is not None
            and monotonic < self._ends_at
            and not self._give_back(self._token)
        ):
            return self._token  # it blocks a slot anyway: to the end, then
        return self._login()

    def token_after_loss(self) -> str:
        """Return a new token: the NVR says that it does not know the one that `token` returned.

        That one is given back all the same, for it may yet block a slot.

        Raises:
            NvrError, Stopped: there is none to be had now.
        """
        if self._token is not None:
            self._give_back(self._token)
            self._forget()
        return self._login()

    def logout(self) -> None:
        """Give the slot back, within a few seconds; without an answer the token is kept.

        Never sent without a token: on some firmware that spoils the next login. A borrowed token
        stays the daemon's.
        """
        self._recall()
        if self._borrowed:
            self._forget()
        elif self._token is not None:
            try:
                self._give_back(self._token)
            except (NvrError, Stopped) as error:
                log.debug("logout failed: %s", error)

    def counted(self, ask: Callable[[], Answer]) -> Answer:
        """Ask, and count a refusal of our credentials, whatever it comes in answer to."""
        try:
            return ask()
        except LoginRefused as error:
            now = self._clock.now()
            wait = self._guard.refused(self._credential, now, error.hold_seconds)
            advice = self._advice(error.code, wait)
            raise LoginRefused(error.fact, error.code, wait, advice) from None

    def _login(self) -> str:
        now = self._clock.now()
        if (wait := self._guard.wait_seconds(self._credential, now)) > 0:
            fact = "the NVR refused to let us in before"
            raise LoginRefused(fact, None, wait, self._advice(None, wait))
        self._scrubber.add(self._who.password)
        body, seal = api.login(self._who.username, self._who.password), self._seal
        token = api.token(self.counted(lambda: self._client.login(body)))
        self._keep(token, now, seal)
        self._scrubber.add(token.name)
        self._guard.accepted(now)
        return token.name

    def _advice(self, code: int | None, wait: float) -> str:
        minutes = max(math.ceil(wait / 60), 1)
        return (
            f"{login_advice(code, self._setup)}; the next try is in {minutes} min, because the "
            "NVR locks accounts that try too often"
        )

    @property
    def _credential(self) -> str:
        return f"{self._client.address.host}\0{self._who.username}\0{self._who.password}"

    @cached_property
    def _seal(self) -> str:
        """What the file shall tell our credential by; dear on purpose, so made once."""
        return sealed(self._credential) if self._file else ""

    def _keep(self, token: api.Token, now: datetime, seal: str) -> None:
        """Hold a new token, on disk first: the sooner it is there, the less can be lost."""
        url, lease = self._client.url, token.lease_seconds
        kept = KeptToken(url, self._who.username, token.name, now, lease, seal)
        if self._file:
            self._file.save(kept)
        self._hold(kept, kept.left_seconds(now))

    def _hold(self, kept: KeptToken, left_seconds: float) -> None:
        margin = min(_RENEWAL_MARGIN_SECONDS, kept.lease_seconds / 4)
        self._token, self._borrowed = kept.name, False
        self._ends_at = self._clock.monotonic() + left_seconds
        self._renew_at = self._ends_at - LEASE_GRACE_SECONDS - margin

    def _give_back(self, token: str) -> bool:
        """Log out, and return whether the token is done with; it is kept if the NVR refuses."""
        done = self._client.logout(token)
        if done:
            self._forget()
        return done

    def _forget(self) -> None:
        self._token = None
        self._borrowed = False
        if self._file:
            self._file.forget()

    # The token of another process

    def _recall(self) -> None:
        """Take up that of a process that died: a lost one would block a slot for an hour."""
        source = self._lender or self._file
        kept = source.load() if source and not self._recalled else None
        self._recalled = True
        if kept is None:
            return
        self._scrubber.add(kept.name)
        left = kept.left_seconds(self._clock.now())
        if self._lender:
            self._borrow(kept, left)
            return
        if left and self._is_ours(kept):
            self._hold(kept, left)
            return
        if left:
            self._release(kept)
        self._forget()

    def _borrow(self, kept: KeptToken, left_seconds: float) -> None:
        """Use the daemon's token to its end, if it was given for the very same credentials.

        With another password, to try it is the point: that takes a login of its own. The daemon's
        session goes on beside it then, for the other password may be the wrong one.
        """
        if left_seconds and self._is_ours(kept) and kept.was_given_for(self._credential):
            self._hold(kept, left_seconds)
            self._renew_at, self._borrowed = self._ends_at, True

    def _is_ours(self, kept: KeptToken) -> bool:
        """Whether a token is for the same user of the same NVR as ours."""
        there, here = Address.parse(kept.url), self._client.address
        same_port = there.port_for(there.scheme) == here.port_for(there.scheme)
        return same_port and (there.host, kept.username) == (here.host, self._who.username)

    def _release(self, kept: KeptToken) -> None:
        """Log out of another NVR, or as another user, from before the configuration changed."""
        other = Transport(kept.url, self._clock)
        try:
            Client(other, self._clock, self._scrubber).logout(kept.name)
        except NvrError as error:
            log.debug("logout at %s failed: %s", kept.url, error)
        finally:
            other.close()
