"""What stands in the way of a round, as a function of values."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from reolink_timelapsed.capture.backoff import Holdoff
from reolink_timelapsed.capture.obstacle import Obstacle, in_the_way
from reolink_timelapsed.errors import (
    LoginRefused,
    NvrError,
    SessionExpired,
    SessionLimit,
    StoreError,
    Unreachable,
)

KINDS = st.sampled_from([Unreachable, SessionLimit, SessionExpired, LoginRefused])
MONOTONIC = st.floats(0, 1e6)


def held(kind: type[NvrError], monotonic: float) -> Holdoff:
    holdoff = Holdoff()
    holdoff.hold(kind("it said so", None, 100.0), monotonic)
    return holdoff


def test_nothing_is_in_the_way_of_a_fresh_daemon() -> None:
    assert in_the_way("", Holdoff(), 0.0) is None


def test_the_disk_is_named_with_its_own_words() -> None:
    assert in_the_way("it is full", Holdoff(), 0.0) == Obstacle(
        "it is full", StoreError.reason, is_disk=True
    )


def test_the_nvr_is_named_with_its_error_and_the_time_until_the_next_try() -> None:
    found = in_the_way("", held(SessionLimit, 1000.0), 1040.0)
    assert found == Obstacle("it said so; next try in 1 min", SessionLimit.reason)


@given(st.text(min_size=1), KINDS, MONOTONIC, MONOTONIC)
def test_without_a_disk_the_nvr_does_not_matter(
    reason: str, kind: type[NvrError], held_at: float, monotonic: float
) -> None:
    assert in_the_way(reason, held(kind, held_at), monotonic) == in_the_way(
        reason, Holdoff(), monotonic
    )


@given(KINDS, MONOTONIC, st.floats(-1e5, 1e5))
def test_the_nvr_is_in_the_way_exactly_until_it_may_be_asked(
    kind: type[NvrError], held_at: float, beyond: float
) -> None:
    holdoff = held(kind, held_at)
    found = in_the_way("", holdoff, holdoff.until + beyond)
    if holdoff.until + beyond < holdoff.until:
        assert found
        assert (found.reason, found.is_disk) == (kind.reason, False)
    else:
        assert found is None
    holdoff.clear()
    assert in_the_way("", holdoff, held_at) is None


@given(st.text(), KINDS, MONOTONIC, MONOTONIC)
def test_to_ask_changes_nothing(
    disk: str, kind: type[NvrError], held_at: float, monotonic: float
) -> None:
    holdoff = held(kind, held_at)
    before = replace(holdoff)
    first = in_the_way(disk, holdoff, monotonic)
    assert in_the_way(disk, holdoff, monotonic) == first
    assert holdoff == before
