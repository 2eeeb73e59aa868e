"""The package's own tests, and the documented variants of a set-up, each tried.

Another disk, another network, another secret, the predecessor's settings, two NVRs.
"""

from __future__ import annotations

import fcntl
import os
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import steps
from .container import Container
from .host import run, wait_for
from .nvr import PASSWORD, Nvr
from .packages import TREE, Build
from .steps import CONFIG, DAEMON, STITCH

PLENTY = 60
"""Seconds; what is waited for takes a few."""

PASSWORD_FILE = "/etc/reolink-timelapse/password"

# From linux/ext4.h: the file system stops at once, and what it had not written is lost.
_SHUTDOWN = 0x8004587D
_WITHOUT_FLUSHING_THE_JOURNAL = struct.pack("I", 2)


@pytest.fixture(scope="module")
def nvr(machine: Container) -> Nvr:
    return Nvr(machine)


@pytest.fixture(scope="module")
def installed(machine: Container, nvr: Nvr, builds: dict[str, Build]) -> Container:
    steps.install(machine, builds["trixie"])
    nvr.start()
    steps.set_up(machine, nvr)
    return machine


@pytest.fixture
def ready(installed: Container, nvr: Nvr) -> Iterator[Container]:
    """A machine with the package set up and the daemon not running; so it is left, too."""
    nvr.start()
    kept = {name: installed.path(name).read_text() for name in (CONFIG, PASSWORD_FILE)}
    installed.run("systemctl", "stop", DAEMON)
    yield installed
    installed.run("systemctl", "stop", DAEMON, check=False)
    for unit in (DAEMON, STITCH):
        installed.drop_in(unit, "")  # those of `setup --data-dir` as well
    if installed.path(CONFIG).exists():
        for name, text in kept.items():
            installed.path(name).write_text(text)


def test_the_packages_own_tests(machine: Container, builds: dict[str, Build]) -> None:
    steps.install(machine, builds["trixie"])
    control = (TREE / "debian/tests/control").read_text()
    command = control.partition("Test-Command: ")[2].partition("\n")[0]
    machine.run("sh", "-c", command)
    machine.copy_in(TREE / "debian/tests/daemon", "/root/daemon")
    machine.run("env", "AUTOPKGTEST_TMP=/tmp", "/root/daemon")


class Disk:
    """A disk of its own, mounted in the machine, whose plug can be pulled."""

    def __init__(self, image: Path, mounted: Path) -> None:
        self._image = image
        self.mounted = mounted
        mounted.mkdir(parents=True)
        with image.open("wb") as file:
            file.truncate(200 * 1000 * 1000)
        run("mkfs.ext4", "-q", image)

    def mount(self) -> None:
        run("mount", "-o", "loop", self._image, self.mounted)

    def pull_the_plug(self) -> None:
        folder = os.open(self.mounted, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, _SHUTDOWN, _WITHOUT_FLUSHING_THE_JOURNAL)
        finally:
            os.close(folder)

    def unmount(self) -> None:
        if os.path.ismount(self.mounted):
            run("umount", self.mounted)


@pytest.fixture
def disk(ready: Container, work: Path) -> Iterator[Disk]:
    """A disk at /srv/timelapse; the machine is booted with it, and again without it."""
    ready.power_off()
    made = Disk(work / f"{ready.root.name}.disk", ready.path("/srv/timelapse"))
    made.mount()
    ready.boot()
    yield made
    ready.hard_stop()
    made.unmount()
    ready.boot()


def test_data_on_another_disk_outlast_a_power_cut(ready: Container, nvr: Nvr, disk: Disk) -> None:
    data = "/srv/timelapse/reolink"
    ready.run("reolink-timelapse", "setup", "--data-dir", data)
    nvr.start()
    ready.run("systemctl", "restart", DAEMON)
    wait_for("frames", PLENTY, lambda: steps.has_new_frames(ready, 4, data))
    ready.run("systemctl", "start", STITCH)

    stored = steps.frames(ready, data)
    time.sleep(1)  # a name is seen a moment before its folder is on disk
    disk.pull_the_plug()
    ready.hard_stop()
    disk.unmount()
    disk.mount()

    survivors = steps.frames(ready, data)
    assert set(stored) <= set(survivors)
    assert [path for path in survivors if not steps.is_whole(path)] == []
    ready.boot()
    nvr.start()
    wait_for("frames", PLENTY, lambda: steps.has_new_frames(ready, len(survivors), data))


def test_nvr_outside_the_private_networks(ready: Container, nvr: Nvr) -> None:
    outside = "203.0.113.10"  # RFC 5737, for documentation; it is this machine's own here
    ready.run("ip", "address", "add", f"{outside}/32", "dev", "lo")
    proxy = ready.out("sh", "-c", "ls /usr/lib/systemd/systemd-socket-proxyd")
    ready.write("/etc/systemd/system/outside.socket", f"[Socket]\nListenStream={outside}:80\n")
    ready.write(
        "/etc/systemd/system/outside.service",
        f"[Service]\nExecStart={proxy} {nvr.host.removeprefix('http://')}\n",
    )
    ready.run("systemctl", "daemon-reload")
    ready.run("systemctl", "start", "outside.socket")
    steps.edit(ready, CONFIG, {"host": f"http://{outside}", "timeout_seconds": 2})
    ready.run("systemctl", "restart", DAEMON)
    if "does not support BPF" in ready.out("journalctl", "-b", "--no-pager"):
        pytest.skip("this machine's kernel cannot confine a service to addresses")
    hint = f"IPAddressAllow={outside}"
    wait_for("the complaint", PLENTY, lambda: hint in ready.journal(DAEMON))
    tested = ready.run("reolink-timelapse", "test", check=False)
    assert tested.returncode == 69
    assert hint in tested.stdout

    count = len(steps.frames(ready))
    ready.drop_in(DAEMON, f"[Service]\nIPAddressAllow={outside}\n")
    ready.run("systemctl", "restart", DAEMON)
    wait_for("frames", PLENTY, lambda: steps.has_new_frames(ready, count + 2))


def test_encrypted_password(ready: Container) -> None:
    secret = "/etc/reolink-timelapse/password.cred"
    ready.run(
        *("systemd-creds", "encrypt", "--with-key=host", "--name=password", "-", secret),
        stdin=PASSWORD,
    )
    ready.path(PASSWORD_FILE).unlink()
    ready.drop_in(
        DAEMON,
        f"[Unit]\nConditionFileNotEmpty=|{secret}\n"
        f"[Service]\nLoadCredential=\nLoadCredentialEncrypted=password:{secret}\n",
    )
    assert PASSWORD not in ready.path(secret).read_text()
    count = len(steps.frames(ready))
    ready.run("systemctl", "restart", DAEMON)
    wait_for("frames", PLENTY, lambda: steps.has_new_frames(ready, count + 2))


def test_settings_of_the_predecessor(ready: Container, nvr: Nvr) -> None:
    ready.path(PASSWORD_FILE).unlink()
    ready.write(
        "/etc/default/reolink-timelapse",
        f'NVR_HOST={nvr.host}\nNVR_USERNAME=timelapse\nNVR_PASSWORD="{PASSWORD}"\n'
        "CAPTURE_INTERVAL_SECONDS=2\n",
        0o600,
    )
    count = len(steps.frames(ready))
    ready.run("systemctl", "restart", DAEMON)
    wait_for("frames", PLENTY, lambda: steps.has_new_frames(ready, count + 2))
    ready.path("/etc/default/reolink-timelapse").unlink()


def test_second_nvr(ready: Container, nvr: Nvr, upgrade: Build) -> None:
    data = "/var/lib/reolink-timelapse@garage"
    config = "/etc/reolink-timelapse@garage/config.yaml"
    daemon, stitch = "reolink-timelapse@garage.service", "reolink-timelapse-stitch@garage.service"
    timer = stitch.replace(".service", ".timer")
    second = Nvr(ready, port=8081)
    second.start()
    steps.set_up(ready, second, config, data_dir=data)
    ready.run("systemctl", "enable", "--now", daemon, timer)
    ready.run("systemctl", "restart", DAEMON)
    wait_for("frames of the second", PLENTY, lambda: steps.has_new_frames(ready, 2, data))
    count = len(steps.frames(ready))
    wait_for("frames of the first", PLENTY, lambda: steps.has_new_frames(ready, count))
    assert nvr.state()["live_sessions"] == second.state()["live_sessions"] == 1

    day = steps.make_past_day(ready, 1, 4, data)
    ready.run("systemctl", "start", stitch, seconds=300)
    assert len([path for path in steps.videos(ready, data) if day in path.name]) == 4
    assert [path for path in steps.videos(ready) if day in path.name] == []

    steps.install(ready, upgrade)
    for unit in (DAEMON, daemon):
        assert ready.journal(unit).count("Stopped ") >= 1
        assert ready.is_state(unit, "active")
    count = len(steps.frames(ready, data))
    wait_for("frames again", PLENTY, lambda: steps.has_new_frames(ready, count, data))

    done = ready.run("apt-get", "purge", "-qy", "reolink-timelapse")
    assert f"{data}/frames" in done.stdout + done.stderr
    assert second.state()["live_sessions"] == 0
    assert not ready.path(config).exists()
    assert steps.frames(ready, data)
    assert "garage" not in ready.out("systemctl", "list-units", "--all", "--no-pager")
    assert list(ready.path("/etc/systemd/system").glob("*/*garage*")) == []
