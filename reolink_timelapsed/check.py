"""The `test` command: looks at all that capturing and stitching need and says what it found."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TextIO

from reolink_timelapsed import encode, judgement, ledger, reach, sandbox
from reolink_timelapsed.abilities import lacking
from reolink_timelapsed.access import closed, demand_use
from reolink_timelapsed.api import Channel, Stream
from reolink_timelapsed.config import Config
from reolink_timelapsed.errors import (
    BadFrame,
    ChannelFailed,
    StoreError,
    TimelapseError,
    Unreachable,
)
from reolink_timelapsed.humanize import for_days, printable
from reolink_timelapsed.jpeg import picture_size
from reolink_timelapsed.mount import Mount
from reolink_timelapsed.places import daemon_unit
from reolink_timelapsed.roster import Roster
from reolink_timelapsed.session import Session
from reolink_timelapsed.store import Store

_FREE: Mapping[str, Mapping[str, str]] = MappingProxyType({})
_GB = 1e9
_MB = 1e6
_HEADINGS = ("channel", "name", "stream", "fps", "snapshot", "size")


@dataclass(slots=True)
class _Findings:
    """What the checks found; `exit_code` is that of the first fault."""

    out: TextIO
    clean: Callable[[str], str]
    exit_code: int = 0
    frame_bytes: int = 0

    def say(self, text: str) -> None:
        self.out.write(f"{printable(text)}\n")
        self.out.flush()

    def line(self, label: str, text: str) -> None:
        self.say(f"{label:<10} {text}")

    def fault(self, label: str, error: TimelapseError) -> None:
        self.line(label, f"FAILED: {error}")
        self.exit_code = self.exit_code or error.exit_code


def run(
    config: Config,
    session: Session,
    store: Store,
    mount: Mount,
    *,
    confinement: Mapping[str, Mapping[str, str]] = _FREE,
    out: TextIO = sys.stdout,
    clean: Callable[[str], str] = str,
) -> int:
    """Check the NVR, its cameras, the disk and ffmpeg; return the exit code of the first fault.

    `confinement` has the properties of the units that will do the work: what this user may do by
    hand they may not. `clean` takes secrets out of what others say.
    """
    findings = _Findings(out, clean)
    try:
        for label, check in (
            ("NVR", lambda: _nvr(config, session, findings)),
            ("disk", lambda: _disk(config, store, mount, findings)),
            ("service", lambda: _service(config, store, confinement, findings)),
            ("ffmpeg", lambda: _ffmpeg(findings)),
        ):
            _guarded(label, check, findings)
    finally:
        session.close()
    return findings.exit_code


def _ffmpeg(findings: _Findings) -> None:
    findings.line("ffmpeg", f"{findings.clean(encode.version())}, with libx264")


def _guarded(label: str, check: Callable[[], None], findings: _Findings) -> None:
    try:
        check()
    except TimelapseError as error:
        findings.fault(label, error)


def _nvr(config: Config, session: Session, findings: _Findings) -> None:
    findings.line("address", config.nvr.host)
    device = session.device()
    findings.line("protocol", _protocol(config, session))
    shared = ", in the daemon's session" if session.borrowed else ""
    findings.line("login", f"accepted for {config.nvr.username}{shared}")
    findings.line("NVR", f"{device.model}, firmware {device.firmware}")
    roster = Roster(session, config.capture)
    roster.refresh(0.0)
    rows = [_HEADINGS, *(_camera(session, channel, findings) for channel in roster.channels)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    for row in rows:
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        findings.say("  ".join(cells).rstrip())


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


def _camera(session: Session, channel: Channel, findings: _Findings) -> tuple[str, ...]:
    start, stream = (str(channel.number), channel.name), _stream(session, channel)
    try:
        picture = session.snapshot(channel.number)
        width, height = picture_size(picture)
    except (ChannelFailed, BadFrame) as error:
        findings.exit_code = findings.exit_code or error.exit_code
        return (*start, *_described(stream), "FAILED", f"{error}: {error.remedy}")
    findings.frame_bytes += len(picture)
    size = f"{len(picture) / _MB:.2f} MB"
    return (*start, *_described(stream), f"{width}x{height}", size)


def _stream(session: Session, channel: Channel) -> Stream:
    """Ask for what is good to know, and nothing more: pictures come without it."""
    try:
        return session.stream(channel.number)
    except ChannelFailed:
        return Stream(0, 0, 0)


def _described(stream: Stream) -> tuple[str, str]:
    size = f"{stream.width}x{stream.height}" if stream.width else "unknown"
    return size, str(stream.fps or "unknown")


def _disk(config: Config, store: Store, mount: Mount, findings: _Findings) -> None:
    demand_use(store.root, config.setup)
    mount.check()
    store.open()
    free = store.free_bytes()
    text = f"{store.root}: {free / _GB:.1f} GB free"
    frames = config.capture.duration / config.capture.interval
    if findings.frame_bytes:
        daily = findings.frame_bytes * frames
        usable = max(free - config.storage.min_free_bytes, 0)
        seconds = config.capture.interval.total_seconds()
        text += (
            f", enough for {for_days(usable / daily)} of frames"
            f" ({daily / _GB:.1f} GB a day at {seconds:g} s)"
        )
    findings.line("disk", text)
    for lack in lacking(store):
        findings.line("disk", lack)
    if findings.frame_bytes:
        _warn_of_small_disk(config, store, findings)
    if free < config.storage.min_free_bytes:
        raise StoreError(
            f"less than storage.min_free_gb ({config.storage.min_free_gb:g} GB) is free: "
            "capture would pause"
        )


def _warn_of_small_disk(config: Config, store: Store, findings: _Findings) -> None:
    storage, capture = config.storage, config.capture
    usable = max(store.free_bytes() - storage.min_free_bytes, 0)
    held = ledger.held_bytes(store, storage.keep_frames_days + 1)
    daily = findings.frame_bytes * (capture.duration / capture.interval)
    for warning in judgement.shortage(usable + held, daily, storage.keep_frames_days):
        findings.line("WARNING", warning)


def _service(
    config: Config, store: Store, confinement: Mapping[str, Mapping[str, str]], findings: _Findings
) -> None:
    """Judge for the units, whose sandbox is not around this command."""
    root = Path(os.path.realpath(store.root))
    for properties in confinement.values():
        if why := sandbox.obstacle(properties, root):
            raise StoreError(closed(store.root, why, config.setup))
    daemon = daemon_unit(config.path)
    if words := reach.obstacle(config.nvr.host, confinement.get(daemon, {}), daemon):
        raise Unreachable(words)
    if confinement:
        findings.line("service", "its units may write there, and speak to the NVR")
