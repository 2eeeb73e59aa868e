"""Replies of the NVR, in every form that is known and in those that nobody expects."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reolink_timelapsed.errors import NvrError, SessionExpired, Unreachable
from reolink_timelapsed.nvr import api
from reolink_timelapsed.nvr.api import Channel

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
KEYS = (  # noqa: SIM905
    "value code error rspCode detail unlock_time status channel name online sleep uid typeInfo "
    "Token leaseTime DevInfo channelNum model Enc mainStream size width height frameRate Osd "
    "osdChannel Battery Time Dst year mon day hour min sec timeZone enable offset cmd"
).split()  # fmt: skip
LIKELY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.integers(0, 40),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6)
    ),
    max_leaves=20,
)
READERS: list[Callable[[Mapping[str, Any]], object]] = [
    api.token,
    api.channels,
    api.device,
    api.stream,
    api.osd_name,
    api.has_battery,
    api.device_times,
]


def reply(**value: Any) -> bytes:
    """Return a reply as it comes on the wire."""
    return json.dumps([{"cmd": "X", "code": 0, "value": value}], indent=3).encode()


# Nothing that comes can do harm


@given(st.binary() | JSON.map(lambda thing: json.dumps(thing).encode()))
def test_any_body_has_a_value_or_is_the_fault_of_the_nvr(body: bytes) -> None:
    try:
        assert isinstance(api.value("Snap", body), Mapping)
    except Unreachable:
        assert api.first_reply(body) is None
    except NvrError:
        assert api.first_reply(body)


@pytest.mark.parametrize("read", READERS)
@settings(max_examples=settings().max_examples // 2)
@given(value=st.dictionaries(st.sampled_from(KEYS), LIKELY))
def test_any_value_can_be_read(
    read: Callable[[Mapping[str, Any]], object], value: dict[str, Any]
) -> None:
    body = json.dumps([{"value": value}]).encode()
    try:
        assert read(api.value("X", body)) is not None
    except Unreachable:
        assert read is api.token


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[[]]",
        b"null",
        b'"',
        b"\xff\xfe[",
        b"[1e999]",
        b"[{}]",
        b'{"jsonrpc": "2.0"}',
        b'[{"cmd": "X", "value": "%s"}]' % (b"x" * 2**18),
    ],
)
def test_bodies_that_break_parsers(body: bytes) -> None:
    with pytest.raises(Unreachable, match="no API reply"):
        api.value("Snap", body)


@pytest.mark.parametrize("huge", [10**400, 10**18, -(10**18), "9" * 300, 1e300])
def test_huge_numbers_are_no_numbers(huge: Any) -> None:
    assert api.token({"Token": {"name": "t", "leaseTime": huge}}).lease_seconds == 3600
    assert api.device({"DevInfo": {"channelNum": huge}}).channels == 1
    assert api.channels({"status": [{"channel": huge, "online": 1}]}) == []
    assert api.device_times({"Time": {"year": huge, "timeZone": huge}}) == ()


def test_a_device_cannot_make_us_look_at_a_billion_channels() -> None:
    assert api.device({"DevInfo": {"channelNum": 10**9}}).channels == 256


@pytest.mark.parametrize("name", ["\x1b[2J", "a\nb", "\ud800", "\u202e", "x" * 100_000])
def test_texts_are_fit_for_a_terminal(name: str) -> None:
    body = json.dumps([{"value": {"DevInfo": {"name": name, "model": name}}}]).encode()
    device = api.device(api.value("GetDevInfo", body))
    assert device.name.isprintable()
    assert len(device.name) <= 200
    device.model.encode()


def test_of_a_long_text_as_much_is_kept_as_fits_a_line() -> None:
    assert api.osd_name({"Osd": {"osdChannel": {"name": "x" * 201}}}) == "x" * 200


# Something is wrong with one value

NAMES = [
    ("H\u00f6f".encode("latin-1"), "H\u00f6f", "ch1_H_f"),
    (
        "Hofeinfahrt S\u00fcd am G\u00e4steh\u00e4".encode()[:-1],
        "Hofeinfahrt S\u00fcd am G\u00e4steh",
        ...,
    ),
    (b"Side\tgate", "Sidegate", "ch1_Sidegate"),
    (b'the "old" barn', 'the "old" barn', "ch1_the__old__barn"),
    (b"barn\\", "barn\\", "ch1_barn_"),
    (b"\0\x1b[2JYard\r", "[2JYard", "ch1__2JYard"),
]


@pytest.mark.parametrize(("raw", "name", "folder"), NAMES)
def test_a_damaged_name_costs_no_camera(raw: bytes, name: str, folder: Any) -> None:
    rows = [{"channel": number, "name": "@", "online": 1} for number in range(3)]
    body = reply(status=rows).replace(b"@", b"Front", 1).replace(b"@", raw, 1)
    first, second, last = api.channels(api.value("GetChannelstatus", body))
    assert (first, second.name, last) == (Channel(0, "Front"), name, Channel(2, "@"))
    assert second.online
    if folder is not ...:
        assert second.camera.folder == folder


WRONG = [None, "", "x", [], [1], {}, {"a": 1}, True, 1.5, -1, 10**9, "9" * 5000]
"""Values of a type, or of a size, that nobody expects."""


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("key", ["name", "online", "sleep", "uid", "typeInfo"])
def test_a_value_of_a_wrong_type_costs_no_camera(key: str, wrong: Any) -> None:
    rows = [{"channel": n, "name": f"C{n}", "online": 1, "uid": f"U{n}"} for n in range(3)]
    rows[1] |= {key: wrong}
    found = api.channels(api.value("GetChannelstatus", reply(status=rows)))
    assert [channel.number for channel in found] == [0, 1, 2]
    assert [found[0], found[2]] == [Channel(0, "C0", uid="U0"), Channel(2, "C2", uid="U2")]
    assert key == "name" or found[1].name == "C1"
    assert key == "online" or found[1].online


@pytest.mark.parametrize("wrong", WRONG)
def test_a_row_that_is_none_costs_no_other(wrong: Any) -> None:
    rows = [{"channel": 0, "name": "A", "online": 1}, wrong, {"channel": wrong, "name": "B"}]
    body = json.dumps([wrong, {"cmd": "GetChannelstatus", "value": {"status": rows}}]).encode()
    assert api.channels(api.value("GetChannelstatus", body))[0] == Channel(0, "A")


def test_whether_it_is_online_is_unknown_where_that_cannot_be_read() -> None:
    rows = [{"channel": 0, "name": "A", "online": "yes"}, {"channel": 1, "online": "yes"}]
    assert api.channels({"status": rows}) == [Channel(0, "A")]


def test_one_row_without_a_list_around_it() -> None:
    assert api.channels({"status": {"channel": 3, "name": "A", "online": 1}}) == [Channel(3, "A")]


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("key", ["model", "firmVer", "name", "channelNum"])
def test_a_value_of_a_wrong_type_hides_no_other_of_the_device(key: str, wrong: Any) -> None:
    good = {"name": "N", "model": "M", "firmVer": "F", "channelNum": 8}
    found = api.device({"DevInfo": good | {key: wrong}})
    read: dict[str, Any] = {"name": found.name, "model": found.model, "firmVer": found.firmware}
    read |= {"channelNum": found.channels}
    assert {k: v for k, v in read.items() if k != key} == {
        k: v for k, v in good.items() if k != key
    }


# Login


def test_a_token() -> None:
    body = reply(Token={"leaseTime": 3600, "name": "031465962723"})
    assert api.token(api.value("Login", body)) == api.Token("031465962723", 3600)


@pytest.mark.parametrize(
    ("lease", "seconds"),
    [(60, 60), ("600", 600), (1, 1), (10**6, 86_400), (0, 3600), (-5, 3600), (None, 3600)],
)
def test_the_lease_of_a_token(lease: Any, seconds: float) -> None:
    value = {"Token": {"leaseTime": lease, "name": "t"}}
    assert api.token(value).lease_seconds == seconds


@pytest.mark.parametrize("value", [{}, {"Token": {}}, {"Token": {"name": ""}}, {"Token": "t"}])
def test_a_login_without_token_is_no_login(value: dict[str, Any]) -> None:
    with pytest.raises(Unreachable, match="no token"):
        api.token(value)


def test_the_request_of_a_login() -> None:
    assert api.login("me", 'p"w') == [
        {
            "cmd": "Login",
            "action": 0,
            "param": {"User": {"Version": "0", "userName": "me", "password": 'p"w'}},
        }
    ]


# Errors


@pytest.mark.parametrize(
    "error",
    [
        [{"cmd": "Snap", "code": 1, "error": {"detail": "please login first", "rspCode": -6}}],
        [{"cmd": "Snap", "code": 0, "error": {"detail": "please login first", "rspCode": -6}}],
        [{"cmd": "Snap", "code": 1, "error": {"rspCode": "-6"}}],
        [{"cmd": "Snap", "code": 1, "error": {"detail": "please login first"}}],
        {"cmd": "Snap", "code": 1, "error": {"detail": "Please login first!"}},
        [None, {"cmd": "Snap", "code": 1, "error": {"rspCode": -6, "detail": None}}],
        [{"cmd": "Snap", "code": 1, "error": {"rspCode": [], "detail": "please login first"}}],
        [{"cmd": "Snap", "code": "x", "error": "please login first"}],
        [{"cmd": "Snap", "error": -6}],
    ],
)
def test_an_error_in_all_its_forms(error: Any) -> None:
    with pytest.raises(SessionExpired):
        api.value("Snap", json.dumps(error).encode())


def test_a_code_without_error_is_one() -> None:
    with pytest.raises(NvrError, match="answered with an error"):
        api.value("GetOsd", b'[ { "cmd" : "GetOsd", "code" : 1 } ]')


# Channels


@pytest.mark.parametrize(
    ("rows", "channels"),
    [
        (  # guide
            [
                {"channel": 0, "name": "E1 X", "online": 1, "typeInfo": "E1 X"},
                {"channel": 1, "name": "", "online": 0, "typeInfo": ""},
            ],
            [Channel(0, "E1 X")],
        ),
        (  # newer; numbers are not contiguous
            [
                {"channel": 1, "name": "Front", "online": 1, "sleep": 0, "uid": "9527A"},
                {"channel": 9, "name": "Barn", "online": 0, "sleep": 1, "uid": "9527B"},
                {"channel": 11, "name": "", "online": 0, "sleep": 0, "uid": ""},
            ],
            [
                Channel(1, "Front", online=True, asleep=False, uid="9527A"),
                Channel(9, "Barn", online=False, asleep=True, uid="9527B"),
            ],
        ),
        (  # oldest
            [{"channel": 0, "online": 1}, {"channel": 1, "online": 0}],
            [Channel(0, "")],
        ),
        (  # out of order, twice, as text
            [
                {"channel": "3", "name": "C", "online": "1"},
                {"channel": 0, "name": " A ", "online": 1},
                {"channel": 0, "name": "B", "online": 1},
                {"channel": -1, "name": "D", "online": 1},
                "junk",
            ],
            [Channel(0, "A"), Channel(3, "C")],
        ),
        (  # off, but known by its uid
            [{"channel": 4, "name": "", "online": 0, "sleep": 0, "uid": "9527C"}],
            [Channel(4, "", online=False, asleep=False, uid="9527C")],
        ),
    ],
)
def test_channel_status_in_its_forms(rows: list[Any], channels: list[Channel]) -> None:
    assert api.channels({"count": 16, "status": rows}) == channels


# Details


def test_a_stream_of_newer_and_of_older_firmware() -> None:
    newer = {"width": 3840, "height": 2160, "frameRate": 25, "size": "x"}
    older = {"size": "2560*1440", "frameRate": 15}
    assert api.stream({"Enc": {"mainStream": newer}}) == api.Stream(3840, 2160, 25)
    assert api.stream({"Enc": {"mainStream": older}}) == api.Stream(2560, 1440, 15)
    assert api.stream({"Enc": {"mainStream": {"size": "4K"}}}) == api.Stream(0, 0, 0)
    half = {"width": 3840, "height": 0, "size": "2560*1440"}
    assert api.stream({"Enc": {"mainStream": half}}) == api.Stream(2560, 1440, 0)


def test_names_in_pictures_and_batteries() -> None:
    assert api.osd_name({"Osd": {"osdChannel": {"name": " Garage "}}}) == "Garage"
    assert api.osd_name({}) == ""
    assert api.has_battery({"Battery": {"batteryPercent": 87}})
    assert not api.has_battery({"Battery": {}})


def time_reply(**changes: Any) -> dict[str, Any]:
    """Return GetTime of a device in Berlin on a summer's noon."""
    time = {"year": 2026, "mon": 7, "day": 1, "hour": 12, "min": 0, "sec": 5, "timeZone": -3600}
    return {"Time": time | changes, "Dst": {"enable": 1, "offset": 1}}


def test_the_device_clock() -> None:
    assert api.device_times(time_reply()) == (
        datetime(2026, 7, 1, 11, 0, 5, tzinfo=UTC),
        datetime(2026, 7, 1, 10, 0, 5, tzinfo=UTC),
    )
    silent = time_reply() | {"Dst": {"enable": 1}}
    assert set(api.device_times(silent)) == {datetime(2026, 7, 1, 11, 0, 5, tzinfo=UTC)}
    winter = time_reply() | {"Dst": {"enable": 0, "offset": 1}}
    assert api.device_times(winter) == (datetime(2026, 7, 1, 11, 0, 5, tzinfo=UTC),)


@pytest.mark.parametrize(
    "change",
    [
        {"year": 1970},
        {"year": 2011},
        {"mon": 13},
        {"timeZone": None, "year": 2000},
        {"year": 9999, "mon": 12, "day": 31, "hour": 23, "timeZone": 43200},
    ],
)
def test_a_device_clock_that_was_never_set(change: dict[str, Any]) -> None:
    assert api.device_times(time_reply(**change)) == ()
