"""The words of the Reolink HTTP API: builds requests, reads replies. Pure; no connection here.

Sources: the vendor's "Camera HTTP API User Guide", versions 7 and 9 (sections are version 9's),
and what open-source clients met in the field. A command is a JSON array with one object; so is
its reply, which comes with HTTP status 200 and the type text/html, errors included (section 2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from reolink_timelapsed.errors import IF_IT_LASTS, Unreachable
from reolink_timelapsed.frame import Camera
from reolink_timelapsed.nvr import loose_json
from reolink_timelapsed.nvr.rspcode import raise_error

Request = list[dict[str, Any]]
Value = Mapping[str, Any]

DEFAULT_LEASE_SECONDS = 3600
_LONGEST_LEASE_SECONDS = 86400
_MOST_CHANNELS = 256
_LONGEST_TEXT = 200
_LARGEST_NUMBER = 2**31
_REPLY_KEYS = frozenset({"cmd", "code", "value", "error"})
_FIRST_YEAR = 2020
"""An NVR whose clock was never set says 1970 or the year it was built."""


@dataclass(frozen=True, slots=True)
class Token:
    """A login: the token's name and how long it lives, in seconds."""

    name: str
    lease_seconds: float


@dataclass(frozen=True, slots=True)
class Channel:
    """An input of the NVR as GetChannelstatus describes it.

    `asleep` is None where the firmware does not say. `uid` names the camera itself, wherever it is
    plugged in; older firmware does not tell it.
    """

    number: int
    name: str
    online: bool = True
    asleep: bool | None = None
    uid: str = ""

    @property
    def camera(self) -> Camera:
        return Camera(self.number, self.name)


@dataclass(frozen=True, slots=True)
class Device:
    """GetDevInfo: what the NVR is."""

    name: str
    model: str
    firmware: str
    channels: int


@dataclass(frozen=True, slots=True)
class Stream:
    """GetEnc: the main stream's size in pixels and its frames per second; 0 where unknown."""

    width: int
    height: int
    fps: int


# Requests


def command(name: str, **param: Any) -> Request:
    """Return the body of a command that asks for the value alone (action 0)."""
    return [{"cmd": name, "action": 0, "param": param}]


def login(username: str, password: str) -> Request:
    """Return the body of a clear-text login, `Version` "0" (section 3.2.1)."""
    return command("Login", User={"Version": "0", "userName": username, "password": password})


# Replies


def value(name: str, body: bytes, clean: Callable[[str], str] = str) -> Value:
    """Return the value in the reply to the command `name`; `clean` takes secrets out of words.

    Raises:
        NvrError: the kind that fits the rspCode; Unreachable where the reply is no API reply.
    """
    reply = first_reply(body)
    if reply is None:
        raise Unreachable(
            f"the NVR answered {name} with {len(body)} bytes that are no API reply: "
            f"it may be starting up, or another device, see nvr.host; {IF_IT_LASTS}"
        )
    fail_on_error(name, reply, clean)
    result = reply.get("value")
    return result if isinstance(result, Mapping) else {}


def first_reply(body: bytes) -> Value | None:
    """Return the first object of a reply, None if `body` is no reply."""
    try:
        found = loose_json.loads(body)
    except ValueError:
        return None
    return next((row for row in _rows(found) if _REPLY_KEYS & row.keys()), None)


def fail_on_error(name: str, reply: Value, clean: Callable[[str], str] = str) -> None:
    """Raise what the reply's error means; an error counts whatever its `code` says (section 4.1).

    `clean` takes secrets out of the words that are quoted.

    Raises:
        NvrError: the kind that fits the rspCode.
    """
    error = reply.get("error")
    if isinstance(error, Mapping):
        unlock, detail = _number(error.get("unlock_time")) or 0, error.get("detail")
        code = _number(error.get("rspCode"))
        raise_error(name, code, _text(detail), unlock, told=_quoted(detail, clean))
    if error or _number(reply.get("code")):
        told = _quoted(error, clean) or "no detail"
        raise_error(name, _number(error), _text(error) or "no detail", told=told)


def token(reply: Value) -> Token:
    """Read the value of Login.

    Raises:
        Unreachable: if there is no token in it.
    """
    inner = _mapping(reply.get("Token"))
    name, lease = _text(inner.get("name")), _number(inner.get("leaseTime")) or 0
    if not name:
        raise Unreachable(f"the NVR accepted the login but gave no token; {IF_IT_LASTS}")
    return Token(name, min(lease, _LONGEST_LEASE_SECONDS) if lease > 0 else DEFAULT_LEASE_SECONDS)


def channels(reply: Value) -> list[Channel]:
    """Read the value of GetChannelstatus in any of its forms; empty slots are left out.

    The oldest firmware gives neither a name nor a type, newer ones mark an empty slot by an
    empty name with `online` 0. Numbers need not be contiguous.
    """
    found: dict[int, Channel] = {}
    for row in _rows(reply.get("status")):
        channel = _channel(row)
        if channel and not _is_empty(channel):
            found.setdefault(channel.number, channel)
    return [found[number] for number in sorted(found)]


def _channel(row: Value) -> Channel | None:
    number = _number(row.get("channel"))
    if number is None or not 0 <= number < _MOST_CHANNELS:
        return None
    asleep, online = _number(row.get("sleep")), _number(row.get("online"))
    name, uid = _text(row.get("name")), _text(row.get("uid"))
    return Channel(
        number=number,
        name=name,
        online=bool(name or uid) if online is None else bool(online),
        asleep=None if asleep is None else bool(asleep),
        uid=uid,
    )


def _is_empty(slot: Channel) -> bool:
    return not (slot.online or slot.name or slot.uid)


def device(reply: Value) -> Device:
    """Read the value of GetDevInfo."""
    info = _mapping(reply.get("DevInfo"))
    return Device(
        name=_text(info.get("name")),
        model=_text(info.get("model")) or "unknown model",
        firmware=_text(info.get("firmVer")) or "unknown firmware",
        channels=min(max(_number(info.get("channelNum")) or 1, 1), _MOST_CHANNELS),
    )


def stream(reply: Value) -> Stream:
    """Read the main stream of GetEnc; old firmware gives the size as "3840*2160" alone."""
    main = _mapping(_mapping(reply.get("Enc")).get("mainStream"))
    return Stream(*_size(main), _number(main.get("frameRate")) or 0)


def sizes(reply: Value) -> list[tuple[int, int]]:
    """Read the sizes of GetEnc's streams in pixels, the main one's first."""
    enc = _mapping(reply.get("Enc"))
    found = (_size(_mapping(enc.get(name))) for name in ("mainStream", "extStream", "subStream"))
    return list(dict.fromkeys(size for size in found if all(size)))


def _size(stream: Value) -> tuple[int, int]:
    """Read a stream's size, zeros where it has none that can be read."""
    width, height = _number(stream.get("width")), _number(stream.get("height"))
    if not (width and height):
        parts = _text(stream.get("size")).replace("x", "*").split("*")
        width, height = (_number(part) for part in (*parts, "", "")[:2])
    return max(width or 0, 0), max(height or 0, 0)


def osd_name(reply: Value) -> str:
    """Read the name that is written into the picture, from GetOsd."""
    osd = _mapping(_mapping(reply.get("Osd")).get("osdChannel"))
    return _text(osd.get("name"))


def has_battery(reply: Value) -> bool:
    """Read GetBatteryInfo: only cameras that run on a battery have something in it."""
    return bool(_mapping(reply.get("Battery")))


def device_times(reply: Value) -> tuple[datetime, ...]:
    """Read GetTime as moments in UTC, any of which may be meant; none if the clock was never set.

    `timeZone` is seconds west of UTC without daylight saving (section 3.1.5). Whether the hour
    contains the `offset` of `Dst` depends on its dates, and on how well the firmware keeps them.
    """
    time, saving = _mapping(reply.get("Time")), _mapping(reply.get("Dst"))
    year, month, day = (_number(time.get(key)) or 0 for key in ("year", "mon", "day"))
    hour, minute, second = (_number(time.get(key)) or 0 for key in ("hour", "min", "sec"))
    try:
        own = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        winter = own + timedelta(seconds=_number(time["timeZone"]) or 0)
        summer = winter - timedelta(hours=_number(saving.get("offset")) or 0)
    except (KeyError, ValueError, OverflowError):
        return ()
    if winter.year < _FIRST_YEAR:
        return ()
    return (winter, summer) if _number(saving.get("enable")) else (winter,)


def _rows(thing: Any) -> Iterable[Value]:
    """Give the objects of a list, or the one object where there is no list around it."""
    return (
        row for row in (thing if isinstance(thing, list) else [thing]) if isinstance(row, Mapping)
    )


def _mapping(thing: Any) -> Value:
    return thing if isinstance(thing, Mapping) else {}


def _number(thing: Any) -> int | None:
    """Return an integer written as a number or, by some firmware, as a string of digits."""
    try:
        number = int(thing)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if abs(number) < _LARGEST_NUMBER else None


def _quoted(thing: Any, clean: Callable[[str], str]) -> str:
    """Return a text as it may be told: cleaned before it is cut, and after it was mended."""
    return clean(_text(clean(_printable(thing)) if isinstance(thing, str) else thing))


def _text(thing: Any) -> str:
    """Return a text fit for a terminal, a log and a URL: printable, and no novel."""
    if not isinstance(thing, (str, int)) or isinstance(thing, bool):
        return ""
    text = loose_json.mended(str(thing)[:_LONGEST_TEXT])
    return _printable(text).strip()


def _printable(text: str) -> str:
    return "".join(c for c in text if c.isprintable())
