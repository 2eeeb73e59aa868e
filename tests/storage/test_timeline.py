"""The note by which a process goes on dating frames as the one before: whatever lies in it."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from reolink_timelapsed.frame import is_datable
from reolink_timelapsed.storage.timeline import Timeline, was_set
from reolink_timelapsed.system.clock import JumpingClock
from tests.support import START

MOMENTS = st.sampled_from(
    [
        *("0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59+00:00", "9999-12-31T23:59:59-12:00"),
        *("2026-11-22T03:50:00", "2026-11-22", "soon", "2026-11-22T03:50:00+00:00", ""),
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | MOMENTS | st.text(max_size=3)
VALUES = st.recursive(
    SCALARS,
    lambda some: st.lists(some, max_size=3) | st.dictionaries(st.text(max_size=3), some),
    max_leaves=4,
)
FIELDS = ("boot", "start", "began", "left", "confirmed", "stepped", "known")
DAMAGE = st.dictionaries(st.sampled_from(FIELDS), VALUES, min_size=1)


def stepped_clock() -> tuple[JumpingClock, Timeline]:
    """Return a clock that was known to be right, and then set: a step that is in doubt."""
    clock = JumpingClock(START)
    clock.boot = "this one"
    timeline = Timeline(clock)
    timeline.confirm()
    clock.sleep(100)
    clock.step(7200)
    assert timeline.is_settled is False
    return clock, timeline


def test_a_process_goes_on_as_the_one_before() -> None:
    clock, before = stepped_clock()
    after = Timeline(clock)
    assert after.resume(before.to_json())
    assert (after.resumed, after.confirmed) == (True, True)
    assert after.now() == before.now()
    assert after.to_json() == before.to_json() | {"stepped": after.to_json()["stepped"]}


def test_another_run_of_the_machine_begins_anew() -> None:
    clock, before = stepped_clock()
    note = before.to_json()
    clock.boot = "the next"
    after = Timeline(clock)
    assert after.resume(note) is None
    assert not after.resumed
    assert not was_set(note, clock)


@given(VALUES | DAMAGE)
@example({"start": "9999-12-31T23:59:59+00:00"})
@example({"known": ["9999-12-31T23:59:59-12:00"]})
def test_a_note_with_anything_in_it_is_of_use_or_is_none(damage: Any) -> None:
    clock, before = stepped_clock()
    note = before.to_json()
    note = note | damage if isinstance(damage, dict) else damage
    after = Timeline(clock)
    began = after.resume(note)
    assert after.resumed == (began is not None)
    assert was_set(note, clock) in (True, False)
    clock.sleep(600)
    assert is_datable(after.now())
    if after.is_settled:
        after.follow(after.step())
    assert after.to_json()
