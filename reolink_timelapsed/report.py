"""The `status` command: reads what the daemon and the stitch left on disk, and judges it.

It writes nothing, and needs neither the NVR nor its password.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import TextIO

from reolink_timelapsed import sidecar
from reolink_timelapsed.board import FILE_NAME
from reolink_timelapsed.clock import Clock
from reolink_timelapsed.config import Config
from reolink_timelapsed.coverage import DayRecord
from reolink_timelapsed.days import SETTLE, Days
from reolink_timelapsed.errors import StoreError
from reolink_timelapsed.humanize import span
from reolink_timelapsed.overview import (
    CameraNow,
    Daemon,
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
from reolink_timelapsed.past import Live, Past
from reolink_timelapsed.places import unit_name
from reolink_timelapsed.reading import read_state
from reolink_timelapsed.report_text import render
from reolink_timelapsed.schedule import Window
from reolink_timelapsed.store import Store
from reolink_timelapsed.turn import CAPTURE, Turn

_NAME = "reolink-timelapse"


def run(
    config: Config,
    store: Store,
    clock: Clock,
    *,
    zone: tzinfo,
    runtime: Path,
    by_hand: Path,
    as_json: bool,
    out: TextIO = sys.stdout,
) -> int:
    """Print how things stand; return 1 if there is a fault, else 0.

    It is one if a camera is silent that should give frames, or the disk takes none. A daemon says
    how it is in `runtime` or, if it was started by hand, in `by_hand`.

    Raises:
        StoreError: if the data folder is not there, or not for this user to read.
    """
    overview = gather(config, store, clock.now(), zone=zone, runtime=runtime, by_hand=by_hand)
    if as_json:
        text = json.dumps(to_json(overview), indent=2)
        out.write(text.replace("\x7f", r"\u007f") + "\n")  # the one that JSON leaves as it is
    else:
        out.write(render(overview))
    return 1 if overview.faults else 0


def runtime_folder(config: Config, environ: Mapping[str, str]) -> Path:
    """Return where the daemon says how it is: systemd's runtime directory of the same unit.

    A unit `reolink-timelapse@garden` has both its configuration and this under that name.
    """
    if folder := environ.get("RUNTIME_DIRECTORY"):
        return Path(folder)
    return Path("/run", unit_name(config.path))


def gather(
    config: Config, store: Store, now: datetime, *, zone: tzinfo, runtime: Path, by_hand: Path
) -> Overview:
    """Read all of it."""
    _demand_readable(store.root)
    daemon, live = _daemon(runtime / FILE_NAME)
    if daemon is None and Turn(by_hand, CAPTURE).is_taken():
        daemon, live = _daemon(by_hand / FILE_NAME)
    past = Past(store, config.capture, now, zone, live)
    window = past.current_window()
    due = window and past.due_since(window)
    interval = past.interval(window.day) if window else config.capture.interval
    sightings = past.sightings()
    watched = wanted(sightings, config.capture.channels)
    started = daemon.started if daemon else None
    open_for = silence(None, window, interval, now, started)
    cameras = [
        CameraNow(
            folder=one.folder,
            newest=one.newest,
            wanted=one in watched,
            silent=silence(one.newest, due if one.newest else window, interval, now, started)
            if one in watched
            else None,
            videos=_last_videos(store, one.folder),
        )
        for one in sightings
    ]
    return Overview(
        now=now,
        zone=zone,
        interval=interval,
        window=window,
        next_start=past.next_start(),
        daemon=daemon,
        disk=Disk(
            folder=str(store.root),
            free=store.free_bytes(),
            kept_free=config.storage.min_free_bytes,
            daily=sum(past.daily_bytes(one.folder, window) for one in watched),
        ),
        films=_films(Days(store, config.capture, zone), past),
        cameras=cameras,
        days=list(past.days(window)),
        faults=[
            *_pauses(daemon),
            *_faults(cameras, open_for),
            *_absent(config.capture.channels, sightings, open_for),
        ],
    )


def _demand_readable(root: Path) -> None:
    try:
        os.listdir(root)
        os.listdir(root / "frames")
    except FileNotFoundError:
        if not root.is_dir():
            raise StoreError(
                f"there is no {root}: the first start of the daemon makes it (`sudo systemctl "
                f"enable --now {_NAME}`), unless its disk is not mounted"
            ) from None
    except PermissionError as error:
        raise StoreError(
            f"{error.filename} is not for this user to read: run `sudo {_NAME} status`"
        ) from None


def _daemon(path: Path) -> tuple[Daemon | None, Live | None]:
    """Return what the daemon last said, and its record of the day under way."""
    value = read_state(path)
    try:
        since = datetime.fromisoformat(value["since"]).astimezone(UTC)
        logged_in, pause = bool(value["logged_in"]), str(value.get("pause", ""))
        started = value.get("started")
        began = datetime.fromisoformat(started).astimezone(UTC) if started else None
        daemon = Daemon(str(value["state"]), since, logged_in, pause, began)
        record = DayRecord.from_json(value["day"])
    except (TypeError, KeyError, ValueError, AttributeError):
        return None, None
    return daemon, Live(record, since) if record else None


def _pauses(daemon: Daemon | None) -> list[str]:
    return [f"capture pauses: {daemon.pause}"] if daemon and daemon.pause else []


def _absent(
    wanted: Sequence[int], sightings: list[Sighting], longest: timedelta | None
) -> list[str]:
    """Name the channels of the configuration of which nothing was ever seen."""
    missing = set(wanted) - {one.camera.channel for one in sightings}
    if not sightings or not longest:
        return []
    return [f"channel {number} has never given a frame" for number in sorted(missing)]


def _faults(cameras: list[CameraNow], longest: timedelta | None) -> list[str]:
    """Say who is silent; `longest` is how long the window has been open, if long enough."""
    watched = [one for one in cameras if one.wanted]
    silent = [(one.folder, one.silent) for one in watched if one.silent]
    if not watched and longest:
        return [f"no camera has given a frame in the {span(longest)} of this window"]
    if len(silent) == len(watched) > 1:
        shortest = min(length for _, length in silent)
        return [f"no camera has given a frame for {span(shortest)}"]
    return [f"{folder} has given no frame for {span(length)}" for folder, length in silent]


def _last_videos(store: Store, folder: str) -> LastVideos | None:
    videos = store.videos(folder)
    if not videos:
        return None
    day = videos[-1].day
    files = [str(store.video_path(video)) for video in videos if video.day == day]
    proven = (sidecar.read(store.sidecar_path(folder, day)) or {}).get("videos", {})
    seconds = max((video["seconds"] for video in proven.values()), default=None)
    return LastVideos(day, files, seconds, sum(video["bytes"] for video in proven.values()))


def _films(days: Days, past: Past) -> Films:
    waits = [
        (folder, day)
        for folder in past.store.camera_folders()
        for day in days.lacking(folder)
        if past.frame_names(folder, day)
    ]
    due = past.window_to_film({day for _, day in waits})
    late = [(folder, day) for folder, day in waits if _is_late(past.window(day), past)]
    return Films(
        next_run=next_run(past.now, past.zone),
        next_day=due.day if due else None,
        next_videos=next_run(max(past.now, due.end + SETTLE), past.zone) if due else None,
        lacking=late,
    )


def _is_late(window: Window | None, past: Past) -> bool:
    """Tell whether a stitch has already had the chance to make the videos of a day."""
    return window is not None and next_run(window.end + SETTLE, past.zone) <= past.now
