"""Lines for the journal and for a terminal."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

import reolink_timelapsed
from reolink_timelapsed.system.logs import Formatter, set_up, to_journal
from reolink_timelapsed.system.redact import Scrubber


@pytest.fixture
def package_log() -> Iterator[logging.Logger]:
    """Our logger, put back as it was."""
    ours = logging.getLogger(reolink_timelapsed.__name__)
    before = ours.handlers[:], ours.propagate, ours.level
    yield ours
    ours.handlers[:], ours.propagate, level = before
    ours.setLevel(level)


def formatted(text: str, level: int, *, journal: bool) -> str:
    record = logging.makeLogRecord({"msg": text, "levelno": level, "levelname": "X"})
    return Formatter(Scrubber(), journal=journal).format(record)


@pytest.mark.parametrize(
    ("level", "mark"),
    [
        (logging.DEBUG, "<7>"),
        (logging.INFO, "<6>"),
        (logging.WARNING, "<4>"),
        (logging.ERROR, "<3>"),
    ],
)
def test_the_journal_reads_priorities(level: int, mark: str) -> None:
    record = logging.makeLogRecord({"msg": "one", "levelno": level})
    try:
        raise ValueError("two\x1b[2J\nthree")
    except ValueError as error:
        record.exc_info = (type(error), error, error.__traceback__)
    lines = Formatter(Scrubber(), journal=True).format(record).splitlines()
    assert lines[:2] == [f"{mark}one", f"{mark}Traceback (most recent call last):"]
    assert lines[-2:] == [f"{mark}ValueError: two\\x1b[2J", f"{mark}three"]


def test_a_terminal_reads_the_time() -> None:
    line = formatted("one", logging.INFO, journal=False)
    assert line.endswith(" X one")
    assert line[:2] == "20"


@given(st.text())
def test_every_line_for_the_journal_has_its_priority(text: str) -> None:
    line = formatted(text, logging.INFO, journal=True)
    assert line.startswith("<6>") or not text
    assert line.isprintable()


def test_where_the_lines_go(
    package_log: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    scrubber = Scrubber()
    scrubber.add("hunter22")
    set_up(scrubber, verbose=False)
    package_log.info("our own word, though it is the password: hunter22")
    try:
        raise ValueError("hunter22")
    except ValueError:
        package_log.exception("failed")
    package_log.debug("unsaid")
    set_up(scrubber, verbose=True)
    package_log.getChild("session").debug("said")
    out, err = capsys.readouterr()
    assert out == ""
    assert [
        line.partition(" ")[2].partition(" ")[2] for line in err.splitlines() if line[:2] == "20"
    ] == [
        "INFO our own word, though it is the password: hunter22",
        "ERROR failed",
        "DEBUG said",
    ]


def test_standard_error_is_known_as_the_journal_by_device_and_inode() -> None:
    code = (
        "import os, sys; from reolink_timelapsed.system.logs import to_journal\n"
        "there = os.fstat(2)\n"
        "os.environ['JOURNAL_STREAM'] = f'{there.st_dev}:{there.st_ino}'\n"
        "first = to_journal(); os.environ['JOURNAL_STREAM'] = '1:1'\n"
        "sys.exit(not (first and not to_journal()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("stream", ["", "nonsense", "1", "1:x", "1:2:3"])
def test_odd_streams_are_not_the_journal(monkeypatch: pytest.MonkeyPatch, stream: str) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", stream)
    assert not to_journal()
    assert os.environ["JOURNAL_STREAM"] == stream
