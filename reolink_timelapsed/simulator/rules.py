"""What a well-behaved client never does, judged from the log of requests."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

from reolink_timelapsed.simulator.device.codes import ALLOWED_COMMANDS, CREDENTIALS_REFUSED

WRONG_LOGINS_WINDOW: Final = 300.0
WRONG_LOGINS_ALLOWED: Final = 2
_CLOCK_GRAIN: Final = 0.001


@dataclass(slots=True)
class Request:
    """One request the simulator received.

    `started` and `ended` are seconds of the NVR's clock, `real_started` and `real_ended` of
    `time.monotonic()`; `ended` is None while it is in work. `outcome` is "ok", an rspCode,
    "http 502" or the name of what was done to the answer. `holding` names the live tokens the same
    client already had; `beside` the requests still in work when this one came. `count` numbers the
    picture it was given. `given_up` says that the client left before the end; such a request counts
    as ended when the device last did something for it, for nobody knows when the client left.
    """

    cmd: str
    commands: tuple[str, ...]
    channel: int | None
    token: str | None
    client: str
    started: float
    real_started: float
    moment: datetime
    holding: tuple[str, ...] = ()
    beside: tuple["Request", ...] = ()
    ended: float | None = None
    real_ended: float | None = None
    outcome: str | int = "unanswered"
    size: int = 0
    count: int | None = None
    given: str | None = None
    """The token it was given."""
    given_up: bool = False
    last_act: tuple[float, float] = (0.0, 0.0)
    """When the device last did something for it, on both clocks."""
    battery: bool = False
    """Whether it touched a battery camera that may sleep."""
    secure: bool = False
    """Whether it came over TLS."""
    line: int = 0
    """Its place in the log."""

    def __str__(self) -> str:
        channel = "" if self.channel is None else f" channel {self.channel}"
        return f"#{self.line} {self.cmd}{channel} at {self.started:.3f} ({self.outcome})"

    def to_json(self) -> dict[str, Any]:
        """Give it as JSON; the token's first characters only."""
        value = {field.name: getattr(self, field.name) for field in fields(self)}
        value["moment"] = self.moment.isoformat()
        value["token"] = None if self.token is None else f"{self.token[:4]}..."
        del value["last_act"]
        value["given"] = None if self.given is None else f"{self.given[:4]}..."
        value["holding"] = len(self.holding)
        value["beside"] = [other.line for other in self.beside]
        return value


def broken_rules(
    log: Iterable[Request], min_snap_gap: float, *, battery_allowed: bool, http_allowed: bool
) -> list[str]:
    """List every rule the client broke, each with the requests that show it."""
    requests = list(log)
    broken = [
        *_at_once(requests),
        *_snaps_too_close(requests, min_snap_gap),
        *_sessions(requests),
        *_strange_commands(requests),
        *_wrong_passwords(requests),
    ]
    if not http_allowed:
        plain = (r for r in requests if r.cmd == "Login" and not r.secure)
        broken += [f"a password over http although there is https: {r}" for r in plain]
    if not battery_allowed:
        broken += [f"a battery camera was touched: {r}" for r in requests if r.battery]
    return broken


def _at_once(requests: list[Request]) -> Iterator[str]:
    for request in requests:
        if request.beside:
            yield f"two requests at once: {request} beside {', '.join(map(str, request.beside))}"


def _snaps_too_close(requests: list[Request], min_snap_gap: float) -> Iterator[str]:
    snaps = [r for r in requests if r.cmd == "Snap"]
    for before, after in pairwise(snaps):
        if before.ended is None:
            continue
        gap = after.started - before.ended
        if gap < min_snap_gap - _CLOCK_GRAIN:
            yield f"snaps {gap:.3f} s apart: {before} and {after}"


def _sessions(requests: list[Request]) -> Iterator[str]:
    for request in requests:
        if request.cmd == "Login" and request.holding:
            held = len(request.holding)
            yield f"a login while {held} token(s) of the same client live: {request}"
        if request.cmd == "Logout" and request.token is None:
            yield f"a logout without a token: {request}"


def _strange_commands(requests: list[Request]) -> Iterator[str]:
    for request in requests:
        strange = set(request.commands) - ALLOWED_COMMANDS
        if strange:
            yield f"a command no timelapse needs ({', '.join(sorted(strange))}): {request}"


def _wrong_passwords(requests: list[Request]) -> Iterator[str]:
    wrong = [r for r in requests if r.cmd == "Login" and r.outcome in CREDENTIALS_REFUSED]
    for first, last in zip(wrong, wrong[WRONG_LOGINS_ALLOWED:], strict=False):
        if last.started - first.started < WRONG_LOGINS_WINDOW:
            yield f"more than 2 refused logins in 5 minutes: from {first} to {last}"
