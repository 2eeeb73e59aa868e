"""Counts, lengths of time, and words that somebody else wrote."""

from __future__ import annotations

import re
import unicodedata
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reolink_timelapsed.humanize import (
    for_days,
    gigabytes,
    megabytes,
    pixels,
    printable,
    several,
    span,
)

PACKAGE = Path(__file__).parent.parent / "reolink_timelapsed"
_COUNTED = "frame camera day video picture piece channel tick round segment line file film".split()  # noqa: SIM905
UNHELPED = re.compile(rf"(%d|\}}) (more |other )?({'|'.join(_COUNTED)})s\b")
"""A number before a word that has its plural whatever the number is."""


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 frames"), (1, "1 frame"), (2, "2 frames"), (1000, "1000 frames")]
)
def test_a_count_and_its_word(count: int, text: str) -> None:
    assert several(count, "frame") == text


@pytest.mark.parametrize("module", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.stem)
def test_no_sentence_counts_one_frames(module: Path) -> None:
    lines = [line for line in module.read_text().splitlines() if UNHELPED.search(line)]
    found = [line for line in lines if "days:." not in line and "_listed(" not in line]
    assert not found


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (59.6, "1 min"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (3660, "1 h 1 min"),
        (86399, "23 h 59 min"),
        (90000, "1 d 1 h"),
    ],
)
def test_lengths_of_time(seconds: float, text: str) -> None:
    assert span(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("days", "text"),
    [
        (0.04, "0.0 days"),
        (1, "1.0 days"),
        (9.94, "9.9 days"),
        (812.3, "812 days"),
        (19344, "53 years"),
    ],
)
def test_no_length_of_time_is_told_more_exactly_than_it_is_known(days: float, text: str) -> None:
    assert for_days(days) == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (gigabytes(0), "0.0 GB"),
        (gigabytes(1_949_000_000), "1.9 GB"),
        (gigabytes(2_000_000_000, "g"), "2 GB"),
        (gigabytes(500_000_000, "g"), "0.5 GB"),
        (megabytes(499_999), "0 MB"),
        (megabytes(2_510_000_000), "2510 MB"),
        (megabytes(306_000, ".2f"), "0.31 MB"),
        (pixels((3840, 2160)), "3840x2160"),
    ],
)
def test_sizes_are_told_as_exactly_as_is_of_use(text: str, told: str) -> None:
    assert text == told


@given(st.text())
def test_foreign_words_command_nothing(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert not any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for c in shown)


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_words_of_any_language_stay_as_they_are(text: str) -> None:
    assert printable(text) == text or not text.isprintable()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("one\n<3>two", "one\\n<3>two"),
        ("abc\u202edcba", "abc\\u202edcba"),
        ("\ud800", "\\ud800"),
        ("Garten hinten, Österreich, 庭", "Garten hinten, Österreich, 庭"),
    ],
)
def test_what_is_escaped_can_be_read(text: str, shown: str) -> None:
    assert printable(text) == shown
