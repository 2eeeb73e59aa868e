"""The `test` command: looks at all that capturing and stitching need and says what it found."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TextIO

from reolink_timelapsed.cli import check_nvr
from reolink_timelapsed.cli.findings import Findings
from reolink_timelapsed.config.places import daemon_unit
from reolink_timelapsed.config.settings import Config, StorageConfig
from reolink_timelapsed.errors import ExitCode, StoreError, TimelapseError, Unreachable
from reolink_timelapsed.humanize import for_days, gigabytes
from reolink_timelapsed.media import graph
from reolink_timelapsed.nvr import reach
from reolink_timelapsed.nvr.session import Session
from reolink_timelapsed.storage import coverage
from reolink_timelapsed.storage.abilities import lacking
from reolink_timelapsed.storage.access import closed, demand_use
from reolink_timelapsed.storage.disk import Mount
from reolink_timelapsed.storage.space import shortage
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system import sandbox

_FREE: Mapping[str, Mapping[str, str]] = MappingProxyType({})


def run(
    config: Config,
    session: Session,
    store: Store,
    mount: Mount,
    *,
    confinement: Mapping[str, Mapping[str, str]] = _FREE,
    out: TextIO = sys.stdout,
    clean: Callable[[str], str] = str,
) -> ExitCode:
    """Check the NVR, its cameras, the disk and ffmpeg; return the exit code of the first fault.

    `confinement` has the properties of the units that will do the work: what this user may do by
    hand they may not. `clean` takes secrets out of what others say.
    """
    findings = Findings(out, clean)
    try:
        for label, check in (
            ("NVR", lambda: check_nvr.run(config, session, findings)),
            ("disk", lambda: _disk(config, store, mount, findings)),
            ("service", lambda: _service(config, store, confinement, findings)),
            ("ffmpeg", lambda: _ffmpeg(findings)),
        ):
            _guarded(label, check, findings)
    finally:
        session.close()
    return findings.exit_code


def _ffmpeg(findings: Findings) -> None:
    findings.line("ffmpeg", f"{findings.clean(graph.version())}, with libx264")


def _guarded(label: str, check: Callable[[], None], findings: Findings) -> None:
    try:
        check()
    except TimelapseError as error:
        findings.fault(label, error)


def _disk(config: Config, store: Store, mount: Mount, findings: Findings) -> None:
    demand_use(store.root, config.setup)
    mount.check()
    store.open()
    free = store.free_bytes()
    text = f"{store.root}: {gigabytes(free)} free"
    daily = findings.frame_bytes * (config.capture.duration / config.capture.interval)
    usable = max(free - config.storage.min_free_bytes, 0)
    if daily:
        seconds = config.capture.interval.total_seconds()
        text += (
            f", enough for {for_days(usable / daily)} of frames"
            f" ({gigabytes(daily)} a day at {seconds:g} s)"
        )
    findings.line("disk", text)
    for lack in lacking(store):
        findings.line("disk", lack)
    if daily:
        _warn_of_small_disk(config.storage, store, usable, daily, findings)
    if free < config.storage.min_free_bytes:
        raise StoreError(
            f"less than storage.min_free_gb ({config.storage.min_free_gb:g} GB) is free: "
            "capture would pause"
        )


def _warn_of_small_disk(
    storage: StorageConfig, store: Store, usable: int, daily: float, findings: Findings
) -> None:
    held = coverage.held_bytes(store, storage.keep_frames_days + 1)
    for warning in shortage(usable + held, daily, storage.keep_frames_days):
        findings.line("WARNING", warning)


def _service(
    config: Config, store: Store, confinement: Mapping[str, Mapping[str, str]], findings: Findings
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
