"""Machines and packages for the system tests, made once a run; where they cannot be, a skip."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from .container import Container
from .packages import Build, Builder, commit_of_1_0_0
from .roots import RELEASES, CannotRun, machine_root, require_tools, unpack


@pytest.fixture(scope="session")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        require_tools()
    except CannotRun as error:
        pytest.skip(str(error))
    return tmp_path_factory.mktemp("system")


@pytest.fixture(scope="session")
def builders(work: Path) -> dict[str, Builder]:
    try:
        return {release: Builder(release, work) for release in RELEASES}
    except CannotRun as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def builds(builders: dict[str, Builder]) -> dict[str, Build]:
    """The package as it is, built on each release."""
    return {release: builder.build() for release, builder in builders.items()}


@pytest.fixture(scope="module", params=RELEASES)
def machine(request: pytest.FixtureRequest, work: Path) -> Iterator[Container]:
    """A booted machine of each release, without the package."""
    name = f"{request.module.__name__}-{request.param}"
    container = Container(work / name)
    try:
        unpack(machine_root(request.param), container.root)
    except CannotRun as error:
        pytest.skip(str(error))
    try:
        container.boot()
        yield container
    finally:
        container.remove()


@pytest.fixture(scope="session")
def upgrade(builders: dict[str, Builder], builds: dict[str, Build]) -> Build:
    """A later version, built on the later release, when the present one is built."""
    assert builds
    return builders["trixie"].build("99.0")


@pytest.fixture(scope="session")
def old(work: Path) -> Build:
    """The first release."""
    try:
        return Builder("bookworm", work, "old", commit_of_1_0_0()).build()
    except CannotRun as error:
        pytest.skip(str(error))
