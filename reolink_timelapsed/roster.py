"""Which cameras take part: asked of the NVR at the start, hourly, and after errors."""

from __future__ import annotations

import logging
from dataclasses import replace

from reolink_timelapsed.api import Channel
from reolink_timelapsed.config import CaptureConfig
from reolink_timelapsed.errors import ChannelFailed
from reolink_timelapsed.session import Session

REFRESH_SECONDS = 3600.0
REFRESH_AFTER_ERROR_SECONDS = 60.0
NAMELESS = "Camera"
"""The name of a channel to which the NVR gives none."""

log = logging.getLogger(__name__)


class Roster:
    """The channels to capture, in the order of their numbers.

    A channel that the NVR calls offline stays on the roster: that word is not to be trusted.
    """

    def __init__(self, session: Session, config: CaptureConfig) -> None:
        self._session = session
        self._config = config
        self._names: dict[int, str] = {}
        self._batteries: dict[int, bool] = {}
        self._said: set[str] = set()
        self.channels: tuple[Channel, ...] = ()
        self._refresh_at = 0.0

    def due(self, now: float) -> bool:
        """Whether it is time to ask again; `now` is monotonic, in seconds."""
        return not self.channels or now >= self._refresh_at

    def soon(self, now: float) -> None:
        """Ask again within a minute: something did not go as the roster says."""
        self._refresh_at = min(self._refresh_at, now + REFRESH_AFTER_ERROR_SECONDS)

    def refresh(self, now: float) -> None:
        """Ask the NVR for its channels, one question after the other.

        Raises:
            NvrError: if it does not answer; the roster stays as it was.
        """
        found = [channel for channel in self._session.channels() if self._wanted(channel)]
        complete = True
        named = []
        for channel in found:
            try:
                if not self._is_left_alone(channel):
                    named.append(self._named(channel))
            except ChannelFailed as error:
                log.debug("channel %d: no details yet: %s", channel.number, error)
                complete = False
        self._tell(named)
        self.channels = tuple(named)
        self._refresh_at = now + (REFRESH_SECONDS if complete else REFRESH_AFTER_ERROR_SECONDS)

    def _wanted(self, channel: Channel) -> bool:
        return not self._config.channels or channel.number in self._config.channels

    def _is_left_alone(self, channel: Channel) -> bool:
        """Whether this is a battery camera: a snapshot would wake it, for minutes.

        Firmware that knows battery cameras says `sleep` for every channel, so the others are
        asked whether they have a battery, which wakes nobody.
        """
        if self._config.battery_cameras == "include" or channel.asleep is None:
            return False
        if not channel.asleep and channel.number not in self._batteries:
            self._batteries[channel.number] = self._session.has_battery(channel.number)
        if not (channel.asleep or self._batteries[channel.number]):
            return False
        self._once(
            f"{channel.camera.folder} runs on a battery and is left alone, since every snapshot "
            "would wake it; set capture.battery_cameras to include if you want it"
        )
        return True

    def _named(self, channel: Channel) -> Channel:
        """Return the channel with a name worth a folder: its own, else the one in its picture."""
        if channel.name and not channel.name.isdigit():
            return channel
        if channel.number not in self._names:
            name = self._session.osd_name(channel.number) if channel.online else ""
            if not name and channel.online is False:
                return replace(channel, name=channel.name or NAMELESS)
            self._names[channel.number] = name or channel.name or NAMELESS
        return replace(channel, name=self._names[channel.number])

    def _tell(self, channels: list[Channel]) -> None:
        before = {channel.camera for channel in self.channels}
        after = {channel.camera for channel in channels}
        if before == after:
            return
        names = ", ".join(sorted(camera.folder for camera in after)) or "none"
        log.info("cameras: %s", names)
        missing = set(self._config.channels) - {channel.number for channel in channels}
        if missing:
            numbers = ", ".join(map(str, sorted(missing)))
            log.warning("capture.channels names %s, where the NVR has no camera", numbers)

    def _once(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            log.info("%s", text)
