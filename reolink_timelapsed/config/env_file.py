"""Files of environment variables, read as systemd reads its EnvironmentFile=: systemd.exec(5).

That is less than what a shell does: nothing is expanded, `export` is no word of it, and a comment
stands on a line of its own.
"""

from __future__ import annotations

import re
from pathlib import Path

from reolink_timelapsed.config.written import read_written
from reolink_timelapsed.errors import ConfigError

_BLANKS = " \t\r\n"
_LINE = re.compile(
    r"[ \t\r\n]*(?:(?P<comment>[#;][^\r\n]*)|(?P<name>[^ \t\r\n][^=\r\n]*)(?P<equals>=?))"
)
_PIECE = re.compile(
    r"[ \t]*(?:'(?P<single>[^']*)'?"
    r'|"(?P<double>(?:\\.|[^"\\])*)(?:"|\\?\Z)'
    r"|(?P<bare>(?:\\(?:.|\Z)|[^\\\r\n])+))",
    re.DOTALL,
)
"""Quoted pieces may follow each other; after the first bare character quotes are ordinary ones."""

_QUOTED = re.compile(r"\\(\n|[\"\\`$])")
_BARE = re.compile(r"\\(?P<kept>.?)|(?P<plain>.)", re.DOTALL)
_EXPORT = re.compile(r"export\s+")


def parse(text: str) -> dict[str, str]:
    """Return the variables of such a file; of two of one name the later counts."""
    found: dict[str, str] = {}
    at = 0
    while line := _LINE.match(text, at):
        at = line.end()
        if line["equals"]:
            found[line["name"].strip(_BLANKS)], at = _value(text, at)
    return found


def read(path: Path) -> dict[str, str]:
    """Return the variables in the file at `path`, none if there is no such file.

    Raises:
        ConfigError: this user may not read it, or systemd would make nothing of it.
    """
    try:
        found = parse(read_written(path).decode())
    except FileNotFoundError:
        return {}
    except PermissionError:
        raise ConfigError(
            [f"{path} holds settings of the units, and not for this user: run it with sudo."]
        ) from None
    except UnicodeDecodeError:
        raise ConfigError([f"{path} is not UTF-8 text, and systemd reads none of it."]) from None
    except OSError as error:
        raise ConfigError([f"{path} cannot be read ({error.strerror})."]) from error
    if problems := [_exported(path, name) for name in found if _EXPORT.match(name)]:
        raise ConfigError(problems)
    return found


def _exported(path: Path, name: str) -> str:
    """Tell of what a shell would know, and systemd does not."""
    bare = _EXPORT.sub("", name)
    return f"{path}: systemd reads no `{name}=`, write `{bare}=` without the first word."


def _value(text: str, at: int) -> tuple[str, int]:
    """Return the value that begins at `at`, and where it ends."""
    value = ""
    while piece := _PIECE.match(text, at):
        at = piece.end()
        if piece["bare"] is not None:
            return value + _bare(piece["bare"]), at
        quoted = piece["double"] or ""
        value += piece["single"] or _QUOTED.sub(lambda one: one[1].strip("\n"), quoted)
    return value, at


def _bare(text: str) -> str:
    """Take the backslashes out; a blank at the end counts only behind one."""
    made, end = "", 0
    for part in _BARE.finditer(text):
        made += part["plain"] or (part["kept"] or "").strip("\r\n")
        if part["plain"] is None or part["plain"] not in _BLANKS:
            end = len(made)
    return made[:end]
