"""The NVR's password: where it may stand, and which one counts."""

from __future__ import annotations

import shlex
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

from reolink_timelapsed.config import env_file, values
from reolink_timelapsed.config import settings as config
from reolink_timelapsed.config.settings import Config, NvrConfig
from reolink_timelapsed.config.written import read_written
from reolink_timelapsed.errors import ConfigError

CREDENTIAL = "password"
"""The name of the systemd credential that holds it."""

_NOTHING: Mapping[str, str] = MappingProxyType({})


def load_with_settings(
    path: Path | None, environ: Mapping[str, str], of_units: Mapping[str, str] = _NOTHING
) -> tuple[Config, str]:
    """Read the settings, and the password, for a command that speaks to the NVR.

    `of_units` are the variables that systemd gives to the units.

    Raises:
        ConfigError: with every problem of both.
    """
    surroundings = {**of_units, **environ}
    settings, problems, is_known = config.read(path, surroundings, needs_nvr=True)
    try:
        found = password(settings.nvr, environ, settings.setup, of_units) if is_known else ""
    except ConfigError as error:
        problems += error.problems
    if problems:
        raise ConfigError(problems)
    return settings, found


def password(
    nvr: NvrConfig,
    environ: Mapping[str, str],
    setup: str = config.setup_command(None),
    of_units: Mapping[str, str] = _NOTHING,
) -> str:
    """Return the password: systemd credential, environment, `password_file`, `password`.

    The first that is there and not empty counts; a newline at its end is not part of it. To the
    units their password file is the credential, so that it goes before their environment.

    Raises:
        ConfigError: there is none, it cannot be read, or no NVR would take it.
    """
    for where, text in _passwords(nvr, environ, of_units):
        if text:
            try:
                return values.secret(text)
            except ValueError as error:
                raise ConfigError([f"{where} {error}."]) from None
    problem = (
        f"there is no password for the NVR, neither in {nvr.password_file} nor in NVR_PASSWORD:"
        f" run `{setup}`."
    )
    raise ConfigError([problem])


def exposed(nvr: NvrConfig, environment_file: Path | None) -> Iterator[str]:
    """Say which files show the password to every user of this machine, and the remedy."""
    if _is_open(nvr.password_file):
        yield _show(nvr.password_file)
    if environment_file and _is_open(environment_file):
        with suppress(ConfigError):
            if env_file.read(environment_file).get("NVR_PASSWORD"):
                yield _show(environment_file)


def _is_open(path: Path) -> bool:
    try:
        return bool(path.stat().st_mode & (stat.S_IROTH | stat.S_IWOTH))
    except OSError:
        return False


def _show(path: Path) -> str:
    return (
        f"{path} shows the NVR's password to every user of this machine:"
        f" run `sudo chmod 600 {shlex.quote(str(path))}`."
    )


def _passwords(
    nvr: NvrConfig, environ: Mapping[str, str], of_units: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    credentials = environ.get("CREDENTIALS_DIRECTORY")
    if credentials:
        yield f"The credential {CREDENTIAL}", _first_line(Path(credentials, CREDENTIAL))
    yield "environment: NVR_PASSWORD", _from(environ)
    yield f"{nvr.password_file}", _first_line(nvr.password_file)
    yield "environment of the units: NVR_PASSWORD", _from(of_units)
    yield "nvr.password", nvr.password


def _from(environ: Mapping[str, str]) -> str:
    return config.unquoted(environ.get("NVR_PASSWORD", ""))


def _first_line(path: Path) -> str:
    """Return what a password file holds, "" if there is no such file."""
    try:
        text = read_written(path).decode("utf-8-sig")
    except FileNotFoundError:
        return ""
    except PermissionError as error:
        remedy = f"{error.strerror}: run the command with sudo, or look at its mode"
        raise ConfigError([f"{path} cannot be read ({remedy})."]) from error
    except OSError as error:
        raise ConfigError([f"{path} cannot be read ({error.strerror or error})."]) from error
    except UnicodeDecodeError:
        raise ConfigError([f"{path} is not UTF-8 text: write the password anew."]) from None
    return text.removesuffix("\n").removesuffix("\r")
