"""From a request to its answer: what each command does to the simulated device."""

import json
import logging
import time
from dataclasses import dataclass, replace
from typing import Any, Final

from reolink_timelapsed.simulator.device.answers import ANSWERS, CANONICAL
from reolink_timelapsed.simulator.device.cameras import PictureError, SimulatedCamera
from reolink_timelapsed.simulator.device.codes import TOKEN_REFUSED
from reolink_timelapsed.simulator.device.question import Question
from reolink_timelapsed.simulator.device.recorder import Recorder
from reolink_timelapsed.simulator.device.sessions import Refusal
from reolink_timelapsed.simulator.faults.faults import (
    ANY_ANSWER,
    INSTEAD,
    LOGIN_PAGE,
    PICTURE,
    Kind,
    Misbehaviour,
    error_answer,
    error_object,
    spoil,
)
from reolink_timelapsed.simulator.http.server import HttpRequest
from reolink_timelapsed.simulator.http.wire import (
    Answer,
    End,
    json_answer,
    nginx_page,
    picture_answer,
)
from reolink_timelapsed.simulator.rules import Request

log = logging.getLogger(__name__)

PATHS: Final = frozenset({"/api.cgi", "/cgi-bin/api.cgi"})
BATCH_LIMIT: Final = 40
_RSP_CODE: Final = frozenset({Kind.RSP_CODE})
_SHORT_BATCH: Final = frozenset({Kind.SHORT_BATCH})
_SIZE: Final = frozenset({Kind.SIZE})
_STALE: Final = frozenset({Kind.STALE})
_SILENT: Final = Answer(head=False, send=0, end=End.HANG, outcome="silence")


@dataclass(frozen=True)
class Command:
    """One command of a request; the name as the device spells it."""

    name: str
    param: dict[str, Any]

    @property
    def channel(self) -> int | None:
        channel = self.param.get("channel")
        return channel if isinstance(channel, int) else None


def read_commands(http: HttpRequest) -> list[Command] | None:
    """Find the commands of a request; None when its body makes no sense."""
    name = spell(http.query.get("cmd", ""))
    if http.method == "GET" or (name == "Snap" and "channel" in http.query):
        return [Command(name, _numbers(http.query))]
    try:
        objects = json.loads(http.body)
        return [Command(spell(o.get("cmd", name)), o.get("param") or {}) for o in objects]
    except (ValueError, TypeError, AttributeError):
        return None


def spell(name: str) -> str:
    """Spell a command as the device does, whatever case it came in."""
    return CANONICAL.get(name.lower(), name)


def _numbers(query: dict[str, str]) -> dict[str, Any]:
    return {key: int(value) if value.isdecimal() else value for key, value in query.items()}


def enter(recorder: Recorder, http: HttpRequest, commands: list[Command], secure: bool) -> Request:
    """Make the log entry of a request that has just come in."""
    token = http.query.get("token", "")
    client = http.headers.get("user-agent", "")
    cmd = spell(http.query.get("cmd", "")) or f"{http.method} {http.path}"
    request = Request(
        cmd=cmd,
        commands=tuple(command.name or cmd for command in commands) or (cmd,),
        channel=commands[0].channel if commands else None,
        token=None if token in {"", "null"} else token,
        client=client,
        started=recorder.monotonic(),
        real_started=time.monotonic(),
        moment=recorder.clock.now(),
        battery=any(_touches_battery(recorder, command) for command in commands),
        secure=secure,
    )
    request.last_act = (request.started, request.real_started)
    with recorder.lock:
        request.holding = recorder.sessions.held_by(request.started, client)
        if request.cmd == "Logout":
            recorder.sessions.mark_left(request.token)
    return request


def _touches_battery(recorder: Recorder, command: Command) -> bool:
    camera = recorder.camera(command.channel)
    return camera is not None and camera.battery and command.name in {"Snap", "GetEnc"}


def answer_request(
    recorder: Recorder, http: HttpRequest, request: Request, commands: list[Command] | None
) -> Answer:
    """Answer a request, letting the time pass that the device takes for it."""
    if http.path == "/":
        return Answer(LOGIN_PAGE)
    if http.path.lower() not in PATHS:
        return nginx_page(404)
    if commands is None:
        return error_answer("Unknown", -10)
    early = _instead(recorder, http, request)
    if early is not None:
        return early
    if request.cmd == "Snap":
        return _spoil(recorder, request, _snap(recorder, http, request))
    return _spoil(recorder, request, _batch(recorder, http, request, commands))


def _instead(recorder: Recorder, http: HttpRequest, request: Request) -> Answer | None:
    """Give the answer that nginx or the network gives before the device sees the request."""
    fault = recorder.due(INSTEAD, request.cmd, request.channel)
    if fault is not None:
        host = http.headers.get("host", "").partition(":")[0]
        return spoil(Answer(redirect_to=host + http.target), fault)
    status = recorder.starting_status()
    return None if status is None else nginx_page(status)


def _spoil(recorder: Recorder, request: Request, good: Answer) -> Answer:
    """Let a misbehaviour act on a finished answer."""
    kinds = ANY_ANSWER | PICTURE if good.content_type == "image/jpeg" else ANY_ANSWER
    fault = recorder.due(kinds, request.cmd, request.channel)
    if fault is None:
        return good
    if fault.kind is Kind.DELAY:
        recorder.clock.sleep(fault.seconds)
    return spoil(good, fault)


def _batch(
    recorder: Recorder, http: HttpRequest, request: Request, commands: list[Command]
) -> Answer:
    """Answer a list of commands, one object each."""
    if not commands:
        return error_answer("Unknown", -6)
    if len(commands) > BATCH_LIMIT:
        return error_answer(commands[0].name, -16)
    if any(_hangs(recorder, command) for command in commands):
        return _SILENT
    if recorder.due(_SHORT_BATCH, request.cmd, request.channel):
        commands = commands[:1]
    with recorder.lock:
        objects = [_one(recorder, http, request, command) for command in commands]
    codes = [o["error"]["rspCode"] for o in objects if "error" in o]
    if recorder.device.odd_logout and request.cmd == "Logout" and not codes:
        return replace(json_answer(None), body=b"\x9c\x1f%k\xe2\x07\xd0\xb3@\x11")
    return json_answer(objects, outcome=codes[0] if codes else "ok")


def _hangs(recorder: Recorder, command: Command) -> bool:
    camera = recorder.camera(command.channel)
    return camera is not None and camera.is_dead(recorder.monotonic())


def _one(
    recorder: Recorder, http: HttpRequest, request: Request, command: Command
) -> dict[str, Any]:
    """Answer one command of a batch."""
    fault = recorder.due(_RSP_CODE, command.name, command.channel)
    if fault is not None:
        _void(recorder, request, fault)
        return error_object(command.name, fault.code, fault.detail)
    if command.name == "Login":
        return _login(recorder, request, command)
    if command.name == "Logout":
        return _logout(recorder, request)
    if not _authorised(recorder, http, request):
        return error_object(command.name, -6)
    return _ask(recorder, command)


def _void(recorder: Recorder, request: Request, fault: Misbehaviour) -> None:
    """Make a scripted "bad token" true, unless it is one camera's alone."""
    if fault.channel is None and fault.code in TOKEN_REFUSED and request.token is not None:
        recorder.sessions.logout(request.token)


def _login(recorder: Recorder, request: Request, command: Command) -> dict[str, Any]:
    user = command.param.get("User")
    if not isinstance(user, dict) or not {"userName", "password"} <= set(user):
        return error_object("Login", -4)
    name, password = str(user["userName"]), str(user["password"])
    result = recorder.sessions.login(recorder.monotonic(), request.client, name, password)
    if isinstance(result, Refusal):
        refusal = error_object("Login", result.code)
        if result.unlock_time is not None:
            refusal["error"]["unlock_time"] = result.unlock_time
        return refusal
    request.given = result.token
    lease = int(recorder.sessions.lease_seconds)
    value = {"Token": {"leaseTime": lease, "name": result.token}}
    return {"cmd": "Login", "code": 0, "value": value}


def _logout(recorder: Recorder, request: Request) -> dict[str, Any]:
    session = recorder.session(request)
    if session is None:
        if recorder.sessions.policy.poison and request.token is None:
            recorder.sessions.poison_next = True
        return error_object("Logout", -6)
    recorder.sessions.logout(session.token)
    return {"cmd": "Logout", "code": 0, "value": {"rspCode": 200}}


def _ask(recorder: Recorder, command: Command) -> dict[str, Any]:
    """Answer a command that only asks."""
    monotonic = recorder.monotonic()
    if command.name == recorder.device.crashes_on:
        recorder.reboot(monotonic, 60, 30)
    if command.name not in ANSWERS:
        return error_object(command.name, -9)
    camera = recorder.camera(command.channel)
    if camera is not None and not camera.is_online(monotonic):
        return error_object(command.name, recorder.device.offline_code)
    question = Question(recorder.device, recorder.cameras, camera, recorder.clock.now(), monotonic)
    reply = ANSWERS[command.name](question)
    if isinstance(reply, int):
        return error_object(command.name, reply)
    return {"cmd": command.name, "code": 0, "value": reply}


def _snap(recorder: Recorder, http: HttpRequest, request: Request) -> Answer:
    """Take a picture, or say why not."""
    with recorder.lock:
        camera = recorder.camera(request.channel)
        if camera is not None and camera.is_dead(recorder.monotonic()):
            return _SILENT
        refusal = _snap_refusal(recorder, http, request, camera)
        if camera is None or refusal is not None:
            return refusal or error_answer("Snap", recorder.device.invalid_channel_code)
        size = recorder.due(_SIZE, "Snap", camera.channel)
        stale = recorder.due(_STALE, "Snap", camera.channel)
    recorder.clock.sleep(camera.latency)
    if stale is not None and camera.last_picture:
        return picture_answer(camera.last_picture)
    request.count = camera.count
    wanted = None if size is None else (size.width, size.height)
    try:
        return picture_answer(camera.snap(request.moment, http.query, wanted))
    except (PictureError, ValueError) as error:
        log.error("channel %s has no picture: %s", camera.channel, error)
        return error_answer("Snap", -48)


def _snap_refusal(
    recorder: Recorder, http: HttpRequest, request: Request, camera: SimulatedCamera | None
) -> Answer | None:
    """Give the answer to a Snap that fails, None for one that works."""
    fault = recorder.due(_RSP_CODE, "Snap", request.channel)
    if fault is not None:
        _void(recorder, request, fault)
        return error_answer("Snap", fault.code, fault.detail)
    code = _snap_refused(recorder, http, request, camera)
    if code is not None:
        return error_answer("Snap", code)
    return _sizeless(camera) if camera and camera.lacks_size(http.query) else None


def _sizeless(camera: SimulatedCamera) -> Answer:
    """Give what a camera says that wants to be told a size."""
    code = camera.without_size or 0
    if code < 0:
        return error_answer("Snap", code)
    return nginx_page(code) if code else picture_answer(b"")


def _snap_refused(
    recorder: Recorder, http: HttpRequest, request: Request, camera: SimulatedCamera | None
) -> int | None:
    """Give the rspCode of a Snap that is against the rules, None for one that is not."""
    if not _authorised(recorder, http, request):
        return -6
    if recorder.snap_too_soon() or any(other.cmd == "Snap" for other in request.beside):
        return -12
    return None if camera is None else _camera_refuses(recorder, camera)


def _camera_refuses(recorder: Recorder, camera: SimulatedCamera) -> int | None:
    if not camera.is_online(recorder.monotonic()):
        return recorder.device.offline_code
    if not camera.touch(recorder.monotonic()):
        return camera.waking_code
    return camera.snap_code


def _authorised(recorder: Recorder, http: HttpRequest, request: Request) -> bool:
    """Tell whether token, or user and password, let this request in."""
    if recorder.session(request) is not None:
        return True
    recorder.sessions.mark_left(request.token)
    user, password = http.query.get("user"), http.query.get("password")
    if user is None or password is None or not recorder.device.url_passwords:
        return False
    return recorder.sessions.accepts(user, password)
