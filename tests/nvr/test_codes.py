"""Every rspCode in answer to every command: what the session does about it.

The remedies are written down from the protocol's table once more, not read from the code.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reolink_timelapsed.errors import (
    Busy,
    ChannelFailed,
    Isolated,
    LoginRefused,
    NvrError,
    Offline,
    SessionExpired,
    SessionLimit,
    Unreachable,
    Unsupported,
)
from reolink_timelapsed.media.jpeg import picture_size
from reolink_timelapsed.nvr.api import Stream
from reolink_timelapsed.nvr.session import Session
from reolink_timelapsed.simulator import Kind, SimulatedNvr
from reolink_timelapsed.simulator.device.codes import DETAILS
from tests.support import Clockwork, build_session, simulated

REMEDIES = {
    "cannot": (-1, -3, -4, -9, -22, -23, -24, -26, -49),
    "down": (-2, -14, -31, -100, -101, -102, -103, -505),
    "full": (-5, -500, -507),
    "expired": (-6, -21),
    "credentials": (-7, -27, -501, -502),
    "banned": (-503,),
    "locked": (-506,),
    "encrypted": (-46, -47, -301, -310),
    "frequent": (-105,),
    "no retry": (-8,),
    "offline": (-99,),
}
_NAMED = {code for codes in REMEDIES.values() for code in codes}
REMEDIES["busy"] = (*sorted(set(DETAILS) - _NAMED), -9999)

REFUSALS = {"credentials": 60, "banned": 600, "locked": 300, "encrypted": 60}
"""For how many seconds no login is tried after them, at least."""

ASK: dict[str, Callable[[Session], object]] = {
    "Snap": lambda session: picture_size(session.snapshot(0)),
    "GetDevInfo": lambda session: session.device().model,
    "GetChannelstatus": lambda session: [one.number for one in session.channels()][:2],
    "GetTime": lambda session: session.device_times(),
    "GetEnc": lambda session: session.stream(0),
    "GetOsd": lambda session: session.osd_name(0),
    "GetBatteryInfo": lambda session: session.has_battery(0),
}
UNKNOWN = {
    "GetChannelstatus": [0, 1],  # counted from GetDevInfo
    "GetTime": (),
    "GetEnc": Stream(0, 0, 0),
    "GetOsd": "",
    "GetBatteryInfo": False,
}
"""What is made of a command that the NVR does not know, or refuses to this user."""

OF_THE_NVR = ("GetDevInfo", "GetChannelstatus", "Login")
OF_A_CAMERA = ("Snap", "GetEnc", "GetOsd", "GetBatteryInfo")
PER_CHANNEL = {"no retry": ChannelFailed, "offline": Offline, "busy": Busy}
KINDS: dict[str, type[NvrError]] = {
    "down": Unreachable,
    "full": SessionLimit,
    "frequent": Unreachable,
    **dict.fromkeys(REFUSALS, LoginRefused),
}


def kind_of(remedy: str, cmd: str) -> type[NvrError]:
    """Return the error that a code must end in; commands to the NVR itself have no channel."""
    if remedy in PER_CHANNEL:
        return Unreachable if cmd in OF_THE_NVR else PER_CHANNEL[remedy]
    if cmd == "Login":
        kinds = {"cannot": LoginRefused, "expired": SessionExpired}
        return kinds.get(remedy) or KINDS[remedy]
    if remedy == "cannot":
        return Unsupported
    return Isolated if cmd in OF_A_CAMERA else KINDS[remedy]


def commands(nvr: SimulatedNvr) -> list[str]:
    return [request.cmd for request in nvr.log]


@pytest.mark.parametrize("remedy", REMEDIES)
@pytest.mark.parametrize("cmd", ASK)
def test_a_code_in_answer_to_a_command(
    folder: Path, clock: Clockwork, cmd: str, remedy: str
) -> None:
    for code in REMEDIES[remedy]:
        with simulated(clock) as nvr:
            nvr.misbehave(Kind.RSP_CODE, cmd=cmd, code=code, times=1)
            session = build_session(nvr, folder / str(code), clock)
            if remedy == "expired":
                good = ASK[cmd](session)
                witness = ["GetDevInfo"] if cmd in OF_A_CAMERA else []
                assert commands(nvr) == ["Login", cmd, *witness, "Logout", "Login", cmd]
                assert good not in ("", (), Stream(0, 0, 0), [])
            elif remedy == "cannot" and cmd in UNKNOWN:
                assert ASK[cmd](session) == UNKNOWN[cmd]
            else:
                check_error(nvr, session, clock, cmd, remedy, code)
            session.close()
            assert nvr.live_sessions == []


def check_error(  # noqa: PLR0917
    nvr: SimulatedNvr, session: Session, clock: Clockwork, cmd: str, remedy: str, code: int
) -> None:
    with pytest.raises(NvrError) as caught:
        ASK[cmd](session)
    assert type(caught.value) is kind_of(remedy, cmd), code
    assert caught.value.code == code
    asked = commands(nvr)
    if isinstance(caught.value, Isolated):
        assert asked == ["Login", cmd, "GetDevInfo"]  # which works, and the token is kept
        assert session.logged_in
    elif remedy in REFUSALS:
        assert asked == ["Login", cmd, "Logout"]
        assert_left_alone(nvr, session, clock, REFUSALS[remedy])
    else:
        assert asked == ["Login", cmd]  # asked once, and the token kept
        assert session.logged_in
        assert caught.value.hold_seconds == (300 if remedy == "frequent" else 0)
        session.snapshot(0)
        assert commands(nvr) == [*asked, "Snap"]


def assert_left_alone(
    nvr: SimulatedNvr, session: Session, clock: Clockwork, seconds: float
) -> None:
    """Check that nothing is asked for so long, and that it goes on later."""
    asked = len(nvr.log)
    clock.sleep(seconds - 10)
    with pytest.raises(LoginRefused):
        session.device()
    assert len(nvr.log) == asked
    clock.sleep(3600)
    session.device()


@pytest.mark.parametrize("remedy", REMEDIES)
def test_a_code_in_answer_to_a_login(folder: Path, clock: Clockwork, remedy: str) -> None:
    for code in REMEDIES[remedy]:
        with simulated(clock) as nvr:
            nvr.misbehave(Kind.RSP_CODE, cmd="Login", code=code, times=1)
            session = build_session(nvr, folder / str(code), clock)
            with pytest.raises(NvrError) as caught:
                session.device()
            assert type(caught.value) is kind_of(remedy, "Login"), code
            assert commands(nvr) == ["Login"]
            assert not session.logged_in
            if isinstance(caught.value, LoginRefused):
                assert_left_alone(nvr, session, clock, REFUSALS.get(remedy, 60))
            clock.sleep(1)
            session.device()
            session.close()


@pytest.mark.parametrize("remedy", REMEDIES)
def test_a_code_in_answer_to_a_logout(folder: Path, clock: Clockwork, remedy: str) -> None:
    """The NVR that does not know a token is rid of it; any other may have it still."""
    for code in REMEDIES[remedy]:
        with simulated(clock) as nvr:
            nvr.misbehave(Kind.RSP_CODE, cmd="Logout", code=code, times=1)
            session = build_session(nvr, folder / str(code), clock)
            session.device()
            session.logout()
            assert session.logged_in == (remedy != "expired"), code
            session.snapshot(0)
            assert commands(nvr).count("Login") == (2 if remedy == "expired" else 1)
            assert len(nvr.live_sessions) == 1
            session.close()
            assert nvr.live_sessions == []


def test_an_encrypted_login_is_told_as_what_it_is(folder: Path, clock: Clockwork) -> None:
    """No other password helps."""
    with simulated(clock) as nvr:
        nvr.misbehave(Kind.RSP_CODE, cmd="Login", code=-46)
        with pytest.raises(LoginRefused, match=r"encrypted login.*firmware") as caught:
            build_session(nvr, folder, clock).device()
    assert "setup" not in str(caught.value)
