"""The simulated device: its cameras, sessions and troubles, and whether it is up; no sockets."""

import threading
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from reolink_timelapsed.simulator.clock import SimClock
from reolink_timelapsed.simulator.device.cameras import SimulatedCamera
from reolink_timelapsed.simulator.device.question import Device
from reolink_timelapsed.simulator.device.sessions import Session, Sessions
from reolink_timelapsed.simulator.faults.armed import Armed, Troubles
from reolink_timelapsed.simulator.faults.faults import Kind, Misbehaviour
from reolink_timelapsed.simulator.rules import Request

WEEKLY_REBOOT_SECONDS: Final = 60.0
_CLOCK_GRAIN: Final = 0.001
_NEVER: Final = float("-inf")


class Recorder:
    """The state of the device; may be called from several threads.

    The lock is held while a request changes the state, never while time passes.
    """

    def __init__(
        self,
        clock: SimClock,
        cameras: Iterable[SimulatedCamera],
        sessions: Sessions,
        device: Device,
        min_snap_gap: float,
    ) -> None:
        self.clock = clock
        self.cameras = list(cameras)
        self.sessions = sessions
        self.device = device
        self.min_snap_gap = min_snap_gap
        self.troubles = Troubles()
        self.lock = threading.RLock()
        self.last_snap_ended = _NEVER
        self.down_until = _NEVER
        self.starting_until = _NEVER
        self._maintained = clock.now()

    def monotonic(self) -> float:
        """Tell seconds of its clock."""
        return self.clock.monotonic()

    def camera(self, channel: int | None) -> SimulatedCamera | None:
        """Find the camera of a channel."""
        return next((c for c in self.cameras if c.channel == channel), None)

    def session(self, request: Request) -> Session | None:
        """Find the session that a request belongs to."""
        return self.sessions.find(self.monotonic(), request.token)

    def due(self, kinds: frozenset[Kind], cmd: str, channel: int | None) -> Misbehaviour | None:
        """Take the first of these misbehaviours that fits a command, and count the occasion."""
        with self.lock:
            return self.troubles.due(self.monotonic(), kinds, cmd, channel)

    def snap_too_soon(self) -> bool:
        """Tell whether a Snap now follows too closely on the one before."""
        return self.monotonic() - self.last_snap_ended < self.min_snap_gap - _CLOCK_GRAIN

    def lose_token(self, request: Request, delivered: bool) -> None:
        """Note that the token given to a request never reached its client, if so it was."""
        with self.lock:
            session = self.sessions.live.get(request.given or "")
            if session is not None and not delivered:
                session.known = False

    def misbehave(self, fault: Misbehaviour) -> None:
        """Arm a misbehaviour, counting its times from now."""
        with self.lock:
            self.troubles.add(fault, self.monotonic())
            self.catch_up()

    def behave(self, fault: Misbehaviour | None = None) -> None:
        """Clear one misbehaviour or all; with all, the device and its cameras are back at once."""
        with self.lock:
            self.troubles.clear(fault)
            if fault is None:
                for camera in self.cameras:
                    camera.off_until = camera.dead_until = _NEVER
                self.down_until = self.starting_until = _NEVER

    def reboot(self, at: float, down_seconds: float, starting_seconds: float) -> None:
        """Go down at a moment (seconds of the clock) and come back with all tokens void."""
        with self.lock:
            self.sessions.forget_all()
            self.down_until = at + down_seconds
            self.starting_until = self.down_until + starting_seconds

    def starting_status(self) -> int | None:
        """Give the HTTP status of everything in the first while after a reboot: 404, then 502."""
        left = self.starting_until - self.monotonic()
        if left <= 0:
            return None
        return 404 if left > (self.starting_until - self.down_until) / 2 else 502

    def is_down(self) -> bool:
        """Tell whether the port is shut just now."""
        self.catch_up()
        return self.monotonic() < self.down_until

    def catch_up(self) -> None:
        """Let happen what was due since the last request."""
        with self.lock:
            monotonic = self.monotonic()
            for armed in self.troubles.take_device(monotonic):
                self._happen(armed, monotonic)
            if self.device.weekly_reboot:
                self._maintain(monotonic)

    def _happen(self, armed: Armed, monotonic: float) -> None:
        fault = armed.fault
        if fault.kind is Kind.REBOOT:
            self.reboot(armed.begins, armed.ends - armed.begins, fault.seconds)
        elif fault.kind is Kind.PRIVACY:
            self.down_until = max(self.down_until, armed.ends)
        elif fault.kind is Kind.SLOTS_TAKEN:
            self.sessions.take(monotonic, fault.slots, armed.ends - monotonic)
        else:
            for camera in self.cameras:
                if fault.channel in {None, camera.channel}:
                    camera.switch_off(armed.ends, silently=fault.kind is Kind.DEAD)

    def _maintain(self, monotonic: float) -> None:
        """Reboot if a Sunday 02:00 has passed since the last look."""
        moment = self.clock.now()
        sunday = last_sunday_at_two(self.device.local(moment))
        if sunday > self._maintained:
            ago = (moment - sunday).total_seconds()
            self.reboot(monotonic - ago, WEEKLY_REBOOT_SECONDS, WEEKLY_REBOOT_SECONDS / 2)
        self._maintained = moment


def last_sunday_at_two(local: datetime) -> datetime:
    """Find the latest Sunday 02:00 not after a local time."""
    two = local.replace(hour=2, minute=0, second=0, microsecond=0)
    two -= timedelta(days=(local.weekday() + 1) % 7)
    return two if two <= local else two - timedelta(days=7)
