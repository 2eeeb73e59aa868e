"""The table of error codes: which remedy each of them calls for, by command."""

from __future__ import annotations

import pytest

from reolink_timelapsed.errors import (
    Busy,
    ChannelFailed,
    LoginRefused,
    NvrError,
    Offline,
    SessionExpired,
    SessionLimit,
    Unreachable,
    Unsupported,
)
from reolink_timelapsed.nvr.rspcode import raise_error
from reolink_timelapsed.simulator.device.codes import DETAILS


def error(name: str, code: int | None, detail: str = "", unlock: int = 0) -> NvrError:
    with pytest.raises(NvrError) as caught:
        raise_error(name, code, detail, unlock)
    return caught.value


WRONG_PASSWORD = (-7, -27, -501, -502, -503, -506)
ENCRYPTED_LOGIN = (-46, -47, -301, -310)
NOT_READY = (-2, -14, -31, -100, -101, -102, -103, -505)
CANNOT = (-1, -3, -4, -9, -22, -23, -24, -26, -49)
PASSING = (-10, -11, -12, -13, -15, -16, -17, -18, -19, -20, -25, -28, -40, -48, -220, -451, -9999)
"""Of a snapshot: the same request again may succeed."""

ANY = ("Login", "Logout", "Snap", "GetChannelstatus", "GetDevInfo", "GetOsd", "GetTime")


@pytest.mark.parametrize("name", ANY)
@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        ((-5, -500, -507), SessionLimit),
        ((-6, -21), SessionExpired),
        (WRONG_PASSWORD, LoginRefused),
        (ENCRYPTED_LOGIN, LoginRefused),
        (NOT_READY, Unreachable),
        ((-105,), Unreachable),
    ],
)
def test_codes_that_mean_the_same_whatever_was_asked(
    name: str, codes: tuple[int, ...], kind: type[NvrError]
) -> None:
    for code in codes:
        caught = error(name, code, DETAILS.get(code, ""))
        assert type(caught) is kind
        assert caught.code == code


def test_codes_of_a_snapshot() -> None:
    assert {type(error("Snap", code)) for code in CANNOT} == {Unsupported}
    assert {type(error("Snap", code)) for code in PASSING} == {Busy}
    assert type(error("Snap", -99)) is Offline
    assert type(error("Snap", -8)) is ChannelFailed  # no retry: the NVR has waited long enough


def test_codes_of_a_login() -> None:
    assert {type(error("Login", code)) for code in CANNOT} == {LoginRefused}
    assert {type(error("Login", code)) for code in (*PASSING, -8, -99)} == {Unreachable}


def test_codes_of_commands_to_the_nvr_itself() -> None:
    assert {type(error("GetChannelstatus", code)) for code in CANNOT} == {Unsupported}
    assert {type(error("GetDevInfo", code)) for code in (*PASSING, -8, -99)} == {Unreachable}


def test_every_code_of_the_guide_is_known_to_the_tests() -> None:
    tested = {-5, -500, -507, -6, -21, -105, -99, -8}
    tested |= {*WRONG_PASSWORD, *ENCRYPTED_LOGIN, *NOT_READY, *CANNOT, *PASSING}
    others = set(DETAILS) - tested  # administration, cloud, mail: like an unknown one
    assert {type(error("Snap", code)) for code in others} == {Busy}


@pytest.mark.parametrize(
    ("detail", "kind"),
    [
        ("please login first", SessionExpired),
        ("Error token", SessionExpired),
        ("max session", SessionLimit),
        ("password wrong", LoginRefused),
        ("Login failed", LoginRefused),
        ("Login has been locked, please try again later!", LoginRefused),
        ("login deny", LoginRefused),
        ("what on earth", Busy),
        ("", Busy),
    ],
)
def test_without_a_number_the_text_counts(detail: str, kind: type[NvrError]) -> None:
    assert type(error("Snap", None, detail)) is kind


def test_the_number_counts_before_the_text() -> None:
    assert type(error("Snap", -12, "please login first")) is Busy


def test_how_long_a_locked_account_is_left_alone() -> None:
    """Five minutes, says the guide (section 3.2.9), and half a minute to spare."""
    assert error("Login", -506).hold_seconds == 330
    assert error("Login", -506, unlock=900).hold_seconds == 930
    assert error("Login", -503).hold_seconds == 600
    assert error("Login", -105).hold_seconds == 300
    assert error("Login", -7).hold_seconds == 0


@pytest.mark.parametrize("code", [-5, -7, -503, -506, -46, -105, -31, -4])
def test_a_message_names_command_code_and_the_words_of_the_nvr(code: int) -> None:
    text = str(error("Login", code, DETAILS[code]))
    assert f"Login was answered {code} ({DETAILS[code]})" in text
