"""The session manager: one NVR, one token, one request at a time.

What an old NVR demands, and what this module sees to:

- It has about two slots for sessions: log out before logging in, and on the way out.
- A token lives for its lease (an hour): renew it before, since using it does not prolong it.
- A token can die early (a restart): log in again, once, and repeat what was asked.
- Snapshots come strictly one after the other, at least 0.5 s apart.

A call is bounded in time and waits for nothing but that gap; all longer waits are the caller's.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from reolink_timelapsed import api
from reolink_timelapsed.address import Address
from reolink_timelapsed.clock import Clock
from reolink_timelapsed.errors import (
    BadFrame,
    LoginRefused,
    NvrError,
    SessionExpired,
    Stopped,
    Timeout,
    Unreachable,
    Unsupported,
)
from reolink_timelapsed.memory import KeptToken, LoginGuard, TokenFile
from reolink_timelapsed.scrub import Scrubber
from reolink_timelapsed.transport import Transport

SNAPSHOT_GAP_SECONDS = 0.5
"""Between the end of a snapshot and the start of the next; shorter gaps are answered -12."""

LOGIN_GAP_SECONDS = 1.0
"""Between a login and the next command: some firmware does not know a token that is new."""

LOGOUT_SECONDS = 3.5
_RENEWAL_MARGIN_SECONDS = 300.0
_LONGEST_BOUND = 2
"""A call may take this many times the timeout: the question, a login, the question again."""

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who logs in."""

    username: str
    password: str = field(repr=False)


class Session:
    """Speaks to one NVR for one user; `timeout_seconds` bounds a single request.

    `token_file` keeps the token across restarts; without one it dies with the process.
    Every method that asks the NVR may raise `NvrError` of the kind that fits, and `Stopped`.
    """

    def __init__(
        self,
        transport: Transport,
        credentials: Credentials,
        clock: Clock,
        *,
        guard: LoginGuard,
        scrubber: Scrubber,
        token_file: TokenFile | None = None,
        timeout_seconds: float = 15.0,
    ) -> None:
        self._transport = transport
        self._who = credentials
        self._clock = clock
        self._guard = guard
        self._file = token_file
        self._scrubber = scrubber
        self._scrubber.add(credentials.password)
        self._timeout = timeout_seconds
        self._token: str | None = None
        self._renew_at = 0.0
        self._ends_at = 0.0
        self._quiet_until = 0.0
        self._give_up_at = 0.0
        self._recalled = token_file is None

    @property
    def logged_in(self) -> bool:
        """Whether a token is held."""
        return self._token is not None

    @property
    def url(self) -> str:
        return self._transport.url

    @property
    def bound_seconds(self) -> float:
        """The longest that any one call takes."""
        return _LONGEST_BOUND * self._timeout

    def fingerprint(self) -> str:
        """Return the SHA-256 of the NVR's certificate in hex, "" when it is reached by http."""
        return self._transport.fingerprint(self._timeout)

    def device(self) -> api.Device:
        """Return what the NVR is."""
        return api.device(self._command("GetDevInfo"))

    def device_times(self) -> tuple[datetime, ...]:
        """Return what the NVR's own clock may mean in UTC; nothing if it does not say."""
        return self._optional(lambda: api.device_times(self._command("GetTime")), ())

    def channels(self) -> list[api.Channel]:
        """Return the channels with a camera, named as the NVR names them; some may be offline.

        A camera without NVR, and a very old NVR, know no channel status: their channels are
        counted from GetDevInfo.
        """
        try:
            found = api.channels(self._command("GetChannelstatus"))
        except Unsupported:
            device = self.device()
            name = device.name if device.channels == 1 else ""
            found = [api.Channel(number, name) for number in range(device.channels)]
        return found

    def osd_name(self, channel: int) -> str:
        """Return the name written into a channel's picture, "" where the NVR does not say."""
        return self._optional(lambda: api.osd_name(self._command("GetOsd", channel=channel)), "")

    def stream(self, channel: int) -> api.Stream:
        """Return the size of a channel's main stream, zeros where the NVR does not say."""
        unknown = api.Stream(0, 0, 0)
        return self._optional(lambda: api.stream(self._command("GetEnc", channel=channel)), unknown)

    def has_battery(self, channel: int) -> bool:
        """Return whether a camera runs on a battery; asking does not wake it."""
        return self._optional(
            lambda: api.has_battery(self._command("GetBatteryInfo", channel=channel)), False
        )

    def snapshot(self, channel: int, seconds: float | None = None) -> bytes:
        """Return what the NVR sends as a picture of `channel`, within `seconds` for one request.

        Raises:
            Busy: the same again may succeed in a second.
            ChannelFailed, Timeout, Unsupported: this channel gives no picture.
            BadFrame: the answer broke off.
        """
        limit = min(seconds or self._timeout, self._timeout)
        return self._with_token(lambda token: self._snap(channel, token, limit))

    def logout(self) -> None:
        """Give the slot back, within a few seconds; without an answer the token is kept.

        Never sent without a token: on some firmware that spoils the next login.
        """
        self._recall()
        if self._token is not None:
            try:
                self._give_back(self._token)
            except (NvrError, BadFrame, Stopped) as error:
                log.debug("logout failed: %s", error)

    def close(self) -> None:
        """Log out and close the connection."""
        self.logout()
        self._transport.close()

    # One request

    def _snap(self, channel: int, token: str, limit: float) -> bytes:
        self._keep_gap()
        try:
            answer = self._transport.get_snapshot(channel, token, self._left(limit))
        finally:
            self._quiet(SNAPSHOT_GAP_SECONDS)
        if answer.lstrip()[:1] in (b"[", b"{"):
            reply = api.first_reply(answer)
            if reply is not None:
                api.fail_on_error("Snap", reply)
        return answer

    def _command(self, name: str, **param: int) -> api.Value:
        return self._with_token(lambda token: self._ask(name, token, api.command(name, **param)))

    def _ask(self, name: str, token: str | None, body: api.Request) -> api.Value:
        """Send a command that is not bound to a picture; no answer means no NVR."""
        self._keep_gap()
        try:
            return api.value(name, self._transport.post(name, token, body, self._left()))
        except (Timeout, BadFrame) as error:
            raise Unreachable(f"the NVR does not answer {name}: {error}") from None

    def _optional(self, ask: Callable[[], Answer], unknown: Answer) -> Answer:
        try:
            return ask()
        except Unsupported:
            return unknown

    def _keep_gap(self) -> None:
        self._clock.sleep(self._quiet_until - self._clock.monotonic())
        if self._clock.stopping:
            raise Stopped("told to stop before the next request")

    def _quiet(self, seconds: float) -> None:
        self._quiet_until = self._clock.monotonic() + seconds

    def _left(self, limit: float | None = None) -> float:
        """Return the seconds that the next request may take."""
        return max(min(limit or self._timeout, self._give_up_at - self._clock.monotonic()), 0.1)

    # The token

    def _with_token(self, ask: Callable[[str], Answer]) -> Answer:
        """Ask with a living token; if the NVR does not know it, log in and ask once more."""
        self._give_up_at = self._clock.monotonic() + self.bound_seconds
        token = self._living_token()
        try:
            return self._counted(lambda: ask(token))
        except SessionExpired as error:
            log.debug("%s", error)
            self._forget()
        token = self._login()
        try:
            return self._counted(lambda: ask(token))
        except (SessionExpired, LoginRefused):
            self.logout()
            raise

    def _living_token(self) -> str:
        """Return a token with some of its lease left; renew it where there is little.

        The old one must be given back first, or it would block a slot. An NVR that does not
        answer to that would not answer to a login either, so the caller hears of it.
        """
        self._recall()
        now = self._clock.monotonic()
        if self._token is not None and now < self._renew_at:
            return self._token
        if self._token is not None and now < self._ends_at:
            self._give_back(self._token)
        return self._login()

    def _login(self) -> str:
        """Open a session. There is no other one of ours."""
        now = self._clock.now()
        if (wait := self._guard.wait_seconds(self._credential, now)) > 0:
            text = f"the NVR refused to let us in before; {_advice(wait)}"
            raise LoginRefused(text, None, wait)
        self._scrubber.add(self._who.password)
        body = api.login(self._who.username, self._who.password)
        token = api.token(self._counted(lambda: self._ask("Login", None, body)))
        self._keep(token, now)
        self._scrubber.add(token.name)
        self._guard.accepted()
        self._quiet(LOGIN_GAP_SECONDS)
        return token.name

    def _counted(self, ask: Callable[[], Answer]) -> Answer:
        """Count a refusal of our credentials, whatever it came in answer to."""
        try:
            return ask()
        except LoginRefused as error:
            now = self._clock.now()
            wait = self._guard.refused(self._credential, now, error.hold_seconds)
            raise LoginRefused(f"{error}; {_advice(wait)}", error.code, wait) from None

    @property
    def _credential(self) -> str:
        return f"{self._transport.address.host}\0{self._who.username}\0{self._who.password}"

    def _keep(self, token: api.Token, now: datetime) -> None:
        """Hold a new token, on disk first: the sooner it is there, the less can be lost."""
        url, lease = self._transport.url, token.lease_seconds
        kept = KeptToken(url, self._who.username, token.name, now, lease)
        if self._file:
            self._file.save(kept)
        self._hold(kept, lease)

    def _hold(self, kept: KeptToken, left_seconds: float) -> None:
        margin = min(_RENEWAL_MARGIN_SECONDS, kept.lease_seconds / 4)
        self._token = kept.name
        self._ends_at = self._clock.monotonic() + left_seconds
        self._renew_at = self._ends_at - margin

    def _give_back(self, token: str) -> None:
        """Log out; whatever the NVR says to that, the token is done with.

        Raises:
            NvrError, BadFrame, Stopped: if it says nothing.
        """
        self._transport.post("Logout", token, api.command("Logout"), LOGOUT_SECONDS)
        self._forget()

    def _forget(self) -> None:
        self._token = None
        if self._file:
            self._file.forget()

    def _recall(self) -> None:
        """Take up the token of a process that died: a lost one would block a slot for an hour."""
        kept = self._file.load() if self._file and not self._recalled else None
        self._recalled = True
        if kept is None:
            return
        self._scrubber.add(kept.name)
        left = kept.left_seconds(self._clock.now())
        if not left:
            self._forget()
        elif self._is_ours(kept):
            self._hold(kept, left)
        else:
            self._release(kept)

    def _is_ours(self, kept: KeptToken) -> bool:
        """Whether a token is for the same user of the same NVR as ours."""
        there, here = Address.parse(kept.url), self._transport.address
        same_port = there.port_for(there.scheme) == here.port_for(there.scheme)
        return same_port and (there.host, kept.username) == (here.host, self._who.username)

    def _release(self, kept: KeptToken) -> None:
        """Log out of another NVR, or as another user, from before the configuration changed."""
        other = Transport(kept.url, self._clock)
        try:
            other.post("Logout", kept.name, api.command("Logout"), LOGOUT_SECONDS)
        except (NvrError, BadFrame) as error:
            log.debug("logout at %s failed: %s", kept.url, error)
        finally:
            other.close()
        self._forget()


def _advice(wait: float) -> str:
    minutes = max(math.ceil(wait / 60), 1)
    return (
        "correct nvr.username and the password, for example with `sudo reolink-timelapse setup`; "
        f"the next try is in {minutes} min, because the NVR locks accounts that try too often"
    )
