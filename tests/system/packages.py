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


@dataclass(frozen=True)
class Build:
    """A finished package, and what lintian said to it."""

    version: str
    deb: Path
    lintian: str


class Builder:
    """A root of one release with what building needs, and a copy of the tree in it."""

    def __init__(self, release: str, work: Path) -> None:
        self.release = release
        self.root = work / f"build-{release}"
        self._kept = work
        unpack(build_root(release), self.root)
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
    git = ("git", "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard", part)
    names = [name for name in run(*git, cwd=TREE).splitlines() if (TREE / name).exists()]
    tarball = target / "tree.tar"
    listed = "\n".join(names).encode()
    run("tar", "--files-from=-", "--owner=0", "--group=0", "-cf", tarball, stdin=listed, cwd=TREE)
    run("tar", "-xf", tarball, "-C", target)
    tarball.unlink()


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
