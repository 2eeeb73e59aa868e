"""Which cameras take part, and under which names: added, gone, renamed, moved, nameless, asleep."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from reolink_timelapsed.capture.cameras import Roster, everything
from reolink_timelapsed.config.settings import CaptureConfig
from reolink_timelapsed.frame import Camera
from reolink_timelapsed.simulator import Kind, SimulatedCamera, SimulatedNvr
from tests.support import DAY, Clockwork, Daemon, Journal, at, build, build_session, cameras

FRONT, YARD = "ch0_Front_Door", "ch1_Yard"
SHORT = 1.0
"""Seconds of real time for answers that never come; the others must come sooner."""

EVERY_TWO_MINUTES = CaptureConfig(interval=timedelta(minutes=2))


def folders(daemon: Daemon) -> list[str]:
    return daemon.store.camera_folders()


def asked(nvr: SimulatedNvr, cmd: str, channel: int) -> int:
    return sum(one.cmd == cmd and one.channel == channel for one in nvr.log)


def names(nvr: SimulatedNvr, folder: Path, clock: Clockwork) -> list[str]:
    """Return the folders of a roster that was asked once."""
    session = build_session(nvr, folder, clock)
    roster = Roster(session, CaptureConfig())
    roster.refresh(0.0)
    session.close()
    return [channel.camera.folder for channel in roster.channels]


# Names


@pytest.mark.parametrize(
    ("name", "camera"),
    [
        ("../../../etc", "ch0__________etc"),
        ("a/b", "ch0_a_b"),
        ("..", "ch0___"),
        ("日本語 🦊", "ch0______"),
        ("x" * 200, "ch0_" + "x" * 64),
        ("\x1b[31mred\n", "ch0__31mred"),
        ("0", "ch0_0"),  # junk, but the name in the picture is the same
    ],
)
def test_odd_names_stay_below_the_data_folder(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, name: str, camera: str
) -> None:
    nvr.cameras[0].name = name
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(4, 1.5))
    assert folders(daemon) == [camera, YARD]
    assert len(daemon.frames(camera)) == 2
    outside = {path.name for path in folder.iterdir()} - {"data", "state", "run"}
    assert not outside


def test_two_cameras_of_one_name(nvr: SimulatedNvr, folder: Path, clock: Clockwork) -> None:
    nvr.cameras[1].name = nvr.cameras[0].name
    assert names(nvr, folder, clock) == ["ch0_Front_Door", "ch1_Front_Door"]


def test_channel_numbers_need_not_be_contiguous(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    nvr.cameras = [camera for n in (1, 9, 10, 11) for camera in cameras(f"C{n}", first=n)]
    assert names(nvr, folder, clock) == ["ch1_C1", "ch9_C9", "ch10_C10", "ch11_C11"]


@pytest.mark.parametrize("form", ["guide", "oldest", "newer"])
def test_the_three_forms_of_the_status(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, form: str
) -> None:
    """The oldest gives no names: those in the pictures serve."""
    nvr.device.status_form = form  # type: ignore[assignment]
    assert names(nvr, folder, clock) == [FRONT, YARD]


def test_a_camera_without_nvr(nvr: SimulatedNvr, folder: Path, clock: Clockwork) -> None:
    nvr.device.standalone = True
    nvr.device.name = "Porch"
    nvr.cameras = cameras("Porch")
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(4, 4.5))
    assert len(daemon.frames("ch0_Porch")) == 5


def test_an_nvr_without_status_has_its_channels_counted(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    nvr.device.status_form = "missing"
    nvr.device.slots_for_cameras = 2
    assert names(nvr, folder, clock) == [FRONT, YARD]


def test_nameless_cameras_that_a_guest_may_not_ask_about(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    nvr.device.status_form = "oldest"
    nvr.device.guest = True
    assert names(nvr, folder, clock) == ["ch0_Camera", "ch1_Camera"]


def test_a_name_that_cannot_be_had_at_once_is_waited_for_and_not_for_ever(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    nvr.device.status_form = "oldest"
    nvr.misbehave(Kind.RSP_CODE, cmd="GetOsd", channel=0, code=-12, times=2)
    nvr.misbehave(Kind.RSP_CODE, cmd="GetOsd", channel=1, code=-12)
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(4, 9.5))
    assert folders(daemon) == ["ch0_Front_Door", "ch1_Camera"]
    assert len(daemon.frames(FRONT)) >= 7


# Coming and going


def test_a_new_camera_is_found_within_the_hour(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal
) -> None:
    clock.at(at(5, 10), lambda: nvr.cameras.extend(cameras("Barn", first=6)))
    daemon = build(nvr, folder, clock, EVERY_TWO_MINUTES)
    daemon.run(until=at(7))
    assert daemon.frames("ch6_Barn")[0].moment <= at(6, 10)
    assert "cameras have changed: + ch6_Barn" in journal.texts
    missing = daemon.record().missing("ch6_Barn", at(6, 59))
    assert list(missing) == ["not on the NVR's list"]
    assert len(daemon.frames("ch6_Barn")) + missing["not on the NVR's list"] == 90


def test_a_renamed_camera_is_another_one(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal
) -> None:
    def rename() -> None:
        nvr.cameras[1].name = "Garden"

    clock.at(at(5, 10), rename)
    daemon = build(nvr, folder, clock, EVERY_TWO_MINUTES)
    daemon.run(until=at(7))
    last, first = daemon.frames(YARD)[-1], daemon.frames("ch1_Garden")[0]
    assert last.moment < first.moment <= at(6, 10)
    assert "cameras have changed: + ch1_Garden, - ch1_Yard" in journal.texts
    told = "ch1_Yard is called ch1_Garden now: this day gets a video under each name"
    assert sum(text.startswith(told) for text in journal.texts) == 1
    again = build(nvr, folder, clock, EVERY_TWO_MINUTES)
    again.run(until=at(8))
    assert sum(text.startswith(told) for text in journal.texts) == 1
    assert folders(daemon) == [FRONT, "ch1_Garden", YARD]


def test_a_camera_that_was_renamed_while_nobody_looked_is_told_of(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal
) -> None:
    build(nvr, folder, clock).run(until=at(4, 3.5))
    nvr.cameras[1].name = "Garden"
    build(nvr, folder, clock).run(until=at(4, 6.5))
    assert any(text.startswith("ch1_Yard is called ch1_Garden now") for text in journal.texts)


def test_a_camera_that_moves_to_another_channel_is_found_at_its_next_error(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal
) -> None:
    def move() -> None:
        nvr.cameras[1].channel = 6

    clock.at(at(4, 30.5), move)
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(5, -0.1))
    assert daemon.frames("ch6_Yard")[0].moment <= at(4, 34)
    assert "cameras have changed: + ch6_Yard, - ch1_Yard" in journal.texts
    assert asked(nvr, "Snap", 1) < 40


def test_a_camera_that_is_unplugged_and_comes_back(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal
) -> None:
    """Newer firmware then lists it without its name."""
    clock.at(at(4, 30.5), lambda: setattr(nvr.cameras[1], "online", False))
    clock.at(at(5, 29.5), lambda: setattr(nvr.cameras[1], "online", True))
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(7, -0.1))
    assert folders(daemon) == [FRONT, YARD]
    gap = [one.moment for one in daemon.frames(YARD) if at(4, 31) < one.moment < at(6)]
    assert gap[0] <= at(5, 40)
    missing = daemon.record().missing(YARD, at(7, -0.1))
    assert list(missing) == ["offline"]
    assert len(daemon.frames(YARD)) + missing["offline"] == 180
    assert len(daemon.frames(FRONT)) == 180
    lines = [text for text in journal.texts if YARD in text and "pictures" in text]
    assert len(lines) == 3  # its size at the start, bad, good again


@pytest.mark.parametrize("fault", ["offline", "dead", -17, -9])
def test_a_bad_camera_costs_the_journal_two_lines_however_long_it_lasts(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal, fault: str | int
) -> None:
    hours = 3 if fault == "dead" else 50  # each question to a dead one takes real time

    def spoil(*, bad: bool) -> None:
        yard = nvr.cameras[1]
        yard.online = not (bad and fault == "offline")
        yard.dead = bad and fault == "dead"
        yard.snap_code = fault if bad and isinstance(fault, int) else None

    clock.at(at(5, 0.5), lambda: spoil(bad=True))
    clock.at(at(5 + hours, 0.5), lambda: spoil(bad=False))
    session = build_session(nvr, folder / "state", clock, timeout=SHORT)
    config = CaptureConfig(interval=timedelta(minutes=10))
    daemon = build(nvr, folder, clock, config, session=session)
    daemon.run(until=at(5 + hours + 3))
    told = [text for text in journal.texts if YARD in text and "frames: " not in text]
    assert len(told) == 4  # the cameras and their sizes at the start; bad; good again
    assert f"{YARD} gives no pictures" in told[2]
    assert f"{YARD} gives pictures again after {'2 d' if hours > 24 else '3 h'}" in told[3]
    for day in range(hours // 24):
        assert len(daemon.frames(FRONT, DAY + timedelta(days=day))) == 108
    assert set(daemon.record().missing(FRONT, clock.now())) == set()


def test_a_camera_that_is_called_offline_and_gives_pictures(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal
) -> None:
    def lie() -> None:
        nvr.cameras[1].called_offline = True

    clock.at(at(4, 30.5), lie)
    daemon = build(nvr, folder, clock, EVERY_TWO_MINUTES)
    daemon.run(until=at(9, -0.1))
    assert len(daemon.frames(YARD)) == 150
    assert journal.warnings() == []
    again = build(nvr, folder, clock, EVERY_TWO_MINUTES)
    again.run(until=at(10, -0.1))
    assert len(again.frames(YARD)) >= 178  # it was believed until the first probe


def test_a_restart_while_a_camera_is_off_keeps_its_place(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    build(nvr, folder, clock).run(until=at(4, 9.5))
    nvr.cameras[1].online = False
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(4, 29.5))
    assert folders(daemon) == [FRONT, YARD]
    assert daemon.record().missing(YARD, at(4, 29.5)) == {"offline": 20}
    nvr.cameras[1].online = True
    daemon.run(until=at(5, 29.5))
    assert folders(daemon) == [FRONT, YARD]
    assert daemon.frames(YARD)[-1].moment > at(5, 28)


def test_a_camera_that_is_gone_for_good_is_forgotten_after_a_day(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    session = build_session(nvr, folder, clock)
    roster = Roster(session, CaptureConfig(), known=[Camera(5, "Old"), Camera(0, "Front_Door")])
    hours = {}
    for hour in range(0, 30, 6):
        roster.refresh(hour * 3600.0)
        hours[hour] = [channel.number for channel in roster.channels]
    assert hours == {0: [0, 1, 5], 6: [0, 1, 5], 12: [0, 1, 5], 18: [0, 1, 5], 24: [0, 1]}
    session.close()


# Two things of one identifier


HOURS = range(0, 36, 6)
LENSES = [SimulatedCamera(2, "Duo", uid="U2"), SimulatedCamera(3, "Duo", uid="U2")]
NAMESAKES = [SimulatedCamera(2, "Cam", uid="U2"), SimulatedCamera(3, "Cam", uid="U3")]


@pytest.mark.parametrize("pair", [LENSES, NAMESAKES], ids=["lenses", "namesakes"])
@pytest.mark.parametrize("form", ["newer", "guide"])
@pytest.mark.parametrize("lost", [2, 3])
@pytest.mark.parametrize("is_known", [False, True])
def test_what_shares_an_identifier_and_is_missing_stays_for_its_day(  # noqa: PLR0917
    nvr: SimulatedNvr,
    folder: Path,
    clock: Clockwork,
    pair: list[SimulatedCamera],
    form: str,
    lost: int,
    is_known: bool,
) -> None:
    """`guide` tells no UIDs; nor do the folders on disk, by which a new process knows cameras."""
    nvr.device.status_form = form  # type: ignore[assignment]
    session = build_session(nvr, folder, clock)
    known = [Camera(one.channel, one.name) for one in pair]
    roster = Roster(session, CaptureConfig(), known=known if is_known else ())
    nvr.cameras = pair
    if not is_known:
        roster.refresh(0.0)
    nvr.cameras = [one for one in pair if one.channel != lost]
    seen = {}
    for hour in HOURS:
        roster.refresh(hour * 3600.0)
        seen[hour] = [channel.number for channel in roster.channels]
    assert seen == {hour: [2, 3] if hour < 24 else [5 - lost] for hour in HOURS}
    nvr.cameras = pair
    roster.refresh(40 * 3600.0)
    assert [channel.camera.folder for channel in roster.channels] == [
        f"ch{one.channel}_{one.name}" for one in pair
    ]
    session.close()


def test_one_of_two_that_share_an_identifier_moves_and_the_other_stays(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    session = build_session(nvr, folder, clock)
    roster = Roster(session, CaptureConfig())
    nvr.cameras = LENSES
    roster.refresh(0.0)
    nvr.cameras = [SimulatedCamera(6, "Duo", uid="U2")]
    roster.refresh(3600.0)
    assert [channel.number for channel in roster.channels] == [3, 6]
    session.close()


def test_a_move_is_seen_though_uids_are_told_of_some_alone(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    session = build_session(nvr, folder, clock)
    roster = Roster(session, CaptureConfig(), known=[Camera(1, "Yard"), Camera(0, "Front_Door")])
    nvr.cameras[1].channel = 6
    roster.refresh(0.0)
    assert [channel.camera.folder for channel in roster.channels] == [FRONT, "ch6_Yard"]
    session.close()


def test_the_name_of_another_camera_on_a_channel_is_not_kept(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    """It is off, and so has no name in the list; whose it was says the UID."""
    session = build_session(nvr, folder, clock)
    roster = Roster(session, CaptureConfig())
    roster.refresh(0.0)
    nvr.cameras[1].online = False
    roster.refresh(3600.0)
    assert [channel.camera.folder for channel in roster.channels] == [FRONT, YARD]
    nvr.cameras[1].uid = "another"
    roster.refresh(7200.0)
    assert [channel.camera.folder for channel in roster.channels] == [FRONT, YARD]
    assert roster.channels[1].uid != "another"
    session.close()


@pytest.mark.parametrize("form", ["oldest", "newer"])
def test_everything_has_the_name_that_it_will_be_captured_by(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, form: str
) -> None:
    nvr.device.status_form = form  # type: ignore[assignment]
    nvr.cameras += [
        SimulatedCamera(2, "Gate", battery=True),
        SimulatedCamera(3, "Garage", online=False),
    ]
    session = build_session(nvr, folder, clock)
    found = [(one.number, one.name, one.online) for one in everything(session)]
    off = [(3, "", False)] if form == "newer" else []  # the oldest does not list what is off
    assert found == [(0, "Front Door", True), (1, "Yard", True), (2, "Gate", True), *off]
    session.close()


def test_only_the_channels_of_the_configuration(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal
) -> None:
    daemon = build(
        nvr, folder, clock, CaptureConfig(interval=timedelta(minutes=1), channels=(1, 7))
    )
    daemon.run(until=at(6))
    assert folders(daemon) == [YARD]
    assert asked(nvr, "Snap", 0) == 0
    (warning,) = journal.warnings()
    assert warning.startswith("capture.channels names 7, where the NVR has no camera")


def test_dead_cameras_do_not_keep_the_others_from_starting(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    """They are listed as online, and every question about them hangs."""
    nvr.cameras = cameras("A", "B")
    nvr.cameras[0].dead = True
    session = build_session(nvr, folder / "state", clock, timeout=SHORT)
    daemon = build(nvr, folder, clock, session=session)
    daemon.run(until=at(4, 19.5))
    assert len(daemon.frames("ch1_B")) == 20
    nvr.cameras[0].dead = False
    daemon.run(until=at(4, 45))
    assert folders(daemon) == ["ch0_A", "ch1_B"]


def test_a_camera_may_hang_on_an_nvr_that_does_not_tell_what_it_is(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal
) -> None:
    """GetDevInfo, which tells a dead camera from a dead NVR, is refused: so the NVR lives."""
    nvr.misbehave(Kind.RSP_CODE, cmd="GetDevInfo", code=-26)
    nvr.cameras[0].dead = True
    session = build_session(nvr, folder / "state", clock, timeout=SHORT)
    daemon = build(nvr, folder, clock, session=session)
    clock.at(at(4, 10), lambda: setattr(nvr.cameras[0], "dead", False))
    daemon.run(until=at(4, 29.5))
    assert len(daemon.frames(YARD)) == 30
    assert len(daemon.frames(FRONT)) >= 10  # not left for an hour
    assert "no complete answer" in " ".join(journal.warnings())


# Batteries


def battery(name: str = "Gate", channel: int = 2) -> SimulatedCamera:
    return SimulatedCamera(channel, name, width=256, height=144, battery=True)


def test_a_battery_camera_is_never_touched(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal
) -> None:
    """Neither asleep nor while somebody else has woken it; the fixture's rules see to the rest."""
    nvr.cameras = [*nvr.cameras, battery(), battery("Shed", 3)]
    nvr.cameras[3].touch(0.0)
    nvr.cameras[3].touch(10.0)
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(7))
    assert folders(daemon) == [FRONT, YARD]
    assert (nvr.cameras[2].wakes, nvr.cameras[3].wakes) == (0, 1)
    lines = [text for text in journal.texts if "battery" in text]
    assert len(lines) == 2
    assert "capture.battery_cameras" in lines[0]


@pytest.mark.parametrize("form", ["guide", "newer"])
def test_a_battery_camera_is_known_where_the_status_does_not_say_sleep(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, form: str
) -> None:
    nvr.device.status_form = form  # type: ignore[assignment]
    nvr.cameras = [*nvr.cameras, battery()]
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(5))
    assert folders(daemon) == [FRONT, YARD]
    assert nvr.cameras[2].wakes == 0
    assert asked(nvr, "Snap", 2) == asked(nvr, "GetEnc", 2) == 0


def test_the_oldest_firmware_is_asked_for_no_battery(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    """It is older than battery cameras, and who knows how it takes the question."""
    nvr.device.status_form = "oldest"
    build(nvr, folder, clock).run(until=at(4, 2.5))
    assert not any(one.cmd == "GetBatteryInfo" for one in nvr.log)


def test_a_battery_camera_is_woken_if_the_configuration_says_so(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    nvr.battery_allowed = True
    nvr.cameras = [*nvr.cameras, battery()]
    config = CaptureConfig(interval=timedelta(minutes=1), battery_cameras="include")
    daemon = build(nvr, folder, clock, config)
    daemon.run(until=at(5))
    assert len(daemon.frames("ch2_Gate")) >= 50


def test_cameras_are_asked_about_their_battery_once(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    build(nvr, folder, clock, EVERY_TWO_MINUTES).run(until=at(9))
    counts = Counter((one.cmd, one.channel) for one in nvr.log if one.cmd == "GetBatteryInfo")
    assert set(counts.values()) == {1}


def test_until_it_is_known_a_camera_that_may_have_a_battery_is_left_alone(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork
) -> None:
    nvr.misbehave(Kind.RSP_CODE, cmd="GetBatteryInfo", channel=1, code=-12)
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(4, 9.5))
    assert len(daemon.frames(FRONT)) == 10
    assert 6 <= len(daemon.frames(YARD)) <= 9
