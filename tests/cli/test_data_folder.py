"""Another data folder: made, given to its user, opened to the units; and told if it is closed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from reolink_timelapsed.cli import data_folder
from reolink_timelapsed.cli.data_folder import open_to_units, refusal, take
from reolink_timelapsed.config import settings as config
from reolink_timelapsed.config.places import SERVICE_USER
from reolink_timelapsed.errors import StoreError, UsageError
from reolink_timelapsed.storage.access import demand_use, remedy
from reolink_timelapsed.storage.disk import MARKER, Mount
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system.privileges import User, acting_as, owner_of
from reolink_timelapsed.system.sandbox import DROP_IN

SOMEBODY = User(65534, 65534, name="nobody")
ME = User(os.geteuid(), os.getegid())
IS_ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not IS_ROOT, reason="to give to somebody else needs root")


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that others may look into, and not below /tmp, where no data folder may be."""
    shelf = Path("/srv") if os.access("/srv", os.W_OK) else Path.home()
    with TemporaryDirectory(dir=shelf) as name:
        Path(name).chmod(0o755)
        yield Path(name)


def as_user(user: User) -> AbstractContextManager[None]:
    return acting_as(user) if IS_ROOT and user.uid else nullcontext()


# Which folder


@pytest.mark.parametrize(
    ("folder", "words"),
    [
        ("/", "holds other things"),
        ("/etc/timelapse", "is the system's"),
        ("/usr/local/timelapse", "is the system's"),
        ("/run", "is the system's"),
        ("/tmp/timelapse", "is emptied"),
        ("/var/tmp", "is emptied"),
    ],
)
def test_folders_that_are_not_for_this(folder: str, words: str) -> None:
    assert words in refusal(Path(folder))


def test_a_folder_with_other_things_in_it_is_not_taken(home: Path) -> None:
    (home / "Documents").mkdir()
    owner = (home / "Documents").stat().st_uid
    with pytest.raises(UsageError, match=f"such as {home}/timelapse"):
        take(home, SOMEBODY)
    assert (home / "Documents").stat().st_uid == owner
    assert refusal(home / "Documents") == ""
    assert refusal(home / "not" / "there") == ""
    (home / "file").touch()
    assert "holds other things" in refusal(home / "file")
    (home / MARKER).touch()
    assert refusal(home) == "", "it is ours, whatever else there is"


def test_an_empty_disk_and_a_copy_of_ours_may_be_taken(home: Path) -> None:
    (home / "lost+found").mkdir()
    assert refusal(home) == ""
    (home / "frames").mkdir()
    assert refusal(home) == ""


# Whose


@needs_root
def test_a_new_folder_is_its_users_alone(home: Path) -> None:
    folder = home / "a" / "b"
    take(folder, SOMEBODY)
    found = folder.stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (65534, 65534, 0o750)
    assert folder.parent.stat().st_uid == 0


@needs_root
def test_a_copy_made_by_root_is_given_back_and_no_link_followed(home: Path) -> None:
    dear = home / "dear"
    dear.mkdir()
    (dear / "file").touch()
    folder = home / "copy"
    Store(folder, "capture").open()
    (folder / MARKER).touch()
    (folder / "frames" / "ch0").mkdir()
    (folder / "frames" / "link").symlink_to(dear)
    (folder / "videos" / "link").symlink_to(dear / "file")
    told = re.escape(f"chown -R nobody: {folder}")
    with pytest.raises(StoreError, match=told), acting_as(SOMEBODY):
        demand_use(folder)
    take(folder, SOMEBODY)
    assert {path.lstat().st_uid for path in (folder, *folder.rglob("*"))} == {65534}
    assert {path.stat().st_uid for path in (dear, dear / "file")} == {0}
    with acting_as(SOMEBODY):
        demand_use(folder)


@needs_root
def test_a_camera_whose_folder_is_closed_costs_itself_alone(home: Path) -> None:
    """`test` names it, but daemon and stitch go on with the others."""
    folder = home / "data"
    Store(folder, "capture").open()
    take(folder, SOMEBODY)
    closed = folder / "frames" / "ch0_Closed"
    closed.mkdir(mode=0o700)
    with acting_as(SOMEBODY):
        Mount(folder, home / "state").require()
        with pytest.raises(StoreError, match="ch0_Closed is not for"):
            demand_use(folder)


@needs_root
def test_a_folder_behind_a_closed_door_is_told(home: Path) -> None:
    door = home / "pi's"
    door.mkdir(mode=0o700)
    with pytest.raises(StoreError, match="nobody may not pass through") as caught:
        take(door / "timelapse", SOMEBODY)
    told = re.search(r"`sudo ([^`]*)`", str(caught.value))
    assert told
    subprocess.run(["sh", "-c", told[1]], check=True)
    take(door / "timelapse", SOMEBODY)


@needs_root
@pytest.mark.parametrize("inner", ["", "frames"])
def test_a_stranger_is_not_told_to_take_away_the_folder_of_the_service(
    home: Path, inner: str
) -> None:
    root = home / "data"
    Store(root, "capture").open()
    take(root, User(64_123, 64_123))
    (root / inner).chmod(0o700)
    with acting_as(SOMEBODY), pytest.raises(StoreError) as caught:
        demand_use(root)
    assert "is not for nobody to write into: run the command with sudo" in str(caught.value)
    assert "chown" not in str(caught.value)


@pytest.mark.parametrize(
    ("me", "owner", "is_lent"),
    [
        ("pi", SERVICE_USER, True),
        ("pi", "joe", True),
        ("pi", "pi", False),
        ("pi", "root", False),
        (SERVICE_USER, "pi", False),
        (SERVICE_USER, "root", False),
        (SERVICE_USER, SERVICE_USER, False),
    ],
)
def test_whose_folder_it_is_decides_on_the_remedy(me: str, owner: str, *, is_lent: bool) -> None:
    said = remedy(Path("/data"), me, owner)
    assert ("with sudo" in said) is is_lent
    assert (f"`sudo chown -R {me}: /data`" in said) is not is_lent


@needs_root
@pytest.mark.parametrize("inner", ["", "frames", "frames/ch0_Front_Door", ".work", "videos/x y"])
def test_what_is_not_ours_to_write_is_told_with_the_command(home: Path, inner: str) -> None:
    root = home / "data"
    Store(root, "capture").open()
    (root / inner).mkdir(parents=True, exist_ok=True)
    for path in (root, *root.rglob("*")):
        os.chown(path, 65534, 65534)
    os.chown(root / inner, 0, 0)
    with acting_as(SOMEBODY), pytest.raises(StoreError) as caught:
        demand_use(root)
    assert str(caught.value).startswith(f"{root / inner} is not for nobody to write into"[:60])
    told = re.search(r"`sudo ([^`]*)`", str(caught.value))
    assert told
    subprocess.run(["sh", "-c", told[1].replace("nobody:", "65534:65534")], check=True)
    with acting_as(SOMEBODY):
        Mount(root, root / ".state").require()


@pytest.mark.skipif(not shutil.which("unshare") or not IS_ROOT, reason="needs mount namespaces")
def test_a_sandbox_is_not_taken_for_a_damaged_disk(home: Path) -> None:
    """As ProtectSystem=strict does it: all is read-only for this process, and for no other."""
    root = home / "the data"
    Store(root, "capture").open()
    program = (
        "import sys; from pathlib import Path\n"
        "from reolink_timelapsed.storage.disk import Mount\n"
        "from reolink_timelapsed.errors import StoreError\n"
        "try: Mount(Path(sys.argv[1]), Path(sys.argv[2]), 'sudo the-setup').require()\n"
        "except StoreError as error: print(error)\n"
    )
    mount = f"mount --bind '{home}' '{home}' && mount -o remount,bind,ro '{home}'"
    done = subprocess.run(
        [
            *("unshare", "--mount", "sh", "-c", f'{mount} && exec "$@"', "sh"),
            *(sys.executable, "-c", program, str(root), str(home / "state")),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "closed to the service by its unit: it may not write there" in done.stdout
    assert f"`sudo the-setup --data-dir '{root}'`" in done.stdout
    assert "dmesg" not in done.stdout


# The units


@pytest.mark.parametrize("name", ["reolink-timelapse", "reolink-timelapse@garage"])
def test_both_units_get_a_drop_in_and_lose_it(tmp_path: Path, name: str) -> None:
    settings = Path("/etc", name, "config.yaml")
    made = open_to_units(settings, Path("/srv/tl"), tmp_path)
    stitch = name.replace("timelapse", "timelapse-stitch")
    expected = {tmp_path / f"{unit}.service.d" / DROP_IN for unit in (name, stitch)}
    assert set(made) == expected == {path for path in tmp_path.rglob("*") if path.is_file()}
    assert all('ReadWritePaths="/srv/tl"\n' in path.read_text() for path in made)
    assert open_to_units(settings, Path("/var/lib", name, "inner"), tmp_path) == []
    assert not any(path.is_file() for path in tmp_path.rglob("*"))


def test_what_was_copied_before_is_not_told_to_be_copied(home: Path) -> None:
    said: list[str] = []
    old, new, settings = home / "old", home / "copy", home / "config.yaml"
    Store(old, "capture").open()
    (old / "frames" / "ch0_Lake").mkdir()
    shutil.copytree(old, new)
    settings.write_text(f"storage:\n  data_dir: {old}\n")
    data_folder.run(settings, new, owner_of(home), said.append)
    told = "\n".join(said)
    assert f"What there is in {old} stays there.\n" in told
    assert "cp -a" not in told


def test_the_whole_step_for_settings_of_ones_own(home: Path) -> None:
    said: list[str] = []
    old, new, settings = home / "old", home / "new one", home / "config.yaml"
    Store(old, "capture").open()
    settings.write_text(f"storage:\n  data_dir: {old}  # mine\n")
    data_folder.run(settings, new, owner_of(home), said.append)
    assert config.load(settings, {}, needs_nvr=False).storage.data_dir == new
    assert "# mine" in settings.read_text()
    told = "\n".join(said)
    assert f"sudo cp -a {old}/. '{new}/'" in told
    assert new.is_dir()
    data_folder.run(settings, new, owner_of(home), said.append)  # once more changes nothing
    with as_user(owner_of(home)):
        demand_use(new)
