"""Everything the simulated NVR can be told to do wrong, as one flat table.

A `Misbehaviour` is a value: what kind, for which command and channel, from when, how long or how
often, and the figures the kind needs. `FAULTS` says what each kind does to an answer.
"""

import random
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any, Final

from reolink_timelapsed.simulator.device.codes import DETAILS
from reolink_timelapsed.simulator.http.wire import Answer, End, Framing, json_answer, nginx_page


class Kind(StrEnum):
    """The kinds of misbehaviour."""

    # In handling the command.
    RSP_CODE = "rsp_code"
    """A JSON error with `code` (and `detail`) for this command."""
    SHORT_BATCH = "short_batch"
    """Of a batch of commands only the first is answered."""
    SIZE = "size"
    """A picture of `width` x `height`."""
    STALE = "stale"
    """The picture before, once more."""

    # Instead of handling the command.
    STATUS = "status"
    """nginx's page for `status`: 502, 404, 300; 302 redirects to https."""
    RESET = "reset"
    """The connection is reset before any answer."""
    CLOSE = "close"
    """The connection is closed without a byte."""
    SILENCE = "silence"
    """Nothing is ever answered."""

    # Any command, after handling it.
    DELAY = "delay"
    """The answer comes `seconds` late."""
    HANG = "hang"
    """Headers, and then nothing."""
    HANG_HALF = "hang_half"
    """Half of the body, and then nothing."""
    RESET_HALF = "reset_half"
    """Half of the body, and then a reset."""
    DRIP = "drip"
    """One byte at a time, `seconds` apart."""
    GARBLED = "garbled"
    """A body of odd characters under an honest Content-Length."""

    # A good picture, spoilt or sent oddly.
    EMPTY = "empty"
    TINY = "tiny"
    """28 bytes."""
    CUT = "cut"
    """Half of what Content-Length promises, then closed."""
    CHUNKED = "chunked"
    CHUNKED_CUT = "chunked_cut"
    UNTIL_CLOSE = "until_close"
    """No length: the end of the connection ends the picture."""
    UNTIL_CLOSE_CUT = "until_close_cut"
    NO_END = "no_end"
    """The end marker is missing, the length is honest."""
    PADDED = "padded"
    """Zero bytes after the end marker."""
    NOISE = "noise"
    """Random bytes between a good start and a good end marker."""
    HALF_SCAN = "half_scan"
    """Good markers and header, half of the picture data."""
    RELABELLED = "relabelled"
    """A good picture under another `content_type`."""
    ENDLESS = "endless"
    """A picture that never ends."""
    JSON_LABELLED = "json_labelled"
    """A JSON error with `code` under `content_type`."""
    HTML_LABELLED = "html_labelled"
    """The login page under `content_type`."""

    # Of the whole device.
    REBOOT = "reboot"
    """Gone for `lasts` seconds, then 404 and 502 for `seconds`; all tokens void."""
    PRIVACY = "privacy"
    """The port is shut for `lasts` seconds; tokens stay good."""
    SLOTS_TAKEN = "slots_taken"
    """Others take up to `slots` of the free slots for `lasts` seconds."""
    OFFLINE = "offline"
    """The camera of `channel` is off: online 0, commands fail."""
    DEAD = "dead"
    """The camera of `channel` is off, but its status says online; commands hang."""


INSTEAD: Final = frozenset({Kind.STATUS, Kind.RESET, Kind.CLOSE, Kind.SILENCE})
INSIDE: Final = frozenset({Kind.RSP_CODE, Kind.SHORT_BATCH, Kind.SIZE, Kind.STALE})
ANY_ANSWER: Final = frozenset(
    {Kind.DELAY, Kind.HANG, Kind.HANG_HALF, Kind.RESET_HALF, Kind.DRIP, Kind.GARBLED}
)
DEVICE: Final = frozenset({Kind.REBOOT, Kind.PRIVACY, Kind.SLOTS_TAKEN, Kind.OFFLINE, Kind.DEAD})
PICTURE: Final = frozenset(Kind) - INSTEAD - INSIDE - ANY_ANSWER - DEVICE

LOGIN_PAGE: Final = (
    b"<!DOCTYPE html>\n<html>\n<head><title>Reolink</title></head>\n"
    b'<body><div id="app"></div></body>\n</html>\n'
)


@dataclass(frozen=True)
class Misbehaviour:
    """One thing that goes wrong, and when.

    `cmd` None means any command (Snap alone for kinds that spoil pictures), `channel` None any.
    It begins `begins` seconds from when it is given to the NVR (on the NVR's clock) and ends after
    `lasts` seconds or `times` occasions; None is without end.
    """

    kind: Kind
    cmd: str | None = None
    channel: int | None = None
    begins: float = 0.0
    lasts: float | None = None
    times: int | None = None
    code: int = -12
    detail: str | None = None
    status: int = 502
    seconds: float = 0.0
    content_type: str | None = "image/jpeg"
    width: int = 896
    height: int = 512
    slots: int = 2

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Misbehaviour":
        """Read one from JSON. Raises ValueError for unknown keys or kinds."""
        unknown = set(value) - {f.name for f in fields(cls)}
        if unknown or "kind" not in value:
            raise ValueError(f"no such keys of a misbehaviour: {sorted(unknown) or 'kind missing'}")
        return cls(**{**value, "kind": Kind(value["kind"])})

    def to_json(self) -> dict[str, Any]:
        """Give the fields that differ from their defaults."""
        usual = {f.name: f.default for f in fields(self)}
        return {key: value for key, value in asdict(self).items() if value != usual[key]}

    def fits(self, cmd: str, channel: int | None) -> bool:
        """Tell whether it concerns this command and channel."""
        if self.cmd is None:
            right_command = self.kind not in PICTURE or cmd == "Snap"
        else:
            right_command = self.cmd.lower() == cmd.lower()
        return right_command and self.channel in (None, channel)


def _half(answer: Answer) -> int:
    return len(answer.body) // 2


def _noise(answer: Answer) -> bytes:
    inside = random.Random(len(answer.body)).randbytes(max(4, len(answer.body) - 4))  # noqa: S311
    return b"\xff\xd8" + inside.replace(b"\xff", b"\xfe") + b"\xff\xd9"


def _half_scan(answer: Answer) -> bytes:
    scan = answer.body.rindex(b"\xff\xda")
    return answer.body[: (scan + len(answer.body)) // 2] + b"\xff\xd9"


def _reshape(**changes: Any) -> Callable[[Answer, Misbehaviour], Answer]:
    return lambda answer, _: replace(answer, **changes)


def _cut(framing: Framing) -> Callable[[Answer, Misbehaviour], Answer]:
    return lambda answer, _: replace(answer, framing=framing, send=_half(answer), end=End.CLOSE)


def _body(make: Callable[[Answer], bytes]) -> Callable[[Answer, Misbehaviour], Answer]:
    return lambda answer, _: replace(answer, body=make(answer))


def _nothing(end: End) -> Callable[[Answer, Misbehaviour], Answer]:
    return lambda answer, _: replace(answer, head=False, send=0, end=end)


def _json_labelled(answer: Answer, fault: Misbehaviour) -> Answer:
    body = error_answer("Snap", fault.code, fault.detail).body
    return replace(
        answer, body=body, headers=(), framing=Framing.CHUNKED, content_type=fault.content_type
    )


_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


def _status(answer: Answer, fault: Misbehaviour) -> Answer:
    if fault.status not in _REDIRECTS:
        return nginx_page(fault.status)
    return nginx_page(fault.status, f"https://{answer.redirect_to}")


FAULTS: Final[dict[Kind, Callable[[Answer, Misbehaviour], Answer]]] = {
    Kind.STATUS: _status,
    Kind.RESET: _nothing(End.RESET),
    Kind.CLOSE: _nothing(End.CLOSE),
    Kind.SILENCE: _nothing(End.HANG),
    Kind.HANG: _reshape(send=0, end=End.HANG),
    Kind.HANG_HALF: lambda answer, _: replace(answer, send=_half(answer), end=End.HANG),
    Kind.RESET_HALF: lambda answer, _: replace(answer, send=_half(answer), end=End.RESET),
    Kind.DRIP: lambda answer, fault: replace(answer, pause=fault.seconds),
    Kind.GARBLED: _reshape(body=b"\x8a\xe5(\x01]\xd0\x7f#\xfeq", framing=Framing.LENGTH),
    Kind.EMPTY: _reshape(body=b""),
    Kind.TINY: _body(lambda answer: answer.body[:28]),
    Kind.CUT: _cut(Framing.LENGTH),
    Kind.CHUNKED: _reshape(framing=Framing.CHUNKED),
    Kind.CHUNKED_CUT: _cut(Framing.CHUNKED),
    Kind.UNTIL_CLOSE: _reshape(framing=Framing.CLOSE, end=End.CLOSE),
    Kind.UNTIL_CLOSE_CUT: _cut(Framing.CLOSE),
    Kind.NO_END: _body(lambda answer: answer.body[:-2]),
    Kind.PADDED: _body(lambda answer: answer.body + b"\0" * 512),
    Kind.NOISE: _body(_noise),
    Kind.HALF_SCAN: _body(_half_scan),
    Kind.RELABELLED: lambda answer, fault: replace(answer, content_type=fault.content_type),
    Kind.ENDLESS: _reshape(framing=Framing.CHUNKED, endless=True),
    Kind.JSON_LABELLED: _json_labelled,
    Kind.HTML_LABELLED: lambda answer, fault: replace(
        answer, body=LOGIN_PAGE, headers=(), content_type=fault.content_type
    ),
}
"""What a kind does to an answer. The kinds not listed act elsewhere: on a single command of a
batch, on the time of the answer, on the picture before it is taken, or on the whole device."""

_HARMLESS: Final = frozenset(
    {Kind.DELAY, Kind.DRIP, Kind.CHUNKED, Kind.UNTIL_CLOSE, Kind.RELABELLED, Kind.PADDED}
)


def spoil(answer: Answer, fault: Misbehaviour) -> Answer:
    """Apply a fault to an answer."""
    apply = FAULTS.get(fault.kind)
    if apply is None:
        return answer
    spoilt = apply(answer, fault)
    outcome = spoilt.outcome if fault.kind is Kind.STATUS else fault.kind.value
    return replace(spoilt, outcome=outcome, delivered=fault.kind in _HARMLESS)


def error_answer(cmd: str, code: int, detail: str | None = None) -> Answer:
    """Answer one command with an error."""
    return json_answer([error_object(cmd, code, detail)], outcome=code)


def error_object(cmd: str, code: int, detail: str | None = None) -> dict[str, Any]:
    """Give the JSON object that reports an error of one command."""
    text = DETAILS.get(code, "unknown") if detail is None else detail
    return {"cmd": cmd, "code": 1, "error": {"detail": text, "rspCode": code}}
