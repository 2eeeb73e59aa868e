"""Builds of the package, made as a user makes them: by script/build-deb, on each release."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from .host import Failed, run
from .roots import CannotRun, build_root, cache, unpack

TREE = Path(__file__).resolve().parents[2]

# No network: what the build fetches has to be in /wheels.
_NSPAWN = (
    "systemd-nspawn",
    "--quiet",
    "--register=no",
    "--keep-unit",
    "--private-network",
    "--as-pid2",
    "--pipe",
    "--setenv=PIP_NO_INDEX=1",
    "--setenv=PIP_FIND_LINKS=/wheels",
)


_GIT = ("git", "-c", "safe.directory=*")


@dataclass(frozen=True)
class Build:
    """A finished package, and what lintian said to it."""

    version: str
    deb: Path
    lintian: str


class Builder:
    """A root of one release with what building needs, and a copy of the tree in it."""

    def __init__(self, release: str, work: Path, name: str = "build", commit: str = "") -> None:
        """Of the tree as it is, or as it was at a commit."""
        self.release = release
        self.root = work / f"{name}-{release}"
        self._kept = work
        unpack(build_root(release), self.root)
        if commit:
            copy_commit(self.root / "src", commit)
        else:
            copy_tree(self.root / "src")
        run("cp", "-r", wheels(), self.root / "wheels")

    def build(self, version: str = "") -> Build:
        """Build the tree as it is, or as if its changelog went on to `version`."""
        if version:
            self._raise_version(version)
        self._run("/src/script/build-deb")
        made = max((self.root / "src/dist").glob("*.deb"), key=lambda deb: deb.stat().st_mtime_ns)
        lintian = self._run("lintian", "--pedantic", "-I", f"/src/dist/{made.name}")
        kept = self._kept / f"{self.release}-{made.name}"
        made.rename(kept)
        return Build(made.name.split("_")[1], kept, lintian)

    def _raise_version(self, version: str) -> None:
        changelog = self.root / "src/debian/changelog"
        head, tail = changelog.read_text().split(")", 1)
        changelog.write_text(f"{head.split('(')[0]}({version}){tail}")

    def _run(self, *command: str) -> str:
        return run(*_NSPAWN, "-D", self.root, *command)


def copy_tree(target: Path, part: str = ".") -> None:
    """Copy what git knows or would add, as it is now."""
    target.mkdir(parents=True)
    listed = (*_GIT, "ls-files", "-co", "--exclude-standard", part)
    names = [name for name in run(*listed, cwd=TREE).splitlines() if (TREE / name).exists()]
    tarball = target / "tree.tar"
    lines = "\n".join(names).encode()
    run("tar", "--files-from=-", "--owner=0", "--group=0", "-cf", tarball, stdin=lines, cwd=TREE)
    run("tar", "-xf", tarball, "-C", target)
    tarball.unlink()


def copy_commit(target: Path, commit: str) -> None:
    target.mkdir(parents=True)
    tarball = target / "tree.tar"
    run(*_GIT, "archive", f"--output={tarball}", commit, cwd=TREE)
    run("tar", "-xf", tarball, "-C", target)
    tarball.unlink()


def commit_of_1_0_0() -> str:
    """Return the release's commit: its tag's or, without tags, the one before 1.1.0 was begun.

    Raises:
        CannotRun: if the history does not go back so far.
    """
    try:
        if run(*_GIT, "tag", "--list", "v1.0.0", cwd=TREE).strip():
            return "v1.0.0"
        began = run(
            *_GIT,
            "log",
            "--reverse",
            "--format=%H",
            "-S",
            "## 1.1.0",
            "--",
            "CHANGELOG.md",
            cwd=TREE,
        ).split()
        return run(*_GIT, "rev-parse", "--verify", f"{began[0]}^", cwd=TREE).strip()
    except (Failed, IndexError) as error:
        raise CannotRun(f"the history does not have 1.0.0: {error}") from error


def wheels() -> Path:
    """Return the folder with what the build fetches, fetched once."""
    folder = cache() / "wheels"
    if not list(folder.glob("*.whl")):
        pinned = TREE / "debian/ffmpeg-python.txt"
        pip = (sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--require-hashes")
        try:
            run(*pip, "-r", pinned, "-d", folder)
        except Failed as error:
            raise CannotRun(f"cannot fetch ffmpeg-python: {error}") from error
    return folder
