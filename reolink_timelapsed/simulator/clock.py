"""The clock the simulated NVR lives by: the machine's own, or a stand-in of the test's."""

import threading
import time
from datetime import UTC, datetime
from typing import Protocol


class SimClock(Protocol):
    """What the simulator asks of a clock; it is called from several threads."""

    def now(self) -> datetime:
        """Tell the time of day: aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Tell seconds that never run backwards."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let this many seconds pass."""
        ...


class RealClock:
    """The machine's clock, whose sleeps end early when the simulator stops."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        self._stopped.wait(seconds)

    def stopped(self) -> bool:
        return self._stopped.is_set()

    def stop(self) -> None:
        """End every sleep, now and in future."""
        self._stopped.set()
