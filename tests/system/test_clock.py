"""The clocks: waiting that ends when told to stop, deadlines that hold, and a clock that jumps."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import pytest

from reolink_timelapsed.system.clock import Clock, DeadlineExceeded, JumpingClock, local_zone
from tests.support import START

PATIENCE = 20.0


def after(seconds: float, number: int) -> threading.Timer:
    timer = threading.Timer(seconds, os.kill, [os.getpid(), number])
    timer.start()
    return timer


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_wait_at_once(number: int) -> None:
    clock = Clock()
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    clock.stop_on_signals()
    began = clock.monotonic()
    timer = after(0.05, number)
    clock.sleep(60)
    timer.join()
    assert clock.stopping
    assert clock.monotonic() - began < PATIENCE
    clock.sleep(60)
    assert clock.monotonic() - began < PATIENCE
    signal.signal(signal.SIGTERM, before[0])
    signal.signal(signal.SIGINT, before[1])


def test_a_wait_takes_its_time() -> None:
    clock = Clock()
    began = clock.monotonic()
    clock.sleep(0.05)
    clock.sleep(0)
    clock.sleep(-5)
    assert clock.monotonic() - began >= 0.05


def test_now_is_utc() -> None:
    assert Clock().now().tzinfo is UTC


def test_a_deadline_ends_what_blocks() -> None:
    clock = Clock()
    left, right = socket.socketpair()
    with left, right, pytest.raises(DeadlineExceeded), clock.deadline(0.05):
        left.recv(1)


def test_a_deadline_that_is_kept_leaves_no_trace() -> None:
    clock = Clock()
    before = signal.getsignal(signal.SIGALRM)
    with clock.deadline(60):
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) is before


def test_no_library_takes_a_deadline_for_its_own_exception() -> None:
    assert not issubclass(DeadlineExceeded, Exception)


def test_a_deadline_strikes_again_if_it_was_swallowed() -> None:
    """As an exception inside a destructor would be."""
    clock = Clock()

    def swallow() -> None:
        try:
            time.sleep(10)
        except DeadlineExceeded:
            time.sleep(10)

    with pytest.raises(DeadlineExceeded), clock.deadline(0.05):
        swallow()


def test_being_told_to_stop_shortens_a_deadline_under_way() -> None:
    clock = Clock()
    began = clock.monotonic()
    before = signal.signal(signal.SIGUSR1, lambda *_: clock.stop())
    timer = after(0.05, signal.SIGUSR1)
    with pytest.raises(DeadlineExceeded), clock.deadline(60):
        threading.Event().wait(60)
    assert clock.monotonic() - began < PATIENCE
    signal.signal(signal.SIGUSR1, before)
    timer.join()


@pytest.mark.parametrize("first", ["stop", "patience"])
def test_what_is_worth_waiting_for_is_given_more_time_but_not_beyond_its_deadline(
    first: str,
) -> None:
    for seconds, most in ((200, 100), (50, 50)):
        clock = Clock()
        steps: list[Callable[[], None]] = [clock.stop, partial(clock.be_patient, 100)]
        with clock.deadline(seconds):
            for step in steps if first == "stop" else reversed(steps):
                step()
            left, _ = signal.getitimer(signal.ITIMER_REAL)
        assert most - PATIENCE < left <= most
        with clock.deadline(60):
            left, _ = signal.getitimer(signal.ITIMER_REAL)
        assert left <= 3.5


def test_a_clock_that_was_told_to_stop_gives_the_last_call_a_few_seconds() -> None:
    clock = Clock()
    clock.stop()
    with clock.deadline(60):
        left, _ = signal.getitimer(signal.ITIMER_REAL)
    assert left <= 3.5


def test_the_jumping_clock() -> None:
    clock = JumpingClock(START)
    clock.sleep(90)
    clock.sleep(-5)
    assert clock.now() == START + timedelta(seconds=90)
    assert clock.monotonic() == 90
    clock.step(-3600)
    assert clock.now() == START + timedelta(seconds=90 - 3600)
    assert clock.monotonic() == 90
    clock.stop()
    clock.sleep(90)
    assert clock.monotonic() == 90


@pytest.mark.parametrize("name", ["Europe/Berlin", ":Asia/Kathmandu"])
def test_the_zone_of_the_environment(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("TZ", name)
    assert local_zone() == ZoneInfo(name.lstrip(":"))


@pytest.mark.parametrize("name", ["", "Not/A_Zone", "../../etc/passwd"])
def test_without_a_good_name_the_machines_own_zone(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("TZ", name)
    assert START.astimezone(local_zone()) == START


def test_which_run_of_the_machine_this_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TIMELAPSE_BOOT_ID", raising=False)
    assert Clock().boot_id() == Clock().boot_id()
    monkeypatch.setenv("TIMELAPSE_BOOT_ID", "as the unit says")
    assert Clock().boot_id() == "as the unit says"
