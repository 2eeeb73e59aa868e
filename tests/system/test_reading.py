"""Entries on disk that are not what their names say: left out, told once, never waited for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reolink_timelapsed.errors import OddEntry, StoreError
from reolink_timelapsed.system.lock import lock_file
from reolink_timelapsed.system.reading import (
    JSON_LIMIT,
    files_in,
    length,
    read_file,
    read_json,
    read_state,
)
from reolink_timelapsed.system.writing import delete, write_beside
from tests.odd import KINDS, Make, a_folder, a_link_out, a_pipe, a_terabyte, immutable

LIMIT = 1000
odd = pytest.mark.parametrize("make", KINDS, ids=lambda make: make.__name__)


@odd
def test_what_is_no_file_is_refused_with_its_path(tmp_path: Path, make: Make) -> None:
    path = tmp_path / "entry"
    make(path)
    with pytest.raises(OddEntry, match=r"entry .* move it away"):
        read_file(path, LIMIT)
    assert path.is_symlink() or path.exists()


@odd
def test_a_json_that_is_no_file_counts_as_none_and_is_told_once(
    tmp_path: Path, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "entry.json"
    make(path)
    for _ in range(3):
        assert read_json(path) is None
        assert read_state(path) is None
    (line,) = caplog.messages
    assert str(path) in line
    assert "left out" in line


@odd
def test_a_file_of_ours_takes_the_place_of_what_is_no_folder(tmp_path: Path, make: Make) -> None:
    path = tmp_path / "state.json"
    for place in (path, tmp_path / f".{path.name}.part"):
        make(place)
    if make is a_folder:
        with pytest.raises(StoreError, match=r"state\.json: a folder is in the place of a file"):
            write_beside(path, b"{}", 0o600)
    else:
        write_beside(path, b"{}", 0o600)
        assert read_json(path) == {}
    assert Path("/etc/passwd").stat().st_size > 10


@odd
def test_whatever_it_is_it_can_be_deleted(tmp_path: Path, make: Make) -> None:
    path = tmp_path / "entry"
    make(path)
    delete(path)
    delete(path)
    assert list(tmp_path.iterdir()) == []
    assert Path("/etc/passwd").exists()


@pytest.mark.parametrize("make", [one for one in KINDS if one is not a_terabyte])
def test_a_lock_is_put_on_nothing_else(tmp_path: Path, make: Make) -> None:
    path = tmp_path / "lock"
    make(path)
    with pytest.raises(StoreError):
        os.close(lock_file(path))


def test_a_whole_file_is_read_and_one_byte_more_is_not(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(LIMIT))
    assert read_file(path, LIMIT) == bytes(LIMIT)
    assert length(path) == LIMIT
    with pytest.raises(OddEntry, match="more than"):
        read_file(path, LIMIT - 1)


def test_what_is_not_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "missing", tmp_path / "file" / "below", tmp_path / "no" / "folder"):
        assert read_file(path, LIMIT) is None
        assert read_json(path) is None
        assert length(path) is None


def test_names_tell_files_from_the_rest(tmp_path: Path) -> None:
    a_pipe(tmp_path / "pipe")
    a_link_out(tmp_path / "link")
    (tmp_path / "file").touch()
    assert files_in(tmp_path) == {"pipe": False, "link": False, "file": True}


def test_a_folder_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    (tmp_path / "file").write_text("{}")
    tmp_path.chmod(0)
    try:
        with pytest.raises(StoreError, match="not permitted"):
            read_json(tmp_path / "file")
        assert read_state(tmp_path / "file") is None
    finally:
        tmp_path.chmod(0o700)


def test_what_cannot_be_deleted_does_not_keep_the_rest(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in range(5):
        (folder / str(number)).touch()
    stuck = folder / "2"
    with immutable(stuck):
        with pytest.raises(PermissionError) as raised:
            delete(folder)
        assert raised.value.filename == str(stuck)
        assert list(folder.iterdir()) == [stuck]


DEEP = b"[" * 100_000
NUMBER = b"9" * 100_000


@settings(max_examples=30)
@given(st.binary(max_size=200) | st.sampled_from([DEEP, NUMBER, b'"\xff"', b"NaN", b"\x00"]))
def test_any_file_is_json_or_none(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("json") / "file"
    path.write_bytes(data)
    read_json(path)


def test_a_huge_json_is_none(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b" " * JSON_LIMIT + b"{}")
    assert read_json(path) is None
