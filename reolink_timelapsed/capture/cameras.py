"""Which cameras take part: asked of the NVR at the start, hourly, and after errors."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from dataclasses import replace
from typing import Any, TypeVar

from reolink_timelapsed.capture.fault_log import Story
from reolink_timelapsed.config.settings import CaptureConfig
from reolink_timelapsed.errors import ChannelFailed
from reolink_timelapsed.frame import Camera
from reolink_timelapsed.nvr.api import Channel
from reolink_timelapsed.nvr.session import Session

REFRESH_SECONDS = 3600.0
REFRESH_AFTER_ERROR_SECONDS = 60.0
FORGET_SECONDS = 86400.0
"""How long a camera that has left the NVR's list is still asked for pictures."""

NAMELESS = "Camera"
"""The name of a channel to which the NVR gives none."""

_DETAIL_TRIES = 3
_KEY = "roster"

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class Roster:
    """The channels to capture, in the order of their numbers.

    A camera that the NVR calls offline, or no longer lists, stays for a day: that word is not to
    be trusted. `listed` are all that the NVR lists, `left_alone` those that run on batteries.
    `known` are the cameras of the last days, of which the same holds. `ping` is
    called before every question.
    """

    def __init__(
        self,
        session: Session,
        config: CaptureConfig,
        *,
        story: Story | None = None,
        known: Iterable[Camera] = (),
        ping: Callable[[], None] = lambda: None,
    ) -> None:
        self._session = session
        self._config = config
        self._story = story or Story()
        self._ping = ping
        self._names = {camera.channel: ("", camera.name) for camera in known}
        self._details: dict[Hashable, Any] = {}
        self._tries: Counter[Hashable] = Counter()
        self._gone_since: dict[int, float] = {}
        self._incomplete = False
        self._monotonic = 0.0
        self._refresh_at = 0.0
        self._before: tuple[Channel, ...] = tuple(
            channel
            for camera in sorted(known)
            if self._wanted(channel := Channel(camera.channel, camera.name, online=False))
        )
        self.channels: tuple[Channel, ...] = ()
        self.listed: tuple[Channel, ...] = ()
        self.left_alone: tuple[Channel, ...] = ()

    def due(self, monotonic: float) -> bool:
        """Whether it is time to ask again; `monotonic` in seconds."""
        return not self.channels or monotonic >= self._refresh_at

    def soon(self, monotonic: float) -> None:
        """Ask again within a minute: something did not go as the roster says."""
        self._refresh_at = min(self._refresh_at, monotonic + REFRESH_AFTER_ERROR_SECONDS)

    def refresh(self, monotonic: float) -> None:
        """Ask the NVR for its channels, one question after the other.

        Raises:
            NvrError: if it does not answer; the roster stays as it was.
        """
        self._monotonic = monotonic
        self._incomplete = False
        self._ping()
        self.listed = tuple(self._session.channels())
        self.left_alone = ()
        listed = [channel for channel in self.listed if self._wanted(channel)]
        named = [self._named(channel) for channel in listed if not self._is_left_alone(channel)]
        found = [channel for channel in named if channel]
        found += self._missed(listed, found)
        channels = tuple(sorted(found, key=lambda channel: channel.number))
        self._tell(channels)
        self._before = self.channels = channels
        pause = REFRESH_AFTER_ERROR_SECONDS if self._incomplete else REFRESH_SECONDS
        self._refresh_at = monotonic + pause

    def refresh_until_known(self) -> None:
        """Ask as often as it takes, for a command that cannot come back in a minute.

        Raises:
            NvrError: if the NVR does not answer.
        """
        for _ in range(_DETAIL_TRIES):
            self.refresh(0.0)
            if not self._incomplete:
                break

    def _wanted(self, channel: Channel) -> bool:
        return not self._config.channels or channel.number in self._config.channels

    # Details that the channel status leaves open

    def _is_left_alone(self, channel: Channel) -> bool:
        """Whether this is a battery camera: a snapshot would wake it, for minutes.

        All are asked whether they have a battery, which wakes nobody; but not the oldest firmware,
        which gives neither `sleep` nor names: it is older than battery cameras.
        """
        is_old = channel.asleep is None and not channel.name
        if self._config.battery_cameras == "include" or is_old:
            return False
        key = ("battery", channel.number, channel.uid)
        if channel.asleep:
            self._details[key] = True
        if key not in self._details:
            has_battery = self._detail(key, channel, self._session.has_battery, unknown=False)
            if has_battery is None:
                return channel.online  # until it is known
            self._details[key] = has_battery
        if self._details[key]:
            self.left_alone += (channel,)
            self._story.begin(
                f"battery {channel.number}",
                "battery",
                f"{channel.camera.folder} runs on a battery and is left alone, since every "
                "snapshot would wake it; set capture.battery_cameras to include if you want it",
                self._monotonic,
                logging.INFO,
            )
        return bool(self._details[key])

    def _named(self, channel: Channel) -> Channel | None:
        """Return the channel with a name worth a folder, None where that is not known yet.

        The name is that of the NVR's list, else the one in the picture, else the last one known.
        """
        name = "" if channel.name.isdigit() else channel.name
        if not name:
            key = ("name", channel.number, channel.uid)
            written = self._detail(key, channel, self._session.osd_name, unknown="")
            name = written or self._remembered(channel)
            if not name and written is None:
                return None
        name = name or channel.name or NAMELESS
        self._names[channel.number] = (channel.uid, name)
        return replace(channel, name=name)

    def _remembered(self, channel: Channel) -> str:
        uid, name = self._names.get(channel.number, ("", ""))
        return name if not uid or not channel.uid or uid == channel.uid else ""

    def _detail(
        self, key: Hashable, channel: Channel, ask: Callable[[int], Answer], unknown: Answer
    ) -> Answer | None:
        """Ask about one camera; None where it may yet say, `unknown` once it was asked enough."""
        if not channel.online:
            return None
        self._ping()
        try:
            answer = ask(channel.number)
        except ChannelFailed as error:
            log.debug("channel %d: %s", channel.number, error)
            self._tries[key] += 1
            if self._tries[key] < _DETAIL_TRIES:
                self._incomplete = True
                return None
            answer = unknown
        self._tries.pop(key, None)
        return answer

    # Cameras that the NVR no longer lists

    def _missed(self, listed: list[Channel], found: list[Channel]) -> Iterable[Channel]:
        """Return those of the last time that the NVR has forgotten, but we have not."""
        numbers = {channel.number for channel in listed if channel.name or channel.online}
        numbers |= {channel.number for channel in found}
        arrived = [channel for channel in found if not self._was_there(channel)]
        for channel in self._before:
            if channel.number in numbers or self._has_moved(channel, arrived):
                self._gone_since.pop(channel.number, None)
            elif (
                self._monotonic - self._gone_since.setdefault(channel.number, self._monotonic)
                < FORGET_SECONDS
            ):
                yield replace(channel, online=False)

    def _was_there(self, channel: Channel) -> bool:
        """Whether it was on its channel before; so it is nobody who came from another one."""
        return any(
            other.number == channel.number and _is_same(other, channel) for other in self._before
        )

    @staticmethod
    def _has_moved(channel: Channel, arrived: list[Channel]) -> bool:
        """Whether one of those that arrived is this camera; it is then no other one as well.

        An identifier need not be one camera's: two lenses have one UID, two cameras one name.
        """
        for other in arrived:
            if _is_same(channel, other):
                arrived.remove(other)
                return True
        return False

    # The journal

    def _tell(self, channels: tuple[Channel, ...]) -> None:
        monotonic = self._monotonic
        if not channels:
            text = "the NVR lists no camera to capture: see `reolink-timelapse test`"
            self._story.begin(_KEY, "none", text, monotonic)
            return
        self._story.end(_KEY, "the NVR lists cameras again", monotonic)
        before = [channel.camera.folder for channel in self.channels]
        after = [channel.camera.folder for channel in channels]
        if not before:
            self._story.note(f"cameras: {', '.join(after)}", monotonic)
        elif before != after:
            changes = [f"+ {folder}" for folder in after if folder not in before]
            changes += [f"- {folder}" for folder in before if folder not in after]
            self._story.note(f"cameras have changed: {', '.join(changes)}", monotonic)
        self._tell_renamed(channels)
        self._tell_missing(channels)

    def _tell_renamed(self, channels: tuple[Channel, ...]) -> None:
        """Say why today's frames will be in two films: each name has a folder of its own."""
        before = {channel.number: channel.camera.folder for channel in self._before}
        known = {channel.camera.folder for channel in self._before}
        for channel in channels:
            new, old = channel.camera.folder, before.get(channel.number)
            if old and new not in known:
                self._story.note(
                    f"{old} is called {new} now: this day gets a video under each name, of the "
                    "time before and of that since",
                    self._monotonic,
                )

    def _tell_missing(self, channels: tuple[Channel, ...]) -> None:
        missing = set(self._config.channels) - {channel.number for channel in channels}
        if missing:
            numbers = ", ".join(map(str, sorted(missing)))
            text = f"capture.channels names {numbers}, where the NVR has no camera to capture"
            self._story.begin("channels", numbers, text, self._monotonic)


def _is_same(one: Channel, other: Channel) -> bool:
    """Whether two may be one camera: by UID, else by what is left of a name on disk."""
    if one.uid and other.uid:
        return one.uid == other.uid
    return Camera(0, one.name).folder == Camera(0, other.name).folder


def everything(session: Session) -> list[Channel]:
    """Return all cameras on the NVR's list, batteries included, under the names they will have.

    Raises:
        NvrError: if the NVR does not answer.
    """
    config = CaptureConfig(battery_cameras="include")
    roster = Roster(session, config, story=Story(is_told=False))
    roster.refresh_until_known()
    names = {channel.number: channel.name for channel in roster.channels}
    return [replace(one, name=names.get(one.number, one.name)) for one in roster.listed]
