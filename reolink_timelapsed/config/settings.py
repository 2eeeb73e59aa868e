"""Settings: a YAML file, environment variables over it, one frozen `Config` out of both.

The dataclasses are the table of settings: each field names its key in the file, how its text is
read, its default as one would write it, and its environment variable.

"""

# ruff: noqa: RUF009 - what a settings class calls for its defaults is `dataclasses.field`
from __future__ import annotations

import stat
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from datetime import time, timedelta
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar, cast

from reolink_timelapsed.config import values
from reolink_timelapsed.config.places import DEFAULT_PATH
from reolink_timelapsed.config.yaml_file import Problem, SettingsFile
from reolink_timelapsed.errors import ConfigError
from reolink_timelapsed.humanize import GB

PASSWORD_PATH = "/etc/reolink-timelapse/password"  # noqa: S105

PRESETS = (
    "ultrafast superfast veryfast faster fast medium slow slower veryslow".split()  # noqa: SIM905
)
_IN_CONTAINER = Path("/data")
_DAY = timedelta(days=1)
_LAST = 1_000_000_000
"""The line of what stands on none: it is told after all the others."""

T = TypeVar("T")


class Key(NamedTuple):
    """One setting: `path` is section.name, `variable` its environment variable ("": none)."""

    path: str
    parse: Callable[[str], object]
    default: str
    variable: str

    @property
    def section(self) -> str:
        return self.path.partition(".")[0]

    @property
    def name(self) -> str:
        return self.path.partition(".")[2]


def _key(path: str, parse: Callable[[str], T], default: str, variable: str = "") -> T:
    """Declare a field of a settings class; `default` is a text for `parse`."""
    entry = Key(path, parse, default, variable)
    hidden = path == "nvr.password"
    made: T = field(default=parse(default), repr=not hidden, metadata={"key": entry})
    return made


@dataclass(frozen=True, slots=True)
class NvrConfig:
    """How to reach the NVR. `host` may carry a scheme and a port; bare IPv6 stands in brackets."""

    host: str = _key("nvr.host", values.host, "", "NVR_HOST")
    username: str = _key("nvr.username", values.login_name, "", "NVR_USERNAME")
    password_file: Path = _key("nvr.password_file", values.folder, PASSWORD_PATH)
    password: str = _key("nvr.password", str, "", "NVR_PASSWORD")
    """What file or environment say; what holds is for `password()` to find."""
    tls_fingerprint: str = _key("nvr.tls_fingerprint", values.fingerprint, "")
    """64 lower-case hex digits; empty = any certificate."""
    timeout_seconds: float = _key("nvr.timeout_seconds", values.number(1, 30, "seconds"), "15")


@dataclass(frozen=True, slots=True)
class CaptureConfig:
    """When to take pictures of what; no channels means all of them."""

    interval: timedelta = _key(
        "capture.interval_seconds",
        values.span(1, 3600, "seconds"),
        "15",
        "CAPTURE_INTERVAL_SECONDS",
    )
    channels: tuple[int, ...] = _key("capture.channels", values.channels, "", "CAPTURE_CHANNELS")
    daily_start: time | None = _key(
        "capture.daily_start", values.optional(values.clock_time), "04:00"
    )
    """Local time; None = start at once and capture for `duration`, one time."""
    duration: timedelta = _key(
        "capture.duration_hours", values.span(0.01, 87600, "hours"), "18", "DURATION_HOURS"
    )
    battery_cameras: Literal["skip", "include"] = _key(
        "capture.battery_cameras", values.choice("skip", "include"), "skip"
    )


@dataclass(frozen=True, slots=True)
class StitchConfig:
    """How frames become videos."""

    every_n_frames: int = _key(
        "stitch.every_n_frames", values.whole(1, 1_000_000), "1", "STITCH_EVERY_N_FRAMES"
    )
    fps: int = _key("stitch.fps", values.frame_rate, "24", "OUTPUT_FPS")
    preset: str = _key("stitch.preset", values.choice(*PRESETS), "veryfast")
    crf: int = _key("stitch.crf", values.whole(1, 51), "19")
    target_seconds: int | None = _key(
        "stitch.target_seconds", values.optional(values.whole(1, 86400, "seconds")), ""
    )
    gaps: Literal["skip", "hold"] = _key("stitch.gaps", values.choice("skip", "hold"), "skip")
    max_width: int | None = _key(
        "stitch.max_width", values.optional(values.even(160, 16384, "pixels")), ""
    )


@dataclass(frozen=True, slots=True)
class StorageConfig:
    """Where frames and videos lie and how long they stay; 0 days = for ever."""

    data_dir: Path = _key(
        "storage.data_dir", values.folder, "/var/lib/reolink-timelapse", "DATA_DIR"
    )
    min_free_gb: float = _key("storage.min_free_gb", values.number(0, 100_000, "gigabytes"), "2")
    keep_frames_days: int = _key("storage.keep_frames_days", values.whole(0, 36500, "days"), "2")
    keep_videos_days: int = _key("storage.keep_videos_days", values.whole(0, 36500, "days"), "0")
    keep_daily_frame: time | None = _key(
        "storage.keep_daily_frame", values.optional(values.clock_time), "12:00"
    )

    @property
    def min_free_bytes(self) -> int:
        return round(self.min_free_gb * GB)


@dataclass(frozen=True, slots=True)
class Config:
    """All settings; `path` is the file they came from, None if there was none."""

    nvr: NvrConfig = NvrConfig()
    capture: CaptureConfig = CaptureConfig()
    stitch: StitchConfig = StitchConfig()
    storage: StorageConfig = StorageConfig()
    path: Path | None = None
    warnings: tuple[str, ...] = ()

    @property
    def setup(self) -> str:
        """The command that asks for what is needed most, and writes it down."""
        return setup_command(self.path)


def _key_of(entry: Field[Any]) -> Key:
    return cast("Key", entry.metadata["key"])


_CLASSES = (NvrConfig, CaptureConfig, StitchConfig, StorageConfig)
KEYS = tuple(_key_of(entry) for kind in _CLASSES for entry in fields(kind))
NAMES = {
    section: tuple(key.name for key in KEYS if key.section == section)
    for section in dict.fromkeys(key.section for key in KEYS)
}


class _Setting(NamedTuple):
    """A text found for the key at `path`; `where` names its place and begins a sentence."""

    path: str
    text: str
    where: str
    line: int


def config_option(path: Path | None) -> str:
    """Return what a command needs to read the settings in `path`; None means `DEFAULT_PATH`."""
    return "" if path in (None, DEFAULT_PATH) else f" --config {path}"


def setup_command(path: Path | None) -> str:
    """Return how to run `setup` for the settings in `path`; None means `DEFAULT_PATH`."""
    return f"sudo reolink-timelapse{config_option(path)} setup"


def load(path: Path | None, environ: Mapping[str, str], *, needs_nvr: bool) -> Config:
    """Read the settings; `path` None means `DEFAULT_PATH` if it is there, else defaults.

    `needs_nvr` demands what only the commands that speak to the NVR use.

    Raises:
        ConfigError: with every problem of file and environment, each one sentence.
    """
    config, problems, _ = read(path, environ, needs_nvr=needs_nvr)
    if problems:
        raise ConfigError(problems)
    return config


def read(
    path: Path | None, environ: Mapping[str, str], *, needs_nvr: bool
) -> tuple[Config, list[str], bool]:
    """Return the settings, what is wrong with them, and whether it can be told what is missing.

    Of a file that is not even YAML it cannot. A wrong setting counts as its default.
    """
    if path is None and _present(DEFAULT_PATH):
        path = DEFAULT_PATH
    file = SettingsFile(path, NAMES) if path else None
    problems = list(file.problems) if file else []
    found = [*_from_file(path, file, problems), *_from_environment(environ)]
    config = Config(
        nvr=_section(NvrConfig, found, problems),
        capture=_section(CaptureConfig, found, problems),
        stitch=_section(StitchConfig, found, problems),
        storage=_section(StorageConfig, found, problems),
        path=path,
        warnings=(*_warnings(path, found), *_of_the_container(environ)),
    )
    problems.sort(key=lambda problem: problem.line or _LAST)
    sentences = [problem.sentence for problem in problems]
    sentences += _contradictions(config, {setting.path: setting.where for setting in found})
    is_known = file is None or file.is_yaml
    if needs_nvr and is_known:
        sentences += _missing({setting.path for setting in found if setting.text}, config)
    return config, sentences, is_known


def unquoted(text: str) -> str:
    """Strip a pair of quotes: `docker --env-file` hands them on, other readers of .env do not."""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return text


def _present(path: Path) -> bool:
    """Whether there is such a file, readable or not: an unreadable one must be complained of."""
    try:
        path.stat()
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return True


def _from_file(
    path: Path | None, file: SettingsFile | None, problems: list[Problem]
) -> Iterator[_Setting]:
    for written in file.settings if file else ():
        where = f"{path}, line {written.line}: {written.path}"
        if written.listed and written.path != "capture.channels":
            problems.append(Problem(written.line, f"{where} must be one value, not a list."))
        else:
            yield _Setting(written.path, written.text, where, written.line)


def _from_environment(environ: Mapping[str, str]) -> Iterator[_Setting]:
    for key in KEYS:
        text = unquoted(environ.get(key.variable, "").strip()) if key.variable else ""
        if text and not _is_of_container(key.variable, text):
            yield _Setting(key.path, text, f"environment: {key.variable}", _LAST)


def _is_of_container(variable: str, text: str) -> bool:
    """Tell the predecessor's data folder inside its container from a folder of this machine."""
    return variable == "DATA_DIR" and Path(text) == _IN_CONTAINER and not _IN_CONTAINER.is_dir()


def _of_the_container(environ: Mapping[str, str]) -> Iterator[str]:
    text = unquoted(environ.get("DATA_DIR", "").strip())
    if _is_of_container("DATA_DIR", text):
        yield (
            f"environment: DATA_DIR={text} is a folder inside the container of the predecessor, and"
            " there is none here: storage.data_dir counts; remove DATA_DIR, or make the folder."
        )


def _section(kind: type[T], found: list[_Setting], problems: list[Problem]) -> T:
    """Make one settings class of what was found for it; the last one found counts."""
    chosen: dict[str, object] = {}
    entries = {_key_of(entry).path: entry for entry in fields(cast("Any", kind))}
    for setting in found:
        entry = entries.get(setting.path)
        if entry is not None:
            try:
                chosen[entry.name] = _key_of(entry).parse(setting.text)
            except ValueError as error:
                problems.append(Problem(setting.line, f"{setting.where} {error}."))
    return kind(**chosen)


def _contradictions(config: Config, where: Mapping[str, str]) -> Iterator[str]:
    capture, nvr = config.capture, config.nvr
    duration = where.get("capture.duration_hours", "capture.duration_hours")
    if capture.daily_start is not None and capture.duration > _DAY:
        yield (
            f"{duration} must be at most 24 while there is a capture.daily_start;"
            " leave that one empty to capture once, for as long as you like."
        )
    if capture.duration < capture.interval:
        yield f"{duration} must not be shorter than capture.interval_seconds."
    if nvr.tls_fingerprint and nvr.host.startswith("http://"):
        yield (
            f"{where['nvr.tls_fingerprint']} cannot be checked over http://:"
            " write https:// in nvr.host, or leave the fingerprint empty."
        )


def _missing(written: Collection[str], config: Config) -> Iterator[str]:
    for path, what in (("nvr.host", "address"), ("nvr.username", "user name")):
        if path not in written:
            yield (
                f"{path} is missing, the NVR's {what}: run `{config.setup}`,"
                f" or write it into {config.path or DEFAULT_PATH}."
            )


def _warnings(path: Path | None, found: list[_Setting]) -> Iterator[str]:
    places = [setting.where for setting in found if setting.path == "nvr.password"]
    if path and places and places[0].startswith(str(path)) and _world_readable(path):
        yield (
            f"{places[0]} can be read by every user of this machine:"
            f" chmod 600 {path}, or put it into nvr.password_file."
        )


def _world_readable(path: Path) -> bool:
    return bool(path.stat().st_mode & stat.S_IROTH)
