"""An HTTP answer that costs little whatever the peer sends: the part of the wire below `transport`.

`http.client` bounds a single line and a single head. It does not bound how many interim answers
(1xx) come before the answer, nor how much is spent on the sizes of chunks and on trailers.
"""

from __future__ import annotations

import http.client
import io
import socket

LINES_BYTES = 256 * 2**10
"""Of heads, sizes of chunks and trailers of one answer together: enough for the largest picture in
chunks of 1 KiB."""

_COOKIES = ("Set-Cookie", "Set-Cookie2")


class Answer(http.client.HTTPResponse):
    """The final answer to a request, without the cookies that nobody asked for."""

    def __init__(self, sock: socket.socket, debuglevel: int = 0, method: str | None = None) -> None:
        super().__init__(sock, debuglevel, method)
        self.fp = _Lines(self.fp.detach())

    def begin(self) -> None:
        """Read up to the body; interim answers, which promise another one, are passed over.

        Raises:
            http.client.HTTPException, OSError: if no answer can be made out.
        """
        super().begin()
        while self.status // 100 == 1 and self.status != http.client.SWITCHING_PROTOCOLS:
            self.headers = self.msg = None  # type: ignore[assignment]  # as if nothing had come
            super().begin()
        for name in _COOKIES:
            del self.headers[name]


class _Lines(io.BufferedReader):
    """What comes, counting all that is read as lines."""

    def __init__(self, raw: io.RawIOBase) -> None:
        super().__init__(raw)
        self._left = LINES_BYTES

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:  # a chunk of size -1 means all that ever comes
            raise http.client.IncompleteRead(b"")
        return super().read(size)

    def readline(self, size: int | None = -1, /) -> bytes:
        limit = self._left + 1
        line = super().readline(min(size, limit) if size is not None and size >= 0 else limit)
        self._left -= len(line)
        if self._left < 0:
            raise http.client.LineTooLong("whole head")
        return line
