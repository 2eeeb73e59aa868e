"""Keeps tokens and passwords out of everything that is printed or logged."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

_MASK = "***"
_SHORTEST = 4
"""A shorter secret is left alone: masking it would garble every second word."""


class Scrubber:
    """Knows the secrets of this process and takes them out of texts."""

    def __init__(self) -> None:
        self._forms: set[str] = set()

    def add(self, secret: str) -> None:
        """Hide `secret` from now on, in every encoding a library may put it into a message."""
        if len(secret) >= _SHORTEST:
            self._forms.update(_forms(secret))

    def clean(self, text: str) -> str:
        """Return `text` with every known secret replaced."""
        for form in sorted(self._forms, key=len, reverse=True):
            text = text.replace(form, _MASK)
        return text


def _forms(secret: str) -> set[str]:
    data = secret.encode()
    quoted = {quote(secret, safe=""), quote(secret), quote_plus(secret)}
    return {
        secret,
        *quoted,
        *(form.lower() for form in quoted - {secret}),
        json.dumps(secret)[1:-1],
        repr(secret)[1:-1],
        repr(data)[2:-1],
        data.hex(),
        base64.b64encode(data).decode(),
        base64.urlsafe_b64encode(data).decode(),
    }
