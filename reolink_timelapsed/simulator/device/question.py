"""The simulated device as it stands, and a command put to it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Any, Literal

from reolink_timelapsed.simulator.device.cameras import SimulatedCamera

StatusForm = Literal["newer", "guide", "oldest", "missing"]
EncForm = Literal["newer", "older"]


@dataclass
class Device:
    """The recorder itself; every field may be changed while it runs.

    `status_form` is the shape of GetChannelstatus (guide 3.1.20, with typeInfo; newer, with sleep
    and uid; oldest, without names; missing, answered -9). `enc_form` "older" leaves width and
    height out. A `guest` account is refused details with -26. `clock_error` is how far the device's
    own clock is ahead; `clock_never_set` puts it into the year 1970. `zone` None is the machine's
    own. A `standalone` device is one camera without a recorder.
    """

    name: str = "NVR"
    model: str = "RLN8-410"
    kind: str = "NVR"
    firmware: str = "v3.5.1.368_25010352"
    slots_for_cameras: int = 8
    status_form: StatusForm = "newer"
    enc_form: EncForm = "newer"
    standalone: bool = False
    offline_code: int = -99
    invalid_channel_code: int = -49
    guest: bool = False
    refuses_ability: bool = False
    url_passwords: bool = True
    """Whether Snap takes user and password in place of a token; newer hubs do not."""
    weekly_reboot: bool = False
    """Sundays 02:00 local time (guide 3.3, AutoMaint)."""
    odd_logout: bool = False
    """The answer to Logout is a string of odd characters."""
    crashes_on: str = ""
    """A command that reboots it; GetPush does so on some firmware."""
    zone: tzinfo | None = None
    clock_error: timedelta = field(default_factory=timedelta)
    clock_never_set: bool = False

    def local(self, now: datetime) -> datetime:
        """Tell the right local time of the place where it stands."""
        return now.astimezone(self.zone)

    def own_time(self, now: datetime) -> datetime:
        """Tell the local time the device believes it is."""
        local = self.local(now) + self.clock_error
        return local.replace(year=1970) if self.clock_never_set else local


@dataclass(frozen=True)
class Question:
    """One command to answer: of which device, about which camera, when."""

    device: Device
    cameras: list[SimulatedCamera]
    camera: SimulatedCamera | None
    now: datetime
    monotonic: float


Reply = dict[str, Any] | int
"""The value of a good answer, or the rspCode of a bad one."""
