"""What a unit may write to: by its properties, and as seen from within.

Most rows were seen on systemd 252 and 257, as properties of units in which `touch` was tried;
tests/machines tries the units themselves.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reolink_timelapsed.system.sandbox import (
    HIDDEN,
    PRIVATE,
    READ_ONLY,
    drop_in,
    obstacle,
    obstacle_here,
)

OURS = {
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "StateDirectory": "reolink-timelapse",
}
STATE = "/var/lib/reolink-timelapse"
HOME = "/home/pi/tl"


@pytest.mark.parametrize(
    ("more", "folder", "expected"),
    [
        ({}, STATE, ""),
        ({}, f"{STATE}/frames", ""),
        ({}, f"{STATE}2", READ_ONLY),
        ({}, "/srv/tl", READ_ONLY),
        ({}, "/", READ_ONLY),
        ({}, HOME, HIDDEN),
        ({}, "/root", HIDDEN),
        ({}, "/var/tmp/tl", PRIVATE),
        ({"ReadWritePaths": "/srv/tl"}, "/srv/tl/in", ""),
        ({"ReadWritePaths": "/mnt -/srv"}, "/srv/tl", ""),
        ({"ReadWritePaths": "/srv/t"}, "/srv/tl", READ_ONLY),
        ({"ReadWritePaths": r'"/srv/with space % \"q\"/x:y"'}, '/srv/with space % "q"/x:y', ""),
        ({"ReadWritePaths": "'unclosed"}, "/srv/tl", READ_ONLY),
        ({"ReadWritePaths": "/srv", "ReadOnlyPaths": "/srv/tl"}, "/srv/tl", READ_ONLY),
        ({"ReadWritePaths": "/srv/tl", "InaccessiblePaths": "/srv"}, "/srv/tl", HIDDEN),
        ({"ReadWritePaths": "/srv/tl", "TemporaryFileSystem": "/srv:ro"}, "/srv/tl", PRIVATE),
        ({"ReadWritePaths": HOME}, HOME, HIDDEN),
        ({"ProtectHome": "read-only"}, HOME, READ_ONLY),
        ({"ProtectHome": "no", "ReadWritePaths": HOME}, HOME, ""),
        ({"ProtectHome": "tmpfs", "ReadWritePaths": HOME}, HOME, PRIVATE),
        ({"ProtectHome": "tmpfs", "BindPaths": HOME}, HOME, ""),
        ({"ProtectHome": "tmpfs", "BindPaths": f"/mnt/x:{HOME}:rbind"}, HOME, ""),
        ({"ProtectHome": "tmpfs", "BindPaths": "/home/a b:/home/a b:rbind"}, "/home/a b", ""),
        (
            {"ProtectHome": "tmpfs", "BindPaths": "/a:/home/x:y:norbind -/b:/c:rbind"},
            "/home/x:y",
            "",
        ),
        ({"ProtectHome": "tmpfs", "BindPaths": "/a b:/home/a:rbind"}, "/home/a b", PRIVATE),
        ({"BindPaths": "/var/tmp/tl"}, "/var/tmp/tl", ""),
        ({"PrivateTmp": "no", "ReadWritePaths": "/var/tmp/tl"}, "/var/tmp/tl", ""),
        ({"ProtectSystem": "full"}, "/srv/tl", ""),
        ({"ProtectSystem": "no"}, "/usr/tl", ""),
    ],
)
def test_the_properties_of_a_unit(more: dict[str, str], folder: str, expected: str) -> None:
    assert obstacle(OURS | more, Path(folder)) == expected


def test_no_properties_are_no_sandbox() -> None:
    assert obstacle({}, Path("/srv")) == ""


MOUNTS = """\
502 430 8:1 / / ro,relatime shared:1 - ext4 /dev/vda1 rw,errors=remount-ro
503 502 8:1 /srv/with\\040space /srv/with\\040space rw,relatime shared:1 - ext4 /dev/vda1 rw
504 502 0:22 /systemd/inaccessible/dir /home ro,nosuid shared:2 - tmpfs tmpfs rw,mode=755
505 502 0:30 / /root ro,nosuid - tmpfs tmpfs rw,size=0k
506 502 8:1 /tmp/systemd-private-1f-x.service-a/tmp /tmp rw - ext4 /dev/vda1 rw
507 502 8:2 / /mnt/damaged ro,relatime - ext4 /dev/vdb1 ro
508 502 8:3 / /mnt/disk rw - ext4 /dev/vdc1 rw
509 508 8:1 /x /mnt/disk ro - ext4 /dev/vda1 rw
510 504 8:1 /home/pi/tl /home/pi/tl rw - ext4 /dev/vda1 rw
this is no line of it
"""


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("/srv/tl", READ_ONLY),
        ("/srv/with space", ""),
        ("/srv/with spaces", READ_ONLY),
        ("/home/eve/tl", HIDDEN),
        ("/home/pi/tl/frames", ""),
        ("/root/tl", HIDDEN),
        ("/tmp/tl", PRIVATE),
        ("/mnt/damaged/tl", ""),
        ("/mnt/disk", READ_ONLY),
    ],
)
def test_the_view_from_within(folder: str, expected: str) -> None:
    assert obstacle_here(MOUNTS, Path(folder)) == expected


@given(st.text())
def test_any_list_of_mounts_is_borne(text: str) -> None:
    assert obstacle_here(text, Path("/srv")) in {"", READ_ONLY, HIDDEN, PRIVATE}


def test_a_drop_in_for_a_home_binds_it() -> None:
    assert "ProtectHome" not in drop_in(Path("/srv/tl"))
    lines = drop_in(Path('/home/pi/100% "x:y"')).splitlines()
    assert r'ReadWritePaths="/home/pi/100%% \"x:y\""' in lines
    assert r'BindPaths="/home/pi/100%% \"x\\:y\""' in lines
    assert "ProtectHome=tmpfs" in lines
    assert lines[1:3] == ["[Unit]", r'RequiresMountsFor="/home/pi/100%% \"x:y\""']


def test_this_machine_as_it_is() -> None:
    program = (
        "from pathlib import Path; from reolink_timelapsed.system.sandbox import obstacle_here\n"
        "print(obstacle_here(Path('/proc/self/mountinfo').read_text(), Path('/proc/self')))"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
