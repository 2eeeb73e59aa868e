"""What goes over the wire: answers as bytes, the way a Reolink device and its nginx send them.

A JSON answer is status 200, text/html, chunked, pretty-printed with three blanks of indent
and a blank on both sides of the colon, also when it reports an error. A good picture has
a Content-Length and three X- headers. Pages of nginx itself are its stock error pages.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from enum import Enum
from http import HTTPStatus
from typing import Any, Final

CHUNK: Final = 4096
SNAP_HEADERS: Final = (
    ("X-Frame-Options", "SAMEORIGIN"),
    ("X-XSS-Protection", "1; mode=block"),
    ("X-Content-Type-Options", "nosniff"),
)


class Framing(Enum):
    """How the end of a body is told."""

    LENGTH = "length"
    CHUNKED = "chunked"
    CLOSE = "close"


class End(Enum):
    """What happens once the (possibly cut) answer is sent."""

    KEEP = "keep"
    CLOSE = "close"
    RESET = "reset"
    HANG = "hang"


@dataclass(frozen=True)
class Answer:
    """One HTTP answer and the manner of its delivery.

    `outcome` is what the log says of the request: "ok", an rspCode, "http 502", a fault's name.
    With `head` false not even the status line is sent. `send` cuts the body after so many bytes,
    while its headers still promise all of it. `pause` seconds pass after each single byte when
    `pause` is not None. An `endless` body is repeated for ever.
    """

    body: bytes = b""
    status: int = 200
    content_type: str | None = "text/html"
    framing: Framing = Framing.LENGTH
    headers: tuple[tuple[str, str], ...] = ()
    outcome: str | int = "ok"
    redirect_to: str = ""
    """Host and path, for answers that send the client elsewhere."""
    head: bool = True
    send: int | None = None
    pause: float | None = None
    endless: bool = False
    end: End = End.KEEP
    delivered: bool = True
    """False when no client can make sense of it (so a token in it is lost to the client)."""


def pretty(value: Any) -> bytes:
    """Print JSON as the device does."""
    text = json.dumps(value, indent=3, separators=(",", " : "), ensure_ascii=False)
    return text.encode() + b"\n"


def json_answer(value: Any, outcome: str | int = "ok") -> Answer:
    """Answer a command: 200, text/html, chunked, whatever it says."""
    return Answer(pretty(value), framing=Framing.CHUNKED, outcome=outcome)


def picture_answer(picture: bytes) -> Answer:
    """Answer a Snap with a picture."""
    return Answer(picture, content_type="image/jpeg", headers=SNAP_HEADERS)


def nginx_page(status: int, location: str | None = None) -> Answer:
    """Give the stock page that nginx gives for this status."""
    title = f"{status} {reason(status)}"
    body = (
        f'<html>\n<head><title>{title}</title></head>\n<body bgcolor="white">\n'
        f"<center><h1>{title}</h1></center>\n<hr><center>nginx</center>\n</body>\n</html>\n"
    )
    headers = () if location is None else (("Location", location),)
    page = body.replace("\n", "\r\n").encode()
    return Answer(page, status=status, headers=headers, outcome=f"http {status}")


def reason(status: int) -> str:
    """Name a status as nginx does."""
    known = {302: "Moved Temporarily"}
    try:
        return known.get(status, HTTPStatus(status).phrase)
    except ValueError:
        return "Unknown"


def head_bytes(answer: Answer, now: datetime, *, closing: bool = False) -> bytes:
    """Status line and headers of an answer sent at `now`, `closing` if the client wished so."""
    lines = [
        f"HTTP/1.1 {answer.status} {reason(answer.status)}",
        "Server: nginx",
        f"Date: {format_datetime(now, usegmt=True)}",
    ]
    if answer.content_type is not None:
        lines.append(f"Content-Type: {answer.content_type}")
    if answer.framing is Framing.LENGTH:
        lines.append(f"Content-Length: {len(answer.body)}")
    elif answer.framing is Framing.CHUNKED:
        lines.append("Transfer-Encoding: chunked")
    alive = answer.framing is not Framing.CLOSE and not closing
    lines.append(f"Connection: {'keep-alive' if alive else 'close'}")
    lines.extend(f"{name}: {value}" for name, value in answer.headers)
    return "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"


def body_pieces(answer: Answer) -> Iterator[bytes]:
    """Give the body as it is to be sent, piece by piece; the last piece completes it."""
    pieces = _framed(answer)
    if answer.pause is None:
        return pieces
    return (piece[i : i + 1] for piece in pieces for i in range(len(piece)))


def _framed(answer: Answer) -> Iterator[bytes]:
    body = answer.body if answer.send is None else answer.body[: answer.send]
    while answer.endless:
        yield _chunk(body) if answer.framing is Framing.CHUNKED else body
    if answer.framing is Framing.CHUNKED:
        yield from (_chunk(body[i : i + CHUNK]) for i in range(0, len(body), CHUNK))
        if answer.send is None:
            yield b"0\r\n\r\n"
    elif body:
        yield body[:-1]
        yield body[-1:]


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)
