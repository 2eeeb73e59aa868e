"""Counts, lengths and foreign words as people read them."""

from __future__ import annotations

import os
import stat
from datetime import timedelta

SOI = b"\xff\xd8"
"""With which a JPEG begins."""

GB, MB = 1e9, 1e6
"""Bytes: as disks are sold, not as memory is."""

_WHOLE_FROM, _YEARS_FROM = 10, 1000
"""Days."""

_KINDS = {
    stat.S_IFLNK: "a link",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def printable(text: str) -> str:
    """Return `text` with every character escaped that does more than stand there.

    A control character commands the terminal, a line break forges a line of the log, and a
    bidirectional mark lets a line be read in another order than it is written in.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def several(count: int, word: str) -> str:
    """Return a count with its word, which forms its plural by an s."""
    return f"{count} {word}" if count == 1 else f"{count} {word}s"


def gigabytes(size: float, form: str = ".1f") -> str:
    """Return a number of bytes in GB; `form` is how exact."""
    return f"{size / GB:{form}} GB"


def megabytes(size: float, form: str = ".0f") -> str:
    """Return a number of bytes in MB; `form` is how exact."""
    return f"{size / MB:{form}} MB"


def pixels(size: tuple[int, int]) -> str:
    """Return the size of a picture: width and height."""
    return f"{size[0]}x{size[1]}"


def for_days(days: float) -> str:
    """Return a length of time that was reckoned in days: no more exact than it can be known."""
    if days >= _YEARS_FROM:
        return f"{days / 365.25:.0f} years"
    return f"{days:.1f} days" if days < _WHOLE_FROM else f"{days:.0f} days"


def span(length: timedelta) -> str:
    """Return a length of time for people: the two largest units."""
    seconds = round(length.total_seconds())
    units = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))
    parts: list[tuple[int, str]] = []
    for name, size in units:
        count, seconds = divmod(seconds, size)
        if count or parts:
            parts.append((count, name))
    return " ".join(f"{count} {name}" for count, name in parts[:2] if count) or "0 s"


def no_picture(data: bytes) -> str:
    """Say what came instead of a picture: `data` do not begin as a JPEG does."""
    return f"not a JPEG but {_described(data)}" if data else "empty answer instead of a picture"


def _described(data: bytes) -> str:
    head = data[:200].lstrip().lower()
    if head.startswith((b"[", b"{")):
        return f"a JSON text of {len(data)} bytes"
    if head.startswith(b"<"):
        return f"an HTML page of {len(data)} bytes"
    if (start := data[:65_536].find(SOI + b"\xff")) > 0:
        return f"{start} bytes before the start of one"
    return f"{len(data)} unknown bytes"


def kind_of(found: os.stat_result) -> str:
    """Return what an entry is that is no file, for people."""
    return _KINDS.get(stat.S_IFMT(found.st_mode), "something")
