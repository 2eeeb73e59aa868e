"""JSON as devices write it: a bad byte spoils the value it stands in, never the reply.

A name may be cut after 31 bytes in the middle of a letter, be in Latin-1, or hold a raw tab or
quote. What strict JSON can read is read so; the rest is read word by word. UTF-16 is read as far
as it is ASCII: no device is known to write it.
"""

from __future__ import annotations

import json
import re
from typing import Any

LARGEST = 2**18
"""Bytes. The longest reply known has 10 kB; what is read takes up to 35 times its text."""

_DEEPEST = 32
_LONGEST_NUMBER = 20
_NOTHING: tuple[Any, ...] = (None, "", {}, [])
_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
"""Byte order marks."""

_WRONG = re.compile("[\udc80-\udcff]")
"""A byte that is no UTF-8, as Python's "surrogateescape" hands it on."""

_CUT_UTF8 = re.compile("[\udcc2-\udcf4][\udc80-\udcbf]{0,2}\\Z")
"""The first bytes of a letter whose last are missing."""

_CUT_OR_LATIN = re.compile(
    "(?<![A-Z\udcc0-\udcde])(?:[\udcc2-\udcde]|[\udce0-\udcef][\udc80-\udcbf]|"
    "[\udcf0-\udcf4][\udc80-\udcbf]{1,2})\\Z"
)
"""The same where the text might be Latin-1: there, such an end makes no sense in a name."""

_KEY = r'"[^"\\\n]{0,64}"\s*+:'
_MEMBER = re.compile(_KEY)
_GAP = re.compile(r"[\s,]*+")
_MARK_IN_STRING = re.compile(r'\\.|"|\n\s*+', re.DOTALL)
_AFTER_MEMBER = re.compile(rf"\s*+(?:,\s*+)?+(?:\Z|{_KEY}|\}}\s*+(?:[,\]}}]|\Z))")
_AFTER_ITEM = re.compile(r"\s*+(?:\Z|[,\]])")
_NEXT = re.compile(rf"{_KEY}|[\]}}]")
_NAME = re.compile(r'"([^"\\\n]*)"|[^\s:,{}\[\]"]++')
_COLON = re.compile(r"\s*+:\s*+")
_WORD = re.compile(r"[^,\]}\n]*+")
_ODD_BRACE = re.compile(r"\}\s*+,\s*+\{")
_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})|["\\]')


def loads(data: bytes) -> Any:
    """Return the value that `data` holds; a part that cannot be made out is None or missing.

    Raises:
        ValueError: if it is no JSON, is cut short, or is too large or too deep for a reply.
    """
    if len(data) > LARGEST:
        raise ValueError(f"{len(data)} bytes")
    text = _decoded(data)
    try:
        return _strict(text)
    except (ValueError, RecursionError):
        return _Reader(text).read()


def mended(text: str) -> str:
    """Return a text of `loads` in which every byte that was no UTF-8 has become a letter.

    One that stands beside good UTF-8 is damage (U+FFFD, or nothing at the end); where there is no
    UTF-8 at all the text is taken for Latin-1, as Windows extends it.
    """
    if not _WRONG.search(text):
        return text
    if not _WRONG.sub("", text).isascii():
        return _WRONG.sub("\N{REPLACEMENT CHARACTER}", _CUT_UTF8.sub("", text))
    whole = _CUT_OR_LATIN.sub("", text)
    return _WRONG.sub(lambda wrong: _latin(ord(wrong[0]) - 0xDC00), whole)


def _latin(byte: int) -> str:
    return bytes([byte]).decode("cp1252", "replace")


def _decoded(data: bytes) -> str:
    for mark in _MARKS:
        data = data.removeprefix(mark)
    return data.replace(b"\0", b"").decode("utf-8", "surrogateescape")


def _strict(text: str) -> Any:
    return json.loads(text, strict=False, parse_int=_integer, object_pairs_hook=_object)


def _integer(digits: str) -> int | None:
    return int(digits) if len(digits) <= _LONGEST_NUMBER else None


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of a key that is there twice the last counts, as everywhere, unless it holds nothing."""
    found: dict[str, Any] = {}
    for key, thing in members:
        if key not in found or thing not in _NOTHING:
            found[key] = thing
    return found


class _Reader:
    """Reads word by word, and takes up the thread again at the next key, line or bracket."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def read(self) -> Any:
        if self._next() not in "[{":
            raise ValueError("no JSON")
        return self._value(_AFTER_ITEM, 0)

    def _next(self) -> str:
        """Return what comes after blanks and commas, without taking it."""
        self._take(_GAP)
        if self._at == len(self._text):
            raise ValueError("cut short")
        return self._text[self._at]

    def _take(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        self._at = match.end() if match else self._at
        return match[0] if match else ""

    def _value(self, after: re.Pattern[str], depth: int) -> Any:
        if depth > _DEEPEST:
            raise ValueError("too deep")
        match self._text[self._at : self._at + 1]:
            case "{":
                self._at += 1
                return _object(self._members(depth + 1))
            case "[":
                self._at += 1
                return self._items(depth + 1)
            case '"':
                self._at += 1
                return self._string(after)
        return _scalar(self._take(_WORD).strip())

    def _members(self, depth: int) -> list[tuple[str, Any]]:
        """Read the inside of an object, up to its brace or to where that must be missing."""
        found: list[tuple[str, Any]] = []
        while (mark := self._next()) not in "]}{":
            name = self._take(_NAME).strip('"')
            if not name:
                self._at += 1
            elif self._take(_COLON):
                found.append((name, self._value(_AFTER_MEMBER, depth)))
        self._at += mark == "}"
        return found

    def _items(self, depth: int) -> list[Any]:
        """Read the inside of a list, up to its bracket or to where that must be missing."""
        found: list[Any] = []
        while (mark := self._next()) != "]":
            if _MEMBER.match(self._text, self._at):
                return found
            if mark != "}":
                found.append(self._value(_AFTER_ITEM, depth))
            elif _ODD_BRACE.match(self._text, self._at):
                self._at += 1
            else:
                return found
        self._at += 1
        return found

    def _string(self, after: re.Pattern[str]) -> str:
        """Read on to the quote that ends a value: the one that something else follows after."""
        start = self._at
        for mark in _MARK_IN_STRING.finditer(self._text, start):
            self._at = mark.end()
            if mark[0][-1] == '"' and after.match(self._text, self._at):
                return _unescaped(self._text[start : mark.end() - 1])
            if mark[0][0] == "\n" and _NEXT.match(self._text, self._at):
                return _unescaped(self._text[start : mark.start()].rstrip().removesuffix(","))
        raise ValueError("cut short")


def _scalar(word: str) -> Any:
    """Return a number, true, false or null; any other word is a text that lacks its quotes."""
    try:
        return _strict(word)
    except ValueError:
        return word or None


def _unescaped(raw: str) -> str:
    """Return the text that `raw` means; a lone quote or backslash means itself."""
    right = _ESCAPE.sub(lambda mark: mark[0] if len(mark[0]) > 1 else f"\\{mark[0]}", raw)
    return str(json.loads(f'"{right}"', strict=False))
