"""What a unit's sandbox keeps it from: judged from its properties, and from within; what opens it.

Properties are those of systemd.exec(5), as `systemctl show` prints them.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

PROPERTIES = (
    "BindPaths",
    "CacheDirectory",
    "InaccessiblePaths",
    "LogsDirectory",
    "PrivateTmp",
    "ProtectHome",
    "ProtectSystem",
    "ReadOnlyPaths",
    "ReadWritePaths",
    "RuntimeDirectory",
    "StateDirectory",
    "TemporaryFileSystem",
)

READ_ONLY = "may not write there"
HIDDEN = "may not look there"
PRIVATE = "has a folder of its own in that place, which is emptied when it stops"

_HOMES = ("/home", "/root", "/run/user")
_TEMPORARY = ("/tmp", "/var/tmp")  # noqa: S108
_SYSTEM = {
    "strict": ("/",),
    "full": ("/usr", "/boot", "/efi", "/etc"),
    "yes": ("/usr", "/boot", "/efi"),
}
_HOME = {"yes": HIDDEN, "tmpfs": PRIVATE, "read-only": READ_ONLY}
_OWN = {
    "StateDirectory": "/var/lib",
    "CacheDirectory": "/var/cache",
    "LogsDirectory": "/var/log",
    "RuntimeDirectory": "/run",
}
_INNER = {"BindPaths": 1, "TemporaryFileSystem": 0}
"""Which of the parts between colons is the path inside the sandbox."""

_BOUND = re.compile(r"-?/.*?:(/.*?):(?:no)?rbind(?:\s+|\Z)")
"""How BindPaths= is shown: never quoted, so that a path's own blanks stand among the others."""

_OPEN = ""

DROP_IN = "data-dir.conf"
MARK = "# Made by `reolink-timelapse setup --data-dir`, which changes it, and removed by a purge."


class _Rule(NamedTuple):
    """What becomes of all below `path`; of two rules the one of the inner path counts."""

    path: Path
    obstacle: str


def obstacle(properties: Mapping[str, str], folder: Path) -> str:
    """Return what a unit with these properties may not do in `folder`, "" if it may write."""
    above = [rule for rule in _rules(properties) if folder.is_relative_to(rule.path)]
    if any(rule.obstacle == HIDDEN for rule in above):
        return HIDDEN  # nothing inside of it can be opened again
    bound = _paths(properties, "BindPaths")
    if not any(folder.is_relative_to(path) for path in bound):
        above = _without_opening_what_is_away(above)
    return max(above, key=lambda rule: len(rule.path.parts), default=_Rule(folder, _OPEN)).obstacle


def _without_opening_what_is_away(rules: list[_Rule]) -> list[_Rule]:
    """Leave out what opens a folder that is not there: of what is covered, nothing is seen."""
    covered = any(rule.obstacle == PRIVATE for rule in rules)
    return [rule for rule in rules if rule.obstacle == PRIVATE] if covered else rules


def _rules(properties: Mapping[str, str]) -> Iterator[_Rule]:
    protected = _SYSTEM.get(properties.get("ProtectSystem", ""), ())
    yield from _all(protected, READ_ONLY)
    home = properties.get("ProtectHome", "")
    yield from _all(_HOMES if home in _HOME else (), _HOME.get(home, ""))
    yield from _all(_TEMPORARY if properties.get("PrivateTmp", "no") != "no" else (), PRIVATE)
    yield from _all(_paths(properties, "TemporaryFileSystem"), PRIVATE)
    yield from _all(_paths(properties, "ReadOnlyPaths"), READ_ONLY)
    yield from _all(_paths(properties, "InaccessiblePaths"), HIDDEN)
    for name, home in _OWN.items():
        yield from _all((f"{home}/{word}" for word in _words(properties, name)), _OPEN)
    yield from _all(_paths(properties, "ReadWritePaths"), _OPEN)
    yield from _all(_paths(properties, "BindPaths"), _OPEN)


def _all(paths: Iterable[str | Path], what: str) -> Iterator[_Rule]:
    return (_Rule(Path(path), what) for path in paths)


def _paths(properties: Mapping[str, str], name: str) -> list[Path]:
    """Return the paths of a property; of one that takes options, the path inside the sandbox."""
    if name == "BindPaths" and (bound := _BOUND.findall(properties.get(name, ""))):
        return [Path(path) for path in bound]
    words = [word.lstrip("-+") for word in _words(properties, name)]
    if name in _INNER:
        parts = [re.split(r"(?<!\\):", word) for word in words]
        words = [part[min(_INNER[name], len(part) - 1)].replace("\\:", ":") for part in parts]
    return [Path(word) for word in words]


def _words(properties: Mapping[str, str], name: str) -> list[str]:
    try:
        return shlex.split(properties.get(name, ""))
    except ValueError:
        return []


# From within


def obstacle_here(mountinfo: str, folder: Path) -> str:
    """Return what this very process is kept from in `folder`, by /proc/self/mountinfo.

    A file system that is read-only for everybody is no sandbox: it has `ro` among the options of
    its superblock, proc_pid_mountinfo(5).
    """
    mounts = [mount for line in mountinfo.splitlines() if (mount := _mount(line))]
    over = [mount for mount in mounts if folder.is_relative_to(mount.point)]
    # Of several in one place the last covers the others.
    found = max(enumerate(over), key=lambda pair: (len(pair[1].point.parts), pair[0]), default=None)
    return found[1].obstacle if found else _OPEN


class _Mount(NamedTuple):
    point: Path
    obstacle: str


def _mount(line: str) -> _Mount | None:
    """Read a line, None if it is none.

    id, parent, device, root, point, options, optional fields, -, type, source, super options
    """
    left, dash, right = line.partition(" - ")
    fields, last = left.split(" "), right.split(" ")
    if not dash or len(fields) < 6 or len(last) < 3:
        return None
    root, point, options = _unescaped(fields[3]), _unescaped(fields[4]), fields[5].split(",")
    kind, super_options = last[0], last[2].split(",")
    return _Mount(Path(point), _obstacle_of(root, point, kind, options, super_options))


def _obstacle_of(
    root: str, point: str, kind: str, options: list[str], super_options: list[str]
) -> str:
    if "/systemd/inaccessible/" in root or (point in _HOMES[:2] and kind == "tmpfs"):
        return HIDDEN
    if "/systemd-private-" in root:
        return PRIVATE
    return READ_ONLY if "ro" in options and "ro" not in super_options else _OPEN


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)


# What opens it


def drop_in(folder: Path) -> str:
    """Return the lines that let a unit write into `folder`, and wait for its disk."""
    path = _quoted(str(folder))
    lines = [MARK, "[Unit]", f"RequiresMountsFor={path}", "[Service]", f"ReadWritePaths={path}"]
    if any(folder.is_relative_to(home) for home in _HOMES):
        bound = _quoted(str(folder).replace(":", "\\:"))
        lines += ["ProtectHome=tmpfs", f"BindPaths={bound}"]
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """Return `text` as one word of a unit file: systemd.syntax(7), systemd.unit(5)."""
    inner = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{inner}"'
