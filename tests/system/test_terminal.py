"""A line that is drawn over and over takes one line, whatever is in it and however wide it is."""

from __future__ import annotations

import io
import os
from contextlib import suppress
from pathlib import Path

import pyte
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reolink_timelapsed.system.terminal import ERASE, StatusLine, columns, cut, drawable
from tests.screen import Screen

TEXTS = st.text(
    st.characters(categories=["L", "M", "N", "P", "Z", "Sm", "Sc", "Cc", "Cf"]), max_size=60
)
"""Without pictographs: each edition of Unicode makes some of them wider."""


@given(TEXTS, st.integers(2, 40))
def test_no_text_is_wider_than_its_room(text: str, width: int) -> None:
    screen = pyte.Screen(width, 3)
    pyte.Stream(screen).feed(cut(text, width - 1))
    assert screen.cursor.y == 0
    assert [line.strip() for line in screen.display[1:]] == ["", ""]


@given(TEXTS, st.integers(0, 40))
def test_what_fits_is_there_and_what_does_not_is_cut_at_the_end(text: str, room: int) -> None:
    shown = cut(text, room)
    assert all(b in {a, " "} for a, b in zip(text, shown, strict=False))
    assert len(shown) == len(text) or len(shown) * 2 + 1 >= room


@pytest.mark.parametrize(
    ("text", "room", "shown"),
    [
        ("ch0_Yard", 8, "ch0_Yard"),
        ("ch0_Yard", 7, "ch0_Yar"),
        ("ch0_车库", 8, "ch0_车库"),
        ("ch0_车库", 7, "ch0_车"),
        ("Cafe\N{COMBINING ACUTE ACCENT}s", 5, "Cafe\N{COMBINING ACUTE ACCENT}s"),
        ("one\ntwo\x1b[2J", 99, "one two [2J"),
        ("x", 0, ""),
        ("x", -1, ""),
    ],
)
def test_letters_take_as_many_cells_as_they_are_wide(text: str, room: int, shown: str) -> None:
    assert cut(text, room) == shown


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_it_stays_one_line_at_any_width(width: int) -> None:
    with Screen(width) as screen:
        line = StatusLine(screen.terminal)
        for number in range(50):
            line.show(f"{number} of 50 车库 " * 12)
        assert len(screen.lines()) == 1
        assert screen.lines()[0].startswith("49 of 50 车库")
        line.clear()
        assert screen.lines() == [""]


def test_it_follows_when_the_terminal_changes_its_size() -> None:
    with Screen(80) as screen:
        line = StatusLine(screen.terminal)
        line.show("x" * 100)
        assert screen.lines() == ["x" * 79]
        for width in (30, 120):
            screen.resize(width)
            line.show("y" * 200)
            assert screen.lines() == ["y" * (width - 1)]


def test_a_terminal_that_does_not_know_its_width_is_taken_for_a_usual_one() -> None:
    with Screen(80) as screen:
        screen.resize(0)
        assert columns(screen.terminal) == 80
    assert columns(io.StringIO()) == 80


def test_a_terminal_that_has_gone_costs_nothing() -> None:
    screen = Screen(80)
    line = StatusLine(screen.terminal)
    with screen:
        line.show("here")
    line.show("gone")
    line.clear()
    with suppress(OSError):  # what could not be written any more
        screen.close_ours()


def test_only_what_draws_over_itself_is_drawn_upon(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with Screen(80) as screen, (tmp_path / "file").open("w") as file:
        monkeypatch.setenv("TERM", "xterm")
        assert drawable(screen.terminal) is screen.terminal
        assert drawable(file) is None
        monkeypatch.setenv("TERM", "dumb")
        assert drawable(screen.terminal) is None
        monkeypatch.delenv("TERM")
        assert drawable(screen.terminal) is None


def test_nothing_is_drawn_where_there_is_no_terminal() -> None:
    line = StatusLine(None)
    line.show("to nobody")
    line.clear()


def test_a_line_of_the_log_takes_its_place() -> None:
    with Screen(40) as screen:
        line = StatusLine(screen.terminal)
        line.show("half way")
        os.write(screen.descriptor, f"{ERASE}told\n".encode())
        line.show("further")
        assert screen.lines() == ["told", "further"]
