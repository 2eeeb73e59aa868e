"""Running ffmpeg: feeding it, waiting for it, and never for ever; telling what it died of."""

from __future__ import annotations

import os
import re
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from reolink_timelapsed.errors import DiskFull, EncodeError, Stopped
from reolink_timelapsed.system.clock import Clock, DeadlineExceeded
from reolink_timelapsed.system.process import Process

STALL_SECONDS = 600.0
"""Without any progress; at idle priority on a busy machine a picture may take minutes."""

_PACE_SECONDS = 1.0
_BUFFERED_BYTES = 50_000
"""ffmpeg reads in blocks: several of the smallest pictures may be within one."""

_SLICE_SECONDS = 1.0
_PROGRESS_BYTES = 1_000_000
_FRAMES = re.compile(rb"frame=\s*(\d{1,9})\s*$")
_WORDS = 400
"""Characters of what ffmpeg says last that go into a message."""

_EXPECTED = re.compile(r"^.* not on whitelist .*\n?", re.MULTILINE)
"""What it says of each segment that it joins, where no decoder is allowed."""


class OutOfMemory(EncodeError):
    """ffmpeg was killed, or could not get memory: another rung may do."""


class Hangs(EncodeError):
    """ffmpeg stands still, at a picture after the first `done` and among the first `given`."""

    def __init__(self, why: str, done: int, given: int) -> None:
        super().__init__(f"ffmpeg hangs: it {why}")
        self.done = done
        self.given = given


def yield_to_others() -> None:
    """Let this process and its children have the processor and the disk only when idle.

    Where the system forbids it, as our unit's sandbox does, whoever forbids it has seen to it.
    """
    with suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


class Child:
    """An ffmpeg at work. Use in the main thread: what is bounded is bounded by a signal."""

    def __init__(self, command: Sequence[str], clock: Clock, stall_seconds: float) -> None:
        self._clock = clock
        self._stall = stall_seconds
        self._fed = self._encoded = 0
        self._under_way: deque[int] = deque()
        self._process = Process(command, _PROGRESS_BYTES)

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
        self._follow(0.0)
        while in_flight and self._is_full(in_flight):
            if not self._follow(_PACE_SECONDS):
                break  # it needs more before it can begin: never a reason to wait for ever

    def finish(self, growing: Sequence[Path]) -> None:
        """Wait until ffmpeg has written everything; `growing` are the files it writes.

        Raises:
            EncodeError: if it failed, or has written nothing for too long.
            Stopped: if the clock was told to stop.
        """
        self._process.close_input()
        idle, before = 0.0, None
        while not self._ended():
            self._go_on()
            now = [_footprint(path) for path in growing]
            idle = 0.0 if now != before else idle + _SLICE_SECONDS
            before = now
            if idle >= self._stall:
                raise self._hangs(f"has written nothing for {idle:.0f} s")
        if self._process.end():
            raise self._failure()

    def close(self) -> None:
        """End ffmpeg, if it still runs, and let go of it."""
        self._process.end()

    def _is_full(self, in_flight: int) -> bool:
        while len(self._under_way) > max(self._fed - self._encoded, 0):
            self._under_way.popleft()
        return len(self._under_way) >= in_flight and sum(self._under_way) >= _BUFFERED_BYTES

    def _ended(self) -> bool:
        """Listen for a while; tell whether ffmpeg has ended by then."""
        try:
            with self._clock.deadline(_SLICE_SECONDS):
                while not self._process.ended():
                    self._follow(_SLICE_SECONDS)
        except DeadlineExceeded:
            return False
        return True

    def _write(self, picture: bytes) -> None:
        left = memoryview(picture)
        try:
            while left:
                left = left[self._process.exchange(left, _SLICE_SECONDS) :]
                self._take_note()
        except BrokenPipeError:
            while not self._process.ended():
                self._follow(_SLICE_SECONDS)
            raise self._failure() from None

    def _follow(self, seconds: float) -> bool:
        """Wait up to `seconds` for ffmpeg to report something; tell if it did."""
        self._process.exchange(seconds=seconds)
        return self._take_note()

    def _take_note(self) -> bool:
        """Take in what ffmpeg reported; tell if that was anything."""
        answer = self._process.answer
        told = bool(answer)
        *lines, rest = answer.split(b"\n")
        for line in lines:
            if found := _FRAMES.match(line):
                self._encoded = int(found[1])
        answer[:] = rest
        return told

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
            raise self._hangs(f"{what} for {seconds:.0f} s") from None

    def _hangs(self, why: str) -> Hangs:
        return Hangs(why, min(self._encoded, self._fed), self._fed + 1)

    def _failure(self) -> Exception:
        if self._clock.stopping:
            return Stopped("told to stop in the middle of an encode")
        return failure(self._process.end(), self._process.said)


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
