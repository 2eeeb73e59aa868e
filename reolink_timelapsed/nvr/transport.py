"""One HTTP(S) connection to the NVR: total deadlines, odd TLS, and errors in our own words.

The only module that uses requests (and urllib3, on which it stands). Texts of its exceptions
hold the whole URL with the token, so none of them is passed on.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

from reolink_timelapsed.config.address import Address
from reolink_timelapsed.errors import BadFrame, NvrError, Stopped, Timeout
from reolink_timelapsed.nvr import loose_json, tls, unreachable
from reolink_timelapsed.nvr.api import Request, first_reply
from reolink_timelapsed.nvr.http_answer import Answer
from reolink_timelapsed.nvr.login_state import HttpsMemory
from reolink_timelapsed.system.clock import Clock, DeadlineExceeded

MAX_BODY_BYTES = 16 * 2**20
"""Twice the largest picture; with a copy of it still far below 64 MB of memory."""

LOGIN_PATIENCE_SECONDS = 22.0
"""What the answer to a login may still take once we were told to stop: a session whose token is
unknown blocks a slot for an hour. With the logout after it this is less than a unit's stop has."""

_CHUNK_BYTES = 64 * 2**10
_PATH = "/cgi-bin/api.cgi"
_HEADERS = {**requests.utils.default_headers(), "Accept-Encoding": "identity"}
_UNPACKED = ("", "identity")
_WIRE = (urllib3.exceptions.ProtocolError, urllib3.exceptions.ReadTimeoutError)
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
        self._awaits_token = False
        self._adapters = {
            "http": _Adapter("", self._sent),
            "https": _Adapter(fingerprint, self._sent),
        }

    @property
    def url(self) -> str:
        """The NVR's base URL; without a scheme until one was found."""
        return self.address.url(self._scheme) if self._scheme else self.address.host

    def post(self, command: str, token: str | None, body: Request, seconds: float) -> bytes:
        """Send a command and return the body of its reply."""
        is_login = command == "Login"
        if is_login:
            self._doubt_scheme()  # it may have https by now, and this holds the password
        with self._bounded(seconds):
            return self._send("POST", _query(command, token), body, seconds, is_login=is_login)

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
        with self._bounded(seconds):
            return self._send("GET", query, None, seconds)

    def fingerprint(self, seconds: float) -> str:
        """Return the SHA-256 of the NVR's certificate in hex, "" when it is reached by http."""
        with self._bounded(seconds):
            certificate = None if self._scheme == "http" else self._certificate()
        return hashlib.sha256(certificate).hexdigest() if certificate else ""

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        for adapter in self._adapters.values():
            adapter.close()

    # Sending

    def _send(
        self,
        method: str,
        query: dict[str, str],
        body: Request | None,
        seconds: float,
        *,
        is_login: bool = False,
    ) -> bytes:
        if not self._scheme:
            self._scheme = self._find_scheme(seconds)
        self._awaits_token = is_login
        try:
            return self._exchange(method, self.url, query, body, seconds)
        finally:
            self._awaits_token = False

    def _sent(self) -> None:
        """Once a login is out, its answer is worth more than a quick stop."""
        if self._awaits_token:
            self._clock.be_patient(LOGIN_PATIENCE_SECONDS)

    def _exchange(
        self, method: str, url: str, query: dict[str, str], body: Request | None, seconds: float
    ) -> bytes:
        """Ask, by the adapter itself: a `requests.Session` keeps cookies and reads redirects."""
        request = requests.Request(method, url + _PATH, _HEADERS, params=query, json=body)
        limit = MAX_BODY_BYTES if body is None else loose_json.LARGEST
        times = (_CONNECT_SHARE * seconds, seconds)
        adapter = self._adapters[url.partition(":")[0]]
        try:
            with adapter.send(
                request.prepare(), stream=True, timeout=times, verify=False
            ) as answer:
                self._answered = True
                self._check_status(answer)
                return _read(answer, limit)
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            self.close()
            self._doubt_scheme()
            raise self._explain(error, seconds) from None

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
            raise unreachable.by_redirect(self.url, self.address, status)
        raise unreachable.by_status(self.url, status)

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
        url = self.address.url("http")
        answer = self._exchange("POST", url, query, [{"cmd": "GetDevInfo"}], seconds)
        if first_reply(answer) is None:
            raise unreachable.by_another(url)
        return "http"

    def _certificate(self) -> bytes | None:
        """Return the certificate (DER) at the https port, None if nothing there speaks TLS."""
        try:
            return tls.certificate(self.address.host, self.address.port_for("https"))
        except (OSError, UnicodeError) as error:
            absent = isinstance(error, ConnectionRefusedError) and not self.address.port
            if self._scheme != "https" and (absent or tls.speaks_no_tls(error)):
                return None
            raise unreachable.by_os(error, self.address, self._scheme, self._confined()) from None

    # Errors in our own words

    def _explain(self, error: Exception, seconds: float) -> NvrError | BadFrame:
        inner = error if isinstance(error, _WIRE) else next(iter(error.args), None)
        if isinstance(inner, urllib3.exceptions.ReadTimeoutError):
            return self._too_slow(seconds)
        if error is inner:
            return BadFrame("the connection broke off in the middle of the answer")
        cause = _root(error)
        if cause is not None and not isinstance(cause, TimeoutError):
            return unreachable.by_os(cause, self.address, self._scheme, self._confined())
        if isinstance(error, requests.exceptions.SSLError):
            return unreachable.by_pin(self.address)
        if isinstance(inner, urllib3.exceptions.ProtocolError) or isinstance(error, ValueError):
            return unreachable.by_nonsense(self.address)
        return unreachable.by_silence(self.url, seconds, self._confined())

    def _too_slow(self, seconds: float) -> Timeout:
        return Timeout(f"no complete answer within {seconds:.0f} s{self._confined()}")

    def _confined(self) -> str:
        """Return what to add where nothing ever came back, and something here may be the reason."""
        words = "" if self._answered else self._shut_out(self.address.host)
        return f"; {words}" if words else ""


class _Adapter(HTTPAdapter):
    """Speaks to certificates that nobody signed and to ciphers that nobody else offers any more.

    Calls `sent` each time a request is out.
    """

    def __init__(self, pin: str, sent: Callable[[], None]) -> None:
        self._pin = pin
        self._sent = sent
        super().__init__(pool_connections=1, pool_maxsize=1)

    def init_poolmanager(self, *args: Any, **options: Any) -> Any:
        options["ssl_context"] = tls.lenient_context()
        if self._pin:
            options["assert_fingerprint"] = self._pin
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = _pools(self._sent)


def _pools(sent: Callable[[], None]) -> dict[str, type[urllib3.HTTPConnectionPool]]:
    """Return what opens connections, so that all answers come as `Answer`."""

    def answer(*args: Any, **options: Any) -> Answer:
        sent()
        return Answer(*args, **options)

    class Http(urllib3.connection.HTTPConnection):
        response_class = staticmethod(answer)  # type: ignore[assignment]

    class Https(urllib3.connection.HTTPSConnection):
        response_class = staticmethod(answer)  # type: ignore[assignment]

    class HttpPool(urllib3.HTTPConnectionPool):
        ConnectionCls = Http

    class HttpsPool(urllib3.HTTPSConnectionPool):
        ConnectionCls = Https

    return {"http": HttpPool, "https": HttpsPool}


def _read(response: requests.Response, limit: int) -> bytes:
    """Return the whole body, as it came: nothing is unpacked, since nothing packed was asked for.

    Debian 12's urllib3 accepts a body shorter than its Content-Length in silence.

    Raises:
        BadFrame: if the body is shorter than announced, larger than `limit` bytes, or packed.
    """
    if response.headers.get("Content-Encoding", "").lower() not in _UNPACKED:
        raise BadFrame("a compressed answer, which nobody asked for")
    body = bytearray()
    while chunk := response.raw.read(_CHUNK_BYTES, decode_content=False):
        body += chunk
        if len(body) > limit:
            raise BadFrame(f"an answer of more than {limit / 2**20:g} MiB: given up")
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
