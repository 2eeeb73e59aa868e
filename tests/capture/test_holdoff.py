"""How long the NVR is left alone after a fault."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reolink_timelapsed.capture.holdoff import Holdoff, pause
from reolink_timelapsed.errors import (
    LoginRefused,
    NvrError,
    SessionExpired,
    SessionLimit,
    Unreachable,
)

KINDS = st.sampled_from([Unreachable, SessionLimit, SessionExpired, LoginRefused])


def pauses(error: NvrError, tries: int) -> list[float]:
    return [pause(error, number) for number in range(1, tries + 1)]


def test_taken_slots_are_asked_for_five_times_in_30_s_and_then_slowly() -> None:
    waits = pauses(SessionLimit("full"), 12)
    assert waits[:5] == [30] * 5
    assert waits == sorted(waits)
    assert waits[5] >= 60
    assert waits[-1] == 300


def test_an_nvr_that_is_down_is_tried_again_soon_and_at_least_each_minute() -> None:
    waits = pauses(Unreachable("gone"), 100)
    assert waits[0] <= 5
    assert waits == sorted(waits)
    assert max(waits) <= 60


def test_a_token_that_is_refused_at_once_means_half_a_minute() -> None:
    assert pauses(SessionExpired("again"), 5) == [30] * 5


@given(KINDS, st.integers(1, 10**9))
def test_a_pause_is_never_nothing_and_never_for_long(kind: type[NvrError], tries: int) -> None:
    assert 1 <= pause(kind("x"), tries) <= 300


@given(st.lists(st.tuples(KINDS, st.floats(0, 4000), st.floats(0, 100)), min_size=1, max_size=20))
def test_nothing_is_asked_before_its_time(
    events: list[tuple[type[NvrError], float, float]],
) -> None:
    holdoff, monotonic = Holdoff(), 0.0
    for kind, hold, passes in events:
        monotonic += passes
        holdoff.hold(kind("x", None, hold), monotonic)
        assert holdoff.active(monotonic)
        assert holdoff.active(monotonic + hold * 0.99)
        assert not holdoff.active(monotonic + max(hold, 300))
    holdoff.clear()
    assert not holdoff.active(monotonic)


@pytest.mark.parametrize("kind", [Unreachable, SessionLimit])
def test_another_kind_of_fault_begins_anew(kind: type[NvrError]) -> None:
    holdoff = Holdoff()
    for _ in range(9):
        holdoff.hold(kind("x"), 0.0)
    long = holdoff.until
    holdoff.hold(SessionExpired("y"), 0.0)
    holdoff.hold(kind("x"), 0.0)
    assert holdoff.until < long
