"""Which units read a settings file, and where their folders and files are.

A unit for a further NVR, `reolink-timelapse@garage`, has its name in every place of its own.
"""

from __future__ import annotations

from pathlib import Path

NAME = "reolink-timelapse"
SERVICE_USER = "_reolink-timelapse"
DEFAULT_PATH = Path("/etc/reolink-timelapse/config.yaml")


def is_of_unit(path: Path) -> bool:
    """Tell whether a unit reads the settings in `path`: those in a folder of /etc."""
    return path.parent.parent == Path("/etc")


def unit_name(path: Path | None) -> str:
    """Return what the places of the unit are called that reads `path`; None means the default."""
    return path.parent.name if path and is_of_unit(path) else NAME


def daemon_unit(path: Path | None) -> str:
    return f"{unit_name(path)}.service"


def stitch_unit(path: Path | None) -> str:
    return f"{_stitch_name(path)}.service"


def stitch_timer(path: Path | None) -> str:
    return f"{_stitch_name(path)}.timer"


def state_home(path: Path | None) -> Path:
    """Return the state folder of the unit, StateDirectory= in systemd.exec(5)."""
    return Path("/var/lib", unit_name(path))


def environment_file(path: Path | None) -> Path | None:
    """Return the EnvironmentFile= of the units that read `path`, None if no unit does."""
    return Path("/etc/default", unit_name(path)) if path is None or is_of_unit(path) else None


def _stitch_name(path: Path | None) -> str:
    name, at, instance = unit_name(path).partition("@")
    return f"{name}-stitch{at}{instance}"
