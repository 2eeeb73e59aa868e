"""The simulated NVR: a real HTTP server on the loopback, with a log and a judgement of its client.

    with SimulatedNvr([SimulatedCamera(channel=0, name="Front Door")]) as nvr:
        ...  # let a client talk to nvr.address
    assert nvr.broken_rules() == []

It speaks the Reolink HTTP API as far as a timelapse needs it, and misbehaves on demand.
"""

import ssl
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol, Self, runtime_checkable

from reolink_timelapsed.simulator.clock import RealClock, SimClock
from reolink_timelapsed.simulator.device.cameras import SimulatedCamera
from reolink_timelapsed.simulator.device.handling import Command, answer_request, read_commands
from reolink_timelapsed.simulator.device.question import Device
from reolink_timelapsed.simulator.device.recorder import Recorder
from reolink_timelapsed.simulator.device.sessions import SOMEBODY_ELSE, LoginPolicy, Sessions
from reolink_timelapsed.simulator.faults.faults import Kind, Misbehaviour
from reolink_timelapsed.simulator.http.server import BadRequest, Connection, HttpRequest, Server
from reolink_timelapsed.simulator.http.tls import server_context
from reolink_timelapsed.simulator.http.wire import Answer, End, body_pieces, head_bytes, nginx_page
from reolink_timelapsed.simulator.logbook import Logbook
from reolink_timelapsed.simulator.rules import Request, broken_rules

_LOOK_SECONDS = 0.02
"""How often a device that is down looks whether its time has come."""


@runtime_checkable
class Closeable(Protocol):
    """A picture source that holds something open."""

    def close(self) -> None: ...


class SimulatedNvr:
    """A recorder on 127.0.0.1; its `cameras`, `device` and `policy` may change as it runs.

    `slots` sessions live at once, each for `lease_seconds`. A Snap that comes less than
    `min_snap_gap` seconds after the end of the one before is refused with -12. `tls` is a PEM file
    with key and certificate, or a server context (`simulator.tls`); then `http_side` says what goes
    on at a second port without TLS: nothing, a redirect to https, or the same service. `port` 0
    takes a free one. All times count on `clock` (the machine's own by default).
    """

    def __init__(  # noqa: PLR0917
        self,
        cameras: Iterable[SimulatedCamera],
        username: str = "timelapse",
        password: str = "secret",  # noqa: S107
        clock: SimClock | None = None,
        slots: int = 2,
        lease_seconds: float = 3600,
        min_snap_gap: float = 0.5,
        tls: Path | ssl.SSLContext | None = None,
        port: int = 0,
        http_side: Literal["off", "redirect", "serve"] = "off",
        device: Device | None = None,
        policy: LoginPolicy | None = None,
    ) -> None:
        self._real = RealClock() if clock is None else None
        self.clock: SimClock = clock or self._real or RealClock()
        self.policy = policy or LoginPolicy()
        self.device = device or Device()
        sessions = Sessions(slots, lease_seconds, {username: password}, self.policy)
        self._recorder = Recorder(self.clock, cameras, sessions, self.device, min_snap_gap)
        self._tls = server_context(tls) if isinstance(tls, Path) else tls
        self._server = Server(self._serve, port, self._tls)
        self._http_side = http_side
        self._http = None if http_side == "off" else Server(self._serve, 0, None)
        self._lock = threading.Lock()
        self._returning: threading.Thread | None = None
        self._logbook = Logbook(self._recorder, self._observed)
        self.log = self._logbook.requests
        self.turned_away: list[float] = []
        """When (on its clock) connections came while it was down."""
        self.battery_allowed = False
        """Whether the client may touch battery cameras."""
        self.http_allowed = False
        """Whether the client may send its password over http where there is https."""
        self.control: Callable[[HttpRequest], Answer] | None = None
        """What answers under /simulator/, outside the log; see `control`."""
        self.observer: Callable[[Request], None] | None = None
        """Is told of every request that has ended."""

    def __enter__(self) -> Self:
        self.plug_in()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Close the port, every connection, also those that hang, and the cameras' pictures."""
        if self._real is not None:
            self._real.stop()
        for server in self._servers():
            server.stop()
        returning = self._returning
        if returning is not None:
            returning.join()
        for camera in self.cameras:
            if isinstance(camera.picture, Closeable):
                camera.picture.close()

    @property
    def port(self) -> int:
        return self._server.port

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        return f"{'http' if self._tls is None else 'https'}://{self.address}"

    @property
    def http_address(self) -> str:
        """Host and port of the second port, the one without TLS."""
        if self._http is None:
            raise ValueError("there is no second port: http_side is off")
        return f"127.0.0.1:{self._http.port}"

    @property
    def cameras(self) -> list[SimulatedCamera]:
        return self._recorder.cameras

    @cameras.setter
    def cameras(self, cameras: Iterable[SimulatedCamera]) -> None:
        self._recorder.cameras = list(cameras)

    @property
    def accounts(self) -> dict[str, str]:
        """User names and their passwords; may be changed."""
        return self._recorder.sessions.accounts

    @property
    def live_sessions(self) -> list[str]:
        """Tokens of clients that are alive now, without those that `take_slots` holds."""
        with self._recorder.lock:
            self._recorder.sessions.expire(self.clock.monotonic())
            live = self._recorder.sessions.live.values()
            return [s.token for s in live if s.client != SOMEBODY_ELSE]

    def settled(self) -> bool:
        """Tell whether nothing is in work, not even for clients that have left meanwhile."""
        return not self._logbook.is_busy() and not any(
            server.serves_the_gone() for server in self._servers()
        )

    def broken_rules(self) -> list[str]:
        """List what the client did that it must not; each line names the requests."""
        return broken_rules(
            list(self.log),
            self._recorder.min_snap_gap,
            battery_allowed=self.battery_allowed,
            http_allowed=self.http_allowed or self._tls is None,
        )

    def misbehave(self, fault: Misbehaviour | Kind | str, **figures: Any) -> Misbehaviour:
        """Script a misbehaviour: a value, or a kind and its figures. Gives it back."""
        if not isinstance(fault, Misbehaviour):
            fault = Misbehaviour(Kind(fault), **figures)
        self._recorder.misbehave(fault)
        self._mind_the_port()
        return fault

    def behave(self, fault: Misbehaviour | None = None) -> None:
        """Clear one misbehaviour, or all of them."""
        self._recorder.behave(fault)

    def reboot(self, down_seconds: float = 30, starting_seconds: float = 0) -> None:
        """Lose all tokens, be gone for a while, then answer 404 and 502 for a while."""
        self.misbehave(Kind.REBOOT, lasts=down_seconds, seconds=starting_seconds)

    def take_slots(self, slots: int, seconds: float) -> None:
        """Let somebody else take up to this many of the free slots for some seconds."""
        self.misbehave(Kind.SLOTS_TAKEN, slots=slots, lasts=seconds)

    def unplug(self) -> None:
        """Refuse connections until `plug_in`; open ones are cut. Tokens stay good."""
        for server in self._servers():
            server.refuse()
            server.drop_all()

    def plug_in(self) -> None:
        """Accept connections (again)."""
        for server in self._servers():
            server.listen()

    def change_certificate(self, pem: Path) -> None:
        """Show another certificate to whoever connects from now on."""
        if self._tls is None:
            raise ValueError("there is no TLS")
        self._tls.load_cert_chain(pem)

    def _servers(self) -> list[Server]:
        return [self._server] if self._http is None else [self._server, self._http]

    # -- connections ------------------------------------------------------------------------------

    def _mind_the_port(self) -> None:
        """On the real clock, refuse connections while down; a stand-in cannot wake anybody."""
        with self._lock:
            if self._real is None or self._returning is not None or not self._recorder.is_down():
                return
            self._returning = threading.Thread(
                target=self._come_back, args=(self._real,), name="nvr-return", daemon=True
            )
        self.unplug()
        self._returning.start()

    def _come_back(self, clock: RealClock) -> None:
        while self._recorder.is_down() and not clock.stopped():
            clock.sleep(_LOOK_SECONDS)
        self._returning = None
        self.plug_in()

    def _serve(self, connection: Connection) -> None:
        """Serve one connection to its end."""
        if self._recorder.is_down():
            self._turn_away(connection)
            return
        try:
            if not connection.handshake():
                connection.send_plain(self._plain(nginx_page(400)))
                return
            while (http := connection.read_request()) is not None:
                if not self._handle(connection, http):
                    return
        except BadRequest:
            connection.send(self._plain(nginx_page(400)))

    def _turn_away(self, connection: Connection) -> None:
        self.turned_away.append(self.clock.monotonic())
        connection.reset()
        self._mind_the_port()

    def _plain(self, answer: Answer) -> bytes:
        return head_bytes(answer, self.clock.now()) + b"".join(body_pieces(answer))

    def _handle(self, connection: Connection, http: HttpRequest) -> bool:
        """Answer one request; False when the connection is done with."""
        if self.control is not None and http.path.startswith("/simulator/"):
            connection.send(self._plain(self.control(http)))
            return not http.closing
        if self._recorder.is_down():
            self._turn_away(connection)
            return False
        commands = read_commands(http)
        request = self._logbook.begin(connection, http, commands or [])
        try:
            answer = self._answer(http, request, commands)
            request.outcome = answer.outcome
            self._recorder.lose_token(request, answer.delivered)
            head = head_bytes(answer, self.clock.now(), closing=http.closing)
            self._deliver(connection, request, answer, head if answer.head else b"")
        except OSError:
            request.given_up = True
            self._recorder.lose_token(request, delivered=False)
            return False
        finally:
            self._logbook.finish(request)
        return answer.end is End.KEEP and not http.closing

    def _answer(
        self, http: HttpRequest, request: Request, commands: list[Command] | None
    ) -> Answer:
        if self._tls is not None and not request.secure and self._http_side == "redirect":
            return nginx_page(302, self.url + http.target)
        return answer_request(self._recorder, http, request, commands)

    def _deliver(
        self, connection: Connection, request: Request, answer: Answer, waiting: bytes
    ) -> None:
        """Send an answer, `waiting` (its head) first.

        The request counts as ended just before its last piece is sent, so that it has ended when
        the client can know of it.
        """
        for piece in body_pieces(answer):
            request.last_act = self._logbook.clocks()
            connection.send(waiting)
            if answer.pause is not None:
                self.clock.sleep(answer.pause)
            waiting = piece
            request.size += len(piece)
        if answer.end is End.HANG:
            request.last_act = self._logbook.clocks()
            connection.send(waiting)
            connection.wait_gone()
            request.given_up = True
        self._logbook.finish(request)
        if answer.end is not End.HANG:
            connection.send(waiting)
        if answer.end is End.RESET:
            connection.reset()

    def _observed(self, request: Request) -> None:
        if self.observer is not None:
            self.observer(request)
