"""What each command does with the settings, the command line and the world.

A command imports what it alone needs when it runs: the daemon stays resident for years and holds
no encoder and no simulator in memory.
"""

from __future__ import annotations

import argparse
import faulthandler
import logging
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from reolink_timelapsed.cli import wiring
from reolink_timelapsed.cli.wiring import World
from reolink_timelapsed.config import env_file, password
from reolink_timelapsed.config import settings as config
from reolink_timelapsed.config.places import DEFAULT_PATH, environment_file
from reolink_timelapsed.config.settings import Config, StorageConfig
from reolink_timelapsed.errors import ExitCode, StoreError, UsageError
from reolink_timelapsed.humanize import printable
from reolink_timelapsed.nvr.login_state import LoginGuard, require_access
from reolink_timelapsed.storage.disk import Mount
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system import privileges, redact
from reolink_timelapsed.system.lock import NVR, Turn
from reolink_timelapsed.system.notify import Notifier
from reolink_timelapsed.system.privileges import User
from reolink_timelapsed.system.redact import Scrubber
from reolink_timelapsed.system.terminal import drawable

if TYPE_CHECKING:
    from reolink_timelapsed.cli import setup

_PATIENCE_SECONDS = 120.0
"""For a round of the daemon to end."""

log = logging.getLogger(__name__)


def run(given: argparse.Namespace, scrubber: Scrubber) -> ExitCode:
    """Run the command that was given. Raises whatever it does."""
    return _COMMANDS[given.command](given, World.real(scrubber))


def _load(given: argparse.Namespace, world: World) -> Config:
    environ = {**_of_units(given, world), **world.environ}
    settings = config.load(given.config, environ, needs_nvr=False)
    _warn(settings.warnings)
    return settings


def _load_with_password(given: argparse.Namespace, world: World) -> tuple[Config, str]:
    of_units = _of_units(given, world)
    settings, found = password.load_with_settings(given.config, world.environ, of_units)
    _warn(settings.warnings)
    _warn(password.exposed(settings.nvr, environment_file(given.config)))
    _warn(redact.guessable(found))
    return settings, found


def _of_units(given: argparse.Namespace, world: World) -> Mapping[str, str]:
    """Return the variables that the units of these settings get, unless this is one of them."""
    file = environment_file(given.config)
    return env_file.read(file) if file and not world.unit else {}


def _warn(warnings: Iterable[str]) -> None:
    for warning in warnings:
        log.warning("%s", warning)


def _test(given: argparse.Namespace, world: World) -> ExitCode:
    from reolink_timelapsed.cli import check

    settings, secret = _load_with_password(given, world)
    world.clock.stop_on_signals()
    confinement = wiring.confinement(settings)
    wiring.step_down(settings)
    memory = world.state_folder(settings)
    session = wiring.session(settings.nvr, secret, world, memory, setup=settings.setup)
    store = Store(settings.storage.data_dir, "test")
    with _turn(memory, world):
        mount = Mount(store.root, memory, settings.setup)
        return check.run(
            settings,
            session,
            store,
            mount,
            confinement=confinement,
            clean=world.scrubber.clean,
        )


@contextmanager
def _turn(memory: Path, world: World) -> Iterator[None]:
    """Speak to the NVR between two rounds of the daemon."""
    require_access(memory)
    turn = Turn(memory, NVR)
    turn.wait(world.clock, _PATIENCE_SECONDS)
    try:
        yield
    finally:
        turn.give()


def _capture(given: argparse.Namespace, world: World) -> ExitCode:
    faulthandler.enable()  # a watchdog kill then shows where it hung
    settings, secret = _load_with_password(given, world)
    world.clock.stop_on_signals()
    wiring.step_down(settings)
    store = Store(settings.storage.data_dir, "capture")
    memory = world.state_folder(settings)
    session = wiring.session(
        settings.nvr, secret, world, memory, keep_token=True, setup=settings.setup
    )
    daemon = wiring.capture(
        settings,
        wiring.plan(settings, world),
        store,
        session,
        world,
        state=memory,
        tell=wiring.board(settings, world).tell,
    )
    daemon.run()
    return ExitCode.OK


def _stitch(given: argparse.Namespace, world: World) -> ExitCode:
    from reolink_timelapsed.media import child
    from reolink_timelapsed.stitch import run
    from reolink_timelapsed.stitch.request import StitchRequest

    asked = (field.name for field in fields(StitchRequest))
    request = StitchRequest(**{name: getattr(given, name) for name in asked})
    settings = _load(given, world)
    world.clock.stop_on_signals()
    child.yield_to_others()
    user = wiring.step_down(settings)
    if user and given.output:
        _require_writable(given.output.absolute(), user)
    made = run.run(
        wiring.mounted_store(settings, "stitch", world),
        settings,
        request,
        world.clock,
        zone=world.zone,
        status=Notifier().status,
        terminal=drawable(sys.stderr),
    )
    for line in made.plans:
        sys.stdout.write(f"{printable(line)}\n")
    return made.exit_code


def _require_writable(output: Path, user: User) -> None:
    """See that root's films have a place, where it is not root who makes them."""
    there = next(path for path in (output, *output.parents) if os.path.lexists(path))
    if not os.access(there, os.W_OK | os.X_OK):
        raise StoreError(
            f"--output {output}: root's videos are made as {user}, who may not write into {there}: "
            f"name a folder of that user's, or one for all such as /var/tmp"
        )


def _prune(given: argparse.Namespace, world: World) -> ExitCode:
    from reolink_timelapsed.storage import retention

    settings = _load(given, world)
    wiring.step_down(settings)
    store = wiring.mounted_store(settings, "prune", world)
    retention.run(store, settings.storage, world.clock, zone=world.zone, dry_run=given.dry_run)
    return ExitCode.OK


def _status(given: argparse.Namespace, world: World) -> ExitCode:
    from reolink_timelapsed.status import command
    from reolink_timelapsed.system import units

    settings = _load(given, world)
    wiring.step_down(settings)
    return command.run(
        settings,
        Store(settings.storage.data_dir, "status"),
        world.clock,
        zone=world.zone,
        runtime=command.runtime_folder(settings, world.environ),
        by_hand=world.state_folder(settings),
        as_json=given.json,
        services=command.services_of(settings, units.show),
    )


def _demo(given: argparse.Namespace, world: World) -> ExitCode:
    from reolink_timelapsed.cli import demo

    output = given.output.absolute()
    if os.geteuid() == 0 and (user := privileges.owner_of(output)).uid:
        privileges.become(user)
    return demo.run(output, world.zone)


def _setup(given: argparse.Namespace, world: World) -> ExitCode:
    from reolink_timelapsed.cli import setup

    path = given.config or DEFAULT_PATH
    of_units = _of_units(given, world)
    terminal = setup.Terminal(interactive=sys.stdin.isatty() and not given.password_stdin)
    written: dict[str, str] = {}
    if not given.data_dir or given.host or given.username or given.password_stdin:
        typed = _line_from_stdin() if given.password_stdin else None
        answers = setup.Given(given.host, given.username, typed, test=not given.no_test)
        setup.run(path, answers, terminal, _probe(world))
        nvr = config.load(path, {}, needs_nvr=False).nvr
        _warn(password.exposed(nvr, environment_file(path)))
        _warn(redact.guessable(password.password(nvr, {})))
        written = {"NVR_HOST": nvr.host, "NVR_USERNAME": nvr.username}
    if given.data_dir:
        _choose_folder(path, given.data_dir.resolve(), terminal.say)
        written["DATA_DIR"] = str(given.data_dir.resolve())
    _warn(setup.overridden(written, of_units, environment_file(path)))
    return ExitCode.OK


def _choose_folder(path: Path, folder: Path, say: Callable[[str], None]) -> None:
    from reolink_timelapsed.cli import data_folder

    user = wiring.user_of(Config(path=path, storage=StorageConfig(data_dir=folder)))
    data_folder.run(path, folder, user, say)


def _probe(world: World) -> setup.Probe:
    """Return what tries the answers at the NVR, with the rights of the service on files."""
    from reolink_timelapsed.capture import cameras as roster
    from reolink_timelapsed.cli import setup

    guards: dict[Path, LoginGuard] = {}

    def probe(settings: Config, secret: str) -> setup.Found:
        user = wiring.worker(settings)
        with privileges.acting_as(user) if user else nullcontext():
            return look(settings, secret)

    def look(settings: Config, secret: str) -> setup.Found:
        memory = world.state_folder(settings)
        guard = guards.setdefault(memory, LoginGuard(memory))  # where nothing can be written, too
        session = wiring.session(settings.nvr, secret, world, memory, guard=guard)
        with _turn(memory, world):
            try:
                cameras = roster.everything(session)
                return setup.Found(session.url, session.fingerprint(), cameras)
            finally:
                session.close()

    return probe


def _line_from_stdin() -> str:
    line = sys.stdin.readline()
    if not line:
        raise UsageError("--password-stdin: nothing came on standard input")
    return line.rstrip("\r\n")


_COMMANDS: dict[str, Callable[[argparse.Namespace, World], ExitCode]] = {
    "setup": _setup,
    "test": _test,
    "capture": _capture,
    "stitch": _stitch,
    "prune": _prune,
    "status": _status,
    "demo": _demo,
}
