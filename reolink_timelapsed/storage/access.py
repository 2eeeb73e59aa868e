"""May this process write into the data folder: told before the first frame is lost, with a remedy.

A sandbox and a foreign owner look like a damaged disk or like nothing at all from within.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path

from reolink_timelapsed.config.places import SERVICE_USER
from reolink_timelapsed.config.settings import setup_command
from reolink_timelapsed.errors import StoreError
from reolink_timelapsed.system import privileges, sandbox
from reolink_timelapsed.system.disk_errors import translated

_MOUNTS = Path("/proc/self/mountinfo")
_FOLDERS = ("frames", "segments", "videos", "coverage", ".work")
_USE = os.R_OK | os.W_OK | os.X_OK


def demand_use(root: Path, setup: str = setup_command(None), *, inner: bool = True) -> None:
    """See that the data folder `root` is open to this process; `setup` is the command's call.

    With `inner` the cameras' folders as well: one that is closed costs its own camera alone.

    Raises:
        StoreError: with what opens it.
    """
    with translated(root):
        _demand_use(root, setup, inner=inner)


def _demand_use(root: Path, setup: str, *, inner: bool) -> None:
    if why := sandbox.obstacle_here(_mounts(), Path(os.path.realpath(root))):
        raise StoreError(closed(root, why, setup))
    if _is_read_only(root):
        return  # for everybody: whoever writes is told so
    me = privileges.me()
    closed_to_me = (one for one in _folders(root, inner=inner) if not privileges.may(one, _USE))
    if foreign := next(closed_to_me, None):
        owner = str(privileges.owner_of(root))
        raise StoreError(f"{foreign} is not for {me} to write into{remedy(root, me, owner)}")


def remedy(root: Path, me: str, owner: str) -> str:
    """Return what lets `me` write into the data folder `root`, whose owner may be another.

    Root's or, for the service, whoever's it is: it is given away. But an ordinary user must not
    take it from its owner, as whom root's commands work.
    """
    if me != SERVICE_USER and owner not in {me, "root"}:
        return f": run the command with sudo, or as {owner}"
    return f", as whom this works: run `sudo chown -R {me}: {shlex.quote(str(root))}`"


def closed(root: Path, why: str, setup: str) -> str:
    """Return what to do about a data folder from which the unit's sandbox keeps the service."""
    return (
        f"{root} is closed to the service by its unit: it {why}; run "
        f"`{setup} --data-dir {shlex.quote(str(root))}`, which opens it to both units"
    )


def _mounts() -> str:
    try:
        return _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return ""


def _is_read_only(root: Path) -> bool:
    there = next(path for path in (root, *root.absolute().parents) if path.exists())
    return bool(os.statvfs(there).f_flag & os.ST_RDONLY)


def _folders(root: Path, *, inner: bool) -> Iterator[Path]:
    """Yield what is there of the folders in which every day's are made."""
    if not root.is_dir():
        return
    yield root
    for name in _FOLDERS:
        if (root / name).is_dir():
            yield root / name
            if inner:
                yield from _inner(root / name)


def _inner(folder: Path) -> Iterator[Path]:
    if privileges.may(folder, os.R_OK | os.X_OK):
        with os.scandir(folder) as entries:
            yield from (
                Path(entry.path) for entry in entries if entry.is_dir(follow_symlinks=False)
            )
