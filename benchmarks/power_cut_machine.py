"""The machine whose plug is pulled: a Debian with the package, booted by qemu from an image.

Its root disk is as new at each boot; what is to last lies on the data disk, mounted by fstab with
the defaults at /var/lib/reolink-timelapse. It has no way out but to this machine's loopback.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.machines.host import run
from tests.machines.packages import Builder
from tests.machines.roots import DEPENDENCIES, MACHINE, CannotRun, kept_root, unpack

HOST = "10.0.2.2"
"""This machine's loopback, as the one in qemu sees it (-netdev user)."""

STITCH, SO_FAR = "reolink-timelapse-stitch.service", "films-so-far.service"
"""Units to boot with: the package's own, and one that publishes today's videos over and over."""

_TOOLS = {"qemu-system-x86_64": "qemu-system-x86", "mke2fs": "e2fsprogs", "e2fsck": "e2fsprogs",
          "ffprobe": "ffmpeg", "mmdebstrap": "mmdebstrap", "systemd-nspawn": "systemd-container",
          "setpriv": "util-linux", "git": "git"}  # fmt: skip
_PACKAGES = (*MACHINE, *DEPENDENCIES, "e2fsprogs", "linux-image-cloud-amd64", "udev")

# A small initrd boots sooner, above all without KVM.
_LEAN = (
    "--essential-hook=mkdir -p $1/etc/initramfs-tools/conf.d $1/usr/share/initramfs-tools/modules.d"
    " && echo MODULES=list >$1/etc/initramfs-tools/conf.d/lean"
    " && printf '%s\\n' virtio_pci virtio_blk ext4 crc32c_generic"
    " >$1/usr/share/initramfs-tools/modules.d/lean"
)

_CONFIG = """\
nvr: {{host: "http://{host}:{port}", username: timelapse, timeout_seconds: 10}}
capture: {{interval_seconds: 1, daily_start: "00:00", duration_hours: 24}}
stitch: {{preset: ultrafast}}
storage: {{min_free_gb: 0, keep_frames_days: 0}}
"""
_FSTAB = """\
/dev/vda / ext4 defaults 0 1
/dev/vdb /var/lib/reolink-timelapse ext4 defaults 0 2
"""
_NETWORK = """\
[Unit]
Requires=sys-subsystem-net-devices-eth0.device
After=sys-subsystem-net-devices-eth0.device
Before=network-online.target
[Service]
Type=oneshot
ExecStart=ip link set eth0 up
ExecStart=ip address add 10.0.2.15/24 dev eth0
"""
_FILMS_SO_FAR = """\
[Unit]
After=reolink-timelapse.service
[Service]
ExecStart=/bin/sh -c 'while sleep 1; do reolink-timelapse stitch --now; done'
"""
_UNITS = "etc/systemd/system"
_MASKED = ("getty.target", "apt-daily.timer", "apt-daily-upgrade.timer", "man-db.timer",
           "dpkg-db-backup.timer", "e2scrub_reap.service", "e2scrub_all.timer")  # fmt: skip


def require_tools() -> None:
    if os.geteuid() != 0:
        raise CannotRun("root is needed, to make the machine's root and to mount its disk")
    missing = {package for tool, package in _TOOLS.items() if shutil.which(tool) is None}
    if missing:
        raise CannotRun(f"not installed: {', '.join(sorted(missing))}")


def make_root(release: str, work: Path, port: int, password: str) -> Path:
    """Return a root folder with the package installed as it is in this tree, and set up."""
    deb = Builder(release, work).build().deb
    root = work / "root"
    unpack(kept_root(release, "power-cut", _PACKAGES, _LEAN), root)
    shutil.copy(deb, root / "root/package.deb")
    run("chroot", root, "dpkg", "--install", "/root/package.deb")
    settings = root / "etc/reolink-timelapse"
    (settings / "config.yaml").write_text(_CONFIG.format(host=HOST, port=port))
    (settings / "password").write_text(f"{password}\n")
    (settings / "password").chmod(0o600)
    (root / "etc/fstab").write_text(_FSTAB)
    (root / _UNITS / "network.service").write_text(_NETWORK)
    (root / _UNITS / SO_FAR).write_text(_FILMS_SO_FAR)
    for unit in _MASKED:
        (root / _UNITS / unit).symlink_to("/dev/null")
    run("systemctl", f"--root={root}", "add-wants", "network-online.target", "network.service")
    run("systemctl", f"--root={root}", "enable", "reolink-timelapse.service")
    return root


def make_disk(image: Path, gigabytes: int, content: Path) -> None:
    """Make an image with a file system that has `content`."""
    with image.open("wb") as file:
        file.truncate(gigabytes * 10**9 // 4096 * 4096)
    run("mke2fs", "-q", "-t", "ext4", "-b", "4096", "-d", content, image)


class Machine:
    """A root and the image made of it, and qemu while it runs."""

    def __init__(self, root: Path, image: Path) -> None:
        self._kernel = next((root / "boot").glob("vmlinuz-*"))
        self._initrd = next((root / "boot").glob("initrd.img-*"))
        self._image = image
        self._start = self._base("kvm" if self._kvm_works() else "tcg")
        self._qemu: subprocess.Popen[bytes] | None = None

    def boot(self, disk: Path, console: Path, unit: str) -> None:
        """Boot with the data disk that is served at `disk`, and let `unit` be started."""
        words = (
            "root=/dev/vda rw console=ttyS0 quiet net.ifnames=0 systemd.journald.storage=volatile "
            f"systemd.journald.forward_to_console=1 systemd.wants={unit}"
        )
        command = [*self._start, "-serial", f"file:{console}", "-append", words]
        command += ["-drive", f"file={self._image},format=raw,if=none,id=root,snapshot=on"]
        command += ["-device", "virtio-blk-pci,drive=root"]
        command += ["-blockdev", f"driver=nbd,node-name=data,server.type=unix,server.path={disk}"]
        blocks = "logical_block_size=4096,physical_block_size=4096"
        command += ["-device", f"virtio-blk-pci,drive=data,{blocks}"]
        command += ["-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile="]
        with console.with_suffix(".qemu").open("wb") as said:
            self._qemu = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT
            )

    def _base(self, accelerator: str) -> list[str]:
        command = ["setpriv", "--pdeathsig=KILL", "qemu-system-x86_64", "-nodefaults", "-no-reboot"]
        command += ["-accel", accelerator, "-cpu", "max", "-smp", "2", "-m", "1024"]
        command += ["-display", "none", "-rtc", "base=utc"]
        return [*command, "-kernel", str(self._kernel), "-initrd", str(self._initrd)]

    def _kvm_works(self) -> bool:
        """Tell by a trial: in a machine that is virtual itself KVM may be there, and hang."""
        words = "console=ttyS0 panic=-1"
        command = ["timeout", "15", *self._base("kvm"), "-serial", "stdio", "-append", words]
        said = subprocess.run(command, check=False, capture_output=True, stdin=subprocess.DEVNULL)
        return b"Run /init" in said.stdout

    @property
    def runs(self) -> bool:
        return self._qemu is not None and self._qemu.poll() is None

    def kill(self) -> None:
        if self._qemu is not None:
            self._qemu.kill()
            self._qemu.wait()
            self._qemu = None
