"""A command by hand beside the daemon: one session, and the daemon is not disturbed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from reolink_timelapsed.errors import LoginRefused
from reolink_timelapsed.nvr.login_state import KeptToken, LoginGuard, TokenFile, sealed
from reolink_timelapsed.nvr.session import Credentials, Session
from reolink_timelapsed.nvr.transport import Transport
from reolink_timelapsed.simulator import SimulatedCamera, SimulatedNvr
from reolink_timelapsed.system.redact import Scrubber
from tests.support import PASSWORD, USERNAME, Clockwork, build_session, simulated

SHORT_LEASE_SECONDS = 600


def by_hand(nvr: SimulatedNvr, folder: Path, clock: Clockwork, password: str = PASSWORD) -> Session:
    """Return the session of a command by hand, with the daemon's state in `folder`."""
    return Session(
        Transport(nvr.url, clock),
        Credentials(USERNAME, password),
        clock,
        guard=LoginGuard(folder),
        scrubber=Scrubber(),
        token_file=TokenFile(folder),
        borrowing=True,
    )


@pytest.fixture
def daemon(nvr: SimulatedNvr, folder: Path, clock: Clockwork) -> Session:
    """The session of a daemon that is logged in."""
    session = build_session(nvr, folder, clock)
    session.snapshot(0)
    return session


def commands(nvr: SimulatedNvr, since: int = 0) -> list[str]:
    return [request.cmd for request in nvr.log[since:]]


def kept(folder: Path) -> str:
    return str(json.loads((folder / "session.json").read_text())["token"])


def test_the_daemons_session_is_used_and_left_to_it(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, daemon: Session
) -> None:
    """That the snapshots of the two keep their distance the NVR judges at the end."""
    before = (folder / "session.json").read_bytes()
    session = by_hand(nvr, folder, clock)
    clock.sleep(5)  # it waits for its turn
    daemon.snapshot(0)
    assert session.snapshot(1)
    assert session.borrowed
    session.close()
    assert not session.borrowed
    assert (folder / "session.json").read_bytes() == before
    daemon.snapshot(0)
    assert commands(nvr) == ["Login", "Snap", "Snap", "Snap", "Snap"]
    daemon.close()
    assert nvr.live_sessions == []


def test_without_a_daemon_it_logs_in_and_out_by_itself(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    session = by_hand(nvr, folder, clock)
    session.device()
    assert not session.borrowed
    assert not (folder / "session.json").exists()
    session.close()
    assert commands(nvr) == ["Login", "GetDevInfo", "Logout"]


@pytest.mark.parametrize("borrowed_before", [False, True])
def test_a_dead_token_is_replaced_and_the_daemon_goes_on(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, daemon: Session, *, borrowed_before: bool
) -> None:
    """The NVR has forgotten it, before or while it is borrowed."""
    session = by_hand(nvr, folder, clock)
    if borrowed_before:
        session.device()
    nvr.reboot(down_seconds=30)
    clock.sleep(31)
    session.device()
    assert not session.borrowed
    session.close()
    assert nvr.live_sessions == []
    assert daemon.snapshot(0)
    assert nvr.live_sessions == [kept(folder)]
    daemon.close()
    assert nvr.live_sessions == []


def test_the_daemon_may_log_out_meanwhile(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, daemon: Session
) -> None:
    """It was stopped, or its day is over."""
    session = by_hand(nvr, folder, clock)
    session.device()
    daemon.close()
    session.device()
    session.close()
    assert nvr.live_sessions == []
    assert not (folder / "session.json").exists()


def test_the_daemon_goes_on_without_its_file_or_with_another(
    nvr: SimulatedNvr, folder: Path, daemon: Session
) -> None:
    token = kept(folder)
    (folder / "session.json").unlink()
    assert daemon.snapshot(0)
    (folder / "session.json").write_text("{}")
    assert daemon.snapshot(0)
    assert nvr.live_sessions == [token]
    assert commands(nvr) == ["Login", "Snap", "Snap", "Snap"]


def test_a_borrowed_token_is_used_to_its_end_and_not_renewed(
    folder: Path, clock: Clockwork
) -> None:
    """Shortly before, the daemon will do that itself."""
    with simulated(clock, lease_seconds=SHORT_LEASE_SECONDS) as nvr:
        build_session(nvr, folder, clock).device()
        session = by_hand(nvr, folder, clock)
        clock.sleep(SHORT_LEASE_SECONDS - 5)
        session.device()
        assert commands(nvr) == ["Login", "GetDevInfo", "GetDevInfo"]
        clock.sleep(3600)
        session.device()
        session.close()
        assert commands(nvr, 3) == ["Login", "GetDevInfo", "Logout"]


@pytest.mark.parametrize("of", ["another user", "another NVR", "another port", "an older version"])
def test_a_session_that_is_not_ours_is_left_alone(folder: Path, clock: Clockwork, of: str) -> None:
    with simulated(clock) as nvr:
        seal = sealed(f"127.0.0.1\0{USERNAME}\0{PASSWORD}")
        ours = KeptToken(nvr.url, USERNAME, "0123456789ab", clock.now(), 3600, seal)
        TokenFile(folder).save(
            {
                "another user": replace(ours, username="me"),
                "another NVR": replace(ours, url=nvr.url.replace("127.0.0.1", "127.0.0.2")),
                "another port": replace(ours, url="http://127.0.0.1:1"),
                "an older version": replace(ours, credential=""),
            }[of]
        )
        before = (folder / "session.json").read_bytes()
        session = by_hand(nvr, folder, clock)
        session.device()
        session.close()
        assert commands(nvr) == ["Login", "GetDevInfo", "Logout"]
        assert (folder / "session.json").read_bytes() == before


def test_another_password_is_tried_by_a_login_and_the_daemon_keeps_its_session(
    folder: Path, clock: Clockwork
) -> None:
    """Else a password that was mistyped twice would keep the daemon out for minutes."""
    with SimulatedNvr(
        [SimulatedCamera(0)], username=USERNAME, password=PASSWORD, clock=clock
    ) as nvr:
        daemon = build_session(nvr, folder, clock)
        daemon.device()
        session = by_hand(nvr, folder, clock, password="mistyped")
        with pytest.raises(LoginRefused):
            session.device()
        session.close()
        assert daemon.snapshot(0)
        assert commands(nvr) == ["Login", "GetDevInfo", "Login", "Snap"]
        assert len(nvr.live_sessions) == 1


def test_the_file_holds_no_password(folder: Path, daemon: Session) -> None:
    assert daemon.logged_in
    assert PASSWORD not in (folder / "session.json").read_text()
    assert (folder / "session.json").stat().st_mode & 0o777 == 0o600
