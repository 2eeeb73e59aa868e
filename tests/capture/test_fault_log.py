"""The journal is told of changes, and of no more than an hour can bear."""

from __future__ import annotations

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from reolink_timelapsed.capture.fault_log import LINES_PER_HOUR, Story, log
from tests.support import START, Clockwork, Journal

EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["begin", "begin other", "end", "note", "begin many"]),
        st.integers(0, 8),  # which thing
        st.floats(0, 900),  # seconds that pass
    ),
    max_size=200,
)


def test_a_fault_is_told_when_it_begins_and_when_it_ends(journal: Journal) -> None:
    story = Story()
    for second in range(0, 86400, 15):
        story.begin("nvr", "down", "it is down", second)
    story.end("nvr", "it is up", 86400)
    story.end("nvr", "it is up", 86401)
    assert journal.texts == ["it is down", "it is up after 1 d"]


def test_a_fault_that_changes_its_kind_is_told_again(journal: Journal) -> None:
    story = Story()
    story.begin("nvr", "down", "it is down", 0)
    story.begin("nvr", "full", "its slots are taken", 60)
    story.end("nvr", "all is well", 120)
    assert journal.texts == ["it is down", "its slots are taken", "all is well after 2 min"]


def test_several_things_are_told_in_one_line(journal: Journal) -> None:
    story = Story()
    story.begin_together(["a", "b"], "bad", "a and b are bad", 0)
    story.begin_together(["a", "b"], "bad", "a and b are bad", 10)
    story.end_together(["a"], "a is good", 60)
    story.end_together(["a", "b"], "b is good", 90)
    assert journal.texts == [
        "a and b are bad",
        "a is good after 1 min",
        "b is good after 1 min 30 s",
    ]


def test_what_comes_and_goes_is_told_four_times_an_hour(journal: Journal) -> None:
    story = Story()
    for minute in range(60):
        story.begin("cam", "bad", "bad", minute * 60)
        story.end("cam", "good", minute * 60 + 30)
    assert journal.texts.count("bad") == 4
    assert journal.texts.count("good after 30 s") == 4


@given(EVENTS)
def test_no_hour_has_more_lines_than_it_may(events: list[tuple[str, int, float]]) -> None:
    clock = Clockwork(START)
    journal = Journal(clock)
    log.addHandler(journal)
    story, number = Story(), count()
    for what, which, passes in events:
        clock.suspend(passes)
        monotonic, key = clock.monotonic(), f"thing {which}"
        if what == "end":
            story.end(key, "over", monotonic)
        elif what == "note":
            story.note("note", monotonic)
        elif what == "begin many":
            story.begin_together([f"thing {n}" for n in range(which)], "many", "many", monotonic)
        else:
            story.begin(key, what if what == "begin" else str(next(number)), "begin", monotonic)
    log.removeHandler(journal)
    assert journal.most_in_an_hour() <= LINES_PER_HOUR


def test_that_there_was_more_is_told_once_an_hour(journal: Journal) -> None:
    story = Story()
    for number in range(100):
        story.begin(f"thing {number}", "bad", f"thing {number} is bad", number)
    assert len(journal.texts) <= LINES_PER_HOUR
    assert sum("reolink-timelapse status" in text for text in journal.texts) == 1
