"""Any one call to the disk may fail, and some never work: a sample of both, on the real commands.

benchmarks/failing_disk_sweep.py lets each of all calls fail, in hours.
"""

from __future__ import annotations

import errno
import random
import shutil
from pathlib import Path

import pytest

from reolink_timelapsed.frame import Video
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system.reading import length
from tests import failing_disk as disk
from tests.films import FOLDER
from tests.support import at


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = disk.library(tmp_path_factory.mktemp("library"))
    if built is None:
        pytest.skip("without gcc no call can be made to fail")
    return built


@pytest.mark.parametrize("scene", disk.SCENES)
def test_one_call_that_fails_costs_no_more_than_its_own(
    library: Path, folder: Path, scene: str
) -> None:
    disk.lay(folder, scene)
    before = disk.digests(folder)
    shutil.copytree(folder / disk.DISK, folder / "saved", symlinks=True, dirs_exist_ok=True)
    calls = disk.run(folder, scene, library, {"PROGRAM": "python"}).calls
    assert len(calls) > 100, "the library sees what the command does"
    number, call, path = random.Random(scene).choice(calls)
    error = disk.ERRORS[number % len(disk.ERRORS)]
    shutil.rmtree(folder / disk.DISK)
    shutil.copytree(folder / "saved", folder / disk.DISK, symlinks=True)
    fail = {"PROGRAM": "python", "AT": number, "WITH": error}
    outcome = disk.run(folder, scene, library, fail)
    what = f"{number} {call} {path} {errno.errorcode[error]}: {outcome.words}"
    assert disk.wrong(folder, scene, before, outcome) == [], what
    assert disk.unfinished(folder, scene) == [], what


LACKS = "symlink,flock,fsync-folder,fchmod,chmod,fchown,lchown,chown,fchownat,utimensat"


@pytest.mark.parametrize(
    ("scene", "lack"),
    [
        ("stitch", errno.EPERM),
        ("capture", errno.EOPNOTSUPP),
    ],
)
def test_a_file_system_that_lacks_what_can_be_done_without(
    library: Path, folder: Path, scene: str, lack: int
) -> None:
    disk.lay(folder, scene)
    fail = {"PROGRAM": "python", "ALWAYS": f",{LACKS},", "WITH": lack}
    outcome = disk.run(folder, scene, library, fail)
    assert outcome.code == 0, outcome.words
    assert disk.torn(folder) == []
    store = Store(folder / disk.DATA, "test")
    assert outcome.words.count("takes no symbolic links") == 1
    assert outcome.words.count("takes no locks") == 1
    if scene == "stitch":
        for camera in disk.CAMERAS:
            assert [video.day for video in store.videos(camera)] == [disk.PAST] * 2
            for video in store.videos(camera):
                assert length(store.video_path(video))
    else:
        assert len(store.frames(FOLDER, at(4).date())) == disk.MINUTES


def test_what_bears_a_final_name_was_synced_before_and_its_folder_after(
    library: Path, folder: Path
) -> None:
    """And a sidecar goes before its videos are replaced, and comes after them."""
    disk.lay(folder, "stitch")
    outcome = disk.run(folder, "stitch", library, {"PROGRAM": "python"})
    assert outcome.code == 0, outcome.words
    calls = [(name, path) for _, name, path in outcome.calls]
    renamed = [number for number, (name, _) in enumerate(calls) if name == "rename"]
    assert len(renamed) > 10
    for number in renamed:
        name, path = calls[number]
        synced = ("fsync-folder", str(Path(path).parent))
        assert synced in calls[number : number + 6], f"{name} {path} is forgotten by a power cut"
        if ".mp4" in path and "latest" not in path:
            assert "fsync" in [before for before, _ in calls[max(number - 6, 0) : number]]
    Store(folder / disk.DATA, "test").video_path(Video(FOLDER, disk.PAST, "720p")).unlink()
    calls = [call[1:] for call in disk.run(folder, "stitch", library, {"PROGRAM": "python"}).calls]
    told = [
        (name, Path(path).suffix)
        for name, path in calls
        if name in {"rename", "unlinkat"} and f"videos/{FOLDER}/timelapse" in path
    ]
    video = ("rename", ".mp4")
    assert told == [("unlinkat", ".json"), video, video, ("rename", ".json")]
