"""What the simulated device answers to each command that only asks: plain functions of its state.

Shapes: Camera HTTP API User Guide v9, by the sections named; forms of older and newer firmware
as they were reported by users of other clients.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from reolink_timelapsed.simulator.device.cameras import SimulatedCamera
from reolink_timelapsed.simulator.device.question import Question, Reply, StatusForm


def device_info(question: Question) -> Reply:
    """GetDevInfo, 3.1.2."""
    device = question.device
    kind = "IPC" if device.standalone else device.kind
    info = {
        "B485": 0,
        "IOInputNum": 0,
        "IOOutputNum": 0,
        "audioNum": channel_slots(question),
        "buildDay": "build 25010352",
        "cfgVer": "v3.5.1.0",
        "channelNum": channel_slots(question),
        "detail": "NVR_N6MB01001000000000",
        "diskNum": 1,
        "exactType": kind,
        "firmVer": device.firmware,
        "frameworkVer": 1,
        "hardVer": "N6MB01",
        "model": device.model,
        "name": device.name,
        "pakSuffix": "pak",
        "serial": "00000000065536",
        "type": kind,
        "wifi": 0,
    }
    return {"DevInfo": info}


def channel_slots(question: Question) -> int:
    """How many inputs the device has, used or not."""
    if question.device.standalone:
        return 2 if any(c.second_lens for c in question.cameras) else 1
    highest = max((camera.channel for camera in question.cameras), default=0)
    return max(question.device.slots_for_cameras, highest + 1)


def channel_status(question: Question) -> Reply:
    """GetChannelstatus, 3.1.20, in one of its three forms."""
    form = question.device.status_form
    if form == "missing" or question.device.standalone:
        return -9
    by_channel = {camera.channel: camera for camera in question.cameras}
    count = channel_slots(question)
    return {
        "count": count,
        "status": [
            _status(form, channel, by_channel.get(channel), question.monotonic)
            for channel in range(count)
        ],
    }


def _status(
    form: StatusForm, channel: int, camera: SimulatedCamera | None, monotonic: float
) -> dict[str, Any]:
    online = int(camera is not None and camera.is_online(monotonic) and not camera.called_offline)
    if form == "oldest":
        return {"channel": channel, "online": online}
    name = camera.name if camera is not None and online else ""
    if form == "guide":
        model = camera.model if camera is not None and online else ""
        return {"channel": channel, "name": name, "online": online, "typeInfo": model}
    return {
        "channel": channel,
        "name": name,
        "online": online,
        "sleep": int(camera is not None and camera.asleep(monotonic)),
        "uid": camera.uid if camera is not None else "",
    }


def channel_type(question: Question) -> Reply:
    """GetChnTypeInfo, 3.1.22."""
    camera = question.camera
    if camera is None:
        return -4
    version = question.device.firmware
    return {
        "boardInfo": "IPC_523128M8MP",
        "firmVer": version,
        "pakSuffix": "pak",
        "typeInfo": camera.model,
    }


def encoding(question: Question) -> Reply:
    """GetEnc, 3.5.1; asking a sleeping battery camera wakes it."""
    camera = question.camera
    if camera is None:
        return -4
    if question.device.guest:
        return -26
    if not camera.touch(question.monotonic):
        return camera.waking_code
    older = question.device.enc_form == "older"
    return {
        "Enc": {
            "audio": 1,
            "channel": camera.channel,
            "mainStream": _stream(camera.width, camera.height, camera.fps, older),
            "subStream": _stream(*camera.sub_size, 7, older),
        }
    }


def _stream(width: int, height: int, fps: int, older: bool) -> dict[str, Any]:
    stream: dict[str, Any] = {
        "bitRate": 4096,
        "frameRate": fps,
        "profile": "High",
        "size": f"{width}*{height}",
    }
    if not older:
        stream |= {"gop": 2, "height": height, "vType": "h264", "width": width}
    return dict(sorted(stream.items()))


def on_screen(question: Question) -> Reply:
    """GetOsd, 3.4.3; refused to guests."""
    camera = question.camera
    if camera is None:
        return -4
    if question.device.guest:
        return -26
    return {
        "Osd": {
            "bgcolor": 0,
            "channel": camera.channel,
            "osdChannel": {"enable": 1, "name": camera.name[:31], "pos": "Lower Right"},
            "osdTime": {"enable": 1, "pos": "Top Center"},
            "watermark": 0,
        }
    }


def device_name(question: Question) -> Reply:
    """GetDevName: of the camera where a channel is given, else of the device."""
    camera = question.camera
    return {"DevName": {"name": question.device.name if camera is None else camera.name}}


def clock(question: Question) -> Reply:
    """GetTime, 3.1.5; timeZone is seconds west of UTC, summer time apart."""
    device = question.device
    own = device.own_time(question.now)
    local = device.local(question.now)
    summer = local.dst() or timedelta()
    east = (local.utcoffset() or timedelta()) - summer
    return {
        "Dst": _summer_time(summer),
        "Time": {
            "day": own.day,
            "hour": own.hour,
            "hourFmt": 0,
            "min": own.minute,
            "mon": own.month,
            "sec": own.second,
            "timeFmt": "DD/MM/YYYY",
            "timeZone": -int(east.total_seconds()),
            "year": own.year,
        },
    }


def _summer_time(summer: timedelta) -> dict[str, Any]:
    """Say when summer time is, as Europe has it; enabled while it is in force."""
    moments = {
        "start": {"Hour": 2, "Min": 0, "Mon": 3, "Sec": 0, "Week": 5, "Weekday": 0},
        "end": {"Hour": 3, "Min": 0, "Mon": 10, "Sec": 0, "Week": 5, "Weekday": 0},
    }
    flat = {f"{edge}{key}": value for edge, m in moments.items() for key, value in m.items()}
    return {"enable": int(bool(summer)), "offset": 1, **flat}


def ability(question: Question) -> Reply:
    """GetAbility, 3.1.1: a small part of the hundreds of keys a device gives."""
    if question.device.refuses_ability:
        return -26
    some = {"permit": 6, "ver": 1}
    per_channel = [
        {
            "battery": {"permit": 6, "ver": int(camera.battery)},
            "live": {"permit": 4, "ver": 2},
            "mainEncType": {"permit": 6, "ver": 0},
            "osd": some,
            "snap": some,
        }
        for camera in question.cameras
    ]
    features = ("devInfo", "devName", "localLink", "ntp", "reboot", "time", "tvSystem", "user")
    return {"Ability": {**dict.fromkeys(features, some), "abilityChn": per_channel}}


def battery(question: Question) -> Reply:
    """GetBatteryInfo, 3.1.21; does not wake the camera."""
    camera = question.camera
    if camera is None or not camera.battery:
        return -9
    return {
        "Battery": {
            "adapterStatus": 0,
            "batteryPercent": 87,
            "batteryVersion": 1,
            "channel": camera.channel,
            "chargeStatus": 0,
            "current": -42,
            "lowPowerFlag": 0,
            "temperature": 18,
            "voltage": 3941,
        }
    }


def _fixed(value: dict[str, Any]) -> Callable[[Question], Reply]:
    return lambda _: value


ANSWERS: Final[dict[str, Callable[[Question], Reply]]] = {
    "GetDevInfo": device_info,
    "GetChannelstatus": channel_status,
    "GetChnTypeInfo": channel_type,
    "GetEnc": encoding,
    "GetOsd": on_screen,
    "GetDevName": device_name,
    "GetTime": clock,
    "GetAbility": ability,
    "GetBatteryInfo": battery,
    "GetLocalLink": _fixed(
        {
            "LocalLink": {
                "activeLink": "LAN",
                "dns": {"auto": 1, "dns1": "192.0.2.1", "dns2": "192.0.2.1"},
                "mac": "02:00:5e:00:53:01",
                "static": {"gateway": "192.0.2.1", "ip": "192.0.2.10", "mask": "255.255.255.0"},
                "type": "DHCP",
            }
        }
    ),
    "GetNetPort": _fixed(
        {
            "NetPort": {
                "httpEnable": 1,
                "httpPort": 80,
                "httpsEnable": 1,
                "httpsPort": 443,
                "mediaPort": 9000,
                "onvifEnable": 1,
                "onvifPort": 8000,
                "rtmpEnable": 0,
                "rtmpPort": 1935,
                "rtspEnable": 1,
                "rtspPort": 554,
            }
        }
    ),
    "GetP2p": _fixed({"P2p": {"enable": 0, "uid": "95270000UNKNOWN1"}}),
    "GetHddInfo": _fixed(
        {"HddInfo": [{"capacity": 1907729, "format": 1, "id": 0, "mount": 1, "size": 65536}]}
    ),
    "GetUser": _fixed({"User": [{"level": "admin", "userName": "admin"}]}),
    "GetNtp": _fixed(
        {"Ntp": {"enable": 1, "interval": 1440, "port": 123, "server": "pool.ntp.org"}}
    ),
    "GetAutoMaint": _fixed(
        {"AutoMaint": {"enable": 1, "hour": 2, "min": 0, "sec": 0, "weekDay": "Sunday"}}
    ),
    "GetSysCfg": _fixed({"SysCfg": {"LockTime": 300, "allowedTimes": 5, "loginLock": 1}}),
}
"""Commands that only ask. Login, Logout, Snap and the session commands are the NVR's own."""

CANONICAL: Final = {
    name.lower(): name for name in (*ANSWERS, "Login", "Logout", "Snap", "GetPush", "GetOnline")
}
"""The device does not mind the case of a command, and answers in its own."""
