"""TLS, well and badly spoken."""

import socket
import ssl
from pathlib import Path
from typing import Literal

import pytest

from reolink_timelapsed.simulator import (
    SimulatedCamera,
    SimulatedNvr,
    make_certificate,
    server_context,
)
from tests.simulator.nvr_client import (
    DEADLINE,
    StillClock,
    exchange,
    parse,
    read_all,
    request_bytes,
)


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("tls"))


def lenient(ciphers: str | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if ciphers is not None:
        context.set_ciphers(ciphers)
    return context


def talk(nvr: SimulatedNvr, context: ssl.SSLContext) -> tuple[bytes, str, bytes]:
    """Ask over TLS: the answer, the cipher, the certificate."""
    address = ("127.0.0.1", nvr.port)
    with (
        socket.create_connection(address, timeout=DEADLINE) as plain,
        context.wrap_socket(plain, server_hostname="nvr") as sock,
    ):
        request = request_bytes("Snap", "&channel=0").replace(b"Host", b"Connection: close\r\nHost")
        sock.sendall(request)
        cipher = sock.cipher()
        certificate = sock.getpeercert(binary_form=True)
        assert cipher is not None
        assert certificate is not None
        return read_all(sock), cipher[0], certificate


def test_self_signed(pem: Path) -> None:
    with SimulatedNvr([SimulatedCamera(0)], clock=StillClock(), tls=pem) as nvr:
        assert nvr.url == f"https://{nvr.address}"
        answer, _, certificate = talk(nvr, lenient())
        assert parse(answer).code == -6
        assert ssl.DER_cert_to_PEM_cert(certificate).strip() in pem.read_text()
        with pytest.raises(ssl.SSLCertVerificationError, match=r"self.signed"):
            talk(nvr, ssl.create_default_context())
        assert [request.secure for request in nvr.log] == [True]


def test_the_certificate_changes(pem: Path, tmp_path: Path) -> None:
    other = make_certificate(tmp_path, "other")
    assert other.read_bytes() != pem.read_bytes()
    with SimulatedNvr([SimulatedCamera(0)], clock=StillClock(), tls=pem) as nvr:
        before = talk(nvr, lenient())[2]
        nvr.change_certificate(other)
        assert talk(nvr, lenient())[2] != before


def test_static_rsa_only(pem: Path) -> None:
    context = server_context(pem, "static-rsa")
    with SimulatedNvr([SimulatedCamera(0)], clock=StillClock(), tls=context) as nvr:
        with pytest.raises(ssl.SSLError):
            talk(nvr, lenient("ECDHE+AESGCM"))
        assert talk(nvr, lenient("DEFAULT"))[1] in {"AES128-GCM-SHA256", "AES256-SHA"}


def test_tls_1_0_only(pem: Path) -> None:
    context = server_context(pem, "tls1.0")
    with SimulatedNvr([SimulatedCamera(0)], clock=StillClock(), tls=context) as nvr:
        with pytest.raises(ssl.SSLError):
            talk(nvr, lenient())
        old = lenient("DEFAULT:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLSv1"):
            old.minimum_version = ssl.TLSVersion.TLSv1
        assert parse(talk(nvr, old)[0]).code == -6


def test_http_on_the_https_port_is_told_so(pem: Path) -> None:
    with SimulatedNvr([], clock=StillClock(), tls=pem) as nvr:
        assert parse(exchange(nvr, request_bytes("Snap"))).status == 400


@pytest.mark.parametrize("side", ["redirect", "serve"])
def test_a_second_port_without_tls(pem: Path, side: Literal["redirect", "serve"]) -> None:
    with SimulatedNvr([], clock=StillClock(), tls=pem, http_side=side) as nvr:
        port = int(nvr.http_address.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as sock:
            request = request_bytes("GetDevInfo", "", [])
            sock.sendall(request.replace(b"Host", b"Connection: close\r\nHost"))
            reply = parse(read_all(sock))
        assert [r.secure for r in nvr.log] == [False]
        if side == "redirect":
            location = f"{nvr.url}/cgi-bin/api.cgi?cmd=GetDevInfo"
            assert (reply.status, reply.headers["Location"]) == (302, location)
        else:
            assert reply.code == -6


def test_a_password_over_http_where_there_is_https(pem: Path) -> None:
    with SimulatedNvr([], clock=StillClock(), tls=pem, http_side="serve") as nvr:
        port = int(nvr.http_address.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as sock:
            request = request_bytes("Login", "", [{"cmd": "Login"}])
            sock.sendall(request.replace(b"Host", b"Connection: close\r\nHost"))
            assert parse(read_all(sock)).code == -4
        (rule,) = nvr.broken_rules()
        assert rule.startswith("a password over http although there is https: #0 Login")
        nvr.http_allowed = True
        assert nvr.broken_rules() == []


def test_without_tls_there_is_no_second_port_and_no_certificate(tmp_path: Path) -> None:
    with SimulatedNvr([], clock=StillClock()) as nvr:
        with pytest.raises(ValueError, match="no second port"):
            assert nvr.http_address
        with pytest.raises(ValueError, match="no TLS"):
            nvr.change_certificate(tmp_path)
