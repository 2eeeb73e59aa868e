"""JSON values taken as what they should be, or refused with one error that names the place.

What lies in a file may be anything: another program's, a disk's damage, a joke. A reader asks for
each value by key and kind, and catches `BadValue` alone.
"""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any

from reolink_timelapsed.frame import is_datable

MOST = 2**53
"""The largest count: beyond it a JSON number is no longer exact, and floats overflow somewhere."""

JsonObject = dict[str, Any]


class BadValue(ValueError):
    """A JSON value is missing, of another kind, or out of bounds; the message names its key."""


def parse(data: bytes) -> Any:
    """Return the JSON value in `data`.

    Raises:
        BadValue: if there is none, or one that is nested too deep.
    """
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadValue(f"no JSON: {error}") from None


def get_object(value: Any, key: str, default: JsonObject | None = None) -> JsonObject:
    found = _get(value, key, default)
    if not isinstance(found, dict):
        raise BadValue(f"{key} is no object")
    return found


def get_list(value: Any, key: str) -> list[Any]:
    found = _get(value, key)
    if not isinstance(found, list):
        raise BadValue(f"{key} is no list")
    return found


def get_str(value: Any, key: str, default: str | None = None) -> str:
    found = _get(value, key, default)
    if not isinstance(found, str):
        raise BadValue(f"{key} is no text")
    return found


def get_bool(value: Any, key: str) -> bool:
    found = _get(value, key)
    if not isinstance(found, bool):
        raise BadValue(f"{key} is neither true nor false")
    return found


def get_int(value: Any, key: str, default: int | None = None, *, least: int = 0) -> int:
    """Return a whole number from `least` to `MOST`."""
    found = _get(value, key, default)
    if isinstance(found, bool) or not isinstance(found, int) or not least <= found <= MOST:
        raise BadValue(f"{key} is no whole number from {least} on")
    return found


def get_number(value: Any, key: str, default: float | None = None, *, least: float = 0.0) -> float:
    """Return a finite number from `least` to `MOST`."""
    found = _get(value, key, default)
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise BadValue(f"{key} is no number")
    if not (least <= found <= MOST and math.isfinite(found)):
        raise BadValue(f"{key} is no number from {least:g} on")
    return float(found)


def get_moment(value: Any, key: str) -> datetime:
    """Return a moment (UTC) that can be reckoned with; without a time zone it is UTC."""
    return moment(get_str(value, key), key)


def get_counts(value: Any, key: str, default: JsonObject | None = None) -> dict[str, int]:
    """Return an object of counts."""
    found = get_object(value, key, default)
    return {name: get_int(found, name) for name in found}


def moment(text: Any, name: str = "a moment") -> datetime:
    """Return the moment (UTC) in an ISO text.

    Raises:
        BadValue: if there is none, or one in a year that arithmetic does not bear.
    """
    try:
        found = datetime.fromisoformat(text)
        found = (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise BadValue(f"{name} is no moment") from None
    if not is_datable(found):
        raise BadValue(f"{name} lies out of all time")
    return found


def _get(value: Any, key: str, default: Any = None) -> Any:
    if not isinstance(value, dict):
        raise BadValue(f"no object that could hold {key}")
    found = value.get(key, default)
    if found is None:
        raise BadValue(f"{key} is missing")
    return found
