"""Settings and passwords are read from files alone, whatever else bears their name."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reolink_timelapsed.config import env_file, settings
from reolink_timelapsed.config.password import password
from reolink_timelapsed.config.settings import NvrConfig
from reolink_timelapsed.errors import ConfigError

PATIENCE_SECONDS = 30.0
"""After which what waits for a pipe is let go, so that the test fails and does not hang."""

ODD: dict[str, tuple[Callable[[Path], object], str]] = {
    "pipe": (os.mkfifo, "a pipe"),
    "folder": (Path.mkdir, "a folder"),
    "endless device": (lambda path: path.symlink_to("/dev/zero"), "a device"),
    "file of a terabyte": (lambda path: _sparse(path, 2**40), "too large"),
}

READERS: dict[str, Callable[[Path], object]] = {
    "settings": lambda path: settings.load(path, {}, needs_nvr=False),
    "password": lambda path: password(NvrConfig(host="nvr", username="u", password_file=path), {}),
    "environment": env_file.read,
}


def _sparse(path: Path, size: int) -> None:
    path.touch()
    os.truncate(path, size)


@pytest.fixture
def odd(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "written"
    rescue = threading.Timer(PATIENCE_SECONDS, _let_go, (path,))
    rescue.start()
    yield path
    rescue.cancel()


def _let_go(path: Path) -> None:
    os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))


@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_file_is_told_of_and_not_waited_for(odd: Path, reader: str, kind: str) -> None:
    make, word = ODD[kind]
    make(odd)
    with pytest.raises(ConfigError) as caught:
        READERS[reader](odd)
    (problem, *_) = caught.value.problems
    assert str(odd) in problem
    assert word in problem


@pytest.mark.parametrize("reader", READERS)
def test_a_link_to_a_file_will_do(tmp_path: Path, reader: str) -> None:
    text = {"settings": "nvr: {host: nvr, username: u}\n", "password": "secret\n"}
    (tmp_path / "there").write_text(text.get(reader, "A=b\n"))
    (tmp_path / "written").symlink_to("there")
    assert READERS[reader](tmp_path / "written")
