"""The encode fits the memory there is: what is read of it, what is chosen, and the hard proof."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import reolink_timelapsed
from reolink_timelapsed.config.settings import PRESETS
from reolink_timelapsed.media import rungs
from reolink_timelapsed.media.rungs import RUNGS
from reolink_timelapsed.simulator.pictures.mosaic import mosaic_jpeg
from reolink_timelapsed.storage.store import Store
from tests import films
from tests.films import DAY, FOLDER, at, fill, minutes

MEGA = 1_000_000


@given(
    st.floats(0, 10_000), st.floats(0.1, 40), st.sampled_from(PRESETS), st.integers(1, 64)
)  # fmt: skip
def test_the_fastest_rung_that_fits_is_chosen(
    available: float, megapixels: float, preset: str, cores: int
) -> None:
    number = rungs.choose(available, megapixels, preset, cores)
    fits = [rung.peak_mb(megapixels, preset, cores) <= 0.8 * available for rung in RUNGS]
    assert not any(fits[:number])
    assert fits[number] or number == len(RUNGS) - 1


@given(st.floats(0.5, 40), st.sampled_from(PRESETS), st.integers(1, 64))
def test_each_rung_takes_less_than_the_one_before(
    megapixels: float, preset: str, cores: int
) -> None:
    peaks = [rung.peak_mb(megapixels, preset, cores) for rung in RUNGS]
    assert peaks[1:] == sorted(peaks[1:], reverse=True)
    assert peaks[-1] < peaks[0]


@pytest.mark.parametrize(
    ("preset", "cores", "count"),
    [("ultrafast", 2, 1), ("ultrafast", 4, 2), ("veryfast", 4, 1), ("veryfast", 24, 2)],
)
def test_how_many_encodes_run_at_once_where_memory_is_plenty(
    preset: str, cores: int, count: int
) -> None:
    assert rungs.side_by_side(1e6, 8.3, preset, cores) == count


@given(st.floats(0, 1e6), st.floats(0.1, 40), st.sampled_from(PRESETS), st.integers(1, 256))
def test_encodes_run_side_by_side_where_one_decoder_would_hold_many_cores_up(
    available: float, megapixels: float, preset: str, cores: int
) -> None:
    count = rungs.side_by_side(available, megapixels, preset, cores)
    assert 1 <= count <= 4
    if count > 1:
        assert count * RUNGS[0].peak_mb(megapixels, preset, cores) <= 0.8 * available
        assert preset in {"ultrafast", "superfast", "veryfast"}
    assert cores >= 4 or count == 1


@given(st.floats(0, 1e5), st.floats(0.1, 40), st.integers(1, 256))
def test_a_proof_takes_one_thread_or_what_fits(
    available: float, megapixels: float, cores: int
) -> None:
    threads = rungs.proof_threads(available, megapixels, cores)
    assert 1 <= threads <= cores
    assert threads == 1 or 60 + megapixels * (8.5 + 3.2 * threads) <= available


@pytest.fixture
def cgroup() -> Iterator[Path]:
    """A memory cgroup of our own, of version 1 or 2."""
    root = Path("/sys/fs/cgroup")
    mount = root / "memory" if (root / "memory").is_dir() else root
    group = mount / f"reolink-timelapse-test-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no memory cgroup can be made here: {error.strerror}")
    try:
        if not _limit_file(group).exists():
            pytest.skip("the memory controller is not to be had in a cgroup of our own")
        yield group
    finally:
        group.rmdir()


def _limit_file(group: Path) -> Path:
    v1 = group / "memory.limit_in_bytes"
    return v1 if v1.exists() else group / "memory.max"


def _killed(group: Path) -> int:
    for name in ("memory.oom_control", "memory.events"):
        if (group / name).exists():
            rows = dict(line.split() for line in (group / name).read_text().splitlines())
            return int(rows["oom_kill"])
    return 0


RUN = """
import os, sys; from pathlib import Path
(Path(sys.argv[1]) / "cgroup.procs").write_text(str(os.getpid()))
sys.path[:0] = sys.argv[3:]
from tests import films
report = films.make(Path(sys.argv[2]), config=films.configured(preset="veryfast"))
print(report.failures, [numbers for one in report.videos for numbers in [one.frames]])
"""


@pytest.mark.parametrize(
    ("size", "limit_mb"), [((3840, 2160), 450), ((7680, 2160), 900)], ids=["4K", "7680x2160"]
)
def test_a_day_encodes_under_a_hard_limit(
    tmp_path: Path, cgroup: Path, size: tuple[int, int], limit_mb: int
) -> None:
    frames = 20
    store = Store(tmp_path, "capture")
    store.open()
    for number, moment in enumerate(minutes(at(4), frames)):
        picture = mosaic_jpeg(number, *size, min_bytes=900_000)
        store.put_frame(FOLDER, DAY, moment, picture)
    _limit_file(cgroup).write_text(str(limit_mb * MEGA))
    path = [str(Path(films.__file__).parents[1]), str(Path(reolink_timelapsed.__file__).parents[1])]
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(cgroup), str(tmp_path), *path],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout.strip() == f"[] [{frames}, {frames}]", done.stderr
    assert _killed(cgroup) == 0
    assert films.numbers(films.video(tmp_path)) == list(range(frames))


def test_a_limit_that_cannot_do_fails_the_film_and_says_so(tmp_path: Path, cgroup: Path) -> None:
    fill(tmp_path, minutes(at(4), 5), size=(3840, 2160))
    fill(tmp_path, minutes(at(4), 5), folder="ch1_Yard")
    _limit_file(cgroup).write_text(str(150 * MEGA))
    path = [str(Path(films.__file__).parents[1]), str(Path(reolink_timelapsed.__file__).parents[1])]
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(cgroup), str(tmp_path), *path],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert "because memory ran out" in done.stdout
    assert "[5, 5]" in done.stdout, "the other camera is filmed"
