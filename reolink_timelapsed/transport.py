"""One HTTP(S) connection to the NVR: total deadlines, odd TLS, and errors in our own words.

The only module that uses requests (and urllib3, on which it stands). Texts of its exceptions
hold the whole URL with the token, so none of them is passed on.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

from reolink_timelapsed import tls
from reolink_timelapsed.address import Address
from reolink_timelapsed.api import Request, first_reply
from reolink_timelapsed.clock import Clock, DeadlineExceeded
from reolink_timelapsed.errors import (
    IF_IT_LASTS,
    BadFrame,
    NoConnection,
    NvrError,
    Stopped,
    Timeout,
    Unreachable,
)
from reolink_timelapsed.memory import HttpsMemory

MAX_BODY_BYTES = 16 * 2**20
"""Twice the largest picture; with a copy of it still far below 64 MB of memory."""

_CHUNK_BYTES = 64 * 2**10
_PATH = "/cgi-bin/api.cgi"
_CONNECT_SHARE = 0.8
"""Of a request's time: who does not even connect is another fault than who does not answer."""


class Transport:
    """Sends one request at a time; every one ends within its deadline.

    Without a scheme in `host` it is https wherever the NVR speaks that, or ever spoke it, as
    `memory` tells. With a `fingerprint` (SHA-256 of the certificate in hex) it is https with that
    certificate or nothing.

    Raises, from every method that sends:
        NoConnection: there is no way to the NVR.
        Unreachable: the NVR does not answer, or not as an API.
        Timeout: it took the request and did not finish its answer in time.
        BadFrame: the answer broke off, or is endless.
        Stopped: told to stop meanwhile.
    """

    def __init__(
        self,
        host: str,
        clock: Clock,
        fingerprint: str = "",
        memory: HttpsMemory | None = None,
        shut_out: Callable[[str], str] = lambda _: "",
    ) -> None:
        self.address = Address.parse(host)
        self._shut_out = shut_out
        self._answered = False
        self._clock = clock
        self._pin = fingerprint
        self._memory = memory
        is_known = bool(fingerprint or (memory and memory.knows(self.address.url("https"))))
        self._scheme = self.address.scheme or ("https" if is_known else "")
        self._http = self._new_connection()

    @property
    def url(self) -> str:
        """The NVR's base URL; without a scheme until one was found."""
        return self.address.url(self._scheme) if self._scheme else self.address.host

    def post(self, command: str, token: str | None, body: Request, seconds: float) -> bytes:
        """Send a command and return the body of its reply."""
        if command == "Login":
            self._doubt_scheme()  # it may have https by now, and this holds the password
        return self._send("POST", _query(command, token), body, seconds)

    def get_snapshot(
        self, channel: int, token: str, seconds: float, size: tuple[int, int] | None = None
    ) -> bytes:
        """Ask for a picture, of `size` if that must be told; return what came instead or indeed.

        Sent as GET, as every known client does. `rs` breaks caches; the guide wants it
        (section 3.6.7).
        """
        query = _query("Snap", token) | {"channel": str(channel), "rs": secrets.token_hex(8)}
        if size:
            query |= {"width": str(size[0]), "height": str(size[1])}
        return self._send("GET", query, None, seconds)

    def fingerprint(self, seconds: float) -> str:
        """Return the SHA-256 of the NVR's certificate in hex, "" when it is reached by http."""
        with self._bounded(seconds):
            certificate = None if self._scheme == "http" else self._certificate()
        return hashlib.sha256(certificate).hexdigest() if certificate else ""

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        self._http.close()

    # Sending

    def _send(self, method: str, query: dict[str, str], body: Any, seconds: float) -> bytes:
        with self._bounded(seconds):
            if not self._scheme:
                self._scheme = self._find_scheme(seconds)
            return self._exchange(method, self.url + _PATH, query, body, seconds)

    def _exchange(
        self, method: str, url: str, query: dict[str, str], body: Any, seconds: float
    ) -> bytes:
        try:
            with self._http.request(
                method,
                url,
                params=query,
                json=body,
                timeout=(_CONNECT_SHARE * seconds, seconds),
                stream=True,
                allow_redirects=False,
            ) as response:
                self._answered = True
                self._check_status(response)
                return _read(response)
        except requests.RequestException as error:
            self.close()
            self._doubt_scheme()
            raise self._explain(error, seconds) from None
        except (urllib3.exceptions.HTTPError, ValueError):
            # requests looks into a redirect even if it is not to follow it
            self.close()
            raise self._explain_nonsense() from None

    @contextmanager
    def _bounded(self, seconds: float) -> Iterator[None]:
        try:
            with self._clock.deadline(seconds):
                yield
        except DeadlineExceeded:
            self.close()
            if self._clock.stopping:
                raise Stopped("told to stop while the NVR was answering") from None
            raise self._too_slow(seconds) from None

    def _check_status(self, response: requests.Response) -> None:
        status = response.status_code
        if status == requests.codes.ok:
            return
        if 300 <= status < 400:
            self._doubt_scheme()
            raise Unreachable(
                f"{self.url} redirects (HTTP {status}): set nvr.host to "
                f"https://{self.address.host}, the NVR wants https",
                answer=f"the answer was HTTP {status}",
            )
        raise Unreachable(
            f"{self.url} answers HTTP {status}: the NVR is starting up or overloaded, or another "
            f"device, see nvr.host; {IF_IT_LASTS}",
            answer=f"the answer was HTTP {status}",
        )

    # Which scheme

    def _doubt_scheme(self) -> None:
        """Look for https again, if http is only what was found: the NVR may have changed over."""
        if not self.address.scheme and self._scheme == "http":
            self._scheme = ""

    def _find_scheme(self, seconds: float) -> str:
        """Return https if the NVR speaks it; http only if it does not and answers there.

        A handshake that fails is an error, not a reason for http: the password would go out in
        the clear to a device that has https.
        """
        if self._certificate() is not None:
            if self._memory:
                self._memory.note(self.address.url("https"))
            return "https"
        query = _query("GetDevInfo", None)
        answer = self._exchange(
            "POST", self.address.url("http") + _PATH, query, [{"cmd": "GetDevInfo"}], seconds
        )
        if first_reply(answer) is None:
            raise Unreachable(
                f"{self.address.url('http')} is a web server, but not the API of a Reolink NVR: "
                "check nvr.host"
            )
        return "http"

    def _certificate(self) -> bytes | None:
        """Return the certificate (DER) at the https port, None if nothing there speaks TLS."""
        try:
            return tls.certificate(self.address.host, self.address.port_for("https"))
        except (OSError, UnicodeError) as error:
            absent = isinstance(error, ConnectionRefusedError) and not self.address.port
            if self._scheme != "https" and (absent or tls.speaks_no_tls(error)):
                return None
            raise self._explain_os(error) from None

    def _new_connection(self) -> requests.Session:
        http = requests.Session()
        http.trust_env = False  # no proxy, no .netrc: the NVR is in the house
        http.headers.update({"Accept-Encoding": "identity"})
        http.verify = False
        http.mount("https://", _Adapter(self._pin))
        return http

    # Errors in our own words

    def _explain(self, error: requests.RequestException, seconds: float) -> NvrError | BadFrame:
        inner = next(iter(error.args), None)
        if isinstance(inner, urllib3.exceptions.ReadTimeoutError):
            return self._too_slow(seconds)
        if isinstance(error, requests.exceptions.ChunkedEncodingError):
            return BadFrame("the connection broke off in the middle of the answer")
        cause = _root(error)
        if cause is not None and not isinstance(cause, TimeoutError):
            return self._explain_os(cause)
        if isinstance(error, requests.exceptions.SSLError):
            return self._explain_pin()
        if not isinstance(error, requests.Timeout):
            return self._explain_nonsense()
        return NoConnection(
            f"{self.url} does not answer within {seconds:.0f} s: look whether it is on, and this "
            f"machine in its network{self._confined()}"
        )

    def _explain_nonsense(self) -> Unreachable:
        return Unreachable(
            f"{self.address.host} gives answers that make no sense: check nvr.host, or restart "
            "the NVR",
            answer="the answer makes no sense",
        )

    def _explain_os(self, error: OSError | UnicodeError) -> Unreachable:
        port = f":{self.address.port}" if self.address.port else ""
        where = f"{self.address.host}{port}"
        if isinstance(error, (socket.gaierror, UnicodeError)):
            return NoConnection(
                f"there is no host named {self.address.host}: check nvr.host and the DNS"
                f"{self._confined()}"
            )
        if isinstance(error, ConnectionRefusedError):
            given_up = f"; if HTTPS is off for good, set nvr.host to http://{where}"
            return NoConnection(
                f"{where} refuses connections: it is starting up, or its HTTP and HTTPS ports are "
                "switched off (look at Settings, Network, Advanced, Port Settings), or nvr.host is "
                f"wrong{given_up if self._scheme == 'https' else ''}"
            )
        if isinstance(error, (ConnectionError, ssl.SSLEOFError, ssl.SSLZeroReturnError)):
            answer = "the connection was closed without an answer"
            text = f"{where} closed the connection without an answer; {IF_IT_LASTS}"
            return Unreachable(text, answer=answer)
        if isinstance(error, ssl.SSLError):
            return self._explain_tls(error)
        return NoConnection(
            f"no way to {where} ({error.strerror or 'network error'}): look whether the NVR is on, "
            f"and this machine in its network{self._confined()}"
        )

    def _too_slow(self, seconds: float) -> Timeout:
        return Timeout(f"no complete answer within {seconds:.0f} s{self._confined()}")

    def _confined(self) -> str:
        """Return what to add where nothing ever came back, and something here may be the reason."""
        words = "" if self._answered else self._shut_out(self.address.host)
        return f"; {words}" if words else ""

    def _explain_tls(self, error: ssl.SSLError) -> NoConnection:
        return NoConnection(
            f"TLS with {self.address.host} fails ({error.reason or 'handshake failure'}): "
            "if the NVR has no https, set nvr.host to "
            f"http://{self.address.host} (the password then goes through the network unencrypted)"
        )

    def _explain_pin(self) -> NoConnection:
        return NoConnection(
            f"the certificate of {self.address.host} is not the one in nvr.tls_fingerprint: if "
            "the NVR was reset, updated or replaced, run `reolink-timelapse test` with the key "
            "left empty to see the new one; else another device answers in its place"
        )


class _Adapter(HTTPAdapter):
    """Speaks to certificates that nobody signed and to ciphers that nobody else offers any more."""

    def __init__(self, pin: str) -> None:
        self._pin = pin
        super().__init__(pool_connections=1, pool_maxsize=1)

    def init_poolmanager(self, *args: Any, **options: Any) -> Any:
        options["ssl_context"] = tls.lenient_context()
        if self._pin:
            options["assert_fingerprint"] = self._pin
        return super().init_poolmanager(*args, **options)


def _read(response: requests.Response) -> bytes:
    """Return the whole body.

    Debian 12's urllib3 accepts a body shorter than its Content-Length in silence.

    Raises:
        BadFrame: if the body is shorter than announced, or larger than any picture.
    """
    body = bytearray()
    for chunk in response.iter_content(_CHUNK_BYTES):
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise BadFrame(f"an answer of more than {MAX_BODY_BYTES >> 20} MiB: given up")
    announced = response.headers.get("Content-Length", "")
    if announced.isdigit() and len(body) < int(announced):
        raise BadFrame(f"only {len(body)} of {announced} bytes came: cut short")
    return bytes(body)


def _query(command: str, token: str | None) -> dict[str, str]:
    return {"cmd": command} | ({"token": token} if token else {})


def _root(error: BaseException) -> OSError | None:
    """Return the innermost OSError behind an exception of requests; none is quoted in full."""
    found: OSError | None = None
    seen: set[int] = set()
    while error and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
            found = error
        inner = getattr(error, "reason", None) or next(iter(error.args), None)
        following = inner if isinstance(inner, BaseException) else None
        error = following or error.__cause__ or error.__context__  # type: ignore[assignment]
    return found


urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
logging.getLogger("urllib3").setLevel(logging.CRITICAL + 1)  # it logs URLs, and so tokens
