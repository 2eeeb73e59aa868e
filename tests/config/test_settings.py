"""Settings from file and environment: what is read, and how mistakes are told."""

from __future__ import annotations

import re
import stat
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import time, timedelta
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from reolink_timelapsed.config import password as passwords
from reolink_timelapsed.config import settings as config
from reolink_timelapsed.config import values
from reolink_timelapsed.config.places import DEFAULT_PATH
from reolink_timelapsed.config.settings import KEYS, NAMES, Config, NvrConfig
from reolink_timelapsed.config.yaml_edit import edited
from reolink_timelapsed.config.yaml_file import SettingsFile
from reolink_timelapsed.errors import ConfigError

SAMPLE = Path(__file__).parents[2] / "etc" / "reolink-timelapse" / "config.yaml"
unhurried = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""The machine may have much else to do."""

ENOUGH = {"NVR_HOST": "nvr.lan", "NVR_USERNAME": "timelapse"}


def load(
    folder: Path, text: str | bytes, environ: Mapping[str, str] | None = None, *, nvr: bool = False
) -> Config:
    path = folder / "config.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return config.load(path, environ or {}, needs_nvr=nvr)


def problems(
    folder: Path, text: str | bytes, environ: Mapping[str, str] | None = None, *, nvr: bool = False
) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(folder, text, environ, nvr=nvr)
    return [problem.replace(str(folder), "") for problem in caught.value.problems]


# What is read


def test_the_sample_says_the_defaults_and_leaves_out_no_key() -> None:
    sample = config.load(SAMPLE, {}, needs_nvr=False)
    assert replace(sample, path=None) == Config()
    named = {written.path for written in SettingsFile(SAMPLE, NAMES).settings}
    assert named == {key.path for key in KEYS} - {"nvr.password"}


def test_an_empty_file_and_empty_sections_mean_the_defaults(tmp_path: Path) -> None:
    for text in ("", "# nothing\n", "nvr:\ncapture:\n", "---\n"):
        assert replace(load(tmp_path, text), path=None) == Config()


def test_every_key_can_be_set(tmp_path: Path) -> None:
    text = (
        """
nvr:
  host: https://nvr.lan:8443
  username: timelapse
  password_file: /run/secret
  password: hunter2
  tls_fingerprint: SHA256:"""
        + ":".join(["AB"] * 32)
        + """
  timeout_seconds: 2.5
capture:
  interval_seconds: 60
  channels: [3, 0, 2]
  daily_start: 06:30
  duration_hours: 1.5
  battery_cameras: include
stitch:
  every_n_frames: 4
  fps: 30
  preset: slow
  crf: 18
  target_seconds: 60
  gaps: hold
  max_width: 3840
storage:
  data_dir: /srv/timelapse
  min_free_gb: 0.5
  keep_frames_days: 0
  keep_videos_days: 400
  keep_daily_frame: 23:59:30
"""
    )
    loaded = load(tmp_path, text, nvr=True)
    assert loaded.nvr.host == "https://nvr.lan:8443"
    assert loaded.nvr.tls_fingerprint == "ab" * 32
    assert loaded.nvr.timeout_seconds == 2.5
    assert loaded.capture.interval == timedelta(minutes=1)
    assert loaded.capture.channels == (0, 2, 3)
    assert loaded.capture.daily_start == time(6, 30)
    assert loaded.capture.duration == timedelta(minutes=90)
    assert loaded.stitch.target_seconds == 60
    assert loaded.storage.min_free_bytes == 500_000_000
    assert loaded.storage.keep_daily_frame == time(23, 59, 30)
    for section in ("nvr", "capture", "stitch", "storage"):
        changed, default = getattr(loaded, section), getattr(Config(), section)
        for name in type(default).__slots__:
            assert getattr(changed, name) != getattr(default, name), name


def test_emptying_a_key_that_may_be_empty_means_none_of_it(tmp_path: Path) -> None:
    text = "capture:\n  daily_start:\n  channels:\nstorage:\n  keep_daily_frame: ~\n"
    loaded = load(tmp_path, text)
    assert loaded.capture.daily_start is None
    assert loaded.capture.channels == ()
    assert loaded.storage.keep_daily_frame is None


@pytest.mark.parametrize("written", ["no", "on", "yes", "0123", "1.0e+3", "12:30", "0x10", "1_000"])
def test_words_stay_as_written_whatever_yaml_makes_of_them(tmp_path: Path, written: str) -> None:
    assert str(yaml.safe_load(written)) != written  # this is the trap
    loaded = load(tmp_path, f"nvr:\n  username: {written}\n  password: {written}\n")
    assert loaded.nvr.username == written
    assert loaded.nvr.password == written


OPENERS = ["&", "*", "!", "@", "%", "|", ">", "#", "`", "{", "}", "[", "]", ",", "'", '"']
"""What a value cannot begin with, as the manual has it."""


def wants_quotes(value: str) -> bool:
    """Whether a value does, by the manual's rule."""
    starts = value.startswith((*OPENERS, "- ", "? ", ": ")) or value in {"-", "?"}
    inside = value.endswith(":") or ": " in value or " #" in value
    return starts or inside or value in {"~", "null", "Null", "NULL"}


@unhurried
@given(st.text(st.sampled_from("".join(map(chr, range(32, 127)))), min_size=1, max_size=9))
@example("-")
@example("a:")
@example("~")
@example("--- a")
def test_what_the_manual_says_of_quotes(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    value = text.strip() or "x"
    folder = tmp_path_factory.getbasetemp()
    quoted = value.replace("'", "''")
    assert load(folder, f"nvr:\n  password: '{quoted}'\n").nvr.password == value
    try:
        as_written = load(folder, f"nvr:\n  password: {value}\n").nvr.password
    except ConfigError:
        as_written = ""
    assert (as_written != value) is wants_quotes(value)


def test_the_manual_names_what_a_value_cannot_begin_with() -> None:
    page = (SAMPLE.parents[2] / "man/reolink-timelapse.yaml.5").read_text()
    named = re.search(r'begins with one of\n\.Ql "([^"]*)"\n', page)
    assert named
    assert (
        named[1].replace(r"\(dq", '"').replace(r"\(ga", "`").replace(r"\(aq", "'").split()
        == OPENERS
    )


@pytest.mark.parametrize("written", ["04:00", "4:00", '"04:00"', "'04:00'", "04:00:00"])
def test_times_may_be_quoted_or_not(tmp_path: Path, written: str) -> None:
    loaded = load(tmp_path, f"capture:\n  daily_start: {written}\n")
    assert loaded.capture.daily_start == time(4)


def test_the_environment_of_the_predecessor_overrides_the_file(tmp_path: Path) -> None:
    environ = {
        "NVR_HOST": "192.168.1.100",
        "NVR_USERNAME": '"admin"',
        "NVR_PASSWORD": "secret",
        "CAPTURE_INTERVAL_SECONDS": "7.5",
        "DURATION_HOURS": " 12.0 ",
        "CAPTURE_CHANNELS": "2,0, 3",
        "STITCH_EVERY_N_FRAMES": "'4'",
        "OUTPUT_FPS": "",
        "DATA_DIR": "/srv/data",
    }
    assert set(environ) == {key.variable for key in KEYS} - {""}
    loaded = load(tmp_path, "nvr:\n  host: other\nstitch:\n  fps: 25\n", environ, nvr=True)
    assert (loaded.nvr.host, loaded.nvr.username) == ("192.168.1.100", "admin")
    assert loaded.capture.interval == timedelta(seconds=7.5)
    assert loaded.capture.duration == timedelta(hours=12)
    assert loaded.capture.channels == (0, 2, 3)
    assert (loaded.stitch.every_n_frames, loaded.stitch.fps) == (4, 25)
    assert loaded.storage.data_dir == Path("/srv/data")


@pytest.mark.skipif(Path("/data").exists(), reason="this machine has a folder /data")
@pytest.mark.parametrize("written", ["/data", "/data/", ' "/data" '])
def test_the_folder_inside_the_container_of_the_predecessor_is_passed_over(
    tmp_path: Path, written: str
) -> None:
    mine = f"storage:\n  data_dir: {tmp_path}\n"
    loaded = load(tmp_path, mine, {"DATA_DIR": written})
    assert loaded.storage.data_dir == tmp_path
    (warning,) = loaded.warnings
    assert "inside the container" in warning
    loaded = load(tmp_path, mine, {"DATA_DIR": "/data/reolink"})
    assert (loaded.storage.data_dir, loaded.warnings) == (Path("/data/reolink"), ())


@pytest.mark.skipif(DEFAULT_PATH.exists(), reason="this machine has real settings")
def test_no_file_at_all_is_fine_where_the_environment_says_enough() -> None:
    loaded = config.load(None, ENOUGH, needs_nvr=True)
    assert (loaded.path, loaded.nvr.host) == (None, "nvr.lan")
    with pytest.raises(ConfigError, match="sudo reolink-timelapse setup"):
        config.load(None, {}, needs_nvr=True)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("nvr", "nvr"),
        ("nvr.lan:8443", "nvr.lan:8443"),
        ("HTTP://192.168.1.100/", "http://192.168.1.100"),
        ("https://nvr:8443", "https://nvr:8443"),
        ("fe80::1", "[fe80::1]"),
        ("[fe80::1]:8000", "[fe80::1]:8000"),
        ("https://[::1]", "https://[::1]"),
        ("mein_nvr-2.fritz.box.", "mein_nvr-2.fritz.box."),
    ],
)
def test_forms_of_a_host(written: str, read: str) -> None:
    assert values.host(written) == read


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("192.168.1.300", "host name or an IP address"),
        ("192.168.1", "host name or an IP address"),
        ("a b", "host name or an IP address"),
        ("http://", "host name or an IP address"),
        ("[::1", "host name or an IP address"),
        ("[nvr]", "host name or an IP address"),
        ("ftp://nvr", "http:// or https://"),
        ("rtsp://nvr:554/h264", "http:// or https://"),
        ("nvr/cgi-bin/api.cgi", "without a path"),
        ("nvr?token=1", "without a path"),
        ("nvr:0", "port"),
        ("nvr:65536", "port"),
        ("nvr:http", "port"),
    ],
)
def test_what_is_no_host(written: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        values.host(written)


@unhurried
@given(st.ip_addresses())
def test_every_ip_address_is_a_host(address: object) -> None:
    shown = values.host(str(address))
    assert shown.strip("[]") == str(address)
    assert values.host(shown) == shown


@unhurried
@given(st.times())
def test_every_minute_is_a_time(moment: time) -> None:
    assert values.clock_time(f"{moment:%H:%M}") == moment.replace(second=0, microsecond=0)
    assert values.clock_time(f"{moment:%H:%M:%S}") == moment.replace(microsecond=0)


@unhurried
@given(st.sets(st.integers(0, 999)), st.sampled_from([",", ", ", " "]))
def test_channels_come_sorted_and_once(wanted: set[int], between: str) -> None:
    text = between.join(str(number) for number in [*wanted, *wanted])
    assert values.channels(text) == tuple(sorted(wanted))


# Mistakes


TOLD = """
/config.yaml, line 2: nvr.host must be the bare address without a path, not "nvr/path".
/config.yaml, line 3: there is no setting nvr.pasword_file; the nearest is nvr.password_file.
/config.yaml, line 5: capture.interval_seconds must be a number of seconds from 1 to 3600, not "0".
/config.yaml, line 6: capture.interval_seconds stands on line 5, too: remove one.
/config.yaml, line 7: capture.daily_start must be a time of day such as "04:00", not "25:00".
/config.yaml, line 8: there is no setting stich; the nearest is stitch.
/config.yaml, line 11: storage.data_dir must be a whole path that begins with /, not "data".
/config.yaml, line 12: storage.min_free_gb must be a number of gigabytes from 0 to 100000, not "".
environment: OUTPUT_FPS must be a whole number from 1 to 120, not "fast".
nvr.username is missing, the NVR's user name: run `sudo reolink-timelapse --config /config.yaml \
setup`, or write it into /config.yaml.
"""


def test_all_problems_are_told_at_once_in_the_order_of_lines(tmp_path: Path) -> None:
    text = """nvr:
  host: nvr/path
  pasword_file: /x
capture:
  interval_seconds: 0
  interval_seconds: 15
  daily_start: 25:00
stich:
  fps: 24
storage:
  data_dir: data
  min_free_gb:
"""
    told = problems(tmp_path, text, {"OUTPUT_FPS": "fast"}, nvr=True)
    assert "\n".join(told) == TOLD.strip()


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("nvr:\n\thost: x\n", 2, "not with tabs"),
        (b"nvr:\n  host: \xff\n", 2, "UTF-8"),
        ("nvr:\n  host: a\n   username: b\n", 3, "indent"),
        ("nvr:\n  username: 'a\n", 3, "quotes"),
        ("nvr:\n  username: @a\n", 2, "quotes"),
        ("nvr: 5\n", 1, "nvr is a section"),
        ("- nvr\n", 1, "sections"),
        ("nvr:\nhost: x\n", 2, "the nearest is nvr.host"),
        ("capture:\n  fps: 5\n", 2, "the nearest is stitch.fps"),
        ("nvr:\n  HOST: x\n", 2, "the nearest is nvr.host"),
        ("nvr:\n  username: [a]\n", 2, "not a list"),
        ("nvr:\n  username: {a: b}\n", 2, "one plain value"),
        ("capture:\n  channels: [0, [1]]\n", 2, "one plain value"),
        ("capture:\n  channels: [0, front]\n", 2, "channel numbers"),
        ("capture:\n  channels: [-1]\n", 2, "channel numbers"),
        ("nvr:\n  host: a\x0b\n", 2, "control character"),
        ("nvr: {}\n---\nnvr: {}\n", 2, "another document"),
        ("<<: {}\n", 1, "unknown; the file has nvr, capture, stitch, storage"),
        ("? [a]\n: b\n", 1, "unknown"),
        ("capture:\n  xyz: 1\n", 2, "unknown; capture has interval_seconds, channels"),
        ("nvr: {}\nnvr: {}\n", 2, "stands on line 1"),
        ("stitch:\n  preset: veryfst\n", 2, "one of ultrafast, superfast, veryfast"),
        ("stitch:\n  fps: 23.976\n", 2, "whole number"),
        ("stitch:\n  crf: 0\n", 2, "from 1 to 51"),
        ("stitch:\n  max_width: 641\n", 2, "even"),
        ("stitch:\n  gaps: true\n", 2, "skip, hold"),
        ("nvr:\n  tls_fingerprint: abc\n", 2, "64 hex digits"),
        ("nvr:\n  username: " + "u" * 32 + "\n", 2, "31"),
        ("nvr:\n  timeout_seconds: 0.5\n", 2, "from 1 to 30"),
        ("capture:\n  daily_start: 240\n", 2, "time of day"),
        ("capture:\n  duration_hours: 24.5\n", 2, "at most 24"),
        ("capture:\n  daily_start:\n  duration_hours: 0\n", 3, "hours from 0.01"),
        ("capture:\n  interval_seconds: 3600\n  duration_hours: 0.5\n", 3, "shorter than"),
        ("nvr:\n  host: http://a\n  tls_fingerprint: " + "a" * 64 + "\n", 3, "over http://"),
    ],
)
def test_one_mistake_is_one_sentence_with_its_line(
    tmp_path: Path, text: str | bytes, line: int, words: str
) -> None:
    told = problems(tmp_path, text)
    assert len(told) == 1, told
    assert told[0].startswith(f"/config.yaml, line {line}: ")
    assert words in told[0]
    assert told[0].endswith(".")
    assert "\n" not in told[0]


@pytest.mark.parametrize(
    ("key", "low", "high"),
    [
        ("nvr.timeout_seconds", "1", "30"),
        ("capture.interval_seconds", "1", "3600"),
        ("capture.duration_hours", "0.01", "87600"),
        ("stitch.every_n_frames", "1", "1000000"),
        ("stitch.fps", "1", "120"),
        ("stitch.crf", "1", "51"),
        ("stitch.target_seconds", "1", "86400"),
        ("stitch.max_width", "160", "16384"),
        ("storage.min_free_gb", "0", "100000"),
        ("storage.keep_frames_days", "0", "36500"),
        ("storage.keep_videos_days", "0", "36500"),
    ],
)
def test_a_number_may_be_as_small_or_large_as_its_message_says(
    key: str, low: str, high: str
) -> None:
    (parse,) = (one.parse for one in config.KEYS if one.path == key)
    assert parse(low) != parse(high)
    for beyond in ("-1", "0.009" if low == "0.01" else str(int(low) - 1), str(int(high) + 1)):
        with pytest.raises(ValueError, match=rf"from {low} to {high},"):
            parse(beyond)


def test_gigabytes_are_those_of_the_makers_of_disks() -> None:
    assert config.StorageConfig(min_free_gb=1.5).min_free_bytes == 1_500_000_000


@pytest.mark.parametrize(
    ("written", "read"), [('"a"', "a"), ("'a'", "a"), ("''", ""), ("'", "'"), ("'a\"", "'a\"")]
)
def test_quotes_around_a_variable_are_none_of_its_value(written: str, read: str) -> None:
    assert config.unquoted(written) == read


def test_what_cannot_be_looked_at_is_there_to_be_complained_of(tmp_path: Path) -> None:
    """A folder that is shut must not be taken for one without settings."""
    (tmp_path / "file").touch()
    (tmp_path / "loop").symlink_to("loop")
    assert [
        config._present(tmp_path / name) for name in ("file", "loop", "file/config.yaml", "none")
    ] == [True, True, True, False]


def test_a_run_without_daily_start_may_be_longer_than_a_day(tmp_path: Path) -> None:
    loaded = load(tmp_path, "capture:\n  daily_start:\n  duration_hours: 240\n")
    assert loaded.capture.duration == timedelta(days=10)


@pytest.mark.parametrize("digits", ["²", "٢٤"])
def test_digits_of_other_scripts_are_no_numbers(digits: str) -> None:
    with pytest.raises(ConfigError, match="must be a whole number"):
        config.load(None, {**ENOUGH, "OUTPUT_FPS": digits}, needs_nvr=True)


def test_what_is_not_a_readable_file(tmp_path: Path) -> None:
    for path, words in ((tmp_path / "none.yaml", "setup"), (tmp_path, "folder")):
        with pytest.raises(ConfigError, match=words) as caught:
            config.load(path, ENOUGH, needs_nvr=True)
        assert len(caught.value.problems) == 1


@pytest.mark.parametrize(
    "text", ["nvr:\n\thost: x\n", "nvr: [\n", b"\xff", "nvr:\n  host: 'x\n", "[" * 10_000]
)
def test_of_what_is_not_even_yaml_nothing_is_said_to_be_missing(
    tmp_path: Path, text: str | bytes
) -> None:
    (told,) = problems(tmp_path, text, nvr=True)
    assert "missing" not in told
    with pytest.raises(ConfigError) as caught:
        passwords.load_with_settings(tmp_path / "config.yaml", {})
    assert len(caught.value.problems) == 1


def test_the_password_is_asked_for_together_with_all_else(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"nvr:\n  hots: x\n  password_file: {tmp_path}/none\n")
    with pytest.raises(ConfigError) as caught:
        passwords.load_with_settings(path, {"OUTPUT_FPS": "0"})
    assert [
        problem.partition(" must")[0].partition(":")[0] for problem in caught.value.problems
    ] == [
        f"{path}, line 2",
        "environment",
        "nvr.host is missing, the NVR's address",
        "nvr.username is missing, the NVR's user name",
        f"there is no password for the NVR, neither in {tmp_path}/none nor in NVR_PASSWORD",
    ]
    for problem in caught.value.problems[2:]:
        assert f"sudo reolink-timelapse --config {path} setup" in problem


def test_the_default_place_is_not_named_in_the_remedy() -> None:
    assert config.setup_command(None) == "sudo reolink-timelapse setup"
    assert config.setup_command(DEFAULT_PATH) == "sudo reolink-timelapse setup"


@pytest.mark.parametrize("command", ["capture", "test", "stitch", "prune", "status"])
def test_every_command_ends_with_78_and_all_problems(tmp_path: Path, command: str) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("nvr:\n  host: a/b\nstitch:\n  fps: fast\n")
    done = subprocess.run(
        [sys.executable, "-m", "reolink_timelapsed", "--config", str(path), command],
        cwd=SAMPLE.parent.parent.parent,
        env={"STATE_DIRECTORY": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 78
    assert f"{path}, line 2: nvr.host" in done.stderr
    assert f"{path}, line 4: stitch.fps" in done.stderr
    assert "Traceback" not in done.stderr


def test_systemd_does_not_restart_after_78() -> None:
    unit = (SAMPLE.parent.parent.parent / "systemd/reolink-timelapse.service").read_text()
    assert "78" in unit.partition("RestartPreventExitStatus=")[2].partition("\n")[0].split()


def test_brackets_without_end_are_a_problem_and_no_crash(tmp_path: Path) -> None:
    assert "nested too deep" in problems(tmp_path, "[" * 10_000)[0]


@unhurried
@given(st.binary(max_size=80))
def test_whatever_the_file_holds_there_is_a_config_or_a_list_of_problems(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    check_any_file(tmp_path_factory.getbasetemp(), data)


PIECES = ["nvr:", "\n", "  ", "host:", " ", "no", "'", '"', "[", "]", "{", "}", "&a", "*a", "!!set"]
PIECES += ["capture", "channels: ", "0,", "- ", "?", "|", ">", "#", "\t", "<<: ", "12:30", "\u2028"]


@unhurried
@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
def test_whatever_yaml_the_file_holds_there_is_a_config_or_a_list_of_problems(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    check_any_file(tmp_path_factory.getbasetemp(), text.encode())


def check_any_file(folder: Path, data: bytes) -> None:
    told: tuple[str, ...] = ("Nothing to complain of.",)
    try:
        load(folder, data)
    except ConfigError as error:
        told = error.problems
    assert told
    assert all(problem.endswith(".") for problem in told)


# Passwords


def password(nvr: NvrConfig, **environ: str) -> str:
    return passwords.password(nvr, environ)


def test_the_password_is_the_first_that_is_not_empty(tmp_path: Path) -> None:
    credential, file = tmp_path / "password", tmp_path / "file"
    nvr = NvrConfig(password_file=file, password="last")
    credentials = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert password(nvr) == "last"
    file.write_text("third\n")
    assert password(nvr) == "third"
    assert password(nvr, NVR_PASSWORD='"second"') == "second"
    assert password(nvr, NVR_PASSWORD="second", **credentials) == "second"
    credential.write_text("\n")
    assert password(nvr, NVR_PASSWORD="second", **credentials) == "second"
    credential.write_text("first")
    assert password(nvr, NVR_PASSWORD="second", **credentials) == "first"


@pytest.mark.parametrize(
    ("held", "read"), [("a b ", "a b "), ("x\n", "x"), ("x\r\n", "x"), ("ü#\\", "ü#\\")]
)
def test_only_the_newline_at_its_end_is_not_part_of_a_password(
    tmp_path: Path, held: str, read: str
) -> None:
    file = tmp_path / "password"
    file.write_bytes(held.encode())
    assert password(NvrConfig(password_file=file)) == read


@pytest.mark.parametrize(
    ("held", "words"),
    [
        ("0123456789abcdef0123456789abcdef", "32 characters.*at most 31"),
        ("one\ntwo\n", "one line"),
        ("tabbed\there", "printable"),
    ],
)
def test_what_no_nvr_would_take_is_told_without_showing_it(
    tmp_path: Path, held: str, words: str
) -> None:
    file = tmp_path / "password"
    file.write_text(held)
    with pytest.raises(ConfigError, match=words) as caught:
        password(NvrConfig(password_file=file))
    assert str(file) in str(caught.value)
    assert held.strip() not in str(caught.value)


def test_the_units_have_their_password_file_before_their_environment(tmp_path: Path) -> None:
    file = tmp_path / "password"
    nvr = NvrConfig(password_file=file, password="last")
    of_units = {"NVR_PASSWORD": "'third'", "NVR_HOST": "nvr", "NVR_USERNAME": "user"}
    assert passwords.password(nvr, {}, "setup", of_units) == "third"
    file.write_text("second\n")
    assert passwords.password(nvr, {}, "setup", of_units) == "second"
    assert passwords.password(nvr, {"NVR_PASSWORD": "first"}, "setup", of_units) == "first"
    path = tmp_path / "config.yaml"
    path.write_text(f"nvr:\n  password_file: {file}\n  host: other\n")
    loaded, found = passwords.load_with_settings(path, {"NVR_USERNAME": "me"}, of_units)
    assert (loaded.nvr.host, loaded.nvr.username, found) == ("nvr", "me", "second")


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o602, 0o640, 0o600])
def test_a_file_that_shows_the_password_to_everybody_is_told(tmp_path: Path, mode: int) -> None:
    file, default = tmp_path / "the password", tmp_path / "default"
    for path in (file, default):
        path.write_text("NVR_PASSWORD=secret\n")
        path.chmod(mode)
    told = list(passwords.exposed(NvrConfig(password_file=file), default))
    assert [str(path) in line for path, line in zip((file, default), told, strict=False)] == (
        [True, True] if mode & 0o007 else []
    )
    assert all("secret" not in line for line in told)
    if told:
        for line in told:
            subprocess.run(["sh", "-c", line.split("`")[1].removeprefix("sudo ")], check=True)
        assert list(passwords.exposed(NvrConfig(password_file=file), default)) == []


def test_a_file_without_the_password_may_be_seen(tmp_path: Path) -> None:
    default = tmp_path / "default"
    default.write_text("NVR_HOST=nvr\nNVR_PASSWORD=\n")
    default.chmod(0o644)
    nvr = NvrConfig(password_file=tmp_path / "none")
    assert list(passwords.exposed(nvr, default)) == []
    assert list(passwords.exposed(nvr, tmp_path / "nothing")) == []
    assert list(passwords.exposed(nvr, None)) == []


def test_a_password_that_is_missing_or_unreadable(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="setup"):
        password(NvrConfig(password_file=tmp_path / "none"))
    with pytest.raises(ConfigError, match="cannot be read"):
        password(NvrConfig(password_file=tmp_path))
    (tmp_path / "latin").write_bytes(b"\xff\n")
    with pytest.raises(ConfigError, match="UTF-8"):
        password(NvrConfig(password_file=tmp_path / "latin"))


def test_a_password_that_everybody_can_read_is_warned_of(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    for mode, warned in ((0o644, 1), (0o640, 0), (0o600, 0)):
        path.touch()
        path.chmod(mode)
        loaded = load(tmp_path, "nvr:\n  password: hunter2\n")
        assert stat.S_IMODE(path.stat().st_mode) == mode
        assert len(loaded.warnings) == warned
        assert all("line 2: nvr.password can be read" in warning for warning in loaded.warnings)
    path.chmod(0o644)
    assert load(tmp_path, "", {"NVR_PASSWORD": "hunter2"}).warnings == ()


@pytest.mark.parametrize(
    "written",
    [
        "&hunter2",
        "*hunter2",
        "!hunter2",
        "[hunter2]",
        "{hunter2: x}",
        "@hunter2",
        "'hunter2",
        "%hunter2",
        "x\n  hunter2: y",
        "\n  password:hunter2: y",
    ],
)
def test_a_password_that_yaml_cannot_hold_unquoted_is_refused_and_not_shown(
    tmp_path: Path, written: str
) -> None:
    told = problems(tmp_path, f"nvr:\n  password: {written}\n  host: http://u:hunter2@nvr\n")
    assert told
    assert "hunter2" not in "".join(told)


def test_no_password_shows_in_a_representation(tmp_path: Path) -> None:
    loaded = load(tmp_path, "nvr:\n  password: hunter2\n")
    assert loaded.nvr.password == "hunter2"
    assert "hunter2" not in f"{loaded!r}{loaded}"


# Changing a file


def change(text: str, **changes: str) -> str:
    dotted = {name.replace("__", "."): value for name, value in changes.items()}
    return edited(Path("config.yaml"), text, NAMES, dotted)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("nvr:\n  host:\n", "nvr:\n  host: new\n"),
        ("nvr:\n  host:   # where\n", "nvr:\n  host: new   # where\n"),
        (
            "nvr:\n  host: old  # where\n  username: u\n",
            "nvr:\n  host: new  # where\n  username: u\n",
        ),
        ("nvr:\n    host: 'old'\n", "nvr:\n    host: new\n"),
        ("nvr:\r\n  host: old\r\n", "nvr:\r\n  host: new\r\n"),
        ("nvr:\n  host: |\n    old\nstitch:\n", "nvr:\n  host: new\nstitch:\n"),
        ("# c\nnvr:\n    username: u\n", "# c\nnvr:\n    host: new\n    username: u\n"),
        ("nvr:  # c\nstitch: {}", "nvr:  # c\n  host: new\nstitch: {}"),
        ("nvr:", "nvr:\n  host: new\n"),
        ("", "nvr:\n  host: new\n"),
        ("stitch:\n  fps: 5", "stitch:\n  fps: 5\nnvr:\n  host: new\n"),
        ("nvr: {host: old, username: u}\n", "nvr: {host: new, username: u}\n"),
    ],
)
def test_changing_a_value_leaves_all_else_alone(before: str, after: str) -> None:
    assert change(before, nvr__host="new") == after


@pytest.mark.parametrize("before", ["nvr: {username: u}\n", "nvr: {}\n", "nvr: &n\n  <<: x\n"])
def test_a_file_too_unusual_to_be_changed_is_left_to_its_owner(before: str) -> None:
    with pytest.raises(ConfigError, match=r"nvr\.host: new"):
        change(before, nvr__host="new")


@unhurried
@given(st.text(st.characters(codec="utf-8"), max_size=31).filter(str.isprintable))
def test_whatever_is_written_is_read_again(value: str) -> None:
    sample = SAMPLE.read_text(encoding="utf-8")
    text = change(sample, nvr__username=value, nvr__host="[fe80::1]:80")
    read = {written.path: written.text for written in SettingsFile(SAMPLE, NAMES, text).settings}
    assert read["nvr.username"] == value
    assert yaml.safe_load(text)["nvr"]["username"] in ((value,) if value else (None,))
    assert text.count("\n") == sample.count("\n")
