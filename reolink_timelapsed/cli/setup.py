"""The `setup` command: asks for the NVR, its user and the password, tries them, writes them down.

Nothing is written before the NVR has accepted what was given, unless the trial is declined.
"""

from __future__ import annotations

import getpass
import math
import os
import stat
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from reolink_timelapsed.config import settings, values
from reolink_timelapsed.config.places import DEFAULT_PATH, is_of_unit
from reolink_timelapsed.config.settings import Config, NvrConfig
from reolink_timelapsed.config.written import read_written
from reolink_timelapsed.config.yaml_edit import edited
from reolink_timelapsed.errors import (
    ConfigError,
    LoginRefused,
    NvrError,
    StoreError,
    Unreachable,
    UsageError,
)
from reolink_timelapsed.humanize import printable
from reolink_timelapsed.nvr.api import Channel
from reolink_timelapsed.system.disk_errors import translated
from reolink_timelapsed.system.writing import write_beside

ATTEMPTS = 3
"""Tries at a terminal."""

_PATIENCE_SECONDS = 60.0
"""What one wrong password costs. After a longer wait somebody who is asked again would be gone."""

_PASSWORD_MODE = 0o600
_CONFIG_MODE = 0o644
_HERE = Path(__file__).resolve().parents[2]
_SAMPLES = (_HERE / "config.yaml", _HERE / "etc" / "reolink-timelapse" / "config.yaml")
"""Where the commented sample lies: beside the installed package, or in the source tree."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Given:
    """What the command line says already; None is asked for. `test`: try it at the NVR."""

    host: str | None = None
    username: str | None = None
    password: str | None = None
    test: bool = True


@dataclass(frozen=True, slots=True)
class Found:
    """What the NVR showed of itself; `fingerprint` is "" when it was reached by http."""

    url: str
    fingerprint: str
    cameras: list[Channel]


Probe = Callable[[Config, str], Found]
"""Logs in once, looks, logs out. Raises `NvrError`."""


class Terminal:
    """Questions and answers; when nobody is there to answer, a question is a usage error."""

    def __init__(self, *, interactive: bool) -> None:
        self.interactive = interactive

    def say(self, text: str) -> None:
        lines = text.split("\n")
        sys.stdout.write("".join(f"{printable(line)}\n" for line in lines))
        sys.stdout.flush()

    def ask(self, question: str, flag: str, parse: Callable[[str], T], default: str = "") -> T:
        """Ask until `parse` takes the answer; an empty one means `default`, as nobody's does."""
        if default and not self.interactive:
            return parse(default)
        self._require(flag)
        hint = f" [{default}]" if default else ""
        while True:
            answer = _answer(lambda: input(f"{question}{hint}: ").strip() or default)
            try:
                return parse(answer)
            except ValueError as error:
                self.say(f"It {error}.")

    def ask_secret(self, question: str, flag: str) -> str:
        """Ask without echo until the answer can be a password."""
        self._require(flag)
        while True:
            answer = _answer(lambda: getpass.getpass(f"{question}: "))
            try:
                return values.secret(answer)
            except ValueError as error:
                self.say(f"It {error}.")

    def _require(self, flag: str) -> None:
        if not self.interactive:
            raise UsageError(f"there is no terminal to ask at: give {flag} on the command line")


def run(path: Path, given: Given, terminal: Terminal, probe: Probe) -> None:
    """Write the settings file `path` and the password's file.

    An existing file keeps all but the lines in question, and its owner and mode.

    Raises:
        ConfigError: the existing file has mistakes, or an answer given as a flag is none.
        NvrError: the NVR does not answer or refuses; nothing was written.
        StoreError: the files cannot be written.
        UsageError: something would have to be asked, and there is no terminal.
    """
    path = path.absolute()
    old = settings.load(path, {}, needs_nvr=False) if path.exists() else Config(path=path)
    places = own_places(path, old)
    password_file = Path(places.get("nvr.password_file", old.nvr.password_file))
    data_dir = Path(places.get("storage.data_dir", old.storage.data_dir))
    for file in (path.resolve(), password_file):
        require_writable(file)
    old = replace(old, storage=replace(old.storage, data_dir=data_dir))
    nvr, password = _agree(old, _checked_flags(given), terminal, probe)
    changes = {"nvr.host": nvr.host, "nvr.username": nvr.username} | places
    if old.nvr.password:
        changes["nvr.password"] = ""
    write_settings(path.resolve(), changes)
    # Last: the services wait for it.
    write_beside(password_file, password.encode() + b"\n", _PASSWORD_MODE)
    terminal.say(f"Wrote {path} and {password_file} (for root's eyes only).")
    terminal.say(_next_steps(path))


def own_places(path: Path, old: Config) -> dict[str, str]:
    """Return what keeps two NVRs apart: the default places belong to the default settings file.

    Of `/etc/reolink-timelapse@barn/config.yaml`, the data folder is in `/var/lib`.
    """
    places: dict[str, str] = {}
    default = Config()
    if path == DEFAULT_PATH:
        return places
    if old.nvr.password_file == default.nvr.password_file:
        places["nvr.password_file"] = str(path.with_name("password"))
    is_instance = path.match("/etc/reolink-timelapse@*/config.yaml")
    if is_instance and old.storage.data_dir == default.storage.data_dir:
        places["storage.data_dir"] = str(default.storage.data_dir.with_name(path.parent.name))
    return places


def _required(parse: Callable[[str], str]) -> Callable[[str], str]:
    def parse_something(text: str) -> str:
        if not text:
            raise ValueError("must not be empty")
        return parse(text)

    return parse_something


def _checked_flags(given: Given) -> Given:
    return replace(
        given,
        host=_checked(given.host, "--host", _required(values.host)),
        username=_checked(given.username, "--username", _required(values.login_name)),
        password=_checked(given.password, "--password-stdin", values.secret),
    )


def _checked(text: str | None, flag: str, parse: Callable[[str], str]) -> str | None:
    try:
        return None if text is None else parse(text)
    except ValueError as error:
        raise ConfigError([f"{flag} {error}."]) from None


def require_writable(path: Path) -> None:
    """Fail before anything is asked."""
    folder = path.parent
    while not folder.exists():
        folder = folder.parent
    if not (folder.is_dir() and os.access(folder, os.W_OK)):
        raise StoreError(
            f"{folder} is no folder that this user may write into: run the command with sudo"
        )


# Asking and trying


def _agree(old: Config, answers: Given, terminal: Terminal, probe: Probe) -> tuple[NvrConfig, str]:
    """Ask for what is missing until the NVR accepts it; what it refused is asked for again."""
    nvr = old.nvr
    for left in reversed(range(ATTEMPTS)):
        answers = _filled(answers, nvr, terminal)
        nvr = replace(nvr, host=answers.host or "", username=answers.username or "")
        password = answers.password or ""
        if not answers.test:
            break
        try:
            _show(probe(replace(old, nvr=nvr), password), terminal)
            break
        except (LoginRefused, Unreachable) as error:
            if not (terminal.interactive and left and error.hold_seconds <= _PATIENCE_SECONDS):
                raise _last_words(error) from None
            answers = _without_refused(answers, error, terminal)
    return nvr, password


def _last_words(error: LoginRefused | Unreachable) -> NvrError:
    if not isinstance(error, LoginRefused):
        return error
    minutes = max(math.ceil(error.hold_seconds / 60), 1)
    advice = (
        "nothing was written; find out at the NVR's web page whether it takes this user and this "
        f"password, and run this again in {minutes} min or later: the NVR locks accounts that try "
        "too often"
    )
    return LoginRefused(error.fact, error.code, error.hold_seconds, advice)


def _filled(answers: Given, old: NvrConfig, terminal: Terminal) -> Given:
    """Ask for every answer that is missing."""
    host, username, password = answers.host, answers.username, answers.password
    if host is None:
        question = "Address of the NVR, a name or an IP address"
        host = terminal.ask(question, "--host", _required(values.host), old.host)
    if username is None:
        question = "Name of a user on the NVR"
        username = terminal.ask(question, "--username", _required(values.login_name), old.username)
    if password is None:
        question = f"Password of {username} (it is not shown)"
        password = terminal.ask_secret(question, "--password-stdin")
    return replace(answers, host=host, username=username, password=password)


def _without_refused(
    answers: Given, error: LoginRefused | Unreachable, terminal: Terminal
) -> Given:
    """Say what was wrong, and forget the answers to which that applies."""
    again = "Nothing was written. Please try again, or stop with Ctrl-C."
    if isinstance(error, LoginRefused):
        terminal.say(f"No success: {error.fact}. {again}")
        return replace(answers, username=None, password=None)
    terminal.say(f"No success: {error}. {again}")
    return replace(answers, host=None)


def _show(found: Found, terminal: Terminal) -> None:
    terminal.say(f"Logged in at {found.url}. Its cameras:")
    for camera in found.cameras:
        state = "" if camera.online else "   (offline)"
        terminal.say(f"  {camera.number:3}  {camera.name or '(no name)'}{state}")
    if found.fingerprint:
        terminal.say(
            f"SHA-256 of its certificate: {found.fingerprint}\n"
            "Write it into nvr.tls_fingerprint, and no other device will get the password."
        )


# Writing


def write_settings(path: Path, changes: dict[str, str]) -> None:
    """Change the settings in `path`, or in a copy of the sample if there is no such file."""
    there = path.stat() if path.exists() else None
    text = read_written(path).decode("utf-8-sig") if there else _sample()
    new = edited(path, text, settings.NAMES, changes)
    write_beside(path, new.encode(), stat.S_IMODE(there.st_mode) if there else _CONFIG_MODE)
    if there:
        with translated(path):
            os.chown(path, there.st_uid, there.st_gid)


def _next_steps(path: Path) -> str:
    option = settings.config_option(path)
    name, at, instance = path.parent.name.partition("@")
    units = f"{name}@{instance} {name}-stitch@{instance}.timer" if at else "reolink-timelapse"
    if not is_of_unit(path):
        return (
            "Next (the service reads another file; this one is for runs by hand):\n"
            f"  reolink-timelapse{option} test\n"
            f"  reolink-timelapse{option} capture"
        )
    return (
        "Next:\n"
        f"  sudo reolink-timelapse{option} test\n"
        f"  sudo systemctl enable --now {units}\n"
        "or, if it runs already:\n"
        f"  sudo systemctl restart {units.partition(' ')[0]}"
    )


def overridden(
    written: Mapping[str, str], of_units: Mapping[str, str], file: Path | None
) -> Iterator[str]:
    """Say which answers, by their variables, do not count for the units because of `file`."""
    for name, value in written.items():
        if of_units.get(name, value) not in {"", value}:
            yield f"{file} sets {name}, which goes before what was written: remove that line."


def _sample() -> str:
    """Return the commented sample; an installation without one gets a file without comments."""
    for sample in _SAMPLES:
        if sample.is_file():
            return sample.read_text(encoding="utf-8")
    return ""


def _answer(ask: Callable[[], str]) -> str:
    try:
        return ask()
    except EOFError:
        raise UsageError("the input ended before the questions: nothing was written") from None
