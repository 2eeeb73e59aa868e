"""The connection: http or https, odd TLS, pinned certificates, and errors with a remedy."""

from __future__ import annotations

import hashlib
import logging
import os
import signal
import socket
import ssl
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread, Timer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reolink_timelapsed.config import values
from reolink_timelapsed.config.address import Address
from reolink_timelapsed.errors import BadFrame, NvrError, Stopped, Timeout, Unreachable
from reolink_timelapsed.nvr import api
from reolink_timelapsed.nvr.login_state import HttpsMemory
from reolink_timelapsed.nvr.transport import LOGIN_PATIENCE_SECONDS, Transport
from reolink_timelapsed.simulator import Kind, SimulatedNvr, make_certificate, server_context
from reolink_timelapsed.system.clock import Clock
from tests.support import PASSWORD, PATIENCE_SECONDS, Clockwork, build_session, simulated

SECONDS = 5.0

pytestmark = pytest.mark.filterwarnings("ignore:Unverified HTTPS request")


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@contextmanager
def one_answer(answer: bytes) -> Iterator[str]:
    """Yield the URL of a server that gives the same answer to whatever comes, byte for byte."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection, suppress(ConnectionError):
                        connection.recv(65536)
                        connection.sendall(answer)

        thread = Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def ask(host: str, fingerprint: str = "", seconds: float = SECONDS) -> bytes:
    transport = Transport(host, Clock(), fingerprint)
    try:
        return transport.post("GetDevInfo", None, api.command("GetDevInfo"), seconds)
    finally:
        transport.close()


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


# Addresses


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("192.168.1.100", "https://192.168.1.100:443"),
        ("http://nvr.lan", "http://nvr.lan:80"),
        ("https://nvr.lan:8443", "https://nvr.lan:8443"),
        ("nvr.lan:81", "https://nvr.lan:81"),
        ("fd00::1", "https://[fd00::1]:443"),
        ("[fd00::1]:8443", "https://[fd00::1]:8443"),
        ("http://[fd00::1]", "http://[fd00::1]:80"),
    ],
)
def test_addresses(text: str, url: str) -> None:
    address = Address.parse(text)
    assert address.url(address.scheme or "https") == url


@given(st.from_regex(r"(https?://)?([a-z0-9.-]{1,20}|\[[0-9a-f:]{2,20}\])(:[0-9]{1,5})?"))
def test_every_host_of_the_configuration_is_an_address(text: str) -> None:
    try:
        host = values.host(text)
    except ValueError:
        return
    address = Address.parse(host)
    assert Address.parse(address.url(address.scheme or "https")).host == address.host


# Http or https


def test_https_is_found(pem: Path, clock: Clockwork) -> None:
    with simulated(clock, tls=pem) as nvr:
        transport = Transport(nvr.address, clock)
        transport.post("GetDevInfo", None, api.command("GetDevInfo"), SECONDS)
        assert transport.url == nvr.url
        transport.close()


def test_an_nvr_that_was_reached_by_https_gets_nothing_in_the_clear_afterwards(
    nvr: SimulatedNvr, folder: Path, pem: Path, clock: Clockwork
) -> None:
    """While it starts up it may answer by http first; the daemon was started anew, too."""
    question = api.command("GetDevInfo")
    memory = HttpsMemory(folder)
    nvr.stop()
    with simulated(clock, tls=pem, port=nvr.port) as safe:
        transport = Transport(safe.address, clock, memory=memory)
        transport.post("GetDevInfo", None, question, SECONDS)
        transport.close()
    with simulated(clock, port=nvr.port) as starting:
        again = Transport(starting.address, clock, memory=HttpsMemory(folder))
        with pytest.raises(Unreachable):
            again.post("Login", None, api.login("u", PASSWORD), SECONDS)
        assert starting.log == []
        elsewhere = Transport(starting.address, clock, memory=HttpsMemory(folder / "other"))
        elsewhere.post("GetDevInfo", None, question, SECONDS)
        elsewhere.close()
        again.close()
    with pytest.raises(Unreachable, match=r"if HTTPS is off for good, set nvr\.host to http://"):
        Transport(nvr.address, clock, memory=memory).post("Login", None, question, SECONDS)


def test_http_is_found_where_there_is_nothing_else(nvr: SimulatedNvr, clock: Clockwork) -> None:
    transport = Transport(nvr.address, clock)
    transport.post("GetDevInfo", None, api.command("GetDevInfo"), SECONDS)
    assert transport.url == nvr.url
    assert transport.fingerprint(SECONDS) == ""
    transport.close()


def test_a_handshake_that_fails_is_no_reason_to_send_the_password_in_the_clear(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    """Something answers with TLS of a kind that nobody speaks; http is there, too."""
    alert = bytes.fromhex("15030300020228")  # handshake failure
    with one_answer(alert) as url, pytest.raises(Unreachable, match=r"TLS with 127\.0\.0\.1 fails"):
        ask(url.removeprefix("http://"))
    assert nvr.log == []
    assert build_session(nvr, folder, clock).device()


def test_a_web_server_that_is_no_nvr_gets_no_password(clock: Clockwork) -> None:
    page = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>"
    with one_answer(page) as url, pytest.raises(Unreachable, match="not the API"):
        Transport(url, clock)._find_scheme(SECONDS)


def test_a_login_looks_for_https_again_where_http_was_found(
    nvr: SimulatedNvr, pem: Path, clock: Clockwork
) -> None:
    transport = Transport(nvr.address, clock)
    body = api.login("u", PASSWORD)
    transport.post("GetDevInfo", None, api.command("GetDevInfo"), SECONDS)
    nvr.stop()
    with simulated(clock, tls=pem, port=nvr.port) as safe:
        transport.post("Login", None, body, SECONDS)
        assert transport.url == safe.url
        assert [request.secure for request in safe.log] == [True]
    transport.close()


@pytest.mark.parametrize("http_side", ["off", "redirect"])
def test_an_nvr_that_changes_over_to_https_is_followed(
    nvr: SimulatedNvr, pem: Path, clock: Clockwork, http_side: str
) -> None:
    """What http answers now tells to look again; no login comes in between."""
    transport = Transport(nvr.address, clock)
    transport.post("GetDevInfo", None, api.command("GetDevInfo"), SECONDS)
    if http_side == "redirect":
        nvr.misbehave(Kind.STATUS, status=302)
        with pytest.raises(Unreachable, match="redirects"):
            transport.post("GetDevInfo", None, api.command("GetDevInfo"), SECONDS)
    nvr.stop()
    if http_side == "off":
        with pytest.raises(Unreachable):
            transport.post("GetDevInfo", None, api.command("GetDevInfo"), SECONDS)
    with simulated(clock, tls=pem, port=nvr.port) as safe:
        transport.post("GetDevInfo", None, api.command("GetDevInfo"), SECONDS)
        assert [request.secure for request in safe.log] == [True]
    transport.close()


def test_http_alone_if_the_configuration_says_so(pem: Path, clock: Clockwork) -> None:
    with simulated(clock, tls=pem, http_side="serve") as nvr:
        transport = Transport(f"http://{nvr.http_address}", clock)
        transport.post("GetDevInfo", None, api.command("GetDevInfo"), SECONDS)
        assert [request.secure for request in nvr.log] == [False]
        transport.close()


def test_a_redirect_to_https_is_not_followed_but_told(pem: Path, clock: Clockwork) -> None:
    with simulated(clock, tls=pem, http_side="redirect") as nvr:
        with pytest.raises(Unreachable, match=r"set nvr.host to https://127.0.0.1"):
            ask(f"http://{nvr.http_address}")
        assert len(nvr.log) == 1


# Odd TLS


@pytest.mark.parametrize("variant", ["modern", "static-rsa", "tls1.0"])
def test_devices_of_ten_years_ago(pem: Path, folder: Path, clock: Clockwork, variant: str) -> None:
    context = server_context(pem, variant)  # type: ignore[arg-type]
    with simulated(clock, tls=context) as nvr:
        session = build_session(nvr, folder, clock, host=nvr.address)
        assert session.device().model
        session.close()


def fingerprint_of(pem: Path) -> str:
    text = pem.read_text()
    der = ssl.PEM_cert_to_DER_cert(text[text.index("-----BEGIN CERTIFICATE") :])
    return hashlib.sha256(der).hexdigest()


def test_a_pinned_certificate(pem: Path, clock: Clockwork) -> None:
    with simulated(clock, tls=pem) as nvr:
        transport = Transport(nvr.url, clock)
        seen = transport.fingerprint(SECONDS)
        transport.close()
        assert seen == fingerprint_of(pem)
        assert ask(nvr.address, seen)
        with pytest.raises(Unreachable, match=r"not the one in nvr\.tls_fingerprint"):
            ask(nvr.address, "0" * 64)
        assert len(nvr.log) == 1


def test_with_a_pin_there_is_no_way_but_https(nvr: SimulatedNvr) -> None:
    with pytest.raises(Unreachable, match="TLS"):
        ask(nvr.address, "0" * 64)
    with pytest.raises(Unreachable, match="refuses connections"):
        ask(f"127.0.0.1:{closed_port()}", "0" * 64)
    assert nvr.log == []


def test_a_new_certificate_is_none_of_our_business_unless_pinned(
    pem: Path, tmp_path: Path, clock: Clockwork
) -> None:
    with simulated(clock, tls=pem) as nvr:
        transport, pinned = (
            Transport(nvr.url, clock),
            Transport(nvr.url, clock, fingerprint_of(pem)),
        )
        for one in (transport, pinned):
            one.post("GetDevInfo", None, api.command("GetDevInfo"), SECONDS)
            one.close()
        nvr.change_certificate(make_certificate(tmp_path, "other"))
        transport.post("GetDevInfo", None, api.command("GetDevInfo"), SECONDS)
        with pytest.raises(Unreachable, match="fingerprint"):
            pinned.post("GetDevInfo", None, api.command("GetDevInfo"), SECONDS)
        transport.close()


# Errors with a remedy


def test_nobody_there() -> None:
    with pytest.raises(Unreachable, match=r"refuses connections.*Port Settings"):
        ask(f"http://127.0.0.1:{closed_port()}")
    with pytest.raises(Unreachable, match=r"no host named nvr\.invalid: check nvr\.host"):
        ask("http://nvr.invalid")
    with pytest.raises(Unreachable, match=r"no host named nvr\.invalid"):
        ask("nvr.invalid")


@pytest.mark.parametrize("status", [404, 500, 502, 503])
def test_an_nvr_that_is_starting(nvr: SimulatedNvr, status: int) -> None:
    nvr.misbehave(Kind.STATUS, status=status, times=1)
    with pytest.raises(Unreachable, match=f"HTTP {status}: the NVR is starting up"):
        ask(nvr.url)


@pytest.mark.parametrize("kind", [Kind.RESET, Kind.CLOSE])
def test_a_connection_that_is_closed(nvr: SimulatedNvr, kind: Kind) -> None:
    nvr.misbehave(kind, times=1)
    with pytest.raises(Unreachable, match="closed the connection without an answer"):
        ask(nvr.url)


def test_an_answer_that_never_comes(nvr: SimulatedNvr) -> None:
    nvr.misbehave(Kind.SILENCE, times=1)
    with pytest.raises(Timeout, match="no complete answer within"):
        ask(nvr.url, seconds=0.2)


# One answer after the other

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"


@contextmanager
def conversation(*answers: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """Yield the URL of a server that gives one answer to each request, and what it was asked.

    It keeps its connection until the client closes it.
    """
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection:
                        asked.append(b"connection")
                        while request := connection.recv(65536):
                            connection.sendall(answers[sum(one != b"connection" for one in asked)])
                            asked.append(request)

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", asked
        server.shutdown(socket.SHUT_RDWR)
        thread.join(PATIENCE_SECONDS)


def snapshots(host: str, count: int) -> list[bytes]:
    transport = Transport(host, Clock())
    try:
        return [transport.get_snapshot(0, "t", SECONDS) for _ in range(count)]
    finally:
        transport.close()


@pytest.mark.parametrize(
    "interim",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 102 Processing\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nConnection: close\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nTransfer-Encoding: chunked\r\n\r\n" * 2,
        b"HTTP/1.1 199 Odd\r\nContent-Length: 7\r\n\r\nHTTP/1.1 100 Go on\r\n\r\n",
    ],
)
def test_an_interim_answer_is_not_the_answer(interim: bytes) -> None:
    first, second = (PLAIN % (len(body), body) for body in (b"first", b"second"))
    with conversation(interim + first, second) as (url, asked):
        assert snapshots(url, 2) == [b"first", b"second"]
    assert len(asked) == 3, "one connection, two requests"


def test_a_change_of_protocols_is_no_answer() -> None:
    switch = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"
    with conversation(switch) as (url, _), pytest.raises(Unreachable, match="HTTP 101"):
        snapshots(url, 1)


def test_no_cookie_is_kept() -> None:
    cookie = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: 1\r\n\r\nx"
    with conversation(cookie, cookie) as (url, asked):
        assert snapshots(url, 2) == [b"x", b"x"]
    assert not [request for request in asked if b"cookie" in request.lower()]


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "gzip, br", "br", "identity, gzip", "x"])
def test_what_is_packed_is_not_unpacked(encoding: str) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: 1\r\n\r\n"
    with conversation(head.encode() + b"x") as (url, asked), pytest.raises(BadFrame, match="compr"):
        snapshots(url, 1)
    assert b"Accept-Encoding: identity" in asked[1]


def test_what_says_that_it_is_not_packed_is_taken() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: Identity\r\nContent-Length: 1\r\n\r\nx"
    with conversation(answer) as (url, _):
        assert snapshots(url, 1) == [b"x"]


def test_an_answer_that_comes_too_late_is_not_taken_for_the_next() -> None:
    late, right = PLAIN % (4, b"late"), PLAIN % (5, b"right")
    with conversation(late[:-2], right) as (url, asked):
        transport = Transport(url, Clock())
        with pytest.raises(Timeout):
            transport.get_snapshot(0, "t", 0.2)
        assert transport.get_snapshot(0, "t", SECONDS) == b"right"
        transport.close()
    assert asked.count(b"connection") == 2


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_login_that_is_not_even_sent_does_not_delay_a_stop() -> None:
    """Whoever has the port takes the connection and says nothing to the handshake.

    Python's ssl leaves the socket that it gave up to the garbage collector, which says so.
    """
    clock = Clock()
    before = signal.signal(signal.SIGUSR1, lambda *_: clock.stop())
    timer = Timer(0.2, os.kill, [os.getpid(), signal.SIGUSR1])
    began = clock.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as server:
        transport = Transport(f"https://127.0.0.1:{server.getsockname()[1]}", clock)
        timer.start()
        with pytest.raises(Stopped):
            transport.post("Login", None, api.login("u", PASSWORD), 4 * LOGIN_PATIENCE_SECONDS)
    assert clock.monotonic() - began < LOGIN_PATIENCE_SECONDS
    timer.join()
    signal.signal(signal.SIGUSR1, before)


def test_at_the_usual_ports_a_failed_handshake_is_no_reason_for_http_either() -> None:
    """Ports 443 and 80, of an address of the loopback that nobody else uses."""
    host, asked = "127.81.93.7", []
    try:
        tls, plain = (socket.create_server((host, port)) for port in (443, 80))
    except OSError:
        pytest.skip("needs the ports 443 and 80: root, or a lower ip_unprivileged_port_start")
    alert = bytes.fromhex("15030300020228")

    def serve() -> None:
        connection, _ = tls.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(alert)

    with tls, plain:
        thread = Thread(target=serve)
        thread.start()
        with pytest.raises(Unreachable, match=f"TLS with {host} fails"):
            ask(host)
        thread.join()
        plain.setblocking(False)
        with suppress(BlockingIOError):
            asked.append(plain.accept())
    assert not asked


ODD_ANSWERS = [
    b"",
    b"\0",
    b"HTTP/1.1 200",
    b"HTTP/9.9 wrong\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\nbody",
    b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nbody",
    b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nbody",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nbody",
    b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nbody",
    b"HTTP/1.1 200 OK\r\nno colon here\r\n: odd\r\n\r\nbody",
    b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n",
    b"HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\n\r\n" * 2,
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nbody",
    b"HTTP/1.1 302 Found\r\nLocation: http://[\r\n\r\n",
    "HTTP/1.1 200 O\N{LATIN SMALL LETTER O WITH DIAERESIS}K\r\n\r\n".encode(),
]


@pytest.mark.parametrize("answer", ODD_ANSWERS)
def test_answers_that_are_hardly_http(
    answer: bytes, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """They raise nothing but our own errors, and nobody else logs the URL with the token."""
    token = "0123456789abcdef"
    with caplog.at_level(logging.DEBUG), one_answer(answer) as url:
        transport = Transport(url, Clock())
        shown = _outcome(transport, token)
        transport.close()
    assert token not in shown + caplog.text + "".join(capfd.readouterr())


def _outcome(transport: Transport, token: str) -> str:
    try:
        return repr(transport.get_snapshot(0, token, 2.0))
    except (NvrError, BadFrame):
        return traceback.format_exc()
