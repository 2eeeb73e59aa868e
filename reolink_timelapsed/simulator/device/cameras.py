"""The cameras behind the simulated NVR, and where their pictures come from."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from zlib import crc32

from reolink_timelapsed.simulator.pictures.mosaic import Sampling, mosaic_jpeg

STAYS_AWAKE_SECONDS: Final = 300.0


class PictureError(Exception):
    """A picture source cannot give its picture."""


@dataclass(frozen=True)
class Shot:
    """One picture to be taken: of which camera, when (aware, UTC), how large.

    `count` numbers the pictures of one camera from 0. `lens` is 1 for the second lens.
    """

    channel: int
    name: str
    moment: datetime
    count: int
    width: int
    height: int
    lens: int = 0
    min_bytes: int = 0
    sampling: Sampling = "4:2:0"


PictureSource = Callable[[Shot], bytes]
"""Gives the picture of a shot. May raise PictureError, which the device answers with -48."""


def shot_number(channel: int, count: int) -> int:
    """Combine what a mosaic carries: the channel (8 bits) and the count of its pictures."""
    return channel << 32 | count


def split_number(number: int) -> tuple[int, int]:
    """Take the number of a mosaic apart: channel and count."""
    return number >> 32, number & 0xFFFFFFFF


def mosaic_picture(shot: Shot) -> bytes:
    """Draw the mosaic of a shot; `mosaic.read_number` finds `shot_number` in it."""
    return mosaic_jpeg(
        shot_number(shot.channel, shot.count),
        shot.width,
        shot.height,
        sampling=shot.sampling,
        hue=shot.channel + 3 * shot.lens,
        min_bytes=shot.min_bytes,
    )


@dataclass
class SimulatedCamera:
    """A camera; every field may be changed while the NVR runs.

    `latency` and `wake_seconds` in seconds, spent through the NVR's clock. `snap_size` is what Snap
    gives when it differs from the stream (896x512 on some kits). `online` is what the channel
    status says; a `dead` camera still says online while its commands hang. `snap_code` makes every
    Snap fail with that rspCode (-17 for ever on some firmware). `without_size` is what a Snap gets
    that asks for no size of a stream of its own: an HTTP status (404 on an RLC-423), an rspCode, or
    0 for an empty picture.
    """

    channel: int
    name: str = ""
    width: int = 640
    height: int = 360
    fps: int = 15
    model: str = "RLC-810A"
    uid: str = ""
    online: bool = True
    called_offline: bool = False
    """Whether the channel status says offline although the camera works."""
    dead: bool = False
    latency: float = 0.0
    snap_size: tuple[int, int] | None = None
    sub_size: tuple[int, int] = (640, 360)
    honours_size: bool = False
    honours_snap_type: bool = False
    second_lens: bool = False
    snap_code: int | None = None
    without_size: int | None = None
    min_bytes: int = 0
    sampling: Sampling = "4:2:0"
    picture: PictureSource = mosaic_picture
    battery: bool = False
    wake_seconds: float = 6.5
    waking_code: int = -12
    wakes: int = 0
    """How often a sleeping battery camera was woken."""
    count: int = 0
    """How many pictures it has taken."""
    last_picture: bytes = field(default=b"", repr=False)
    off_until: float = float("-inf")
    dead_until: float = float("-inf")
    _woken: float = float("-inf")

    def __post_init__(self) -> None:
        if not self.uid:
            self.uid = f"9527{crc32(f'{self.channel} {self.name}'.encode()):010d}AB"

    def is_online(self, monotonic: float) -> bool:
        """Tell whether the channel status says online."""
        return self.online and monotonic >= self.off_until

    def is_dead(self, monotonic: float) -> bool:
        """Tell whether its commands hang."""
        return self.dead or monotonic < self.dead_until

    def switch_off(self, until: float, *, silently: bool) -> None:
        """Be off until a moment; silently: the channel status goes on saying online."""
        if silently:
            self.dead_until = max(self.dead_until, until)
        else:
            self.off_until = max(self.off_until, until)

    def asleep(self, monotonic: float) -> bool:
        """Tell whether it sleeps; it stays up for five minutes after it was last used."""
        return self.battery and monotonic - self._woken >= self.wake_seconds + STAYS_AWAKE_SECONDS

    def touch(self, monotonic: float) -> bool:
        """Use the camera, which wakes it; True when it is up and ready."""
        if not self.battery:
            return True
        if self.asleep(monotonic):
            self.wakes += 1
            self._woken = monotonic
        ready = monotonic - self._woken >= self.wake_seconds
        if ready:
            self._woken = monotonic - self.wake_seconds
        return ready

    def snap(
        self, moment: datetime, query: dict[str, str], size: tuple[int, int] | None = None
    ) -> bytes:
        """Take a picture as the query asks, as far as this model honours it, or of a given size."""
        width, height = size or self._size(query)
        lens = 1 if self.second_lens and query.get("iLogicChannel") == "1" else 0
        shot = Shot(
            self.channel,
            self.name,
            moment,
            self.count,
            width,
            height,
            lens,
            self.min_bytes,
            self.sampling,
        )
        self.count += 1
        self.last_picture = self.picture(shot)
        return self.last_picture

    def lacks_size(self, query: dict[str, str]) -> bool:
        """Tell whether a Snap asks for no size, or for one that no stream has, and must not."""
        asked = (query.get("width", ""), query.get("height", ""))
        streams = ((self.width, self.height), self.sub_size)
        good = asked in {(str(width), str(height)) for width, height in streams}
        return self.without_size is not None and not good

    def _size(self, query: dict[str, str]) -> tuple[int, int]:
        if self.honours_size and "width" in query and "height" in query:
            return int(query["width"]), int(query["height"])
        if self.honours_snap_type and query.get("snapType") == "sub":
            return self.sub_size
        return self.snap_size or (self.width, self.height)
