"""Little memory for a run of a service, by whichever cgroups this machine has."""

from __future__ import annotations

import os
from pathlib import Path

from .container import Container
from .host import wait_for

_V1 = Path("/sys/fs/cgroup/memory")
_GATE = "/run/gate"


def run_short_of_memory(machine: Container, unit: str, command: str, megabytes: int) -> None:
    """Run the oneshot service to its end, with that much memory for all its processes."""
    if (_V1 / "memory.limit_in_bytes").exists():
        _run_in_group(machine, unit, command, megabytes)
    else:
        machine.drop_in(unit, f"[Service]\nMemoryHigh=infinity\nMemoryMax={megabytes}M\n")
        machine.run("systemctl", "start", unit, check=False, seconds=300)
    machine.drop_in(unit, "")


def kill_for_memory(machine: Container, unit: str) -> None:
    """Let the kernel kill the service's process, as where all of its MemoryMax= is in use."""
    pid = int(machine.show(unit, "MainPID")["MainPID"])

    def is_gone() -> bool:
        return int(machine.show(unit, "MainPID")["MainPID"]) != pid

    if (_V1 / "memory.limit_in_bytes").exists():
        group = _V1 / f"reolink-timelapse-{os.getpid()}"
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text("64K")
        (group / "cgroup.procs").write_text(str(machine.host_pid(pid)))
        wait_for("the kill", 60, is_gone)
        wait_for("the group is empty", 30, lambda: not (group / "cgroup.procs").read_text())
        group.rmdir()
    else:
        limit = machine.show(unit, "MemoryMax")["MemoryMax"]
        machine.run("systemctl", "set-property", "--runtime", unit, "MemoryMax=1M")
        wait_for("the kill", 60, is_gone)
        machine.run("systemctl", "set-property", "--runtime", unit, f"MemoryMax={limit}")


def _run_in_group(machine: Container, unit: str, command: str, megabytes: int) -> None:
    """Limit by hand: no systemd limits memory by cgroups of version 1 in a container.

    The service's process waits at a gate until it is in the group, and becomes `command` then.
    """
    gated = f"until [ -e {_GATE} ]; do sleep 0.2; done; exec {command}"
    machine.drop_in(unit, f'[Service]\nExecStart=\nExecStart=/bin/sh -c "{gated}"\n')
    group = _V1 / f"reolink-timelapse-{os.getpid()}"
    group.mkdir()
    try:
        (group / "memory.limit_in_bytes").write_text(f"{megabytes}M")
        machine.run("systemctl", "start", "--no-block", unit)
        pid = wait_for("a process", 30, lambda: int(machine.show(unit, "MainPID")["MainPID"]))
        (group / "cgroup.procs").write_text(str(machine.host_pid(pid)))
        machine.run("touch", _GATE)
        wait_for("the end", 300, lambda: machine.is_state(unit, "failed"))
    finally:
        machine.run("rm", "-f", _GATE)
        wait_for("the group is empty", 30, lambda: not (group / "cgroup.procs").read_text())
        group.rmdir()
