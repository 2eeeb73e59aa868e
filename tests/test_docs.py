"""Man pages, completion, sample and README say what the code does: no less and no more."""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from reolink_timelapsed import errors
from reolink_timelapsed.cli.parser import build_parser
from reolink_timelapsed.config.settings import KEYS, NAMES, CaptureConfig, Key
from reolink_timelapsed.config.yaml_file import SettingsFile

TREE = Path(__file__).parent.parent
COMMAND_PAGE = TREE / "man" / "reolink-timelapse.1"
SETTINGS_PAGE = TREE / "man" / "reolink-timelapse.yaml.5"
COMPLETION = TREE / "completions" / "reolink-timelapse"
README = TREE / "README.md"


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def commands() -> dict[str, argparse.ArgumentParser]:
    parser = build_parser()
    groups = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    return dict(groups[0].choices)


def flags(parser: argparse.ArgumentParser) -> set[str]:
    """Long options, without --help, which all have."""
    options = {word for action in parser._actions for word in action.option_strings}
    return {word for word in options if word.startswith("--")} - {"--help"}


def section(page: Path, name: str) -> str:
    match = re.search(rf"^\.Sh {name}\n(.*?)(?=^\.Sh |\Z)", text_of(page), re.DOTALL | re.MULTILINE)
    assert match, f"{page.name} has no section {name}"
    return match[1]


def flags_in(mdoc: str) -> set[str]:
    return {f"-{word}" for word in re.findall(r"\bFl (-[a-z-]+)", mdoc)}


# The command line


def test_every_command_and_flag_says_what_it_is_for() -> None:
    for name, parser in commands().items():
        assert parser.description, name
        for action in parser._actions:
            assert action.help, f"{name} {action.option_strings or action.dest}"


def test_the_synopsis_has_every_command_with_its_flags() -> None:
    lines = re.split(r"^\.Nm\n", section(COMMAND_PAGE, "SYNOPSIS"), flags=re.MULTILINE)[1:]
    told = {}
    for line in lines:
        command = re.search(r"^\.Cm (\S+)", line, re.MULTILINE)
        if command:
            told[command[1]] = flags_in(line)
    assert told == {name: flags(parser) for name, parser in commands().items()}


def test_the_manual_describes_every_command_and_flag() -> None:
    body = section(COMMAND_PAGE, "COMMANDS")
    described, _, common = body.partition("Options for every command, given before it:")
    parts = re.split(r"^\.It Cm (\S+)\n", described, flags=re.MULTILINE)[1:]
    told = {name: flags_in(text) for name, text in zip(parts[::2], parts[1::2], strict=True)}
    assert told == {name: flags(parser) for name, parser in commands().items()}
    assert flags_in(common) == flags(build_parser()) | {"--help"}


def test_the_manual_explains_every_exit_code() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    codes = {kind.exit_code for kind in kinds if issubclass(kind, errors.TimelapseError)}
    told = re.findall(r"^\.It (\d+)$", section(COMMAND_PAGE, "EXIT STATUS"), re.MULTILINE)
    assert {int(code) for code in told} == codes | {0}


def completions(*words: str) -> set[str]:
    """Ask a real bash what it would offer after `words`."""
    script = f"""
    _init_completion() {{ cword=$COMP_CWORD; words=("${{COMP_WORDS[@]}}")
        cur=${{words[cword]}}; prev=${{words[cword-1]}}; }}
    source {COMPLETION}
    COMP_WORDS=(reolink-timelapse "$@" ""); COMP_CWORD=$(( $# + 1 ))
    _reolink_timelapse
    printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(
        ["bash", "-c", script, "bash", *words], capture_output=True, text=True, check=True
    )
    assert not done.stderr
    return set(done.stdout.split())


def test_the_shell_completes_every_command_and_flag() -> None:
    assert completions() == set(commands()) | flags(build_parser()) | {"--help"}
    for name, parser in commands().items():
        assert completions(name) == flags(parser) | {"--help"}, name
    assert completions("--config", "x.yaml", "prune") == {"--dry-run", "--help"}


@pytest.mark.parametrize("written", ["{}", '"{}"', "'{}'", "{}   # the large disk"])
def test_the_shell_offers_the_cameras_there_are(tmp_path: Path, written: str) -> None:
    data, settings = tmp_path / "data of mine", tmp_path / "config.yaml"
    lines = [
        "capture:",
        "  interval_seconds: 15",
        "storage:",
        f"  data_dir: {written.format(data)}",
    ]
    settings.write_text("\n".join(lines))
    words = ("--config", str(settings), "stitch", "--camera")
    assert completions(*words) == set()
    for folder in ("ch0_Front_Door", "ch12_Yard", ".ch1_Hidden"):
        (data / "frames" / folder).mkdir(parents=True)
    assert completions(*words) == {"ch0_Front_Door", "Front_Door", "ch12_Yard", "Yard"}


def test_the_shell_offers_no_camera_where_the_settings_are_not_to_be_read() -> None:
    offered = completions("--config", "/nowhere/x.yaml", "stitch", "--camera")
    assert all("*" not in one for one in offered)


# The settings


def blocks() -> dict[str, str]:
    parts = re.split(r"^\.It Cm (\S+)\n", text_of(SETTINGS_PAGE), flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_the_manual_has_every_key_and_no_other() -> None:
    assert sorted(blocks()) == sorted(key.path for key in KEYS)


@pytest.mark.parametrize("key", KEYS, ids=lambda key: str(key.path))
def test_the_manual_tells_default_and_variable_of_every_key(key: Key) -> None:
    block = blocks()[key.path].partition(".El\n")[0]
    told = re.search(r"Default:(?: (empty)|\s+\.Li (\S+))", block)
    default = told[2].replace(r"\(dq", "") if told and told[2] else ""
    assert default == {"capture.channels": "[]"}.get(key.path, key.default)
    assert bool(told) == (key.path not in {"nvr.host", "nvr.username", "nvr.password"})
    variables = re.findall(r"^\.Ev (\S+)", block, re.MULTILINE)
    assert variables == [variable for variable in (key.variable,) if variable]


def test_the_command_page_lists_every_variable() -> None:
    told = re.findall(r"^\.It Ev (\S+)", section(COMMAND_PAGE, "ENVIRONMENT"), re.MULTILINE)
    assert sorted(told) == sorted(key.variable for key in KEYS if key.variable)


def test_the_settings_in_the_readme_are_the_defaults(tmp_path: Path) -> None:
    found = re.findall(r"^```yaml\n(nvr:\n.*?)^```", text_of(README), re.DOTALL | re.MULTILINE)
    assert len(found) == 1, "the README shows the settings once, in a block that begins with nvr:"
    file = SettingsFile(tmp_path / "README.md", NAMES, found[0])
    assert file.problems == []
    told = {written.path: written.text for written in file.settings}
    assert set(told) == {key.path for key in KEYS} - {"nvr.password"}
    for key in KEYS:
        if key.path not in {"nvr.host", "nvr.username", "nvr.password"}:
            assert told[key.path] == key.default, key.path


def test_the_room_in_the_readme_is_that_of_the_defaults() -> None:
    """Videos come to a tenth of clean frames, to half of noisy ones."""
    frames = CaptureConfig().duration / CaptureConfig().interval
    assert f"{frames:,.0f} frames a day and camera" in text_of(README)
    rows = re.findall(
        r"^\| ([\d.]+) MB .*?\| ([\d.]+) GB \| ([\d.]+) to ([\d.]+) GB",
        text_of(README),
        re.MULTILINE,
    )
    assert len(rows) == 3
    for row in rows:
        picture, *told = (float(cell) for cell in row)
        day = picture * frames / 1000
        assert told == [round(day, 1), round(day / 10, 1), round(day / 2, 1)]


@pytest.mark.parametrize("page", [README, COMMAND_PAGE, SETTINGS_PAGE], ids=lambda page: page.name)
def test_no_example_fills_the_memory(page: Path) -> None:
    """On Debian 13 /tmp is memory."""
    assert not re.search(r"--output /tmp\b", text_of(page))


# The pages themselves


@pytest.mark.skipif(not shutil.which("man"), reason="there is no man here to format the pages")
@pytest.mark.parametrize("page", [COMMAND_PAGE, SETTINGS_PAGE], ids=lambda page: str(page.name))
def test_the_pages_are_formatted_without_a_warning(page: Path) -> None:
    done = subprocess.run(
        ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", str(page)],
        capture_output=True,
        text=True,
        check=True,
        env={"LC_ALL": "C.UTF-8", "MANWIDTH": "80", "PATH": "/usr/bin:/bin"},
    )
    assert done.stderr == ""
