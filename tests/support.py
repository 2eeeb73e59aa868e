"""What tests of the capturing side share: a clock on which things happen, and a daemon to run.

`build(nvr, folder, clock)` wires the daemon as its command does, around a simulated NVR. Only the
clock is a stand-in: HTTP, files and sockets are real.
"""

from __future__ import annotations

import heapq
import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from functools import partial
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from reolink_timelapsed.capture.loop import Capture
from reolink_timelapsed.cli import wiring
from reolink_timelapsed.cli.wiring import World
from reolink_timelapsed.config.settings import CaptureConfig, Config, StorageConfig
from reolink_timelapsed.frame import Frame
from reolink_timelapsed.nvr.login_state import LoginGuard, TokenFile
from reolink_timelapsed.nvr.session import Credentials, Session
from reolink_timelapsed.nvr.transport import Transport
from reolink_timelapsed.schedule import Daily, Plan
from reolink_timelapsed.simulator import SimClock, SimulatedCamera, SimulatedNvr
from reolink_timelapsed.storage import coverage
from reolink_timelapsed.storage.coverage import DayRecord
from reolink_timelapsed.storage.daemon_state import FILE_NAME, Board
from reolink_timelapsed.storage.disk import MakeRoom
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system.clock import Clock, DeadlineExceeded, JumpingClock
from reolink_timelapsed.system.notify import Notifier
from reolink_timelapsed.system.redact import Scrubber

USERNAME = "timelapse"
PASSWORD = "correct horse /battery+staple"
DAY = date(2026, 11, 22)
START = datetime(2026, 11, 22, 3, 50, tzinfo=UTC)
"""Ten minutes before the first tick of that day, which begins at 04:00 UTC."""

GRACE_SECONDS = 0.1
"""Of real time, for the simulated NVR to notice that a request was given up."""

PATIENCE_SECONDS = 20
"""Of real time, for what takes milliseconds on a machine that has nothing else to do."""

MINUTELY = CaptureConfig(
    interval=timedelta(minutes=1), daily_start=time_of_day(4), duration=timedelta(hours=18)
)

ROOMY = StorageConfig(min_free_gb=0, keep_frames_days=0)
"""Wants no more of the disk than there is on any machine."""


class Clockwork(JumpingClock):
    """A clock that jumps from event to event; what is planned with `at` or `after` happens."""

    def __init__(self, start: datetime = START) -> None:
        super().__init__(start)
        self._plans: list[tuple[float, int, Callable[[], object]]] = []
        self._order = count()
        self.longest_sleep = 0.0
        self.hang_seconds: float | None = None
        """Of real time, after which an answer that never comes has taken its whole deadline."""
        self._gave_up = False
        self.settle: Callable[[], None] = lambda: None
        """Lets the simulated NVR notice in real time what its client has given up."""

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """Plan `action` in so many seconds; it is done inside the sleep that reaches them."""
        due = self.monotonic() + seconds
        heapq.heappush(self._plans, (due, next(self._order), action))

    def at(self, moment: datetime, action: Callable[[], object]) -> None:
        """Plan `action` for a moment; a step of the clock does not move the plan."""
        self.after((moment - self.now()).total_seconds(), action)

    def suspend(self, seconds: float) -> None:
        """Let time pass in which the daemon does nothing: the machine sleeps."""
        super().sleep(seconds)

    @contextmanager
    def deadline(self, seconds: float) -> Iterator[None]:
        began, ends = time.monotonic(), self.monotonic() + seconds
        real = min(seconds, self.hang_seconds or seconds)
        try:
            with super().deadline(real):
                yield
        except DeadlineExceeded:
            if self.hang_seconds:
                super().sleep(ends - self.monotonic())
            raise
        finally:
            self._gave_up = time.monotonic() - began >= 0.9 * real

    def sleep(self, seconds: float) -> None:
        if threading.current_thread() is not threading.main_thread():
            super().sleep(seconds)  # the simulated NVR takes its time
            return
        if self._gave_up:
            self._gave_up = False
            time.sleep(GRACE_SECONDS)
        self.settle()
        self.longest_sleep = max(self.longest_sleep, seconds)
        end = self.monotonic() + seconds
        while self._plans and self._plans[0][0] <= end and not self.stopping:
            due, _, action = heapq.heappop(self._plans)
            super().sleep(due - self.monotonic())
            action()
        super().sleep(end - self.monotonic())


@dataclass(frozen=True)
class Line:
    """A line of the journal."""

    moment: datetime
    level: int
    text: str


class Journal(logging.Handler):
    """Collects what our package logs, with the moment on the test's clock."""

    def __init__(self, clock: JumpingClock) -> None:
        super().__init__(logging.INFO)
        self.addFilter(lambda record: ".simulator" not in record.name)
        self._clock = clock
        self.lines: list[Line] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(Line(self._clock.now(), record.levelno, record.getMessage()))

    @property
    def texts(self) -> list[str]:
        return [line.text for line in self.lines]

    def warnings(self) -> list[str]:
        return [line.text for line in self.lines if line.level >= logging.WARNING]

    def most_in_an_hour(self) -> int:
        """Return how many lines the fullest hour had."""
        moments = [line.moment for line in self.lines]
        hour = timedelta(hours=1)
        return max((sum(a <= b < a + hour for b in moments) for a in moments), default=0)


class ServiceManager:
    """Listens where systemd would: NOTIFY_SOCKET has to name `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.messages: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as last:
            last.sendto(b"", str(self.path))  # comes after all that was sent before
        self._thread.join()
        self._socket.close()

    def _listen(self) -> None:
        while message := self._socket.recv(65536):
            self.messages.append(message.decode())


@dataclass
class Daemon:
    """A daemon's real objects, and a way to run it on its clock."""

    clock: Clockwork
    folder: Path
    session: Session
    store: Store
    capture: Capture

    def run(self, until: datetime | None = None) -> None:
        """Run it until a moment on its clock, or to its own end; then it is stopped properly."""
        if until is not None:
            self.clock.at(until, self.clock.stop)
        try:
            self.capture.run()
        finally:
            self.clock.stopping = False

    def state(self) -> str:
        """Return what `systemctl status` shows of it."""
        told = json.loads((self.folder / "run" / FILE_NAME).read_bytes())
        return str(told["state"])

    def frames(self, camera: str = "ch0_Front_Door", day: date = DAY) -> list[Frame]:
        return self.store.frames(camera, day)

    def record(self, day: date = DAY) -> DayRecord:
        """Return what the store knows of a day."""
        record = coverage.load(self.store, day)
        assert record, f"no record of {day}"
        return record


def cameras(*names: str, first: int = 0) -> list[SimulatedCamera]:
    """Return small cameras on the channels from `first` on."""
    return [
        SimulatedCamera(channel=first + number, name=name, width=256, height=144)
        for number, name in enumerate(names)
    ]


@contextmanager
def simulated(clock: SimClock | None, *names: str, **figures: Any) -> Iterator[SimulatedNvr]:
    """Yield an NVR that lives by `clock` (None: the real one), with cameras of these names.

    At the end it judges its client.
    """
    with SimulatedNvr(
        cameras(*names or ("Front Door", "Yard")),
        username=USERNAME,
        password=PASSWORD,
        clock=clock,
        **figures,
    ) as nvr:
        if isinstance(clock, Clockwork):
            clock.settle = partial(_settle, nvr)
        yield nvr
        assert nvr.broken_rules() == []


def _settle(nvr: SimulatedNvr) -> None:
    """Wait until it is at rest: the daemon never sleeps with a request under way."""
    for _ in range(PATIENCE_SECONDS * 1000):
        if nvr.settled():
            return
        time.sleep(0.001)
    raise AssertionError(f"the simulated NVR is still at {nvr.log[-1]}")


def build_session(  # noqa: PLR0917
    nvr: SimulatedNvr,
    folder: Path,
    clock: Clock,
    password: str = PASSWORD,
    timeout: float = 5.0,
    host: str = "",
    fingerprint: str = "",
) -> Session:
    """Return a session that keeps its token and its refusals in `folder`; `timeout` in seconds."""
    return Session(
        Transport(host or nvr.url, clock, fingerprint),
        Credentials(USERNAME, password),
        clock,
        guard=LoginGuard(folder),
        scrubber=Scrubber(),
        token_file=TokenFile(folder),
        timeout_seconds=timeout,
    )


def build(  # noqa: PLR0917
    nvr: SimulatedNvr,
    folder: Path,
    clock: Clockwork,
    config: CaptureConfig = MINUTELY,
    plan: Plan | None = None,
    session: Session | None = None,
    storage: StorageConfig = ROOMY,
    make_room: MakeRoom | None = None,
) -> Daemon:
    """Return a daemon for the NVR, with data and state below `folder`; its days are UTC days."""
    data, state = folder / "data", folder / "state"
    session = session or build_session(nvr, state, clock)
    store = Store(data, "capture")
    capture = wiring.capture(
        Config(capture=config, storage=replace(storage, data_dir=data)),
        plan or Daily(config.daily_start or time_of_day(), config.duration, UTC),
        store,
        session,
        World(clock, Scrubber(), {}, UTC),
        state=state,
        tell=Board(Notifier(), clock, folder / "run").tell,
        make_room=make_room,
    )
    return Daemon(clock, folder, session, store, capture)


def at(hours: int, minutes: float = 0) -> datetime:
    """Return a moment of the test's day, UTC; the window begins at 4."""
    return datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC) + timedelta(
        hours=hours, minutes=minutes
    )
