"""Keeps tokens and passwords out of the words of others, before they get into ours.

What the NVR, a library or ffmpeg says is cleaned where it comes in: an answer in the session, a
traceback in the log, a version in `test`. Our own sentences are never searched, nor are the names
of cameras: a password may be a common word, and would make riddles of them, or give itself away by
its gaps.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

_MASK = "***"
_ESCAPE = re.compile("%[0-9A-F]{2}")
SHORTEST = 4
"""Of a shorter secret only whole words are masked: all else would garble every second one."""

_DEEPEST = 20
"""Levels of a value; a recorder's have five."""

_REMEMBERED = 32
"""Secrets. There is a new token every hour, and an old one can turn up for minutes at most."""


class Scrubber:
    """Knows the latest secrets of this process and takes them out of texts."""

    def __init__(self) -> None:
        self._forms: dict[str, frozenset[str]] = {}

    def add(self, secret: str) -> None:
        """Hide `secret` from now on, in every encoding a library may put it into a message."""
        if secret:
            known = self._forms.pop(secret, frozenset())
            self._forms[secret] = known or _forms(secret)
        if len(self._forms) > _REMEMBERED:
            del self._forms[next(iter(self._forms))]

    def clean(self, text: str) -> str:
        """Return foreign words with every known secret replaced."""
        forms = frozenset[str]().union(*self._forms.values())
        for form in sorted(forms, key=len, reverse=True):
            text = text.replace(form, _MASK) if len(form) >= SHORTEST else _masked(form, text)
        return text

    def clean_all(self, value: Any) -> Any:
        """Return the value of an answer with its words cleaned; keys and numbers stay."""
        return _each_word(value, self.clean)


def guessable(password: str) -> Iterator[str]:
    """Say that a password is too short to be one, without its length."""
    if len(password) < SHORTEST:
        yield (
            f"The NVR's password has fewer than {SHORTEST} characters: it is soon guessed, and not "
            "all that the NVR says can be kept clear of it. Give its user a longer one, and run "
            "`setup` again."
        )


def visible(value: Any) -> Any:
    """Return the value of an answer as it is, but for characters that nobody can see."""
    return _each_word(value, str)


def _each_word(value: Any, change: Callable[[str], str], depth: int = 0) -> Any:
    if depth > _DEEPEST:
        return None
    if isinstance(value, str):
        return change("".join(c for c in value if c.isprintable()))
    if isinstance(value, Mapping):
        return {key: _each_word(inner, change, depth + 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [_each_word(inner, change, depth + 1) for inner in value]
    return value


def _masked(word: str, text: str) -> str:
    return re.sub(rf"(?<!\w){re.escape(word)}(?!\w)", _MASK, text)


def _forms(secret: str) -> frozenset[str]:
    """Return a secret in every encoding, and in every encoding of those: a JSON text in a repr."""
    return frozenset(twice for once in _encoded(secret) for twice in _encoded(once))


def _encoded(text: str) -> set[str]:
    data = text.encode()
    quoted = {quote(text, safe=""), quote(text), quote_plus(text)}
    bases = {base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode()}
    return {
        text,
        *quoted,
        *(_ESCAPE.sub(lambda match: match[0].lower(), form) for form in quoted),
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        html.escape(text),
        repr(text)[1:-1],
        ascii(text)[1:-1],
        repr(data)[2:-1],
        data.hex(),
        data.hex().upper(),
        *(form.rstrip("=") for form in bases),
    }
