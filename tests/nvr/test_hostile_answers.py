"""What a peer that means harm can cost: little memory, no time beyond the call's, nothing kept.

The memory is that of a process of its own, which asks one question after the other.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import repeat
from pathlib import Path
from threading import Thread

import pytest

from reolink_timelapsed.nvr import loose_json
from reolink_timelapsed.nvr.transport import MAX_BODY_BYTES
from tests.support import PATIENCE_SECONDS

ROOT = Path(__file__).parents[2]
BOUND_BYTES = 64 * 2**20
"""What one answer may cost above what the process takes at rest."""

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
LENGTH = OK + b"Content-Length: %d\r\n\r\n"
BLOCK = b"x" * 65536
GIB = 2**30

Answer = Callable[[], Iterator[bytes]]


def endless(head: bytes, block: bytes = BLOCK) -> Answer:
    """Give `head`, and then a GiB of `block`."""

    def answer() -> Iterator[bytes]:
        yield head
        yield from repeat(block, GIB // len(block))

    return answer


def whole(*parts: bytes) -> Answer:
    return lambda: iter(parts)


def bomb(layers: int) -> bytes:
    """Return a GiB of zeros, packed; each further layer packs that."""
    packer = zlib.compressobj(9, wbits=31)
    data = b"".join(packer.compress(bytes(2**20)) for _ in range(1024)) + packer.flush()
    for _ in range(layers - 1):
        data = zlib.compress(data, 9, wbits=31)
    return data


def packed(encoding: bytes, data: bytes) -> Answer:
    head = OK + b"Content-Encoding: " + encoding + b"\r\nContent-Length: %d\r\n\r\n"
    return whole(head % len(data), data)


def chunks(size: int, count: int) -> bytes:
    return (b"%x\r\n" % size + bytes(size) + b"\r\n") * count


COOKIES = b"".join(b"Set-Cookie: c%d=%s\r\n" % (n, b"v" * 60_000) for n in range(99))
ROWS = b'[ { "cmd" : "X", "value" : [ ' + b"{}," * (loose_json.LARGEST // 3 - 20) + b"0 ] } ]"

HOSTILE: dict[str, Answer] = {
    "a redirect's body": endless(b"HTTP/1.1 302 Found\r\nLocation: https://there/\r\n\r\n"),
    "a redirect's body, in chunks": endless(
        b"HTTP/1.1 302 Found\r\nLocation: /\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"10000\r\n" + BLOCK + b"\r\n",
    ),
    "an error's body": endless(b"HTTP/1.1 404 Not Found\r\n\r\n"),
    "a status line": endless(b"HTTP/1.1 200 "),
    "a header's line": endless(OK + b"X: "),
    "headers": endless(OK, b"X: y\r\n" * 1000),
    "long headers": endless(OK, b"X: " + BLOCK[:60_000] + b"\r\n"),
    "cookies": whole(OK, COOKIES, b"Content-Length: 0\r\n\r\n"),
    "promises to go on": endless(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    "early hints": endless(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 1000),
    "early hints with long headers": endless(
        b"", b"HTTP/1.1 103 Early Hints\r\n" + (b"X: " + BLOCK[:60_000] + b"\r\n") * 90 + b"\r\n"
    ),
    "the size of a chunk": endless(CHUNKED, b"0" * 65536),
    "an extension of a chunk": endless(CHUNKED + b"10;"),
    "tiny chunks": endless(CHUNKED, chunks(1, 10_000)),
    "a chunk": endless(CHUNKED + b"f" * 16 + b"\r\n"),
    "a chunk of a negative size": endless(CHUNKED + b"-1\r\n"),
    "a trailer": endless(CHUNKED + b"0\r\n"),
    "trailers": endless(CHUNKED + b"0\r\n", b"X: y\r\n" * 1000),
    "a picture": endless(OK + b"\r\n\xff\xd8"),
    "a picture of a negative size": endless(OK + b"Content-Length: -1\r\n\r\n\xff\xd8"),
    "the largest picture": whole(LENGTH % MAX_BODY_BYTES, b"\xff\xd8" + bytes(MAX_BODY_BYTES - 2)),
    "the largest text": whole(LENGTH % MAX_BODY_BYTES, b"[" * MAX_BODY_BYTES),
    "a packed body": packed(b"gzip", bomb(1)),
    "a body packed twice": packed(b"gzip, gzip", bomb(2)),
    "a body packed oddly": packed(b"deflate, br, zstd, gzip", bomb(1)),
    "rows": whole(LENGTH % len(ROWS), ROWS),
    "depth": whole(LENGTH % 200_000, b'[{"a":' * 30_000 + bytes(20_000)),
}

CHILD = """
import json, sys
from reolink_timelapsed.nvr import api
from reolink_timelapsed.system.clock import Clock
from reolink_timelapsed.errors import BadFrame, NvrError
from reolink_timelapsed.media.jpeg import picture_size
from reolink_timelapsed.nvr.transport import Transport

def kib(key):
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key))

def use(number, transport):
    try:
        answer = transport.get_snapshot(number, "t", 60.0)
        api.first_reply(answer)
        picture_size(answer)
    except (NvrError, BadFrame) as error:
        return f"{type(error).__name__}: {error}"

url, count = sys.argv[1], int(sys.argv[2])
transport = Transport(url, Clock())
use(count, transport)
transport.post("X", "t", [count], 60.0)
resting = kib("VmRSS")
told = []
for number in range(count):
    words = use(number, transport)
    try:
        transport.post("X", "t", [number], 60.0)
    except (NvrError, BadFrame) as error:
        words = f"{words} | {type(error).__name__}: {error}"
    told.append([words, kib("VmHWM") - resting])
print(json.dumps(told))
"""
"""Asks for each answer twice, as a picture and as a reply; the last answer is a harmless one."""


@contextmanager
def serving(answers: list[Answer]) -> Iterator[str]:
    """Yield the URL of a server that gives the answer of the number in the request."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection, suppress(OSError):
                        for part in answers[_number(connection)]():
                            connection.sendall(part)

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
        thread.join(PATIENCE_SECONDS)


def _number(connection: socket.socket) -> int:
    """Return the channel of a Snap, or the number in the body of a command."""
    head = connection.recv(65536)
    if b"channel=" in head:
        return int(head.partition(b"channel=")[2].partition(b"&")[0])
    while not head.endswith(b"]"):
        head += connection.recv(65536)
    return int(head.rpartition(b"[")[2][:-1])


@pytest.fixture(scope="module")
def costs() -> dict[str, tuple[str, int]]:
    """What the child was told, and its peak so far in KiB above rest."""
    answers = [*HOSTILE.values(), whole(LENGTH % 2 + b"{}")]
    with serving(answers) as url:
        command = [sys.executable, "-c", CHILD, url, str(len(HOSTILE))]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=300)
    told = [(str(words), int(peak)) for words, peak in json.loads(done.stdout)]
    return dict(zip(HOSTILE, told, strict=True))


@pytest.mark.parametrize("what", HOSTILE)
def test_no_answer_costs_more_than_its_bound(costs: dict[str, tuple[str, int]], what: str) -> None:
    words, peak = costs[what]
    assert peak * 1024 < BOUND_BYTES, f"{what}: {words}"
    assert "no complete answer within" not in words, what


def test_the_units_limit_leaves_room_for_any_answer() -> None:
    unit = (ROOT / "systemd" / "reolink-timelapse.service").read_text()
    limit = re.search(r"^MemoryMax=(\d+)M$", unit, re.MULTILINE)
    assert limit
    assert int(limit[1]) * 2**20 > 40_000_000 + BOUND_BYTES + 2 * MAX_BODY_BYTES


def test_a_reply_has_less_room_than_a_picture(costs: dict[str, tuple[str, int]]) -> None:
    picture, _, reply = costs["a picture"][0].partition(" | ")
    assert "more than 16 MiB" in picture
    assert "more than 0.25 MiB" in reply
