"""One YAML file of settings in, every value as it was written out, and all that is wrong with it.

A settings file has sections, a section has keys, a key has one value or a list of them. Values
stay the text that stands in the file: YAML 1.1 would make 240 of `04:00`, False of `no` and 83 of
a password `0123`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import yaml

from reolink_timelapsed.config.written import read_written

_STANDARD_TAG = "tag:yaml.org,2002:"
_NAME = re.compile(r"[\w-]+")
_QUOTED = re.compile(r" '[\w!-]{2,}'")
_QUOTE_IT = "must be one plain value: put it into quotes if it has special characters"


class Written(NamedTuple):
    """A value as written, its parts joined by commas if `listed`; an empty one is "".

    It stands between the characters `start` and `end` of the file; `indent` is its key's column.
    """

    path: str
    text: str
    line: int
    listed: bool
    start: int
    end: int
    indent: int


class Problem(NamedTuple):
    """What is wrong on a line (0 where there is none to name), as a whole sentence."""

    line: int
    sentence: str


class SettingsFile:
    """A parsed file: its `settings` in the order they stand there, and the `problems` with it.

    Where not even YAML could be read, `is_yaml` is False, and nothing is known of the settings.
    `names` holds the keys of each section that may occur. With a `text`, `path` is not read but
    named in what there is to say.
    """

    def __init__(
        self, path: Path, names: Mapping[str, Sequence[str]], text: str | None = None
    ) -> None:
        self.problems: list[Problem] = []
        self.is_yaml = True
        self._path = path
        self._names = names
        self.text = self._read() if text is None else text
        self._lines = self.text.splitlines()
        root = self._compose()
        self.is_yaml = not self.problems
        self.settings = list(self._sections(root))

    def _read(self) -> str:
        try:
            return read_written(self._path).decode("utf-8-sig")
        except OSError as error:
            self._complain(0, _remedy(error, self._path))
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            self._complain(line, "this is not UTF-8 text; save the file as UTF-8")
        return ""

    def _compose(self) -> yaml.Node | None:
        try:
            return yaml.compose(self.text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            self._complain(mark.line + 1 if mark else 1, _syntax_remedy(error.problem or "?"))
        except yaml.reader.ReaderError as error:
            line = self.text.count("\n", 0, error.position) + 1
            self._complain(line, "this is not text: there is a control character; remove it")
        except RecursionError:
            self._complain(0, "this is not a settings file: its brackets are nested too deep")
        return None

    def _sections(self, root: yaml.Node | None) -> Iterator[Written]:
        if root is None or _is_null(root):
            return
        if not isinstance(root, yaml.MappingNode):
            self._complain(_line(root), "settings stand in sections, such as `nvr:`")
            return
        for label, node in self._pairs(root, self._names, ""):
            name = str(label.value)
            if isinstance(node, yaml.MappingNode):
                yield from self._keys(name, node)
            elif not _is_null(node):
                self._complain(_line(label), f"{name} is a section: its keys go below it, indented")

    def _keys(self, section: str, node: yaml.MappingNode) -> Iterator[Written]:
        for label, value in self._pairs(node, self._names[section], f"{section}."):
            name, line = str(label.value), _line(label)
            listed = isinstance(value, yaml.SequenceNode)
            texts = [_text(part) for part in (value.value if listed else [value])]
            if None in texts or self._is_marked(name, line):
                self._complain(line, f"{section}.{name} {_QUOTE_IT}")
            else:
                joined = ",".join(text or "" for text in texts)
                start, end = value.start_mark.index, value.end_mark.index
                column = label.start_mark.column
                yield Written(f"{section}.{name}", joined, line, listed, start, end, column)

    def _pairs(
        self, node: yaml.MappingNode, known: Iterable[str], prefix: str
    ) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
        """Yield the known names, each with its value; complain about the others."""
        seen: dict[str, int] = {}
        for label, value in node.value:
            name = label.value if isinstance(label, yaml.ScalarNode) else "(a list or a section)"
            line = _line(label)
            if name in seen:
                self._complain(line, f"{prefix}{name} stands on line {seen[name]}, too: remove one")
            elif name not in known:
                self._complain(line, self._unknown(prefix, name, known))
            else:
                yield label, value
            seen.setdefault(name, line)

    def _unknown(self, prefix: str, name: str, known: Iterable[str]) -> str:
        """Name the nearest setting there is; a key may also stand in the wrong section.

        A name that is near to none is not repeated: it may be a piece of a password.
        """
        homes = {key: f"{section}.{key}" for section, keys in self._names.items() for key in keys}
        homes |= {section: section for section in self._names}
        close = difflib.get_close_matches(name.lower(), homes, n=1)
        if close and _NAME.fullmatch(name):
            return f"there is no setting {prefix}{name}; the nearest is {homes[close[0]]}"
        place = prefix.removesuffix(".") or "the file"
        return f"this setting is unknown; {place} has {', '.join(known)}"

    def _is_marked(self, name: str, line: int) -> bool:
        """Whether YAML takes for a tag, an anchor or an alias what was meant as a value: `&x`."""
        rest = self._lines[line - 1].partition(name)[2].lstrip("\"'").removeprefix(":").lstrip()
        return rest[:1] in {"&", "!", "*"}

    def _complain(self, line: int, sentence: str) -> None:
        place = f"{self._path}, line {line}" if line else str(self._path)
        self.problems.append(Problem(line, f"{place}: {sentence}."))


def _text(node: yaml.Node) -> str | None:
    """Return a plain value as written, "" if there is none, None if it is not a plain value."""
    if not isinstance(node, yaml.ScalarNode) or not node.tag.startswith(_STANDARD_TAG):
        return None
    return "" if _is_null(node) else str(node.value)


def _is_null(node: yaml.Node) -> bool:
    return node.tag == _STANDARD_TAG + "null"


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _remedy(error: OSError, path: Path) -> str:
    if isinstance(error, FileNotFoundError):
        return f"no such file; `sudo reolink-timelapse --config {path} setup` writes one"
    if isinstance(error, PermissionError):
        return "this user may not read it: run the command with sudo"
    return error.strerror or str(error)


def _syntax_remedy(words: str) -> str:
    if r"'\t'" in words:
        return "this is not YAML: indent with blanks, not with tabs"
    shown = _QUOTED.sub("", words)  # what is quoted may be a password
    return (
        f"this is not YAML ({shown}): indent the keys of a section alike, put `: ` after each,"
        " and values with special characters into quotes"
    )
