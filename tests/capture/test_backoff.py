"""How long the NVR is left alone after a fault, and when a channel is bad, and how seldom asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reolink_timelapsed.capture.backoff import Health, Holdoff, pause
from reolink_timelapsed.errors import (
    BadFrame,
    Busy,
    ChannelFailed,
    LoginRefused,
    NvrError,
    Offline,
    SessionExpired,
    SessionLimit,
    Timeout,
    Unreachable,
    Unsupported,
)

FAULTS = st.sampled_from([Unreachable, SessionLimit, SessionExpired, LoginRefused])
FAILURES = st.sampled_from([BadFrame, Busy, ChannelFailed, Offline, Timeout, Unsupported])


def pauses(error: NvrError, tries: int) -> list[float]:
    return [pause(error, number) for number in range(1, tries + 1)]


def test_taken_slots_are_asked_for_five_times_in_30_s_and_then_slowly() -> None:
    waits = pauses(SessionLimit("full"), 12)
    assert waits[:5] == [30] * 5
    assert waits == sorted(waits)
    assert waits[5:9] == [60, 120, 240, 300]
    assert waits[-1] == 300


def test_an_nvr_that_is_down_is_tried_again_soon_and_at_least_each_minute() -> None:
    waits = pauses(Unreachable("gone"), 100)
    assert waits[:5] == [4, 4, 9, 14, 14]
    assert waits == sorted(waits)
    assert max(waits) == 14


def test_a_token_that_is_refused_at_once_means_half_a_minute() -> None:
    assert pauses(SessionExpired("again"), 5) == [30] * 5
    assert pauses(LoginRefused("no"), 5) == [30] * 5, "the guard of logins makes it longer"


@given(FAULTS, st.integers(1, 10**9))
def test_a_pause_is_never_nothing_and_never_for_long(kind: type[NvrError], tries: int) -> None:
    assert 1 <= pause(kind("x"), tries) <= 300


@given(st.lists(st.tuples(FAULTS, st.floats(0, 4000), st.floats(0, 100)), min_size=1, max_size=20))
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
    assert holdoff.tries == 9
    long = holdoff.until
    for other in (SessionExpired, kind):
        holdoff.hold(other("y"), 0.0)
        assert holdoff.tries == 1
    assert holdoff.until < long


@pytest.mark.parametrize("kind", [Busy, ChannelFailed, BadFrame])
def test_a_channel_is_bad_after_a_few_failures_in_a_row(
    kind: type[ChannelFailed | BadFrame],
) -> None:
    health = Health()
    for _ in range(2):
        turned = [health.failed(kind("x"), float(number)) for number in range(3)]
        assert (turned, health.bad) == ([False, False, True], True)
        health.succeeded(9.0)


@pytest.mark.parametrize("kind", [Offline, Timeout, Unsupported])
def test_some_failures_count_at_once(kind: type[ChannelFailed]) -> None:
    health = Health()
    assert health.failed(kind("x"), 0.0)
    assert health.bad


def test_a_success_in_between_begins_the_count_anew() -> None:
    health = Health()
    for number in range(20):
        assert not health.failed(Busy("x"), float(number))
        health.succeeded(float(number))
    assert not health.bad


def test_turning_bad_is_said_once() -> None:
    health = Health()
    said = [health.failed(Offline("x"), 60.0 * number) for number in range(100)]
    assert said == [True] + [False] * 99


def test_probes_become_rarer_but_come_at_least_every_ten_minutes() -> None:
    health, monotonic, pauses = Health(), 0.0, []
    for _ in range(12):
        health.failed(Timeout("x"), monotonic)
        pauses.append(health.probe_at - monotonic)
        monotonic = health.probe_at
    assert pauses == sorted(pauses)
    assert pauses == [0, 60, 120, 240, 480, *[600] * 7]


def test_what_a_channel_cannot_do_is_tried_once_an_hour() -> None:
    health = Health()
    health.failed(Unsupported("x"), 100.0)
    assert health.probe_at == 3700


@given(st.lists(FAILURES, max_size=30))
def test_a_frame_makes_all_well(kinds: list[type[ChannelFailed | BadFrame]]) -> None:
    health = Health()
    for number, kind in enumerate(kinds):
        health.failed(kind("x"), float(number))
        assert health.reason == kind.reason
    health.succeeded(1000.0)
    assert not health.bad
    assert health.reason == ""
    assert health.works(1599.0)
    assert not health.works(1600.0)


def test_the_latest_suspect_comes_last_and_the_bad_after_it() -> None:
    good, early, late, bad = Health(), Health(), Health(), Health()
    late.suspected(20.0)
    early.suspected(0.5)
    bad.failed(Offline("x"), 1.0)
    ranks = [health.rank for health in (good, early, late, bad)]
    assert ranks == sorted(ranks)
    assert [health.suspect for health in (good, early, late)] == [False, True, True]
    late.succeeded(30.0)
    assert late.rank == good.rank


def test_what_a_picture_takes_is_the_longest_of_the_last_times() -> None:
    health = Health()
    assert health.seconds == 0
    health.succeeded(0.0)
    assert health.seconds == 0
    for seconds in (1.0, 4.0, 1.0):
        health.succeeded(0.0, seconds)
    assert 3.0 < health.seconds < 4.0
    for _ in range(30):
        health.succeeded(0.0, 1.0)
    assert health.seconds == 1.0
