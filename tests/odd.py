"""What may stand on disk in the place of a file of ours, made for the tests."""

from __future__ import annotations

import os
import shutil
import socket
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

Make = Callable[[Path], None]

ZERO = os.makedev(1, 5)
"""/dev/zero, which never ends."""


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        here = Path.cwd()
        os.chdir(path.parent)  # a socket's path is short
        try:
            made.bind(path.name)
        finally:
            os.chdir(here)


def a_folder(path: Path) -> None:
    (path / "inside").mkdir(parents=True)


def a_device(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root makes devices")
    os.mknod(path, stat.S_IFCHR | 0o600, ZERO)


def a_dangling_link(path: Path) -> None:
    path.symlink_to("nowhere")


def a_circle(path: Path) -> None:
    path.symlink_to(path.name)


def a_link_out(path: Path) -> None:
    path.symlink_to("/etc/passwd")


def a_terabyte(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**40)


KINDS: list[Make] = [
    a_pipe,
    a_socket,
    a_folder,
    a_device,
    a_dangling_link,
    a_circle,
    a_link_out,
    a_terabyte,
]


def plant(make: Make, path: Path) -> None:
    """Put an entry in the place of another."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    make(path)


@contextmanager
def immutable(path: Path) -> Iterator[None]:
    """Keep even root from changing or deleting a file, or skip the test where that cannot be."""
    chattr = shutil.which("chattr") or "false"
    if subprocess.run([chattr, "+i", str(path)], check=False, capture_output=True).returncode:
        pytest.skip("files cannot be made immutable here")
    try:
        yield
    finally:
        subprocess.run([chattr, "-i", str(path)], check=True)
