"""The daemon's loop on a jumping clock against the simulated NVR."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from support import Clockwork, Journal, build

from reolink_timelapsed.simulator import SimulatedNvr


def test_a_day(nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal) -> None:
    daemon = build(nvr, folder, clock)
    daemon.run(until=datetime(2026, 11, 22, 22, 5, tzinfo=UTC))
    assert len(daemon.frames()) == len(daemon.frames("ch1_Yard")) == 18 * 60
    assert journal.texts == [
        "cameras: ch0_Front_Door, ch1_Yard",
        "ch0_Front_Door, ch1_Yard: pictures of 256x144",
        "2026-11-22: frames: ch0_Front_Door 1080 of 1080; ch1_Yard 1080 of 1080",
    ]
    assert nvr.broken_rules() == []
    assert nvr.live_sessions == []
