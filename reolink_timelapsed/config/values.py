"""Settings as people write them: each function turns a text into its value.

All raise `ValueError` with the rest of a sentence that begins with the setting's name:
"must be a whole number from 1 to 51, not "x"". No message repeats a text that may hold a password.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable
from datetime import time, timedelta
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
Word = TypeVar("Word", bound=str)

_NUMBER = re.compile(r"\d+(\.\d+)?", re.ASCII)
_CLOCK_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?", re.ASCII)
_CHANNEL = re.compile(r"\d{1,3}", re.ASCII)
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_FINGERPRINT_LABEL = re.compile(r"sha-?256( fingerprint)?[:= ]*")
_HOST_NAME = re.compile(r"(?!-)[\w-]{1,63}(\.[\w-]{1,63})*\.?")
_LIKE_IPV4 = re.compile(r"[\d.]+", re.ASCII)
_BRACKETED = re.compile(r"\[([^\]]*)\](?::(.*))?")


def optional(parse: Callable[[str], T]) -> Callable[[str], T | None]:
    """Let an empty text stand for None."""
    return lambda text: parse(text) if text else None


def number(low: float, high: float, unit: str) -> Callable[[str], float]:
    """Return a reader of numbers from `low` to `high`, both included."""

    def parse(text: str) -> float:
        value = float(text) if _NUMBER.fullmatch(text) else -1.0
        if not low <= value <= high:
            raise ValueError(f"must be a number of {unit} from {low:g} to {high:g}, {_not(text)}")
        return value

    return parse


def whole(low: int, high: int, unit: str = "") -> Callable[[str], int]:
    """Return a reader of whole numbers from `low` to `high`, both included."""

    def parse(text: str) -> int:
        value = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else -1
        if not low <= value <= high:
            of_unit = f" of {unit}" if unit else ""
            raise ValueError(f"must be a whole number{of_unit} from {low} to {high}, {_not(text)}")
        return value

    return parse


frame_rate = whole(1, 120)
"""Reads how many pictures of a video are shown in a second."""


def even(low: int, high: int, unit: str) -> Callable[[str], int]:
    """Return a reader of even whole numbers from `low` to `high`, both included."""
    parse_whole = whole(low, high, unit)

    def parse(text: str) -> int:
        value = parse_whole(text)
        if value % 2:
            raise ValueError(f"must be an even number, {_not(text)}: the video format demands it")
        return value

    return parse


def span(low: float, high: float, unit: str) -> Callable[[str], timedelta]:
    """Return a reader of time spans in `unit`: "seconds" or "hours"."""
    parse = number(low, high, unit)
    return lambda text: parse(text) * timedelta(**{unit: 1})


def choice(*words: Word) -> Callable[[str], Word]:
    """Return a reader of one of `words`."""
    known = {str(word): word for word in words}

    def parse(text: str) -> Word:
        if text not in known:
            raise ValueError(f"must be one of {', '.join(words)}, {_not(text)}")
        return known[text]

    return parse


def clock_time(text: str) -> time:
    """Read a time of day on the 24-hour clock: `4:00`, `04:00`, `04:00:30`."""
    match = _CLOCK_TIME.fullmatch(text)
    if not match:
        raise ValueError(f'must be a time of day such as "04:00", {_not(text)}')
    hour, minute, second = (int(part or 0) for part in match.groups())
    return time(hour, minute, second)


def channels(text: str) -> tuple[int, ...]:
    """Read channel numbers (from 0) with commas or blanks between them, sorted; empty means all."""
    words = text.replace(",", " ").split()
    if not all(_CHANNEL.fullmatch(word) for word in words):
        raise ValueError(f"must be channel numbers such as [0, 2, 3], {_not(text)}")
    return tuple(sorted({int(word) for word in words}))


def folder(text: str) -> Path:
    """Read a path that does not depend on where the program was started."""
    path = Path(text)
    if not path.is_absolute():
        raise ValueError(f"must be a whole path that begins with /, {_not(text)}")
    if any(character < " " or "\ud800" <= character <= "\udfff" for character in text):
        raise ValueError(f"must be a path of readable characters, {_not(text)}")
    return path


def login_name(text: str) -> str:
    """Read a user name: at most 31 characters (Camera HTTP API User Guide, Login)."""
    if len(text) > 31 or not text.isprintable():
        raise ValueError("must be 1 to 31 printable characters: the NVR takes no others")
    return text


def secret(text: str) -> str:
    """Read a password: 1 to 31 characters (Camera HTTP API User Guide, Login)."""
    if not text:
        raise ValueError("is empty: write the password of the NVR's user there")
    if not text.isprintable():
        raise ValueError("must be one line of printable characters: remove all else")
    if len(text) > 31:
        raise ValueError(
            f"has {len(text)} characters, and the NVR takes at most 31: give its user a shorter one"
        )
    return text


def fingerprint(text: str) -> str:
    """Read a SHA-256 fingerprint as 64 lower-case hex digits; colons and blanks may part them."""
    digits = _FINGERPRINT_LABEL.sub("", text.lower()).replace(":", "").replace(" ", "")
    if digits and not _FINGERPRINT.fullmatch(digits):
        raise ValueError(
            "must be the SHA-256 of the certificate, 64 hex digits as `test` prints them,"
            f" {_not(text)}"
        )
    return digits


def host(text: str) -> str:
    """Read the NVR's address so that a scheme may be put in front of it; empty stays empty.

    A name or an IP address, with a port where it is unusual, and with `http://` or `https://`
    where only that one is wanted. Bare IPv6 addresses come out in brackets.
    """
    scheme, separator, rest = text.rpartition("://")
    if "@" in rest:
        raise ValueError("must not hold a user or a password: they have their own settings")
    if separator and scheme.lower() not in {"http", "https"}:
        raise ValueError(f"must begin with http:// or https:// or neither, {_not(text)}")
    address = rest.removesuffix("/")
    if re.search(r"[/?#\\]", address):
        raise ValueError(f"must be the bare address without a path, {_not(text)}")
    if not text:
        return ""
    return scheme.lower() + separator + _with_port(address)


def _with_port(address: str) -> str:
    if _is_ip(address, 6):
        return f"[{address}]"
    bracketed = _BRACKETED.fullmatch(address)
    if bracketed:
        name, port = f"[{bracketed[1]}]", bracketed[2]
        good = _is_ip(bracketed[1], 6)
    else:
        name, _, port = address.partition(":")
        good = _is_ip(name, 4) if _LIKE_IPV4.fullmatch(name) else _is_name(name)
    if not good:
        raise ValueError(f"must be a host name or an IP address, {_not(address)}")
    if not port:
        return name
    return f"{name}:{_port(port)}"


def _port(text: str) -> int:
    try:
        return whole(1, 65535)(text)
    except ValueError as error:
        raise ValueError(f"has a port that {error}") from None


def _is_name(text: str) -> bool:
    return len(text) <= 253 and _HOST_NAME.fullmatch(text) is not None


def _is_ip(text: str, version: int) -> bool:
    try:
        return ipaddress.ip_address(text).version == version
    except ValueError:
        return False


def _not(text: str) -> str:
    shown = text if len(text) <= 60 else text[:57] + "..."
    return f"not {json.dumps(shown, ensure_ascii=False)}"
