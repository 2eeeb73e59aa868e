"""Fixtures of the tests of the capturing side, and how patient hypothesis is."""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import reolink_timelapsed
from reolink_timelapsed.config.settings import KEYS
from reolink_timelapsed.simulator import SimulatedNvr
from reolink_timelapsed.storage.store import Store
from tests.support import START, Clockwork, Journal, simulated

for _inherited in (
    # what systemd tells the units, and the session of whoever runs the tests
    *("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "JOURNAL_STREAM", "CREDENTIALS_DIRECTORY"),
    *("STATE_DIRECTORY", "RUNTIME_DIRECTORY", "CACHE_DIRECTORY", "LOGS_DIRECTORY"),
    *("COLUMNS", "LINES", "FFREPORT", "AV_LOG_FORCE_COLOR", "AV_LOG_FORCE_NOCOLOR"),
    *(key.variable for key in KEYS if key.variable),
):
    os.environ.pop(_inherited, None)  # none of it is meant for what the tests start

settings.register_profile(
    "house",
    deadline=None,
    max_examples=int(os.environ.get("HYPOTHESIS_EXAMPLES", "50")),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("house")

MEMORY = Path("/dev/shm") if os.access("/dev/shm", os.W_OK) else None
"""A folder in memory, where there is one: thousands of frames are synced one by one."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory where there is one."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        yield Path(name)


@pytest.fixture
def store(folder: Path) -> Store:
    """An empty data folder as the daemon opens it."""
    made = Store(folder / "data", "capture")
    made.open()
    return made


@pytest.fixture
def clock() -> Clockwork:
    return Clockwork(START)


@pytest.fixture
def nvr(clock: Clockwork) -> Iterator[SimulatedNvr]:
    """Two cameras, "Front Door" on channel 0 and "Yard" on channel 1, on the test's clock.

    At the end of the test it must have seen no rule broken.
    """
    with simulated(clock) as recorder:
        yield recorder


@pytest.fixture
def journal(clock: Clockwork) -> Iterator[Journal]:
    """What the daemon writes into the journal."""
    ours = logging.getLogger(reolink_timelapsed.__name__)
    before = ours.level
    handler = Journal(clock)
    ours.addHandler(handler)
    ours.setLevel(logging.INFO)
    yield handler
    ours.removeHandler(handler)
    ours.setLevel(before)
