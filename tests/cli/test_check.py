"""The `test` command against the simulated NVR: what it says, and its exit code."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from reolink_timelapsed.cli import check
from reolink_timelapsed.config.settings import CaptureConfig, Config, NvrConfig, StorageConfig
from reolink_timelapsed.simulator import Kind, SimulatedCamera, SimulatedNvr, make_certificate
from reolink_timelapsed.storage.disk import MARKER, Mount
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system.redact import Scrubber
from tests.support import PASSWORD, USERNAME, Clockwork, Journal, build_session, cameras, simulated

pytestmark = pytest.mark.filterwarnings("ignore:Unverified HTTPS request")


class Look:
    """Runs the check, and keeps its exit code and what it said."""

    def __init__(self, nvr: SimulatedNvr, folder: Path, clock: Clockwork) -> None:
        self._nvr, self._folder, self._clock = nvr, folder, clock
        self.config = Config(
            nvr=NvrConfig(host=nvr.url, username=USERNAME),
            capture=CaptureConfig(interval=timedelta(minutes=1)),
            storage=StorageConfig(data_dir=folder / "data", min_free_gb=0),
        )
        self.store = Store(folder / "data", "test")
        self.clean: Callable[[str], str] = str
        self.confinement: dict[str, dict[str, str]] = {}

    def __call__(self, password: str = PASSWORD, fingerprint: str = "") -> tuple[int, str]:
        out = io.StringIO()
        nvr, state = self._nvr, self._folder / "state"
        session = build_session(
            nvr, state, self._clock, password, timeout=1.0, fingerprint=fingerprint
        )
        code = check.run(
            self.config,
            session,
            self.store,
            Mount(self.store.root, state),
            confinement=self.confinement,
            out=out,
            clean=self.clean,
        )
        return code, out.getvalue()


@pytest.fixture
def look(nvr: SimulatedNvr, folder: Path, clock: Clockwork) -> Look:
    return Look(nvr, folder, clock)


def test_all_is_well(nvr: SimulatedNvr, look: Look) -> None:
    nvr.cameras[1].fps = 8
    code, said = look()
    assert code == 0
    assert re.search(
        r"^protocol +http \(the password goes through .* unencrypted\)$", said, re.MULTILINE
    )
    assert re.search(r"^login +accepted for timelapse$", said, re.MULTILINE)
    assert re.search(r"^NVR +RLN8-410, firmware v3", said, re.MULTILINE)
    assert re.search(r"^0 +Front Door +256x144 +15 +256x144 +\d\.\d\d MB$", said, re.MULTILINE)
    assert re.search(r"^1 +Yard +256x144 +8 +256x144", said, re.MULTILINE)
    assert re.search(
        r"^disk +.*/data: [\d.]+ GB free, enough for [\d.]+ (days|years)", said, re.MULTILINE
    )
    assert re.search(r"^ffmpeg +\S.*libx264$", said, re.MULTILINE)
    assert nvr.live_sessions == []


def test_the_fingerprint_to_pin(folder: Path, clock: Clockwork, tmp_path: Path) -> None:
    with simulated(clock, tls=make_certificate(tmp_path)) as nvr:
        look = Look(nvr, folder, clock)
        code, said = look()
        assert code == 0
        found = re.search(
            r"this one, set nvr\.tls_fingerprint to ([0-9a-f]{64})$", said, re.MULTILINE
        )
        assert found
        look.config = replace(look.config, nvr=replace(look.config.nvr, tls_fingerprint=found[1]))
        code, said = look(fingerprint=found[1])
        assert code == 0
        assert f"the certificate in nvr.tls_fingerprint, {found[1]}" in said
        code, said = look(fingerprint="0" * 64)
        assert code == 69
        assert "run `reolink-timelapse test` with the key left empty" in said


def test_a_camera_that_gives_no_picture(nvr: SimulatedNvr, look: Look) -> None:
    nvr.cameras[0].snap_code = -17
    code, said = look()
    assert code == 69
    assert re.search(r"^0 +Front Door .*FAILED .*-17.*restart the camera", said, re.MULTILINE)
    assert re.search(r"^1 +Yard +256x144 +15 +256x144", said, re.MULTILINE)
    assert "ffmpeg " in said


@pytest.mark.parametrize("code", [-8, -9, -12, -17, -26])
def test_pictures_count_though_the_stream_is_not_described(
    nvr: SimulatedNvr, look: Look, code: int
) -> None:
    nvr.misbehave(Kind.RSP_CODE, cmd="GetEnc", code=code)
    exit_code, said = look()
    assert exit_code == 0
    assert re.search(r"^0 +Front Door +unknown +unknown +256x144", said, re.MULTILINE)


def test_what_is_no_picture(nvr: SimulatedNvr, look: Look) -> None:
    nvr.misbehave(Kind.EMPTY, channel=1)
    code, said = look()
    assert code == 1
    assert "FAILED" in said
    assert "empty answer instead of a picture" in said


def test_battery_cameras_are_left_asleep_and_that_is_said(nvr: SimulatedNvr, look: Look) -> None:
    nvr.cameras.append(SimulatedCamera(2, "Gate", battery=True))
    code, said = look()
    assert code == 0
    assert "skipped    ch2_Gate runs on a battery and was not tested" in said
    assert nvr.cameras[2].wakes == 0


# One bad camera, and all of them


@pytest.mark.parametrize(
    ("kind", "figures"),
    [
        (Kind.STATUS, {"status": 404}),
        (Kind.STATUS, {"status": 302}),
        (Kind.CLOSE, {}),
        (Kind.RESET, {}),
        (Kind.CUT, {}),
        (Kind.SILENCE, {}),
        *((Kind.RSP_CODE, {"code": code}) for code in (-2, -5, -6, -7, -9, -17, -105)),
    ],
)
@pytest.mark.parametrize("channel", [0, 1])
def test_one_bad_camera_is_named_and_the_others_are_tried(
    nvr: SimulatedNvr, look: Look, kind: Kind, figures: dict[str, int], channel: int
) -> None:
    nvr.cameras = cameras("A", "B", "C")
    nvr.misbehave(kind, cmd="Snap", channel=channel, **figures)
    code, said = look()
    assert code in {1, 69}
    for number, name in enumerate("ABC"):
        (row,) = re.findall(rf"^{number} +{name} .*$", said, re.MULTILINE)
        assert ("FAILED" in row) == (number == channel), row
    assert said.count("FAILED") == 1
    assert "password" not in said.partition("channel  name")[2]
    assert sum(one.cmd == "Login" for one in nvr.log) == 1


@pytest.mark.parametrize("mute", [{"code": -12}, {"code": -26}])
def test_another_camera_is_witness_enough(
    nvr: SimulatedNvr, look: Look, mute: dict[str, int]
) -> None:
    nvr.misbehave(Kind.RSP_CODE, cmd="GetDevInfo", **mute)
    nvr.misbehave(Kind.STATUS, cmd="Snap", channel=0)
    code, said = look()
    assert code == 69
    assert re.search("^0 .*FAILED +the answer was HTTP 502, while", said, re.MULTILINE)
    assert re.search("^1 +Yard .*256x144 +[0-9.]+ MB$", said, re.MULTILINE)


@pytest.mark.parametrize(
    ("kind", "figures"), [(Kind.STATUS, {}), (Kind.RSP_CODE, {"code": -7}), (Kind.CLOSE, {})]
)
def test_what_befalls_all_cameras_is_the_nvrs(
    nvr: SimulatedNvr, look: Look, kind: Kind, figures: dict[str, int]
) -> None:
    nvr.misbehave(kind, cmd="Snap", **figures)
    code, said = look()
    assert code == 69
    assert re.search(
        "^NVR +FAILED: the NVR answers, but gives no picture of any camera", said, re.MULTILINE
    )
    assert len(re.findall(r"^[01] .*FAILED", said, re.MULTILINE)) == 2


def test_a_camera_that_wants_to_be_told_a_size_is_told(nvr: SimulatedNvr, look: Look) -> None:
    nvr.cameras[0].without_size = 404
    code, said = look()
    assert code == 0
    assert re.search(r"^0 +Front Door +256x144 +15 +256x144", said, re.MULTILINE)


def test_a_user_who_may_not_ask_what_the_nvr_is(nvr: SimulatedNvr, look: Look) -> None:
    nvr.misbehave(Kind.RSP_CODE, cmd="GetDevInfo", code=-26)
    code, said = look()
    assert code == 0
    assert re.search(r"^NVR +does not say to this user what it is", said, re.MULTILINE)
    assert re.search(r"^1 +Yard +256x144", said, re.MULTILINE)


def test_a_single_camera_that_says_nothing_of_itself(nvr: SimulatedNvr, look: Look) -> None:
    nvr.device.standalone = True
    nvr.cameras = cameras("Porch")
    nvr.misbehave(Kind.RSP_CODE, cmd="GetDevInfo", code=-26)
    code, said = look()
    assert code == 0
    assert re.search(r"^0 +Porch +256x144", said, re.MULTILINE)


# What was not tested


@pytest.mark.parametrize("code", [-12, -17])
@pytest.mark.parametrize("times", [1, 2, None])
def test_a_camera_that_is_busy_when_asked_about_its_battery_is_tested(
    nvr: SimulatedNvr, look: Look, code: int, times: int | None
) -> None:
    nvr.misbehave(Kind.RSP_CODE, cmd="GetBatteryInfo", channel=0, code=code, times=times)
    exit_code, said = look()
    assert exit_code == 0
    assert re.search(r"^0 +Front Door +256x144", said, re.MULTILINE)


@pytest.mark.parametrize(
    ("case", "exit_code", "words"),
    [
        ("none", 69, "no camera was tested, and none would be captured; the NVR lists none"),
        ("battery", 69, "no camera was tested, and none would be captured; all run on batteries"),
        ("absent", 78, "capture.channels names 5, 7, where the NVR has no camera"),
        ("some absent", 78, "capture.channels names 7, where the NVR has no camera"),
        ("off", 69, "channel 1 is offline, and was not tested"),
    ],
)
def test_what_was_not_tested_is_said_with_an_exit_code(  # noqa: PLR0917
    nvr: SimulatedNvr,
    look: Look,
    journal: Journal,
    case: str,
    exit_code: int,
    words: str,
) -> None:
    if case == "none":
        nvr.cameras = []
    if case == "battery":
        nvr.cameras = [SimulatedCamera(2, "Gate", battery=True)]
    if case == "off":
        nvr.cameras[1].online = False
    if case.endswith("absent"):
        channels = (5, 7) if case == "absent" else (0, 7)
        look.config = replace(look.config, capture=CaptureConfig(channels=channels))
    code, said = look()
    assert code == exit_code
    assert words in said
    assert ("Front Door" in said) == (case in {"off", "some absent"})
    assert journal.texts == []


@pytest.mark.parametrize(
    ("fault", "exit_code", "words"),
    [
        ("unplugged", 69, "refuses connections"),
        ("password", 77, "refuses user name or password"),
        ("full", 69, "close the Reolink app"),
    ],
)
def test_an_nvr_that_does_not_let_us_in_and_the_rest_is_looked_at_all_the_same(
    nvr: SimulatedNvr, look: Look, fault: str, exit_code: int, words: str
) -> None:
    if fault == "unplugged":
        nvr.unplug()
    if fault == "full":
        nvr.take_slots(2, 3600)
    code, said = look("wrong" if fault == "password" else PASSWORD)
    assert code == exit_code
    assert words in said
    assert re.search(r"^disk +.*GB free$", said, re.MULTILINE)
    assert re.search(r"^ffmpeg ", said, re.MULTILINE)


def test_too_little_space(look: Look) -> None:
    storage = replace(look.config.storage, min_free_gb=100_000)
    look.config = replace(look.config, storage=storage)
    code, said = look()
    assert code == 74
    assert "less than storage.min_free_gb (100000 GB) is free" in said


def test_a_disk_too_small_for_the_days_to_keep_is_told_with_figures(look: Look) -> None:
    _, text = look()
    assert "WARNING" not in text
    look.config = replace(
        look.config, storage=replace(look.config.storage, keep_frames_days=10_000_000)
    )
    code, text = look()
    assert code == 0
    (line,) = [line for line in text.splitlines() if line.startswith("WARNING")]
    assert re.search(r"the disk is small: .* frames of [\d.]+ (days|years), [\d.]+ GB at", line)
    assert "storage.keep_frames_days: 10000000 and today need" in line


def test_a_disk_that_is_not_mounted_is_told_and_not_written_to(look: Look, folder: Path) -> None:
    root = look.store.root
    root.mkdir()
    Mount(root, folder / "state").require()
    (root / MARKER).unlink()  # so it looks without its disk
    code, said = look()
    assert code == 74
    assert "mount its disk" in said
    assert list(root.iterdir()) == []


DENIED = {"IPAddressDeny": "0.0.0.0/0 ::/0"}
STRICT = {"ProtectSystem": "strict", "StateDirectory": "reolink-timelapse"}


@pytest.mark.parametrize("unit", ["reolink-timelapse.service", "reolink-timelapse-stitch.service"])
def test_what_a_unit_may_not_write_is_told_though_we_may(look: Look, unit: str) -> None:
    open_one = STRICT | {"ReadWritePaths": f"{look.store.root}"}
    names = ("reolink-timelapse.service", "reolink-timelapse-stitch.service")
    look.confinement = dict.fromkeys(names, open_one)
    code, said = look()
    assert code == 0
    assert re.search(
        "^service +its units may write there, and speak to the NVR$", said, re.MULTILINE
    )
    look.confinement[unit] = STRICT
    code, said = look()
    assert code == 74
    assert re.search("^disk +.*GB free", said, re.MULTILINE)
    assert re.search(
        "^service +FAILED: .*closed to the service.*may not write there", said, re.MULTILINE
    )
    assert f"`sudo reolink-timelapse setup --data-dir {look.store.root}`" in said


def test_what_the_daemon_may_not_reach_is_told_though_we_may(look: Look) -> None:
    unit = "reolink-timelapse.service"
    look.confinement = {unit: DENIED, "reolink-timelapse-stitch.service": DENIED}
    code, said = look()
    assert code == 69
    assert re.search(r"^service +FAILED: .*IPAddressAllow=127\.0\.0\.1,", said, re.MULTILINE)
    look.confinement[unit] = DENIED | {"IPAddressAllow": "127.0.0.0/8"}
    assert look()[0] == 0


def test_a_look_marks_no_folder(look: Look) -> None:
    """The disk may come later: it is the daemon that says which folder it is."""
    look()
    assert not (look.store.root / MARKER).exists()


def test_a_user_whose_name_is_a_command_to_the_terminal(look: Look) -> None:
    look.config = replace(
        look.config, nvr=replace(look.config.nvr, username="\x1b[2J\u202ename\nlogin accepted")
    )
    _, text = look()
    assert r"accepted for \x1b[2J\u202ename\nlogin accepted" in text


def test_an_nvr_that_repeats_the_password_is_not_quoted(nvr: SimulatedNvr, look: Look) -> None:
    scrubber = Scrubber()
    scrubber.add(PASSWORD)
    look.clean = scrubber.clean
    nvr.misbehave(Kind.RSP_CODE, cmd="GetDevInfo", code=-12, detail=PASSWORD)
    code, said = look()
    assert code == 69
    assert "(***)" in said
    assert PASSWORD not in said
