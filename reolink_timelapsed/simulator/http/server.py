"""Sockets of the simulated NVR: one thread accepts, one thread serves each connection.

Everything ends at once on `stop`, also connections that hang. HTTP is read and written by hand,
because the point is to answer in ways that no honest server library would.
"""

import contextlib
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlsplit

LOOPBACK: Final = "127.0.0.1"
_HEAD_LIMIT: Final = 65536
_BODY_LIMIT: Final = 1 << 20
_TLS_HANDSHAKE: Final = 0x16
_JOIN_SECONDS: Final = 5.0


class BadRequest(Exception):
    """What came in is no HTTP request."""


@dataclass(frozen=True)
class HttpRequest:
    """One request as it came in; header names are lower-case."""

    method: str
    path: str
    target: str
    """Path and query as they came."""
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def closing(self) -> bool:
        """Whether the client wants the connection closed after this."""
        return self.headers.get("connection", "").lower() == "close"


class Connection:
    """One client's connection: reads requests, writes bytes, and can end in several ways."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._buffer = b""

    @property
    def secure(self) -> bool:
        """Whether there is TLS."""
        return isinstance(self._sock, ssl.SSLSocket)

    def handshake(self) -> bool:
        """Do the TLS handshake, if there is TLS; False when the client does not speak it."""
        if isinstance(self._sock, ssl.SSLSocket):
            first = socket.socket.recv(self._sock, 1, socket.MSG_PEEK)
            if first and first[0] != _TLS_HANDSHAKE:
                return False
            self._sock.do_handshake()
        return True

    def read_request(self) -> HttpRequest | None:
        """Read the next request; None when the client has gone. Raises BadRequest."""
        while b"\r\n\r\n" not in self._buffer:
            if not self._fill() or len(self._buffer) > _HEAD_LIMIT:
                return None
            if self._buffer[0] == _TLS_HANDSHAKE:
                raise BadRequest("TLS at a port without it")
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        start, headers = _parse_head(head)
        length = int(headers.get("content-length", "0"))
        if length > _BODY_LIMIT:
            raise BadRequest(f"{length} bytes of body")
        while len(self._buffer) < length:
            if not self._fill():
                return None
        body, self._buffer = self._buffer[:length], self._buffer[length:]
        return _request(start, headers, body)

    def send(self, data: bytes) -> None:
        """Send all of it. Raises OSError when the client has gone."""
        self._sock.sendall(data)

    def send_plain(self, data: bytes) -> None:
        """Send without TLS, to a client that does not speak it, taking in what it sent."""
        socket.socket.recv(self._sock, _HEAD_LIMIT)
        socket.socket.sendall(self._sock, data)

    def wait_gone(self) -> None:
        """Wait until the client has gone or the server stops."""
        with contextlib.suppress(OSError):
            while self._fill():
                self._buffer = b""

    def gone(self) -> bool:
        """Tell at once whether the client has closed its end."""
        poll = select.poll()
        try:
            poll.register(self._sock, select.POLLRDHUP)
        except (OSError, ValueError):
            return True
        return bool(poll.poll(0))

    def shutdown(self) -> None:
        """Wake whatever thread reads from or writes to it, for good."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)

    def reset(self) -> None:
        """End the connection the rude way."""
        with contextlib.suppress(OSError):
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()

    def close(self) -> None:
        self._sock.close()

    def _fill(self) -> bool:
        data = self._sock.recv(65536)
        self._buffer += data
        return bool(data)


class Server:
    """Listens on a loopback port and gives every connection to `serve` in a thread of its own."""

    def __init__(
        self, serve: Callable[[Connection], None], port: int, tls: ssl.SSLContext | None
    ) -> None:
        self._serve = serve
        self._tls = tls
        self._lock = threading.Lock()
        self._threads: dict[threading.Thread, Connection] = {}
        self._socket = _bind(port)
        self.port: int = self._socket.getsockname()[1]
        self._acceptor: threading.Thread | None = None
        self._stopped = False

    def listen(self) -> None:
        """Begin to accept connections (again)."""
        if self._acceptor is None and not self._stopped:
            self._socket.listen(64)
            self._acceptor = threading.Thread(target=self._accept, name="nvr-accept", daemon=True)
            self._acceptor.start()

    def refuse(self) -> None:
        """Stop accepting: the port stays ours, and connections to it are refused."""
        if self._acceptor is not None:
            self._close_listener()
            self._socket = _bind(self.port)

    def drop_all(self) -> None:
        """Reset every open connection."""
        with self._lock:
            connections = list(self._threads.values())
        for connection in connections:
            connection.shutdown()

    def serves_the_gone(self) -> bool:
        """Tell whether there is a connection left whose client has closed its end."""
        with self._lock:
            connections = list(self._threads.values())
        return any(connection.gone() for connection in connections)

    def stop(self) -> None:
        """Close everything and wait for the threads."""
        self._stopped = True
        self._close_listener()
        self.drop_all()
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(_JOIN_SECONDS)

    def _close_listener(self) -> None:
        if self._acceptor is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            if self._acceptor is not threading.current_thread():
                self._acceptor.join(_JOIN_SECONDS)
            self._acceptor = None
        self._socket.close()

    def _accept(self) -> None:
        listener = self._socket
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            self._start(sock)

    def _start(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is not None:
            sock = self._tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        connection = Connection(sock)
        thread = threading.Thread(target=self._run, args=(connection,), name="nvr", daemon=True)
        with self._lock:
            self._threads[thread] = connection
        thread.start()

    def _run(self, connection: Connection) -> None:
        try:
            with contextlib.suppress(OSError):
                self._serve(connection)
        finally:
            connection.close()
            with self._lock:
                self._threads.pop(threading.current_thread(), None)


def _bind(port: int) -> socket.socket:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((LOOPBACK, port))
    except OSError:
        sock.close()
        raise
    return sock


def _parse_head(head: bytes) -> tuple[list[str], dict[str, str]]:
    first, *lines = head.decode("latin-1").split("\r\n")
    start = first.split(" ")
    if len(start) != 3 or not start[2].startswith("HTTP/"):
        raise BadRequest(first)
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    if not headers.get("content-length", "0").isdigit():
        raise BadRequest(headers["content-length"])
    return start, headers


def _request(start: list[str], headers: dict[str, str], body: bytes) -> HttpRequest:
    parts = urlsplit(start[1])
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return HttpRequest(start[0], parts.path, start[1], query, headers, body)
