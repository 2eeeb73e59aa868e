"""Every request that came to the simulated NVR, and which of them are in work."""

import threading
import time
from collections.abc import Callable

from reolink_timelapsed.simulator.device.handling import Command, enter
from reolink_timelapsed.simulator.device.recorder import Recorder
from reolink_timelapsed.simulator.http.server import Connection, HttpRequest
from reolink_timelapsed.simulator.rules import Request


class Logbook:
    """`observer` is told of every request that has ended."""

    def __init__(self, recorder: Recorder, observer: Callable[[Request], None]) -> None:
        self.requests: list[Request] = []
        self._recorder = recorder
        self._observer = observer
        self._lock = threading.Lock()
        self._in_work: list[tuple[Request, Connection]] = []

    def clocks(self) -> tuple[float, float]:
        """Tell the time on the device's clock, and on the machine's own."""
        return self._recorder.clock.monotonic(), time.monotonic()

    def is_busy(self) -> bool:
        with self._lock:
            return bool(self._in_work)

    def begin(self, connection: Connection, http: HttpRequest, commands: list[Command]) -> Request:
        """Enter a request; those whose client has left by now are over."""
        with self._lock:
            for other, its_connection in list(self._in_work):
                if its_connection.gone():
                    other.given_up = True
                    self._end(other)
            request = enter(self._recorder, http, commands, connection.secure)
            request.beside = tuple(other for other, _ in self._in_work)
            request.line = len(self.requests)
            self.requests.append(request)
            self._in_work.append((request, connection))
        return request

    def finish(self, request: Request) -> None:
        with self._lock:
            self._end(request)

    def _end(self, request: Request) -> None:
        if request.ended is not None:
            return
        ended = request.last_act if request.given_up else self.clocks()
        request.ended, request.real_ended = ended
        self._in_work = [(r, c) for r, c in self._in_work if r is not request]
        if request.cmd == "Snap":
            self._recorder.last_snap_ended = request.ended
        self._observer(request)
