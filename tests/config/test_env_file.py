"""What systemd makes of a file of environment variables, and we with it.

The rows are what systemd 252 and 257 made of them (`systemd-run -p EnvironmentFile= printenv A`);
tests/machines asks the systemd of each machine again.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reolink_timelapsed.config.env_file import parse, read
from reolink_timelapsed.errors import ConfigError
from reolink_timelapsed.system.privileges import User, acting_as
from tests.env_samples import SAMPLES


@pytest.mark.parametrize(("text", "expected"), SAMPLES, ids=repr)
def test_the_syntax_of_systemd(text: str, expected: str | None) -> None:
    assert parse(text).get("A") == expected


@given(st.text(alphabet="A= \t\r\n'\"\\#;$`xü"))
def test_any_text_is_read_to_its_end(text: str) -> None:
    for name, value in parse(text).items():
        assert name
        assert len(name) + len(value) < len(text)


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="'")))
def test_single_quotes_keep_everything(text: str) -> None:
    assert parse(f"# before\nA='{text}'\nB=after\n") == {"A": text, "B": "after"}


@given(st.dictionaries(st.from_regex(r"[A-Z_]+", fullmatch=True), st.text("ab =#'", min_size=1)))
def test_lines_do_not_run_into_each_other(values: dict[str, str]) -> None:
    text = "".join(f'{name}="{value}"\n\n; and\n' for name, value in values.items())
    assert parse(text) == values


# From a file


def test_no_file_is_no_variables(tmp_path: Path) -> None:
    assert read(tmp_path / "not there") == {}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"export NVR_HOST=a\nexport  B = c\n", "write `NVR_HOST=` without the first word"),
        (b"NVR_USERNAME=J\xf6rg\n", "is not UTF-8 text"),
    ],
)
def test_what_systemd_passes_over_is_told(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "default"
    path.write_bytes(data)
    with pytest.raises(ConfigError, match=words) as caught:
        read(path)
    assert all(str(path) in problem for problem in caught.value.problems)


def test_a_folder_in_its_place_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="to become somebody else needs root")
def test_a_file_for_others_is_told(tmp_path: Path) -> None:
    path = tmp_path / "default"
    path.write_text("NVR_HOST=a\n")
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="run it with sudo"), acting_as(User(65534, 65534)):
        read(path)
