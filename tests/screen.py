"""A real pseudo-terminal with a real screen behind it, for what is drawn over and over."""

from __future__ import annotations

import os
import pty
import termios
from types import TracebackType
from typing import Self, TextIO

import pyte

LINES = 200
"""More than any test writes: nothing scrolls away."""


class Screen:
    """What somebody sees of a program that writes to `terminal`, or to its `descriptor`."""

    def __init__(self, columns: int) -> None:
        self._ours, self.descriptor = pty.openpty()
        self.terminal: TextIO = os.fdopen(self.descriptor, "w", closefd=False)
        self._screen = pyte.Screen(columns, LINES)
        self._stream = pyte.ByteStream(self._screen)
        self._unread = b""
        self.resize(columns)

    def resize(self, columns: int) -> None:
        termios.tcsetwinsize(self.descriptor, (LINES, columns))
        self._screen.resize(LINES, columns)

    def lines(self) -> list[str]:
        """Return what stands on the screen, once all that was written is read."""
        os.set_blocking(self._ours, False)
        while data := self.read():
            self._stream.feed(data)
        os.set_blocking(self._ours, True)
        return [line.rstrip() for line in self._screen.display[: self._screen.cursor.y + 1]]

    def follow(self, wanted: str) -> None:
        """Read on until `wanted` stands on it, or nobody has it open any more.

        Drawing by drawing: many may come at once, and each but the last is drawn over.
        """
        while not any(wanted in line for line in self._screen.display) and (data := self.read()):
            end = data.find(b"\r", 1)
            self._stream.feed(data if end == -1 else data[:end])
            self._unread = b"" if end == -1 else data[end:]

    def read(self) -> bytes:
        unread, self._unread = self._unread, b""
        if unread:
            return unread
        try:
            return os.read(self._ours, 65536)
        except OSError:  # nothing there, or closed at the other end
            return b""

    def close_ours(self) -> None:
        """Leave the terminal to a child that has it open."""
        self.terminal.close()
        os.close(self.descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._ours)
