"""Decides when frames may be filed by this machine's clock; if need be it asks the NVR's."""

from __future__ import annotations

from datetime import datetime, timedelta

from reolink_timelapsed.capture.timecheck import (
    LONG_PATIENCE_SECONDS,
    PATIENCE_SECONDS,
    agrees,
    disagreement,
    doubt,
    speaks_against,
)
from reolink_timelapsed.errors import ChannelFailed
from reolink_timelapsed.nvr.session import Session
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system.clock import Clock
from reolink_timelapsed.system.disk_errors import left_out

ASK_AGAIN_SECONDS = 600.0
_ASK_AGAIN_SOON_SECONDS = 30.0


class Timekeeper:
    """Trusts the clock for good once it is synchronised, or the NVR's agrees.

    Also once the machine has been up for long enough and nothing speaks against its clock.
    """

    def __init__(self, session: Session, store: Store, clock: Clock) -> None:
        self._session = session
        self._store = store
        self._clock = clock
        self._trusted = False
        self._nvr: tuple[datetime, ...] = ()
        self._answered_at = 0.0
        self._ask_at = 0.0
        self._newest: datetime | None = None

    @property
    def is_patient(self) -> bool:
        """Whether the machine has only just started, and a time server may yet answer."""
        contradicted = speaks_against(self._clock.now(), self._nvr_now())
        patience = LONG_PATIENCE_SECONDS if contradicted else PATIENCE_SECONDS
        return self._clock.monotonic() < patience

    def doubt(self, *, ask: bool) -> str:
        """Return what speaks against this machine's clock, "" once it is trusted.

        `ask` permits a question to the NVR.

        Raises:
            NvrError, Stopped: the NVR was asked, and did not say.
        """
        if self._trusted or self._clock.synchronised():
            self._trusted = True
            return ""
        if ask:
            self._ask_nvr()
        now, nvr = self._clock.now(), self._nvr_now()
        against = doubt(now, self._newest_frame(), nvr)
        if not against and self.is_patient and not agrees(now, nvr):
            against = "it is not synchronised yet"
        self._trusted = not against
        return against

    def is_confirmed(self) -> bool:
        """Whether a time server or the NVR says that this machine's clock is right."""
        return self._clock.synchronised() or agrees(self._clock.now(), self._nvr_now())

    def objection(self, before: datetime, *, ask: bool) -> str:
        """Return why the clock, that was set otherwise, is not to be followed; "" if it is.

        `before` is the time by its setting before; `ask` permits a question to the NVR.

        Raises:
            NvrError, Stopped: the NVR was asked, and did not say.
        """
        if ask:
            self._ask_nvr()
        now, nvr = self._clock.now(), self._nvr_now()
        if agrees(before, nvr) and not agrees(now, nvr):
            return disagreement(now, nvr)
        return doubt(now, None, nvr)

    def _ask_nvr(self) -> None:
        if self._clock.monotonic() < self._ask_at:
            return
        try:
            self._nvr = self._session.device_times()
        except ChannelFailed:  # so it is called where the NVR itself works: it will not say now
            self._ask_at = self._clock.monotonic() + _ASK_AGAIN_SOON_SECONDS
        else:
            self._answered_at = self._clock.monotonic()
            self._ask_at = self._answered_at + ASK_AGAIN_SECONDS

    def _nvr_now(self) -> list[datetime]:
        """Return what the NVR's clock must say by now."""
        passed = timedelta(seconds=self._clock.monotonic() - self._answered_at)
        return [moment + passed for moment in self._nvr]

    def _newest_frame(self) -> datetime | None:
        """Return when the last frame was taken; looked for once, for that is no small work."""
        if self._newest is None:
            with left_out():
                frames = map(self._store.newest_frame, self._store.camera_folders())
                self._newest = max((frame.moment for frame in frames if frame), default=None)
        return self._newest
