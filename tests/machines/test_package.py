"""The package file itself: made on each release, the same each time, nothing to complain of."""

from __future__ import annotations

import re

import pytest

from .host import run
from .packages import TREE, Build, Builder
from .roots import RELEASES


def _listed(build: Build) -> list[str]:
    lines = run("dpkg-deb", "--contents", build.deb).splitlines()
    return [line.split()[5].removeprefix(".") for line in lines]


def _field(build: Build, name: str) -> str:
    return run("dpkg-deb", "--field", build.deb, name).strip()


@pytest.mark.parametrize("release", RELEASES)
def test_lintian_has_nothing_to_say(builds: dict[str, Build], release: str) -> None:
    said = builds[release].lintian.splitlines()
    assert [line for line in said if re.match("[EWIP]: ", line)] == []


@pytest.mark.parametrize("release", RELEASES)
def test_serves_all_machines(builds: dict[str, Build], release: str) -> None:
    assert _field(builds[release], "Architecture") == "all"
    needs = _field(builds[release], "Depends")
    for package in ("ffmpeg", "python3-requests", "python3-sdnotify", "python3-yaml", "tzdata"):
        assert package in needs
    assert "python3-future" not in needs


@pytest.mark.parametrize("release", RELEASES)
def test_puts_no_module_where_other_programs_look(builds: dict[str, Build], release: str) -> None:
    modules = [name for name in _listed(builds[release]) if name.endswith(".py")]
    assert len(modules) > 20
    assert {name.split("/")[3] for name in modules} == {"reolink-timelapse"}


def test_the_same_tree_makes_the_same_package(
    builders: dict[str, Builder], builds: dict[str, Build]
) -> None:
    first = builds["bookworm"].deb.read_bytes()
    assert builders["bookworm"].build().deb.read_bytes() == first


def test_the_fetched_library_is_not_in_the_tree() -> None:
    listed = run("git", "-c", "safe.directory=*", "ls-files", cwd=TREE)
    assert "ffmpeg/_run.py" not in listed
    assert ".whl" not in listed
