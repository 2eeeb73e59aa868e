"""Every misbehaviour does on the wire what its name says."""

import contextlib
import json
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reolink_timelapsed.simulator import (
    HANGING,
    Kind,
    Misbehaviour,
    SimulatedCamera,
    SimulatedNvr,
    random_faults,
)
from reolink_timelapsed.simulator.device.codes import DETAILS
from reolink_timelapsed.simulator.faults.faults import ANY_ANSWER, DEVICE, INSIDE, INSTEAD, PICTURE
from tests.simulator.nvr_client import (
    DEADLINE,
    UNHURRIED,
    Client,
    StillClock,
    exchange,
    join_chunks,
    request_bytes,
)

SHORT_WAIT = 0.3
"""Seconds of silence after which a connection counts as hanging."""


@pytest.fixture
def nvr() -> Iterator[SimulatedNvr]:
    cameras = [SimulatedCamera(0, "Front Door"), SimulatedCamera(1, "Garage")]
    with SimulatedNvr(cameras, clock=StillClock()) as nvr:
        yield nvr


@pytest.fixture
def client(nvr: SimulatedNvr) -> Client:
    client = Client(nvr)
    client.login()
    return client


def snap(client: Client) -> tuple[dict[str, str], bytes, bytes]:
    """Take a snapshot as raw as it comes: headers, body, status line."""
    client.nvr.clock.sleep(0.5)
    raw = exchange(client.nvr, snap_request(client))
    head, _, body = raw.partition(b"\r\n\r\n")
    status, *lines = head.split(b"\r\n")
    return dict(line.decode().split(": ", 1) for line in lines), body, status


def snap_request(client: Client) -> bytes:
    return request_bytes("Snap", f"&channel=0&token={client.token}")


def snap_until_silent(client: Client) -> bytes:
    """Read what comes of a snapshot until nothing more comes; the connection must be open."""
    with socket.create_connection(("127.0.0.1", client.nvr.port), timeout=SHORT_WAIT) as sock:
        sock.sendall(snap_request(client))
        received = b""
        while True:
            try:
                data = sock.recv(65536)
            except TimeoutError:
                return received
            assert data, "closed instead of hanging"
            received += data


def test_every_kind_belongs_to_one_group() -> None:
    groups = [INSTEAD, INSIDE, ANY_ANSWER, PICTURE, DEVICE]
    assert sorted(kind for group in groups for kind in group) == sorted(Kind)


@pytest.mark.parametrize("cmd", ["Login", "Logout", "GetDevInfo", "Snap"])
def test_any_code_on_any_command(nvr: SimulatedNvr, client: Client, cmd: str) -> None:
    for code in [*DETAILS, -12345]:
        nvr.misbehave(Kind.RSP_CODE, cmd=cmd, code=code, times=1)
        reply = client.snap() if cmd == "Snap" else client.ask(cmd)
        error = reply.value[0]["error"]
        assert (reply.status, reply.headers["Content-Type"]) == (200, "text/html")
        assert error == {"detail": DETAILS.get(code, "unknown"), "rspCode": code}
        assert nvr.log[-1].outcome == code


@pytest.mark.parametrize("code", [-6, -21])
def test_a_scripted_bad_token_really_voids_the_token(
    nvr: SimulatedNvr, client: Client, code: int
) -> None:
    nvr.misbehave(Kind.RSP_CODE, cmd="Snap", code=code, times=1)
    assert client.snap().code == code
    assert nvr.live_sessions == []
    assert client.ask("GetDevInfo").code == -6


@pytest.mark.parametrize(
    ("status", "title"),
    [(502, "Bad Gateway"), (404, "Not Found"), (300, "Multiple Choices"), (503, None)],
)
def test_pages_of_nginx(nvr: SimulatedNvr, client: Client, status: int, title: str | None) -> None:
    nvr.misbehave(Kind.STATUS, status=status)
    headers, body, line = snap(client)
    assert line.startswith(b"HTTP/1.1 %d " % status)
    assert (title or "Service Unavailable").encode() in body
    assert body.rstrip().endswith(b"</html>")
    assert (headers["Content-Type"], nvr.log[-1].outcome) == ("text/html", f"http {status}")


def test_a_redirect_leads_to_https(nvr: SimulatedNvr, client: Client) -> None:
    nvr.misbehave(Kind.STATUS, status=302)
    headers, body, line = snap(client)
    assert line == b"HTTP/1.1 302 Moved Temporarily"
    assert headers["Location"].startswith("https://nvr/cgi-bin/api.cgi?cmd=Snap&channel=0")
    assert b"302" in body


def test_reset_before_headers(nvr: SimulatedNvr, client: Client) -> None:
    nvr.misbehave(Kind.RESET)
    with pytest.raises(ConnectionResetError):
        snap(client)


def test_closed_without_a_byte(nvr: SimulatedNvr, client: Client) -> None:
    nvr.misbehave(Kind.CLOSE)
    assert exchange(nvr, snap_request(client)) == b""


def test_reset_in_the_body(nvr: SimulatedNvr, client: Client) -> None:
    nvr.misbehave(Kind.RESET_HALF)
    received = b""
    with socket.create_connection(("127.0.0.1", nvr.port), timeout=DEADLINE) as sock:
        sock.sendall(snap_request(client))
        while not received.endswith(b"\xff\xd9"):
            try:
                received += sock.recv(100)
            except ConnectionResetError:
                break
    head, _, body = received.partition(b"\r\n\r\n")
    assert 0 < len(body) < int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])


def test_silence(nvr: SimulatedNvr, client: Client) -> None:
    nvr.misbehave(Kind.SILENCE)
    assert snap_until_silent(client) == b""


def test_headers_and_then_nothing(nvr: SimulatedNvr, client: Client) -> None:
    nvr.misbehave(Kind.HANG)
    received = snap_until_silent(client)
    assert received.startswith(b"HTTP/1.1 200 OK")
    assert received.endswith(b"\r\n\r\n")


def test_half_a_body_and_then_nothing(nvr: SimulatedNvr, client: Client) -> None:
    nvr.misbehave(Kind.HANG_HALF)
    head, _, body = snap_until_silent(client).partition(b"\r\n\r\n")
    length = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])
    assert len(body) == length // 2


def test_a_dead_camera_hangs_and_others_do_not(nvr: SimulatedNvr, client: Client) -> None:
    nvr.misbehave(Kind.DEAD, channel=0)
    status = client.ask("GetChannelstatus").value[0]["value"]["status"]
    assert status[0]["online"] == 1
    assert snap_until_silent(client) == b""
    nvr.clock.sleep(0.5)
    assert client.snap(1).headers["Content-Type"] == "image/jpeg"
    nvr.behave()
    assert snap(client)[1].endswith(b"\xff\xd9")


def test_a_late_answer(nvr: SimulatedNvr, client: Client) -> None:
    nvr.misbehave(Kind.DELAY, seconds=5, times=1)
    before = nvr.clock.monotonic()
    assert snap(client)[1].endswith(b"\xff\xd9")
    assert nvr.clock.monotonic() - before == pytest.approx(5.5)


def test_one_byte_at_a_time(nvr: SimulatedNvr, client: Client) -> None:
    nvr.misbehave(Kind.DRIP, seconds=0.6, times=1)
    before = nvr.clock.monotonic()
    headers, body, _ = snap(client)
    assert len(body) == int(headers["Content-Length"])
    assert nvr.clock.monotonic() - before == pytest.approx(0.5 + 0.6 * len(body))


def test_no_body(nvr: SimulatedNvr, client: Client) -> None:
    nvr.misbehave(Kind.EMPTY)
    headers, body, line = snap(client)
    assert (line, headers["Content-Length"], body) == (b"HTTP/1.1 200 OK", "0", b"")
    assert headers["Content-Type"] == "image/jpeg"


def test_28_bytes(nvr: SimulatedNvr, client: Client) -> None:
    nvr.misbehave(Kind.TINY)
    headers, body, _ = snap(client)
    assert (headers["Content-Length"], len(body), body[:2]) == ("28", 28, b"\xff\xd8")


def test_less_than_promised(nvr: SimulatedNvr, client: Client) -> None:
    nvr.misbehave(Kind.CUT)
    headers, body, _ = snap(client)
    assert len(body) == int(headers["Content-Length"]) // 2


def test_a_chunked_picture_whole_and_cut(nvr: SimulatedNvr, client: Client) -> None:
    nvr.misbehave(Kind.CHUNKED, times=1)
    headers, body, _ = snap(client)
    assert headers["Transfer-Encoding"] == "chunked"
    assert join_chunks(body).endswith(b"\xff\xd9")
    nvr.misbehave(Kind.CHUNKED_CUT)
    with pytest.raises(ValueError, match="invalid literal"):
        join_chunks(snap(client)[1])


def test_a_picture_until_the_connection_closes(nvr: SimulatedNvr, client: Client) -> None:
    nvr.misbehave(Kind.UNTIL_CLOSE, times=1)
    headers, whole, _ = snap(client)
    assert "Content-Length" not in headers
    assert "Transfer-Encoding" not in headers
    assert whole.endswith(b"\xff\xd9")
    nvr.misbehave(Kind.UNTIL_CLOSE_CUT)
    headers, cut, _ = snap(client)
    assert headers["Connection"] == "close"
    assert len(cut) < len(whole)
    assert not cut.endswith(b"\xff\xd9")


def test_a_missing_and_a_padded_end(nvr: SimulatedNvr, client: Client) -> None:
    nvr.misbehave(Kind.NO_END, times=1)
    headers, body, _ = snap(client)
    assert len(body) == int(headers["Content-Length"])
    assert not body.endswith(b"\xff\xd9")
    nvr.misbehave(Kind.PADDED, times=1)
    assert snap(client)[1].endswith(b"\xff\xd9" + b"\0" * 512)


@pytest.mark.parametrize("kind", [Kind.NOISE, Kind.HALF_SCAN])
def test_good_markers_around_a_bad_picture(nvr: SimulatedNvr, client: Client, kind: Kind) -> None:
    good = snap(client)[1]
    nvr.misbehave(kind)
    headers, body, _ = snap(client)
    assert (body[:2], body[-2:]) == (b"\xff\xd8", b"\xff\xd9")
    assert len(body) == int(headers["Content-Length"])
    if kind is Kind.NOISE:
        assert b"\xff\xc0" not in body
        assert b"\xff" not in body[2:-2]
    else:
        assert body[:300] == good[:300]
        assert 300 < len(body) < len(good) * 0.7


@pytest.mark.parametrize("label", ["image/jpeg", "application/json", "text/html", None])
def test_json_html_and_pictures_under_any_label(
    nvr: SimulatedNvr, client: Client, label: str | None
) -> None:
    starts = {Kind.JSON_LABELLED: b"[", Kind.HTML_LABELLED: b"<!DOCTYPE", Kind.RELABELLED: b"\xff"}
    for kind, start in starts.items():
        nvr.misbehave(kind, content_type=label, times=1, code=-17)
        headers, body, line = snap(client)
        assert line == b"HTTP/1.1 200 OK"
        assert headers.get("Content-Type") == label
        body = join_chunks(body) if "Transfer-Encoding" in headers else body
        assert body.startswith(start)
        if kind is Kind.JSON_LABELLED:
            assert json.loads(body)[0]["error"]["rspCode"] == -17


def test_endless_data(nvr: SimulatedNvr, client: Client) -> None:
    nvr.misbehave(Kind.ENDLESS)
    received = 0
    with socket.create_connection(("127.0.0.1", nvr.port), timeout=DEADLINE) as sock:
        sock.sendall(snap_request(client))
        while received < 2_000_000:
            received += len(sock.recv(65536))
    client.ask("GetDevInfo")
    assert nvr.log[-2].given_up
    assert nvr.broken_rules() == []


def test_another_size_and_the_same_picture_again(nvr: SimulatedNvr, client: Client) -> None:
    first = snap(client)[1]
    nvr.misbehave(Kind.STALE, times=1)
    assert snap(client)[1] == first
    nvr.misbehave(Kind.SIZE, width=896, height=512, times=1)
    assert b"\x08\x02\x00\x03\x80" in snap(client)[1]
    assert b"\x08\x01\x68\x02\x80" in snap(client)[1]


def test_garbled_answers_and_short_batches(nvr: SimulatedNvr, client: Client) -> None:
    nvr.misbehave(Kind.GARBLED, cmd="GetDevInfo", times=1)
    with pytest.raises(UnicodeDecodeError):
        client.ask("GetDevInfo").body.decode()
    nvr.misbehave(Kind.SHORT_BATCH, times=1)
    body = [{"cmd": "GetDevInfo"}, {"cmd": "GetTime"}, {"cmd": "GetOsd", "param": {"channel": 0}}]
    query = f"&token={client.token}"
    answers = [client.send(request_bytes("GetDevInfo", query, body)).value for _ in range(2)]
    assert [len(answer) for answer in answers] == [1, 3]


def test_a_misbehaviour_has_its_times_its_channel_and_its_hours(
    nvr: SimulatedNvr, client: Client
) -> None:
    nvr.misbehave(Kind.RSP_CODE, cmd="snap", channel=1, begins=100, lasts=50, times=2, code=-17)

    def codes() -> list[object]:
        nvr.clock.sleep(0.5)
        client.snap(0)
        first = nvr.log[-1].outcome
        nvr.clock.sleep(0.5)
        client.snap(1)
        return [first, nvr.log[-1].outcome]

    assert codes() == ["ok", "ok"]
    nvr.clock.sleep(100)
    assert [codes() for _ in range(3)] == [["ok", -17], ["ok", -17], ["ok", "ok"]]
    nvr.misbehave(Kind.RSP_CODE, cmd="Snap", lasts=50)
    nvr.clock.sleep(51)
    assert codes() == ["ok", "ok"]
    fault = nvr.misbehave(Kind.EMPTY)
    other = nvr.misbehave(Kind.RSP_CODE, cmd="GetDevInfo", code=-8)
    nvr.behave(fault)
    assert codes() == ["ok", "ok"]
    assert client.ask("GetDevInfo").code == other.code


FAULTS = st.builds(
    Misbehaviour,
    kind=st.sampled_from(Kind),
    cmd=st.none() | st.sampled_from(["Snap", "Login"]),
    channel=st.none() | st.integers(0, 35),
    begins=st.floats(0, 1e6),
    lasts=st.none() | st.floats(0, 1e6),
    times=st.none() | st.integers(1, 9),
    code=st.integers(-600, -1),
    content_type=st.none() | st.sampled_from(["image/jpeg", "text/html"]),
)


@UNHURRIED
@given(FAULTS)
def test_a_misbehaviour_survives_json(fault: Misbehaviour) -> None:
    assert Misbehaviour.from_json(json.loads(json.dumps(fault.to_json()))) == fault


@pytest.mark.parametrize("value", [{}, {"kind": "nonsense"}, {"kind": "empty", "how": 1}])
def test_nonsense_is_no_misbehaviour(value: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"kind|nonsense|how"):
        Misbehaviour.from_json(value)


@UNHURRIED
@given(st.integers(), st.floats(1, 500), st.floats(0.1, 10))
def test_random_faults_come_from_their_seed(seed: int, hours: float, an_hour: float) -> None:
    faults = random_faults(seed, hours, channels=(3, 4), an_hour=an_hour)
    assert faults == random_faults(seed, hours, channels=(3, 4), an_hour=an_hour)
    assert len(faults) == round(hours * an_hour)
    assert all(0 <= fault.begins <= hours * 3600 for fault in faults)
    assert all(fault.channel in {None, 3, 4} for fault in faults)
    assert all((fault.lasts is None) != (fault.times is None) for fault in faults)
    assert not {fault.kind for fault in faults} & HANGING


def test_random_faults_use_every_kind_they_may() -> None:
    kinds = {fault.kind for fault in random_faults(1, 500, an_hour=4, kinds=frozenset(Kind))}
    assert kinds == set(Kind)


@settings(UNHURRIED, max_examples=5)
@given(st.integers())
def test_after_any_bad_day_all_is_well_again(seed: int) -> None:
    clock = StillClock()
    with SimulatedNvr([SimulatedCamera(0), SimulatedCamera(1)], clock=clock) as nvr:
        for fault in random_faults(seed, 24, channels=(0, 1), an_hour=4):
            nvr.misbehave(fault)
        client = Client(nvr)
        for round_ in range(24 * 12):
            with contextlib.suppress(OSError, ValueError):
                if not nvr.live_sessions:
                    client.token = ""
                    client.login()
                client.snap(round_ % 2)
            clock.sleep(300)
        nvr.behave()
        clock.sleep(1800)
        client.token = ""
        assert client.login().code is None
        assert client.snap(0).headers["Content-Type"] == "image/jpeg"
        assert all(request.ended is not None for request in nvr.log[:-1])
