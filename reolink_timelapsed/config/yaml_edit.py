"""Changes single values in the text of a settings file and leaves every other character alone."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from reolink_timelapsed.config.yaml_file import SettingsFile, Written
from reolink_timelapsed.errors import ConfigError

Names = Mapping[str, Sequence[str]]

_PLAIN = re.compile(r"(?!(?:y|yes|n|no|on|off|true|false|null)\Z)/?[A-Za-z][\w./-]*", re.IGNORECASE)
_ADDRESS = re.compile(r"(https?://)?[\w-]+(\.[\w-]+)+", re.ASCII)
_INDENT = "  "


def edited(path: Path, text: str, names: Names, changes: Mapping[str, str]) -> str:
    """Return `text`, which is what `path` holds, with the value of every `section.name` changed.

    Raises:
        ConfigError: the file is written in a way that this module does not know how to change.
    """
    before = _texts(path, text, names)
    for name, value in changes.items():
        text = _with(SettingsFile(path, names, text), name, value)
    if _texts(path, text, names) != before | dict(changes):
        lines = "; ".join(f"{name}: {_scalar(value)}" for name, value in changes.items())
        raise ConfigError([f"{path} is too unusual to be changed here; write into it: {lines}."])
    return text


def _texts(path: Path, text: str, names: Names) -> dict[str, str]:
    return {written.path: written.text for written in SettingsFile(path, names, text).settings}


def _with(file: SettingsFile, path: str, value: str) -> str:
    for written in file.settings:
        if written.path == path:
            return _replaced(file.text, written, value)
    section, _, name = path.partition(".")
    siblings = [written for written in file.settings if written.path.startswith(f"{section}.")]
    return _inserted(file.text, section, f"{name}: {_scalar(value)}", siblings)


def _replaced(text: str, written: Written, value: str) -> str:
    """Put `value` in the place of the old one; a comment behind it stays."""
    start, end = written.start, written.end
    tail = "\n" + text[end:] if text[start:end].endswith("\n") else text[end:]
    blank = " " if value else ""
    return f"{text[:start].rstrip(' ')}{blank}{_scalar(value)}{tail}"


def _inserted(text: str, section: str, line: str, siblings: list[Written]) -> str:
    """Add a line to a section: above its first key, else below its name, else at the end."""
    lines = text.splitlines(keepends=True)
    if siblings:
        lines.insert(siblings[0].line - 1, f"{' ' * siblings[0].indent}{line}\n")
        return "".join(lines)
    for number, head in enumerate(lines, 1):
        if re.fullmatch(rf"{section}:\s*(#.*)?", head.rstrip()):
            lines[number - 1] = head.rstrip("\r\n") + "\n"
            lines.insert(number, f"{_INDENT}{line}\n")
            return "".join(lines)
    newline = "" if not text or text.endswith("\n") else "\n"
    return f"{text}{newline}{section}:\n{_INDENT}{line}\n"


def _scalar(value: str) -> str:
    """Return `value` as YAML; quoted unless every reader of YAML takes it for the same text."""
    is_address = _ADDRESS.fullmatch(value) and not _is_number(value)
    if not value or _PLAIN.fullmatch(value) or is_address:
        return value
    return json.dumps(value, ensure_ascii=False)


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True
