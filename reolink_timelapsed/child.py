"""Running ffmpeg: feeding it, waiting for it, and never for ever; telling what it died of."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from reolink_timelapsed.clock import Clock, DeadlineExceeded
from reolink_timelapsed.errors import DiskFull, EncodeError, Stopped

STALL_SECONDS = 600.0
"""Without any progress; at idle priority on a busy machine a picture may take minutes."""

_PACE_SECONDS = 1.0
_BUFFERED_BYTES = 50_000
"""ffmpeg reads in blocks: several of the smallest pictures may be within one."""

_SLICE_SECONDS = 1.0
_SECRET = {"NVR_PASSWORD", "CREDENTIALS_DIRECTORY"}
_WORDS = 400
"""Characters of what ffmpeg says last that go into a message."""

_EXPECTED = re.compile(r"^.* not on whitelist .*\n?", re.MULTILINE)
"""What it says of each piece that it joins, where no decoder is allowed."""


class OutOfMemory(EncodeError):
    """ffmpeg was killed, or could not get memory: another rung may do."""


def yield_to_others() -> None:
    """Let this process and its children have the processor and the disk only when idle.

    Where the system forbids it, as our unit's sandbox does, whoever forbids it has seen to it.
    """
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def environment() -> dict[str, str]:
    """Return the environment of a program that is not ours: it cannot say what it does not know."""
    return {name: value for name, value in os.environ.items() if name not in _SECRET}


class Child:
    """An ffmpeg at work. Use in the main thread: what is bounded is bounded by a signal."""

    def __init__(self, command: Sequence[str], clock: Clock, stall_seconds: float) -> None:
        self._clock = clock
        self._stall = stall_seconds
        self._said = os.memfd_create("stderr")
        self._fed = self._encoded = 0
        self._under_way: deque[int] = deque()
        self._rest = b""
        its_input, self._pictures = os.pipe()
        self._progress, its_output = os.pipe()
        try:
            # A session of its own: Ctrl-C is for us, we decide what becomes of ffmpeg, and root's
            # terminal is none of its business.
            self._process = subprocess.Popen(
                list(command),
                stdin=its_input,
                stdout=its_output,
                stderr=self._said,
                start_new_session=True,
                env=environment(),
            )
        except OSError as error:
            self._let_go()
            raise EncodeError(f"ffmpeg cannot be started: {error}") from error
        finally:
            os.close(its_input)
            os.close(its_output)

    def feed(self, picture: bytes, in_flight: int) -> None:
        """Hand over a picture; with `in_flight`, once so few are on their way through ffmpeg.

        Raises:
            EncodeError: if ffmpeg has ended, or takes nothing for too long.
            Stopped: if the clock was told to stop.
        """
        self._go_on()
        with self._bounded(self._stall, "took no picture"):
            self._write(picture)
        self._fed += 1
        self._under_way.append(len(picture))
        self._read_progress(wait=False)
        while in_flight and self._is_full(in_flight):
            if not self._read_progress(wait=True):
                break  # it needs more before it can begin: never a reason to wait for ever

    def finish(self, growing: Sequence[Path]) -> None:
        """Wait until ffmpeg has written everything; `growing` are the files it writes.

        Raises:
            EncodeError: if it failed, or has written nothing for too long.
            Stopped: if the clock was told to stop.
        """
        os.close(self._pictures)
        self._pictures = -1
        idle, before = 0.0, None
        while not self._ended():
            self._go_on()
            now = [_footprint(path) for path in growing]
            idle = 0.0 if now != before else idle + _SLICE_SECONDS
            before = now
            if idle >= self._stall:
                raise EncodeError(f"ffmpeg hangs: it has written nothing for {idle:.0f} s")
        if self._process.returncode:
            raise self._failure()

    def close(self) -> None:
        """End ffmpeg, if it still runs, and let go of it."""
        self._process.kill()
        self._process.wait()
        self._let_go()

    def _let_go(self) -> None:
        for descriptor in (self._pictures, self._progress, self._said):
            if descriptor >= 0:
                os.close(descriptor)

    def _is_full(self, in_flight: int) -> bool:
        while len(self._under_way) > max(self._fed - self._encoded, 0):
            self._under_way.popleft()
        return len(self._under_way) >= in_flight and sum(self._under_way) >= _BUFFERED_BYTES

    def _ended(self) -> bool:
        self._read_progress(wait=False)
        try:
            with self._clock.deadline(_SLICE_SECONDS):
                self._process.wait()
        except DeadlineExceeded:
            return False
        return True

    def _write(self, picture: bytes) -> None:
        view = memoryview(picture)
        try:
            while view:
                view = view[os.write(self._pictures, view) :]
        except BrokenPipeError:
            self._process.wait()
            raise self._failure() from None

    def _read_progress(self, *, wait: bool) -> bool:
        """Take in what ffmpeg reported; with `wait`, wait a little for it to say something."""
        os.set_blocking(self._progress, wait)
        try:
            with self._clock.deadline(_PACE_SECONDS):
                data = os.read(self._progress, 65536)
        except (BlockingIOError, DeadlineExceeded):
            return False
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line.startswith(b"frame="):
                self._encoded = int(line[6:])
        return bool(data)

    def _go_on(self) -> None:
        if self._clock.stopping:
            raise Stopped("told to stop in the middle of an encode")

    @contextmanager
    def _bounded(self, seconds: float, what: str) -> Iterator[None]:
        try:
            with self._clock.deadline(seconds):
                yield
        except DeadlineExceeded:
            self._go_on()
            raise EncodeError(f"ffmpeg hangs: it {what} for {seconds:.0f} s") from None

    def _failure(self) -> Exception:
        if self._clock.stopping:
            return Stopped("told to stop in the middle of an encode")
        return failure(self._process.returncode, self._words())

    def _words(self) -> str:
        size = os.fstat(self._said).st_size
        return os.pread(self._said, 20_000, max(size - 20_000, 0)).decode(errors="replace")


def failure(status: int, words: str) -> Exception:
    """Return the error for ffmpeg's exit status and what it wrote: named by the remedy."""
    if status == -signal.SIGKILL or re.search(r"Cannot allocate memory|malloc of size", words):
        return OutOfMemory("ffmpeg was killed, most likely because memory ran out")
    if "No space left on device" in words:
        return DiskFull(
            "the disk is full: ffmpeg could not write the film; "
            "free some space, or lower storage.keep_frames_days"
        )
    if status < 0:
        return EncodeError(f"ffmpeg was ended by {signal.Signals(-status).name}")
    last = " / ".join(_EXPECTED.sub("", words).split("\n")[-6:]).strip(" /")[-_WORDS:]
    return EncodeError(f"ffmpeg failed with status {status}: {last or 'it did not say why'}")


@dataclass(frozen=True, slots=True)
class Run:
    """A command, what it is fed, and the files it writes."""

    command: Sequence[str]
    pictures: Iterable[bytes]
    writes: Sequence[Path]


def encode(
    runs: Sequence[Run],
    clock: Clock,
    advance: Callable[[], None],
    *,
    in_flight: int = 0,
    stall_seconds: float = STALL_SECONDS,
) -> None:
    """Run encoders side by side, fed in turns; `advance` is called after each picture.

    One that fails ends them all.

    Raises:
        OutOfMemory, EncodeError: what ffmpeg died of.
        DiskFull: if the disk is full.
        Stopped: if the clock was told to stop; ffmpeg is gone by then.
    """
    with ExitStack() as stack:
        children = []
        for run in runs:
            children.append(Child(run.command, clock, stall_seconds))
            stack.callback(children[-1].close)
        for pictures in zip_longest(*(run.pictures for run in runs)):
            for child, picture in zip(children, pictures, strict=True):
                if picture is not None:
                    child.feed(picture, in_flight)
                    advance()
        for child, run in zip(children, runs, strict=True):
            child.finish(run.writes)


def join(
    command: Sequence[str], made: Path, clock: Clock, stall_seconds: float = STALL_SECONDS
) -> None:
    """Run a command that needs no pictures. Raises as `encode` does."""
    encode([Run(command, (), [made])], clock, lambda: None, stall_seconds=stall_seconds)


def _footprint(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
