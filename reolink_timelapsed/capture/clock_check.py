"""Can this machine's clock be trusted? Frames are filed by it; if need be the NVR's is asked.

A machine without a clock chip starts with the time of its last shutdown, until a time server has
answered.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta

from reolink_timelapsed.errors import ChannelFailed
from reolink_timelapsed.nvr.session import Session
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system.clock import Clock
from reolink_timelapsed.system.disk_errors import left_out

PATIENCE_SECONDS = 300.0
"""After the machine's start; by then a time server has answered, or there is none."""

LONG_PATIENCE_SECONDS = 1800.0
"""The same where the NVR's clock speaks against ours: after a power cut a router takes its time."""

_AGREEMENT = timedelta(minutes=5)
_QUARTER = timedelta(minutes=15)
_GRAIN = timedelta(seconds=45)
"""Time zones differ by quarters of an hour; so may an NVR that is in the wrong one, or so."""

_BEHIND_THE_NVR = timedelta(hours=26)
"""More than any mistake in the NVR's time zone: the NVR is right, and this machine's clock old."""

_EARLIEST = datetime(2025, 1, 1, tzinfo=UTC)
"""There was no such program before."""

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
        contradicted = _speaks_against(self._clock.now(), self._nvr_now())
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
            return _disagreement(now, nvr)
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


def agrees(now: datetime, nvr: Collection[datetime]) -> bool:
    """Whether the NVR's clock, in any of its readings, says that `now` is right."""
    return now > _EARLIEST and any(abs(now - moment) <= _AGREEMENT for moment in nvr)


def _speaks_against(now: datetime, nvr: Collection[datetime]) -> bool:
    """Whether the NVR's clock is ahead by what no mistake in its time zone can explain."""
    return bool(nvr) and all(_is_no_zone(moment - now) for moment in nvr)


def _is_no_zone(ahead: timedelta) -> bool:
    rest = ahead % _QUARTER
    return ahead > _AGREEMENT and min(rest, _QUARTER - rest) > _GRAIN


def doubt(now: datetime, newest_frame: datetime | None, nvr: Collection[datetime]) -> str:
    """Return why `now` is wrong for certain, "" if it may be right. `nvr` as its readings."""
    if now < _EARLIEST:
        return f"it says {now:%Y-%m-%d}"
    if agrees(now, nvr):
        return ""
    if newest_frame and now < newest_frame - _AGREEMENT:
        return f"it says {_text(now)}, and the newest frame is of {_text(newest_frame)}"
    if nvr and all(moment - now > _BEHIND_THE_NVR for moment in nvr):
        return _disagreement(now, nvr)
    return ""


def _disagreement(now: datetime, nvr: Collection[datetime]) -> str:
    """Return what this machine's clock says, and what the NVR's."""
    return f"it says {_text(now)}, and the NVR's clock {_text(min(nvr))}"


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
