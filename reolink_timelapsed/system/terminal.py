"""A terminal: one line of it that is drawn over and over, cut to its width."""

from __future__ import annotations

import os
import unicodedata
from contextlib import suppress
from typing import TextIO

ERASE = "\r\x1b[K"
"""Takes away what stands in the cursor's line, and begins it anew."""

_USUAL_COLUMNS = 80


def drawable(stream: TextIO) -> TextIO | None:
    """Return `stream` if it is a terminal that draws over its own lines, else None."""
    clever = os.environ.get("TERM", "dumb") != "dumb"
    return stream if clever and stream.isatty() else None


class StatusLine:
    """The last line of a terminal, for as long as nothing else is written; None: nowhere."""

    def __init__(self, terminal: TextIO | None) -> None:
        self._terminal = terminal

    def show(self, text: str) -> None:
        """Draw it anew, as much of `text` as the terminal is wide now."""
        if self._terminal:
            self._write(f"\r{cut(text, columns(self._terminal) - 1)}\x1b[K")

    def clear(self) -> None:
        """Take it away."""
        self._write(ERASE)

    def _write(self, text: str) -> None:
        if self._terminal:
            with suppress(OSError):  # a terminal that is gone costs nothing but the sight
                self._terminal.write(text)
                self._terminal.flush()


def columns(terminal: TextIO) -> int:
    """Return how many characters stand in a line of it; a serial line does not know, and says 0."""
    try:
        return os.get_terminal_size(terminal.fileno()).columns or _USUAL_COLUMNS
    except OSError:
        return _USUAL_COLUMNS


def cut(text: str, cells: int) -> str:
    """Return as much of the beginning of `text` as fits into so many cells of a terminal.

    What has no shape of its own, line breaks and controls included, becomes a space.
    """
    shown = ""
    for character in text:
        cells -= _cells(character)
        if cells < 0:
            break
        shown += character if character.isprintable() else " "
    return shown


def _cells(character: str) -> int:
    """East Asian letters take two cells, what is put upon the letter before takes none."""
    if unicodedata.category(character) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
