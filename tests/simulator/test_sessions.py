"""Slots, leases, wrong passwords, reboots; on a clock that moves when told to."""

import time
from collections.abc import Iterator

import pytest

from reolink_timelapsed.simulator import Kind, LoginPolicy, SimulatedCamera, SimulatedNvr
from tests.simulator.nvr_client import DEADLINE, Client, StillClock, exchange, request_bytes


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def nvr(clock: StillClock) -> Iterator[SimulatedNvr]:
    with SimulatedNvr([SimulatedCamera(0, "Front Door")], clock=clock) as nvr:
        yield nvr


def test_login_gives_a_token_of_hex_digits_and_its_lease(nvr: SimulatedNvr) -> None:
    value = Client(nvr).login().value[0]
    token = value["value"]["Token"]
    assert value["code"] == 0
    assert token["leaseTime"] == 3600
    assert 12 <= len(token["name"]) <= 16
    assert int(token["name"], 16) >= 0
    assert nvr.live_sessions == [token["name"]]


def test_every_login_takes_a_slot_and_the_third_is_refused(nvr: SimulatedNvr) -> None:
    first, second, third = (Client(nvr) for _ in range(3))
    assert first.login().code is None
    assert second.login().code is None
    assert third.login().code == -5
    assert first.token != second.token
    assert first.logout().value == [{"cmd": "Logout", "code": 0, "value": {"rspCode": 200}}]
    assert third.login().code is None


def test_a_token_lives_for_its_lease(nvr: SimulatedNvr, clock: StillClock) -> None:
    client = Client(nvr)
    client.login()
    clock.sleep(3599)
    assert client.ask("GetDevInfo").code is None
    clock.sleep(2)
    assert client.ask("GetDevInfo").code == -6
    assert nvr.live_sessions == []
    assert [Client(nvr).login().code for _ in range(2)] == [None, None]


@pytest.mark.parametrize("token", ["", "&token=null", "&token=0123456789abcd"])
def test_without_a_live_token_nothing_works(nvr: SimulatedNvr, token: str) -> None:
    client = Client(nvr)
    for cmd in ("GetDevInfo", "GetChannelstatus", "Logout", "GetNothing"):
        assert client.send(request_bytes(cmd, token, [{"cmd": cmd}])).code == -6
    assert client.send(request_bytes("Snap", f"&channel=0{token}")).code == -6


def test_login_accepts_a_token_of_null(nvr: SimulatedNvr) -> None:
    user = {"Version": "0", "userName": "timelapse", "password": "secret"}
    body = [{"cmd": "Login", "action": 0, "param": {"User": user}}]
    assert Client(nvr).send(request_bytes("Login", "&token=null", body)).code is None


def test_login_without_credentials_is_a_parameter_error(nvr: SimulatedNvr) -> None:
    assert Client(nvr).ask("Login", {}).code == -4


def test_others_take_the_free_slots_for_a_while(nvr: SimulatedNvr, clock: StillClock) -> None:
    client = Client(nvr)
    client.login()
    nvr.take_slots(2, 600)
    assert Client(nvr).login().code == -5
    assert nvr.live_sessions == [client.token]
    client.logout()
    nvr.take_slots(2, 600)
    assert client.login().code == -5
    clock.sleep(601)
    assert client.login().code is None


def test_five_wrong_passwords_lock_the_login_for_five_minutes(
    nvr: SimulatedNvr, clock: StillClock
) -> None:
    client = Client(nvr)
    nvr.policy.tell_unlock_time = True
    assert [client.login(password="wrong").code for _ in range(5)] == [-7] * 5
    reply = client.login()
    assert reply.code == -506
    assert reply.value[0]["error"]["detail"].startswith("Login has been locked")
    assert 299 <= reply.value[0]["error"]["unlock_time"] <= 301
    clock.sleep(301)
    assert client.login().code is None


def test_a_good_login_forgets_the_wrong_ones(nvr: SimulatedNvr) -> None:
    client = Client(nvr)
    for _ in range(2):
        assert [client.login(password="wrong").code for _ in range(4)] == [-7] * 4
        assert client.login().code is None
        client.logout()


def test_a_hub_bans_the_address_after_three(clock: StillClock) -> None:
    policy = LoginPolicy(wrong_password_code=-502, tries_before_ban=3)
    with SimulatedNvr([], clock=clock, policy=policy) as nvr:
        client = Client(nvr)
        assert [client.login("nobody").code for _ in range(5)] == [-502] * 4 + [-503]
        assert client.login().code == -503
        clock.sleep(3601)
        assert client.login().code is None


def test_too_many_logins_a_minute(clock: StillClock) -> None:
    with SimulatedNvr([], clock=clock, policy=LoginPolicy(logins_a_minute=2)) as nvr:
        client = Client(nvr)
        for expected in (None, None, -105):
            assert client.login().code == expected
            client.logout()
        clock.sleep(61)
        assert client.login().code is None


def test_logout_without_a_token_may_poison_the_next_login(clock: StillClock) -> None:
    with SimulatedNvr([], clock=clock, policy=LoginPolicy(poison=True)) as nvr:
        client = Client(nvr)
        assert client.logout().code == -6
        assert client.login().code is None
        assert client.ask("GetDevInfo").code == -6
        client.token = ""
        client.login()
        assert client.ask("GetDevInfo").code is None


def test_logout_may_answer_odd_characters(nvr: SimulatedNvr) -> None:
    nvr.device.odd_logout = True
    client = Client(nvr)
    client.login()
    assert client.logout().body.startswith(b"\x9c\x1f")
    assert nvr.live_sessions == []


def test_a_reboot_resets_then_404_then_502_then_forgets_the_token(
    nvr: SimulatedNvr, clock: StillClock
) -> None:
    client = Client(nvr)
    client.login()
    nvr.reboot(down_seconds=30, starting_seconds=20)
    with pytest.raises(ConnectionResetError):
        client.ask("GetDevInfo")
    assert len(nvr.turned_away) == 1
    clock.sleep(31)
    assert client.ask("GetDevInfo").status == 404
    clock.sleep(10)
    assert client.ask("GetDevInfo").status == 502
    clock.sleep(10)
    assert client.ask("GetDevInfo").code == -6


def test_privacy_mode_shuts_the_port_but_keeps_the_token(
    nvr: SimulatedNvr, clock: StillClock
) -> None:
    client = Client(nvr)
    client.login()
    nvr.misbehave(Kind.PRIVACY, lasts=100)
    with pytest.raises(ConnectionResetError):
        client.ask("GetDevInfo")
    clock.sleep(101)
    assert client.ask("GetDevInfo").code is None


def test_the_weekly_reboot_comes_on_sunday_at_two(clock: StillClock) -> None:
    with SimulatedNvr([], clock=clock, lease_seconds=1e9) as nvr:
        nvr.device.weekly_reboot = True
        nvr.device.zone = clock.now().tzinfo
        client = Client(nvr)
        client.login()
        clock.sleep(6.8 * 86400)
        assert client.ask("GetDevInfo").code is None
        clock.sleep(0.2 * 86400 - 2 * 3600 + 30)
        with pytest.raises(ConnectionResetError):
            client.ask("GetDevInfo")
        clock.sleep(3600)
        assert client.ask("GetDevInfo").code == -6


def test_a_command_that_crashes_firmware_reboots_it(nvr: SimulatedNvr) -> None:
    client = Client(nvr)
    client.login()
    assert client.ask("GetPush").code == -9
    nvr.device.crashes_on = "GetPush"
    client.ask("GetPush")
    with pytest.raises(ConnectionResetError):
        client.ask("GetDevInfo")


def test_on_the_real_clock_a_reboot_really_refuses_connections() -> None:
    with SimulatedNvr([]) as nvr:
        client = Client(nvr)
        nvr.reboot(down_seconds=0.2)
        with pytest.raises(ConnectionRefusedError):
            client.login()
        assert log_in_soon(client) is None


def test_a_device_that_never_comes_back_can_be_brought_back() -> None:
    with SimulatedNvr([]) as nvr:
        client = Client(nvr)
        nvr.misbehave(Kind.PRIVACY)
        with pytest.raises(ConnectionRefusedError):
            client.login()
        nvr.behave()
        assert log_in_soon(client) is None


def log_in_soon(client: Client) -> int | None:
    """Try until the port is back; give the rspCode of the login."""
    deadline = time.monotonic() + DEADLINE
    while True:
        try:
            return client.login().code
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, "the port never came back"
            time.sleep(0.02)


def test_an_unplugged_device_refuses_until_it_is_plugged_in(nvr: SimulatedNvr) -> None:
    client = Client(nvr)
    client.login()
    nvr.unplug()
    with pytest.raises(ConnectionRefusedError):
        client.ask("GetDevInfo")
    nvr.plug_in()
    assert client.ask("GetDevInfo").code is None


def test_user_and_password_in_the_address_of_a_snap(nvr: SimulatedNvr) -> None:
    request = request_bytes("Snap", "&channel=0&user=timelapse&password=secret")
    assert b"image/jpeg" in exchange(nvr, request)
    nvr.device.url_passwords = False
    nvr.clock.sleep(1)
    assert Client(nvr).send(request).code == -6


def test_a_token_in_a_spoilt_answer_is_lost_but_takes_its_slot(nvr: SimulatedNvr) -> None:
    nvr.misbehave(Kind.RESET_HALF, cmd="Login", times=1)
    client = Client(nvr)
    with pytest.raises((ConnectionResetError, ValueError)):
        client.login()
    assert len(nvr.live_sessions) == 1
    assert client.login().code is None
    assert len(nvr.live_sessions) == 2
    assert nvr.broken_rules() == []
