"""What the simulated device says of its cameras, and what their pictures are."""

import subprocess
from collections.abc import Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from reolink_timelapsed.simulator import Kind, PictureError, Shot, SimulatedCamera, SimulatedNvr
from reolink_timelapsed.simulator.device.cameras import split_number
from reolink_timelapsed.simulator.pictures.mosaic import read_number
from tests.simulator.nvr_client import Client, Reply, StillClock


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def nvr(clock: StillClock) -> Iterator[SimulatedNvr]:
    cameras = [
        SimulatedCamera(0, "Front Door", latency=0.3),
        SimulatedCamera(2, "", width=320, height=192),
        SimulatedCamera(9, "Shed", battery=True),
    ]
    with SimulatedNvr(cameras, clock=clock) as nvr:
        yield nvr


@pytest.fixture
def client(nvr: SimulatedNvr) -> Client:
    client = Client(nvr)
    client.login()
    return client


def decode(picture: bytes) -> tuple[int, int, int | None]:
    """Decode a picture with ffmpeg: width, height, and the number in it."""
    show = "-show_entries stream=width,height -of csv=p=0"
    probe = ["ffprobe", "-v", "error", *show.split(), "-"]
    size = subprocess.run(probe, input=picture, capture_output=True, check=True).stdout
    width, height = (int(part) for part in size.split(b","))
    grey = ["ffmpeg", "-v", "quiet", "-i", "-", "-pix_fmt", "gray", "-f", "rawvideo", "-"]
    frame = subprocess.run(grey, input=picture, capture_output=True, check=True).stdout
    return width, height, read_number(frame, width, height)


def again(client: Client, channel: int = 0, query: str = "") -> Reply:
    """Take another snapshot, after the prescribed gap."""
    client.nvr.clock.sleep(0.5)
    return client.snap(channel, query)


def test_the_newer_channel_status(client: Client) -> None:
    value = client.ask("GetChannelstatus").value[0]["value"]
    assert value["count"] == 10
    assert list(value["status"][0]) == ["channel", "name", "online", "sleep", "uid"]
    online = {s["channel"]: (s["name"], s["sleep"]) for s in value["status"] if s["online"]}
    assert online == {0: ("Front Door", 0), 2: ("", 0), 9: ("Shed", 1)}
    assert value["status"][1] == {"channel": 1, "name": "", "online": 0, "sleep": 0, "uid": ""}


def test_the_channel_status_of_the_guide(nvr: SimulatedNvr, client: Client) -> None:
    nvr.device.status_form = "guide"
    first = client.ask("GetChannelstatus").value[0]["value"]["status"][0]
    expected = {"channel": 0, "name": "Front Door", "online": 1, "typeInfo": "RLC-810A"}
    assert first == expected


def test_the_oldest_channel_status(nvr: SimulatedNvr, client: Client) -> None:
    nvr.device.status_form = "oldest"
    status = client.ask("GetChannelstatus").value[0]["value"]["status"]
    assert status[:2] == [{"channel": 0, "online": 1}, {"channel": 1, "online": 0}]


def test_no_channel_status_at_all(nvr: SimulatedNvr, client: Client) -> None:
    nvr.device.status_form = "missing"
    assert client.ask("GetChannelstatus").code == -9
    assert client.ask("GetDevInfo").value[0]["value"]["DevInfo"]["channelNum"] == 10


def test_a_camera_without_a_recorder(nvr: SimulatedNvr, client: Client) -> None:
    nvr.device.standalone = True
    nvr.cameras = [SimulatedCamera(0, "Yard")]
    info = client.ask("GetDevInfo").value[0]["value"]["DevInfo"]
    assert (info["type"], info["channelNum"]) == ("IPC", 1)
    assert client.ask("GetChannelstatus").code == -9
    assert client.snap(0).headers["Content-Type"] == "image/jpeg"


def test_stream_settings_in_both_forms(nvr: SimulatedNvr, client: Client) -> None:
    newer = client.ask("GetEnc", {"channel": 0}).value[0]["value"]["Enc"]["mainStream"]
    assert (newer["width"], newer["height"], newer["size"]) == (640, 360, "640*360")
    nvr.device.enc_form = "older"
    older = client.ask("GetEnc", {"channel": 0}).value[0]["value"]["Enc"]["mainStream"]
    assert "width" not in older
    assert (older["size"], older["frameRate"]) == ("640*360", 15)


def test_a_guest_is_refused_details_but_may_snap(nvr: SimulatedNvr, client: Client) -> None:
    nvr.device.guest = nvr.device.refuses_ability = True
    assert client.ask("GetOsd", {"channel": 0}).code == -26
    assert client.ask("GetEnc", {"channel": 0}).code == -26
    assert client.ask("GetAbility", {"User": {"userName": "timelapse"}}).code == -26
    assert client.snap(0).status == 200


def test_an_unknown_command_is_not_supported(client: Client) -> None:
    assert client.ask("GetEverything").code == -9


def test_the_clock_in_its_zone(nvr: SimulatedNvr, client: Client) -> None:
    nvr.device.zone = ZoneInfo("Europe/Berlin")
    value = client.ask("GetTime").value[0]["value"]
    assert (value["Time"]["hour"], value["Time"]["timeZone"]) == (5, -3600)
    assert value["Dst"]["enable"] == 0
    nvr.device.clock_error = timedelta(hours=-2)
    assert client.ask("GetTime").value[0]["value"]["Time"]["hour"] == 3
    nvr.device.clock_never_set = True
    assert client.ask("GetTime").value[0]["value"]["Time"]["year"] == 1970


def test_summer_time_is_apart_from_the_zone() -> None:
    summer = StillClock(StillClock().now() - timedelta(days=140))
    with SimulatedNvr([], clock=summer) as nvr:
        nvr.device.zone = ZoneInfo("Europe/Berlin")
        client = Client(nvr)
        client.login()
        value = client.ask("GetTime").value[0]["value"]
    assert (value["Time"]["hour"], value["Time"]["timeZone"]) == (6, -3600)
    assert (value["Dst"]["enable"], value["Dst"]["startMon"]) == (1, 3)


def test_a_snapshot_takes_its_time_and_carries_channel_and_count(
    client: Client, clock: StillClock
) -> None:
    before = clock.monotonic()
    pictures = [client.snap(0).body, again(client).body]
    assert clock.monotonic() - before == pytest.approx(0.3 + 0.5 + 0.3)
    read = [decode(picture) for picture in pictures]
    assert [r[:2] for r in read] == [(640, 360)] * 2
    assert [split_number(r[2] or 0) for r in read] == [(0, 0), (0, 1)]
    assert [r.count for r in client.nvr.log if r.cmd == "Snap"] == [0, 1]


def test_channels_that_are_not_there(nvr: SimulatedNvr, client: Client) -> None:
    assert client.snap(1).code == -49
    assert again(client, 77).code == -49
    nvr.device.invalid_channel_code = -4
    assert again(client, 77).code == -4


def test_cameras_go_come_are_renamed_and_move(nvr: SimulatedNvr, client: Client) -> None:
    uid = nvr.cameras[0].uid
    nvr.cameras[0].channel, nvr.cameras[0].name = 5, "Back Door"
    nvr.cameras[1].online = False
    nvr.cameras.append(SimulatedCamera(7, "New"))
    status = client.ask("GetChannelstatus").value[0]["value"]["status"]
    assert (status[5]["name"], status[5]["uid"]) == ("Back Door", uid)
    assert [s["channel"] for s in status if s["online"]] == [5, 7, 9]
    assert client.snap(2).code == -99
    assert client.ask("GetOsd", {"channel": 2}).code == -99
    assert again(client, 7).status == 200


def test_an_offline_camera_for_a_while(nvr: SimulatedNvr, client: Client) -> None:
    nvr.misbehave(Kind.OFFLINE, channel=0, lasts=60)
    assert client.snap(0).code == -99
    assert again(client, 2).headers["Content-Type"] == "image/jpeg"
    nvr.clock.sleep(60)
    assert again(client, 0).headers["Content-Type"] == "image/jpeg"


def test_a_camera_whose_pictures_always_fail(nvr: SimulatedNvr, client: Client) -> None:
    nvr.cameras[0].snap_code = -17
    assert [again(client).code for _ in range(3)] == [-17] * 3


def test_a_sleeping_camera_is_woken_by_a_snap_and_stays_up_five_minutes(
    nvr: SimulatedNvr, client: Client
) -> None:
    camera = nvr.cameras[2]
    client.ask("GetChannelstatus")
    client.ask("GetBatteryInfo", {"channel": 9})
    assert camera.wakes == 0
    assert client.snap(9).code == -12
    assert again(client, 9).code == -12
    nvr.clock.sleep(6)
    assert again(client, 9).headers["Content-Type"] == "image/jpeg"
    nvr.clock.sleep(290)
    assert again(client, 9).headers["Content-Type"] == "image/jpeg"
    assert camera.wakes == 1
    assert client.ask("GetChannelstatus").value[0]["value"]["status"][9]["sleep"] == 0
    nvr.clock.sleep(301)
    assert client.ask("GetChannelstatus").value[0]["value"]["status"][9]["sleep"] == 1
    assert client.ask("GetEnc", {"channel": 9}).code == -12
    assert camera.wakes == 2


def test_the_battery_is_read_without_waking(nvr: SimulatedNvr, client: Client) -> None:
    value = client.ask("GetBatteryInfo", {"channel": 9}).value[0]["value"]["Battery"]
    assert value["adapterStatus"] == 0
    assert nvr.cameras[2].wakes == 0
    assert client.ask("GetBatteryInfo", {"channel": 0}).code == -9


def test_sizes_a_picture_may_have(nvr: SimulatedNvr, client: Client) -> None:
    camera = nvr.cameras[0]
    sized = "&width=320&height=240"
    assert decode(client.snap(0, sized).body)[:2] == (640, 360)
    camera.honours_size = True
    assert decode(again(client, 0, sized).body)[:2] == (320, 240)
    assert again(client, 0, "&width=10&height=10").code == -48
    camera.honours_snap_type = True
    camera.sub_size = (400, 300)
    assert decode(again(client, 0, "&snapType=sub").body)[:2] == (400, 300)
    camera.snap_size = (896, 512)
    assert decode(again(client).body)[:2] == (896, 512)


def test_a_second_lens_gives_another_picture(nvr: SimulatedNvr, client: Client) -> None:
    seen: list[Shot] = []

    def keep(shot: Shot) -> bytes:
        seen.append(shot)
        return b"\xff\xd8\xff\xd9"

    nvr.cameras[0].picture = keep
    nvr.cameras[0].second_lens = True
    client.snap(0)
    again(client, 0, "&iLogicChannel=1")
    assert [shot.lens for shot in seen] == [0, 1]


def test_a_picture_that_cannot_be_made_is_minus_48(nvr: SimulatedNvr, client: Client) -> None:
    def fail(_: Shot) -> bytes:
        raise PictureError("no paint")

    nvr.cameras[0].picture = fail
    assert client.snap(0).code == -48


def test_pictures_can_be_as_large_as_real_ones(nvr: SimulatedNvr, client: Client) -> None:
    nvr.cameras[0].min_bytes = 300_000
    body = client.snap(0).body
    assert 300_000 <= len(body) < 310_000
    assert decode(body)[2] is not None
