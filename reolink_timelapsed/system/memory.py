"""What this machine has for work that could take all of it: memory, and processor cores."""

from __future__ import annotations

import os
import re
from pathlib import Path

from reolink_timelapsed.humanize import MB


def cores() -> int:
    """Return the processor cores this process may use."""
    return len(os.sched_getaffinity(0))


def available_mb(root: Path = Path("/")) -> float:
    """Return the memory that may be taken now, in MB: the machine's, and that of our cgroups.

    `root` is where the system's /proc and /sys are found.
    """
    left = [_machine_mb(root), *_cgroup_mb(root)]
    return min((value for value in left if value is not None), default=float("inf"))


def _machine_mb(root: Path) -> float | None:
    found = re.search(r"^MemAvailable:\s+(\d+) kB", _text(root / "proc/meminfo"), re.MULTILINE)
    return int(found[1]) * 1024 / MB if found else None


def _cgroup_mb(root: Path) -> list[float]:
    """Return what each memory cgroup that holds this process still allows."""
    rooms: list[float] = []
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            rooms += _rooms(root / "sys/fs/cgroup", path, "memory.max", "memory.current")
            rooms += _rooms(root / "sys/fs/cgroup", path, "memory.high", "memory.current")
        elif "memory" in controllers.split(","):
            mount = root / "sys/fs/cgroup/memory"
            rooms += _rooms(mount, path, "memory.limit_in_bytes", "memory.usage_in_bytes")
    return rooms


def _rooms(mount: Path, path: str, limit: str, usage: str) -> list[float]:
    """Return what a group and those above it allow; one without a limit says nothing."""
    group = mount / path.lstrip("/")
    groups = (one for one in (group, *group.parents) if one.is_relative_to(mount))
    rooms = (_room(one, limit, usage) for one in groups)
    return [room for room in rooms if room is not None]


def _room(group: Path, limit: str, usage: str) -> float | None:
    most, used = _number(group / limit), _number(group / usage)
    if most is None or used is None:
        return None
    return max(most - used + _file_cache(group), 0) / MB


def _file_cache(group: Path) -> int:
    """Return the bytes of files in a group's memory: they give way when memory is wanted."""
    lines = (line.split() for line in _text(group / "memory.stat").splitlines())
    stat = {line[0]: int(line[1]) for line in lines if len(line) == 2}
    prefix = "total_" if "total_inactive_file" in stat else ""
    return sum(stat.get(f"{prefix}{kind}_file", 0) for kind in ("active", "inactive"))


def _number(path: Path) -> int | None:
    text = _text(path).strip()
    return int(text) if text.isdigit() else None


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
