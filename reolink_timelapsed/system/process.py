"""A program at work: fed and listened to at the same time, in bounded memory, and ended whole.

It has a session of its own: Ctrl-C is for us, we decide what becomes of it, and root's terminal
is none of its business. What it starts itself ends with it.
"""

from __future__ import annotations

import math
import os
import select
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from reolink_timelapsed.errors import EncodeError

_BLOCK = 65_536
_FIRST_WORDS = 16_000
_LAST_WORDS = 16_000
"""Bytes of what it says on standard error that are kept, from the start and from the end."""

_LAST_READS = 4
"""More than what the pipes of a dead process can still hold, and their ends."""

_LINGER_SECONDS = 0.02
_SECRET = {"NVR_PASSWORD", "CREDENTIALS_DIRECTORY"}
NOTHING = memoryview(b"")


def environment() -> dict[str, str]:
    """Return the environment of a program that is not ours: it cannot say what it does not know."""
    return {name: value for name, value in os.environ.items() if name not in _SECRET}


def output(command: Sequence[str], seconds: float) -> tuple[str, str]:
    """Run a program that says a few words and ends; return what it wrote to both outputs.

    Raises:
        OSError: if it cannot be started, fails, or takes longer than `seconds`.
    """
    try:
        done = subprocess.run(
            list(command),
            check=True,
            capture_output=True,
            text=True,
            errors="replace",
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env=environment(),
            timeout=seconds,
        )
    except subprocess.SubprocessError as error:
        raise OSError(str(error)) from error
    return done.stdout, done.stderr


class Process:
    """A program at work.

    `answer` is what it wrote to standard output and nobody has taken yet, of `most` bytes.

    Raises:
        EncodeError: if it cannot be started.
    """

    def __init__(self, command: Sequence[str], most: int) -> None:
        self._name = Path(command[0]).name
        try:
            self._popen = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                start_new_session=True,
                env=environment(),
            )
        except OSError as error:
            raise EncodeError(f"{self._name} cannot be started: {error}") from error
        pipes = (self._popen.stdin, self._popen.stdout, self._popen.stderr)
        self._pipes = [pipe for pipe in pipes if pipe]
        self._input, self._answers, self._words = (pipe.fileno() for pipe in self._pipes)
        self._open = {self._answers, self._words}
        for pipe in self._pipes:
            os.set_blocking(pipe.fileno(), False)
        self._most = most
        self._said = bytearray()
        self.answer = bytearray()

    @property
    def said(self) -> str:
        """What it said on standard error; of very much, how it began and how it ended."""
        return self._said.decode(errors="replace")

    def exchange(self, offered: memoryview = NOTHING, seconds: float = 0.0) -> int:
        """Take in what it says, and return how many bytes it took of what is `offered`.

        Waits up to `seconds` for either.

        Raises:
            BrokenPipeError: if it will take no more.
            EncodeError: if nobody can want so long an answer.
        """
        poll = select.poll()
        for pipe in self._open:
            poll.register(pipe, select.POLLIN)
        if offered:
            poll.register(self._input, select.POLLOUT)
        elif not self._open:
            seconds = min(seconds, _LINGER_SECONDS)  # it is about to end, of which no pipe tells
        ready = {pipe for pipe, _ in poll.poll(math.ceil(seconds * 1000))}
        for pipe in self._open & ready:
            self._hear(pipe)
        return os.write(self._input, offered) if self._input in ready else 0

    def close_input(self) -> None:
        """Let it know that nothing more comes."""
        self._pipes[0].close()

    def ended(self) -> bool:
        """Tell whether it has ended; what it said until then is taken in."""
        waiting = os.WEXITED | os.WNOHANG | os.WNOWAIT  # unburied, it keeps its number
        if os.waitid(os.P_PID, self._popen.pid, waiting) is None:
            return False
        self._kill()
        for _ in range(_LAST_READS):
            self.exchange()
        return True

    def end(self) -> int:
        """End it, if it still runs, and all that it started; return its exit status."""
        if self._popen.returncode is None:
            self._kill()
            self._popen.wait()
            for pipe in self._pipes:
                pipe.close()
        return self._popen.returncode

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._popen.pid, signal.SIGKILL)

    def _hear(self, pipe: int) -> None:
        data = os.read(pipe, _BLOCK)
        if not data:
            self._open.discard(pipe)
        elif pipe == self._words:
            self._said += data
            if len(self._said) > _FIRST_WORDS + 2 * _LAST_WORDS:
                del self._said[_FIRST_WORDS:-_LAST_WORDS]
        elif len(self.answer) + len(data) > self._most:
            raise EncodeError(f"{self._name} says more than anybody asked for")
        else:
            self.answer += data
