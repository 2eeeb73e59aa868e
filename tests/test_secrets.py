"""Secrets in the words of others never get out, and our own words are left as they are."""

from __future__ import annotations

import io
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from datetime import UTC
from pathlib import Path
from urllib.parse import quote

import pytest

from reolink_timelapsed.capture.cameras import Roster
from reolink_timelapsed.cli import check
from reolink_timelapsed.config.settings import CaptureConfig, Config, NvrConfig, StorageConfig
from reolink_timelapsed.errors import BadFrame, EncodeError, NvrError
from reolink_timelapsed.media import graph
from reolink_timelapsed.nvr.session import Session
from reolink_timelapsed.simulator import Kind, SimulatedNvr
from reolink_timelapsed.status import command as report
from reolink_timelapsed.storage.disk import Mount
from reolink_timelapsed.storage.store import Store
from reolink_timelapsed.system import process
from reolink_timelapsed.system.logs import Formatter
from reolink_timelapsed.system.redact import Scrubber
from tests.support import PASSWORD, Clockwork, Journal, at, build, build_session

FORMS: list[Callable[[str], str]] = [
    str,
    quote,
    lambda secret: json.dumps({"password": secret}),
    lambda secret: repr(secret.encode()),
    "\u200b".join,  # what is dropped of a text must not put it together
    lambda secret: "x" * 190 + secret,  # nor may a cut leave the half of it
]
QUESTIONS: dict[str, Callable[[Session], object]] = {
    "Login": Session.device,
    "GetDevInfo": Session.device,
    "GetTime": Session.device_times,
    "GetChannelstatus": Session.channels,
    "GetOsd": lambda session: session.osd_name(0),
    "GetEnc": lambda session: session.stream(0),
    "GetBatteryInfo": lambda session: session.has_battery(0),
    "Snap": lambda session: session.snapshot(0),
}
CODES = (-1, -2, -5, -6, -7, -8, -12, -105, -503, -506, -99, -301)


def pieces(secret: str) -> list[str]:
    """Return what must not be seen of a secret: most of it, in any of its forms."""
    return [secret[:10], quote(secret)[:10], repr(secret)[1:11]]


@pytest.fixture
def said() -> Iterator[list[str]]:
    """All that our package logs, in every detail."""
    lines: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if ".simulator" not in record.name:
                lines.append(record.getMessage())

    ours, ear = logging.getLogger("reolink_timelapsed"), Ear(logging.DEBUG)
    level = ours.level
    ours.addHandler(ear)
    ours.setLevel(logging.DEBUG)
    yield lines
    ours.removeHandler(ear)
    ours.setLevel(level)


@pytest.mark.parametrize("command", [*QUESTIONS, "Logout"])
def test_an_error_that_repeats_a_secret_is_told_without_it(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, said: list[str], command: str
) -> None:
    """Of every command, with codes of every kind, the password and the token in many forms."""
    token = ""
    for number, code in enumerate(CODES):
        session = build_session(nvr, folder / str(number), clock)
        if command != "Login":
            session.device()
            token = nvr.live_sessions[-1]
        form = FORMS[number % len(FORMS)]
        detail = form(PASSWORD) + form(token or PASSWORD)
        nvr.misbehave(Kind.RSP_CODE, cmd=command, code=code, detail=detail, times=1)
        try:
            QUESTIONS.get(command, Session.device)(session)
            session.close()
        except (NvrError, BadFrame) as error:
            said.append(str(error))
        session.close()
        clock.suspend(4000)
        told = "\n".join(said)
        for piece in [*pieces(PASSWORD), *(pieces(token) if token else ())]:
            assert piece not in told
    assert "***" in told


def test_a_recorder_that_says_the_password_wherever_it_can(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, journal: Journal, said: list[str]
) -> None:
    """In models and details; what it is told then is nowhere, but in the pictures."""
    nvr.device.model = nvr.device.firmware = f"RLN8 {PASSWORD}"
    nvr.device.name = PASSWORD
    clock.after(1200, lambda: nvr.misbehave(Kind.RSP_CODE, code=-8, detail=PASSWORD, lasts=300))
    daemon = build(nvr, folder, clock)
    daemon.run(until=at(4, 30))
    assert daemon.frames("ch0_Front_Door")
    config = Config(
        nvr=NvrConfig(host=nvr.url, username="timelapse"),
        capture=CaptureConfig(),
        storage=StorageConfig(data_dir=daemon.store.root, min_free_gb=0),
    )
    out = io.StringIO()
    session = build_session(nvr, folder / "other", clock)
    mount = Mount(daemon.store.root, folder / "other")
    check.run(config, session, Store(daemon.store.root, "test"), mount, out=out)
    for as_json in (False, True):
        report.run(
            config,
            daemon.store,
            clock,
            zone=UTC,
            runtime=folder / "run",
            by_hand=folder,
            as_json=as_json,
            out=out,
        )
    told = "\n".join([*said, *journal.texts, out.getvalue()])
    assert "RLN8 ***" in told
    shown = [path for home in ("data", "run") for path in (folder / home).rglob("*")]
    files = [path for path in shown if path.is_file() and path.suffix != ".jpg"]
    everything = told + "".join(map(str, shown)) + "".join(path.read_text() for path in files)
    for piece in pieces(PASSWORD):
        assert piece not in everything


@pytest.mark.parametrize("form", ["newer", "oldest"])
def test_a_camera_is_called_what_its_owner_calls_it(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, form: str
) -> None:
    """A name that happens to hold the password does not tell so, but its gap would."""
    nvr.accounts["timelapse"] = "Garage"
    nvr.device.status_form = form  # type: ignore[assignment]
    nvr.cameras[0].name = "Garage\u200b Door"
    session = build_session(nvr, folder, clock, "Garage")
    roster = Roster(session, CaptureConfig())
    roster.refresh(0.0)
    assert roster.channels[0].camera.folder == "ch0_Garage_Door"


def test_a_short_secret_is_hidden_where_it_is_a_word_of_its_own() -> None:
    scrubber = Scrubber()
    scrubber.add("ab1")
    said = "password=ab1&user=ab1x: ab1, {'ab1'}, YWIx is not cab1 (ab1)"
    assert scrubber.clean(said) == "password=***&user=ab1x: ***, {'***'}, *** is not cab1 (***)"


@pytest.mark.parametrize("password", ["other", "capture", "disk", "login", "password", "value"])
def test_a_password_that_is_a_common_word_garbles_nothing(
    nvr: SimulatedNvr, folder: Path, clock: Clockwork, said: list[str], password: str
) -> None:
    """Neither our sentences nor what the recorder's words mean."""
    nvr.accounts["timelapse"] = password
    session = build_session(nvr, folder, clock, password)
    assert [one.name for one in session.channels()] == ["Front Door", "Yard"]
    assert session.stream(0).width == 256
    nvr.misbehave(Kind.RSP_CODE, cmd="Snap", code=-8, detail="no disk, no other password")
    with pytest.raises(NvrError) as raised:
        session.snapshot(0)
    before, _, rest = str(raised.value).partition("(")
    detail, _, after = rest.partition(")")
    assert before == "the camera does not answer: Snap was answered -8 "
    assert password not in detail
    assert "***" not in before + after
    scrubber = Scrubber()
    scrubber.add(password)
    text = f"another capture is at work: the {password} is fine"
    record = logging.makeLogRecord({"msg": text})
    assert Formatter(scrubber, journal=True).format(record).endswith(text)
    assert not any("***" in line for line in said)


def test_programs_that_are_not_ours_are_not_told_the_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What ffmpeg does not know, its words cannot hold."""
    script = tmp_path / "ffmpeg"
    script.write_text(f"#!{sys.executable}\nimport os\nprint('ffmpeg version', dict(os.environ))\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("NVR_PASSWORD", PASSWORD)
    with pytest.raises(EncodeError) as raised:
        graph.version()
    assert PASSWORD not in str(raised.value)
    assert "NVR_PASSWORD" not in process.environment()
    assert process.environment()["PATH"].startswith(str(tmp_path))


def test_the_words_of_a_library_are_cleaned_in_a_traceback() -> None:
    scrubber = Scrubber()
    scrubber.add(PASSWORD)
    record = logging.makeLogRecord({"msg": "this should not happen"})
    try:
        raise OSError(f"https://nvr/api.cgi?password={quote(PASSWORD, safe='')}")
    except OSError as error:
        record.exc_info = (type(error), error, error.__traceback__)
    text = Formatter(scrubber, journal=True).format(record)
    assert "api.cgi?password=***" in text
    assert not any(piece in text for piece in pieces(PASSWORD))
