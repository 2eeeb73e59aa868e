"""Minimal roots of the Debian releases, made once and kept as tarballs."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

from .host import Failed, run

RELEASES = ("bookworm", "trixie")

# What a machine has before the package is installed.
MACHINE = (
    "apt",
    "bash-completion",
    "dbus",
    "iproute2",
    "man-db",
    "procps",
    "systemd",
    "systemd-sysv",
)
# What the package needs: in the root already, so that a test downloads nothing, but marked as
# installed for the sake of others, so that apt shows which of it the package does not name.
DEPENDENCIES = (
    "ffmpeg",
    "python3",
    "python3-requests",
    "python3-sdnotify",
    "python3-yaml",
    "tzdata",
)
BUILD = (
    "build-essential",
    "debhelper",
    "dh-python",
    "lintian",
    "pybuild-plugin-pyproject",
    "python3",
    "python3-pip",
    "python3-setuptools",
)


class CannotRun(Exception):
    """This machine lacks what the system tests need; the text says what."""


def require_tools() -> None:
    if os.geteuid() != 0:
        raise CannotRun("root is needed to boot a container")
    tools = ("mmdebstrap", "systemd-nspawn", "nsenter", "setpriv", "mkfs.ext4", "dpkg-deb", "git")
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        raise CannotRun(f"not installed: {', '.join(missing)}")


def cache() -> Path:
    """The folder of the tarballs: $REOLINK_TIMELAPSE_CACHE, or one in the user's cache."""
    xdg = os.environ.get("XDG_CACHE_HOME", "") or Path.home() / ".cache"
    default = Path(xdg) / "reolink-timelapse"
    folder = Path(os.environ.get("REOLINK_TIMELAPSE_CACHE", "") or default)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def machine_root(release: str) -> Path:
    """Return the tarball of a machine."""
    mark = f"--customize-hook=chroot $1 apt-mark auto {' '.join(DEPENDENCIES)}"
    return kept_root(release, "machine", (*MACHINE, *DEPENDENCIES), mark)


def build_root(release: str) -> Path:
    """Return the tarball of a machine that builds the package and checks it."""
    return kept_root(release, "build", BUILD)


def unpack(tarball: Path, root: Path) -> None:
    root.mkdir()
    run("tar", "-xf", tarball, "-C", root)


def mirror() -> list[str]:
    """Return the mirror of this machine, if it is a Debian; mmdebstrap has a default."""
    if shutil.which("apt-get") is None:
        return []
    targets = run("apt-get", "indextargets", "--format", "$(ORIGIN) $(LABEL) $(REPO_URI)")
    sites = [line.split()[-1] for line in targets.splitlines() if line.startswith("Debian Debian ")]
    return sites[:1]


def kept_root(release: str, kind: str, packages: tuple[str, ...], *options: str) -> Path:
    """Return the tarball of a root with these packages; it is made if it is not there.

    Raises:
        CannotRun: if it cannot be made.
    """
    recipe = hashlib.sha256(repr((packages, options)).encode()).hexdigest()[:12]
    tarball = cache() / f"{release}-{kind}-{recipe}.tar"
    if not tarball.exists():
        part = tarball.with_suffix(f".{os.getpid()}.tar")
        include = f"--include={','.join(packages)}"
        try:
            run("mmdebstrap", "--variant=minbase", include, *options, release, part, *mirror())
        except Failed as error:
            part.unlink(missing_ok=True)
            raise CannotRun(f"cannot make a root of {release}: {error}") from error
        part.rename(tarball)
    return tarball
