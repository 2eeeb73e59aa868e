"""The simulated NVR as a service of the machine under test, independent of the package there."""

from __future__ import annotations

import json
from typing import Any

from .container import Container
from .host import wait_for
from .packages import copy_tree

USER = "timelapse"
PASSWORD = "opensesame"
NAMES = ("Lake View", "Front Street")
CAMERAS = ("ch0_Lake_View", "ch1_Front_Street")

_FETCH = """
import sys, urllib.request
with urllib.request.urlopen(sys.argv[1], timeout=10) as answer:
    print(answer.read().decode())
"""


class Nvr:
    """`host` is what the settings call `nvr.host`."""

    def __init__(self, container: Container, port: int = 8080) -> None:
        self._container = container
        self._port = port
        self._unit = f"nvr-{port}.service"
        self.host = f"http://127.0.0.1:{port}"
        if not container.path("/opt/nvr").exists():
            copy_tree(container.path("/opt/nvr"), "reolink_timelapsed")

    def start(self) -> None:
        """Start it, if it does not run: it does not outlast the machine."""
        if self._answers():
            return
        self._container.run(
            *("systemd-run", f"--unit={self._unit}", "--collect", "--quiet"),
            *("--working-directory=/opt/nvr", "--setenv=PYTHONDONTWRITEBYTECODE=1"),
            *("python3", "-m", "reolink_timelapsed.simulator"),
            *("--port", str(self._port), "--username", USER, "--password", PASSWORD),
        )
        wait_for("the simulated NVR listens", 20, self._answers)

    def stop(self) -> None:
        self._container.run("systemctl", "stop", self._unit)

    def log(self) -> list[dict[str, Any]]:
        """Return the requests so far, oldest first."""
        found: list[dict[str, Any]] = self._get("log")
        return found

    def commands(self) -> list[str]:
        return [request["cmd"] for request in self.log()]

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = self._get("state")
        return found

    def _get(self, what: str) -> Any:
        return json.loads(self._container.python(_FETCH, f"{self.host}/simulator/{what}"))

    def _answers(self) -> bool:
        url = f"{self.host}/simulator/state"
        return self._container.run("python3", "-c", _FETCH, url, check=False).returncode == 0
