"""The log, and the rules that it shows broken."""

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reolink_timelapsed.simulator import Kind, Request, SimulatedCamera, SimulatedNvr
from reolink_timelapsed.simulator.rules import broken_rules
from tests.simulator.nvr_client import DEADLINE, UNHURRIED, Client, StillClock, request_bytes


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def nvr(clock: StillClock) -> Iterator[SimulatedNvr]:
    cameras = [SimulatedCamera(0, "Front Door"), SimulatedCamera(1, "Shed", battery=True)]
    with SimulatedNvr(cameras, clock=clock) as nvr:
        yield nvr


@pytest.fixture
def client(nvr: SimulatedNvr) -> Client:
    client = Client(nvr)
    client.login()
    return client


def test_a_well_behaved_day(nvr: SimulatedNvr, client: Client, clock: StillClock) -> None:
    for cmd in ("GetDevInfo", "GetChannelstatus", "GetTime"):
        client.ask(cmd)
    client.ask("GetOsd", {"channel": 0})
    for _ in range(5):
        client.snap()
        clock.sleep(0.5)
    client.logout()
    client.login()
    client.logout()
    assert nvr.broken_rules() == []


def test_the_log_tells_what_happened(nvr: SimulatedNvr, client: Client, clock: StillClock) -> None:
    nvr.cameras[0].latency = 2.0
    reply = client.snap()
    request = nvr.log[1]
    assert (request.cmd, request.channel, request.token) == ("Snap", 0, client.token)
    assert (request.outcome, request.size, request.client) == ("ok", len(reply.body), "test")
    assert request.ended is not None
    assert request.ended - request.started == pytest.approx(2.0)
    assert request.real_ended is not None
    assert request.real_ended >= request.real_started
    assert clock.monotonic() == request.ended
    assert str(request).startswith("#1 Snap channel 0 at 1000.000")
    assert client.token not in str(request.to_json())


def test_snaps_too_close(nvr: SimulatedNvr, client: Client, clock: StillClock) -> None:
    client.snap()
    clock.sleep(0.4)
    assert client.snap().code == -12
    (rule,) = nvr.broken_rules()
    assert rule.startswith("snaps 0.400 s apart: #1 Snap channel 0 at")
    assert "#2 Snap channel 0" in rule


def test_two_requests_at_once() -> None:
    gate = threading.Event()

    class SlowClock(StillClock):
        def sleep(self, seconds: float) -> None:
            gate.wait(DEADLINE)
            super().sleep(seconds)

    with SimulatedNvr([SimulatedCamera(0, latency=1)], clock=SlowClock()) as slow:
        client = Client(slow)
        client.login()
        with socket.create_connection(("127.0.0.1", slow.port), timeout=DEADLINE) as sock:
            query = f"&channel=0&token={client.token}"
            sock.sendall(request_bytes("Snap", query + "&"))
            while len(slow.log) < 2:
                gate.wait(0.01)
            assert client.snap().code == -12
            assert client.ask("GetDevInfo").code is None
            gate.set()
            assert sock.recv(1000).startswith(b"HTTP/1.1 200")
        broken = slow.broken_rules()
    assert [rule for rule in broken if rule.startswith("two requests at once: #2 Snap")]
    assert [rule for rule in broken if rule.startswith("two requests at once: #3 GetDevInfo")]


def test_giving_up_and_asking_again_is_not_two_at_once(
    nvr: SimulatedNvr, client: Client, clock: StillClock
) -> None:
    nvr.misbehave(Kind.HANG, cmd="Snap")
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", nvr.port), timeout=DEADLINE) as sock:
            sock.sendall(request_bytes("Snap", f"&channel=0&token={client.token}"))
            sock.recv(1000)
        clock.sleep(0.5)
    assert nvr.broken_rules() == []
    assert all(request.given_up for request in nvr.log[1:-1])


def test_a_login_over_a_live_token(nvr: SimulatedNvr, client: Client) -> None:
    Client(nvr, agent="somebody else").login()
    assert nvr.broken_rules() == []
    client.login()
    (rule,) = nvr.broken_rules()
    assert rule.startswith("a login while 1 token(s) of the same client live: #2 Login")


@pytest.mark.parametrize("way", ["logout fails", "token refused", "reboot", "lease ends"])
def test_logins_that_are_all_right(
    nvr: SimulatedNvr, client: Client, clock: StillClock, way: str
) -> None:
    if way == "logout fails":
        nvr.misbehave(Kind.STATUS, cmd="Logout", times=1)
        client.send(request_bytes("Logout", f"&token={client.token}"))
    elif way == "token refused":
        nvr.misbehave(Kind.RSP_CODE, cmd="Snap", code=-6, times=1)
        client.snap()
    elif way == "reboot":
        nvr.reboot(0)
    else:
        clock.sleep(3600)
    client.token = ""
    assert client.login().code is None
    assert nvr.broken_rules() == []


def test_a_logout_without_a_token(nvr: SimulatedNvr) -> None:
    Client(nvr).logout()
    (rule,) = nvr.broken_rules()
    assert rule.startswith("a logout without a token: #0 Logout")


def test_a_command_no_timelapse_needs(nvr: SimulatedNvr, client: Client) -> None:
    body = [{"cmd": "GetDevInfo"}, {"cmd": "SetOsd"}]
    client.send(request_bytes("GetDevInfo", f"&token={client.token}", body))
    (rule,) = nvr.broken_rules()
    assert rule.startswith("a command no timelapse needs (SetOsd): #1 GetDevInfo")


@pytest.mark.parametrize(("wait", "broken"), [(140, 1), (151, 0)])
def test_three_wrong_passwords_in_five_minutes(
    nvr: SimulatedNvr, clock: StillClock, wait: float, broken: int
) -> None:
    for _ in range(3):
        Client(nvr).login(password="wrong")
        clock.sleep(wait)
    assert len(nvr.broken_rules()) == broken


def test_a_battery_camera_touched(nvr: SimulatedNvr, client: Client) -> None:
    client.ask("GetBatteryInfo", {"channel": 1})
    assert nvr.broken_rules() == []
    client.snap(1)
    client.ask("GetEnc", {"channel": 1})
    snap, details = nvr.broken_rules()
    assert snap.startswith("a battery camera was touched: #2 Snap channel 1")
    assert details.startswith("a battery camera was touched: #3 GetEnc channel 1")
    nvr.battery_allowed = True
    assert nvr.broken_rules() == []


def test_the_log_says_what_was_done_to_an_answer(nvr: SimulatedNvr, client: Client) -> None:
    nvr.misbehave(Kind.RESET, cmd="Snap")
    with pytest.raises(ConnectionResetError):
        client.snap()
    assert (nvr.log[-1].outcome, nvr.log[-1].size) == ("reset", 0)


@UNHURRIED
@given(st.lists(st.floats(0, 10), max_size=20))
def test_a_gap_is_judged_from_end_to_start(gaps: list[float]) -> None:
    log, monotonic = [], 0.0
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    for gap in gaps:
        request = Request("Snap", ("Snap",), 0, "t", "c", monotonic + gap, 0.0, moment)
        monotonic = request.ended = monotonic + gap + 1.0
        log.append(request)
    broken = broken_rules(log, 0.5, battery_allowed=False, http_allowed=False)
    assert len(broken) == sum(gap < 0.499 for gap in gaps[1:])
