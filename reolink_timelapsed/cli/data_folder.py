"""Another data folder: the folder, its owner and the drop-ins that open it to both units."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

from reolink_timelapsed.cli import setup
from reolink_timelapsed.config import places
from reolink_timelapsed.config.settings import Config, load
from reolink_timelapsed.errors import StoreError, UsageError
from reolink_timelapsed.storage.disk import MARKER
from reolink_timelapsed.system import sandbox, units
from reolink_timelapsed.system.disk_errors import translated
from reolink_timelapsed.system.privileges import User, acting_as, may
from reolink_timelapsed.system.writing import READABLE, remove, write_beside

_SYSTEM = ("/bin", "/boot", "/dev", "/etc", "/lib", "/proc", "/run", "/sbin", "/sys", "/usr")
_EMPTIED = ("/tmp", "/var/tmp")  # noqa: S108
_UNIT_FOLDER = Path("/etc/systemd/system")
_MODE = 0o750
_OURS = {MARKER, "frames", "segments", "videos", "coverage", ".work", ".state", "lost+found"}
"""What may be in it already: ours, copied, and what an empty disk holds."""


def run(config: Path, folder: Path, user: User, say: Callable[[str], None]) -> None:
    """Let frames and videos go to `folder` from now on, as the files of `user`.

    Raises:
        ConfigError: the settings file cannot be changed.
        UsageError, StoreError: as `take`.
    """
    before = load(config, {}, needs_nvr=False) if config.exists() else Config()
    setup.require_writable(config.resolve())
    is_copy = _has_frames(folder)
    take(folder, user)
    drop_ins = open_to_units(config, folder) if places.is_of_unit(config) else []
    setup.write_settings(config.resolve(), {"storage.data_dir": str(folder)})
    say(f"Frames and videos go to {folder} from now on, a folder of {user}.")
    for path in drop_ins:
        say(f"Wrote {path}, which opens it to the unit.")
    old = before.storage.data_dir
    if old != folder and (old / "frames").is_dir():
        say(f"What there is in {old} stays there." + ("" if is_copy else _to_copy(old, folder)))
    say(f"It counts after: sudo systemctl restart {places.unit_name(config)}")


def _has_frames(folder: Path) -> bool:
    with translated(folder):
        frames = folder / "frames"
        return frames.is_dir() and any(frames.iterdir())


def _to_copy(old: Path, folder: Path) -> str:
    source, target = shlex.quote(f"{old}/."), shlex.quote(f"{folder}/")
    return (
        " To take it along, stop the service, run\n"
        f"  sudo cp -a {source} {target}\nand start it again."
    )


def refusal(folder: Path) -> str:
    """Return why no frames and videos should lie there, "" if they may."""
    if any(folder.is_relative_to(path) for path in _SYSTEM):
        return f"{folder} is the system's: name another folder, such as /srv/timelapse"
    if any(folder.is_relative_to(path) for path in _EMPTIED):
        return f"{folder} is emptied by the system: name another folder, such as /srv/timelapse"
    if _is_shared(folder):
        return (
            f"{folder} holds other things: name a folder that is for this alone, such as "
            f"{folder / 'timelapse'}"
        )
    return ""


def _is_shared(folder: Path) -> bool:
    with translated(folder):
        if len(folder.parts) < 2 or (folder.exists() and not folder.is_dir()):
            return True
        names = set(os.listdir(folder)) if folder.is_dir() else set()
    return MARKER not in names and not names <= _OURS


def take(folder: Path, user: User) -> None:
    """Make the folder, or take it over with all that is in it, for `user`.

    Raises:
        UsageError: it should not be ours.
        StoreError: it cannot be made, or that user cannot get there or write there.
    """
    if words := refusal(folder):
        raise UsageError(words)
    with translated(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        if not folder.is_dir():
            folder.mkdir(mode=_MODE)
        if os.geteuid() == 0 and user.uid:
            _give(folder, user)
    _demand_use(folder, user)


def _give(folder: Path, user: User) -> None:
    """Give a folder and what is in it to `user`; no link is followed."""
    for _, folders, files, here in os.fwalk(folder, follow_symlinks=False):
        for name in (".", *folders, *files):
            found = os.stat(name, dir_fd=here, follow_symlinks=False)
            if found.st_uid != user.uid:
                os.chown(name, user.uid, user.gid, dir_fd=here, follow_symlinks=False)


def _demand_use(folder: Path, user: User) -> None:
    if os.geteuid() != 0:
        return
    with acting_as(user):
        shut = [path for path in reversed(folder.parents) if not may(path, os.X_OK)]
        usable = may(folder, os.R_OK | os.W_OK | os.X_OK)
    if shut:
        raise StoreError(
            f"{user} may not pass through {shut[0]}: run "
            f"`sudo chmod o+x {shlex.quote(str(shut[0]))}`, or name a folder elsewhere"
        )
    if not usable:
        raise StoreError(
            f"{folder} cannot be given to {user}: if its file system keeps no owners, mount it "
            f"with the options uid={user},gid={user}"
        )


def open_to_units(config: Path, folder: Path, unit_folder: Path = _UNIT_FOLDER) -> list[Path]:
    """Let both units that read `config` write into `folder`; return the drop-ins that say so.

    In the state folder, which they have anyway, there is no need of any.
    """
    drop_ins = [unit_folder / f"{unit}.d" / sandbox.DROP_IN for unit in _units(config)]
    needed = not folder.is_relative_to(places.state_home(config))
    for path in drop_ins:
        if needed:
            write_beside(path, sandbox.drop_in(folder).encode(), READABLE)
        else:
            remove(path)
    units.reload()
    return drop_ins if needed else []


def _units(config: Path) -> Iterator[str]:
    yield places.daemon_unit(config)
    yield places.stitch_unit(config)
