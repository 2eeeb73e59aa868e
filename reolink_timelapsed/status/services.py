"""What systemd says of our units, as values, and what is wrong with that."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from reolink_timelapsed.config.settings import setup_command

Ask = Callable[[str, Sequence[str]], Mapping[str, str]]
"""Returns properties of a unit as `systemctl show` prints them; nothing if there is no unit."""

_DAEMON = ("ActiveState", "SubState", "Result", "ExecMainStatus", "NRestarts", "ConditionResult")
_STITCH = ("ActiveState", "Result", "ExecMainStatus")
_TIMER = ("ActiveState", "NextElapseUSecRealtime")

_UNDER_WAY = {"activating", "active", "reloading", "deactivating"}
_WHY = {
    "timeout": "it took longer than its unit allows",
    "oom-kill": "memory ran out",
    "watchdog": "it hung",
    "start-limit-hit": "it failed too often",
}


@dataclass(frozen=True, slots=True)
class Names:
    """The units that serve one NVR."""

    daemon: str
    stitch: str
    timer: str


@dataclass(frozen=True, slots=True)
class Services:
    """The units' properties, by the names that systemd has for them."""

    names: Names
    daemon: Mapping[str, str]
    stitch: Mapping[str, str]
    timer: Mapping[str, str]

    @classmethod
    def look(cls, names: Names, ask: Ask) -> Services | None:
        """Ask for all of it; None where there is no systemd, or nothing installed for it."""
        timer = ask(names.timer, _TIMER)
        if not timer:
            return None
        return cls(names, ask(names.daemon, _DAEMON), ask(names.stitch, _STITCH), timer)

    @property
    def timer_is_on(self) -> bool:
        return self.timer.get("ActiveState") == "active"

    @property
    def stitch_is_at_work(self) -> bool:
        return self.stitch.get("ActiveState") in _UNDER_WAY

    @property
    def daemon_ends_by_itself(self) -> bool:
        """Whether the daemon has ended by itself since somebody started it."""
        return self.daemon.get("NRestarts", "0") not in {"", "0"}

    def next_run(self, zone: tzinfo) -> datetime | None:
        """Return when the timer strikes next, None if it does not say; it speaks local time."""
        words = self.timer.get("NextElapseUSecRealtime", "").split()
        try:
            local = datetime.strptime(" ".join(words[1:3]), "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007
            return local.replace(tzinfo=zone).astimezone(UTC)
        except (ValueError, OverflowError):
            return None

    def daemon_words(self) -> str:
        """Return how the daemon is, for when it says nothing itself."""
        state, unit = self.daemon.get("ActiveState"), self.names.daemon
        if state == "failed" or self.daemon.get("SubState") == "auto-restart":
            return "failed"
        if state in _UNDER_WAY:
            return "starting" if state == "activating" else "running, and says nothing yet"
        if self.daemon.get("ConditionResult") == "no":
            return f"not running, for want of a password: `{_setup(unit)}`"
        return f"not running: `sudo systemctl enable --now {_short(unit)}`"

    def faults(self) -> Iterator[str]:
        """Yield what is wrong, each with its remedy."""
        unit = _short(self.names.daemon)
        if self.daemon.get("SubState") == "auto-restart":
            count = self.daemon.get("NRestarts", "?")
            yield (
                f"the daemon ends again and again, restart number {count} is to come: "
                f"`journalctl -u {unit}` tells why"
            )
        elif self.daemon.get("ActiveState") == "failed":
            yield (
                f"the daemon has failed ({_why(self.daemon)}): `journalctl -u {unit}` tells why, "
                f"`sudo systemctl restart {unit}` starts it again"
            )
        if not self.timer_is_on:
            yield (
                "the timer of the stitch is off, and no videos are made: "
                f"`sudo systemctl enable --now {self.names.timer}`"
            )
        if self.stitch.get("ActiveState") == "failed":
            stitch = _short(self.names.stitch)
            yield (
                f"the last stitch has failed ({_why(self.stitch)}): "
                f"`journalctl -u {stitch}` tells why, `sudo systemctl start {stitch}` tries again"
            )


def _why(unit: Mapping[str, str]) -> str:
    result, status = unit.get("Result", ""), unit.get("ExecMainStatus", "0")
    if result == "exit-code":
        return f"exit code {status}" if status != "0" else "prune, after it"
    return _WHY.get(result, result or "for no reason that is known")


def _short(unit: str) -> str:
    return unit.removesuffix(".service")


def _setup(unit: str) -> str:
    return setup_command(Path("/etc", _short(unit), "config.yaml"))
