"""The session manager: one NVR, one user, one request at a time.

A call is bounded in time and waits for nothing but the gaps that the NVR demands; all longer
waits are the caller's. A token that the NVR has lost (a restart) is replaced by one login, and
what was asked is asked once more.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import TypeVar

from reolink_timelapsed.errors import (
    BadFrame,
    ChannelFailed,
    Isolated,
    LoginRefused,
    SessionExpired,
    Unsupported,
)
from reolink_timelapsed.frame import Size
from reolink_timelapsed.humanize import SOI, no_picture
from reolink_timelapsed.nvr import api
from reolink_timelapsed.nvr.client import SNAPSHOT_GAP_SECONDS, Client, Others
from reolink_timelapsed.nvr.login import Credentials, Slot
from reolink_timelapsed.nvr.login_state import LoginGuard, TokenFile
from reolink_timelapsed.nvr.transport import Transport
from reolink_timelapsed.nvr.wanted_size import WantedSizes
from reolink_timelapsed.system.clock import Clock
from reolink_timelapsed.system.redact import Scrubber, visible

__all__ = ["Credentials", "Others", "Session"]


Answer = TypeVar("Answer")


class Session:
    """Speaks to one NVR for one user; `timeout_seconds` bounds a single request.

    `token_file` keeps the token across restarts; without one it dies with the process. With
    `borrowing` it is the daemon's, whose token is used where it can be, and left to it. `setup` is
    the command that asks for other credentials.
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
        borrowing: bool = False,
        timeout_seconds: float = 15.0,
        setup: str = "sudo reolink-timelapse setup",
    ) -> None:
        scrubber.add(credentials.password)
        self._scrubber = scrubber
        self._transport = transport
        self._clock = clock
        self._timeout = timeout_seconds
        self._client = Client(transport, clock, scrubber, timeout_seconds)
        self._wanted = WantedSizes()
        if token_file:  # the process before us may have been killed right after a snapshot
            self._client.quiet(SNAPSHOT_GAP_SECONDS)
        self._awaits_turn = borrowing
        self._slot = Slot(
            self._client,
            credentials,
            clock,
            guard=guard,
            scrubber=scrubber,
            file=token_file,
            borrowing=borrowing,
            setup=setup,
        )

    @property
    def logged_in(self) -> bool:
        """Whether a token is held."""
        return self._slot.taken

    @property
    def borrowed(self) -> bool:
        """Whether the daemon's token is used."""
        return self._slot.borrowed

    @property
    def url(self) -> str:
        return self._transport.url

    @property
    def bound_seconds(self) -> float:
        """The longest that any one call takes."""
        return self._client.bound_seconds

    def fingerprint(self) -> str:
        """Return the SHA-256 of the NVR's certificate in hex, "" when it is reached by http."""
        return self._transport.fingerprint(self._timeout)

    def device(self) -> api.Device:
        """Return what the NVR is."""
        return api.device(self._scrubber.clean_all(self._command("GetDevInfo")))

    def device_times(self) -> tuple[datetime, ...]:
        """Return what the NVR's own clock may mean in UTC; nothing if it does not say."""
        return self._optional(lambda: api.device_times(self._command("GetTime")), ())

    def channels(self) -> list[api.Channel]:
        """Return the channels with a camera, named as the NVR names them; some may be offline.

        Their names are their owner's words, and not what the NVR makes of ours: they stay as they
        are. A camera without NVR, and a very old NVR, know no channel status: their channels are
        counted from GetDevInfo; who may not ask that either has one.
        """
        try:
            return api.channels(visible(self._command("GetChannelstatus")))
        except Unsupported:
            device = self._optional(self._named_device, api.Device("", "", "", 1))
        name = device.name if device.channels == 1 else ""
        return [api.Channel(number, name) for number in range(device.channels)]

    def _named_device(self) -> api.Device:
        return api.device(visible(self._command("GetDevInfo")))

    def osd_name(self, channel: int) -> str:
        """Return the name written into a channel's picture, "" where the NVR does not say."""
        return self._optional(lambda: self._detail("GetOsd", channel, api.osd_name), "")

    def stream(self, channel: int) -> api.Stream:
        """Return the size of a channel's main stream, zeros where the NVR does not say."""
        unknown = api.Stream(0, 0, 0)
        return self._optional(lambda: self._detail("GetEnc", channel, api.stream), unknown)

    def has_battery(self, channel: int) -> bool:
        """Return whether a camera runs on a battery; asking does not wake it."""
        return self._optional(
            lambda: self._detail("GetBatteryInfo", channel, api.has_battery), False
        )

    def snapshot(
        self, channel: int, seconds: float | None = None, others: Others = Others.UNKNOWN
    ) -> bytes:
        """Return what the NVR sends as a picture of `channel`, within `seconds` for one request.

        What befalls it is the channel's own fault while the NVR answers another question, or the
        `others` show that it works. A camera that refuses twice is asked for the size that it calls
        its own.

        Raises:
            Isolated: this channel gives no picture, but the NVR works.
            Busy: the same again may succeed in a second.
            ChannelFailed, Timeout, Unsupported: this channel gives no picture.
            BadFrame: the answer broke off, or does not even begin as a picture.
        """
        limit = seconds or self.bound_seconds
        return self._with_token(
            lambda token, known: self._picture(channel, token, limit, known), others
        )

    def logout(self) -> None:
        """Give the slot back, within a few seconds."""
        self._slot.logout()

    def close(self) -> None:
        """Log out and close the connection; whoever is next may then ask at once."""
        self.logout()
        self._transport.close()
        self._client.await_gap()

    # One request

    def _picture(self, channel: int, token: str, limit: float, others: Others) -> bytes:
        until = self._clock.monotonic() + limit
        if self._wanted.is_old(channel, self._clock.monotonic()):
            self._ask_for_sizes(channel, token, others)
        size = self._wanted.of(channel)
        try:
            return self._sized(channel, token, until, size, others)
        except (Isolated, Unsupported, BadFrame):
            self._wanted.failed(channel)
            picture = self._other_size(channel, token, until, size)
            if picture is None:
                raise
            return picture

    def _other_size(
        self, channel: int, token: str, until: float, before: Size | None
    ) -> bytes | None:
        monotonic = self._clock.monotonic()
        if until - monotonic < 2 * SNAPSHOT_GAP_SECONDS or not self._wanted.look(
            channel, monotonic
        ):
            return None
        self._ask_for_sizes(channel, token, Others.VOUCHING)
        for size in self._wanted.others(channel, before):
            if self._clock.monotonic() >= until:
                break
            with suppress(ChannelFailed, BadFrame):
                return self._sized(channel, token, until, size, Others.VOUCHING)
        return None

    def _ask_for_sizes(self, channel: int, token: str, others: Others) -> None:
        sizes: list[Size] = []
        with suppress(ChannelFailed):
            body = api.command("GetEnc", channel=channel)
            sizes = api.sizes(self._ask_camera("GetEnc", token, body, others))
        self._wanted.offered(channel, sizes, self._clock.monotonic())

    def _sized(
        self, channel: int, token: str, until: float, size: Size | None, others: Others
    ) -> bytes:
        limit = min(until - self._clock.monotonic(), self._timeout)
        answer = self._client.told_apart(
            token, lambda: self._client.snapshot(channel, token, limit, size), others
        )
        if not answer.startswith(SOI):
            raise BadFrame(no_picture(answer))
        self._wanted.worked(channel, size, self._clock.monotonic())
        return answer

    def _command(self, name: str) -> api.Value:
        return self._with_token(lambda token, _: self._client.ask(name, token, api.command(name)))

    def _detail(self, name: str, channel: int, read: Callable[[api.Value], Answer]) -> Answer:
        body = api.command(name, channel=channel)
        return self._with_token(
            lambda token, others: read(visible(self._ask_camera(name, token, body, others))),
            Others.ANSWERED,  # for it must have listed the channel
        )

    def _ask_camera(self, name: str, token: str, body: api.Request, others: Others) -> api.Value:
        return self._client.told_apart(
            token, lambda: self._client.ask_camera(name, token, body), others
        )

    def _optional(self, ask: Callable[[], Answer], unknown: Answer) -> Answer:
        try:
            return ask()
        except Unsupported:
            return unknown

    def _with_token(
        self, ask: Callable[[str, Others], Answer], others: Others = Others.UNKNOWN
    ) -> Answer:
        """Ask with a living token; if the NVR does not know it, log in and ask once more.

        Should the NVR not even know the new one, those that it answered about are right.
        """
        self._client.begin()
        if self._awaits_turn:  # the daemon, whose turn it was, may have taken a snapshot right now
            self._awaits_turn = False
            self._client.quiet(SNAPSHOT_GAP_SECONDS)
        try:
            token = self._slot.token()
            try:
                return self._slot.counted(lambda: ask(token, others))
            except SessionExpired:
                token = self._slot.token_after_loss()
            known = Others.VOUCHING if others is Others.ANSWERED else others
            return self._slot.counted(lambda: ask(token, known))
        except (SessionExpired, LoginRefused):
            self.logout()
            raise
