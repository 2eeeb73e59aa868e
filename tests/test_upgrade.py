"""What version 1.0.0 left on disk is taken over as it is.

tests/made_by/1.0.0.tar.xz holds its data folder and its state folder. Two cameras each 15 minutes,
from 04:00 to 22:00 UTC: 2026-11-20 is published and pruned, 2026-11-21 published, 2026-11-22
captured until noon, with the first hours encoded ahead. It remembers a token, a refused login, an
https host, and the beginning of a single run.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from reolink_timelapsed.capture.single_run import SingleRun
from reolink_timelapsed.config.settings import Config, StorageConfig
from reolink_timelapsed.nvr.login_state import HttpsMemory, LoginGuard, TokenFile
from reolink_timelapsed.status import command
from reolink_timelapsed.storage import coverage, retention
from reolink_timelapsed.storage.disk import Mount
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system.clock import JumpingClock
from tests import films
from tests.films import FOLDER, at, segments, sidecar, video

MADE = Path(__file__).parent / "made_by" / "1.0.0.tar.xz"
PRUNED, PUBLISHED, UNDER_WAY = (date(2026, 11, day) for day in (20, 21, 22))
CREDENTIAL = "192.168.1.100\0timelapse\0secret"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    with tarfile.open(MADE) as archive:
        archive.extraction_filter = getattr(tarfile, "data_filter", None)  # unknown to Debian 12
        for member in archive:
            member.uid, member.gid, member.uname, member.gname = os.getuid(), os.getgid(), "", ""
            archive.extract(member, tmp_path)
    return tmp_path / "data"


@pytest.fixture
def state(data: Path) -> Path:
    return data.parent / "state" / ".state"


def settings(data: Path) -> Config:
    capture = replace(films.CONFIG.capture, interval=timedelta(minutes=15))
    storage = StorageConfig(data_dir=data, min_free_gb=0, keep_frames_days=1)
    return replace(films.CONFIG, capture=capture, storage=storage)


def contents(root: Path, kind: str) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted((root / kind).rglob("*.*"))}


def test_published_days_are_finished(data: Path) -> None:
    before = contents(data, "videos")
    films.make(data, at(11, 30), settings(data))
    assert contents(data, "videos") == before


def test_hours_encoded_ahead_are_used_and_the_day_is_finished(data: Path) -> None:
    before = segments(data, str(UNDER_WAY))
    assert before
    films.make(data, at(12, 5), settings(data))
    assert segments(data, str(UNDER_WAY)).items() >= before.items()
    command = films.make(data, config=settings(data))
    frames = len(list((data / "frames" / FOLDER / str(UNDER_WAY)).iterdir()))
    assert not command.failures
    assert sidecar(data, str(UNDER_WAY))["frames"]["used"] == frames
    assert len(films.numbers(video(data, str(UNDER_WAY)))) == frames


def test_what_was_proven_may_be_pruned(data: Path) -> None:
    store, clock = Store(data, "prune"), JumpingClock(at(12, day=date(2026, 11, 23)))
    pruned = retention.run(store, settings(data).storage, clock, zone=UTC)
    assert [day for _, day in pruned.frames] == [PUBLISHED, PUBLISHED]
    assert len(store.frames(FOLDER, PUBLISHED)) == 1
    assert len(store.frames(FOLDER, PRUNED)) == 1


def test_the_record_of_the_day_goes_on(data: Path) -> None:
    record = coverage.load(Store(data, "capture"), UNDER_WAY)
    assert record is not None
    assert record.rounds == len(list((data / "frames" / FOLDER / str(UNDER_WAY)).iterdir()))


def test_status_knows_its_days(data: Path, state: Path) -> None:
    out = io.StringIO()
    command.run(
        settings(data),
        Store(data, "status"),
        JumpingClock(at(12, 5)),
        zone=UTC,
        runtime=state,
        by_hand=state,
        as_json=True,
        out=out,
    )
    told = json.loads(out.getvalue())
    assert set(told["days"]) == {str(PRUNED), str(PUBLISHED), str(UNDER_WAY)}


def test_its_state_is_remembered(state: Path) -> None:
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    token = TokenFile(state).load()
    assert token is not None
    assert token.left_seconds(noon) > 3600
    assert LoginGuard(state).wait_seconds(CREDENTIAL, noon + timedelta(minutes=5, seconds=1)) > 50
    assert HttpsMemory(state).knows("https://192.168.1.100:443")
    window = SingleRun(state, timedelta(hours=5), UTC).at(noon + timedelta(hours=1))
    assert window is not None
    assert window.start == noon + timedelta(minutes=5)


def test_its_data_folder_is_known_by_its_mark(data: Path, state: Path) -> None:
    memory = state / "data-folder.json"
    memory.write_text(memory.read_text().replace("/var/lib/reolink-timelapse", str(data)))
    Mount(data, state).check()
    (data / ".reolink-timelapse").unlink()
    with pytest.raises(Exception, match="not the folder it was"):
        Mount(data, state).check()
