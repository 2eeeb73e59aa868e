"""What outlives the daemon: refused logins, and the pace they impose."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reolink_timelapsed.errors import StoreError
from reolink_timelapsed.nvr.login_state import (
    LEASE_GRACE_SECONDS,
    HttpsMemory,
    KeptToken,
    LoginGuard,
    TokenFile,
    pace,
    require_access,
)
from tests.support import START

ROOT = Path(__file__).parents[2]
FIVE_MINUTES = timedelta(minutes=5)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["one", "two", "three"]),
        st.floats(0, 4000),  # passes
        st.sampled_from([0.0, 0.0, 330.0, 600.0]),  # the NVR's hold
        st.booleans(),  # a restart comes before
        st.sampled_from([False, False, True]),  # the NVR lets it in, this time
    ),
    max_size=12,
)


def test_the_pace() -> None:
    minutes = [pace(count).total_seconds() / 60 for count in range(1, 8)]
    assert minutes == [1, 10, 60, 60, 60, 60, 60]


@settings(max_examples=10)
@given(STEPS)
@example(  # another process lets itself in between two refusals
    [
        ("one", 0, 0.0, False, False),
        ("two", 1, 0.0, False, True),
        ("one", 60, 0.0, False, False),
        ("one", 60, 0.0, False, False),
    ]
)
def test_who_obeys_never_tries_more_than_twice_in_five_minutes(
    steps: list[tuple[str, float, float, bool, bool]],
) -> None:
    """Whatever the credential, after any number of restarts, and of logins in between."""
    with TemporaryDirectory() as name:
        guard, now, tries = LoginGuard(Path(name)), START, list[datetime]()
        for credential, passes, hold, restart, accepted in steps:
            guard = LoginGuard(Path(name)) if restart else guard
            now += timedelta(seconds=passes)
            if guard.wait_seconds(credential, now) > 0:
                continue
            if accepted:
                guard.accepted(now)
            else:
                tries.append(now)
                assert guard.refused(credential, now, hold) >= max(hold, 60)
        assert all(sum(one <= other < one + FIVE_MINUTES for other in tries) <= 2 for one in tries)


def test_a_clock_that_is_set_back_frees_no_try(tmp_path: Path) -> None:
    guard = LoginGuard(tmp_path)
    guard.refused("one", START, 0)
    guard.refused("two", START + timedelta(seconds=1), 0)
    back = START - timedelta(hours=1)
    assert 300 <= guard.wait_seconds("three", back) <= 310
    assert LoginGuard(tmp_path).wait_seconds("three", back + timedelta(minutes=2)) > 150


def test_who_cannot_count_refusals_may_not_try() -> None:
    if os.geteuid() != 0:
        pytest.skip("to become somebody else needs root")
    with TemporaryDirectory() as name:  # the folders above pytest's are root's alone
        home, own = Path(name) / "root's", Path(name) / "own"
        home.mkdir(mode=0o755)
        own.mkdir()
        shut = Path(name) / "shut"
        (shut / ".state").mkdir(parents=True)
        shut.chmod(0o700)
        LoginGuard(home).refused("one", START, 0)
        os.chown(own, 65534, 65534)
        Path(name).chmod(0o755)
        require_access(home)
        os.seteuid(65534)
        try:
            for folder in (home, home / "not" / "there", shut / ".state"):
                with pytest.raises(StoreError, match="run it with sudo"):
                    require_access(folder)
            require_access(own)
            require_access(own / ".state")
        finally:
            os.seteuid(0)


def test_three_tries_then_hourly_for_a_day(tmp_path: Path) -> None:
    now, tries = START, []
    while now < START + timedelta(hours=12):
        tries.append(now)
        wait = LoginGuard(tmp_path).refused("x", now, 0)
        assert LoginGuard(tmp_path).wait_seconds("x", now + timedelta(seconds=wait - 1)) == 1
        now += timedelta(seconds=wait)
    gaps = [(after - before).total_seconds() for before, after in pairwise(tries)]
    assert gaps[:2] == [60, 600]
    assert set(gaps[2:]) == {3600}


def test_the_file_holds_no_password(tmp_path: Path) -> None:
    LoginGuard(tmp_path).refused("nvr\0user\0hunter22", START, 0)
    text = (tmp_path / "refusals.json").read_text()
    assert "hunter22" not in text
    assert "user" not in text


@given(st.timedeltas(timedelta(days=-400), timedelta(days=400)), st.floats(0, 86400))
def test_what_is_left_of_a_lease(age: timedelta, lease: float) -> None:
    token = KeptToken("http://nvr", "u", "t", START, lease)
    left = token.left_seconds(START + age)
    assert 0 <= left <= lease + LEASE_GRACE_SECONDS
    assert left == lease + LEASE_GRACE_SECONDS or age > timedelta(0)


@pytest.mark.parametrize(
    "change",
    [{"latest": []}, {"latest": None}, {"count": -1}, {"hold": -1}, {"hold": "x"}, {"count": None}],
)
def test_a_damaged_count_is_none(tmp_path: Path, change: dict[str, Any]) -> None:
    LoginGuard(tmp_path).refused("x", START, 0)
    path = tmp_path / "refusals.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert LoginGuard(tmp_path).wait_seconds("x", START) == 0
    assert LoginGuard(tmp_path).refused("x", START, 0) == 60


def test_an_nvr_is_known_by_its_host_alone(tmp_path: Path) -> None:
    memory = HttpsMemory(tmp_path)
    assert not memory.knows("https://one:443")
    memory.note("https://one:443")
    assert memory.knows("https://one:443")
    assert not memory.knows("https://other:443")
    memory.note("https://other:443")
    assert not memory.knows("https://one:443")


@pytest.mark.parametrize("mine", ["folder", "file"])
def test_folder_and_file_must_both_be_ours(mine: str) -> None:
    if os.geteuid() != 0:
        pytest.skip("to become somebody else needs root")
    with TemporaryDirectory() as name:
        folder = Path(name)
        LoginGuard(folder).refused("one", START, 0)
        folder.chmod(0o755)
        os.chown(folder if mine == "folder" else folder / "refusals.json", 65534, 65534)
        os.seteuid(65534)
        try:
            with pytest.raises(StoreError, match="run it with sudo"):
                require_access(folder)
        finally:
            os.seteuid(0)


@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")
def test_a_token_is_there_before_the_disk_is_waited_for(tmp_path: Path) -> None:
    """A kill finds it from then on: syncing takes a tenth of a second on a memory card."""
    trace = tmp_path / "trace"
    code = f"""
from datetime import UTC, datetime
from pathlib import Path
from reolink_timelapsed.nvr.login_state import KeptToken, TokenFile
TokenFile(Path({str(tmp_path)!r})).save(KeptToken("http://a", "u", "t", datetime.now(UTC), 3600.0))
"""
    calls = "-etrace=rename,renameat,renameat2,fsync"
    command = ["strace", "-o", str(trace), calls, sys.executable, "-c", code]
    subprocess.run(command, check=True, cwd=ROOT, timeout=60)
    seen = [line.partition("(")[0] for line in trace.read_text().splitlines() if "(" in line]
    assert seen == ["rename", "fsync", "fsync"]
    kept = TokenFile(tmp_path).load()
    assert kept
    assert kept.name == "t"


def test_moments_are_utc(tmp_path: Path) -> None:
    LoginGuard(tmp_path).refused("x", START.astimezone(UTC), 0)
    assert LoginGuard(tmp_path).wait_seconds("x", START + timedelta(seconds=10)) == 50
