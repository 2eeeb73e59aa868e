"""Why there was no answer, in sentences that name the remedy. Nothing foreign is quoted in them."""

from __future__ import annotations

import socket
import ssl

from reolink_timelapsed.config.address import Address
from reolink_timelapsed.errors import IF_IT_LASTS, NoConnection, Unreachable


def by_os(
    error: OSError | UnicodeError, address: Address, scheme: str, confined: str = ""
) -> Unreachable:
    """Explain what the system says of a connection, TLS included; `scheme` is that in use.

    `confined` says what may be the reason if nothing ever came back.
    """
    where = f"{address.host}:{address.port}" if address.port else address.host
    if isinstance(error, (socket.gaierror, UnicodeError)):
        return NoConnection(
            f"there is no host named {address.host}: check nvr.host and the DNS{confined}"
        )
    if isinstance(error, ConnectionRefusedError):
        given_up = f"; if HTTPS is off for good, set nvr.host to http://{where}"
        return NoConnection(
            f"{where} refuses connections: it is starting up, or its HTTP and HTTPS ports are "
            "switched off (look at Settings, Network, Advanced, Port Settings), or nvr.host is "
            f"wrong{given_up if scheme == 'https' else ''}"
        )
    if isinstance(error, (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        answer = "the connection was closed without an answer"
        text = f"{where} closed the connection without an answer; {IF_IT_LASTS}"
        return Unreachable(text, answer=answer)
    if isinstance(error, ssl.SSLError):
        return _by_tls(error, address)
    return NoConnection(
        f"no way to {where} ({error.strerror or 'network error'}): look whether the NVR is on, "
        f"and this machine in its network{confined}"
    )


def _by_tls(error: ssl.SSLError, address: Address) -> NoConnection:
    return NoConnection(
        f"TLS with {address.host} fails ({error.reason or 'handshake failure'}): "
        "if the NVR has no https, set nvr.host to "
        f"http://{address.host} (the password then goes through the network unencrypted)"
    )


def by_pin(address: Address) -> NoConnection:
    return NoConnection(
        f"the certificate of {address.host} is not the one in nvr.tls_fingerprint: if "
        "the NVR was reset, updated or replaced, run `reolink-timelapse test` with the key "
        "left empty to see the new one; else another device answers in its place"
    )


def by_silence(url: str, seconds: float, confined: str = "") -> NoConnection:
    return NoConnection(
        f"{url} does not answer within {seconds:.0f} s: look whether it is on, and this "
        f"machine in its network{confined}"
    )


def by_redirect(url: str, address: Address, status: int) -> Unreachable:
    return Unreachable(
        f"{url} redirects (HTTP {status}): set nvr.host to https://{address.host}, the NVR wants "
        "https",
        answer=f"the answer was HTTP {status}",
    )


def by_status(url: str, status: int) -> Unreachable:
    return Unreachable(
        f"{url} answers HTTP {status}: the NVR is starting up or overloaded, or another "
        f"device, see nvr.host; {IF_IT_LASTS}",
        answer=f"the answer was HTTP {status}",
    )


def by_another(url: str) -> Unreachable:
    return Unreachable(f"{url} is a web server, but not the API of a Reolink NVR: check nvr.host")


def by_nonsense(address: Address) -> Unreachable:
    return Unreachable(
        f"{address.host} gives answers that make no sense: check nvr.host, or restart the NVR",
        answer="the answer makes no sense",
    )
