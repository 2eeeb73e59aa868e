"""A whole simulated day as pictures worth looking at, drawn by the `ffmpeg` command.

One ffmpeg per camera draws the day from a given moment on, and hands out its pictures through a
pipe as they are asked for, a few in advance. It needs an ffmpeg that reads SVG (librsvg), as
Debian's does; without a font the pictures lack their writing.
"""

import calendar
import logging
import os
import subprocess
import tempfile
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache
from typing import IO, Final, Self

from reolink_timelapsed.simulator.device.cameras import PictureError, Shot
from reolink_timelapsed.simulator.pictures.scenery import SCENES
from reolink_timelapsed.simulator.pictures.scenery.graph import Plan, command
from reolink_timelapsed.simulator.pictures.scenery.sky import light_map

log = logging.getLogger(__name__)

_END_OF_IMAGE: Final = b"\xff\xd9"
_PIPE_BYTES: Final = 1 << 20
"""About ten pictures ahead."""
_DAY_SECONDS: Final = 86400


class SceneError(PictureError):
    """ffmpeg cannot draw the scene; the message holds its words."""


class ScenePictures:
    """A picture source: the day of one painted scene, a picture every `step` seconds.

    `number` chooses the scene (0 lake, 1 street, and so on round). Pictures are served by the
    local time of day, in `zone` or the machine's own. Call `close` to end its ffmpeg.
    """

    def __init__(self, number: int = 0, step: float = 60, zone: tzinfo | None = None) -> None:
        self._scene = SCENES[number % len(SCENES)]()
        self._step = step
        self._zone = zone
        self._stream: _Stream | None = None

    def __call__(self, shot: Shot) -> bytes:
        """Give the picture of the shot's moment. Raises SceneError."""
        local = shot.moment.astimezone(self._zone).replace(tzinfo=None)
        if self._stream is None or not self._stream.reaches(shot, local):
            self.close()
            self._stream = _Stream(self._plan(shot, local))
        return self._stream.picture(local)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the ffmpeg, if one runs."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _plan(self, shot: Shot, local: datetime) -> Plan:
        """Plan the day from the shot's moment to midnight."""
        second = local.hour * 3600 + local.minute * 60 + local.second + local.microsecond / 1e6
        first = int(second // self._step)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        start = midnight + timedelta(seconds=first * self._step)
        return Plan(
            scene=self._scene,
            name=shot.name,
            width=shot.width // 2 * 2,
            height=shot.height // 2 * 2,
            hour=first * self._step / 3600,
            epoch=calendar.timegm(start.timetuple()),
            step=self._step,
            frames=max(1, int(_DAY_SECONDS // self._step) - first),
            writing=can_write(),
        )


class _Stream:
    """One running ffmpeg and the pictures read from it."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._start = datetime(1970, 1, 1) + timedelta(seconds=plan.epoch)  # noqa: DTZ001
        self._inputs: list[IO[bytes]] = []
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        hours = (plan.hour + i * plan.step / 3600 for i in range(plan.frames))
        light = b"".join(light_map(hour, plan.scene.horizon) for hour in hours)
        arguments = command(plan, light, self._give)
        self._process = subprocess.Popen(
            arguments,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            pass_fds=[file.fileno() for file in self._inputs],
            pipesize=_PIPE_BYTES,
        )
        self._unread = b""
        self._picture = b""
        self._index = -1

    def reaches(self, shot: Shot, local: datetime) -> bool:
        """Tell whether it shows this camera and has not gone past this moment."""
        plan = self._plan
        same = (shot.name, shot.width // 2 * 2, shot.height // 2 * 2)
        wanted = self._number(local)
        here = max(0, self._index) <= wanted < plan.frames
        return here and same == (plan.name, plan.width, plan.height)

    def picture(self, local: datetime) -> bytes:
        """Give the picture of a local moment, reading on as far as needed."""
        wanted = self._number(local)
        while self._index < wanted:
            self._picture = self._next()
            self._index += 1
        return self._picture

    def close(self) -> None:
        """Kill ffmpeg and close all files."""
        self._process.kill()
        self._process.communicate()
        for file in (*self._inputs, self._errors):
            file.close()

    def _number(self, local: datetime) -> int:
        return int((local - self._start).total_seconds() // self._plan.step)

    def _next(self) -> bytes:
        """Read the next picture off the pipe."""
        pipe = self._process.stdout
        assert pipe is not None  # noqa: S101
        while (end := self._unread.find(_END_OF_IMAGE)) < 0:
            data = os.read(pipe.fileno(), _PIPE_BYTES)
            if not data:
                raise SceneError(f"ffmpeg cannot draw the scene: {self._complaint()}")
            self._unread += data
        picture, self._unread = self._unread[: end + 2], self._unread[end + 2 :]
        return picture

    def _complaint(self) -> str:
        self._process.wait()
        self._errors.seek(0)
        words = self._errors.read().decode(errors="replace").strip().splitlines()
        status = f"exit status {self._process.returncode}"
        return "; ".join([status, *words[-3:]])

    def _give(self, data: bytes) -> str:
        """Put bytes where ffmpeg can read them: an open file without a name."""
        file = tempfile.TemporaryFile()  # noqa: SIM115
        file.write(data)
        file.seek(0)
        self._inputs.append(file)
        return f"/dev/fd/{file.fileno()}"


@lru_cache(maxsize=1)
def can_write() -> bool:
    """Try whether ffmpeg finds a font to write with; say so once if it does not."""
    source = "color=black:s=64x64,drawtext=text=x"
    run = subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-frames:v", "1", "-f", "null", "-"],
        capture_output=True,
        check=False,
    )
    if run.returncode != 0:
        log.warning(
            "ffmpeg finds no font: the pictures carry no name and no time of day"
            " (on Debian: apt install fonts-dejavu-core)"
        )
    return run.returncode == 0
