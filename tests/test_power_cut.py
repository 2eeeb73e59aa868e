"""The judges of benchmarks/power_cut.py: the disk that forgets, and the look that must see it."""

from __future__ import annotations

import random
import shutil
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests import films
from tests.films import AFTER, DAY, FOLDER

sys.path.append(str(Path(__file__).parent.parent / "benchmarks"))

from power_cut_check import Inspector, digest
from power_cut_disk import BLOCK, Disk

READ, WRITE, _, FLUSH = range(4)
BLOCKS = 64
TODAY = AFTER.date()
FRAME = f"frames/{FOLDER}/{DAY}/20261122T100000.000Z.jpg"
VIDEO = f"videos/{FOLDER}/timelapse_{FOLDER}_{DAY}.mp4"
SIDECAR = f"videos/{FOLDER}/timelapse_{FOLDER}_{DAY}.json"
SEGMENT = f"segments/{FOLDER}/{TODAY}/20261123T10Z_full.mp4"
RECORD = f"segments/{FOLDER}/{TODAY}/20261123T10Z.json"
STATE = ".state/session.json"


# The disk


def blocks(letters: str) -> bytes:
    return b"".join(letter.encode() * BLOCK for letter in letters)


def letters(data: bytes) -> str:
    return "".join(chr(data[at]) for at in range(0, len(data), BLOCK))


def on_image(folder: Path) -> str:
    return letters((folder / "image").read_bytes())


@pytest.fixture
def disk(folder: Path) -> Iterator[Disk]:
    image = folder / "image"
    image.write_bytes(blocks("." * BLOCKS))
    made = Disk(image, folder / "socket")
    yield made
    made.close()


def test_a_machine_reads_what_it_wrote(disk: Disk) -> None:
    disk.act(WRITE, 2 * BLOCK, 3 * BLOCK, blocks("abc"))
    disk.act(WRITE, 3 * BLOCK, BLOCK, blocks("d"))
    assert letters(disk.act(READ, 0, 6 * BLOCK)) == "..adc."
    assert disk.at_risk == 3


def test_what_was_flushed_survives(disk: Disk, folder: Path) -> None:
    disk.act(WRITE, 0, 4 * BLOCK, blocks("abcd"))
    disk.act(FLUSH, 0, 0)
    assert disk.pull_the_plug(random.Random(1)) == (0, 0)
    assert on_image(folder)[:5] == "abcd."


def test_of_the_rest_any_part_of_any_age_survives(disk: Disk, folder: Path) -> None:
    found = set()
    for seed in range(20):
        disk.plug_in()
        disk.act(WRITE, 0, BLOCKS * BLOCK, blocks("." * BLOCKS))
        disk.act(FLUSH, 0, 0)
        disk.act(WRITE, 0, BLOCKS * BLOCK, blocks("a" * BLOCKS))
        disk.act(WRITE, 0, BLOCKS * BLOCK, blocks("b" * BLOCKS))
        at_risk, dropped = disk.pull_the_plug(random.Random(seed))
        left = on_image(folder)
        assert (at_risk, dropped) == (BLOCKS, left.count("."))
        found.add("".join(sorted(set(left))))
    assert ".ab" in found


def test_without_power_it_does_nothing(disk: Disk, folder: Path) -> None:
    disk.pull_the_plug(random.Random(1))
    for kind in (READ, WRITE, FLUSH):
        with pytest.raises(EOFError):
            disk.act(kind, 0, BLOCK, blocks("a"))
    assert on_image(folder) == "." * BLOCKS


# The look


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a published day, and one under way with a segment."""
    root = tmp_path_factory.mktemp("whole")
    films.fill(root, films.minutes(films.at(10), 4))
    films.fill(root, films.minutes(films.at(10, day=TODAY), 4), day=TODAY, first=4)
    films.make(root, AFTER)
    (root / ".state").mkdir()
    (root / STATE).write_text("{}")
    (root / ".state/nvr.lock").touch()
    (root / ".work/stitch/half.mp4").write_bytes(b"in the making")
    assert {VIDEO, SIDECAR, SEGMENT, RECORD} <= names(root)
    return root


@pytest.fixture
def root(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "data", symlinks=True))


def names(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*")}


@pytest.fixture(scope="module")
def inspector(whole: Path) -> Inspector:
    return Inspector({digest(path.read_bytes()) for path in whole.rglob("*.jpg")})


def test_nothing_is_torn_where_all_is_whole(root: Path, inspector: Inspector) -> None:
    seen = inspector.look(root)
    assert seen.torn == []
    assert (len(seen.frames), len(seen.pictures), len(seen.films)) == (8, 8, 2)
    assert (seen.sidecars, seen.segments) == ({SIDECAR}, {SEGMENT})


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def lose_a_block(path: Path) -> None:
    """Leave zeros in the middle, as in a block that was never written."""
    data = path.read_bytes()
    middle = len(data) // 2
    path.write_bytes(data[:middle] + bytes(40) + data[middle + 40 :])


def change_the_count(path: Path) -> None:
    path.write_text(path.read_text().replace('"frames": 4,', '"frames": 5,'))


def change_the_size(path: Path) -> None:
    path.write_text(path.read_text().replace('"bytes": ', '"bytes": 1'))


DAMAGES = [
    (FRAME, cut_short),
    (FRAME, empty),
    (FRAME, lose_a_block),
    (VIDEO, cut_short),
    (VIDEO, empty),
    (SEGMENT, lose_a_block),
    (SEGMENT, cut_short),
    (SEGMENT, Path.unlink),
    (SIDECAR, cut_short),
    (SIDECAR, change_the_count),
    (SIDECAR, change_the_size),
    (RECORD, empty),
    (RECORD, change_the_count),
    (STATE, cut_short),
    (STATE, empty),
]


@pytest.mark.parametrize(("name", "damage"), DAMAGES)
def test_all_that_is_torn_is_seen(
    root: Path, inspector: Inspector, name: str, damage: Callable[[Path], None]
) -> None:
    damage(root / name)
    assert [one for one in inspector.look(root).torn if Path(name).stem[:15] in one]


def test_a_damaged_film_is_seen_though_nothing_counts_its_pictures(
    root: Path, inspector: Inspector
) -> None:
    (root / SIDECAR).unlink()
    assert inspector.look(root).torn == []
    cut_short(root / VIDEO)
    assert [one for one in inspector.look(root).torn if one.startswith(VIDEO)]


@pytest.mark.parametrize(
    "name", ["frames/half", f"frames/{FOLDER}/{DAY}/noon.jpg", "videos/film.mp4", ".state/other"]
)
def test_a_name_that_nothing_lists_is_seen(root: Path, inspector: Inspector, name: str) -> None:
    shutil.copy(root / (FRAME if name.endswith(".jpg") else VIDEO), root / name)
    assert [one for one in inspector.look(root).torn if one.startswith(name)]


def test_a_link_to_nothing_is_seen(root: Path, inspector: Inspector) -> None:
    (root / VIDEO).unlink()
    assert any("latest.mp4: a link to nothing" in one for one in inspector.look(root).torn)


def test_a_segment_may_go_before_its_record_once_its_day_is_published(
    root: Path, inspector: Inspector
) -> None:
    record = (root / RECORD).read_bytes()
    films.make(root, AFTER + timedelta(days=1))
    assert not (root / RECORD).exists()
    (root / RECORD).parent.mkdir(parents=True)
    (root / RECORD).write_bytes(record)
    assert inspector.look(root).torn == []


def test_what_was_there_and_is_gone_is_seen(root: Path, inspector: Inspector) -> None:
    before = inspector.look(root)
    for name in (FRAME, VIDEO, SIDECAR, SEGMENT):
        (root / name).unlink()
    lost = inspector.look(root).lost_since(before)
    assert lost == [f"{name} was there" for name in sorted((FRAME, VIDEO, SIDECAR))]
    assert before.lost_since(before) == []
