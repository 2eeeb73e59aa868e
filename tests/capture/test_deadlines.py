"""How long a snapshot may take: what the others leave, but always the time to answer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reolink_timelapsed.capture.backoff import Health
from reolink_timelapsed.capture.deadlines import MARGIN_SECONDS, least, limit

SECONDS = st.floats(0.05, 20)
HEALTHS = st.builds(
    Health,
    bad=st.booleans(),
    suspect_since=st.sampled_from([0.0, 5.0]),
    seconds=st.one_of(st.just(0.0), SECONDS),
)


def take(health: Health, left: float, others: list[Health], *, is_late: bool = False) -> float:
    known = [one.seconds for one in (health, *others) if one.seconds]
    return limit(health, left, others, max(known, default=0.0), is_late=is_late)


@given(HEALTHS, st.lists(st.builds(Health, seconds=SECONDS), max_size=5), st.booleans())
def test_where_there_is_room_the_others_have_theirs_before_the_next_tick(
    health: Health, others: list[Health], is_late: bool
) -> None:
    left = 60.0 + sum(one.seconds for one in others)
    need = sum(one.seconds for one in others)
    assert take(health, left, others, is_late=is_late) + need <= left - MARGIN_SECONDS + 0.001


@given(HEALTHS, st.floats(-5, 60), st.lists(HEALTHS, max_size=5), st.booleans())
def test_there_is_always_the_time_to_answer(
    health: Health, left: float, others: list[Health], is_late: bool
) -> None:
    given_seconds = take(health, left, others, is_late=is_late)
    usual = health.seconds or max((one.seconds for one in others), default=0.0) or 1.0
    assert given_seconds >= min(usual, 3.0)


def test_what_is_given_without_room() -> None:
    quick, slow = Health(seconds=0.5), Health(seconds=4.0)
    assert take(quick, 0.0, []) == 3.0
    assert take(slow, 0.0, []) == 8.0  # twice what it usually takes
    assert take(Health(), 0.0, []) == 8.0  # nothing is known of it
    assert take(Health(seconds=0.5, bad=True), 0.0, []) == 0.75
    assert take(Health(seconds=0.5, suspect_since=1.0), 0.0, []) == 0.75
    assert take(slow, 0.0, [], is_late=True) == 3.0


def test_of_whom_nothing_is_known_is_taken_to_be_like_the_slowest() -> None:
    assert least(Health(), 1.0) == 1.5
    assert least(Health(), 0.0) == 2.25
    room = take(Health(seconds=0.5), 15.0, [Health(), Health()])
    assert room == 15.0 - 2 * 0.5 - 2.0
