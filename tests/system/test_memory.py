"""How much memory may be taken: by the machine, and by the cgroups that hold this process."""

from __future__ import annotations

from pathlib import Path

import pytest

from reolink_timelapsed.system import memory

MEMINFO = "MemTotal:  8000000 kB\nMemFree: 100 kB\nMemAvailable:   2000000 kB\n"


def system(root: Path, cgroup: str, files: dict[str, str]) -> Path:
    """Lay out the parts of /proc and /sys that tell of memory."""
    for name, text in ({"proc/meminfo": MEMINFO, "proc/self/cgroup": cgroup} | files).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_without_limits_it_is_what_the_machine_has(tmp_path: Path) -> None:
    assert memory.available_mb(system(tmp_path, "0::/\n", {})) == pytest.approx(2048)
    assert memory.available_mb(tmp_path / "nowhere") == float("inf")


def test_a_cgroup_of_version_2_and_those_above_it(tmp_path: Path) -> None:
    group = "sys/fs/cgroup/system.slice"
    files = {
        f"{group}/stitch.service/memory.max": "max\n",
        f"{group}/stitch.service/memory.high": "900000000\n",
        f"{group}/stitch.service/memory.current": "500000000\n",
        f"{group}/stitch.service/memory.stat": "anon 1\ninactive_file 200000000\nactive_file 5\n",
        f"{group}/memory.max": "1500000000\n",
        f"{group}/memory.current": "1000000000\n",
    }
    root = system(tmp_path, "0::/system.slice/stitch.service\n", files)
    assert memory.available_mb(root) == pytest.approx(500)
    (root / group / "memory.max").write_text("max")
    assert memory.available_mb(root) == pytest.approx(600, abs=0.1)


def test_a_cgroup_of_version_1(tmp_path: Path) -> None:
    group = "sys/fs/cgroup/memory/box"
    files = {
        f"{group}/memory.limit_in_bytes": "450000000\n",
        f"{group}/memory.usage_in_bytes": "100000000\n",
        f"{group}/memory.stat": "inactive_file 1\ntotal_inactive_file 30000000\n",
        "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
        "sys/fs/cgroup/memory/memory.usage_in_bytes": "100000000\n",
    }
    root = system(tmp_path, "4:cpu,memory:/box\n0::/\n", files)
    assert memory.available_mb(root) == pytest.approx(380)
