"""Simple control over HTTP, for tests and people that run the simulator as a process of its own.

    GET  /simulator/log?since=N   requests from the Nth on
    GET  /simulator/state         live sessions, broken rules, cameras
    POST /simulator/misbehave     a misbehaviour: {"kind": "rsp_code", "code": -12, "times": 3}
    POST /simulator/behave        clears all misbehaviours
    POST /simulator/reboot        {"down_seconds": 30, "starting_seconds": 30}
    POST /simulator/slots         {"slots": 2, "seconds": 600}
    POST /simulator/camera        {"channel": 0, "online": false}: changes a camera, or adds one

What happens here is not in the log. The server listens on the loopback alone.
"""

import json
from collections.abc import Callable
from dataclasses import fields
from functools import partial
from typing import Any, Final

from reolink_timelapsed.simulator.device.cameras import SimulatedCamera
from reolink_timelapsed.simulator.faults.faults import Misbehaviour
from reolink_timelapsed.simulator.http.server import HttpRequest
from reolink_timelapsed.simulator.http.wire import Answer, pretty
from reolink_timelapsed.simulator.nvr import SimulatedNvr

_SETTABLE: Final = {f.name for f in fields(SimulatedCamera)} - {"picture", "last_picture"}


def allow_control(nvr: SimulatedNvr) -> None:
    """Let the NVR be controlled over HTTP."""
    nvr.control = partial(_answer, nvr)


def _answer(nvr: SimulatedNvr, http: HttpRequest) -> Answer:
    command = f"{http.method} {http.path}"
    if command not in _COMMANDS:
        return _json({"error": f"no such control: {command}"}, 404)
    try:
        wish = {**http.query, **(json.loads(http.body) if http.body else {})}
        return _json(_COMMANDS[command](nvr, wish))
    except (ValueError, TypeError, KeyError) as error:
        return _json({"error": str(error)}, 400)


def _json(value: Any, status: int = 200) -> Answer:
    return Answer(pretty(value), status=status, content_type="application/json")


def _log(nvr: SimulatedNvr, wish: dict[str, Any]) -> Any:
    return [request.to_json() for request in nvr.log[int(wish.get("since", 0)) :]]


def _state(nvr: SimulatedNvr, _: dict[str, Any]) -> Any:
    return {
        "live_sessions": len(nvr.live_sessions),
        "broken_rules": nvr.broken_rules(),
        "cameras": [
            {name: getattr(camera, name) for name in ("channel", "name", "online", "count")}
            for camera in nvr.cameras
        ],
    }


def _misbehave(nvr: SimulatedNvr, wish: dict[str, Any]) -> Any:
    return nvr.misbehave(Misbehaviour.from_json(wish)).to_json()


def _behave(nvr: SimulatedNvr, _: dict[str, Any]) -> Any:
    nvr.behave()
    return {}


def _reboot(nvr: SimulatedNvr, wish: dict[str, Any]) -> Any:
    nvr.reboot(**wish)
    return {}


def _slots(nvr: SimulatedNvr, wish: dict[str, Any]) -> Any:
    nvr.take_slots(**wish)
    return {}


def _camera(nvr: SimulatedNvr, wish: dict[str, Any]) -> Any:
    unknown = set(wish) - _SETTABLE
    if unknown:
        raise ValueError(f"a camera has no {', '.join(sorted(unknown))}")
    camera = next((c for c in nvr.cameras if c.channel == wish["channel"]), None)
    if camera is None:
        nvr.cameras.append(SimulatedCamera(**wish))
    else:
        for name, value in wish.items():
            setattr(camera, name, value)
    return {"cameras": len(nvr.cameras)}


_COMMANDS: Final[dict[str, Callable[[SimulatedNvr, dict[str, Any]], Any]]] = {
    "GET /simulator/log": _log,
    "GET /simulator/state": _state,
    "POST /simulator/misbehave": _misbehave,
    "POST /simulator/behave": _behave,
    "POST /simulator/reboot": _reboot,
    "POST /simulator/slots": _slots,
    "POST /simulator/camera": _camera,
}
