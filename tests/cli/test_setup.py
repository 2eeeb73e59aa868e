"""The `setup` command against the simulated NVR, with real files and a real terminal."""

from __future__ import annotations

import os
import re
import select
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Self

import pytest

from reolink_timelapsed.cli import setup
from reolink_timelapsed.cli.setup import Found, Given, Terminal, overridden, own_places, run
from reolink_timelapsed.config import settings as config
from reolink_timelapsed.config.password import password
from reolink_timelapsed.config.places import DEFAULT_PATH
from reolink_timelapsed.config.settings import Config, NvrConfig, StorageConfig
from reolink_timelapsed.errors import ConfigError, LoginRefused, StoreError, Unreachable, UsageError
from reolink_timelapsed.nvr.login_state import LoginGuard
from reolink_timelapsed.nvr.session import Credentials, Session
from reolink_timelapsed.nvr.transport import Transport
from reolink_timelapsed.simulator import SimulatedCamera, SimulatedNvr
from reolink_timelapsed.system.clock import Clock
from reolink_timelapsed.system.redact import Scrubber

TREE = Path(__file__).parents[2]
SAMPLE = TREE / "etc" / "reolink-timelapse" / "config.yaml"
CLOCK = Clock()
NOBODY = Terminal(interactive=False)
PASSWORD = "correct horse \\ 'ü' #1"
TERMINAL_SECONDS = 30.0
"""For a Python to start, or a login to be answered, on a machine with much else to do."""


@pytest.fixture
def nvr() -> Iterator[SimulatedNvr]:
    cameras = [
        SimulatedCamera(channel=0, name="Front Door"),
        SimulatedCamera(channel=3, name="Garage", online=False),
    ]
    with SimulatedNvr(cameras, password=PASSWORD) as simulated:
        yield simulated


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "etc" / "config.yaml"


class Probe:
    """What the command line does to try an answer; counts the tries."""

    def __init__(self, folder: Path) -> None:
        self._guard = LoginGuard(folder / "guard")
        self.tries = 0

    def __call__(self, settings: Config, password: str) -> Found:
        self.tries += 1
        nvr = settings.nvr
        transport = Transport(nvr.host, CLOCK, nvr.tls_fingerprint)
        session = Session(
            transport,
            Credentials(nvr.username, password),
            CLOCK,
            guard=self._guard,
            scrubber=Scrubber(),
        )
        try:
            return Found(transport.url, session.fingerprint(), session.channels())
        finally:
            session.close()


@pytest.fixture
def probe(tmp_path: Path) -> Probe:
    return Probe(tmp_path)


def given_for(nvr: SimulatedNvr, password: str = PASSWORD) -> Given:
    return Given(host=nvr.url, username="timelapse", password=password)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names_below(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


# By flags


def test_the_next_steps_are_those_of_the_settings_written() -> None:
    etc = Path("/etc")
    ours = setup._next_steps(etc / "reolink-timelapse" / "config.yaml")
    assert "  sudo reolink-timelapse test\n" in ours
    assert "sudo systemctl enable --now reolink-timelapse\n" in ours
    second = setup._next_steps(etc / "reolink-timelapse@barn" / "config.yaml")
    assert "enable --now reolink-timelapse@barn reolink-timelapse-stitch@barn.timer" in second


def test_what_works_is_written_with_every_comment_of_the_sample(
    nvr: SimulatedNvr, path: Path, probe: Probe, capsys: pytest.CaptureFixture[str]
) -> None:
    run(path, given_for(nvr), NOBODY, probe)

    loaded = config.load(path, {}, needs_nvr=True)
    assert (loaded.nvr.host, loaded.nvr.username) == (nvr.url, "timelapse")
    assert loaded.nvr.password_file == path.with_name("password")
    assert password(loaded.nvr, {}) == PASSWORD
    assert (mode(path), mode(loaded.nvr.password_file)) == (0o644, 0o600)
    changed = [
        line.strip()
        for old, line in zip(
            SAMPLE.read_text(encoding="utf-8").splitlines(),
            path.read_text(encoding="utf-8").splitlines(),
            strict=True,
        )
        if old != line
    ]
    assert [line.partition(":")[0] for line in changed] == ["host", "username", "password_file"]

    shown = capsys.readouterr().out
    assert "0  Front Door\n" in shown
    assert re.search(r" 3  .*\(offline\)\n", shown)
    assert f"reolink-timelapse --config {path} capture" in shown
    assert PASSWORD not in shown
    assert nvr.live_sessions == []
    assert nvr.broken_rules() == []


def test_a_wrong_password_is_tried_once_and_nothing_is_written(
    nvr: SimulatedNvr, path: Path, probe: Probe
) -> None:
    with pytest.raises(LoginRefused) as caught:
        run(path, given_for(nvr, "wrong one"), NOBODY, probe)
    assert caught.value.exit_code == 77
    assert "wrong one" not in str(caught.value)
    assert not path.parent.exists()
    assert [request.cmd for request in nvr.log] == ["Login"]


def test_an_nvr_that_is_not_there_leaves_all_as_it_was(path: Path, probe: Probe) -> None:
    given = Given(host="http://127.0.0.1:9", username="timelapse", password=PASSWORD)
    with pytest.raises(Unreachable):
        run(path, given, NOBODY, probe)
    assert not path.parent.exists()


def test_an_existing_file_keeps_all_but_the_lines_in_question(
    nvr: SimulatedNvr, path: Path, probe: Probe
) -> None:
    path.parent.mkdir()
    secret = path.with_name("secret")
    path.write_text(
        f"# mine\nnvr:\n  host: old   # in the attic\n  password_file: {secret}\n"
        "  password: 'in the clear'\nstitch: {fps: 30}\n"
    )
    path.chmod(0o640)
    run(path, given_for(nvr), NOBODY, probe)
    assert path.read_text() == (
        f'# mine\nnvr:\n  username: timelapse\n  host: "{nvr.url}"   # in the attic\n'
        f"  password_file: {secret}\n  password:\nstitch: {{fps: 30}}\n"
    )
    assert mode(path) == 0o640
    assert secret.read_text(encoding="utf-8") == f"{PASSWORD}\n"
    assert names_below(path.parent) == ["config.yaml", "secret"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a file away")
def test_an_existing_file_keeps_its_owner(nvr: SimulatedNvr, path: Path, probe: Probe) -> None:
    path.parent.mkdir()
    path.touch()
    os.chown(path, 1234, 5678)
    run(path, given_for(nvr), NOBODY, probe)
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 5678)
    assert path.with_name("password").stat().st_uid == 0


def test_a_second_run_changes_nothing_but_the_password(
    nvr: SimulatedNvr, path: Path, probe: Probe
) -> None:
    run(path, given_for(nvr), NOBODY, probe)
    before = path.read_bytes()
    nvr.accounts["timelapse"] = "another"
    run(path, given_for(nvr, "another"), NOBODY, probe)
    assert path.read_bytes() == before
    assert path.with_name("password").read_text() == "another\n"


def test_a_link_to_the_settings_stays_a_link(
    nvr: SimulatedNvr, path: Path, probe: Probe, tmp_path: Path
) -> None:
    path.parent.mkdir()
    (tmp_path / "real").mkdir()
    real = tmp_path / "real" / "config.yaml"
    real.touch()
    path.symlink_to(real)
    run(path, given_for(nvr), NOBODY, probe)
    assert path.is_symlink()
    assert config.load(real, {}, needs_nvr=True).nvr.host == nvr.url


def test_what_the_settings_have_need_not_be_said_again(
    nvr: SimulatedNvr, path: Path, probe: Probe
) -> None:
    run(path, given_for(nvr), NOBODY, probe)
    before = path.read_text()
    run(path, Given(password=PASSWORD), NOBODY, probe)
    assert path.read_text() == before
    with pytest.raises(UsageError, match="--password-stdin"):
        run(path, Given(), NOBODY, probe)


def test_what_the_environment_of_the_units_overrides_is_told() -> None:
    written = {"NVR_HOST": "nvr", "NVR_USERNAME": "me"}
    file = Path("/etc/default/reolink-timelapse")
    of_units = {"NVR_HOST": "other", "NVR_USERNAME": "me", "DATA_DIR": "/srv"}
    (told,) = overridden(written, of_units, file)
    assert told.startswith(f"{file} sets NVR_HOST,")
    assert list(overridden(written, {"NVR_HOST": ""}, file)) == []


def test_a_second_nvr_gets_its_own_places() -> None:
    second = Path("/etc/reolink-timelapse@barn/config.yaml")
    assert own_places(DEFAULT_PATH, Config()) == {}
    assert own_places(second, Config()) == {
        "nvr.password_file": "/etc/reolink-timelapse@barn/password",
        "storage.data_dir": "/var/lib/reolink-timelapse@barn",
    }
    elsewhere = Config(
        NvrConfig(password_file=Path("/x")), storage=StorageConfig(data_dir=Path("/y"))
    )
    assert own_places(second, elsewhere) == {}


def test_without_a_trial_nobody_is_asked(path: Path, probe: Probe) -> None:
    given = Given(host="nvr.lan", username="timelapse", password=PASSWORD, test=False)
    run(path, given, NOBODY, probe)
    assert probe.tries == 0
    assert config.load(path, {}, needs_nvr=True).nvr.host == "nvr.lan"


@pytest.mark.parametrize(
    ("given", "flag"),
    [
        (Given(), "--host"),
        (Given(host="nvr"), "--username"),
        (Given(host="nvr", username="u"), "--password-stdin"),
    ],
)
def test_without_a_terminal_what_is_missing_is_a_usage_error(
    path: Path, probe: Probe, given: Given, flag: str
) -> None:
    with pytest.raises(UsageError, match=flag):
        run(path, given, NOBODY, probe)
    assert probe.tries == 0


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (Given(host="nvr/path", username="u", password="p"), "--host must be the bare address"),
        (Given(host="", username="u", password="p"), "--host must not be empty"),
        (Given(host="nvr", username="u" * 32, password="p"), "--username must be 1 to 31"),
        (Given(host="nvr", username="u", password="p" * 32), "--password-stdin has 32 characters"),
        (Given(host="nvr", username="u", password=""), "--password-stdin is empty"),
    ],
)
def test_flags_that_can_be_no_answer(path: Path, probe: Probe, given: Given, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        run(path, given, NOBODY, probe)
    assert probe.tries == 0


def test_a_file_with_mistakes_is_left_to_its_owner(
    nvr: SimulatedNvr, path: Path, probe: Probe
) -> None:
    path.parent.mkdir()
    path.write_text("nvr:\n  hots: x\n")
    with pytest.raises(ConfigError, match="line 2: there is no setting"):
        run(path, given_for(nvr), NOBODY, probe)
    assert path.read_text() == "nvr:\n  hots: x\n"
    assert probe.tries == 0


def test_where_nothing_can_be_written_nothing_is_asked(path: Path, probe: Probe) -> None:
    path.parent.touch()
    with pytest.raises(StoreError, match="sudo"):
        run(path, Given(), NOBODY, probe)
    assert probe.tries == 0


# At a terminal


class Screen:
    """`setup` at a pseudo-terminal; what it shows is collected in `shown`."""

    def __init__(self, path: Path, *words: str) -> None:
        self._master, slave = os.openpty()
        self.shown = ""
        environ = {name: value for name, value in os.environ.items() if "NVR_" not in name}
        command = [sys.executable, "-m", "reolink_timelapsed", "--config", str(path), "setup"]
        self._process = subprocess.Popen(
            ["setsid", "--ctty", "--wait", *command, *words],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=TREE,
            env=environ | {"STATE_DIRECTORY": str(path.parent.parent)},
        )
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)

    def answer(self, question: str, text: str) -> None:
        """Type a line once the question is there."""
        while not re.search(question, self.shown, re.DOTALL):
            assert self._read(), f"the command ended with: {self.shown}"
        self.shown = ""
        os.write(self._master, f"{text}\n".encode())

    def end(self) -> int:
        """Return the exit code, with the last words in `shown`."""
        while self._read():
            pass
        return self._process.wait(TERMINAL_SECONDS)

    def _read(self) -> bool:
        """Take what there is to see; False once the last process at the terminal has gone."""
        ready, _, _ = select.select([self._master], [], [], TERMINAL_SECONDS)
        assert ready, f"the terminal shows only: {self.shown}"
        try:
            self.shown += os.read(self._master, 65536).decode()
        except OSError:
            return False
        return True


def test_a_conversation_with_one_wrong_password(nvr: SimulatedNvr, path: Path) -> None:
    with Screen(path) as screen:
        screen.answer("Address.*: $", "")
        screen.answer("must not be empty.*Address.*: $", nvr.url)
        screen.answer("user.*: $", "timelapse")
        screen.answer("Password of timelapse.*: $", "wrong one")
        screen.answer(
            r"No success: the NVR refuses user name or password.*user.*\[timelapse\]: $", ""
        )
        assert not path.exists()
        screen.answer("Password of timelapse.*: $", PASSWORD)
        assert screen.end() == 0
        assert "Front Door" in screen.shown
        assert PASSWORD not in screen.shown
    loaded = config.load(path, {}, needs_nvr=True)
    assert password(loaded.nvr, {}) == PASSWORD
    assert nvr.live_sessions == []


def test_the_second_refusal_is_the_last_and_says_when_to_come_back(
    nvr: SimulatedNvr, path: Path
) -> None:
    with Screen(path, "--host", nvr.url) as screen:
        for wrong in ("one", "two"):
            screen.answer("user.*: $", "timelapse")
            screen.answer("Password of timelapse.*: $", wrong)
        assert screen.end() == 77
        assert "nothing was written" in screen.shown
        assert "run this again in 6 min or later" in screen.shown
        assert "reolink-timelapse setup" not in screen.shown
    assert not path.exists()
    assert [request.cmd for request in nvr.log] == ["Login"] * 2
    assert nvr.broken_rules() == []


def command(path: Path, *words: str, stdin: str = "") -> tuple[int, str]:
    """Run a command of the same machine to its end; return its exit code, and all that it said."""
    done = subprocess.run(
        [sys.executable, "-m", "reolink_timelapsed", "--config", str(path), *words],
        input=stdin,
        cwd=TREE,
        env={"PATH": os.environ["PATH"], "STATE_DIRECTORY": str(path.parent.parent)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=4 * TERMINAL_SECONDS,
    )
    return done.returncode, done.stdout


def test_setup_test_and_daemon_count_the_same_refusals(nvr: SimulatedNvr, path: Path) -> None:
    """Two tries in five minutes, whoever makes them, and however often they are started."""
    answers = ("--host", nvr.url, "--username", "timelapse", "--password-stdin")
    for wrong in ("first", "first", "second", "third", "fourth"):
        code, said = command(path, "setup", *answers, stdin=f"{wrong}\n")
        assert code == 77
        assert re.search(r"run this again in \d min or later", said), said
        assert "reolink-timelapse setup" not in said
    assert len(nvr.log) == 2

    data = f"\nstorage:\n  data_dir: {path.parent.parent / 'data'}\n"
    path.parent.mkdir()
    path.write_text(f"nvr:\n  host: {nvr.url}\n  username: timelapse\n  password: fifth{data}")
    path.chmod(0o600)
    for _ in range(2):
        code, said = command(path, "test")
        assert code == 77
        assert f"sudo reolink-timelapse --config {path} setup" in said
    assert len(nvr.log) == 2
    assert nvr.broken_rules() == []


def test_one_refusal_leaves_setup_a_try_with_another_password(
    nvr: SimulatedNvr, path: Path
) -> None:
    answers = ("--host", nvr.url, "--username", "timelapse", "--password-stdin")
    assert command(path, "setup", *answers, stdin="wrong one\n")[0] == 77
    code, said = command(path, "setup", *answers, stdin=f"{PASSWORD}\n")
    assert code == 0, said
    assert nvr.live_sessions == []
    assert nvr.broken_rules() == []


def test_cameras_that_the_list_does_not_name_are_shown_as_they_will_be_captured(
    nvr: SimulatedNvr, path: Path
) -> None:
    nvr.device.status_form = "oldest"
    answers = ("--host", nvr.url, "--username", "timelapse", "--password-stdin")
    code, said = command(path, "setup", *answers, stdin=f"{PASSWORD}\n")
    assert code == 0, said
    assert "0  Front Door\n" in said
    assert "no name" not in said


def test_a_locked_account_is_not_tried_again(nvr: SimulatedNvr, path: Path) -> None:
    nvr.policy.tries_before_lock = 1
    with Screen(path, "--host", nvr.url) as screen:
        for wrong in ("one", "two"):
            screen.answer("user.*: $", "timelapse")
            screen.answer("Password of timelapse.*: $", wrong)
        assert screen.end() == 77
        assert "locked" in screen.shown
    assert [request.cmd for request in nvr.log] == ["Login"] * 2
