"""Answers byte for byte, as a Reolink device sends them."""

import socket
import threading
from collections.abc import Iterator

import pytest

from reolink_timelapsed.simulator import SimulatedCamera, SimulatedNvr
from tests.simulator.nvr_client import DEADLINE, Client, StillClock, exchange, parse, request_bytes


@pytest.fixture
def nvr() -> Iterator[SimulatedNvr]:
    with SimulatedNvr([SimulatedCamera(0, "Front Door")], clock=StillClock()) as nvr:
        yield nvr


def keep_alive(sock: socket.socket, request: bytes, end: bytes) -> bytes:
    """Send a request and read until the answer ends like this."""
    sock.sendall(request)
    received = b""
    while not received.endswith(end):
        data = sock.recv(65536)
        assert data, received
        received += data
    return received


def connect(nvr: SimulatedNvr) -> socket.socket:
    return socket.create_connection(("127.0.0.1", nvr.port), timeout=DEADLINE)


def test_an_error_is_pretty_json_in_one_chunk_with_status_200(nvr: SimulatedNvr) -> None:
    expected_json = (
        b"[\n"
        b"   {\n"
        b'      "cmd" : "Snap",\n'
        b'      "code" : 1,\n'
        b'      "error" : {\n'
        b'         "detail" : "please login first",\n'
        b'         "rspCode" : -6\n'
        b"      }\n"
        b"   }\n"
        b"]\n"
    )
    with connect(nvr) as sock:
        answer = keep_alive(sock, request_bytes("Snap", "&channel=0"), b"\r\n0\r\n\r\n")
    assert answer == (
        b"HTTP/1.1 200 OK\r\n"
        b"Server: nginx\r\n"
        b"Date: Sun, 22 Nov 2026 04:00:00 GMT\r\n"
        b"Content-Type: text/html\r\n"
        b"Transfer-Encoding: chunked\r\n"
        b"Connection: keep-alive\r\n"
        b"\r\n" + b"%x\r\n%s\r\n0\r\n\r\n" % (len(expected_json), expected_json)
    )


def test_a_picture_has_a_length_and_the_three_headers(nvr: SimulatedNvr) -> None:
    client = Client(nvr)
    client.login()
    query = f"&channel=0&rs=x&token={client.token}"
    with connect(nvr) as sock:
        answer = keep_alive(sock, request_bytes("Snap", query), b"\xff\xd9")
    head, _, picture = answer.partition(b"\r\n\r\n")
    assert picture.startswith(b"\xff\xd8")
    assert head == (
        b"HTTP/1.1 200 OK\r\n"
        b"Server: nginx\r\n"
        b"Date: Sun, 22 Nov 2026 04:00:00 GMT\r\n"
        b"Content-Type: image/jpeg\r\n"
        b"Content-Length: %d\r\n"
        b"Connection: keep-alive\r\n"
        b"X-Frame-Options: SAMEORIGIN\r\n"
        b"X-XSS-Protection: 1; mode=block\r\n"
        b"X-Content-Type-Options: nosniff" % len(picture)
    )


def test_one_connection_serves_many_requests(nvr: SimulatedNvr) -> None:
    with connect(nvr) as sock:
        for _ in range(3):
            answer = keep_alive(sock, request_bytes("Snap", "&channel=0"), b"\r\n0\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 200")
    assert len(nvr.log) == 3


def test_long_json_comes_in_several_chunks(nvr: SimulatedNvr) -> None:
    nvr.cameras = [SimulatedCamera(channel, f"Camera {channel}") for channel in range(36)]
    client = Client(nvr)
    client.login()
    reply = client.ask("GetChannelstatus")
    assert reply.value[0]["value"]["count"] == 36
    assert reply.raw.count(b"\r\n1000\r\n") >= 1


def test_names_are_utf8_as_they_are(nvr: SimulatedNvr) -> None:
    nvr.cameras[0].name = "Hof 前门"
    client = Client(nvr)
    client.login()
    assert "前门".encode() in client.ask("GetChannelstatus").raw


def test_a_wrong_path_is_nginx_404(nvr: SimulatedNvr) -> None:
    reply = parse(exchange(nvr, b"GET /nothing HTTP/1.1\r\n\r\n"))
    assert reply.status == 404
    assert reply.body == (
        b"<html>\r\n<head><title>404 Not Found</title></head>\r\n"
        b'<body bgcolor="white">\r\n<center><h1>404 Not Found</h1></center>\r\n'
        b"<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )


@pytest.mark.parametrize("path", ["/api.cgi", "/cgi-bin/api.cgi", "/API.CGI"])
@pytest.mark.parametrize("cmd", ["GetChannelstatus", "Getchannelstatus", "GETCHANNELSTATUS"])
def test_path_and_command_in_any_form(nvr: SimulatedNvr, path: str, cmd: str) -> None:
    client = Client(nvr)
    client.login()
    body = f'[{{"cmd":"{cmd}","action":0,"param":{{}}}}]'.encode()
    head = f"POST {path}?cmd={cmd}&token={client.token} HTTP/1.1\r\nContent-Length: {len(body)}"
    reply = parse(exchange(nvr, f"{head}\r\n\r\n".encode() + body))
    assert reply.value[0]["cmd"] == "GetChannelstatus"


def test_snap_also_by_post(nvr: SimulatedNvr) -> None:
    client = Client(nvr)
    client.login()
    query = f"&channel=0&token={client.token}"
    reply = client.send(request_bytes("Snap", query, [{"cmd": "Snap", "param": {}}]))
    assert reply.headers["Content-Type"] == "image/jpeg"
    by_body = [{"cmd": "Snap", "action": 0, "param": {"channel": 0}}]
    nvr.clock.sleep(1)
    reply = client.send(request_bytes("Snap", f"&token={client.token}", by_body))
    assert reply.headers["Content-Type"] == "image/jpeg"


def test_an_empty_list_of_commands(nvr: SimulatedNvr) -> None:
    reply = parse(exchange(nvr, request_bytes("", "", [])))
    assert reply.value[0]["cmd"] == "Unknown"
    assert reply.code == -6


def test_forty_commands_are_too_many_for_one_request(nvr: SimulatedNvr) -> None:
    client = Client(nvr)
    client.login()
    body = [{"cmd": "GetDevInfo", "action": 0, "param": {}}] * 41
    query = f"&token={client.token}"
    assert client.send(request_bytes("GetDevInfo", query, body)).code == -16
    answers = client.send(request_bytes("GetDevInfo", query, body[:40])).value
    assert [answer["code"] for answer in answers] == [0] * 40


def test_what_is_no_http_gets_status_400(nvr: SimulatedNvr) -> None:
    assert exchange(nvr, b"\x16\x03\x01\r\n\r\n").startswith(b"HTTP/1.1 400 Bad Request\r\n")


def test_stopping_ends_hanging_and_idle_connections() -> None:
    """One that it could not wake would still have its thread."""
    nvr = SimulatedNvr([SimulatedCamera(0)])
    with nvr:
        idle = connect(nvr)
        keep_alive(idle, request_bytes("GetDevInfo", "", []), b"\r\n0\r\n\r\n")
        nvr.misbehave("hang")
        hanging = connect(nvr)
        keep_alive(hanging, request_bytes("GetDevInfo", "", []), b"\r\n\r\n")
    with idle, hanging:
        assert idle.recv(1) == b""
        assert hanging.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        connect(nvr)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("nvr")]
