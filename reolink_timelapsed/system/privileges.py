"""Whom root becomes: a command works as the user of the service, with none of root's powers.

What lies in the data and state folders can be replaced by their owner at any moment, and ffmpeg
decodes pictures from outside. As their owner, a command can be led to nothing that is not that
user's already. What root alone may read is read before; so is what a command imports.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from reolink_timelapsed.system.disk_errors import translated

_PR_SET_NO_NEW_PRIVS = 38
"""prctl(2): no program started from now on gains anything by its set-user-ID bit."""


_LATE = ("_strptime", "encodings.idna")
"""Of the standard library, what is imported at its first use: a Python may be root's own."""


@dataclass(frozen=True, slots=True)
class User:
    """A user of this machine; `groups` are all of its groups, `gid` the one of its files."""

    uid: int
    gid: int
    groups: tuple[int, ...] = ()
    name: str = ""
    home: str = "/"

    def __str__(self) -> str:
        return self.name or f"user {self.uid}"


def named(name: str) -> User | None:
    """Return the user of that name or number, None if there is none."""
    try:
        return _from_entry(pwd.getpwuid(int(name)) if name.isdigit() else pwd.getpwnam(name))
    except KeyError:
        return None


def me() -> str:
    """Return the name of the user of this process."""
    return str(named(str(os.geteuid())) or User(os.geteuid(), os.getegid()))


def owner_of(folder: Path) -> User:
    """Return whom a folder belongs to, root only if nobody else could put another in its place."""
    there = (path for path in (folder, *folder.parents) if os.path.lexists(path))
    found = next((entry for entry in map(os.lstat, there) if entry.st_uid), None)
    if found is None:
        return User(0, 0, name="root")
    try:
        user = _from_entry(pwd.getpwuid(found.st_uid))
    except KeyError:
        return User(found.st_uid, found.st_gid)
    return replace(user, gid=found.st_gid)


def _from_entry(entry: pwd.struct_passwd) -> User:
    groups = tuple(os.getgrouplist(entry.pw_name, entry.pw_gid))
    return User(entry.pw_uid, entry.pw_gid, groups, entry.pw_name, entry.pw_dir)


def may(path: Path, mode: int) -> bool:
    """Whether whoever acts here now may use a path so; no as well where no look is allowed."""
    return os.access(path, mode, effective_ids=True)


def become(user: User) -> None:
    """Be `user` from now on, without a way back; its home is then that of the programs we start."""
    _import_early()
    ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    os.setgroups(user.groups)
    os.setresgid(user.gid, user.gid, user.gid)
    os.setresuid(user.uid, user.uid, user.uid)
    for name in [name for name in os.environ if name.startswith("XDG_")]:
        del os.environ[name]  # places of the one we were
    os.environ.update(HOME=user.home, USER=str(user), LOGNAME=str(user))


@contextmanager
def acting_as(user: User) -> Iterator[None]:
    """Have the rights of `user` on files, and root's again afterwards."""
    _import_early()
    groups = os.getgroups()
    os.setgroups(user.groups)
    os.setegid(user.gid)
    os.seteuid(user.uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


def _import_early() -> None:
    for name in _LATE:
        importlib.import_module(name)


def make_home(folder: Path, user: User) -> None:
    """Make a folder for `user` in one that is root's; what is there stays as it is."""
    with translated(folder):
        if not os.path.lexists(folder):
            folder.mkdir(mode=0o750)
            os.chown(folder, user.uid, user.gid, follow_symlinks=False)
