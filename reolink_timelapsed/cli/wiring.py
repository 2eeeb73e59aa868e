"""Puts the objects together from the configuration."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from functools import partial
from pathlib import Path

from reolink_timelapsed.capture.cameras import Roster
from reolink_timelapsed.capture.clock_check import Timekeeper
from reolink_timelapsed.capture.day_log import Ledger
from reolink_timelapsed.capture.fault_log import Story
from reolink_timelapsed.capture.loop import Capture
from reolink_timelapsed.capture.parts import Parts
from reolink_timelapsed.capture.redate import Redater
from reolink_timelapsed.capture.rounds import Rounds
from reolink_timelapsed.capture.single_run import SingleRun
from reolink_timelapsed.capture.steps import Steps
from reolink_timelapsed.config.places import (
    SERVICE_USER,
    daemon_unit,
    is_of_unit,
    state_home,
    stitch_unit,
)
from reolink_timelapsed.config.settings import Config, NvrConfig, setup_command
from reolink_timelapsed.errors import StoreError
from reolink_timelapsed.frame import Camera
from reolink_timelapsed.nvr import reach
from reolink_timelapsed.nvr.login_state import HttpsMemory, LoginGuard, TokenFile
from reolink_timelapsed.nvr.session import Credentials, Session
from reolink_timelapsed.nvr.transport import Transport
from reolink_timelapsed.schedule import Daily, Plan, local_day
from reolink_timelapsed.storage import retention
from reolink_timelapsed.storage.claim import Claim, this_machine
from reolink_timelapsed.storage.daemon_state import Board, State
from reolink_timelapsed.storage.disk import MakeRoom, Mount, Room
from reolink_timelapsed.storage.space import Space
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.storage.timeline import Timeline
from reolink_timelapsed.system import privileges, sandbox, units
from reolink_timelapsed.system.clock import Clock, local_zone
from reolink_timelapsed.system.lock import CAPTURE, NVR, Turn
from reolink_timelapsed.system.notify import Notifier
from reolink_timelapsed.system.privileges import User
from reolink_timelapsed.system.reading import is_folder
from reolink_timelapsed.system.redact import Scrubber

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class World:
    """What surrounds a command: the clock, the environment, the secrets not to be printed."""

    clock: Clock
    scrubber: Scrubber
    environ: Mapping[str, str]
    zone: tzinfo

    @classmethod
    def real(cls, scrubber: Scrubber) -> World:
        return cls(Clock(), scrubber, os.environ, local_zone())

    @property
    def unit(self) -> str:
        """The unit as which systemd started this, by the state folder it names; "" if none."""
        return Path(self.environ.get("STATE_DIRECTORY", "")).name

    def state_folder(self, config: Config) -> Path:
        """Where tokens and refusals are remembered: the daemon's state directory, else the data.

        A command given by hand finds the one that systemd names to the daemon by the place of
        the configuration, so that both count the same refusals.
        """
        if folder := self.environ.get("STATE_DIRECTORY"):
            return Path(folder) / ".state"
        home = state_home(config.path)
        is_units = is_of_unit(config.path or Path()) and home.is_dir()
        return (home if is_units else config.storage.data_dir) / ".state"

    def told_folder(self, config: Config) -> Path:
        """Where the daemon says how it is: in systemd's runtime directory, if it is its unit."""
        folder = self.environ.get("RUNTIME_DIRECTORY")
        return Path(folder) if folder else self.state_folder(config)


def user_of(config: Config) -> User:
    """Return who works for these settings: the user of their unit, else the data's owner."""
    if config.path is None or is_of_unit(config.path):
        shown = units.show(daemon_unit(config.path), ["User"])
        if user := privileges.named(shown.get("User") or SERVICE_USER):
            return user
    return privileges.owner_of(config.storage.data_dir)


def confinement(config: Config) -> dict[str, dict[str, str]]:
    """Return what the units of these settings are confined by, as systemd says; perhaps none."""
    names = (daemon_unit(config.path), stitch_unit(config.path))
    known = names if is_of_unit(config.path or Path()) else ()
    shown = {name: units.show(name, (*sandbox.PROPERTIES, *reach.PROPERTIES)) for name in known}
    return {name: properties for name, properties in shown.items() if properties}


def worker(config: Config) -> User | None:
    """Return whom root has to become for these settings, None if it may not or need not.

    The unit's state folder is made, which systemd makes at the first start of the daemon.
    """
    if os.geteuid() != 0:
        return None
    user = user_of(config)
    if is_of_unit(config.path or Path()):
        privileges.make_home(state_home(config.path), user)
    return user if user.uid else None


def step_down(config: Config) -> User | None:
    """As root, be the user of these settings from now on, and return it."""
    user = worker(config)
    if user:
        privileges.become(user)
    elif os.geteuid() == 0:
        log.warning(
            "%s belongs to root, so that all is done with root's powers: give it to a user of its "
            "own, for instance with `sudo chown -R %s: %s`",
            *(config.storage.data_dir, SERVICE_USER, config.storage.data_dir),
        )
    return user


def mounted_store(config: Config, owner: str, world: World) -> Store:
    """Return the data folder, once it is known to be on its own disk.

    Raises:
        StoreError: if that disk is not mounted, or nothing was ever captured there.
    """
    root = config.storage.data_dir
    if not is_folder(root):
        raise StoreError(
            f"there is no {root}: is its disk mounted? The daemon makes the folder when it starts"
        )
    Mount(root, world.state_folder(config), config.setup).require()
    return Store(root, owner)


def plan(config: Config, world: World) -> Plan:
    """Return when to capture."""
    capture = config.capture
    if capture.daily_start is None:
        return SingleRun(world.state_folder(config), capture.duration, world.zone)
    return Daily(capture.daily_start, capture.duration, world.zone)


def session(
    nvr: NvrConfig,
    password: str,
    world: World,
    memory: Path,
    *,
    keep_token: bool = False,
    guard: LoginGuard | None = None,
    setup: str = setup_command(None),
) -> Session:
    """Return a session with the NVR; `memory` is the folder of what outlives it.

    `keep_token` is for the daemon alone. Whoever else has its turn borrows its token: there is to
    be one session. `setup` is the command that asks for other credentials.
    """
    return Session(
        Transport(
            nvr.host,
            world.clock,
            nvr.tls_fingerprint,
            HttpsMemory(memory),
            shut_out=partial(reach.hint, unit=world.unit) if world.unit else lambda _: "",
        ),
        Credentials(nvr.username, password),
        world.clock,
        guard=guard or LoginGuard(memory),
        scrubber=world.scrubber,
        token_file=TokenFile(memory),
        borrowing=not keep_token,
        timeout_seconds=nvr.timeout_seconds,
        setup=setup,
    )


def board(config: Config, world: World) -> Board:
    """Return where the daemon shows its state."""
    return Board(Notifier(), world.clock, world.told_folder(config))


def capture(
    config: Config,
    when: Plan,
    store: Store,
    nvr: Session,
    world: World,
    *,
    state: Path,
    tell: Callable[[State], None],
    make_room: MakeRoom | None = None,
) -> Capture:
    """Return the daemon; `tell` is called with every change of its state.

    `state` is the folder of what it remembers; `make_room` stands in for pruning.
    """
    clock, notifier, story = world.clock, Notifier(), Story()

    def prune(enough: Callable[[], bool]) -> None:
        retention.make_room(
            store, config.storage, zone=world.zone, enough=enough, ping=notifier.ping
        )

    roster = Roster(
        nvr,
        config.capture,
        story=story,
        known=_recent_cameras(store, world),
        ping=notifier.ping,
    )
    timeline, timekeeper = Timeline(clock), Timekeeper(nvr, store, clock)
    redater = Redater(store, timeline, when, config.capture.interval, notifier.ping)
    parts = Parts(
        session=nvr,
        clock=clock,
        notifier=notifier,
        timekeeper=timekeeper,
        steps=Steps(clock, timekeeper, timeline, redater, story),
        rounds=Rounds(nvr, store, clock, notifier, roster=roster, story=story, timeline=timeline),
        room=_room(config, store, state, make_room or prune),
        ledger=Ledger(store),
        space=Space(store, config.storage),
        story=story,
        turn=Turn(state, NVR),
        alone=Turn(state, CAPTURE),
        tell=tell,
    )
    return Capture(when, config.capture.interval, parts)


def _room(config: Config, store: Store, state: Path, make_room: MakeRoom) -> Room:
    mount, claim = Mount(store.root, state, config.setup), Claim(store, state, this_machine())
    return Room(store, config.storage.min_free_bytes, make_room, mount, claim)


def _recent_cameras(store: Store, world: World) -> list[Camera]:
    """Return the cameras that gave frames since yesterday, none while the disk is not there."""
    try:
        return store.recent_cameras(local_day(world.clock.now(), world.zone) - timedelta(days=1))
    except StoreError:
        return []
