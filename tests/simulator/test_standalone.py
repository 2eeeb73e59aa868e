"""The simulator as a process of its own, and its control over HTTP."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from reolink_timelapsed.simulator import SimulatedCamera, SimulatedNvr
from reolink_timelapsed.simulator.control import allow_control
from tests.simulator.nvr_client import DEADLINE, Client


@contextmanager
def simulator(*options: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Run it until the end of the block; gives its address."""
    command = [sys.executable, "-m", "reolink_timelapsed.simulator", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().rpartition(" ")[2].strip(), process
        finally:
            process.terminate()
            process.wait(DEADLINE)


def call(address: str, path: str, body: object = None) -> object:
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(f"{address}{path}", data), timeout=DEADLINE) as answer:  # noqa: S310
        return json.loads(answer.read())


def test_it_serves_writes_its_log_and_ends_on_sigterm(tmp_path: Path) -> None:
    log = tmp_path / "requests.jsonl"
    with simulator("--log", str(log), "--latency", "0", "--username", "u") as (address, process):
        snap = f"{address}/api.cgi?cmd=Snap&channel=1&user=u&password=secret"
        with urlopen(snap, timeout=DEADLINE) as answer:  # noqa: S310
            assert answer.headers["Content-Type"] == "image/jpeg"
            picture = answer.read()
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE) == 0
    (line,) = log.read_text().splitlines()
    entry = json.loads(line)
    assert (entry["cmd"], entry["channel"], entry["outcome"]) == ("Snap", 1, "ok")
    assert entry["size"] == len(picture)


def test_it_misbehaves_from_the_start_when_told() -> None:
    fault = '{"kind": "rsp_code", "cmd": "Login", "code": -5, "times": 1}'
    with simulator("--misbehave", fault, "--misbehave", "empty") as (address, _):
        assert call(address, "/api.cgi?cmd=Login", [{"cmd": "Login"}]) == [
            {"cmd": "Login", "code": 1, "error": {"detail": "max session", "rspCode": -5}}
        ]
        snap = f"{address}/api.cgi?cmd=Snap&channel=0&user=timelapse&password=secret"
        with urlopen(snap, timeout=DEADLINE) as answer:  # noqa: S310
            assert answer.read() == b""


@pytest.fixture
def nvr() -> Iterator[SimulatedNvr]:
    with SimulatedNvr([SimulatedCamera(0, "Front Door")]) as nvr:
        allow_control(nvr)
        yield nvr


def test_the_log_and_the_state_over_http(nvr: SimulatedNvr) -> None:
    client = Client(nvr)
    client.login()
    client.login()
    log = call(nvr.url, "/simulator/log")
    assert isinstance(log, list)
    assert [entry["cmd"] for entry in log] == ["Login", "Login"]
    assert client.token not in json.dumps(log)
    assert call(nvr.url, "/simulator/log?since=1") == log[1:]
    state = call(nvr.url, "/simulator/state")
    assert isinstance(state, dict)
    assert state["live_sessions"] == 2
    assert len(state["broken_rules"]) == 1
    assert state["cameras"] == [{"channel": 0, "name": "Front Door", "online": True, "count": 0}]
    assert len(nvr.log) == 2


def test_misbehaving_and_behaving_over_http(nvr: SimulatedNvr) -> None:
    client = Client(nvr)
    client.login()
    call(nvr.url, "/simulator/misbehave", {"kind": "rsp_code", "cmd": "GetDevInfo", "code": -17})
    assert client.ask("GetDevInfo").code == -17
    call(nvr.url, "/simulator/behave", {})
    assert client.ask("GetDevInfo").code is None
    call(nvr.url, "/simulator/slots", {"slots": 1, "seconds": 60})
    assert Client(nvr).login().code == -5
    call(nvr.url, "/simulator/reboot", {"down_seconds": 0})
    assert client.ask("GetDevInfo").code == -6


def test_cameras_over_http(nvr: SimulatedNvr) -> None:
    call(nvr.url, "/simulator/camera", {"channel": 0, "name": "Back Door", "online": False})
    call(nvr.url, "/simulator/camera", {"channel": 3, "name": "New", "width": 320})
    assert [(c.channel, c.name, c.online) for c in nvr.cameras] == [
        (0, "Back Door", False),
        (3, "New", True),
    ]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/simulator/nothing", None, 404),
        ("/simulator/misbehave", {"kind": "nonsense"}, 400),
        ("/simulator/camera", {"channel": 0, "picture": 1}, 400),
        ("/simulator/camera", {}, 400),
        ("/simulator/reboot", {"when": 1}, 400),
    ],
)
def test_nonsense_is_told_so(nvr: SimulatedNvr, path: str, body: object, status: int) -> None:
    with pytest.raises(HTTPError) as caught:
        call(nvr.url, path, body)
    assert caught.value.code == status
    assert json.loads(caught.value.read())["error"]
    caught.value.close()


def test_there_is_no_control_unless_allowed() -> None:
    with SimulatedNvr([]) as nvr, pytest.raises(HTTPError) as caught:
        call(nvr.url, "/simulator/state")
    assert caught.value.code == 404
    caught.value.close()
