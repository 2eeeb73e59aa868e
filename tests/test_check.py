"""The `test` command against the simulated NVR: what it says, and its exit code."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from support import PASSWORD, USERNAME, Clockwork, build_session, simulated

from reolink_timelapsed import check
from reolink_timelapsed.config import CaptureConfig, Config, NvrConfig, StorageConfig
from reolink_timelapsed.mount import MARKER, Mount
from reolink_timelapsed.scrub import Scrubber
from reolink_timelapsed.simulator import Kind, SimulatedCamera, SimulatedNvr, make_certificate
from reolink_timelapsed.store import Store

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


def test_battery_cameras_are_left_asleep(nvr: SimulatedNvr, look: Look) -> None:
    nvr.cameras.append(SimulatedCamera(2, "Gate", battery=True))
    code, said = look()
    assert code == 0
    assert "Gate" not in said
    assert nvr.cameras[2].wakes == 0


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
