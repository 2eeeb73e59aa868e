"""What counts as a fault of a film, and what is only talk."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.films import at, fill, make, minutes

TALKATIVE = """\
#!/bin/sh
echo "Warning: using insecure memory!" >&2
exec {real} "$@"
"""


@pytest.fixture
def talkative_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tools whose libraries write to standard error, as libgcrypt does where mlock is refused."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("ffmpeg", "ffprobe"):
        tool = tools / name
        tool.write_text(TALKATIVE.format(real=shutil.which(name)))
        tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.usefixtures("talkative_tools")
def test_what_a_library_says_is_no_fault_of_a_film(tmp_path: Path) -> None:
    fill(tmp_path / "data", minutes(at(12), 5))
    report = make(tmp_path / "data")
    assert report.failures == []
    assert [video.frames for video in report.videos] == [5, 5]
