"""A machine to test on: a Debian root whose systemd is booted in a container."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

from .host import wait_for

BOOT_SECONDS = 90
COMMAND_SECONDS = 120

# The container's own view of cgroup v2, and leave to load BPF: IPAddressDeny= and IPAddressAllow=
# are then enforced as on a real machine.
_NSPAWN_ENVIRONMENT = {"UNIFIED_CGROUP_HIERARCHY": "1"}
_NSPAWN = (
    "setpriv",  # no container outlives the tests, however they end
    "--pdeathsig=KILL",
    "systemd-nspawn",
    "--boot",
    "--register=no",
    "--keep-unit",
    "--private-network",
    "--system-call-filter=bpf",
    "--capability=CAP_BPF",
    "--console=pipe",
)


class Container:
    """A root folder, and its systemd while it is booted. It has no network but its own `lo`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._nspawn: subprocess.Popen[bytes] | None = None
        self._init = 0

    def boot(self) -> None:
        console = self.root.parent / f"{self.root.name}.console"
        with console.open("ab") as out:
            self._nspawn = subprocess.Popen(
                [*_NSPAWN, "-D", str(self.root)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, **_NSPAWN_ENVIRONMENT},
            )
        wait_for("the container booted", BOOT_SECONDS, self._is_up)

    def run(
        self, *command: str, check: bool = True, stdin: str | None = None, seconds: float = 0
    ) -> subprocess.CompletedProcess[str]:
        """Run a command as root in the container; with `check` an exit status but 0 fails."""
        done = subprocess.run(
            ["nsenter", "-t", str(self._init), "-a", "--", *_ENV, *command],
            check=False,
            capture_output=True,
            text=True,
            input=stdin,
            timeout=seconds or COMMAND_SECONDS,
        )
        if check and done.returncode != 0:
            said = f"{done.stdout}{done.stderr}\nThe journal:\n{self._last_words()}"
            raise AssertionError(f"{' '.join(command)}: exit {done.returncode}\n{said}")
        return done

    def out(self, *command: str, check: bool = True) -> str:
        return self.run(*command, check=check).stdout.strip()

    def python(self, program: str, *arguments: str) -> str:
        return self.out("python3", "-c", program, *arguments)

    def show(self, unit: str, *properties: str) -> dict[str, str]:
        lines = self.out("systemctl", "show", unit, "-p", ",".join(properties)).splitlines()
        return dict(line.split("=", 1) for line in lines)

    def is_state(self, unit: str, state: str) -> bool:
        return self.show(unit, "ActiveState")["ActiveState"] == state

    def journal(self, unit: str) -> str:
        return self.out("journalctl", "-b", "-o", "cat", "--no-pager", "-u", unit)

    def journal_entries(self, unit: str) -> list[dict[str, Any]]:
        lines = self.out("journalctl", "-b", "-o", "json", "--no-pager", "-u", unit).splitlines()
        return [json.loads(line) for line in lines]

    def path(self, inside: str) -> Path:
        return self.root / inside.lstrip("/")

    def write(self, inside: str, text: str, mode: int = 0o644) -> None:
        path = self.path(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)

    def copy_in(self, source: Path, inside: str) -> None:
        target = self.path(inside)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)

    def drop_in(self, unit: str, text: str) -> None:
        """Write a drop-in as `systemctl edit` does; an empty text takes it away."""
        folder = f"/etc/systemd/system/{unit}.d"
        if text:
            self.write(f"{folder}/override.conf", text)
        else:
            shutil.rmtree(self.path(folder), ignore_errors=True)
        self.run("systemctl", "daemon-reload")

    def host_pid(self, pid: int) -> int:
        """What the host calls the process that the container calls `pid`."""
        namespace = Path(f"/proc/{self._init}/ns/pid").readlink()
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                ids = next(x for x in status.read_text().splitlines() if x.startswith("NSpid:"))
                inside = (status.parent / "ns/pid").readlink() == namespace
            except (OSError, StopIteration):
                continue  # it ended while we looked
            if inside and ids.split()[-1] == str(pid):
                return int(status.parent.name)
        raise AssertionError(f"no process {pid} in the container")

    def hard_stop(self) -> None:
        """As if the plug were pulled: nothing in it gets to say another word."""
        if self._nspawn is None:
            return
        try:
            os.kill(self._init or self._nspawn.pid, signal.SIGKILL)
        except ProcessLookupError:
            self._nspawn.kill()  # it died before us
        self._nspawn.wait(timeout=30)
        self._nspawn, self._init = None, 0

    def power_off(self) -> None:
        assert self._nspawn is not None
        os.kill(self._init, signal.SIGRTMIN + 4)  # systemd(1): "starts the poweroff.target unit"
        self._nspawn.wait(timeout=120)
        self._nspawn, self._init = None, 0

    def remove(self) -> None:
        self.hard_stop()
        shutil.rmtree(self.root)

    def _find_init(self) -> int:
        assert self._nspawn is not None
        if self._nspawn.poll() is not None:
            raise AssertionError(f"systemd-nspawn ended: {self._console()}")
        children = Path(f"/proc/{self._nspawn.pid}/task/{self._nspawn.pid}/children")
        found = children.read_text().split()
        return int(found[0]) if found else 0

    def _is_up(self) -> bool:
        self._init = self._find_init()  # anew each time: the first child is not the init yet
        if not self._init:
            return False
        state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
        assert state not in {"degraded", "maintenance"}, self._console()
        return state == "running"

    def _last_words(self) -> str:
        newest = ("journalctl", "-b", "-o", "cat", "--no-pager", "-n", "20")
        return self.run(*newest, check=False).stdout

    def _console(self) -> str:
        return (self.root.parent / f"{self.root.name}.console").read_text(errors="replace")[-2000:]


_ENV = (
    "/usr/bin/env",
    "-i",
    "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME=/root",
    "LC_ALL=C.UTF-8",
    "TERM=dumb",
    "DEBIAN_FRONTEND=noninteractive",
)
