"""Package and units are in step with the program."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from reolink_timelapsed import __version__
from reolink_timelapsed.config.settings import NvrConfig

TREE = Path(__file__).resolve().parents[1]
SERVICES = ("reolink-timelapse.service", "reolink-timelapse-stitch.service")

# Of systemd.exec(5), what both services are confined by.
SANDBOX = """
CapabilityBoundingSet LockPersonality MemoryDenyWriteExecute NoNewPrivileges PrivateDevices
PrivateIPC PrivateMounts PrivateTmp PrivateUsers ProcSubset ProtectClock ProtectControlGroups
ProtectHome ProtectHostname ProtectKernelLogs ProtectKernelModules ProtectKernelTunables
ProtectProc ProtectSystem RemoveIPC RestrictAddressFamilies RestrictNamespaces RestrictRealtime
RestrictSUIDSGID SystemCallArchitectures SystemCallErrorNumber SystemCallFilter IPAddressDeny
""".split()  # noqa: SIM905


def test_the_changelog_of_the_package_is_at_this_version() -> None:
    first = (TREE / "debian/changelog").read_text().splitlines()[0]
    assert first.startswith(f"reolink-timelapse ({__version__}) ")


@pytest.mark.parametrize("service", SERVICES)
def test_every_line_of_the_sandbox_says_when_to_drop_it(service: str) -> None:
    lines = (TREE / "systemd" / service).read_text().splitlines()
    named = set()
    for number, line in enumerate(lines):
        key = line.partition("=")[0]
        if key in SANDBOX:
            named.add(key)
            above = number - 1
            while re.match("[A-Z]", lines[above]):
                above -= 1
            assert lines[above].startswith("# "), line
            assert number - above <= 3, line
    assert named == set(SANDBOX)


def test_the_watchdog_is_more_patient_than_two_slow_steps() -> None:
    unit = (TREE / "systemd/reolink-timelapse.service").read_text()
    watchdog = re.search(r"^WatchdogSec=(\d+)$", unit, re.MULTILINE)
    (largest,) = (
        action.metadata["key"].parse
        for name, action in NvrConfig.__dataclass_fields__.items()
        if name == "timeout_seconds"
    )
    with pytest.raises(ValueError, match="30"):
        largest("31")
    assert watchdog
    assert int(watchdog[1]) > 2 * (2 * largest("30"))


def test_instances_have_places_of_their_own() -> None:
    """The rules make the template of the units by naming every place after the instance."""
    for service in SERVICES:
        unit = (TREE / "systemd" / service).read_text()
        text = "\n".join(line for line in unit.splitlines() if not line.startswith("#"))
        places = re.findall(r"(\S*)reolink-timelapse(?=[/\s]|$)", text)
        expected = re.compile(
            r".*(/etc/|/etc/default/|/var/lib/|Directory=)$|ExecS\w+=/usr/bin/$|.*=_$"
        )
        assert [place for place in places if not expected.match(place)] == []
