"""The `status` command: reads what the daemon and the stitch left on disk, and judges it.

It writes nothing, and needs neither the NVR nor its password.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path
from typing import TextIO

from reolink_timelapsed.config.places import (
    NAME,
    daemon_unit,
    is_of_unit,
    stitch_timer,
    stitch_unit,
    unit_name,
)
from reolink_timelapsed.config.settings import Config, config_option
from reolink_timelapsed.errors import ExitCode, StoreError
from reolink_timelapsed.status import judgement
from reolink_timelapsed.status.history import DAYS, Past
from reolink_timelapsed.status.overview import (
    CameraNow,
    Disk,
    Films,
    LastVideos,
    Overview,
    Sighting,
    next_run,
    silence,
    to_json,
    wanted,
)
from reolink_timelapsed.status.services import Ask, Names, Services
from reolink_timelapsed.status.text import render
from reolink_timelapsed.storage import coverage, daemon_state, sidecar
from reolink_timelapsed.storage.daemon_state import Daemon
from reolink_timelapsed.storage.days import SETTLE
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system.clock import Clock
from reolink_timelapsed.system.disk_errors import left_out
from reolink_timelapsed.system.lock import CAPTURE, Turn
from reolink_timelapsed.system.reading import is_folder, names_in


def run(
    config: Config,
    store: Store,
    clock: Clock,
    *,
    zone: tzinfo,
    runtime: Path,
    by_hand: Path,
    as_json: bool,
    services: Services | None = None,
    out: TextIO = sys.stdout,
) -> ExitCode:
    """Print how things stand; return whether there is a fault.

    It is one if a camera is silent that should give frames, the disk takes none, videos are
    overdue, or a unit has failed, as `services` tell. A daemon says how it is in `runtime` or, if
    it was started by hand, in `by_hand`.

    Raises:
        StoreError: if the data folder is not there, or not for this user to read.
    """
    overview = gather(
        config,
        store,
        clock.now(),
        zone=zone,
        runtime=runtime,
        by_hand=by_hand,
        services=services,
    )
    if as_json:
        text = json.dumps(to_json(overview), indent=2)
        out.write(text.replace("\x7f", r"\u007f") + "\n")  # the one that JSON leaves as it is
    else:
        out.write(render(overview))
    return ExitCode.FAULT if overview.faults else ExitCode.OK


def runtime_folder(config: Config, environ: Mapping[str, str]) -> Path:
    """Return where the daemon says how it is: systemd's runtime directory of the same unit.

    A unit `reolink-timelapse@garden` has both its configuration and this under that name.
    """
    if folder := environ.get("RUNTIME_DIRECTORY"):
        return Path(folder)
    return Path("/run", unit_name(config.path))


def services_of(config: Config, ask: Ask) -> Services | None:
    """Ask systemd for the units that read these settings; None where there are none."""
    path = config.path
    if path and not is_of_unit(path):
        return None
    return Services.look(Names(daemon_unit(path), stitch_unit(path), stitch_timer(path)), ask)


def gather(
    config: Config,
    store: Store,
    now: datetime,
    *,
    zone: tzinfo,
    runtime: Path,
    by_hand: Path,
    services: Services | None = None,
) -> Overview:
    """Read all of it."""
    _demand_readable(store.root)
    daemon, live = daemon_state.read(runtime)
    if daemon is None and Turn(by_hand, CAPTURE).is_taken():
        daemon, live = daemon_state.read(by_hand)
    past = Past(store, config.capture, now, zone, live)
    channels, sightings = config.capture.channels, past.sightings()
    watched = wanted(sightings, channels)
    overdue = _Overdue(past, daemon, services)
    cameras = [_camera(one, watched, overdue, channels) for one in sightings]
    disk = _disk(config, past, watched)
    films = _films(past, services)
    open_for = overdue.silence(None)
    return Overview(
        now=now,
        zone=zone,
        interval=overdue.interval,
        window=overdue.window,
        next_start=past.next_start(),
        daemon=daemon,
        disk=disk,
        films=films,
        cameras=cameras,
        days=list(past.days(overdue.window)),
        faults=[
            *judgement.pauses(daemon),
            *judgement.silent(cameras, open_for, now, runs=daemon is not None),
            *(judgement.absent(channels, sightings) if sightings and open_for else ()),
            *(services.faults() if services else ()),
            *judgement.overdue(films, f"sudo {NAME}{config_option(config.path)} stitch"),
            *judgement.barren(films, store.root / "frames"),
        ],
        warnings=list(judgement.small_disk(disk)),
        silent_daemon=services.daemon_words() if services else "not running, as far as can be seen",
    )


class _Overdue:
    """Since when frames have been due."""

    def __init__(self, past: Past, daemon: Daemon | None, services: Services | None) -> None:
        self.store = past.store
        self._now = past.now
        self.window = past.current_window()
        self._due = self.window and past.due_since(self.window)
        self.interval = past.known.interval(self.window.day if self.window else past.today)
        # One that ends again and again is not to hide it.
        ends = services is not None and services.daemon_ends_by_itself
        self._started = daemon.started if daemon and not ends else None

    def silence(self, newest: datetime | None) -> timedelta | None:
        window = self._due if newest else self.window
        return silence(newest, window, self.interval, self._now, self._started)


def _camera(
    one: Sighting, watched: Sequence[Sighting], overdue: _Overdue, channels: Sequence[int]
) -> CameraNow:
    return CameraNow(
        folder=one.folder,
        newest=one.newest,
        wanted=one in watched,
        silent=overdue.silence(one.newest) if one in watched else None,
        videos=_last_videos(overdue.store, one.folder),
        fate=judgement.fate(one, watched, channels),
    )


def _disk(config: Config, past: Past, watched: Sequence[Sighting]) -> Disk:
    store, storage = past.store, config.storage
    window = past.current_window()
    return Disk(
        folder=str(store.root),
        free=store.free_bytes(),
        kept_free=storage.min_free_bytes,
        daily=sum(past.daily_bytes(one.folder, window) for one in watched),
        held=coverage.held_bytes(store, storage.keep_frames_days + 1),
        keep_days=storage.keep_frames_days,
    )


def _demand_readable(root: Path) -> None:
    try:
        there = is_folder(root)
        names_in(root)
        names_in(root / "frames")
    except StoreError as error:
        cause = error.__cause__
        if not isinstance(cause, PermissionError):
            raise
        raise StoreError(
            f"{cause.filename} is not for this user to read: run `sudo {NAME} status`"
        ) from None
    if not there:
        raise StoreError(
            f"there is no {root}: the first start of the daemon makes it (`sudo systemctl "
            f"enable --now {NAME}`), unless its disk is not mounted"
        )


def _last_videos(store: Store, folder: str) -> LastVideos | None:
    with left_out():
        return _videos_told(store, folder)
    return None


def _videos_told(store: Store, folder: str) -> LastVideos | None:
    videos = store.videos(folder)
    if not videos:
        return None
    day = videos[-1].day
    files = [str(store.video_path(video)) for video in videos if video.day == day]
    filmed = sidecar.read(store.sidecar_path(folder, day))
    proven = filmed.videos.values() if filmed else ()
    seconds = max((video.seconds for video in proven), default=None)
    return LastVideos(day, files, seconds, sum(video.bytes for video in proven))


def _films(past: Past, services: Services | None) -> Films:
    waits = [
        (folder, day)
        for folder in past.store.camera_folders()
        for day in _lacking(past, folder)
        if past.frame_names(folder, day)
    ]
    due = past.window_to_film({day for _, day in waits})
    at_work = Turn(past.store.root / ".work", "stitch.lock").is_taken()
    at_work = at_work or bool(services and services.stitch_is_at_work)
    is_on = services is None or services.timer_is_on
    strike = services.next_run(past.zone) if services else None
    return Films(
        next_run=(strike or next_run(past.now, past.zone)) if is_on else None,
        next_day=due.day if due else None,
        next_videos=next_run(max(past.now, due.end + SETTLE), past.zone) if due and is_on else None,
        lacking=[one for one in waits if _chances(one[1], past) > 0],
        overdue=[one for one in waits if not at_work and _chances(one[1], past) > 1],
        barren=_barren(past),
        at_work=at_work,
        is_known=services is not None,
    )


def _barren(past: Past) -> list[tuple[str, date]]:
    """Return the days of the last week that have frames, but none of which a video can be made."""
    found = []
    for folder in past.store.camera_folders():
        with left_out():
            for day in past.store.frame_days(folder):
                recent = past.today - DAYS * timedelta(days=1) < day <= past.today
                film = sidecar.read(past.store.sidecar_path(folder, day)) if recent else None
                if film and film.barren and past.frame_names(folder, day):
                    found.append((folder, day))
    return found


def _chances(day: date, past: Past) -> int:
    """Return how many runs of the stitch there were for the videos of a day: 0, 1, or 2 for more.

    The first one may still be at work, or have been missed by a machine that was off.
    """
    window = past.known.window(day)
    if window is None:
        return 0
    first = next_run(window.end + SETTLE, past.zone)
    return (first <= past.now) + (next_run(first, past.zone) <= past.now)


def _lacking(past: Past, folder: str) -> list[date]:
    with left_out():
        return past.known.lacking(folder)
    return []
