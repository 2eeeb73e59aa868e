"""The NVR's part of `test`: lets itself in, and takes a picture of every camera."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reolink_timelapsed.capture.cameras import Roster
from reolink_timelapsed.capture.fault_log import Story
from reolink_timelapsed.cli.findings import Findings
from reolink_timelapsed.config.settings import Config
from reolink_timelapsed.errors import (
    BadFrame,
    Busy,
    ChannelFailed,
    ConfigError,
    Isolated,
    NoConnection,
    NvrError,
    Offline,
    SessionExpired,
    Unreachable,
    Unsupported,
    no_picture_of_any,
)
from reolink_timelapsed.humanize import megabytes, pixels
from reolink_timelapsed.media.jpeg import picture_size
from reolink_timelapsed.nvr.api import Channel, Stream
from reolink_timelapsed.nvr.session import Session

_HEADINGS = ("channel", "name", "stream", "fps", "snapshot", "size")
_UNKNOWN = Stream(0, 0, 0)
_OF_THE_NVR = (Unreachable, SessionExpired)

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Sight:
    """A camera, and its picture's size in pixels and bytes, or why there is none."""

    channel: Channel
    stream: Stream
    size: tuple[int, int] = (0, 0)
    length: int = 0
    error: NvrError | BadFrame | None = None


def run(config: Config, session: Session, findings: Findings) -> None:
    """Look at the NVR and at each of its cameras, whatever becomes of the others.

    Raises:
        NvrError: the NVR does not let us in, or gives no picture of any camera.
        ConfigError: capture.channels names what the NVR does not have.
    """
    findings.line("address", config.nvr.host)
    _device(config, session, findings)
    roster = Roster(session, config.capture, story=Story(is_told=False))
    roster.refresh_until_known()
    sights = [_look(session, channel) for channel in roster.channels]
    _show(_told_apart(sights), findings)
    _say_untested(config, roster, findings)
    _require_cameras(config, roster)
    _require_pictures(sights)


def _device(config: Config, session: Session, findings: Findings) -> None:
    """Say what the NVR is; one that does not is no reason to look no further."""
    error: NvrError | None = None
    try:
        device = session.device()
    except NvrError as caught:
        if not session.logged_in or isinstance(caught, NoConnection):
            raise
        error = caught
    findings.line("protocol", _protocol(config, session))
    shared = ", in the daemon's session" if session.borrowed else ""
    findings.line("login", f"accepted for {config.nvr.username}{shared}")
    if error is None:
        findings.line("NVR", f"{device.model}, firmware {device.firmware}")
    elif isinstance(error, Unsupported):
        findings.line("NVR", f"does not say to this user what it is ({error})")
    else:
        findings.fault("NVR", error)


def _protocol(config: Config, session: Session) -> str:
    print_ = session.fingerprint()
    if not print_:
        return "http (the password goes through the network unencrypted)"
    if config.nvr.tls_fingerprint:
        return f"https, by the certificate in nvr.tls_fingerprint, {print_}"
    return (
        "https, any certificate is taken; to take no other than this one, set nvr.tls_fingerprint "
        f"to {print_}"
    )


# Cameras


def _look(session: Session, channel: Channel) -> _Sight:
    stream = _stream(session, channel)
    try:
        picture, size = _picture(session, channel.number)
    except NoConnection:
        raise
    except (ChannelFailed, BadFrame, *_OF_THE_NVR) as error:
        return _Sight(channel, stream, error=error)
    return _Sight(channel, stream, size, len(picture))


def _picture(session: Session, channel: int) -> tuple[bytes, tuple[int, int]]:
    """Ask once more where that may help: a fault may pass, or a camera want to be told a size."""
    try:
        picture = session.snapshot(channel)
        return picture, picture_size(picture)
    except (Busy, Unsupported, BadFrame):
        picture = session.snapshot(channel)
        return picture, picture_size(picture)


def _stream(session: Session, channel: Channel) -> Stream:
    """Ask for what is good to know, and nothing more: pictures come without it."""
    try:
        return session.stream(channel.number)
    except (ChannelFailed, Unreachable):
        return _UNKNOWN


def _told_apart(sights: list[_Sight]) -> list[_Sight]:
    """Return what was seen; what befell a camera while another gave a picture is its own fault."""
    if all(sight.error for sight in sights):
        return sights
    return [
        _Sight(sight.channel, sight.stream, error=Isolated(sight.error))
        if isinstance(sight.error, _OF_THE_NVR)
        else sight
        for sight in sights
    ]


def _show(sights: list[_Sight], findings: Findings) -> None:
    rows = [_HEADINGS, *(_row(sight) for sight in sights)] if sights else []
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        findings.say("  ".join(cells).rstrip())
    for sight in sights:
        findings.frame_bytes += sight.length
        if sight.error:
            findings.failed(sight.error)


def _row(sight: _Sight) -> Row:
    start = (str(sight.channel.number), sight.channel.name, *_described(sight.stream))
    if sight.error is None:
        return (*start, pixels(sight.size), megabytes(sight.length, ".2f"))
    remedy = f": {sight.error.remedy}" if isinstance(sight.error, (ChannelFailed, BadFrame)) else ""
    return (*start, "FAILED", f"{sight.error}{remedy}")


def _described(stream: Stream) -> tuple[str, str]:
    size = pixels((stream.width, stream.height)) if stream.width else "unknown"
    return size, str(stream.fps or "unknown")


# What was not tested


def _say_untested(config: Config, roster: Roster, findings: Findings) -> None:
    for channel in roster.left_alone:
        text = "runs on a battery and was not tested: see capture.battery_cameras"
        findings.line("skipped", f"{channel.camera.folder} {text}")
    for channel in _unseen(config, roster):
        error = Offline(f"channel {channel.number} is offline, and was not tested")
        findings.fault("camera", error)


def _unseen(config: Config, roster: Roster) -> list[Channel]:
    """Return the cameras that the NVR lists, but of which it knows no name while they are off."""
    wanted = config.capture.channels
    seen = _numbers((*roster.channels, *roster.left_alone))
    return [
        one
        for one in roster.listed
        if one.number not in seen and (not wanted or one.number in wanted)
    ]


def _require_cameras(config: Config, roster: Roster) -> None:
    listed = _numbers(roster.listed)
    if absent := set(config.capture.channels) - listed:
        text = (
            f"capture.channels names {_joined(absent)}, where the NVR has no camera, so that none "
            f"was tested there: it lists {_joined(listed) or 'none'}"
        )
        raise ConfigError([text])
    if not roster.channels:
        reason = (
            "all run on batteries: set capture.battery_cameras to include"
            if roster.left_alone
            else "the NVR lists none: connect one, or give the NVR's user the right to see it"
        )
        raise Unreachable(f"no camera was tested, and none would be captured; {reason}")


def _numbers(channels: Iterable[Channel]) -> set[int]:
    return {channel.number for channel in channels}


def _joined(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, sorted(numbers)))


def _require_pictures(sights: list[_Sight]) -> None:
    """Blame the NVR where all cameras fail in a way that is not a camera's."""
    odd = [sight.error for sight in sights if isinstance(sight.error, (Isolated, *_OF_THE_NVR))]
    if len(odd) == len(sights) > 1 and odd[0]:
        raise no_picture_of_any(odd[0])
