"""A clock that stands still, and the plainest of clients: bytes out, bytes in."""

import json
import socket
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, settings

from reolink_timelapsed.simulator import SimulatedNvr

DEADLINE = 10.0
"""Seconds any socket may wait; reached only when something is broken."""

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""For property tests: none may fail because the machine is busy."""


class StillClock:
    """A clock that moves only when told to, or when somebody sleeps on it."""

    def __init__(self, start: datetime = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)) -> None:
        self._start = start
        self._passed = 1000.0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._passed - 1000.0)

    def monotonic(self) -> float:
        return self._passed

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._passed += seconds


@dataclass
class Reply:
    """An answer as it came; `cut` says that the connection broke before its end."""

    status: int
    headers: dict[str, str]
    body: bytes
    raw: bytes

    @property
    def value(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> int | None:
        """The rspCode of the first command, None when it went well."""
        error = self.value[0].get("error")
        return None if error is None else int(error["rspCode"])


def request_bytes(cmd: str, query: str = "", body: Any = None, agent: str = "test") -> bytes:
    """Write a request; a POST when there is a body."""
    path = f"/cgi-bin/api.cgi?cmd={cmd}{query}"
    data = b"" if body is None else json.dumps(body).encode()
    method = "GET" if body is None else "POST"
    head = f"{method} {path} HTTP/1.1\r\nHost: nvr\r\nUser-Agent: {agent}\r\n"
    return f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data


def exchange(nvr: SimulatedNvr, request: bytes) -> bytes:
    """Send a request on a connection of its own; give all that comes until it is closed."""
    with socket.create_connection(("127.0.0.1", nvr.port), timeout=DEADLINE) as sock:
        sock.sendall(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1))
        return read_all(sock)


def read_all(sock: socket.socket) -> bytes:
    """Read until the end of the connection."""
    received = b""
    while data := sock.recv(65536):
        received += data
    return received


def parse(raw: bytes) -> Reply:
    """Take a whole answer apart, chunks put together. Raises ConnectionError when there is none."""
    if not raw:
        raise ConnectionError("closed without a byte")
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    if headers.get("Transfer-Encoding") == "chunked":
        body = join_chunks(body)
    return Reply(int(first.split()[1]), headers, body, raw)


def join_chunks(data: bytes) -> bytes:
    """Put a chunked body together. Raises ValueError when its end is missing."""
    body = b""
    while True:
        size, _, data = data.partition(b"\r\n")
        length = int(size, 16)
        if length == 0:
            return body
        body, data = body + data[:length], data[length + 2 :]


class Client:
    """Talks to a simulated NVR like a well-behaved user of its API."""

    def __init__(self, nvr: SimulatedNvr, agent: str = "test") -> None:
        self.nvr = nvr
        self.agent = agent
        self.token = ""

    def ask(self, cmd: str, param: dict[str, Any] | None = None) -> Reply:
        body = [{"cmd": cmd, "action": 0, "param": param or {}}]
        return self.send(request_bytes(cmd, self._query(), body, self.agent))

    def login(self, user: str = "timelapse", password: str = "secret") -> Reply:  # noqa: S107
        reply = self.ask("Login", {"User": {"userName": user, "password": password}})
        if reply.code is None:
            self.token = reply.value[0]["value"]["Token"]["name"]
        return reply

    def logout(self) -> Reply:
        reply = self.ask("Logout")
        self.token = ""
        return reply

    def snap(self, channel: int = 0, query: str = "") -> Reply:
        query = f"&channel={channel}&rs=abc{query}{self._query()}"
        return self.send(request_bytes("Snap", query, agent=self.agent))

    def send(self, request: bytes) -> Reply:
        return parse(exchange(self.nvr, request))

    def _query(self) -> str:
        return f"&token={self.token}" if self.token else ""
