"""One request at a time, at the pace that the NVR bears; out of any session.

The gaps after a snapshot, after one that was given up and after a login are the NVR's; the time
for a call and all its requests is the caller's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from enum import Enum, auto
from typing import TypeVar

from reolink_timelapsed.config.address import Address
from reolink_timelapsed.errors import (
    IF_IT_LASTS,
    BadFrame,
    Busy,
    Isolated,
    LoginRefused,
    Mute,
    NoConnection,
    NvrError,
    SessionExpired,
    SessionLimit,
    Stopped,
    Timeout,
    Unreachable,
    Unsupported,
)
from reolink_timelapsed.frame import Size
from reolink_timelapsed.nvr import api
from reolink_timelapsed.nvr.transport import Transport
from reolink_timelapsed.system.clock import Clock
from reolink_timelapsed.system.redact import Scrubber

SNAPSHOT_GAP_SECONDS = 0.5
"""Between the end of a snapshot and the start of the next; shorter gaps are answered -12."""

ABANDONED_GAP_SECONDS = 1.0
"""After one that was given up or broke off: the NVR notices a little later than we."""

LOGIN_GAP_SECONDS = 1.0
"""Between a login and the next command: some firmware does not know a token that is new."""

DETAIL_SECONDS = 5.0
LOGOUT_SECONDS = 3.5
_LONGEST_BOUND = 2
"""A call may take this many times the timeout: the question, a login, the question again."""

_REFUSALS = (SessionExpired, SessionLimit, LoginRefused)
_OF_THE_NVR = (Unreachable, *_REFUSALS)

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class Others(Enum):
    """What the caller knows of the other cameras, who are witnesses like the NVR itself."""

    UNKNOWN = auto()
    """Nothing: what the NVR says of itself is believed."""

    WAITING = auto()
    """They can be asked: before the NVR is said to let nobody in, they shall be."""

    ANSWERED = auto()
    """The NVR answered about them just now: it lets us in, though the token may be lost since."""

    VOUCHING = auto()
    """They show that it works: it need not be asked."""


class Client:
    """Sends requests over `transport`; `timeout_seconds` bounds a single one.

    Every method that asks the NVR may raise `NvrError` of the kind that fits, and `Stopped`.
    """

    def __init__(
        self, transport: Transport, clock: Clock, scrubber: Scrubber, timeout_seconds: float = 15.0
    ) -> None:
        self._transport = transport
        self._clock = clock
        self._scrubber = scrubber
        self._timeout = timeout_seconds
        self._quiet_until = 0.0
        self._give_up_at = 0.0

    @property
    def url(self) -> str:
        return self._transport.url

    @property
    def address(self) -> Address:
        return self._transport.address

    @property
    def bound_seconds(self) -> float:
        """The longest that any one call takes."""
        return _LONGEST_BOUND * self._timeout

    def snapshot(self, channel: int, token: str, limit: float, size: Size | None) -> bytes:
        """Ask for a picture, of `size` if that must be told, within `limit` seconds."""
        self._keep_gap()
        gap = SNAPSHOT_GAP_SECONDS
        try:
            answer = self._transport.get_snapshot(channel, token, self._left(limit), size)
        except (Timeout, BadFrame, Stopped):
            gap = ABANDONED_GAP_SECONDS
            raise
        finally:
            self.quiet(gap)
        if answer.lstrip()[:1] in (b"[", b"{"):
            reply = api.first_reply(answer)
            if reply is not None:
                api.fail_on_error("Snap", reply, self._scrubber.clean)
        return answer

    def told_apart(
        self, token: str, ask: Callable[[], Answer], others: Others = Others.UNKNOWN
    ) -> Answer:
        """Ask about one camera; what befalls that may be the whole NVR's fault, or this camera's.

        A question that concerns no camera tells. One that may not be asked was answered, too.

        Raises:
            Isolated: it is this camera's.
            Mute: the other question has no answer, either, or one that others may belie.
            NvrError: what the NVR said to the other question, or why no question reaches it.
        """
        try:
            return ask()
        except NoConnection:
            raise
        except (Timeout, *_OF_THE_NVR) as error:
            if others is not Others.VOUCHING:
                self._require_witness(token, error, others)
            raise (error if isinstance(error, Timeout) else Isolated(error)) from None

    def _require_witness(self, token: str, fault: NvrError, others: Others) -> None:
        try:
            self.ask("GetDevInfo", token, api.command("GetDevInfo"))
        except Unsupported:
            pass
        except NoConnection:
            raise
        except Unreachable as error:
            raise Mute(error, fault) from None
        except _REFUSALS as refusal:
            if others is Others.WAITING:
                raise Mute(refusal, fault) from None
            if others is Others.UNKNOWN or isinstance(refusal, SessionExpired):
                raise

    def login(self, body: api.Request) -> api.Value:
        """Send a login, after which the NVR is left alone for a moment."""
        try:
            return self.ask("Login", None, body)
        finally:
            self.quiet(LOGIN_GAP_SECONDS)

    def logout(self, token: str) -> bool:
        """Send a logout, at once; return whether the NVR does not know the token any more.

        The answer may be no reply at all: some cameras send a string of odd characters.

        Raises:
            Unreachable, Stopped: if there is no answer.
        """
        try:
            answer = self._transport.post("Logout", token, api.command("Logout"), LOGOUT_SECONDS)
        except (NvrError, BadFrame) as error:
            text = f"the NVR does not answer Logout: {error}; {IF_IT_LASTS}"
            raise Unreachable(text) from None
        reply = api.first_reply(answer)
        try:
            api.fail_on_error("Logout", reply or {}, self._scrubber.clean)
        except SessionExpired:
            return True
        except NvrError as error:
            log.debug("logout refused: %s", error)
            return False
        return True

    def ask(self, name: str, token: str | None, body: api.Request) -> api.Value:
        """Send a command to the NVR itself; no answer means no NVR."""
        self._keep_gap()
        try:
            answer = self._transport.post(name, token, body, self._left())
            return api.value(name, answer, self._scrubber.clean)
        except (Timeout, BadFrame) as error:
            text = f"the NVR does not answer {name}: {error}; {IF_IT_LASTS}"
            raise Unreachable(text) from None

    def ask_camera(self, name: str, token: str, body: api.Request) -> api.Value:
        """Send a command about one camera, not for long: a dead one lets every question hang."""
        try:
            return self._ask_once(name, token, body)
        except (Busy, Timeout):
            self.quiet(ABANDONED_GAP_SECONDS)
            raise

    def _ask_once(self, name: str, token: str, body: api.Request) -> api.Value:
        self._keep_gap()
        try:
            answer = self._transport.post(name, token, body, self._left(DETAIL_SECONDS))
        except BadFrame as error:
            raise Busy(f"no whole answer to {name}: {error}") from None
        if api.first_reply(answer) is None:
            raise Busy(f"{name} was answered with {len(answer)} bytes that are no API reply")
        return api.value(name, answer, self._scrubber.clean)

    def begin(self) -> None:
        """Begin a call: all its requests together are bounded by `bound_seconds`."""
        self._give_up_at = self._clock.monotonic() + self.bound_seconds

    def await_gap(self) -> None:
        """Wait until the NVR bears another request."""
        self._clock.sleep(self._quiet_until - self._clock.monotonic())

    def _keep_gap(self) -> None:
        self.await_gap()
        if self._clock.stopping:
            raise Stopped("told to stop before the next request")

    def quiet(self, seconds: float) -> None:
        """Leave the NVR alone for so long."""
        self._quiet_until = self._clock.monotonic() + seconds

    def _left(self, limit: float | None = None) -> float:
        """Return the seconds that the next request may take."""
        return max(min(limit or self._timeout, self._give_up_at - self._clock.monotonic()), 0.1)
