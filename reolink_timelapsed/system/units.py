"""What systemd knows of the units, and telling it that they have changed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reolink_timelapsed.system.process import output

_RUNS = Path("/run/systemd/system")
"""There while systemd is the init of this machine: sd_booted(3)."""

_PATIENCE_SECONDS = 15.0


def show(unit: str, properties: Sequence[str]) -> dict[str, str]:
    """Return properties of a unit as `systemctl show` prints them; nothing if there is no unit."""
    said = _systemctl("show", unit, f"--property=LoadState,{','.join(properties)}")
    found = dict(line.split("=", 1) for line in said.splitlines() if "=" in line)
    return found if found.pop("LoadState", "") == "loaded" else {}


def reload() -> None:
    """Let systemd read all units anew, if it is there."""
    _systemctl("daemon-reload")


def _systemctl(*words: str) -> str:
    if not _RUNS.is_dir():
        return ""
    try:
        said, _ = output(["systemctl", *words], _PATIENCE_SECONDS)
    except OSError:
        return ""
    return said
