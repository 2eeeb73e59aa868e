"""Counts, lengths and foreign words as people read them."""

from __future__ import annotations

from datetime import timedelta

_WHOLE_FROM, _YEARS_FROM = 10, 1000
"""Days."""


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
