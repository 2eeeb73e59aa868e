"""The session manager against the simulated NVR: tokens, gaps, deadlines, over real HTTP.

That no rule of the NVR was broken is checked at the end of every test, by the fixture `nvr`.
"""

from __future__ import annotations

import json
import os
import signal
import stat
import threading
import tracemalloc
from itertools import pairwise
from pathlib import Path

import pytest

from reolink_timelapsed.errors import (
    BadFrame,
    Busy,
    ChannelFailed,
    Isolated,
    LoginRefused,
    NoConnection,
    NvrError,
    Offline,
    SessionExpired,
    SessionLimit,
    Stopped,
    Timeout,
    Unreachable,
    Unsupported,
)
from reolink_timelapsed.media.jpeg import picture_size
from reolink_timelapsed.nvr.api import Channel
from reolink_timelapsed.nvr.session import Others, Session
from reolink_timelapsed.simulator import Kind, LoginPolicy, Request, SimulatedNvr
from reolink_timelapsed.system.clock import Clock
from tests.support import (
    PASSWORD,
    PATIENCE_SECONDS,
    START,
    USERNAME,
    Clockwork,
    build_session,
    cameras,
    simulated,
)

KEPT = (
    '{"url": "http://a", "username": "u", "token": "t", "obtained": "2026-11-22",'
    ' "lease_seconds": 3600}'
)
"""A session.json."""

SHORT = 1.0
"""Seconds of real time for answers that never come; the others must come sooner."""


@pytest.fixture
def session(nvr: SimulatedNvr, folder: Path, clock: Clockwork) -> Session:
    return build_session(nvr, folder, clock)


def commands(nvr: SimulatedNvr) -> list[str]:
    return [request.cmd for request in nvr.log]


def snapped(nvr: SimulatedNvr) -> list[Request]:
    return [request for request in nvr.log if request.cmd == "Snap"]


# One token


def test_the_first_question_logs_in_and_close_logs_out(nvr: SimulatedNvr, session: Session) -> None:
    assert not session.logged_in
    assert session.device().model == "RLN8-410"
    assert session.logged_in
    assert len(nvr.live_sessions) == 1
    session.close()
    assert not session.logged_in
    assert nvr.live_sessions == []
    assert commands(nvr) == ["Login", "GetDevInfo", "Logout"]


def test_one_token_serves_for_an_hour_and_is_renewed_before_its_lease_ends(
    nvr: SimulatedNvr, session: Session, clock: Clockwork
) -> None:
    for _ in range(120):
        session.snapshot(0)
        clock.sleep(59)
    logins = [request.started for request in nvr.log if request.cmd == "Login"]
    assert len(logins) == 3
    assert all(3240 <= after - before < 3600 for before, after in pairwise(logins))
    assert {request.outcome for request in nvr.log} == {"ok"}


def test_a_short_lease_is_renewed_in_time(folder: Path, clock: Clockwork) -> None:
    with simulated(clock, lease_seconds=60) as nvr:
        session = build_session(nvr, folder, clock)
        for _ in range(100):
            session.snapshot(0)
            clock.sleep(4)
        assert {request.outcome for request in nvr.log} == {"ok"}
        session.close()


def test_the_old_token_is_given_back_before_the_next_login(
    nvr: SimulatedNvr, session: Session, clock: Clockwork
) -> None:
    session.device()
    clock.sleep(3590)
    session.device()
    assert commands(nvr) == ["Login", "GetDevInfo", "Logout", "Login", "GetDevInfo"]
    assert len(nvr.live_sessions) == 1


def test_a_lease_that_is_over_needs_no_logout(
    nvr: SimulatedNvr, session: Session, clock: Clockwork
) -> None:
    session.device()
    clock.sleep(7200)
    session.device()
    assert commands(nvr) == ["Login", "GetDevInfo", "Login", "GetDevInfo"]


def test_no_logout_without_a_token(nvr: SimulatedNvr, session: Session) -> None:
    session.logout()
    session.close()
    assert commands(nvr) == []


@pytest.mark.parametrize("code", [-6, -21])
def test_a_logout_with_a_token_that_the_nvr_does_not_know_is_one(
    nvr: SimulatedNvr, session: Session, code: int
) -> None:
    session.device()
    nvr.misbehave(Kind.RSP_CODE, cmd="Logout", code=code, times=1)
    session.logout()
    assert not session.logged_in
    session.device()


@pytest.mark.parametrize("code", [-1, -5, -7, -9, -12, -31])
def test_a_logout_that_is_refused_leaves_the_token_in_use_to_the_end_of_its_lease(
    nvr: SimulatedNvr, session: Session, clock: Clockwork, code: int
) -> None:
    nvr.misbehave(Kind.RSP_CODE, cmd="Logout", code=code)
    for _ in range(70):
        session.snapshot(0)
        clock.sleep(300)
        session.logout()
    logins = [request.started for request in nvr.log if request.cmd == "Login"]
    assert {round(after - before, -2) for before, after in pairwise(logins)} == {3600}
    assert len(nvr.live_sessions) <= 1


def test_a_logout_answered_with_odd_characters_is_one(nvr: SimulatedNvr, session: Session) -> None:
    nvr.device.odd_logout = True
    session.device()
    session.logout()
    assert not session.logged_in
    assert nvr.live_sessions == []


@pytest.mark.parametrize("kind", [Kind.RESET, Kind.CLOSE, Kind.STATUS])
def test_a_logout_without_answer_is_made_up_for_before_the_next_login(
    nvr: SimulatedNvr, session: Session, clock: Clockwork, kind: Kind
) -> None:
    session.device()
    clock.sleep(3400)
    nvr.misbehave(kind, cmd="Logout", times=1)
    with pytest.raises(Unreachable, match="Logout"):
        session.device()
    session.device()
    assert commands(nvr)[2:] == ["Logout", "Logout", "Login", "GetDevInfo"]
    assert len(nvr.live_sessions) == 1


def test_a_token_that_the_nvr_lost_is_replaced_and_the_frame_is_not_lost(
    nvr: SimulatedNvr, session: Session
) -> None:
    session.snapshot(0)
    nvr.misbehave(Kind.RSP_CODE, cmd="Snap", code=-6, times=1)
    assert picture_size(session.snapshot(0)) == (256, 144)
    asked = ["Login", "Snap", "Snap", "GetDevInfo", "Logout", "Login", "Snap"]
    assert commands(nvr) == asked


def test_a_token_that_is_wrongly_called_unknown_is_kept(
    nvr: SimulatedNvr, session: Session
) -> None:
    nvr.misbehave(Kind.JSON_LABELLED, code=-6, times=1)
    with pytest.raises(Isolated, match="answered -6"):
        session.snapshot(0)
    session.snapshot(0)
    assert commands(nvr) == ["Login", "Snap", "GetDevInfo", "Snap"]


def test_error_token_means_the_same(nvr: SimulatedNvr, session: Session) -> None:
    nvr.misbehave(Kind.RSP_CODE, cmd="Snap", code=-21, times=1)
    assert picture_size(session.snapshot(0)) == (256, 144)


def test_a_second_lost_token_is_reported_and_not_fought(
    nvr: SimulatedNvr, session: Session
) -> None:
    nvr.misbehave(Kind.RSP_CODE, cmd="Snap", code=-6)
    with pytest.raises(SessionExpired):
        session.snapshot(0)
    assert commands(nvr).count("Login") == 2
    assert nvr.live_sessions == []


def test_firmware_that_needs_a_pause_after_the_login_gets_one(
    nvr: SimulatedNvr, session: Session
) -> None:
    session.device()
    login, question = nvr.log
    assert login.ended is not None
    assert question.started - login.ended >= 1.0


def test_all_slots_taken(nvr: SimulatedNvr, session: Session, clock: Clockwork) -> None:
    nvr.take_slots(2, 600)
    with pytest.raises(SessionLimit, match="close the Reolink app"):
        session.snapshot(0)
    assert commands(nvr) == ["Login"]
    clock.sleep(600)
    session.snapshot(0)


# -12 and other faults of one channel


def test_a_busy_nvr_costs_no_token(nvr: SimulatedNvr, session: Session) -> None:
    session.snapshot(0)
    nvr.misbehave(Kind.RSP_CODE, cmd="Snap", code=-12, times=2)
    for _ in range(2):
        with pytest.raises(Busy):
            session.snapshot(0)
    assert picture_size(session.snapshot(0)) == (256, 144)
    assert commands(nvr) == ["Login", "Snap", "Snap", "Snap", "Snap"]


@pytest.mark.parametrize(
    ("code", "kind"),
    [(-8, ChannelFailed), (-9, Unsupported), (-17, Busy), (-48, Busy), (-49, Unsupported)],
)
def test_faults_of_a_channel(
    nvr: SimulatedNvr, session: Session, code: int, kind: type[NvrError]
) -> None:
    nvr.misbehave(Kind.RSP_CODE, cmd="Snap", code=code, times=1)
    with pytest.raises(kind) as caught:
        session.snapshot(0)
    assert caught.value.code == code
    assert session.logged_in


def test_an_offline_camera(nvr: SimulatedNvr, session: Session) -> None:
    nvr.cameras[1].online = False
    with pytest.raises(Offline):
        session.snapshot(1)


@pytest.mark.parametrize("content_type", ["image/jpeg", "application/json", "text/html", None])
def test_a_refusal_is_one_under_any_label(
    nvr: SimulatedNvr, session: Session, content_type: str | None
) -> None:
    nvr.misbehave(Kind.JSON_LABELLED, code=-12, content_type=content_type, times=1)
    with pytest.raises(Busy):
        session.snapshot(0)


# Refused credentials


def test_a_wrong_password_is_counted_and_not_tried_again_before_its_time(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    waits = []
    for _ in range(6):
        session = build_session(nvr, folder, clock, password="wrong")
        with pytest.raises(LoginRefused, match="setup") as first:
            session.device()
        waits.append(first.value.hold_seconds)
        tries = len(nvr.log)
        clock.sleep(first.value.hold_seconds - 1)
        with pytest.raises(LoginRefused, match="next try is in 1 min"):
            session.device()
        assert len(nvr.log) == tries  # nothing was asked
        clock.sleep(1.1)
    assert waits == [60, 600, 3600, 3600, 3600, 3600]


def test_the_count_begins_anew_with_another_password(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    with pytest.raises(LoginRefused):
        build_session(nvr, folder, clock, password="wrong").device()
    build_session(nvr, folder, clock).device()
    nvr.reboot(down_seconds=0)
    with pytest.raises(LoginRefused) as caught:
        build_session(nvr, folder, clock, password="wrong").device()
    assert 200 < caught.value.hold_seconds < 305  # one more would be the third in 5 minutes
    clock.sleep(400)
    build_session(nvr, folder, clock).device()
    assert not (folder / "refusals.json").exists()


def test_no_more_than_two_wrong_passwords_in_five_minutes_though_they_differ(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    for password in ("wrong", "worse", "worst"):
        with pytest.raises(LoginRefused) as caught:
            build_session(nvr, folder, clock, password=password).device()
    assert caught.value.hold_seconds > 240
    assert commands(nvr) == ["Login", "Login"]
    clock.sleep(caught.value.hold_seconds)
    with pytest.raises(LoginRefused):
        build_session(nvr, folder, clock, password="worst").device()
    assert len(nvr.log) == 3


@pytest.mark.parametrize(
    ("policy", "least"),
    [
        (LoginPolicy(tries_before_lock=1, tell_unlock_time=True, lock_seconds=900), 840),
        (LoginPolicy(tries_before_lock=1, lock_seconds=300), 300),
        (LoginPolicy(tries_before_lock=0, tries_before_ban=1), 600),
    ],
)
def test_locked_accounts_and_banned_machines_are_left_alone_for_longer(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, policy: LoginPolicy, least: float
) -> None:
    nvr.policy.__dict__.update(policy.__dict__)
    session = build_session(nvr, folder, clock, password="wrong")
    longest = 0.0
    for _ in range(3):
        with pytest.raises(LoginRefused) as caught:
            session.device()
        longest = max(longest, caught.value.hold_seconds)
        clock.sleep(61)
    assert longest >= least


def test_a_clock_set_back_does_not_prolong_the_wait(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    session = build_session(nvr, folder, clock, password="wrong")
    with pytest.raises(LoginRefused):
        session.device()
    clock.step(-86400)
    with pytest.raises(LoginRefused) as caught:
        session.device()
    assert caught.value.hold_seconds <= 60
    clock.sleep(61)
    with pytest.raises(LoginRefused):
        session.device()
    assert commands(nvr) == ["Login", "Login"]


def test_the_count_is_kept_though_the_disk_does_not_take_it(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    (folder / "state").write_text("a file in the place of the folder")
    session = build_session(nvr, folder / "state", clock, password="wrong")
    for _ in range(5):
        with pytest.raises(LoginRefused):
            session.device()
    assert commands(nvr) == ["Login"]


@pytest.mark.parametrize("code", [-7, -27, -502, -503, -506])
def test_a_refusal_in_answer_to_a_snapshot_is_no_wrong_password(
    nvr: SimulatedNvr, session: Session, folder: Path, code: int
) -> None:
    nvr.misbehave(Kind.RSP_CODE, cmd="Snap", code=code, times=1)
    with pytest.raises(Isolated):
        session.snapshot(0)
    assert session.snapshot(0)
    assert not (folder / "refusals.json").exists()
    assert commands(nvr) == ["Login", "Snap", "GetDevInfo", "Snap"]


def test_a_refusal_counts_where_the_nvr_says_it_of_everything(
    nvr: SimulatedNvr, session: Session
) -> None:
    for cmd in ("Snap", "GetDevInfo"):
        nvr.misbehave(Kind.RSP_CODE, cmd=cmd, code=-7, times=1)
    with pytest.raises(LoginRefused) as caught:
        session.snapshot(0)
    assert caught.value.hold_seconds == 60
    assert nvr.live_sessions == []
    with pytest.raises(LoginRefused):
        session.snapshot(0)
    assert commands(nvr) == ["Login", "Snap", "GetDevInfo", "Logout"]


@pytest.mark.parametrize(
    ("kind", "figures"),
    [(Kind.STATUS, {"status": 502}), (Kind.CLOSE, {}), (Kind.RSP_CODE, {"code": -31})],
)
@pytest.mark.parametrize("info", [None, -26])
def test_what_befalls_one_channel_is_its_own_while_the_nvr_answers(
    nvr: SimulatedNvr, session: Session, kind: Kind, figures: dict[str, int], info: int | None
) -> None:
    """Also if it answers that this user may not ask that."""
    if info:
        nvr.misbehave(Kind.RSP_CODE, cmd="GetDevInfo", code=info)
    nvr.misbehave(kind, cmd="Snap", channel=1, **figures)
    with pytest.raises(Isolated):
        session.snapshot(1)
    with pytest.raises(Isolated):
        session.snapshot(1, others=Others.VOUCHING)
    assert session.snapshot(0)
    assert commands(nvr).count("GetDevInfo") == 1


def test_what_befalls_the_other_question_as_well_is_the_nvrs(
    nvr: SimulatedNvr, session: Session
) -> None:
    session.device()
    nvr.misbehave(Kind.STATUS, status=502, times=2)
    with pytest.raises(Unreachable, match="HTTP 502"):
        session.snapshot(0)


@pytest.mark.parametrize("kind", [Kind.GARBLED, Kind.RESET_HALF])
def test_garbage_about_one_camera_is_a_fault_that_passes(
    nvr: SimulatedNvr, session: Session, kind: Kind
) -> None:
    for cmd in ("GetOsd", "GetBatteryInfo", "GetEnc"):
        nvr.misbehave(kind, cmd=cmd, times=1)
    for ask in (session.osd_name, session.has_battery, session.stream):
        with pytest.raises(Busy) as caught:
            ask(0)
        assert type(caught.value) is Busy
    assert "GetDevInfo" not in commands(nvr)


@pytest.mark.parametrize("code", [-7, -6, -5, -2])
def test_what_is_said_of_one_camera_in_answer_to_a_question_is_its_own(
    nvr: SimulatedNvr, session: Session, code: int
) -> None:
    nvr.misbehave(Kind.RSP_CODE, cmd="GetBatteryInfo", channel=1, code=code)
    with pytest.raises(Isolated):
        session.has_battery(1)
    assert session.has_battery(0) is False
    assert commands(nvr).count("Login") == 1


def test_nobody_is_asked_whether_it_works_where_no_connection_comes_about(
    nvr: SimulatedNvr, session: Session
) -> None:
    session.device()
    nvr.unplug()
    with pytest.raises(NoConnection, match="refuses connections"):
        session.snapshot(0)
    nvr.plug_in()


def test_too_many_logins_are_no_wrong_password(nvr: SimulatedNvr, session: Session) -> None:
    nvr.misbehave(Kind.RSP_CODE, cmd="Login", code=-105, times=1)
    with pytest.raises(Unreachable) as caught:
        session.device()
    assert caught.value.hold_seconds >= 300


# The token outlives the process


def test_a_process_that_was_killed_leaves_its_token_to_the_next(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    for _ in range(50):
        build_session(nvr, folder, clock).snapshot(0)  # and no logout
        clock.sleep(10)
    assert commands(nvr).count("Login") == 1
    assert len(nvr.live_sessions) == 1


def test_the_token_file_is_for_its_owner_alone(
    session: Session, folder: Path, nvr: SimulatedNvr
) -> None:
    session.device()
    file = folder / "session.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text())["token"] == nvr.live_sessions[0]
    session.close()
    assert not file.exists()


def test_a_token_left_behind_that_is_dead_costs_one_question(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    build_session(nvr, folder, clock).device()
    nvr.reboot(down_seconds=0)
    build_session(nvr, folder, clock).device()
    assert commands(nvr)[2:] == ["GetDevInfo", "Logout", "Login", "GetDevInfo"]


def test_a_token_left_behind_is_renewed_when_its_time_comes(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    build_session(nvr, folder, clock).device()
    clock.sleep(3400)
    build_session(nvr, folder, clock).device()
    assert commands(nvr)[2:] == ["Logout", "Login", "GetDevInfo"]


def test_a_token_left_behind_is_given_back_by_a_process_that_only_ends(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    build_session(nvr, folder, clock).device()
    build_session(nvr, folder, clock).close()
    assert nvr.live_sessions == []


@pytest.mark.parametrize("step", [-86400, 86400 * 365])
def test_a_token_left_behind_under_a_wrong_clock(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, step: float
) -> None:
    """Its age is unknown; it is tried, or it was of a time long past and is not."""
    build_session(nvr, folder, clock).device()
    clock.step(step)
    clock.sleep(0 if step < 0 else 3600)
    build_session(nvr, folder, clock).device()
    assert len(nvr.live_sessions) == 1


def test_a_token_of_another_user_is_given_back(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    build_session(nvr, folder, clock).device()
    kept = json.loads((folder / "session.json").read_text())
    (folder / "session.json").write_text(json.dumps(kept | {"username": "somebody"}))
    build_session(nvr, folder, clock).device()
    assert commands(nvr)[2:] == ["Logout", "Login", "GetDevInfo"]


def test_a_token_of_another_nvr_is_given_back_there(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    with simulated(clock) as old:
        build_session(old, folder, clock).device()
        build_session(nvr, folder, clock).device()
        assert old.live_sessions == []
        assert commands(old) == ["Login", "GetDevInfo", "Logout"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "[" * 50_000,
        '{"url": "http://[", "username": "u", "token": "t", "obtained": "x", "lease_seconds": 1}',
        KEPT.replace("3600", "NaN"),
        KEPT.replace("3600", "1e400"),
        KEPT.replace("http:", "gopher:"),
        '{"salt": "s", "credential": "c", "count": -9, "hold": 0, "latest": ["2026-11-22"]}',
        '{"salt": "s", "credential": "c", "count": 1, "hold": Infinity, "latest": ["2026-11-22"]}',
    ],
)
@pytest.mark.parametrize("name", ["session.json", "refusals.json"])
def test_damaged_files_count_as_none(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, text: str, name: str
) -> None:
    (folder / name).write_text(text)
    build_session(nvr, folder, clock).device()
    assert commands(nvr) == ["Login", "GetDevInfo"]


# Gaps and deadlines


def test_snapshots_come_half_a_second_apart_on_the_real_clock(folder: Path) -> None:
    with simulated(None) as nvr:
        session = build_session(nvr, folder, Clock())
        for _ in range(2):
            session.snapshot(0)
            session.snapshot(1)
        session.close()
        ends = [(one.started, one.ended) for one in snapped(nvr)]
    gaps = [after[0] - (before[1] or 0) for before, after in pairwise(ends)]
    assert min(gaps) >= 0.5


def test_the_gap_is_kept_after_a_snapshot_that_failed(nvr: SimulatedNvr, session: Session) -> None:
    for kind in (Kind.RESET, Kind.CUT, Kind.STATUS):
        nvr.misbehave(kind, cmd="Snap", times=1)
        with pytest.raises((NvrError, BadFrame)):
            session.snapshot(0)
        session.snapshot(0)
    starts = [request.started for request in snapped(nvr)]
    assert min(after - before for before, after in pairwise(starts)) >= 0.5


@pytest.mark.parametrize("kind", [Kind.SILENCE, Kind.HANG, Kind.HANG_HALF, Kind.DEAD])
def test_a_picture_that_does_not_end_is_given_up_in_time(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, kind: Kind
) -> None:
    session = build_session(nvr, folder, clock, timeout=SHORT)
    nvr.misbehave(kind, cmd=None if kind is Kind.DEAD else "Snap", channel=0)
    with pytest.raises(Timeout):
        session.snapshot(0)
    assert picture_size(session.snapshot(1)) == (256, 144)


def test_a_picture_that_comes_byte_by_byte_is_given_up_in_time(folder: Path) -> None:
    clock = Clock()
    with simulated(None) as nvr:
        session = build_session(nvr, folder, clock, timeout=SHORT)
        nvr.misbehave(Kind.DRIP, cmd="Snap", channel=0, seconds=0.05)
        began = clock.monotonic()
        with pytest.raises(Timeout):
            session.snapshot(0)
        assert clock.monotonic() - began < PATIENCE_SECONDS
        session.snapshot(1)
        session.close()


def test_a_command_that_does_not_end_means_that_the_nvr_does_not_answer(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    session = build_session(nvr, folder, clock, timeout=SHORT)
    nvr.misbehave(Kind.HANG, cmd="GetDevInfo", times=1)
    with pytest.raises(Unreachable, match="does not answer GetDevInfo"):
        session.device()
    session.device()


def test_a_question_about_a_dead_camera_is_no_fault_of_the_nvr(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    session = build_session(nvr, folder, clock, timeout=SHORT)
    nvr.cameras[1].dead = True
    for ask in (session.osd_name, session.has_battery, session.stream):
        with pytest.raises(Timeout):
            ask(1)
    assert session.osd_name(0) == "Front Door"


def test_an_endless_answer_is_given_up(nvr: SimulatedNvr, folder: Path, clock: Clockwork) -> None:
    session = build_session(nvr, folder, clock, timeout=60)
    nvr.misbehave(Kind.ENDLESS, cmd="Snap", times=1)
    tracemalloc.start()
    with pytest.raises(BadFrame, match="more than 16 MiB"):
        session.snapshot(0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64_000_000
    session.snapshot(0)


@pytest.mark.parametrize("kind", [Kind.CUT, Kind.CHUNKED_CUT, Kind.RESET_HALF])
def test_an_answer_that_breaks_off_is_no_picture(
    nvr: SimulatedNvr, session: Session, kind: Kind
) -> None:
    nvr.misbehave(kind, cmd="Snap", times=1)
    with pytest.raises(BadFrame):
        session.snapshot(0)


@pytest.mark.parametrize(
    "kind", [Kind.CHUNKED, Kind.UNTIL_CLOSE, Kind.PADDED, Kind.RELABELLED, Kind.DELAY]
)
def test_odd_deliveries_of_a_whole_picture_are_fine(
    nvr: SimulatedNvr, session: Session, kind: Kind
) -> None:
    nvr.misbehave(kind, cmd="Snap", times=1, content_type="text/html", seconds=3)
    assert picture_size(session.snapshot(0)) == (256, 144)


# Told to stop


def test_nothing_is_asked_once_told_to_stop_but_the_logout(
    nvr: SimulatedNvr, session: Session, clock: Clockwork
) -> None:
    session.device()
    clock.stop()
    with pytest.raises(Stopped):
        session.snapshot(0)
    session.close()
    assert commands(nvr) == ["Login", "GetDevInfo", "Logout"]


def test_a_hanging_snapshot_is_given_up_soon_after_being_told_to_stop(folder: Path) -> None:
    clock = Clock()
    with simulated(None) as nvr:
        session = build_session(nvr, folder, clock, timeout=30)
        session.device()
        nvr.misbehave(Kind.SILENCE, cmd="Snap")
        began = clock.monotonic()
        clock.stop_on_signals()
        threading.Timer(0.2, os.kill, [os.getpid(), signal.SIGTERM]).start()
        with pytest.raises(Stopped):
            session.snapshot(0)
        assert clock.monotonic() - began < 10
        session.close()
        assert commands(nvr)[-1] == "Logout"
        assert nvr.live_sessions == []


# What the NVR is asked at the start


def test_channels_in_every_form_of_the_status(nvr: SimulatedNvr, session: Session) -> None:
    nvr.cameras = [*cameras("Front Door"), *cameras("Barn", first=9)]
    nvr.device.status_form = "guide"
    assert session.channels() == [Channel(0, "Front Door"), Channel(9, "Barn")]
    nvr.device.status_form = "oldest"
    assert session.channels() == [Channel(0, ""), Channel(9, "")]
    nvr.device.status_form = "newer"
    assert [(one.number, one.name, one.asleep) for one in session.channels()] == [
        (0, "Front Door", False),
        (9, "Barn", False),
    ]


def test_a_camera_without_nvr(nvr: SimulatedNvr, session: Session) -> None:
    nvr.device.standalone = True
    nvr.device.name = "Porch"
    assert session.channels() == [Channel(0, "Porch")]


def test_a_guest_is_refused_details_and_gets_along_without(
    nvr: SimulatedNvr, session: Session
) -> None:
    nvr.device.guest = True
    assert session.osd_name(0) == ""
    assert session.stream(0).width == 0
    assert session.snapshot(0)


def test_the_clock_of_the_nvr(nvr: SimulatedNvr, session: Session, clock: Clockwork) -> None:
    seen = session.device_times()
    assert any(abs((moment - clock.now()).total_seconds()) < 2 for moment in seen)
    nvr.device.clock_never_set = True
    assert session.device_times() == ()


def test_secrets_are_hidden_once_they_are_in_use(nvr: SimulatedNvr, folder: Path) -> None:
    clock = Clockwork(START)
    session = build_session(nvr, folder, clock)
    session.device()
    token = nvr.live_sessions[0]
    scrubber = session._slot._scrubber
    assert scrubber.clean(f"{token} {PASSWORD} {USERNAME}") == f"*** *** {USERNAME}"
