"""Run a simulated NVR as a process of its own: python -m reolink_timelapsed.simulator."""

import argparse
import json
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from reolink_timelapsed.simulator.control import allow_control
from reolink_timelapsed.simulator.device.cameras import SimulatedCamera, mosaic_picture
from reolink_timelapsed.simulator.faults.faults import Kind, Misbehaviour
from reolink_timelapsed.simulator.http.tls import make_certificate
from reolink_timelapsed.simulator.nvr import SimulatedNvr
from reolink_timelapsed.simulator.pictures.scene import ScenePictures
from reolink_timelapsed.simulator.pictures.scenery import SCENES
from reolink_timelapsed.simulator.rules import Request

_NAMES = ("Lake View", "Front Street", "Garden", "Garage", "Gate", "Barn", "Terrace", "Yard")


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; the first line on standard output is the address."""
    options = _options(arguments)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with tempfile.TemporaryDirectory() as folder:
        nvr = SimulatedNvr(
            cameras=[_camera(channel, options) for channel in range(options.cameras)],
            username=options.username,
            password=options.password,
            slots=options.slots,
            lease_seconds=options.lease_seconds,
            tls=make_certificate(Path(folder)) if options.tls else None,
            port=options.port,
        )
        for fault in options.misbehave:
            nvr.misbehave(fault)
        allow_control(nvr)
        with _journal(options.log) as nvr.observer:
            return _serve(nvr, stop)


def _serve(nvr: SimulatedNvr, stop: threading.Event) -> int:
    with nvr:
        print(f"simulated NVR ready at {nvr.url}", flush=True)  # noqa: T201
        stop.wait()
    for rule in nvr.broken_rules():
        print(f"broken rule: {rule}", file=sys.stderr)  # noqa: T201
    return 0


@contextmanager
def _journal(path: Path | None) -> Iterator[Callable[[Request], None] | None]:
    """Open what writes ended requests to a file, one JSON object a line."""
    if path is None:
        yield None
        return
    with path.open("a", encoding="utf-8", buffering=1) as file:
        yield lambda request: print(json.dumps(request.to_json()), file=file)


def _camera(channel: int, options: argparse.Namespace) -> SimulatedCamera:
    width, height = options.size
    name = _NAMES[channel] if channel < len(_NAMES) else f"Camera {channel + 1}"
    picture = ScenePictures(channel, step=options.scene_step) if options.scene else mosaic_picture
    return SimulatedCamera(
        channel=channel,
        name=name,
        width=width,
        height=height,
        latency=options.latency,
        picture=picture,
    )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m reolink_timelapsed.simulator",
        description="A simulated Reolink NVR on the loopback, for trying the daemon against it.",
    )
    add = parser.add_argument
    add("--port", type=int, default=8080, help="0 takes a free one; default %(default)s")
    add("--cameras", type=int, default=2, help="how many; default %(default)s")
    add("--size", type=_size, default=(1280, 720), help="of the pictures; default 1280x720")
    add("--username", default="timelapse", help="default %(default)s")
    add("--password", default="secret", help="default %(default)s")
    add("--slots", type=int, default=2, help="sessions at once; default %(default)s")
    add("--lease-seconds", type=float, default=3600, help="default %(default)s")
    add("--latency", type=float, default=0.1, help="seconds per snapshot; default %(default)s")
    add("--tls", action="store_true", help="speak https, with a fresh self-signed certificate")
    add("--scene", action="store_true", help=f"{len(SCENES)} painted places, not number mosaics")
    add("--scene-step", type=float, default=15, help="seconds from picture to picture")
    add("--log", type=Path, help="append every request to this file, one JSON object a line")
    add(
        "--misbehave",
        type=_fault,
        action="append",
        default=[],
        metavar="JSON|KIND",
        help='such as empty, or {"kind": "rsp_code", "cmd": "Snap", "code": -17}; kinds: '
        + ", ".join(Kind),
    )
    return parser.parse_args(arguments)


def _size(text: str) -> tuple[int, int]:
    width, height = (int(part) for part in text.lower().split("x"))
    return width, height


def _fault(text: str) -> Misbehaviour:
    value = json.loads(text) if text.startswith("{") else {"kind": text}
    return Misbehaviour.from_json(value)


if __name__ == "__main__":
    raise SystemExit(main())
